//! Reads signals from the stream for the worker of this process.
//!
//! A batch at a time, and the next one when the worker has taken it: a worker that is busy leaves the rest to others. A
//! message is acknowledged and deleted when it was taken. What this consumer was given and never saw, because an answer was
//! lost, it asks for again; what a consumer that died was given goes to another after a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, StreamsInterface};
use fred::types::Value;
use fred::types::config::Options;
use order_domain::ports::TaskRef;
use tokio::time::{Instant, sleep, timeout};

use super::{GROUP, SignalConfig, message};
use crate::InProcessSignal;
use crate::redis::link::{ANSWER, Connection, Endless, RedisLink, at_once, is_refusal};
use crate::redis::pace::{HEARING, pace};
use crate::redis::seldom::Seldom;

/// Messages that are read at once.
const BATCH: u64 = 64;
/// How long a read waits for a message. A stream that was removed meanwhile is missed for as long.
const BLOCK: Duration = Duration::from_secs(1);
/// Before another try where the connection was lost, or the group.
const PAUSE: Duration = Duration::from_millis(200);
/// Before another try where Redis refuses.
const LONG_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Reader {
    pub(super) link: RedisLink,
    /// The connection that blocks.
    pub(super) reads: Connection,
    pub(super) local: Arc<InProcessSignal>,
    pub(super) consumer: String,
    pub(super) config: SignalConfig,
    pub(super) foreign: Seldom,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// What this consumer was given and has not acknowledged.
    Given,
    /// What nobody was given.
    New,
}

/// A message: its id, and its fields, unless it was trimmed away meanwhile.
type Message = (String, Option<Vec<Value>>);

impl Reader {
    /// Reads until the process ends.
    pub(super) async fn run(self) {
        let stream = self.link.names().tasks.as_str();
        let mut trouble = None;
        loop {
            self.link.until_up().await;
            let Err(mut error) = self.read_on(&mut trouble).await;
            if class(&error) == NO_GROUP {
                match self.make_group().await {
                    // What was said meanwhile is there: a new group is given all of the stream.
                    Ok(()) => {
                        tracing::info!(stream, group = GROUP, "the group of workers was made");
                        continue;
                    }
                    Err(refused) => error = refused,
                }
            }
            let refused = is_refusal(&error);
            if refused {
                let class = class(&error).to_owned();
                if trouble.as_ref() != Some(&class) {
                    tracing::warn!(stream, %error, "signals of due tasks can't be read; the sweep finds what is due");
                }
                trouble = Some(class);
            }
            sleep(if refused { LONG_PAUSE } else { PAUSE }).await;
        }
    }

    /// Makes the group, and the stream with it, if they are missing.
    async fn make_group(&self) -> Result<(), Error> {
        let commands = self.link.commands().with_options(&at_once(ANSWER));
        let made = commands.xgroup_create(self.link.names().tasks.as_str(), GROUP, "0", true).await;
        made.or_else(|error: Error| if class(&error) == "BUSYGROUP" { Ok(()) } else { Err(error) })
    }

    async fn read_on(&self, trouble: &mut Option<String>) -> Endless<Error> {
        let (mut from, mut next_round, mut pace) = (From::Given, Instant::now(), pace(HEARING));
        loop {
            if Instant::now() >= next_round {
                let all = self.take_over().await? < BATCH;
                self.forget_consumers().await?;
                next_round = Instant::now() + if all { self.config.round } else { Duration::ZERO };
                from = From::Given;
            }
            let messages = self.read(from).await?;
            if trouble.take().is_some() {
                tracing::info!(stream = self.link.names().tasks, "signals of due tasks are read again");
            }
            if messages.is_empty() {
                from = From::New;
                continue;
            }
            let (ids, tasks) = self.understand(messages);
            self.local.put(&tasks);
            self.local.until_taken().await;
            self.settle(ids).await?;
            pace.tick().await;
        }
    }

    async fn read(&self, from: From) -> Result<Vec<Message>, Error> {
        let (options, block, id) = match from {
            From::Given => (at_once(ANSWER), None, "0"),
            // Without a limit of its own, which would be that of the wait.
            From::New => (Options { fail_fast: true, ..Options::default() }, Some(BLOCK), ">"),
        };
        let client = self.reads.client.with_options(&options);
        let stream = self.link.names().tasks.as_str();
        let block = block.and_then(|block| u64::try_from(block.as_millis()).ok());
        let read = client.xreadgroup(GROUP, self.consumer.as_str(), Some(BATCH), block, false, stream, id);
        match timeout(BLOCK + LONG_PAUSE, read).await {
            Ok(answer) => answer.map(messages),
            Err(_) => Err(Error::new(ErrorKind::Timeout, "no answer to a read")),
        }
    }

