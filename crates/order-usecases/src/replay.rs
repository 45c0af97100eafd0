//! Tells other services again what has happened: from the history to the stream of events, a batch at a time, in constant
//! memory. Whoever reads the stream passes over what they have seen.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use order_domain::ports::{EventHistory, EventStream, HistoryPlace, HistorySpan, StoreError, StreamError};

/// Events in hand at once.
const BATCH: u32 = 1_000;
/// Waits between tries of a stream that does not take a batch; after the last one it is given up.
const WAITS: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(250))
    .with_max_delay(Duration::from_secs(2))
    .with_max_times(5);

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Events that were sent, or would have been.
    pub events: u64,
    /// The last of them. What comes after it is still to be done.
    pub last: Option<HistoryPlace>,
}

/// Why a replay came to no end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The database went away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stream takes nothing.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// Sends the events of a span again, oldest first and each order's in their sequence, and tells how far it is after each
/// batch. Without a stream it only counts.
///
/// # Errors
/// [`ReplayError`]; what was told last holds all the same.
pub async fn replay(
    history: &dyn EventHistory,
    stream: Option<&dyn EventStream>,
    span: HistorySpan,
    mut tell: impl FnMut(Replayed) + Send,
) -> Result<Replayed, ReplayError> {
    let mut done = Replayed::default();
    loop {
        let events = history.events(span, done.last, BATCH).await?;
        let Some(last) = events.last() else { return Ok(done) };
        if let Some(stream) = stream {
            (|| stream.send(&events)).retry(WAITS).await?;
        }
        done.events += events.len() as u64;
        done.last = Some(HistoryPlace { at: last.at, order: last.order, seq: last.seq });
        tell(done);
        if events.len() < BATCH as usize {
            return Ok(done);
        }
    }
}
