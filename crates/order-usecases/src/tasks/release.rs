//! Hands a scheduled order to the shop when its time is near: once, never early. What it consists of is looked for once
//! more; it ends here if something is gone. A product service that is away is waited for a while, and then the shop has
//! to see for itself.

use order_domain::order::{Actor, Command, DomainError, Order, Rejection, Status, execute, release_due};
use order_domain::ports::{ClaimedTask, CommitError, Loaded};
use order_domain::pricing::shortages;
use order_domain::time::{after, until};

use super::{Done, Handlers, TaskError};
use crate::{TRIES, commit};

impl Handlers {
    pub(super) async fn release(&self, task: &ClaimedTask) -> Result<Done, TaskError> {
        for _ in 0..TRIES {
            let Some(loaded) = self.orders.load_for(task).await? else { return Ok(Done::Lost) };
            let (state, now) = (loaded.order.state(), loaded.now);
            // Released, ended, or with an adjustment that brings a task of its own when it closes.
            if state.status != Status::Confirmed || state.released_at.is_some() || state.adjustment.is_some() {
                return Ok(Done::Finish);
            }
            let due = release_due(state, &self.rules, now);
            if due > now {
                return Ok(Done::Wait { time: until(now, due), why: "not its time yet" });
            }
            let gone = match self.is_gone(&loaded.order).await {
                Ok(gone) => gone,
                Err(error) => {
                    let patient = after(release_due(state, &self.rules, state.updated_at), self.rules.stock_patience);
                    if now < patient {
                        let within = Some(until(now, patient));
                        return Ok(Done::Retry { error: error.to_string(), entry: None, within });
                    }
                    tracing::warn!(order = %task.order, %error, "released without a look at the stock");
                    false
                }
            };
            match self.commit_release(task, &loaded, gone).await {
                // Decided otherwise meanwhile: the next look says what is left to do.
                Err(
                    TaskError::Commit(CommitError::Conflict)
                    | TaskError::Domain(DomainError::Rejected(Rejection::NotDue)),
                ) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(Done::Committed),
            }
        }
        Ok(Done::retry(&"too many concurrent changes"))
    }

    /// Can anything of it no longer be had?
    async fn is_gone(&self, order: &Order) -> Result<bool, TaskError> {
        let lines = &order.state().lines;
        let mut ids: Vec<_> = lines.iter().map(|line| line.product.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.products.products(&ids).await?;
        Ok(!shortages(lines.iter().map(|line| (line.product.id, line.quantity)), &found).is_empty())
    }

    async fn commit_release(&self, task: &ClaimedTask, loaded: &Loaded, gone: bool) -> Result<(), TaskError> {
        let change = execute(&loaded.order, Command::Release { gone }, &Actor::System, &self.rules, loaded.now)?;
        commit(&*self.orders, &*self.ids, &*self.signal, &*self.live, change, |set| set.finishing(task)).await?;
        Ok(())
    }
}
