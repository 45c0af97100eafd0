//! The outbox and the history, over the tables.

use async_trait::async_trait;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{
    EventHistory, HistoryPlace, HistorySpan, Outbox, Outgoing, Publisher, StoreError, StreamEvent, Unpublished,
};
use order_domain::time::{Duration, after, until};

use super::faults::Op;
use super::tables::Tables;
use super::{MemoryStore, Shared};
use crate::events::stream_event;

impl Tables {
    /// The events of the outbox, by order and sequence.
    fn outgoing(&self) -> impl Iterator<Item = StreamEvent> {
        self.outbox.iter().filter_map(|(id, seq)| {
            let row = self.orders.get(id)?;
            let event = row.events.iter().find(|event| event.seq == *seq)?;
            Some(stream_event(row.order.state(), event))
        })
    }
}

impl Shared {
    /// The lease is this publisher's from now on, unless another one has it still.
    fn take_lease(&mut self, publisher: Publisher, lease: Duration) -> bool {
        let free = self.lease.is_none_or(|(holder, ends_at)| holder == publisher || ends_at <= self.now);
        if free {
            self.lease = Some((publisher, after(self.now, lease)));
        }
        free
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn next(&self, publisher: Publisher, lease: Duration, limit: u32) -> Result<Option<Outgoing>, StoreError> {
        self.call(Op::Next, |db| {
            if !db.take_lease(publisher, lease) {
                return Ok(None);
            }
            Ok(Some(Outgoing { events: db.tables.outgoing().take(limit as usize).collect(), now: db.now }))
        })
        .await
    }

    async fn published(&self, events: &[(OrderId, Version)]) -> Result<(), StoreError> {
        self.call(Op::Published, |db| {
            for event in events {
                db.tables.outbox.remove(event);
            }
            Ok(())
        })
        .await
    }

    async fn leave(&self, publisher: Publisher) -> Result<(), StoreError> {
        self.call(Op::Leave, |db| {
            db.lease = db.lease.filter(|(holder, _)| *holder != publisher);
            Ok(())
        })
        .await
    }

    async fn unpublished(&self) -> Result<Unpublished, StoreError> {
        self.call(Op::Unpublished, |db| {
            let counted = usize::try_from(Unpublished::COUNTED).unwrap();
            let moments: Vec<_> = db.tables.outgoing().take(counted).map(|event| event.at).collect();
            let oldest = moments.iter().min().map(|at| until(*at, db.now));
            Ok(Unpublished { events: moments.len() as u64, oldest })
        })
        .await
    }
}

#[async_trait]
impl EventHistory for MemoryStore {
    async fn events(
        &self,
        span: HistorySpan,
        after: Option<HistoryPlace>,
        limit: u32,
    ) -> Result<Vec<StreamEvent>, StoreError> {
        let place = |event: &StreamEvent| HistoryPlace { at: event.at, order: event.order, seq: event.seq };
        self.call(Op::History, |db| {
            let rows = db.tables.orders.values();
            let all = rows.flat_map(|row| row.events.iter().map(|event| stream_event(row.order.state(), event)));
            let mut found: Vec<_> = all
                .filter(|event| span.from <= event.at && event.at < span.to)
                .filter(|event| span.order.is_none_or(|order| event.order == order))
                .filter(|event| after.is_none_or(|after| place(event) > after))
                .collect();
            found.sort_by_key(place);
            found.truncate(limit as usize);
            Ok(found)
        })
        .await
    }
}
