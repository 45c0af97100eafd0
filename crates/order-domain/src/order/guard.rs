//! Double click: a cart is ordered once.
//!
//! Every placing is guarded from the moment it is committed until its order is cancelled, else for ten seconds and until
//! its cart has been cleared. Whoever orders the same cart meanwhile is given that order, or told of it.

use crate::ids::OrderId;
use crate::time::{Duration, Timestamp, after};

use super::line::CartLine;

/// How long a placing is guarded at least, unless its order is cancelled: longer than any request that read the cart
/// before it was ordered is on its way.
pub const GUARDED: Duration = Duration::from_secs(10);

/// The guard of a placing, as it is committed with the new order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// A hash of the caller and the lines of the cart. No two guards that have not ended have the same.
    pub hash: [u8; 32],
    /// A hash of the request's query and body.
    pub fingerprint: [u8; 32],
    /// The hash of the key that the order was placed with, if it had one.
    pub placed_with: Option<[u8; 32]>,
    /// The orders of the caller's guards that were seen when this placing was decided. While there is another one,
    /// somebody was faster, and may have had the cart half cleared before it was read: this one does not take.
    pub seen: Vec<OrderId>,
}

/// A guard of the caller's that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGuard {
    /// The order that it guards.
    pub order: OrderId,
    /// A hash of query and body of the request that placed it.
    pub fingerprint: [u8; 32],
    /// The hash of the key that it was placed with.
    pub placed_with: Option<[u8; 32]>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// The cart that it was placed from.
    pub cart: Vec<CartLine>,
}

/// A request to order a cart, and the cart as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Click<'a> {
    /// A hash of its query and body.
    pub fingerprint: [u8; 32],
    /// The hash of its key, if it has one. Under that key no answer is known.
    pub key: Option<[u8; 32]>,
    /// The lines of the cart.
    pub cart: &'a [CartLine],
}

/// Whether a cart has been ordered already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// It has not.
    Not,
    /// By an equal request: this order is the answer to both.
    Equally(OrderId),
    /// By another request.
    Otherwise(OrderId),
}

impl Click<'_> {
    /// Looks for the order that this cart has become. While a cart is being cleared it holds less and less of what was
    /// ordered, so what is left of it counts as the cart that was ordered; nothing left counts for a request without a
    /// key, and for [`GUARDED`].
    pub fn ordered(&self, guards: &[LiveGuard], now: Timestamp) -> Ordered {
        let mut latest_first: Vec<_> = guards.iter().collect();
        latest_first.sort_by_key(|guard| std::cmp::Reverse((guard.placed_at, guard.order)));
        if self.cart.is_empty() {
            let recent = |guard: &&LiveGuard| self.equals(guard) && after(guard.placed_at, GUARDED) > now;
            let found = latest_first.into_iter().find(recent).filter(|_| self.key.is_none());
            return found.map_or(Ordered::Not, |guard| Ordered::Equally(guard.order));
        }
        latest_first.retain(|guard| self.cart.iter().all(|line| guard.cart.contains(line)));
        match (latest_first.iter().find(|guard| self.equals(guard)), latest_first.first()) {
            (Some(guard), _) => Ordered::Equally(guard.order),
            (None, Some(guard)) => Ordered::Otherwise(guard.order),
            (None, None) => Ordered::Not,
        }
    }

    /// The same query and body, and no key but the one that the order was placed with.
    fn equals(&self, guard: &LiveGuard) -> bool {
        self.fingerprint == guard.fingerprint && (self.key.is_none() || self.key == guard.placed_with)
    }
}
