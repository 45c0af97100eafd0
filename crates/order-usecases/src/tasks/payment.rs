//! Follows a charge or a refund to its end. The protocol is the one that was model-checked: *sent* is committed before
//! the call, an entry that is found *sent* is asked for again under the same key, and a settlement needs the task's
//! token, the order's version and the entry's state.

use order_domain::EntryNo;
use order_domain::order::{Actor, Command, DomainError, Rejection, execute};
use order_domain::payment::{Entry, EntryKind, EntryState, Step, is_wanted, next_step, overdue_at};
use order_domain::ports::{
    ClaimedTask, CommitError, EntryFailure, Loaded, Payment, PaymentError, PaymentReceipt, WriteSet,
};
use order_domain::time::{Duration, until};
use tokio::time::Instant;

use super::{Done, Handlers, TaskError};
use crate::{TRIES, commit};

/// Whether the task ends with what it commits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Finish,
    GoOn,
}

impl Handlers {
    pub(super) async fn follow_payment(&self, task: &ClaimedTask, n: EntryNo) -> Result<Done, TaskError> {
        for _ in 0..TRIES {
            // The order and the token in one read: whoever lost the task makes no call.
            let Some(loaded) = self.orders.load_for(task).await? else { return Ok(Done::Lost) };
            let (state, ledger) = (loaded.order.state(), loaded.order.ledger());
            match next_step(state, ledger, n, &self.rules, loaded.now)? {
                Step::Finish => return Ok(Done::Finish),
                Step::Withdraw => {
                    if self.commit(task, &loaded, Command::WithdrawCharge { entry: n }, Then::Finish).await? {
                        return Ok(Done::Committed);
                    }
                }
                Step::TimeOut => {
                    // A booked charge is withdrawn by the cancellation; a sent one is followed on.
                    let sent = ledger.entry(n)?.state == EntryState::Sent;
                    let then = if sent { Then::GoOn } else { Then::Finish };
                    let took = self.commit(task, &loaded, Command::TimeOut { entry: n }, then).await?;
                    if took && !sent {
                        return Ok(Done::Committed);
                    }
                }
                // Nothing is written down for a call that would not leave.
                Step::Send | Step::AskAgain if self.rests(task.kind) => {
                    let error = PaymentError::NotSent("the payment service is left alone for a while".to_owned());
                    let failure = EntryFailure { entry: n, refusal: false, again: false };
                    return Ok(self.later(&loaded, n, &error, failure));
                }
                Step::Send => {
                    if self.orders.mark_sent(task, loaded.order.version(), n).await? {
                        let seen = Seen::sent(loaded, n)?;
                        return self.call(task, &seen, n, true).await;
                    }
                }
                Step::AskAgain => {
                    let seen = Seen::at_once(loaded);
                    return match self.look_up(task, &seen, n).await? {
                        Some(done) => Ok(done),
                        None => self.call(task, &seen, n, false).await,
                    };
                }
                Step::WaitUntil(at) => {
                    let why = "no call is made before a person has looked";
                    return Ok(Done::Wait { time: until(loaded.now, at), why });
                }
                Step::Review => {
                    let seen = Seen::at_once(loaded);
                    if let Some(done) = self.look_up(task, &seen, n).await? {
                        return Ok(done);
                    }
                    let loaded = seen.loaded;
                    let (state, ledger) = (loaded.order.state(), loaded.order.ledger());
                    // The task of a charge that is waited for goes on as the timer of that.
                    let entry = ledger.entry(n)?;
                    let waited_for = entry.kind == EntryKind::Charge && is_wanted(state, entry);
                    let then = if waited_for { Then::GoOn } else { Then::Finish };
                    let took = self.commit(task, &loaded, Command::PutInReview { entry: n }, then).await?;
                    if took && !waited_for {
                        return Ok(Done::Committed);
                    }
                }
            }
        }
        Ok(Done::retry(&"too many concurrent changes"))
    }

    /// Asks what has become of an entry that was sent, before it is sent again. `None`: nobody can tell.
    async fn look_up(&self, task: &ClaimedTask, seen: &Seen, n: EntryNo) -> Result<Option<Done>, TaskError> {
        let entry = seen.loaded.order.ledger().entry(n)?;
        match self.payments.outcome(&payment(task, &seen.loaded, entry)).await {
            Ok(Some(receipt)) => self.settled(task, seen, entry, receipt).await.map(Some),
            Err(PaymentError::Declined(_)) => self.declined(task, seen, entry).await.map(Some),
            Ok(None) | Err(PaymentError::NotSent(_) | PaymentError::Refused(_) | PaymentError::Unknown(_)) => Ok(None),
        }
    }

    /// Makes the one call of this try. `own`: this task has just marked the entry sent, so a call that never reached the
    /// service may be taken back.
    async fn call(&self, task: &ClaimedTask, seen: &Seen, n: EntryNo, own: bool) -> Result<Done, TaskError> {
        let loaded = &seen.loaded;
        let entry = loaded.order.ledger().entry(n)?;
        let payment = payment(task, loaded, entry);
        let answer = match entry.kind {
            EntryKind::Charge => self.payments.charge(&payment).await,
            EntryKind::Refund => self.payments.refund(&payment).await,
        };
        let refusal = matches!(answer, Err(PaymentError::Refused(_)));
        let failure = EntryFailure { entry: n, refusal, again: !own };
        match answer {
            Ok(receipt) => self.settled(task, seen, entry, receipt).await,
            Err(PaymentError::Declined(_)) => self.declined(task, seen, entry).await,
            Err(error @ PaymentError::NotSent(_)) if own => {
                self.put_back(task, n).await?;
                Ok(self.later(loaded, n, &error, failure))
            }
            Err(error @ (PaymentError::NotSent(_) | PaymentError::Refused(_) | PaymentError::Unknown(_))) => {
                Ok(self.later(loaded, n, &error, failure))
            }
        }
    }

