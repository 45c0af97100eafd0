//! What happens to an order, step by step, and how a store is fed with it.

use order_domain::order::{
    self, Actor, CancelCode, Change, Command, DomainError, Order, OrderState, Recorded, Rejection, Status, Version,
};
use order_domain::payment::EntryState;
use order_domain::ports::{
    Claim, ClaimedTask, CommitError, Committed, IdGenerator, NewTask, OrderStore, TaskKind, TaskStore, WriteSet,
};
use order_domain::time::{Duration, Timestamp, after};
use order_domain::{EntryNo, Rules};

use super::basics::{admin, user, words};

/// One step of a life.
#[derive(Debug, Clone)]
pub enum Step {
    /// A command was accepted.
    Changed(Box<Change>),
    /// An entry was marked sent.
    Sent(EntryNo),
    /// A sent entry was put back.
    PutBack(EntryNo),
}

/// An order and how it came to be so.
#[derive(Debug, Clone)]
pub struct Life {
    /// The order as it is now.
    pub order: Order,
    /// Everything that happened, in sequence.
    pub steps: Vec<Step>,
    /// The moment of the next step.
    pub now: Timestamp,
    /// The rules it lives by.
    pub rules: Rules,
}

impl Life {
    /// A life that begins with this change.
    pub fn begin(placed: Change, rules: Rules, now: Timestamp) -> Self {
        Self { order: placed.order.clone(), steps: vec![Step::Changed(Box::new(placed))], now, rules }
    }

    /// A life that goes on with an order as it was loaded.
    pub fn of(order: Order, rules: Rules, now: Timestamp) -> Self {
        Self { order, steps: Vec::new(), now, rules }
    }

    /// Time passes.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.now = after(self.now, time);
        self
    }

    /// What the domain would make of a command; nothing has happened yet.
    ///
    /// # Errors
    /// What the domain says.
    pub fn asks(&self, actor: &Actor, command: Command) -> Result<Change, DomainError> {
        order::execute(&self.order, command, actor, &self.rules, self.now)
    }

    /// Why the rules refuse a command.
    pub fn is_refused(&self, actor: &Actor, command: Command) -> Rejection {
        match self.asks(actor, command) {
            Err(DomainError::Rejected(rejection)) => rejection,
            other => panic!("the rules should have refused: {other:?}"),
        }
    }

    /// A command is accepted.
    #[must_use]
    pub fn when(mut self, actor: &Actor, command: Command) -> Self {
        let told = format!("{command:?} by {actor:?}");
        let change = self.asks(actor, command).unwrap_or_else(|error| panic!("{told}: {error}"));
        self.order = change.order.clone();
        self.steps.push(Step::Changed(Box::new(change)));
        self
    }

    /// Its customer wants it at this time, from the last change on.
    #[must_use]
    pub fn wanted_at(mut self, moment: Timestamp) -> Self {
        let state = OrderState { scheduled_for: Some(moment), ..self.order.state().clone() };
        self.order = Order::restore(state, self.order.ledger().clone()).unwrap();
        if let Some(Step::Changed(change)) = self.steps.last_mut() {
            change.order = self.order.clone();
        }
        self
    }

    /// Entry `n` is marked sent.
    #[must_use]
    pub fn sent(mut self, n: EntryNo) -> Self {
        self.order.mark_sent(n, self.now).unwrap();
        self.steps.push(Step::Sent(n));
        self
    }

    /// Entry `n` is put back: its call was refused before it connected.
    #[must_use]
    pub fn put_back(mut self, n: EntryNo) -> Self {
        self.order.put_back(n, self.now).unwrap();
        self.steps.push(Step::PutBack(n));
        self
    }

    /// The payment service took charge `n`, which is called `tx-{n}`.
    #[must_use]
    pub fn charge_settles(self, n: EntryNo) -> Self {
        self.marked(n).when(&Actor::System, Command::ChargeSettled { entry: n, transaction_id: format!("tx-{n}") })
    }

    /// The payment service declines charge `n`.
    #[must_use]
    pub fn charge_is_declined(self, n: EntryNo) -> Self {
        self.marked(n).when(&Actor::System, Command::ChargeDeclined { entry: n })
    }

    /// The payment service paid refund `n`, which is called `tx-{n}`.
    #[must_use]
    pub fn refund_settles(self, n: EntryNo) -> Self {
        self.marked(n).when(&Actor::System, Command::RefundSettled { entry: n, transaction_id: format!("tx-{n}") })
    }

    /// The payment service declines refund `n`: it is booked again, due after 8 seconds, or in review.
    #[must_use]
    pub fn refund_is_declined(self, n: EntryNo) -> Self {
        let again_in = Duration::from_secs(8);
        self.marked(n).when(&Actor::System, Command::RefundDeclined { entry: n, again_in })
    }

    /// Confirmed; its charge settled, if it has one.
    #[must_use]
    pub fn paid(self) -> Self {
        if self.order.status() == Status::Pending { self.charge_settles(1) } else { self }
    }

    /// Given to a courier by an admin.
    #[must_use]
    pub fn assigned_to(self, courier: &str) -> Self {
        self.when(&admin(), Command::Assign { courier: user(courier) })
    }

    /// Moved to a status by an admin.
    #[must_use]
    pub fn moved_to(self, to: Status) -> Self {
        self.when(&admin(), Command::SetStatus { to, reason: None })
    }

    /// Being packed; paid before, if it was not.
    #[must_use]
    pub fn preparing(self) -> Self {
        self.paid().moved_to(Status::Preparing)
    }

    /// On its way, with courier `bob` if it has none; packed before, if it was not.
    #[must_use]
    pub fn out_for_delivery(self) -> Self {
        let packed = if self.order.status() == Status::Preparing { self } else { self.preparing() };
        let given = if packed.order.state().courier.is_some() { packed } else { packed.assigned_to("bob") };
        given.moved_to(Status::OutForDelivery)
    }

    /// With the customer; dispatched before, if it was not.
    #[must_use]
    pub fn delivered(self) -> Self {
        let gone = if self.order.status() == Status::OutForDelivery { self } else { self.out_for_delivery() };
        gone.moved_to(Status::Delivered)
    }

    /// Cancelled by its customer, without a word.
    #[must_use]
    pub fn cancelled(self) -> Self {
        let customer = Actor::Customer(self.order.state().customer.clone());
        self.when(&customer, Command::Cancel { code: CancelCode::CustomerRequest, reason: None })
    }

    /// Cancelled by an admin, for a reason.
    #[must_use]
    pub fn cancelled_by_admin(self, code: CancelCode, reason: &str) -> Self {
        self.when(&admin(), Command::Cancel { code, reason: words(reason) })
    }

    /// The changes, in sequence.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().filter_map(|step| match step {
            Step::Changed(change) => Some(&**change),
            Step::Sent(_) | Step::PutBack(_) => None,
        })
    }

    /// The last change.
    pub fn last_change(&self) -> Change {
        self.changes().last().expect("something has happened").clone()
    }

    /// The whole timeline, as far as this life has seen it.
    pub fn timeline(&self) -> Vec<Recorded> {
        self.changes().flat_map(|change| change.events.iter().cloned()).collect()
    }

    /// Commits all steps in sequence. An entry is marked sent by its task, which is claimed for that (so it must be due)
    /// and ends with the change that moves the entry on.
    pub async fn keep(&self, store: &dyn OrderStore, tasks: &dyn TaskStore, ids: &dyn IdGenerator) -> Kept {
        let mut kept = Kept::default();
        for step in &self.steps {
            match step {
                Step::Changed(change) => {
                    let mut set = write_set(ids, (**change).clone()).await;
                    let ends = |task: &ClaimedTask| set.moves.iter().any(|(n, _)| Some(*n) == task.entry);
                    if let Some(at) = kept.held.iter().position(ends) {
                        let task = kept.held.remove(at);
                        set = set.finishing(&task);
                        kept.tasks.retain(|kept| kept.id != task.id);
                    }
                    kept.tasks.extend(set.tasks.iter().cloned());
                    store.commit(vec![set]).await.unwrap();
                }
                Step::Sent(n) => {
                    if !kept.held.iter().any(|task| task.entry == Some(*n)) {
                        kept.held.push(claim_one(tasks, kept.task_of(*n)).await);
                    }
                    let (task, version) = kept.look(store, *n).await;
                    assert!(store.mark_sent(task, version, *n).await.unwrap(), "entry {n} can be marked sent");
                }
                Step::PutBack(n) => {
                    let (task, version) = kept.look(store, *n).await;
                    assert!(store.put_back(task, version, *n).await.unwrap(), "entry {n} can be put back");
                }
            }
        }
        kept
    }

    fn marked(self, n: EntryNo) -> Self {
        match self.order.ledger().entry(n).unwrap().state {
            EntryState::Booked => self.sent(n),
            _ => self,
        }
    }
}

