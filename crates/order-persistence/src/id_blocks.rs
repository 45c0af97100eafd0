//! Numbers in blocks of a hundred: one trip to the database for a hundred orders. What a process does not use is lost;
//! ids have gaps.

use std::collections::VecDeque;
use std::ops::Range;

use order_domain::ports::StoreError;
use tokio::sync::Mutex;

/// How many numbers a block has; the sequences' increment.
pub(crate) const BLOCK: i64 = 100;

/// What has numbers of its own.
#[derive(Clone, Copy)]
pub(crate) enum Ids {
    /// Orders.
    Orders,
    /// Everything else.
    Rows,
}

/// The blocks in hand.
#[derive(Default)]
pub(crate) struct IdBlocks {
    /// Of orders.
    pub(crate) orders: Block,
    /// Of everything else.
    pub(crate) rows: Block,
}

/// The numbers of one kind that are in hand.
#[derive(Default)]
pub(crate) struct Block(Mutex<VecDeque<i64>>);

impl Block {
    /// Takes `count` numbers, after fetching more where they do not reach. Whoever waits meanwhile waits for one fetch.
    pub(crate) async fn take<F>(&self, count: usize, fetch: impl Fn() -> F) -> Result<Vec<i64>, StoreError>
    where
        F: Future<Output = Result<Range<i64>, StoreError>>,
    {
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut numbers = self.0.lock().await;
        while numbers.len() < count {
            numbers.extend(fetch().await?);
        }
        Ok(numbers.drain(..count).collect())
    }
}
