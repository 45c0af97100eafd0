//! A JWK set (RFC 7517) as the user service publishes it, and what of it can check tokens.
//!
//! Only keys for the one algorithm of this deployment are taken, whatever else a set holds. A set that leaves none is
//! refused as a whole.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The most keys that a set may have: a service that rotates has two or three.
const MAX_KEYS: usize = 100;

/// Bytes of an RSA modulus: 2048 bits is the least that RS256 allows (RFC 7518, 3.3), 8192 the most that is worth its time.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Algorithms whose tokens are checked with a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKeyAlgorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// ECDSA, P-256, SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl PublicKeyAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// Its name in the header of a token (RFC 7518, 3.1; RFC 8037, 3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for PublicKeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set that is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKeySet {
    /// No JSON object with a list `keys`.
    #[error("not a JWK set")]
    NotASet,
    /// More keys than anybody needs.
    #[error("a JWK set of more than {MAX_KEYS} keys")]
    TooMany,
    /// A set without a key that fits.
    #[error("no key for {algorithm} ({})", reasons(unfit))]
    NoneFits {
        /// What the key would have to be for.
        algorithm: PublicKeyAlgorithm,
        /// What is wrong with each that is there.
        unfit: Vec<Unfit>,
    },
}

/// Why a key of a set is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not a JWK.
    #[error("not readable")]
    Unreadable,
    /// Its `kty` or `crv` is that of other algorithms.
    #[error("of another type")]
    AnotherType,
    /// Its `use` or its `key_ops` say that it is not for checking signatures.
    #[error("for another use")]
    AnotherUse,
    /// Its `alg` is another one.
    #[error("for another algorithm")]
    AnotherAlgorithm,
    /// Too short to be safe, too long, or cut off.
    #[error("of an unusable size")]
    Size,
    /// Everybody who reads the set can sign with it.
    #[error("with its private part, which is no secret any more")]
    Private,
}

fn reasons(unfit: &[Unfit]) -> String {
    if unfit.is_empty() {
        return "the set is empty".to_owned();
    }
    unfit.iter().map(Unfit::to_string).collect::<Vec<_>>().join(", ")
}

struct Key {
    id: Option<String>,
    material: DecodingKey,
}

/// The keys of one algorithm, at least one.
pub struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// Takes the keys for `algorithm` out of a set.
    ///
    /// # Errors
    /// [`BadKeySet`]: the set leaves nothing that a token could be checked with.
    pub fn parse(json: &[u8], algorithm: PublicKeyAlgorithm) -> Result<Self, BadKeySet> {
        #[derive(Deserialize)]
        struct Set<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        // One by one: a key of a kind that is not known yet must not spoil the others.
        let set: Set<'_> = serde_json::from_slice(json).map_err(|_| BadKeySet::NotASet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(BadKeySet::TooMany);
        }
        let (mut keys, mut unfit) = (Vec::new(), Vec::new());
        for jwk in set.keys {
            match fitting(jwk, algorithm) {
                Ok(key) => keys.push(key),
                Err(reason) => unfit.push(reason),
            }
        }
        if keys.is_empty() { Err(BadKeySet::NoneFits { algorithm, unfit }) } else { Ok(Self { keys }) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// The key that a token names: the first of that name. A token that names none means the only key, and nothing where
    /// there are several: to try them in turn would let the sender choose.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&DecodingKey> {
        let key = match (id, self.keys.as_slice()) {
            (Some(_), keys) => keys.iter().find(|key| key.id.as_deref() == id)?,
            (None, [only]) => only,
            (None, _) => return None,
        };
        Some(&key.material)
    }
}

fn fitting(json: &RawValue, algorithm: PublicKeyAlgorithm) -> Result<Key, Unfit> {
    #[derive(Deserialize)]
    struct PrivatePart {
        d: Option<IgnoredAny>,
    }
    let jwk: Jwk = serde_json::from_str(json.get()).map_err(|_| Unfit::Unreadable)?;
    match (algorithm, &jwk.algorithm) {
        (PublicKeyAlgorithm::Rs256, AlgorithmParameters::RSA(_)) => {}
        (PublicKeyAlgorithm::Es256, AlgorithmParameters::EllipticCurve(key)) if key.curve == EllipticCurve::P256 => {}
        (PublicKeyAlgorithm::EdDsa, AlgorithmParameters::OctetKeyPair(key)) if key.curve == EllipticCurve::Ed25519 => {}
        _ => return Err(Unfit::AnotherType),
    }
    let common = &jwk.common;
    let for_signatures = common.public_key_use.as_ref().is_none_or(|this| *this == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|these| these.contains(&KeyOperations::Verify));
    if !for_signatures {
        return Err(Unfit::AnotherUse);
    }
    if common.key_algorithm.is_some_and(|this| this != KeyAlgorithm::from(algorithm.algorithm())) {
        return Err(Unfit::AnotherAlgorithm);
    }
    let private: PrivatePart = serde_json::from_str(json.get()).map_err(|_| Unfit::Unreadable)?;
    if private.d.is_some() {
        return Err(Unfit::Private);
    }
    let material = DecodingKey::from_jwk(&jwk).map_err(|_| Unfit::Unreadable)?;
    let sized = match material.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => {
            RSA_BYTES.contains(&n.iter().skip_while(|byte| **byte == 0).count())
        }
        DecodingKeyKind::SecretOrDer(bytes) => {
            bytes.len() == if algorithm == PublicKeyAlgorithm::EdDsa { 32 } else { 65 }
        }
    };
    if sized { Ok(Key { id: jwk.common.key_id, material }) } else { Err(Unfit::Size) }
}
