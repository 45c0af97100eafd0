//! Tokens signed with a private key of this service's own, checked with the public half.

use std::sync::Arc;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use order_clients::{CartClient, Guards, ServiceTokens, SigningKey, SigningKeyError};
use order_domain::Currency;
use order_domain::ports::CartService;
use order_sandbox::{DemoKey, Route, Service};
use serde_json::Value;

use crate::raw::{Answer, Raw};
use crate::{At, PATIENT, product, real_now, shop, user};

fn algorithm(key: DemoKey) -> Algorithm {
    match key {
        DemoKey::Rsa => Algorithm::RS256,
        DemoKey::Ec => Algorithm::ES256,
        DemoKey::Ed25519 => Algorithm::EdDSA,
    }
}

fn client(url: &str, pem: &str, id: Option<&str>) -> CartClient {
    let key = SigningKey::private(&pem.into(), id.map(str::to_owned)).unwrap();
    let tokens = ServiceTokens::new(key, Arc::new(At(real_now())));
    CartClient::new(url, PATIENT, &Guards::default(), Currency::USD, tokens).unwrap()
}

/// The token that a client sends.
async fn token(pem: &str, id: Option<&str>) -> String {
    let server = Raw::always(Answer::status("204 No Content", "")).await;
    client(&server.url, pem, id).remove(&user("u1"), product(1)).await.unwrap();
    let request = server.requests().remove(0);
    let token = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap();
    token.to_owned()
}

#[tokio::test]
async fn each_kind_of_key_signs_what_its_public_half_verifies() {
    for key in DemoKey::ALL {
        let token = token(key.private_pem(), Some(key.id())).await;
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (algorithm(key), Some(key.id())));

        let jwk: Jwk = serde_json::from_value(key.public_jwk()).unwrap();
        let public = DecodingKey::from_jwk(&jwk).unwrap();
        let claims = decode::<Value>(&token, &public, &Validation::new(header.alg)).unwrap().claims;
        assert_eq!((&claims["uid"], &claims["sub"], &claims["role"]), (&"u1".into(), &"u1".into(), &"user".into()));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    }
}

#[tokio::test]
async fn a_key_without_an_id_and_with_written_out_line_ends_signs_as_well() {
    let pem = DemoKey::Ec.private_pem().replace('\n', "\\n");
    let token = token(&pem, None).await;
    assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid, None);
}

#[tokio::test]
async fn the_cart_service_takes_them() {
    for key in DemoKey::ALL {
        let sandbox = shop();
        let cart = client(&sandbox.urls().cart, key.private_pem(), Some(key.id()));
        assert_eq!(cart.cart_of(&user("u1")).await.unwrap().lines.len(), 2, "{key:?}");
        cart.remove(&user("u1"), product(1)).await.unwrap();
        assert_eq!(sandbox.calls_to(Service::Cart, Route::Remove), 1);
    }
}

/// Keys that can't sign, made for this test and never used.
const RSA_1024: &str = include_str!("keys/rsa-1024.pem");
const P384: &str = include_str!("keys/p384.pem");
const SEC1: &str = include_str!("keys/sec1.pem");
const PUBLIC: &str = include_str!("keys/public.pem");

#[test]
fn a_key_that_can_not_sign_is_found_when_it_is_read() {
    for (pem, error) in [
        ("", SigningKeyError::NoKey),
        ("a secret of at least thirty-two bytes", SigningKeyError::NoKey),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", SigningKeyError::NoKey),
        (SEC1, SigningKeyError::NoKey),
        (RSA_1024, SigningKeyError::Unusable),
        (P384, SigningKeyError::Unusable),
        (PUBLIC, SigningKeyError::Unusable),
    ] {
        assert_eq!(SigningKey::private(&pem.into(), None).err(), Some(error), "{pem}");
    }
}

#[test]
fn a_key_is_never_shown() {
    let key = SigningKey::private(&DemoKey::Ed25519.private_pem().into(), None).unwrap();
    let tokens = ServiceTokens::new(key, Arc::new(At(real_now())));
    assert_eq!(format!("{tokens:?}"), "ServiceTokens(SigningKey(EdDSA, …))");
}