    /// The ids of all, and the tasks of those that are understood.
    fn understand(&self, messages: Vec<Message>) -> (Vec<String>, Vec<TaskRef>) {
        let (mut ids, mut tasks) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
        for (id, fields) in messages {
            match fields.map(|fields| message::parse(&fields)) {
                Some(Ok(task)) => tasks.push(task),
                Some(Err(reason)) => {
                    if let Some(number) = self.foreign.warn() {
                        let stream = &self.link.names().tasks;
                        tracing::warn!(stream, id, %reason, number, "a message is skipped");
                    }
                }
                // Trimmed: the sweep finds its task.
                None => {}
            }
            ids.push(id);
        }
        (ids, tasks)
    }

    /// They are nobody's any more.
    async fn settle(&self, ids: Vec<String>) -> Result<(), Error> {
        let stream = self.link.names().tasks.as_str();
        let pipeline = self.link.commands().pipeline().with_options(&at_once(ANSWER));
        pipeline.xack::<(), _, _, _>(stream, GROUP, ids.clone()).await?;
        pipeline.xdel::<(), _, _>(stream, ids).await?;
        pipeline.all::<Vec<Value>>().await.map(drop)
    }

    /// Takes over what consumers have had for too long, and says how many that are; they are read as its own.
    async fn take_over(&self) -> Result<u64, Error> {
        let stream = self.link.names().tasks.as_str();
        let idle = u64::try_from(self.config.abandoned.as_millis()).unwrap_or(u64::MAX);
        let commands = self.link.commands().with_options(&at_once(ANSWER));
        let answer: Value =
            commands.xautoclaim(stream, GROUP, self.consumer.as_str(), idle, "0-0", Some(BATCH), true).await?;
        let taken = answer.into_array().into_iter().nth(1).map_or(0, |ids| ids.into_array().len()) as u64;
        if taken > 0 {
            tracing::info!(stream, taken, "signals of a worker that is gone are taken over");
        }
        Ok(taken)
    }

    /// Forgets consumers that are gone. One that only was quiet is there again when it reads; what it reads just now, and
    /// does not live to pass on, the sweep finds.
    async fn forget_consumers(&self) -> Result<(), Error> {
        let stream = self.link.names().tasks.as_str();
        let commands = self.link.commands().with_options(&at_once(ANSWER));
        let consumers: Vec<HashMap<String, Value>> = commands.xinfo_consumers(stream, GROUP).await?;
        for consumer in consumers {
            let number = |name: &str| consumer.get(name).and_then(Value::as_u64);
            let idle = number("idle").map(Duration::from_millis);
            let (Some(0), Some(idle)) = (number("pending"), idle) else { continue };
            let name = consumer.get("name").and_then(Value::as_string);
            if let Some(name) = name.filter(|name| idle >= self.config.forgotten && *name != self.consumer) {
                commands.xgroup_delconsumer::<(), _, _, _>(stream, GROUP, name).await?;
            }
        }
        Ok(())
    }
}

/// How the error of a group that is not there begins.
const NO_GROUP: &str = "NOGROUP";

/// The first word of what Redis says.
fn class(error: &Error) -> &str {
    match error.details().split_whitespace().next().unwrap_or_default() {
        // The stream went away during a read.
        "UNBLOCKED" => NO_GROUP,
        class => class,
    }
}

/// The messages in an answer to a read of one stream: `[[stream, [[id, [field, value, …]], …]]]`, or nothing.
fn messages(answer: Value) -> Vec<Message> {
    let Some(stream) = answer.into_array().into_iter().next() else { return Vec::new() };
    let Some(messages) = stream.into_array().into_iter().nth(1) else { return Vec::new() };
    let message = |message: Value| {
        let mut parts = message.into_array().into_iter();
        let id = parts.next()?.as_string()?;
        Some((id, parts.next().filter(|fields| !fields.is_null()).map(Value::into_array)))
    };
    messages.into_array().into_iter().filter_map(message).collect()
}
