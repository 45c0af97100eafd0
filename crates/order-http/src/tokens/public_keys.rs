//! The public keys that tokens are checked with: fetched, kept, and fetched again.
//!
//! All threads of an instance share them. One fetch runs at a time and ends within [`PATIENCE`]; one that fails, or brings
//! nothing usable, leaves the keys as they are. Tokens can cause a fetch [once a minute](ASK_AGAIN), whatever they name.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use order_domain::ports::ServiceError;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::key_set::{KeySet, PublicKeyAlgorithm};

/// The longest that a fetch, or a request that hopes for one, may take: callers give up after 5 s.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long after a fetch for an unknown key there is none for another.
const ASK_AGAIN: Duration = Duration::from_mins(1);
/// How often keys are fetched anew, so that withdrawn ones go.
const REFRESH: Duration = Duration::from_mins(10);
/// How soon a refresh that failed is tried again.
const REFRESH_AGAIN: Duration = Duration::from_mins(1);
/// The same while there are no keys at all, and nobody can be let in.
const FIRST_AGAIN: Duration = Duration::from_secs(5);

/// Where the keys are published.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The JWK set as it is now: JSON of a bounded size, not looked at yet.
    ///
    /// # Errors
    /// [`ServiceError`] when it can't be had.
    async fn fetch(&self) -> Result<Vec<u8>, ServiceError>;
}

/// The keys of the user service for one algorithm.
pub struct PublicKeys {
    algorithm: PublicKeyAlgorithm,
    source: Arc<dyn KeySource>,
    current: RwLock<Option<Arc<KeySet>>>,
    /// When a token last caused a fetch. Held by whoever fetches.
    asked: Mutex<Option<Instant>>,
}

impl PublicKeys {
    /// Keys for `algorithm` out of `source`. There are none before the first [`refresh`](Self::refresh).
    pub fn new(algorithm: PublicKeyAlgorithm, source: Arc<dyn KeySource>) -> Self {
        Self { algorithm, source, current: RwLock::new(None), asked: Mutex::new(None) }
    }

    /// What they are for.
    pub fn algorithm(&self) -> PublicKeyAlgorithm {
        self.algorithm
    }

    /// Fetches the keys anew; the old ones stay if that fails. Whether it was done.
    pub async fn refresh(&self) -> bool {
        let _fetching = self.asked.lock().await;
        self.fetch().await
    }

    /// Refreshes now and then, for as long as it is polled. To be run beside the server, after a first
    /// [`refresh`](Self::refresh).
    pub async fn keep_fresh(&self) {
        let mut pause = REFRESH;
        loop {
            sleep(if self.current().is_some() { pause } else { FIRST_AGAIN }).await;
            pause = if self.refresh().await { REFRESH } else { REFRESH_AGAIN };
        }
    }

    /// The keys as they are; `None` when none could be fetched yet.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys anew for a token that names an unknown one, if that may be done now, and waits for a fetch that is
    /// under way. Ends within [`PATIENCE`], whether the key is there then or not.
    pub(super) async fn look_for(&self, id: &str) {
        let look = async {
            let mut asked = self.asked.lock().await;
            let found = self.current().is_some_and(|keys| keys.find(Some(id)).is_some());
            if !found && asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN) {
                *asked = Some(Instant::now());
                self.fetch().await;
            }
        };
        // Late is the same as not found.
        let _ = timeout(PATIENCE, look).await;
    }

    async fn fetch(&self) -> bool {
        let fetched = timeout(PATIENCE, self.source.fetch()).await;
        let keys = match fetched {
            Ok(Ok(json)) => KeySet::parse(&json, self.algorithm).map_err(|error| error.to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        match keys {
            Ok(keys) => {
                tracing::debug!(keys = keys.count(), algorithm = %self.algorithm, "keys of tokens fetched");
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
                true
            }
            Err(reason) => {
                let kept = self.current().map_or(0, |keys| keys.count());
                tracing::warn!(reason, kept, "keys of tokens can't be fetched: {reason}; {kept} old ones stay");
                false
            }
        }
    }
}
