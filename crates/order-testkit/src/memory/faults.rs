//! What a test has planned for the calls of a store: failures, and somebody who is faster.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use order_domain::ports::StoreError;

/// A call of the store ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `OrderStore::now`.
    Now,
    /// `OrderStore::receipt`.
    Receipt,
    /// `OrderStore::placing`.
    Placing,
    /// `OrderStore::load`.
    Load,
    /// `OrderStore::load_for`.
    LoadFor,
    /// `OrderStore::cause_of`.
    CauseOf,
    /// `OrderStore::commit`.
    Commit,
    /// `OrderStore::mark_sent`.
    MarkSent,
    /// `OrderStore::put_back`.
    PutBack,
    /// `OrderStore::forget`.
    Forget,
    /// `OrderReader::list`.
    List,
    /// `OrderReader::timeline`.
    Timeline,
    /// `OrderReader::versions`.
    Versions,
    /// `OrderReader::ping`.
    Ping,
    /// `TaskStore::claim`.
    Claim,
    /// `TaskStore::finish`.
    Finish,
    /// `TaskStore::fail`.
    Fail,
    /// `TaskStore::hand_back` and `TaskStore::hand_back_chore`.
    HandBack,
    /// `TaskStore::figures`.
    Figures,
    /// `TaskStore::rest`.
    Rest,
    /// `AuditReader`, all of its calls.
    Audit,
    /// `TaskDesk`, all of its calls.
    Desk,
    /// `Outbox::next`.
    Next,
    /// `Outbox::published`.
    Published,
    /// `Outbox::leave`.
    Leave,
    /// `Outbox::unpublished`.
    Unpublished,
    /// `EventHistory::events`.
    History,
    /// `IdGenerator::order_id` and `IdGenerator::task_ids`.
    Ids,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database is away. Nothing is changed.
    Unavailable,
    /// Of `commit`: a conflict. Of `mark_sent` and `put_back`: `false`. Nothing is changed. Of any other call: as
    /// [`Fault::Unavailable`].
    Conflict,
    /// It takes effect, but the answer is lost: the outcome is unknown, and of a call that knows no such answer, the
    /// database is away.
    DoneButUnknown,
    /// It does not take effect, and the outcome is unknown, as above.
    UndoneButUnknown,
}

pub(super) type Hook = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

#[derive(Default)]
pub(super) struct Faults {
    pub(super) away: bool,
    planned: Vec<(Op, Fault)>,
    hooks: Vec<(Op, Hook)>,
    calls: BTreeMap<Op, usize>,
}

impl Faults {
    pub(super) fn fail_next(&mut self, op: Op, fault: Fault) {
        self.planned.push((op, fault));
    }

    pub(super) fn before_next(&mut self, op: Op, hook: Hook) {
        self.hooks.push((op, hook));
    }

    pub(super) fn calls(&self, op: Op) -> usize {
        self.calls.get(&op).copied().unwrap_or_default()
    }

    pub(super) fn take_hook(&mut self, op: Op) -> Option<Hook> {
        *self.calls.entry(op).or_default() += 1;
        let index = self.hooks.iter().position(|(planned, _)| *planned == op)?;
        Some(self.hooks.remove(index).1)
    }

    pub(super) fn take_fault(&mut self, op: Op) -> Option<Fault> {
        if self.away {
            return Some(Fault::Unavailable);
        }
        let index = self.planned.iter().position(|(planned, _)| *planned == op)?;
        Some(self.planned.remove(index).1)
    }
}

pub(super) fn unavailable() -> StoreError {
    StoreError::Unavailable("as the test wants it".into())
}
