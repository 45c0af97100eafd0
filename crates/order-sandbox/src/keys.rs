//! Keys for asymmetric tokens: fixed, so that nothing has to be made at start, and known to everybody who has this
//! repository. They are for the demo and for tests, on loopback; the order service never reads them.

use std::io;
use std::time::Duration;

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::auth;

/// A pair of keys. The user service tells the public halves of all of them, until it is told others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoKey {
    /// RSA of 2048 bits, signs RS256.
    Rsa,
    /// EC P-256, signs ES256.
    Ec,
    /// Ed25519, signs `EdDSA`.
    Ed25519,
}

impl DemoKey {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rsa, Self::Ec, Self::Ed25519];

    /// Its `kid`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Rsa => "demo-rsa",
            Self::Ec => "demo-ec",
            Self::Ed25519 => "demo-ed25519",
        }
    }

    /// The private half, in PEM (PKCS#8).
    pub fn private_pem(self) -> &'static str {
        match self {
            Self::Rsa => include_str!("../keys/rsa.pem"),
            Self::Ec => include_str!("../keys/ec.pem"),
            Self::Ed25519 => include_str!("../keys/ed25519.pem"),
        }
    }

    /// The public half, as a JSON Web Key (RFC 7517).
    pub fn public_jwk(self) -> Value {
        let kid = self.id();
        match self {
            Self::Rsa => json!({"kid": kid, "kty": "RSA", "use": "sig", "alg": "RS256", "n": RSA_N, "e": "AQAB"}),
            Self::Ec => {
                json!({"kid": kid, "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "x": EC_X, "y": EC_Y})
            }
            Self::Ed25519 => {
                json!({"kid": kid, "kty": "OKP", "use": "sig", "alg": "EdDSA", "crv": "Ed25519", "x": ED25519_X})
            }
        }
    }

    /// A bearer token for a user, signed with it, without the word `Bearer`.
    ///
    /// # Errors
    /// None that a key of these has; those of whoever signs.
    pub fn token(self, uid: &str, role: &str, lifetime: Duration) -> io::Result<String> {
        auth::sign_by(self, uid, role, lifetime).map_err(io::Error::other)
    }

    /// What signs with it.
    pub(crate) fn signing(self) -> Result<(Header, EncodingKey), Error> {
        let pem = self.private_pem().as_bytes();
        let (algorithm, key) = match self {
            Self::Rsa => (Algorithm::RS256, EncodingKey::from_rsa_pem(pem)?),
            Self::Ec => (Algorithm::ES256, EncodingKey::from_ec_pem(pem)?),
            Self::Ed25519 => (Algorithm::EdDSA, EncodingKey::from_ed_pem(pem)?),
        };
        Ok((Header { kid: Some(self.id().to_owned()), ..Header::new(algorithm) }, key))
    }
}

/// The key set of all of them.
pub(crate) fn demo_set() -> Value {
    json!({"keys": DemoKey::ALL.map(DemoKey::public_jwk)})
}

const RSA_N: &str = concat!(
    "g6mQfprAo_5YEWoxHGAdU8d8NXl0SYvjvvT4i5oB2Qt4P6k-weY7F6on0BxALhbJIQcIfAZwpVYayctdbK2AQXMsw88mW-1ukwL48em1kc2e",
    "cpn2i41KH72CukV-SWaEgRZBDtjRAadDcQLTSnB4upcfR_daa70X7AfPJxXeb6jj2NmxP-P-Yf67M-uqc_A6B9L8aHmLu2-6iOTixW1YNoPO",
    "EU54TXjEKTe9UvwpVbhwU4v9tJTyqYQBg_ViXtMnEbhT7yA5f-RyGTA9rN--7iFj3Jq6LF37hCipEU8UBM2KWXdXuRluhKnANqOGTDacbJux",
    "vA7xCibQTnJFRdn0yQ",
);
const EC_X: &str = "IKg13Dz2Mr5HpF6Z6rjqLZrWryzy82ymYnQesH88ZAs";
const EC_Y: &str = "IReJXLZJ9d8_NqAw80idDeKBsr6kixOH4ZY4xCL5R6M";
const ED25519_X: &str = "iugRxVQHCJ10UBv-5dbtsb63pps--pi7dwITKscEyX0";
