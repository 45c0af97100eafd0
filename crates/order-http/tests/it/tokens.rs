//! Tokens: which are believed, and as whose. Every other one is 401, whatever is wrong with it.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use order_domain::time::Duration;
use order_http::{BadSecret, TokenVerifier};
use order_testkit::builders::an_order;
use serde_json::{Value, json};

use crate::support::{NOW, SECRET, Shop, signed, token, token_of};

const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

pub(crate) fn claims() -> Value {
    json!({ "uid": "ann", "exp": NOW + 3600 })
}

pub(crate) fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(crate) fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed_by(header: &Header, claims: &Value, secret: &str) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn with_header(change: impl Fn(&mut Header)) -> String {
    let mut header = Header::new(Algorithm::HS256);
    change(&mut header);
    signed_by(&header, &claims(), SECRET)
}

/// A token of raw parts.
pub(crate) fn raw(header: &str, payload: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", base64url(header.as_bytes()), base64url(payload.as_bytes()))
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let group = |chunk: &[u8]| {
        let at = |i: usize| chunk.get(i).copied().map_or(0, u32::from);
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        let digit = move |i: usize| char::from(ALPHABET[(bits >> (18 - 6 * i)) as usize & 63]);
        (0..=chunk.len()).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

pub(crate) fn bearing(authorization: &str) -> TestRequest {
    TestRequest::with_uri("/orders/my-orders").insert_header(("Authorization", authorization))
}

#[track_caller]
fn bad(name: &'static str, token: String) -> (&'static str, String) {
    (name, token)
}

#[actix_web::test]
async fn what_is_not_ours_is_not_believed() {
    let shop = Shop::open();
    let payload = claims().to_string();
    let good = token(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let other_payload = base64url(with("role", json!("admin")).to_string().as_bytes());
    let header = head.split_once('.').unwrap().0;
    let mut tokens = vec![
        bad("garbage", "garbage".into()),
        bad("two parts", head.to_owned()),
        bad("no signature", format!("{head}.")),
        bad("tampered payload", format!("{header}.{other_payload}.{signature}")),
        bad("tampered signature", format!("{head}.{}", signature.chars().rev().collect::<String>())),
        bad("four parts", format!("{good}.x")),
        bad(
            "another secret",
            signed_by(&Header::new(Algorithm::HS256), &claims(), "another secret of thirty-two bytes!!"),
        ),
        bad("a public key as secret", signed_by(&Header::new(Algorithm::HS256), &claims(), PUBLIC_PEM)),
        bad("an empty secret", signed_by(&Header::new(Algorithm::HS256), &claims(), "")),
        bad("HS384", signed_by(&Header::new(Algorithm::HS384), &claims(), SECRET)),
        bad("HS512", signed_by(&Header::new(Algorithm::HS512), &claims(), SECRET)),
        bad("too long", token(&with("padding", json!("x".repeat(8 * 1024))))),
        bad("an unknown kid", with_header(|header| header.kid = Some("k1".into()))),
        bad("a kid that is a path", with_header(|header| header.kid = Some("../../dev/null".into()))),
        bad("jku", with_header(|header| header.jku = Some("https://evil.example/jwks.json".into()))),
        bad("x5u", with_header(|header| header.x5u = Some("https://evil.example/x5u".into()))),
        bad("x5c", with_header(|header| header.x5c = Some(vec!["MII=".into()]))),
        bad("jwk", with_header(|header| header.jwk = Some(a_jwk()))),
        bad("crit", with_header(|header| header.crit = Some(vec!["exp".into()]))),
        bad("no exp", token(&without("exp"))),
        bad("exp is a text", token(&with("exp", json!((NOW + 3600).to_string())))),
        bad("exp is negative", token(&with("exp", json!(-1)))),
        bad("exp is null", token(&with("exp", json!(null)))),
        bad("expired just now", token(&with("exp", json!(NOW)))),
        bad("expired a second ago", token(&with("exp", json!(NOW - 1)))),
        bad("not yet valid", token(&with("nbf", json!(NOW + 6)))),
        bad("nbf is a text", token(&with("nbf", json!("soon")))),
        bad("names nobody", token(&without("uid"))),
        bad("uid is empty", token(&with("uid", json!("")))),
        bad("uid has spaces", token(&with("uid", json!("a b")))),
        bad("uid is too long", token(&with("uid", json!("x".repeat(129))))),
        bad("uid is a float", token(&with("uid", json!(1.5)))),
        bad("uid is a list", token(&with("uid", json!(["ann"])))),
        bad("uid is true", token(&with("uid", json!(true)))),
        bad("claims are a list", token(&json!(["uid", "exp"]))),
    ];
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": none, "typ": "JWT" }).to_string();
        tokens.push(bad("alg none", raw(&header, &payload, "")));
        tokens.push(bad("alg none with the signature", raw(&header, &payload, signature)));
    }
    for other in ["RS256", "ES256", "EdDSA", "PS256", "hs256", "HS256 "] {
        let header = json!({ "alg": other, "typ": "JWT" }).to_string();
        tokens.push(bad("another algorithm", raw(&header, &payload, signature)));
    }
    tokens.push(bad("no alg", raw(r#"{"typ":"JWT"}"#, &payload, signature)));
    for (name, token) in tokens {
        let answer = shop.ask(bearing(&format!("Bearer {token}"))).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
        answer.is_problem(401, "unauthorized");
        assert!(!answer.text.contains(&token), "{name}");
    }
}

fn a_jwk() -> Jwk {
    let key =
        json!({"keys": [{"kty": "oct", "k": base64url(b"a secret of the sender, who chose it"), "alg": "HS256"}]});
    serde_json::from_value::<JwkSet>(key).unwrap().keys.remove(0)
}

#[actix_web::test]
async fn the_header_is_one_bearer_in_any_case() {
    let shop = Shop::open();
    let good = token(&claims());
    let other = token(&with("iat", json!(NOW)));
    for header in [
        format!("Bearer {good}"),
        format!("bearer {good}"),
        format!("BEARER  {good}"),
        format!("Bearer {good}, Bearer {good}"),
    ] {
        assert_eq!(shop.ask(bearing(&header)).await.status, 200, "{header}");
    }
    let twice = |second: &str| bearing(&format!("Bearer {good}")).append_header(("Authorization", second.to_owned()));
    assert_eq!(shop.ask(twice(&format!("bearer {good}"))).await.status, 200);
    shop.ask(twice(&format!("Bearer {other}"))).await.is_problem(401, "unauthorized");
    shop.ask(twice("Basic YTpi")).await.is_problem(401, "unauthorized");
    for header in [
        "",
        "Bearer",
        "Bearer ",
        &good,
        &format!("Basic {good}"),
        &format!("Token {good}"),
        &format!("Bearer{good}"),
        &format!("Bearer {good}, Bearer {other}"),
        &format!("Bearer {good},"),
    ] {
        shop.ask(bearing(header)).await.is_problem(401, "unauthorized");
    }
    shop.ask(TestRequest::with_uri("/orders/my-orders")).await.is_problem(401, "unauthorized");
}

async fn user_of(claims: Value) -> Value {
    let shop = Shop::open();
    for (id, name) in (1..).zip(["ann", "42", "sub", "9007199254740993"]) {
        shop.keep(an_order().id(id).customer(name).placed()).await;
    }
    let request = bearing(&format!("Bearer {}", token(&claims)));
    shop.ask(request).await.json()[0]["user_id"].clone()
}

#[actix_web::test]
async fn the_user_is_uid_else_user_id_else_sub() {
    let exp = NOW + 60;
    for (claims, user) in [
        (json!({"uid": "ann", "user_id": "42", "sub": "sub", "exp": exp}), "ann"),
        (json!({"uid": 42, "sub": "sub", "exp": exp}), "42"),
        (json!({"user_id": 42, "sub": "sub", "exp": exp}), "42"),
        (json!({"user_id": "42", "exp": exp}), "42"),
        (json!({"uid": null, "sub": "sub", "exp": exp}), "sub"),
        (json!({"sub": 42, "exp": exp}), "42"),
        (json!({"sub": 9_007_199_254_740_993_i64, "exp": exp}), "9007199254740993"),
    ] {
        assert_eq!(user_of(claims.clone()).await, user, "{claims}");
    }
}

#[actix_web::test]
async fn time_is_the_clocks() {
    let shop = Shop::open();
    let ask = async |claims: Value| shop.ask(bearing(&format!("Bearer {}", token(&claims)))).await.status.as_u16();
    assert_eq!(ask(with("exp", json!(NOW + 1))).await, 200);
    assert_eq!(ask(with("exp", json!(1_767_268_800.5))).await, 200);
    assert_eq!(ask(with("exp", json!(u64::MAX))).await, 200);
    assert_eq!(ask(with("nbf", json!(NOW + 5))).await, 200);
    assert_eq!(ask(with("nbf", json!(null))).await, 200);
    shop.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(with("exp", json!(NOW + 1))).await, 401);
    assert_eq!(ask(with("exp", json!(1_767_268_800.5))).await, 401);
    assert_eq!(ask(with("nbf", json!(NOW + 6))).await, 200);
}

#[actix_web::test]
async fn issuer_and_audience_are_required_when_set_and_aud_is_accepted_when_not() {
    let mut shop = Shop::open();
    let claims = |iss: Value, aud: Value| {
        let mut claims = with("iss", iss);
        claims["aud"] = aud;
        claims
    };
    let (nobody, wrong) = (json!(null), json!("https://evil.example"));
    let cases = [
        (claims(nobody.clone(), nobody.clone()), [200, 401, 401]),
        (claims(json!("us"), nobody.clone()), [200, 200, 401]),
        (claims(wrong.clone(), json!("orders")), [200, 401, 200]),
        (claims(json!(["us"]), json!(["shop", "orders"])), [200, 200, 200]),
        (claims(json!("us"), wrong), [200, 200, 401]),
        (claims(json!(7), json!(7)), [200, 401, 401]),
        (claims(json!("us"), json!([])), [200, 200, 401]),
    ];
    for (set, (issuer, audience)) in [(None, None), (Some("us"), None), (None, Some("orders"))].into_iter().enumerate()
    {
        shop.change(|shop| {
            shop.issuer = issuer.map(str::to_owned);
            shop.audience = audience.map(str::to_owned);
        });
        for (claims, expected) in &cases {
            let answer = shop.ask(bearing(&format!("Bearer {}", token(claims)))).await;
            assert_eq!(answer.status.as_u16(), expected[set], "{issuer:?} {audience:?} {claims}");
        }
    }
}

#[actix_web::test]
async fn a_role_is_only_what_the_token_says() {
    let shop = Shop::open();
    for (role, expected) in [
        (json!("admin"), 200),
        (json!("owner"), 200),
        (json!("delivery_partner"), 200),
        (json!("delivery_guy"), 200),
        (json!("user"), 403),
        (json!("customer"), 403),
        (json!("Admin"), 403),
        (json!("superuser"), 403),
        (json!(["admin"]), 403),
        (json!(null), 403),
        (json!(1), 403),
    ] {
        let request = TestRequest::with_uri("/orders");
        let bearer = format!("Bearer {}", token(&with("role", role.clone())));
        assert_eq!(
            shop.ask(request.insert_header(("Authorization", bearer))).await.status.as_u16(),
            expected,
            "{role}"
        );
    }
}

#[actix_web::test]
async fn no_other_header_changes_anything() {
    let shop = Shop::open();
    shop.keep(an_order().paid()).await;
    let dressed = |request: TestRequest| {
        let headers =
            [("X-User-Id", "ann"), ("X-Role", "admin"), ("X-Auth-Source", "gateway"), ("X-Forwarded-User", "root")];
        headers.into_iter().fold(request, TestRequest::insert_header)
    };
    shop.ask(dressed(signed(Method::GET, "/orders/1", "ben"))).await.is_problem(404, "order_not_found");
    shop.ask(dressed(signed(Method::GET, "/orders", "ben"))).await.is_problem(403, "forbidden");
    shop.ask(dressed(signed(Method::GET, "/orders/1", ""))).await.is_problem(401, "unauthorized");
    let query = format!("/orders/1?token={}&access_token={}", token_of("root"), token_of("root"));
    shop.ask(signed(Method::GET, &query, "")).await.is_problem(401, "unauthorized");
}

#[test]
fn a_secret_is_a_secret() {
    let of = |secret: &str| TokenVerifier::hs256(&secret.into()).map(|_| ());
    assert_eq!(of(""), Err(BadSecret::Empty));
    assert_eq!(of(PUBLIC_PEM), Err(BadSecret::IsPem));
    assert_eq!(of(&format!("\n{PUBLIC_PEM}")), Err(BadSecret::IsPem));
    assert_eq!(of(SECRET), Ok(()));
}
