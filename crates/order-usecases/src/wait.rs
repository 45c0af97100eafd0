//! Answers that wait until something has happened to an order, or until their time is over.
//!
//! Whoever waits subscribes first and reads then, so that nothing is missed in between; and reads once more when the time
//! is over, so that a word that was lost costs time and never the answer. Nothing is held meanwhile but the subscription:
//! no connection to the database, no lock. Very many may be woken by one word, so they look again in turn, and leave room
//! for other requests. Where there is no room for another subscription, or the service is stopping, nobody waits.

use order_domain::OrderId;
use order_domain::order::{Order, Status, Version};
use order_domain::ports::{Subscription, TimelineItem};
use order_domain::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::UseCases;
use crate::caller::Caller;
use crate::error::UseCaseError;
use crate::place::PlaceOrder;
use crate::request::{Answer, Outcome, Render, Request};

/// How many of those who waited look again at once.
pub(crate) const TURNS: usize = 4;

/// How long until the next look when a reader does not show yet what was heard of: a replica may be behind.
const BEHIND: Duration = Duration::from_millis(100);

impl UseCases {
    /// What has happened to an order after its event number `after`, for those who may read it. With `until`, an answer
    /// without an entry waits for one until then; `waits` is told when the wait begins.
    ///
    /// # Errors
    /// [`UseCaseError::NotFound`] for anybody else, too; also for somebody who may no longer read it when the wait ends.
    pub async fn timeline(
        &self,
        caller: &Caller,
        id: OrderId,
        after: Version,
        until: Option<Instant>,
        waits: impl FnOnce(),
    ) -> Result<Vec<TimelineItem>, UseCaseError> {
        let wait = until.and_then(|until| Some((self.ports.live.subscribe(id)?, until)));
        let mut entries = self.entries(caller, id, after).await?;
        let Some((mut subscription, until)) = wait.filter(|_| entries.is_empty()) else { return Ok(entries) };
        waits();
        loop {
            let heard = hears(&mut *subscription, after, until).await;
            if heard != Heard::NoMore {
                entries = self.in_turn(self.entries(caller, id, after)).await?;
            }
            if heard != Heard::Later || !entries.is_empty() {
                return Ok(entries);
            }
            sleep_until((Instant::now() + BEHIND).min(until)).await;
        }
    }

    async fn entries(&self, caller: &Caller, id: OrderId, after: Version) -> Result<Vec<TimelineItem>, UseCaseError> {
        let timeline = self.ports.reader.timeline(id, after).await?.ok_or(UseCaseError::NotFound)?;
        caller.reads(&timeline.customer, timeline.courier.as_ref())?;
        Ok(timeline.entries)
    }

    /// As [`UseCases::place`]; an order that is still pending then is waited for until `until`, and shown as it is in the
    /// end. Only the answer waits: the order is safe before, and its receipt is the answer at its commit. An answer that
    /// was given before is given again at once. `waits` is told when the work is done and the wait begins.
    ///
    /// # Errors
    /// Those of [`UseCases::place`]. Nothing that happens during the wait is one.
    pub async fn place_and_wait(
        &self,
        caller: &Caller,
        wish: PlaceOrder,
        request: Request,
        until: Instant,
        waits: impl FnOnce(),
    ) -> Result<Answer, UseCaseError> {
        let render = request.render.clone();
        let answer = self.place(caller, wish, request).await?;
        let pending = answer.order.as_ref().filter(|order| order.status() == Status::Pending).map(Order::id);
        let later = match pending {
            Some(id) if Instant::now() < until => {
                waits();
                self.once_decided(id, until, &render).await
            }
            Some(_) | None => None,
        };
        Ok(later.unwrap_or(answer))
    }

    /// The answer that shows an order as it is when it is no longer pending, or at the end of the wait; `None` when that
    /// can't be had.
    async fn once_decided(&self, id: OrderId, until: Instant, render: &Render) -> Option<Answer> {
        let mut subscription = self.ports.live.subscribe(id)?;
        let mut heard = Heard::Later;
        loop {
            let order = self.in_turn(self.ports.orders.load(id)).await.ok()??.order;
            if heard == Heard::Nothing || order.status() != Status::Pending {
                return Answer::of(Outcome { order, changed: true }, render).ok();
            }
            heard = hears(&mut *subscription, order.version(), until).await;
            if heard == Heard::NoMore {
                return None;
            }
        }
    }

    async fn in_turn<T>(&self, look: impl Future<Output = T>) -> T {
        let _turn = self.turns.acquire().await;
        look.await
    }
}

/// What came of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// The order is said to be in a later version.
    Later,
    /// Nothing, and the time is over.
    Nothing,
    /// Nothing, and nothing is said any more: the service is stopping, and this is no time for everybody to look again.
    NoMore,
}

/// Waits for word of a later version.
async fn hears(subscription: &mut dyn Subscription, version: Version, until: Instant) -> Heard {
    // Word that is there already would be taken for word in time.
    if Instant::now() >= until {
        return Heard::Nothing;
    }
    match timeout_at(until, subscription.later_than(version)).await {
        Ok(true) => Heard::Later,
        Ok(false) => Heard::NoMore,
        Err(_) => Heard::Nothing,
    }
}
