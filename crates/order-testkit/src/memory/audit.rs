//! What audits read, over the tables. What is kept here never contradicts itself.

use async_trait::async_trait;
use order_domain::audit::StoredSums;
use order_domain::order::Order;
use order_domain::payment::{Entry, EntryState, PaymentMethod};
use order_domain::ports::{
    AuditBatch, AuditReader, AuditedEvent, AuditedOrder, AuditedRows, AuditedTask, LedgerLine, SettledPlace, StoreError,
};
use order_domain::time::Timestamp;
use order_domain::{EntryNo, OrderId};

use super::faults::Op;
use super::tables::OrderRow;
use super::{MemoryStore, Shared};

fn line(order: &Order, entry: &Entry) -> LedgerLine {
    let &Entry { n, kind, purpose, amount, method, state, settled_at, .. } = entry;
    LedgerLine { order: order.id(), n, kind, purpose, amount, method, state, settled_at }
}

fn audited(db: &Shared, row: &OrderRow) -> AuditedOrder {
    let (id, ledger) = (row.order.id(), row.order.ledger());
    let sum = |sum: Result<_, _>| sum.expect("a sum that fits");
    let event = |event: &order_domain::order::Recorded| AuditedEvent {
        seq: event.seq,
        name: event.event.name().to_owned(),
        at: event.at,
        status: event.status,
    };
    let rows = AuditedRows {
        state: row.order.state().clone(),
        ledger: Ok(ledger.clone()),
        sums: StoredSums {
            charged: sum(ledger.charged()),
            refunded: sum(ledger.refunded()),
            refund_held: sum(ledger.refund_held()),
        },
        events: row.events.iter().map(event).collect(),
    };
    let tasks = db.tables.tasks.values().filter(|task| task.order == id).map(|task| AuditedTask {
        lease_expired: !task.dead && task.leased && task.run_at <= db.now,
        task: task.open(db.now),
    });
    let unpublished = db.tables.outbox.iter().filter(|(order, _)| *order == id).map(|(_, seq)| *seq).collect();
    AuditedOrder { id, rows: Ok(rows), tasks: tasks.collect(), keys: db.tables.keys.placed(id), unpublished }
}

#[async_trait]
impl AuditReader for MemoryStore {
    async fn last_order(&self) -> Result<Option<OrderId>, StoreError> {
        self.call(Op::Audit, |db| Ok(db.tables.orders.keys().next_back().copied())).await
    }

    async fn orders_after(&self, after: Option<OrderId>, limit: u32) -> Result<AuditBatch, StoreError> {
        self.call(Op::Audit, |db| {
            let rows = db.tables.orders.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
            let orders = rows.take(limit as usize).map(|(_, row)| audited(db, row)).collect();
            Ok(AuditBatch { orders, now: db.now })
        })
        .await
    }

    async fn entries(&self, wanted: &[(OrderId, EntryNo)]) -> Result<Vec<LedgerLine>, StoreError> {
        let wanted = wanted.to_vec();
        self.call(Op::Audit, |db| {
            let found = wanted.iter().filter_map(|(id, n)| {
                let order = &db.tables.orders.get(id)?.order;
                Some(line(order, order.ledger().get(*n)?))
            });
            Ok(found.collect())
        })
        .await
    }

    async fn settled(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<SettledPlace>,
        limit: u32,
    ) -> Result<Vec<LedgerLine>, StoreError> {
        self.call(Op::Audit, |db| {
            let mut found = Vec::new();
            for row in db.tables.orders.values() {
                for entry in row.order.ledger().entries() {
                    let Some(at) = entry.settled_at.filter(|at| from <= *at && *at < until) else { continue };
                    let place = SettledPlace { at, order: row.order.id(), n: entry.n };
                    let online = entry.method == PaymentMethod::Online && entry.state == EntryState::Settled;
                    if online && after.is_none_or(|after| place > after) {
                        found.push((place, line(&row.order, entry)));
                    }
                }
            }
            found.sort_by_key(|(place, _)| *place);
            Ok(found.into_iter().map(|(_, line)| line).take(limit as usize).collect())
        })
        .await
    }
}