    async fn settled(
        &self,
        task: &ClaimedTask,
        seen: &Seen,
        entry: &Entry,
        receipt: PaymentReceipt,
    ) -> Result<Done, TaskError> {
        let (n, PaymentReceipt { transaction_id }) = (entry.n, receipt);
        self.settle(task, seen, || match entry.kind {
            EntryKind::Charge => Command::ChargeSettled { entry: n, transaction_id: transaction_id.clone() },
            EntryKind::Refund => Command::RefundSettled { entry: n, transaction_id: transaction_id.clone() },
        })
        .await
    }

    async fn declined(&self, task: &ClaimedTask, seen: &Seen, entry: &Entry) -> Result<Done, TaskError> {
        let n = entry.n;
        let again_in = self.backoff(entry.origin.map_or(0, |origin| origin.declines) + 1);
        self.settle(task, seen, || match entry.kind {
            EntryKind::Charge => Command::ChargeDeclined { entry: n },
            EntryKind::Refund => Command::RefundDeclined { entry: n, again_in },
        })
        .await
    }

    /// Commits what the payment service said: on the order as it was seen before the call, if that was just now, since it
    /// has seldom changed meanwhile; deciding again where it has. The answer stays the answer.
    async fn settle(
        &self,
        task: &ClaimedTask,
        seen: &Seen,
        command: impl Fn() -> Command + Send,
    ) -> Result<Done, TaskError> {
        let mut just_seen = seen.just_now();
        for _ in 0..TRIES {
            let loaded = match just_seen.take() {
                Some(loaded) => loaded,
                None => match self.orders.load_for(task).await? {
                    Some(loaded) => loaded,
                    None => return Ok(Done::Lost),
                },
            };
            match self.commit(task, &loaded, command(), Then::Finish).await {
                Ok(true) => return Ok(Done::Committed),
                Ok(false) => {}
                // A late or repeated answer: the entry has moved on, and the next look at it says what is left to do.
                Err(TaskError::Domain(DomainError::Rejected(rejection @ Rejection::EntryMoved { .. }))) => {
                    return Ok(Done::retry(&rejection));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Done::retry(&"too many concurrent changes"))
    }

    /// `sent → booked`, whatever has happened to the order meanwhile, as long as the task is in these hands.
    async fn put_back(&self, task: &ClaimedTask, n: EntryNo) -> Result<(), TaskError> {
        for _ in 0..TRIES {
            let Some(loaded) = self.orders.load_for(task).await? else { return Ok(()) };
            let still_sent = loaded.order.ledger().entry(n)?.state == EntryState::Sent;
            if !still_sent || self.orders.put_back(task, loaded.order.version(), n).await? {
                return Ok(());
            }
        }
        Ok(()) // It stays sent and is asked for again: never wrong, only slower to withdraw.
    }

    /// Commits a command of the system. False: somebody else changed the order meanwhile.
    async fn commit(
        &self,
        task: &ClaimedTask,
        loaded: &Loaded,
        command: Command,
        then: Then,
    ) -> Result<bool, TaskError> {
        let change = execute(&loaded.order, command, &Actor::System, &self.rules, loaded.now)?;
        let complete = |set: WriteSet| match then {
            Then::Finish => set.finishing(task),
            Then::GoOn => set.held_by(task),
        };
        match commit(&*self.orders, &*self.ids, &*self.signal, &*self.live, change, complete).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A charge that is waited for is looked at again when its order is overdue, if not before.
    fn later(&self, loaded: &Loaded, n: EntryNo, error: &PaymentError, failure: EntryFailure) -> Done {
        let state = loaded.order.state();
        let entry = loaded.order.ledger().get(n);
        let waited_for = entry.filter(|entry| entry.kind == EntryKind::Charge && is_wanted(state, entry));
        let overdue_in = |charge| until(loaded.now, overdue_at(state, charge, &self.rules));
        let within = waited_for.map_or(Duration::MAX, overdue_in);
        Done::Retry { error: error.to_string(), entry: Some(failure), within: Some(within) }
    }
}

/// What a call takes at most for its answer to count from the moment before it: a timeline is told to the second.
const JUST_NOW: Duration = Duration::from_secs(1);

/// An order as it was before a call that takes its time.
struct Seen {
    loaded: Loaded,
    since: Instant,
}

impl Seen {
    fn at_once(loaded: Loaded) -> Self {
        Self { loaded, since: Instant::now() }
    }

    /// The order whose entry has just been marked sent.
    fn sent(mut loaded: Loaded, n: EntryNo) -> Result<Self, TaskError> {
        loaded.order.mark_sent(n, loaded.now)?;
        Ok(Self::at_once(loaded))
    }

    /// The same order, if the moment at which it was seen still passes for now.
    fn just_now(&self) -> Option<Loaded> {
        (self.since.elapsed() < JUST_NOW).then(|| self.loaded.clone())
    }
}

/// What the payment service is asked for.
fn payment(task: &ClaimedTask, loaded: &Loaded, entry: &Entry) -> Payment {
    let customer = loaded.order.state().customer.clone();
    Payment { key: entry.key(task.order), customer, order: task.order, amount: entry.amount }
}
