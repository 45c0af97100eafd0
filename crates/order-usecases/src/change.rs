//! Changing an order that exists: load, authorise, decide, commit; and again, if somebody else was faster.

use order_domain::OrderId;
use order_domain::order::{Actor, Change, Command, DomainError, Order, Rejection, execute};
use order_domain::ports::CommitError;

use crate::error::UseCaseError;
use crate::request::{Answer, IfMatch, Request, not_committed};
use crate::{TRIES, UseCases};

/// What a command that meets a concurrent change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// Loads and decides again: a customer who cancels just as the charge settles gets a cancelled order.
    DecideAgain,
    /// Is refused: it replaces something that its caller may not have seen.
    Refuse,
}

impl UseCases {
    /// Runs a command on an order, and answers as `request` wants it. `command` looks at the order as loaded, says who
    /// acts as what and what is asked, or why not; it is asked again after each conflict.
    ///
    /// Only one part of [`UseCases::once`], which looks for the answer to an equal request.
    pub(crate) async fn change(
        &self,
        id: OrderId,
        on_conflict: OnConflict,
        request: &Request,
        command: impl Fn(&Order) -> Result<(Actor, Command), UseCaseError> + Send,
    ) -> Result<Answer, UseCaseError> {
        for _ in 0..TRIES {
            let loaded = self.ports.orders.load(id).await?.ok_or(UseCaseError::NotFound)?;
            let (actor, command) = command(&loaded.order)?;
            let taken = matches!(command, Command::Take);
            let decided = execute(&loaded.order, command, &actor, &self.rules, loaded.now);
            let current = loaded.order.version();
            if !request.if_match.holds(current) && !is_said_first(&decided, taken) {
                return Err(UseCaseError::PreconditionFailed { current });
            }
            let change = decided?;
            let answer = request.answer(&change)?;
            match self.commit_answered(change, request, &answer).await {
                Ok(()) => return Ok(answer),
                Err(CommitError::Conflict) if on_conflict == OnConflict::DecideAgain => {}
                // Decided again only in a version that the caller has in mind: it is refused if there is another one now.
                Err(CommitError::Conflict) if request.if_match != IfMatch::Any => {}
                Err(error) => return Err(not_committed(error)),
            }
        }
        Err(UseCaseError::ConcurrentChange)
    }
}

/// Is it said before anything of the version: that the order is not theirs, or that the request lacks something? What a
/// courier can't take is not theirs either.
fn is_said_first(decided: &Result<Change, DomainError>, taken: bool) -> bool {
    match decided {
        Err(
            DomainError::Rejected(
                Rejection::NotYours
                | Rejection::NoSuchEntry { .. }
                | Rejection::ReasonRequired { .. }
                | Rejection::AmountNotPositive
                | Rejection::OutcomeNotPossible { .. }
                | Rejection::ScheduledInThePast
                | Rejection::ScheduledTooSoon { .. }
                | Rejection::ScheduledTooLate { .. },
            )
            | DomainError::Inconsistent(_),
        ) => true,
        Err(DomainError::Rejected(Rejection::NotAssignable { .. })) => taken,
        Ok(_) | Err(DomainError::Rejected(_)) => false,
    }
}
