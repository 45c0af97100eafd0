//! Receipts and guards.

use std::collections::BTreeMap;
use std::sync::Arc;

use order_domain::order::{GUARDED, Guard, LiveGuard, Order};
use order_domain::ports::{
    CommitError, GuardChange, IdempotencyKey, KEPT_AFTER_END, RECEIPT_AGE, Receipt, StoredReceipt,
};
use order_domain::time::{Timestamp, after};
use order_domain::{OrderId, UserId};

#[derive(Clone)]
struct ReceiptRow {
    order: OrderId,
    stored: Arc<StoredReceipt>,
    ends_at: Timestamp,
}

#[derive(Clone)]
struct GuardRow {
    caller: UserId,
    live: LiveGuard,
    /// Its cart has not been cleared yet.
    open: bool,
    /// When it ends, once it is not open any more.
    ends_at: Timestamp,
}

impl GuardRow {
    fn is_live(&self, now: Timestamp) -> bool {
        self.open || self.ends_at > now
    }
}

#[derive(Clone, Default)]
pub(super) struct Keys {
    receipts: BTreeMap<[u8; 32], ReceiptRow>,
    guards: BTreeMap<[u8; 32], GuardRow>,
}

impl Keys {
    /// How many receipts and how many guards there are, those that have ended too.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.receipts.len(), self.guards.len())
    }

    pub(super) fn receipts(&self) -> Vec<([u8; 32], StoredReceipt)> {
        self.receipts.iter().map(|(hash, row)| (*hash, (*row.stored).clone())).collect()
    }

    /// The hashes of the keys under which an order was placed.
    pub(super) fn placed(&self, order: OrderId) -> Vec<[u8; 32]> {
        let of_placing = |row: &&ReceiptRow| row.order == order && row.stored.receipt.status == 201;
        self.receipts.iter().filter(|(_, row)| of_placing(row)).map(|(hash, _)| *hash).collect()
    }

    /// Orders whose carts have not been cleared yet.
    pub(super) fn open(&self) -> Vec<OrderId> {
        self.guards.values().filter(|row| row.open).map(|row| row.live.order).collect()
    }

    pub(super) fn receipt(&self, key: IdempotencyKey, now: Timestamp) -> Option<StoredReceipt> {
        let row = self.receipts.get(&key.hash).filter(|row| row.ends_at > now)?;
        Some((*row.stored).clone())
    }

    pub(super) fn guards(&self, caller: &UserId, now: Timestamp) -> Vec<LiveGuard> {
        let live = self.guards.values().filter(|row| row.caller == *caller && row.is_live(now));
        live.map(|row| row.live.clone()).collect()
    }

    pub(super) fn add_receipt(
        &mut self,
        order: OrderId,
        (key, receipt): (IdempotencyKey, Receipt),
        now: Timestamp,
    ) -> Result<(), CommitError> {
        if self.receipt(key, now).is_some() {
            return Err(CommitError::KeyUsed);
        }
        let stored = Arc::new(StoredReceipt { fingerprint: key.fingerprint, receipt });
        self.receipts.insert(key.hash, ReceiptRow { order, stored, ends_at: after(now, RECEIPT_AGE) });
        Ok(())
    }

    pub(super) fn change_guard(
        &mut self,
        order: &Order,
        change: &GuardChange,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        match change {
            GuardChange::Begins(guard) => return self.guard(order, guard),
            GuardChange::Ends => {
                for row in self.guards.values_mut().filter(|row| row.live.order == order.id() && row.is_live(now)) {
                    (row.open, row.ends_at) = (false, now);
                }
            }
        }
        Ok(())
    }

    fn guard(&mut self, order: &Order, guard: &Guard) -> Result<(), CommitError> {
        let (state, placed_at) = (order.state(), order.state().created_at);
        // As of the moment at which it was decided: what has ended since was not seen ended.
        let unseen = |row: &GuardRow| row.caller == state.customer && !guard.seen.contains(&row.live.order);
        let in_the_way =
            |(hash, row): (&[u8; 32], &GuardRow)| row.is_live(placed_at) && (*hash == guard.hash || unseen(row));
        if self.guards.iter().any(in_the_way) {
            return Err(CommitError::Guarded);
        }
        let live = LiveGuard {
            order: order.id(),
            fingerprint: guard.fingerprint,
            placed_with: guard.placed_with,
            placed_at,
            cart: state.terms.cart_lines.clone(),
        };
        let open = !live.cart.is_empty();
        let row = GuardRow { caller: state.customer.clone(), live, open, ends_at: after(placed_at, GUARDED) };
        self.guards.insert(guard.hash, row);
        Ok(())
    }

    /// The cart of an order has been cleared, or nobody tries any more.
    pub(super) fn close(&mut self, order: OrderId, now: Timestamp) {
        for row in self.guards.values_mut().filter(|row| row.live.order == order && row.open) {
            (row.open, row.ends_at) = (false, row.ends_at.max(now));
        }
    }

    pub(super) fn forget(&mut self, limit: u32, now: Timestamp) -> u32 {
        let old = |ends_at: Timestamp| after(ends_at, KEPT_AFTER_END) <= now;
        let receipts = self.receipts.iter().map(|(hash, row)| (row.ends_at, *hash, true));
        let guards = self.guards.iter().filter(|(_, row)| !row.open).map(|(hash, row)| (row.ends_at, *hash, false));
        let mut ended: Vec<_> = receipts.chain(guards).filter(|(ends_at, _, _)| old(*ends_at)).collect();
        ended.sort_unstable();
        ended.truncate(limit as usize);
        for (_, hash, is_receipt) in &ended {
            if *is_receipt {
                self.receipts.remove(hash);
            } else {
                self.guards.remove(hash);
            }
        }
        u32::try_from(ended.len()).expect("no more than the limit")
    }
}
