//! What tokens are signed and checked with: one algorithm, and a secret or the address of published keys.

use order_http::PublicKeyAlgorithm;
use secrecy::SecretString;

use super::{Given, Mistakes};

/// Where the user service publishes its keys, below its address (the well-known name of JWK sets).
const WELL_KNOWN: &str = "/.well-known/jwks.json";

/// What callers' tokens are checked with. Which it is decides what is accepted; no token does.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// HS256 with `JWT_SECRET_KEY`.
    Secret(SecretString),
    /// Another algorithm, with public keys.
    Published {
        /// Which.
        algorithm: PublicKeyAlgorithm,
        /// Where the keys are.
        url: String,
    },
}

/// What a token of this service's own making is like.
#[derive(Debug)]
pub(crate) struct Making {
    pub(crate) with: MadeWith,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
}

/// What such a token is signed with.
#[derive(Debug)]
pub(crate) enum MadeWith {
    /// HS256 with this secret.
    Secret(SecretString),
    /// Another algorithm, whose private key the settings do not hold.
    PrivateKey(PublicKeyAlgorithm),
}

enum Algorithm {
    Hs256,
    Public(PublicKeyAlgorithm),
}

impl Given {
    fn algorithm(&mut self) -> Option<Algorithm> {
        self.parsed("JWT_ALGORITHM", |name| {
            if name == "HS256" {
                return Ok(Algorithm::Hs256);
            }
            let public = PublicKeyAlgorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
            public.map(Algorithm::Public).ok_or_else(|| "must be HS256, RS256, ES256 or EdDSA".into())
        })
    }

    /// `JWT_SECRET_KEY`, where anything is signed or checked with it: tokens of callers by HS256, or this service's own.
    pub(super) fn secret_if_used(&mut self) -> Option<SecretString> {
        let algorithm = self.optional("JWT_ALGORITHM");
        let published = PublicKeyAlgorithm::ALL.iter().any(|public| algorithm.as_deref() == Some(public.name()));
        if !published || self.optional("SERVICE_JWT_PRIVATE_KEY").is_none() {
            return self.secret();
        }
        if self.is_given("JWT_SECRET_KEY") {
            self.without_effect.push("JWT_SECRET_KEY".to_owned());
        }
        None
    }

    pub(super) fn trust(&mut self, user_service: Option<&str>, secret: Option<&SecretString>) -> Option<Trust> {
        let given = match self.optional("JWKS_URL") {
            Some(_) => Some(self.url("JWKS_URL")?),
            None => None,
        };
        match self.algorithm()? {
            Algorithm::Hs256 => {
                self.without_effect.extend(given.map(|_| "JWKS_URL".to_owned()));
                secret.cloned().map(Trust::Secret)
            }
            Algorithm::Public(algorithm) => {
                let url = match given {
                    Some(url) => url,
                    None => format!("{}{WELL_KNOWN}", user_service?.trim_end_matches('/')),
                };
                Some(Trust::Published { algorithm, url })
            }
        }
    }

    /// What tokens are made with, for commands that need nothing else.
    pub(crate) fn making(mut self) -> Result<Making, Mistakes> {
        let with = match self.algorithm() {
            Some(Algorithm::Hs256) => self.secret().map(MadeWith::Secret),
            Some(Algorithm::Public(algorithm)) => Some(MadeWith::PrivateKey(algorithm)),
            None => None,
        };
        let (issuer, audience) = (self.optional("JWT_ISSUER"), self.optional("JWT_AUDIENCE"));
        self.done(with.map(|with| Making { with, issuer, audience }))
    }
}
