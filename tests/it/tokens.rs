//! A shop whose user service signs with a private key: its tokens are believed, as its keys come and go.

use jsonwebtoken::Algorithm;
use order_sandbox::Sandbox;
use order_testkit::keys::SigningKey;
use serde_json::{Value, json};

use crate::command_line::{run, said};
use crate::support::service::SECRET;
use crate::support::shop::{sandbox, token};
use crate::support::{Engine, Issuer, Service, Shop, audit, eventually};

fn claims(user: &str, role: &str) -> Value {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    json!({ "uid": user, "role": role, "iss": "the user service", "aud": "orders", "iat": now, "exp": now + 3_600 })
}

async fn start(engine: &Engine, sandbox: &Sandbox, issuer: &Issuer, algorithm: &str) -> Service {
    let settings = [
        ("JWT_ALGORITHM", algorithm),
        ("USER_SERVICE_URL", &issuer.url),
        ("CART_SERVICE_URL", &issuer.url),
        ("JWT_ISSUER", "the user service"),
        ("JWT_AUDIENCE", "orders"),
    ];
    Service::start_with(engine, sandbox, &settings).await
}

async fn sells(algorithm: Algorithm, name: &str) {
    let (engine, sandbox, key) = (Engine::sqlite(), sandbox(), SigningKey::generate(algorithm));
    let issuer = Issuer::start(&[key.jwk("k1")]).await;
    let service = start(&engine, &sandbox, &issuer, name).await;
    let by = |user: &str, role: &str| Shop::with_token(&service, key.token("k1", &claims(user, role)));
    let customer = by("ann", "user");
    let id = customer.place().await.expect(201).id();
    customer.until(id, "status", "confirmed").await;
    by("carl", "delivery_partner").take(id, "carl").await.expect(200);
    by("ada", "admin").set_status(id, "preparing").await.expect(200);
    by("eve", "user").get(&format!("/orders/{id}")).await.expect(404);
    // What another kind of shop would believe.
    Shop::with_token(&service, token("ada", "admin")).get("/orders").await.expect(401);
    assert_eq!(issuer.fetches(), 1);
    service.stop().await;
    audit::clean(&engine, &sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_with_es256_tokens_sells() {
    sells(Algorithm::ES256, "ES256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_with_rs256_tokens_sells() {
    sells(Algorithm::RS256, "RS256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_with_eddsa_tokens_sells() {
    sells(Algorithm::EdDSA, "EdDSA").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_picked_up_and_the_known_ones_outlive_the_user_service() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let (old, new) = (SigningKey::generate(Algorithm::ES256), SigningKey::generate(Algorithm::ES256));
    let mut issuer = Issuer::start(&[old.jwk("2025")]).await;
    let service = start(&engine, &sandbox, &issuer, "ES256").await;
    let ask = async |token: String| Shop::with_token(&service, token).get("/orders/my-orders").await;
    let (by_old, by_new) = (old.token("2025", &claims("ann", "user")), new.token("2026", &claims("ann", "user")));
    ask(by_old.clone()).await.expect(200);
    issuer.publish(&[old.jwk("2025"), new.jwk("2026")]);
    // Over both threads of the instance, at once.
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let customer = Shop::with_token(&service, by_new.clone());
            tokio::spawn(async move { customer.get("/orders/my-orders").await.expect(200) })
        })
        .collect();
    for asked in asking {
        asked.await.unwrap();
    }
    assert_eq!(issuer.fetches(), 2, "once at the start, once for the new key");
    issuer.take_down().await;
    for known in [by_old, by_new] {
        ask(known).await.expect(200);
    }
    ask(new.token("2027", &claims("ann", "user"))).await.expect(401);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_starts_before_the_user_service_says_so_and_waits_for_it() {
    let (engine, sandbox, key) = (Engine::sqlite(), sandbox(), SigningKey::generate(Algorithm::EdDSA));
    let mut issuer = Issuer::start(&[key.jwk("k1")]).await;
    issuer.take_down().await;
    let service = start(&engine, &sandbox, &issuer, "EdDSA").await;
    let customer = Shop::with_token(&service, key.token("k1", &claims("ann", "user")));
    let answer = customer.get("/orders/my-orders").await.expect(503);
    assert_eq!(
        (answer.json()["code"].as_str(), answer.header("retry-after")),
        (Some("upstream_unavailable"), Some("5"))
    );
    Shop::with_token(&service, "garbage".into()).get("/orders/my-orders").await.expect(401);
    customer.get("/health/live").await.expect(200);
    issuer.bring_back().await;
    eventually("its tokens are believed", || async { customer.get("/orders/my-orders").await.status == 200 }).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_development_is_signed_with_a_private_key() {
    let (engine, sandbox, key) = (Engine::sqlite(), sandbox(), SigningKey::generate(Algorithm::ES256));
    let issuer = Issuer::start(&[key.jwk("k1"), SigningKey::generate(Algorithm::ES256).jwk("k2")]).await;
    let service = start(&engine, &sandbox, &issuer, "ES256").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    std::fs::write(&file, key.private_pem()).unwrap();
    let file = file.to_str().unwrap();
    let settings = [("JWT_ALGORITHM", "ES256"), ("JWT_ISSUER", "the user service"), ("JWT_AUDIENCE", "orders")];
    let printed = run(&["token", "ann", "--private-key", file, "--key-id", "k1"], &settings).await;
    assert_eq!(printed.status.code(), Some(0), "{}", said(&printed));
    let customer = Shop::with_token(&service, said(&printed).trim().to_owned());
    customer.get("/orders/my-orders").await.expect(200);
    service.stop().await;

    for (arguments, settings, reason) in [
        (&["token", "ann"][..], &settings[..], "--private-key FILE"),
        (&["token", "ann", "--private-key", "no/such.pem"], &settings, "no/such.pem: "),
        (&["token", "ann", "--private-key", file], &[("JWT_ALGORITHM", "RS256")], "no private key for RS256"),
        (&["token", "ann", "--private-key", file], &[("JWT_SECRET_KEY", SECRET)], "JWT_ALGORITHM is HS256"),
    ] {
        let refused = run(arguments, settings).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(said(&refused).contains(reason), "{}", said(&refused));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_looks_at_the_published_keys() {
    let (engine, sandbox, key) = (Engine::sqlite(), sandbox(), SigningKey::generate(Algorithm::ES256));
    let mut issuer = Issuer::start(&[key.jwk("k1")]).await;
    let urls = sandbox.urls();
    let jwks = format!("{}/.well-known/jwks.json", issuer.url);
    let check = async |algorithm: &str, jwks: &str| {
        let settings = [
            ("DATABASE_URL", engine.url()),
            ("JWT_SECRET_KEY", SECRET),
            ("JWT_ALGORITHM", algorithm),
            ("JWKS_URL", jwks),
            ("USER_SERVICE_URL", &urls.user),
            ("PRODUCT_SERVICE_URL", &urls.product),
            ("CART_SERVICE_URL", &urls.cart),
            ("PAYMENT_SERVICE_URL", &urls.payment),
            ("NOTIFICATION_SERVICE_URL", &urls.payment),
        ];
        let output = run(&["check"], &settings).await;
        (output.status.code(), said(&output))
    };
    let fine = check("ES256", &jwks).await;
    assert!(fine.0 == Some(0) && fine.1.contains("ok     keys of tokens: 1 for ES256"), "{fine:?}");
    let unused = check("HS256", &jwks).await;
    assert!(unused.0 == Some(0) && unused.1.contains("note   JWKS_URL is set and has no effect"), "{unused:?}");
    let wrong = |reason: &str| format!("wrong  keys of tokens: {reason} ({jwks})");
    let unfit = check("RS256", &jwks).await;
    let reason = wrong("no key for RS256 (of another type); look at JWT_ALGORITHM and JWKS_URL");
    assert!(unfit.0 == Some(1) && unfit.1.contains(&reason), "{unfit:?}");
    let (code, elsewhere) = check("ES256", &format!("{}/keys", issuer.url)).await;
    assert!(code == Some(1) && elsewhere.contains("status 404; look at JWKS_URL"), "{elsewhere}");
    issuer.take_down().await;
    let down = check("ES256", &jwks).await;
    assert!(down.0 == Some(1) && down.1.contains("no connection; look at JWKS_URL"), "{down:?}");
}
