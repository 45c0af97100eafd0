//! Due tasks, dispatched over Redis: a stream, `{orders}:tasks`, that all workers read as one consumer group.
//!
//! Saying that a task is due costs its caller a place in a queue, whatever Redis does: a background task writes. What
//! Redis does not take goes to the worker of this very process, or is left to the sweep. Each message reaches one worker,
//! is gone from the stream when that worker has taken it, and goes to another if the worker dies before.

mod message;
mod reader;
mod sender;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use order_domain::ports::{TaskRef, TaskSignal};
use order_faults::around;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::task::AbortOnDropHandle;

use crate::InProcessSignal;
use crate::redis::link::RedisLink;
use crate::redis::seldom::Seldom;
use reader::Reader;
use sender::Sender;

/// Signals that wait to be written at most.
const CAPACITY: usize = 10_000;
/// The one group that all workers are in.
const GROUP: &str = "workers";

/// How signals are passed on.
#[derive(Debug, Clone)]
pub struct SignalConfig {
    /// Whether this process works: only then it reads, and takes what Redis does not. True.
    pub works: bool,
    /// A message that a consumer has had for so long without a worker taking it goes to another. 30 s.
    pub abandoned: Duration,
    /// A consumer that has nothing and asked for nothing for so long is forgotten. 10 minutes.
    pub forgotten: Duration,
    /// How often it is looked for both. 10 s.
    pub round: Duration,
}

impl Default for SignalConfig {
    fn default() -> Self {
        Self {
            works: true,
            abandoned: Duration::from_secs(30),
            forgotten: Duration::from_mins(10),
            round: Duration::from_secs(10),
        }
    }
}

/// Passes signals from all instances to the workers of all instances.
pub struct RedisSignal {
    local: Arc<InProcessSignal>,
    works: bool,
    to_send: mpsc::Sender<TaskRef>,
    _reading: Option<AbortOnDropHandle<()>>,
}

impl RedisSignal {
    /// Begins to read and write. It reads no more when it is dropped, and still writes what was said until then. Needs a
    /// runtime of tokio around it.
    pub fn start(link: &RedisLink, config: &SignalConfig) -> Self {
        let local = Arc::new(InProcessSignal::default());
        let (to_send, to_be_sent) = mpsc::channel(CAPACITY);
        let sender = Sender::new(link.clone(), config.works.then(|| Arc::clone(&local)), to_be_sent);
        tokio::spawn(sender.run());
        let reading = config.works.then(|| {
            let reader = Reader {
                link: link.clone(),
                reads: link.another(),
                local: Arc::clone(&local),
                consumer: crate::redis::a_name_of_its_own(),
                config: config.clone(),
                foreign: Seldom::default(),
            };
            AbortOnDropHandle::new(tokio::spawn(reader.run()))
        });
        Self { local, works: config.works, to_send, _reading: reading }
    }

    /// Leaves them to the sender. What it has no room for goes the short way.
    fn put(&self, tasks: &[TaskRef]) {
        for (n, task) in tasks.iter().enumerate() {
            match self.to_send.try_send(*task) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {
                    let passed = if self.works { self.local.put(&tasks[n..]) } else { 0 };
                    count(Via::Process, passed);
                    count(Via::Dropped, tasks.len() - n - passed);
                    return;
                }
            }
        }
    }
}

#[async_trait]
impl TaskSignal for RedisSignal {
    async fn due(&self, tasks: &[TaskRef]) {
        around!("signal.due", self.put(tasks));
    }

    async fn next(&self) -> Vec<TaskRef> {
        self.local.next().await
    }
}

impl fmt::Debug for RedisSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSignal").field("works", &self.works).finish_non_exhaustive()
    }
}

/// Which way a signal went.
#[derive(Debug, Clone, Copy)]
enum Via {
    Redis,
    Process,
    Dropped,
}

fn count(via: Via, signals: usize) {
    let name = match via {
        Via::Redis => "redis",
        Via::Process => "process",
        Via::Dropped => "dropped",
    };
    if signals > 0 {
        metrics::counter!("task_signals_total", "via" => name).increment(signals as u64);
    }
}
