//! Says what has happened here to the other instances, as much at once as there is.

use std::time::Duration;

use fred::interfaces::{ClientLike, PubsubInterface};
use order_domain::ports::LiveEvent;
use tokio::sync::mpsc;

use super::message;
use crate::redis::link::{LinkState, RedisLink, at_once};
use crate::redis::pace::{SAYING, pace};

/// Events in one message.
const BATCH: usize = 256;
/// How long Redis may take. Meanwhile nothing else is said.
const WITHIN: Duration = Duration::from_millis(250);

/// Speaks until nobody has anything to say any more.
pub(super) async fn speak(link: RedisLink, mut to_be_said: mpsc::Receiver<LiveEvent>) {
    let (mut batch, mut pace) = (Vec::with_capacity(BATCH), pace(SAYING));
    while to_be_said.recv_many(&mut batch, BATCH).await > 0 {
        if link.state() == LinkState::Up {
            let commands = link.commands().with_options(&at_once(WITHIN));
            let said = commands.publish::<(), _, _>(link.names().live.as_str(), message::written(&batch)).await;
            if let Err(error) = said {
                tracing::debug!(%error, "other instances were not told what happened to orders");
            }
        }
        batch.clear();
        pace.tick().await;
    }
}
