//! The stream that other services read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use order_domain::OrderId;
use order_domain::order::Version;
use order_domain::ports::{EventStream, StreamError, StreamEvent};
use order_domain::time::Duration;

use crate::lock;

/// What a send comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// All is taken.
    Taken,
    /// Nothing is taken.
    Refused,
    /// So many are taken, the others are not.
    Broken(usize),
    /// All is taken, and the answer is lost.
    AnswerLost,
    /// All is taken, after so long.
    Slow(Duration),
    /// The program is wrong.
    Panic,
}

/// Takes events and remembers them, or fails as it is told.
#[derive(Debug, Default)]
pub struct RecordingStream {
    taken: Mutex<Vec<StreamEvent>>,
    sends: Mutex<Vec<usize>>,
    planned: Mutex<VecDeque<Sending>>,
    always: Mutex<Option<Sending>>,
}

impl RecordingStream {
    /// A stream that takes everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next sends come to this, one after another.
    pub fn plan(&self, sendings: impl IntoIterator<Item = Sending>) {
        lock(&self.planned).extend(sendings);
    }

    /// Every send that nothing else is planned for comes to this.
    pub fn always(&self, sending: Sending) {
        *lock(&self.always) = Some(sending);
    }

    /// All that it took, in sequence.
    pub fn taken(&self) -> Vec<StreamEvent> {
        lock(&self.taken).clone()
    }

    /// How many events each send had, those that failed included.
    pub fn sends(&self) -> Vec<usize> {
        lock(&self.sends).clone()
    }

    /// What a reader makes of it who passes over what they have seen: of each order the last event. Events of an order
    /// that are missed, or come before one that precedes them, fail the test.
    pub fn as_read(&self) -> BTreeMap<OrderId, Version> {
        let mut last = BTreeMap::new();
        for event in self.taken() {
            let seen = last.entry(event.order).or_insert(0);
            assert!(event.seq <= *seen + 1, "order {} has event {} after {seen}", event.order, event.seq);
            *seen = event.seq.max(*seen);
        }
        last
    }

    fn take(&self, events: &[StreamEvent]) {
        lock(&self.taken).extend_from_slice(events);
    }
}

fn failed(what: &str) -> Result<(), StreamError> {
    Err(StreamError(format!("{what}, as the test wants it")))
}

#[async_trait]
impl EventStream for RecordingStream {
    async fn send(&self, events: &[StreamEvent]) -> Result<(), StreamError> {
        lock(&self.sends).push(events.len());
        let sending = lock(&self.planned).pop_front().or(*lock(&self.always)).unwrap_or(Sending::Taken);
        match sending {
            Sending::Taken => self.take(events),
            Sending::Refused => return failed("refused"),
            Sending::Broken(taken) => {
                self.take(&events[..taken.min(events.len())]);
                return failed("broken off");
            }
            Sending::AnswerLost => {
                self.take(events);
                return failed("the answer is lost");
            }
            Sending::Slow(time) => {
                tokio::time::sleep(time).await;
                self.take(events);
            }
            Sending::Panic => panic!("a panic, as the test wants it"),
        }
        Ok(())
    }
}
