//! Orders for a time that their customer names: 30 minutes to 30 days ahead. They are priced, checked and charged when
//! they are placed; the shop sees them when they are *released*, once, a lead before their time and never earlier.

use crate::ids::EntryNo;
use crate::rules::Rules;
use crate::time::{Timestamp, after, before};

use super::error::Rejection;
use super::event::Event;
use super::state::{Order, OrderState};
use super::status::Status;

/// Is it a time that can be promised?
///
/// # Errors
/// [`Rejection::ScheduledInThePast`], [`Rejection::ScheduledTooSoon`] or [`Rejection::ScheduledTooLate`].
pub fn can_be_promised(scheduled_for: Timestamp, rules: &Rules, now: Timestamp) -> Result<(), Rejection> {
    let (earliest, latest) = (after(now, rules.schedule_at_least), after(now, rules.schedule_at_most));
    if scheduled_for < now {
        Err(Rejection::ScheduledInThePast)
    } else if scheduled_for < earliest {
        Err(Rejection::ScheduledTooSoon { earliest })
    } else if scheduled_for > latest {
        Err(Rejection::ScheduledTooLate { latest })
    } else {
        Ok(())
    }
}

/// When a confirmed order that has not been released is to be: a lead before its time, at once without one.
pub fn release_due(state: &OrderState, rules: &Rules, now: Timestamp) -> Timestamp {
    state.scheduled_for.map_or(now, |at| before(at, rules.release_lead).max(now))
}

/// The confirmation of an order. Of a scheduled one it says when that is to be released.
pub(super) fn confirmation(
    state: &OrderState,
    paid: Option<(EntryNo, Option<String>)>,
    as_cash: bool,
    rules: &Rules,
    now: Timestamp,
) -> Event {
    let release_at = state.scheduled_for.map(|_| release_due(state, rules, now));
    Event::Confirmed { paid, as_cash, release_at }
}

/// When an order is to be released whose adjustment closes now, if it waits for that.
pub(super) fn release_after_edit(state: &OrderState, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    let closed = OrderState { adjustment: None, ..state.clone() };
    awaits_release(&closed).then(|| release_due(state, rules, now))
}

/// Whether the order waits for its release: it is confirmed, and nothing is left to be paid for it.
pub(super) fn awaits_release(state: &OrderState) -> bool {
    state.status == Status::Confirmed && state.released_at.is_none() && state.adjustment.is_none()
}

/// Which event another time yields; `None` is none any more.
pub(super) fn reschedule(
    order: &Order,
    scheduled_for: Option<Timestamp>,
    rules: &Rules,
    now: Timestamp,
) -> Result<Option<Event>, Rejection> {
    let state = &order.state;
    if scheduled_for == state.scheduled_for {
        return Ok(None);
    }
    // A time that can't be promised is no time for any order, whatever has become of this one.
    if let Some(at) = scheduled_for {
        can_be_promised(at, rules, now)?;
    }
    if !matches!(state.status, Status::Pending | Status::Confirmed) {
        return Err(Rejection::NotChangeable { current: state.status });
    }
    if state.released_at.is_some() {
        return Err(Rejection::AlreadyReleased);
    }
    let moved = OrderState { scheduled_for, ..state.clone() };
    let release_at = awaits_release(&moved).then(|| release_due(&moved, rules, now));
    Ok(Some(Event::Rescheduled { scheduled_for, release_at }))
}

/// Which event the release yields: the order is released, or it ends because something is `gone`.
pub(super) fn release(order: &Order, gone: bool, rules: &Rules, now: Timestamp) -> Result<Vec<Event>, Rejection> {
    if !awaits_release(&order.state) || release_due(&order.state, rules, now) > now {
        return Err(Rejection::NotDue);
    }
    let code = super::command::CancelCode::OutOfStock;
    Ok(vec![if gone { Event::Cancelled { code, reason: None, declined: None } } else { Event::Released }])
}
