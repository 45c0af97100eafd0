//! `order-app token`: a token for development.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use order_http::PublicKeyAlgorithm;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::Failure;
use crate::settings::{Given, MadeWith, Making};

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Whose token
    user: String,
    /// user, `delivery_partner`, admin or owner
    #[arg(long, default_value = "user", value_parser = ["user", "delivery_partner", "admin", "owner"])]
    role: String,
    /// How long it is good for
    #[arg(long, default_value = "12h", value_parser = humantime::parse_duration)]
    lifetime: Duration,
    /// The key to sign with, a PEM file (PKCS #8), where JWT_ALGORITHM is RS256, ES256 or EdDSA
    #[arg(long, value_name = "FILE")]
    private_key: Option<PathBuf>,
    /// The name of that key among the published ones (`kid`)
    #[arg(long, value_name = "NAME", requires = "private_key")]
    key_id: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Making { with, issuer, audience } = Given::read().making()?;
    let signer = match (with, &arguments.private_key) {
        (MadeWith::Secret(secret), None) => Signer::hs256(secret.expose_secret()),
        (MadeWith::PrivateKey(algorithm), Some(file)) => Signer::with_private_key(algorithm, file, arguments.key_id)?,
        (MadeWith::Secret(_), Some(_)) => {
            return Err(Failure::Other("JWT_ALGORITHM is HS256, which signs with JWT_SECRET_KEY".into()));
        }
        (MadeWith::PrivateKey(algorithm), None) => {
            return Err(Failure::Other(format!("JWT_ALGORITHM is {algorithm}: name the key with --private-key FILE")));
        }
    };
    println!("{}", signer.naming(issuer, audience).sign(&arguments.user, &arguments.role, arguments.lifetime)?);
    Ok(())
}

/// Signs tokens.
pub(crate) struct Signer {
    header: Header,
    key: EncodingKey,
    issuer: Option<String>,
    audience: Option<String>,
}

impl Signer {
    /// By HS256.
    pub(crate) fn hs256(secret: &str) -> Self {
        let (header, key) = (Header::new(Algorithm::HS256), EncodingKey::from_secret(secret.as_bytes()));
        Self { header, key, issuer: None, audience: None }
    }

    fn with_private_key(algorithm: PublicKeyAlgorithm, file: &Path, key_id: Option<String>) -> Result<Self, Failure> {
        let failed = |reason: &str| Failure::Other(format!("{}: {reason}", file.display()));
        let pem = std::fs::read(file).map_err(|error| failed(&error.to_string()))?;
        let (algorithm, key) = match algorithm {
            PublicKeyAlgorithm::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(&pem)),
            PublicKeyAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_pem(&pem)),
            PublicKeyAlgorithm::EdDsa => (Algorithm::EdDSA, EncodingKey::from_ed_pem(&pem)),
        };
        let key = key.map_err(|_| failed(&format!("no private key for {algorithm:?} in PEM (PKCS #8)")))?;
        Ok(Self { header: Header { kid: key_id, ..Header::new(algorithm) }, key, issuer: None, audience: None })
    }

    /// With the issuer and the audience that the service asks for, if it does.
    pub(crate) fn naming(self, issuer: Option<String>, audience: Option<String>) -> Self {
        Self { issuer, audience, ..self }
    }

    /// A token of `user`.
    #[expect(clippy::disallowed_methods, reason = "a token for a person at this machine goes by this machine's clock")]
    pub(crate) fn sign(&self, user: &str, role: &str, lifetime: Duration) -> Result<String, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::other)?;
        let mut claims = json!({
            "uid": user,
            "sub": user,
            "role": role,
            "iat": now.as_secs(),
            "exp": (now + lifetime).as_secs(),
        });
        for (name, value) in [("iss", &self.issuer), ("aud", &self.audience)] {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        encode(&self.header, &claims, &self.key).map_err(Failure::other)
    }
}
