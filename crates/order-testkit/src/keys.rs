//! Private keys that sign tokens, and what the user service publishes of them. Fresh in every run: none is kept anywhere.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// A key that signs tokens by one algorithm.
pub struct SigningKey {
    algorithm: Algorithm,
    private: String,
    public: String,
    key: EncodingKey,
}

impl SigningKey {
    /// A new key for `RS256`, `ES256` or `EdDSA`.
    pub fn generate(algorithm: Algorithm) -> Self {
        let (private, public) = match algorithm {
            Algorithm::RS256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
                let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                (private.as_ref().to_vec(), public(pair.public_key()))
            }
            Algorithm::ES256 => {
                let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let private = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap();
                let pair = EcdsaKeyPair::from_pkcs8(kind, private.as_ref()).unwrap();
                (private.as_ref().to_vec(), public(pair.public_key()))
            }
            Algorithm::EdDSA => {
                let private = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
                let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).unwrap();
                (private.as_ref().to_vec(), public(pair.public_key()))
            }
            other => panic!("no such key here: {other:?}"),
        };
        let private = pem("PRIVATE KEY", private);
        let key = match algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(private.as_bytes()),
            Algorithm::ES256 => EncodingKey::from_ec_pem(private.as_bytes()),
            _ => EncodingKey::from_ed_pem(private.as_bytes()),
        };
        Self { algorithm, private, public: pem("PUBLIC KEY", public), key: key.unwrap() }
    }

    /// The private key, as a file would hold it (PKCS #8).
    pub fn private_pem(&self) -> &str {
        &self.private
    }

    /// The public key, as a file would hold it.
    pub fn public_pem(&self) -> &str {
        &self.public
    }

    /// The public key as a JWK, named `id`.
    pub fn jwk(&self, id: &str) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The header of its tokens, with the key named or not.
    pub fn header(&self, id: Option<&str>) -> Header {
        Header { kid: id.map(str::to_owned), ..Header::new(self.algorithm) }
    }

    /// A token with this header.
    pub fn sign(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).unwrap()
    }

    /// A token that names its key `id`.
    pub fn token(&self, id: &str, claims: &Value) -> String {
        self.sign(&self.header(Some(id)), claims)
    }
}

/// A JWK set of these keys.
pub fn jwk_set(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

fn public(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

fn pem(tag: &str, der: Vec<u8>) -> String {
    pem::encode(&pem::Pem::new(tag, der))
}
