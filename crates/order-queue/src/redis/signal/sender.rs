//! Writes signals to the stream, as many at once as there are.

use std::sync::Arc;
use std::time::Duration;

use fred::error::Error;
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::types::Value;
use order_domain::ports::TaskRef;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Via, count, message};
use crate::InProcessSignal;
use crate::redis::link::{LinkState, RedisLink, at_once, is_refusal};
use crate::redis::pace::{SAYING, pace};

/// Signals that are written at once.
const BATCH: usize = 256;
/// Messages that the stream holds, about: those that nobody takes push each other out.
const HELD: i64 = 10_000;
/// How long Redis may take. Meanwhile nothing else is passed on.
const WITHIN: Duration = Duration::from_millis(250);
/// After a failure signals go the short way for so long, before Redis is tried again.
const REST: Duration = Duration::from_millis(500);

pub(super) struct Sender {
    link: RedisLink,
    /// The worker of this process, if it has one.
    local: Option<Arc<InProcessSignal>>,
    to_be_sent: mpsc::Receiver<TaskRef>,
    rests_until: Option<Instant>,
    /// Redis answers, and refuses.
    refused: bool,
}

impl Sender {
    pub(super) fn new(
        link: RedisLink,
        local: Option<Arc<InProcessSignal>>,
        to_be_sent: mpsc::Receiver<TaskRef>,
    ) -> Self {
        Self { link, local, to_be_sent, rests_until: None, refused: false }
    }

    /// Writes until nobody can say anything any more.
    pub(super) async fn run(mut self) {
        let (mut batch, mut pace) = (Vec::with_capacity(BATCH), pace(SAYING));
        while self.to_be_sent.recv_many(&mut batch, BATCH).await > 0 {
            let left = self.write(&batch).await;
            count(Via::Redis, batch.len() - left.len());
            let passed = self.local.as_ref().map_or(0, |local| local.put(&left));
            count(Via::Process, passed);
            count(Via::Dropped, left.len() - passed);
            batch.clear();
            pace.tick().await;
        }
    }

    /// Writes them, and gives back those that Redis did not take, as far as is known. What it took without an answer is
    /// said twice, which does no harm: a task is claimed once.
    async fn write(&mut self, batch: &[TaskRef]) -> Vec<TaskRef> {
        let rests = self.rests_until.is_some_and(|until| Instant::now() < until);
        if rests || self.link.state() == LinkState::Down {
            return batch.to_vec();
        }
        let mut left = Vec::new();
        let mut failed = None;
        let mut answers = self.pipelined(batch).await.into_iter();
        for task in batch {
            // One failure may stand for all of them.
            match answers.next() {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    failed = Some(error);
                    left.push(*task);
                }
                None => left.push(*task),
            }
        }
        self.rests_until = failed.is_some().then(|| Instant::now() + REST);
        self.tell(failed.as_ref());
        left
    }

    async fn pipelined(&self, batch: &[TaskRef]) -> Vec<Result<Value, Error>> {
        let pipeline = self.link.commands().pipeline().with_options(&at_once(WITHIN));
        for task in batch {
            let cap = ("MAXLEN", "~", HELD);
            let stream = self.link.names().tasks.as_str();
            let queued = pipeline.xadd::<(), _, _, _, _>(stream, false, cap, "*", message::fields(task)).await;
            if let Err(error) = queued {
                return vec![Err(error)];
            }
        }
        pipeline.try_all().await
    }

    /// That Redis refuses is logged once, and that it no longer does. That it is away, the link says.
    fn tell(&mut self, failed: Option<&Error>) {
        let stream = &self.link.names().tasks;
        match failed {
            Some(error) if is_refusal(error) && !self.refused => {
                self.refused = true;
                tracing::warn!(stream, %error, "Redis takes no signals of due tasks; they go the short way or are swept up");
            }
            None if self.refused => {
                self.refused = false;
                tracing::info!(stream, "Redis takes signals of due tasks again");
            }
            Some(_) | None => {}
        }
    }
}