/// What a life has left in a store.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Its unfinished tasks, those that are held too.
    pub tasks: Vec<NewTask>,
    /// The tasks that marked an entry sent, and go on.
    pub held: Vec<ClaimedTask>,
}

impl Kept {
    /// The unfinished task of entry `n`.
    pub fn task_of(&self, n: EntryNo) -> &NewTask {
        self.tasks.iter().find(|task| task.entry == Some(n)).expect("an entry that is under way has a task")
    }

    /// The unfinished task of a kind.
    pub fn task(&self, kind: TaskKind) -> &NewTask {
        self.tasks.iter().find(|task| task.kind == kind).expect("a task of this kind")
    }

    /// The task that marked entry `n` sent, and goes on.
    pub fn held(&self, n: EntryNo) -> &ClaimedTask {
        self.held.iter().find(|task| task.entry == Some(n)).expect("a task that marked the entry sent")
    }

    async fn look(&self, store: &dyn OrderStore, n: EntryNo) -> (&ClaimedTask, Version) {
        let task = self.held(n);
        let loaded = store.load_for(task).await.unwrap().expect("a task that is held");
        (task, loaded.order.version())
    }
}

/// A change as it is committed, its tasks numbered by `ids`.
pub async fn write_set(ids: &dyn IdGenerator, change: Change) -> WriteSet {
    let numbers = ids.task_ids(change.tasks.len()).await.unwrap();
    WriteSet::new(change, numbers)
}

/// Commits a change by itself.
///
/// # Errors
/// What the store says.
pub async fn commit(store: &dyn OrderStore, ids: &dyn IdGenerator, change: Change) -> Result<Committed, CommitError> {
    store.commit(vec![write_set(ids, change).await]).await
}

/// Claims one task, which must be due, for 30 seconds.
pub async fn claim_one(tasks: &dyn TaskStore, task: &NewTask) -> ClaimedTask {
    let claim = Claim {
        slots: vec![(task.kind, 1)],
        chores: Vec::new(),
        only: Some(vec![task.id]),
        lease: Duration::from_secs(30),
    };
    let sweep = tasks.claim(&claim).await.unwrap();
    sweep.claimed.into_iter().next().unwrap_or_else(|| panic!("task {} should be due", task.id))
}
