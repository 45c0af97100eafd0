//! Changing an order that exists: load, authorise, decide, commit; and again, if somebody else was faster.

use order_domain::OrderId;
use order_domain::order::{Actor, Command, Order, execute};
use order_domain::ports::CommitError;

use crate::error::UseCaseError;
use crate::{Ports, UseCases, commit};

/// How often a command that meets a concurrent change is decided.
const TRIES: usize = 3;

/// What a command that meets a concurrent change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// Loads and decides again: a customer who cancels just as the charge settles gets a cancelled order.
    DecideAgain,
    /// Is refused: it replaces something that its caller may not have seen.
    Refuse,
}

/// An order after a command.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    /// The order.
    pub(crate) order: Order,
    /// False: it asked for what was already so.
    pub(crate) changed: bool,
}

impl UseCases {
    /// Runs a command on an order. `command` looks at the order as loaded, says who acts as what and what is asked, or
    /// why not; it is asked again after each conflict.
    pub(crate) async fn change(
        &self,
        id: OrderId,
        on_conflict: OnConflict,
        command: impl Fn(&Order) -> Result<(Actor, Command), UseCaseError> + Send,
    ) -> Result<Changed, UseCaseError> {
        for _ in 0..TRIES {
            let loaded = self.ports.orders.load(id).await?.ok_or(UseCaseError::NotFound)?;
            let (actor, command) = command(&loaded.order)?;
            let change = execute(&loaded.order, command, &actor, &self.rules, loaded.now)?;
            if change.is_empty() {
                return Ok(Changed { order: loaded.order, changed: false });
            }
            let Ports { orders, ids, signal, .. } = &self.ports;
            match commit(&**orders, &**ids, &**signal, change, |set| set).await {
                Ok(order) => return Ok(Changed { order, changed: true }),
                Err(CommitError::Conflict) if on_conflict == OnConflict::DecideAgain => {}
                Err(error) => return Err(not_committed(error)),
            }
        }
        Err(UseCaseError::ConcurrentChange)
    }
}

/// What a caller is told of a commit that did not take.
pub(crate) fn not_committed(error: CommitError) -> UseCaseError {
    match error {
        CommitError::Conflict => UseCaseError::ConcurrentChange,
        CommitError::KeyUsed => UseCaseError::KeyReused,
        CommitError::TaskLost => UseCaseError::Inconsistent("a task's answer to a command".into()),
        CommitError::Unknown(detail) => UseCaseError::OutcomeUnknown(detail),
        CommitError::Store(error) => error.into(),
    }
}
