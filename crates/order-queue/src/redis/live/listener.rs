//! Hears what has happened in other instances, and knows whether it would.
//!
//! Subscribing answers before the server has subscribed, and a connection may die without a sound. So the listener says
//! something to itself once a second, over a channel that it subscribed to together with that of all: as long as it hears
//! itself, it hears the others.

use std::sync::Arc;
use std::time::Duration;

use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::Message;
use tokio::time::{Instant, sleep_until, timeout};

use super::message;
use crate::InProcessLive;
use crate::redis::a_name_of_its_own;
use crate::redis::link::{ANSWER, Connection, LinkState, RedisLink, at_once, event};
use crate::redis::seldom::Seldom;

/// How often it says something to itself, and how often while it has not heard it yet.
const BEAT: Duration = Duration::from_secs(1);
const IMPATIENT_BEAT: Duration = Duration::from_millis(200);
/// It hears for so long after it heard itself.
const HEARS: Duration = Duration::from_millis(2_500);
/// Deaf for so long, it gives its connection up for another.
const DEAF: Duration = Duration::from_secs(5);

pub(super) struct Listener {
    link: RedisLink,
    hears: Connection,
    local: Arc<InProcessLive>,
    /// Its own channel.
    own: String,
    foreign: Seldom,
    missed: Seldom,
}

impl Listener {
    pub(super) fn new(link: RedisLink, local: Arc<InProcessLive>) -> Self {
        let own = format!("{}:{}", link.names().live, a_name_of_its_own());
        let hears = link.another();
        Self { link, hears, local, own, foreign: Seldom::default(), missed: Seldom::default() }
    }

    /// Listens until the process ends.
    pub(super) async fn run(self) {
        let (mut messages, mut connected) = (self.hears.client.message_rx(), self.hears.client.reconnect_rx());
        let mut last: Option<Instant> = None;
        let (mut next_beat, mut patient_until) = (Instant::now(), Instant::now() + DEAF);
        loop {
            tokio::select! {
                heard = event(&mut messages) => {
                    if heard.map_or_else(|| self.miss(), |message| self.hear(&message)) {
                        last = Some(Instant::now());
                        patient_until = Instant::now() + DEAF;
                        self.local.hears_others_for(HEARS);
                    }
                }
                _ = event(&mut connected) => {
                    // A new connection is subscribed to nothing.
                    last = None;
                    self.local.hears_others_for(Duration::ZERO);
                    self.subscribe().await;
                    self.say_something().await;
                    next_beat = Instant::now() + IMPATIENT_BEAT;
                }
                () = sleep_until(next_beat) => {
                    let hears = last.is_some_and(|last| last.elapsed() < BEAT * 2);
                    if !hears {
                        self.subscribe().await;
                        if Instant::now() > patient_until && self.link.state() == LinkState::Up {
                            patient_until = Instant::now() + DEAF;
                            // It comes about by itself, whether it is waited for or not.
                            let _ = timeout(ANSWER, self.hears.client.force_reconnection()).await;
                        }
                    }
                    self.say_something().await;
                    next_beat = Instant::now() + if hears { BEAT } else { IMPATIENT_BEAT };
                }
            }
        }
    }

    /// Both channels at once: who hears one hears the other.
    async fn subscribe(&self) {
        let channels = vec![self.link.names().live.clone(), self.own.clone()];
        if let Err(error) = self.hears.client.with_options(&at_once(ANSWER)).subscribe(channels).await {
            tracing::debug!(%error, "what happens in other instances is not heard of");
        }
    }

    /// What it hears of this in time, or does not, is all that matters.
    async fn say_something(&self) {
        let commands = self.link.commands().with_options(&at_once(ANSWER));
        let _ = commands.publish::<(), _, _>(self.own.as_str(), "v1").await;
    }

    /// Takes a message, and says whether it was its own.
    fn hear(&self, heard: &Message) -> bool {
        if *heard.channel == *self.own {
            return true;
        }
        match message::parse(heard.value.as_bytes().unwrap_or_default()) {
            Ok(events) => self.local.tell(&events),
            Err(reason) => {
                if let Some(number) = self.foreign.warn() {
                    let channel = &self.link.names().live;
                    tracing::warn!(channel, %reason, number, "a message is skipped");
                }
            }
        }
        false
    }

    /// More came in than could be looked at: the lookout finds what it was about.
    fn miss(&self) -> bool {
        if let Some(number) = self.missed.warn() {
            let channel = &self.link.names().live;
            tracing::warn!(channel, number, "more has happened to orders than could be passed on");
        }
        false
    }
}
