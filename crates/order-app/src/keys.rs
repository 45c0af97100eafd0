//! Where callers' tokens meet the keys that they are checked with: a secret of the settings, or what the user service
//! publishes.

use std::sync::Arc;

use async_trait::async_trait;
use order_clients::{Deadlines, Guards, JwksClient};
use order_domain::ports::ServiceError;
use order_http::{KeySet, KeySource, PublicKeyAlgorithm, PublicKeys, TokenVerifier};
use tokio_util::task::AbortOnDropHandle;

use crate::Failure;
use crate::settings::{Settings, Trust};

/// The address of the keys.
struct Published(JwksClient);

impl Published {
    fn at(url: &str, guards: &Guards) -> Result<Self, Failure> {
        JwksClient::new(url, Deadlines::default(), guards).map(Self).map_err(Failure::other)
    }
}

#[async_trait]
impl KeySource for Published {
    async fn fetch(&self) -> Result<Vec<u8>, ServiceError> {
        self.0.fetch().await
    }
}

/// Checks tokens, and has its keys kept fresh for as long as this is held.
pub(crate) struct Keys {
    pub(crate) verifier: Arc<TokenVerifier>,
    _keeping: Option<AbortOnDropHandle<()>>,
}

impl Keys {
    /// Published keys are fetched before this returns. A user service that is away is no reason not to start: what needs
    /// no token works, and the keys come as soon as they can be had.
    pub(crate) async fn start(settings: &Settings, guards: &Guards) -> Result<Self, Failure> {
        let (verifier, keeping) = match &settings.trust {
            Trust::Secret(secret) => (TokenVerifier::hs256(secret).map_err(Failure::other)?, None),
            Trust::Published { algorithm, url } => {
                let keys = Arc::new(PublicKeys::new(*algorithm, Arc::new(Published::at(url, guards)?)));
                keys.refresh().await;
                let verifier = TokenVerifier::public_keys(Arc::clone(&keys));
                let keeping = tokio::spawn(async move { keys.keep_fresh().await });
                (verifier, Some(AbortOnDropHandle::new(keeping)))
            }
        };
        let verifier = verifier.with_issuer(settings.jwt_issuer.clone()).with_audience(settings.jwt_audience.clone());
        Ok(Self { verifier: Arc::new(verifier), _keeping: keeping })
    }
}

/// Whether there are keys for `algorithm` at `url`: how many, or what is wrong and what to set.
pub(crate) async fn look_at(algorithm: PublicKeyAlgorithm, url: &str) -> Result<String, String> {
    let published = Published::at(url, &Guards::default()).map_err(|error| error.to_string())?;
    let json = published.fetch().await.map_err(|error| format!("{error}; look at JWKS_URL ({url})"))?;
    let keys = KeySet::parse(&json, algorithm)
        .map_err(|error| format!("{error}; look at JWT_ALGORITHM and JWKS_URL ({url})"))?;
    Ok(format!("{} for {algorithm}", keys.count()))
}
