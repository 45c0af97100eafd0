//! From a command to a change that can be committed.

use crate::ids::{EntryNo, OrderId};
use crate::money::Money;
use crate::payment::{EntryKind, EntryState, PaymentMethod};
use crate::ports::TaskKind;
use crate::rules::Rules;
use crate::time::Timestamp;

use super::actor::Actor;
use super::command::Command;
use super::consequences::{Consequence, consequences};
use super::decide::decide;
use super::error::{DomainError, Inconsistent};
use super::event::Event;
use super::state::{Order, Version};
use super::status::Status;

/// An event as it stands in the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the order's timeline: 1, 2, 3 …
    pub seq: Version,
    /// When: never before the event before it.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub event: Event,
    /// The order's status after it.
    pub status: Status,
    /// The amount, where money moved.
    pub amount: Option<Money>,
}

/// A task that follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDraft {
    /// What is to be done.
    pub kind: TaskKind,
    /// For which order.
    pub order: OrderId,
    /// For which entry, where it is an entry's.
    pub entry: Option<EntryNo>,
    /// The event that caused it.
    pub seq: Version,
    /// Its place among the tasks of that event.
    pub ordinal: u32,
    /// When it is due.
    pub due: Timestamp,
}

/// What a command makes of an order: everything that has to be committed together.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The order afterwards.
    pub order: Order,
    /// The version it was loaded in; `None` for a new one.
    pub base: Option<Version>,
    /// What happened.
    pub events: Vec<Recorded>,
    /// Entries that moved, with the state they were loaded in.
    pub moves: Vec<(EntryNo, EntryState)>,
    /// Entries that were booked.
    pub booked: Vec<EntryNo>,
    /// What is to be done outside.
    pub tasks: Vec<TaskDraft>,
    /// Its lines are other ones.
    pub relined: bool,
}

impl Change {
    /// True when the command asked for what is already so.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// Decides a command and works out all that follows.
///
/// # Errors
/// [`DomainError::Rejected`] when the rules refuse it; nothing has changed then.
pub fn execute(
    order: &Order,
    command: Command,
    actor: &Actor,
    rules: &Rules,
    now: Timestamp,
) -> Result<Change, DomainError> {
    let events = decide(order, command, actor, rules, now)?;
    let by = |event: &Event| if event.is_the_systems() { Actor::System } else { actor.clone() };
    let events = events.into_iter().map(|event| (by(&event), event)).collect();
    Ok(apply(order.clone(), Some(order.version()), events, now)?)
}

/// Lets events happen one after another, each by its actor and followed by its consequences.
pub(super) fn apply(
    mut order: Order,
    base: Option<Version>,
    events: Vec<(Actor, Event)>,
    now: Timestamp,
) -> Result<Change, Inconsistent> {
    let loaded = order.ledger.entries().len();
    // An event never happens before the one before it, whatever the clocks say.
    let at = now.max(order.state.updated_at);
    let mut relined = false;
    let (mut recorded, mut moves, mut booked, mut tasks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (actor, event) in events {
        order.evolve(&event, &actor, at)?;
        let seq = order.version();
        let mut task = |kind, entry, due| {
            let ordinal = tasks.iter().filter(|task: &&TaskDraft| task.seq == seq).count();
            let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
            tasks.push(TaskDraft { kind, order: order.state.id, entry, seq, ordinal, due });
        };
        let mut amount = None;
        for consequence in consequences(&order, &event)? {
            match consequence {
                Consequence::Move { entry, to, transaction_id, by_hand } => {
                    let was = order.ledger.entry(entry)?.state;
                    if entry as usize <= loaded && moves.iter().all(|(moved, _)| *moved != entry) {
                        moves.push((entry, was));
                    }
                    let shifted = order.ledger.shift(entry, to, at)?;
                    shifted.transaction_id = transaction_id.or(shifted.transaction_id.take());
                    if by_hand {
                        shifted.method = PaymentMethod::Cash;
                    }
                }
                Consequence::Book(booking) => {
                    let n = order.ledger.book(&booking, at)?;
                    booked.push(n);
                    if booking.state == EntryState::Settled {
                        amount = Some(booking.amount);
                    }
                    if booking.method == PaymentMethod::Online && booking.state == EntryState::Booked {
                        let kind = match booking.kind {
                            EntryKind::Charge => TaskKind::Charge,
                            EntryKind::Refund => TaskKind::Refund,
                        };
                        task(kind, Some(n), booking.due);
                    }
                }
                Consequence::Task(kind, due) => task(kind, None, due),
            }
        }
        if let Some(entry) = event.settled_entry() {
            amount = Some(order.ledger.entry(entry)?.amount);
        }
        relined |= matches!(event, Event::Edited(_) | Event::EditReverted { .. });
        recorded.push(Recorded { seq, at, actor, event, status: order.status(), amount });
    }
    let order = order.checked()?;
    Ok(Change { order, base, events: recorded, moves, booked, tasks, relined })
}
