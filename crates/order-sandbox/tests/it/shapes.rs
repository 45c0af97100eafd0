//! The shapes and refusals of the user, product and cart services.

use std::time::Duration;

use order_sandbox::{DemoKey, Fault, FaultKind, Promo, Route, Service};
use serde_json::json;

use crate::{answer, send, shop, status};

#[tokio::test]
async fn a_user_is_told_to_admins_only() {
    let shop = shop();
    let admin = shop.token("admin1", "admin");

    let (code, user) = answer(shop.user("courier1").bearer_auth(&admin)).await;
    assert_eq!(code, 200);
    assert_eq!((&user["uid"], &user["role"]), (&json!("courier1"), &json!("delivery_partner")));

    assert_eq!(status(shop.user("nobody").bearer_auth(&admin)).await, 404);
    assert_eq!(status(shop.user("courier1").bearer_auth(shop.token("u1", "user"))).await, 403);
    let refused = send(shop.user("courier1")).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn the_key_set_is_that_of_the_demo_or_what_was_given() {
    let shop = shop();
    let url = format!("{}/.well-known/jwks.json", shop.sandbox.urls().user);
    let demo = json!({"keys": DemoKey::ALL.map(DemoKey::public_jwk)});
    assert_eq!(answer(shop.http.get(&url)).await, (200, demo.clone()));
    shop.sandbox.set_jwks(json!({"keys": [{"kid": "a"}]}));
    assert_eq!(answer(shop.http.get(&url)).await.1["keys"], json!([{"kid": "a"}]));
    shop.sandbox.reset();
    assert_eq!(answer(shop.http.get(&url)).await.1, demo);

    shop.sandbox.add_fault(Service::User, Fault::new(FaultKind::Status(503)).on(Route::Jwks));
    assert_eq!(status(shop.http.get(&url)).await, 503);
    assert_eq!(shop.sandbox.calls_to(Service::User, Route::Jwks), 2);
}

#[tokio::test]
async fn a_token_signed_with_a_private_key_is_taken_as_long_as_the_set_has_its_key() {
    let shop = shop();
    let url = format!("{}/api/v1/cart", shop.sandbox.urls().cart);
    for key in DemoKey::ALL {
        let token = key.token("u1", "user", crate::MINUTE).unwrap();
        assert_eq!(answer(shop.http.get(&url).bearer_auth(&token)).await.1["user_id"], "u1", "{key:?}");
        let admin = key.token("admin1", "admin", crate::MINUTE).unwrap();
        assert_eq!(status(shop.user("courier1").bearer_auth(&admin)).await, 200, "{key:?}");
    }
    let token = DemoKey::Rsa.token("u1", "user", crate::MINUTE).unwrap();
    let (start, _) = token.rsplit_once('.').unwrap();
    assert_eq!(status(shop.http.get(&url).bearer_auth(format!("{start}.AAAA"))).await, 401);
    // of the same id, and another key
    let other = json!({"kid": DemoKey::Rsa.id(), "kty": "RSA", "n": "AQAB".repeat(64), "e": "AQAB"});
    for keys in [json!([]), json!([other]), json!([DemoKey::Ec.public_jwk()]), json!(null)] {
        shop.sandbox.set_jwks(json!({"keys": keys}));
        assert_eq!(status(shop.http.get(&url).bearer_auth(&token)).await, 401);
    }
}

#[tokio::test]
async fn a_product_has_every_field_and_its_float_price() {
    let shop = shop();
    let (code, product) = answer(shop.product("1")).await;
    assert_eq!(code, 200);
    assert_eq!(
        product,
        json!({
            "id": 1, "name": "Apples", "description": "Crisp red apples", "price": 2.99, "mrp": 3.99, "category_id": 1,
            "image_url": "https://images.example.com/products/1.jpg", "stock_quantity": 100, "unit": "kg",
            "is_active": true, "is_returnable": true,
        })
    );
    let text = send(shop.product("5")).await.text().await.unwrap();
    assert!(text.contains("\"price\":30.299999999999997,"), "{text}");
}

#[tokio::test]
async fn an_inactive_product_is_answered_and_a_missing_one_is_not() {
    let shop = shop();
    let (code, product) = answer(shop.product("6")).await;
    assert_eq!((code, &product["is_active"]), (200, &json!(false)));
    assert_eq!(status(shop.product("99")).await, 404);
}

#[tokio::test]
async fn a_path_with_a_trailing_slash_is_another_path() {
    let shop = shop();
    assert_eq!(status(shop.product("1/")).await, 404);
    assert_eq!(status(shop.http.get(format!("{}/api/v1/cart/", shop.sandbox.urls().cart))).await, 404);
    assert_eq!(status(shop.http.delete(format!("{}/api/v1/cart", shop.sandbox.urls().cart))).await, 405);
    assert_eq!(shop.sandbox.calls_to(Service::Product, Route::Other), 1);
    assert_eq!(shop.sandbox.calls_to(Service::Cart, Route::Other), 2);
    assert_eq!(shop.sandbox.calls_to(Service::Cart, Route::Cart), 0);
}

#[tokio::test]
async fn a_cart_has_its_lines_and_sums() {
    let shop = shop();
    let (code, cart) = answer(shop.cart("u1")).await;
    assert_eq!(code, 200);
    assert_eq!((&cart["user_id"], &cart["promo_code"]), (&json!("u1"), &json!(null)));
    let line = &cart["items"][0];
    assert_eq!(
        (&line["product_id"], &line["quantity"], &line["product"]["name"]),
        (&json!(1), &json!(2), &json!("Apples"))
    );
    assert!(line["id"].is_i64());
    assert_eq!((&cart["subtotal"], &cart["discount_amount"]), (&json!(2.99 * 2.0 + 1.49), &json!(0.0)));
    assert_eq!(cart["total_amount"], cart["subtotal"]);
}

#[tokio::test]
async fn a_promo_code_takes_off_a_share_or_an_amount_up_to_the_subtotal() {
    let shop = shop();
    let (_, cart) = answer(shop.cart("u2")).await;
    assert_eq!(cart["promo_code"], json!({"code": "WELCOME10", "discount_type": "percentage", "discount_value": 10.0}));
    let (subtotal, discount) = (cart["subtotal"].as_f64().unwrap(), cart["discount_amount"].as_f64().unwrap());
    assert!((discount - subtotal / 10.0).abs() < 1e-9);

    shop.sandbox.set_promo("u2", Some(Promo::fixed("HUGE", 1000.0)));
    let (_, cart) = answer(shop.cart("u2")).await;
    assert_eq!((&cart["discount_amount"], &cart["total_amount"]), (&cart["subtotal"], &json!(0.0)));
}

#[tokio::test]
async fn whoever_has_no_cart_has_an_empty_one() {
    let shop = shop();
    let (code, cart) = answer(shop.cart("newcomer")).await;
    assert_eq!((code, &cart["items"], &cart["subtotal"]), (200, &json!([]), &json!(0.0)));
    let text = send(shop.cart("newcomer")).await.text().await.unwrap();
    assert!(!text.contains("-0.0"), "{text}");
}

#[tokio::test]
async fn a_removed_product_is_gone_and_comes_back_as_another_line() {
    let shop = shop();
    let before = shop.sandbox.cart("u1").items[0].id;

    let (code, cart) = answer(shop.remove("u1", 1)).await;
    assert_eq!((code, cart["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!(status(shop.remove("u1", 1)).await, 404);

    shop.sandbox.add_to_cart("u1", 1, 2);
    let after = shop.sandbox.cart("u1").items[1].clone();
    assert_eq!((after.product_id, after.quantity), (1, 2));
    assert_ne!(after.id, before);
    shop.sandbox.add_to_cart("u1", 1, 1);
    assert_eq!((shop.sandbox.cart("u1").items[1].id, shop.sandbox.cart("u1").items[1].quantity), (after.id, 3));
}

#[tokio::test]
async fn a_cart_is_for_whom_the_token_names() {
    let shop = shop();
    let url = format!("{}/api/v1/cart", shop.sandbox.urls().cart);
    let claims = |claims: serde_json::Value| {
        let key = jsonwebtoken::EncodingKey::from_secret(crate::SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        shop.http.get(&url).bearer_auth(token)
    };
    let exp = 4_000_000_000_u64;
    for (token, uid) in [
        (json!({"uid": "a", "user_id": "b", "sub": "c", "exp": exp}), "a"),
        (json!({"user_id": 7, "sub": "c", "exp": exp}), "7"),
        (json!({"sub": "c", "aud": "anybody", "exp": exp}), "c"),
    ] {
        assert_eq!(answer(claims(token)).await.1["user_id"], uid);
    }
    for token in [
        json!({"uid": "a"}),
        json!({"exp": exp}),
        json!({"uid": "a", "exp": 1}),
        json!({"uid": "a", "exp": exp, "nbf": exp}),
    ] {
        assert_eq!(status(claims(token.clone())).await, 401, "{token}");
    }
}

#[tokio::test]
async fn a_token_of_another_secret_or_time_is_refused() {
    let shop = shop();
    let other = order_sandbox::Sandbox::start(&order_sandbox::Options::new("another secret")).unwrap();
    let forged = other.token("u1", "user", crate::MINUTE).unwrap();
    let old = shop.sandbox.token("u1", "user", Duration::ZERO).unwrap();
    let unsigned = "eyJhbGciOiJub25lIn0.eyJ1aWQiOiJ1MSIsImV4cCI6NDAwMDAwMDAwMH0.";
    let url = format!("{}/api/v1/cart", shop.sandbox.urls().cart);
    for token in [forged.as_str(), unsigned, "", "x"] {
        assert_eq!(status(shop.http.get(&url).bearer_auth(token)).await, 401);
    }
    // a token without lifetime is over at the end of the second in which it was made: ask until then
    crate::soon(async { while status(shop.http.get(&url).bearer_auth(&old)).await != 401 {} }).await;
}
