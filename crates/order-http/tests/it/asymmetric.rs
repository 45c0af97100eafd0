//! Tokens that are checked with the user service's public keys: which are believed, and which are not, for each algorithm.

use std::sync::{Arc, Mutex};

use actix_web::http::Method;
use async_trait::async_trait;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use order_domain::ports::{ServiceError, ServiceName};
use order_http::{KeySource, PublicKeyAlgorithm, PublicKeys};
use order_testkit::builders::an_order;
use order_testkit::keys::{SigningKey, jwk_set};
use order_testkit::services::away;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{NOW, SECRET, Shop};
use crate::tokens::{base64url, bearing, claims, raw, with, without};

/// The user service's address of keys, scripted.
pub(crate) struct Published {
    answer: Mutex<Result<Vec<u8>, ServiceError>>,
    fetches: Mutex<u32>,
    /// Nothing is answered without one of these.
    permits: Semaphore,
}

impl Published {
    pub(crate) fn these(keys: &[Value]) -> Arc<Self> {
        let permits = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self { answer: Mutex::new(Ok(jwk_set(keys))), fetches: Mutex::new(0), permits })
    }

    pub(crate) fn now(&self, keys: &[Value]) {
        self.answer(jwk_set(keys));
    }

    pub(crate) fn answer(&self, body: Vec<u8>) {
        *self.answer.lock().unwrap() = Ok(body);
    }

    pub(crate) fn down(&self) {
        *self.answer.lock().unwrap() = Err(away(ServiceName::User));
    }

    /// It takes its time from now on.
    pub(crate) fn hang(&self) {
        self.permits.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn go_on(&self) {
        self.permits.add_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn fetches(&self) -> u32 {
        *self.fetches.lock().unwrap()
    }
}

#[async_trait]
impl KeySource for Published {
    async fn fetch(&self) -> Result<Vec<u8>, ServiceError> {
        *self.fetches.lock().unwrap() += 1;
        let _permit = self.permits.acquire().await.unwrap();
        self.answer.lock().unwrap().clone()
    }
}

pub(crate) fn signing(algorithm: PublicKeyAlgorithm) -> SigningKey {
    SigningKey::generate(by_name(algorithm.name()))
}

fn by_name(name: &str) -> Algorithm {
    name.parse().unwrap()
}

/// A shop that believes these keys.
async fn shop(algorithm: PublicKeyAlgorithm, keys: &[Value]) -> Shop {
    let mut shop = Shop::open();
    let keys = PublicKeys::new(algorithm, Published::these(keys));
    assert!(keys.refresh().await);
    shop.keys = Some(Arc::new(keys));
    shop
}

async fn status(shop: &Shop, token: &str) -> u16 {
    shop.ask(bearing(&format!("Bearer {token}"))).await.status.as_u16()
}

#[actix_web::test]
async fn a_token_of_the_user_services_key_is_believed() {
    for algorithm in PublicKeyAlgorithm::ALL {
        let key = signing(algorithm);
        let shop = shop(algorithm, &[key.jwk("k1")]).await;
        shop.keep(an_order().paid()).await;
        assert_eq!(status(&shop, &key.token("k1", &claims())).await, 200, "{algorithm}");
        let unnamed = key.sign(&key.header(None), &claims());
        assert_eq!(status(&shop, &unnamed).await, 200, "{algorithm}: the only key need not be named");
        // Who asks, and as what, is read as in any other token.
        let of = |user: &str, role: &str| key.token("k1", &json!({ "sub": user, "role": role, "exp": NOW + 60 }));
        let ask = async |token: String, path: &str| {
            let request = actix_web::test::TestRequest::with_uri(path).method(Method::GET);
            shop.ask(request.insert_header(("Authorization", format!("Bearer {token}")))).await.status.as_u16()
        };
        assert_eq!(ask(of("ann", "user"), "/orders/1").await, 200, "{algorithm}");
        assert_eq!(ask(of("ben", "user"), "/orders/1").await, 404, "{algorithm}");
        assert_eq!(ask(of("root", "owner"), "/orders/1").await, 200, "{algorithm}");
        assert_eq!(ask(of("ann", "customer"), "/orders").await, 403, "{algorithm}");
    }
}

/// A token of `key`'s algorithm and name with something wrong in its header.
fn with_header(key: &SigningKey, change: impl Fn(&mut Header)) -> String {
    let mut header = key.header(Some("k1"));
    change(&mut header);
    key.sign(&header, &claims())
}

/// Tokens by HMAC whose secret is what everybody can read: the public key, in whatever form it is looked at.
fn with_the_public_key_as_secret(key: &SigningKey) -> Vec<String> {
    let jwk = key.jwk("k1");
    let pem = key.public_pem();
    let der = pem::parse(pem).unwrap().into_contents();
    let mut secrets = vec![
        pem.as_bytes().to_vec(),
        pem.trim_end().as_bytes().to_vec(),
        pem.replace("\r\n", "\n").into_bytes(),
        der[der.len() - 32..].to_vec(),
        der[der.len().saturating_sub(65)..].to_vec(),
        der,
        jwk.to_string().into_bytes(),
        jwk_set(std::slice::from_ref(&jwk)),
        b"k1".to_vec(),
        Vec::new(),
    ];
    secrets.extend(["n", "x"].iter().filter_map(|part| jwk[*part].as_str()).map(|part| part.as_bytes().to_vec()));
    let sign = |algorithm: Algorithm, id: Option<&str>, secret: &[u8]| {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(algorithm) };
        encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let hmacs = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    let each = |secret: &Vec<u8>| {
        hmacs.iter().flat_map(|hmac| [sign(*hmac, Some("k1"), secret), sign(*hmac, None, secret)]).collect::<Vec<_>>()
    };
    secrets.iter().flat_map(each).collect()
}

fn unbelievable(algorithm: PublicKeyAlgorithm, key: &SigningKey, others: &[SigningKey]) -> Vec<(&'static str, String)> {
    let (thief, payload) = (signing(algorithm), claims().to_string());
    let good = key.token("k1", &claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let header = head.split_once('.').unwrap().0;
    let admin = base64url(with("role", json!("admin")).to_string().as_bytes());
    let thiefs: Jwk = serde_json::from_value(thief.jwk("k1")).unwrap();
    let zeros = base64url(&vec![0; if algorithm == PublicKeyAlgorithm::Rs256 { 256 } else { 64 }]);
    let mut tokens = vec![
        ("garbage", "garbage".into()),
        ("no signature", format!("{head}.")),
        ("a signature of zeros", format!("{head}.{zeros}")),
        ("tampered payload", format!("{header}.{admin}.{signature}")),
        ("tampered signature", format!("{head}.{}", signature.chars().rev().collect::<String>())),
        ("another key by the same name", thief.token("k1", &claims())),
        ("another key without a name", thief.sign(&thief.header(None), &claims())),
        ("an unknown kid", key.token("k2", &claims())),
        ("an empty kid", key.token("", &claims())),
        ("a kid that is a path", key.token("../../dev/null", &claims())),
        (
            "the shared secret",
            encode(&Header::default(), &claims(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap(),
        ),
        ("jku", with_header(key, |header| header.jku = Some("https://evil.example/jwks.json".into()))),
        ("x5u", with_header(key, |header| header.x5u = Some("https://evil.example/x5u".into()))),
        ("x5c", with_header(key, |header| header.x5c = Some(vec!["MII=".into()]))),
        ("crit", with_header(key, |header| header.crit = Some(vec!["exp".into()]))),
        ("jwk", with_header(key, |header| header.jwk = Some(serde_json::from_value(key.jwk("k1")).unwrap()))),
        ("a thief's jwk", thief.sign(&Header { jwk: Some(thiefs), ..thief.header(Some("k1")) }, &claims())),
        ("too long", key.token("k1", &with("padding", json!("x".repeat(8 * 1024))))),
        ("no exp", key.token("k1", &without("exp"))),
        ("expired", key.token("k1", &with("exp", json!(NOW)))),
        ("not yet valid", key.token("k1", &with("nbf", json!(NOW + 6)))),
        ("names nobody", key.token("k1", &without("uid"))),
    ];
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": none, "typ": "JWT", "kid": "k1" }).to_string();
        tokens.push(("alg none", raw(&header, &payload, "")));
        tokens.push(("alg none with the signature", raw(&header, &payload, signature)));
    }
    for other in ["HS256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] {
        if other != algorithm.name() {
            let header = json!({ "alg": other, "kid": "k1" }).to_string();
            tokens.push(("another algorithm with the signature", raw(&header, &payload, signature)));
        }
    }
    tokens.extend(with_the_public_key_as_secret(key).into_iter().map(|token| ("a public key as secret", token)));
    // Well signed, by a key that the user service publishes, and yet not by the configured algorithm.
    for other in others {
        let id = other.header(None).alg;
        tokens.push(("a published key of another algorithm", other.token(&format!("{id:?}"), &claims())));
        tokens.push(("a key of another algorithm by the name of ours", other.token("k1", &claims())));
    }
    if algorithm == PublicKeyAlgorithm::Rs256 {
        // The very same key signs by these, too.
        for longer in ["RS384", "RS512", "PS256", "PS384", "PS512"] {
            let header = Header { kid: Some("k1".into()), ..Header::new(by_name(longer)) };
            tokens.push(("another RSA algorithm", key.sign(&header, &claims())));
        }
    }
    tokens
}

#[actix_web::test]
async fn what_is_not_ours_is_not_believed_by_any_algorithm() {
    for algorithm in PublicKeyAlgorithm::ALL {
        let key = signing(algorithm);
        let others = PublicKeyAlgorithm::ALL.into_iter().filter(|other| *other != algorithm);
        let others: Vec<_> = others.map(signing).collect();
        let mut published = vec![key.jwk("k1")];
        published.extend(others.iter().map(|other| other.jwk(&format!("{:?}", other.header(None).alg))));
        let shop = shop(algorithm, &published).await;
        assert_eq!(status(&shop, &key.token("k1", &claims())).await, 200);
        for (name, token) in unbelievable(algorithm, &key, &others) {
            let answer = shop.ask(bearing(&format!("Bearer {token}"))).await;
            assert_eq!(answer.status, 401, "{algorithm}: {name}: {}", answer.text);
            answer.is_problem(401, "unauthorized");
            assert!(!answer.text.contains(&token), "{name}");
        }
    }
}

#[actix_web::test]
async fn a_token_without_a_kid_means_the_only_key_and_nothing_where_there_are_two() {
    for algorithm in PublicKeyAlgorithm::ALL {
        let (old, new) = (signing(algorithm), signing(algorithm));
        let shop = shop(algorithm, &[old.jwk("old"), new.jwk("new")]).await;
        for key in [&old, &new] {
            assert_eq!(status(&shop, &key.sign(&key.header(None), &claims())).await, 401, "{algorithm}");
        }
        assert_eq!(status(&shop, &old.token("old", &claims())).await, 200);
        assert_eq!(status(&shop, &new.token("new", &claims())).await, 200);
        assert_eq!(status(&shop, &new.token("old", &claims())).await, 401);
    }
}

#[actix_web::test]
async fn issuer_and_audience_are_required_of_them_too() {
    let key = signing(PublicKeyAlgorithm::EdDsa);
    let mut shop = shop(PublicKeyAlgorithm::EdDsa, &[key.jwk("k1")]).await;
    let of = |iss: &str, aud: &str| {
        let mut claims = with("iss", json!(iss));
        claims["aud"] = json!([aud, "others"]);
        key.token("k1", &claims)
    };
    assert_eq!(status(&shop, &of("anybody", "anything")).await, 200);
    shop.change(|shop| {
        shop.issuer = Some("us".into());
        shop.audience = Some("orders".into());
    });
    assert_eq!(status(&shop, &of("us", "orders")).await, 200);
    assert_eq!(status(&shop, &of("them", "orders")).await, 401);
    assert_eq!(status(&shop, &of("us", "carts")).await, 401);
    assert_eq!(status(&shop, &key.token("k1", &claims())).await, 401);
}
