//! Carts: read, asked for in the service's own name, emptied line by line, and hostile.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use order_clients::{CartClient, Guards};
use order_domain::ports::{Bearer, Cart, CartService, ServiceError};
use order_domain::time::{Duration, Timestamp};
use order_domain::{CartLineId, Currency};
use order_sandbox::{Fault, FaultKind, Promo, Route, Service};
use serde_json::{Value, json};

use crate::raw::{Answer, Raw};
use crate::{PATIENT, SECRET, bearer, cart_client, kind, product, real_now, shop, tokens_at, usd, user};

#[tokio::test]
async fn a_cart_is_read_with_its_lines_and_its_discount() {
    let sandbox = shop();
    sandbox.set_promo("u2", Some(Promo::percentage("WELCOME10", 10.0)));
    let client = cart_client(&sandbox.urls().cart, PATIENT);

    let cart = client.cart(&bearer(&sandbox, "u2", "user")).await.unwrap();

    assert_eq!(cart.customer, user("u2"));
    let seeded = sandbox.cart("u2").items;
    let lines: Vec<_> = cart.lines.iter().map(|l| (l.id.get(), l.product.get(), l.quantity.get())).collect();
    let expected: Vec<_> = seeded.iter().map(|l| (l.id, l.product_id, l.quantity)).collect();
    assert_eq!(lines, expected);
    // 4.25 + 2 × 30.299999999999997, 10 % of it
    assert_eq!(cart.promo_discount, usd(649));
}

#[tokio::test]
async fn a_cart_is_asked_for_and_emptied_in_the_services_own_name() {
    let sandbox = shop();
    let client = cart_client(&sandbox.urls().cart, PATIENT);

    let cart = client.cart_of(&user("u1")).await.unwrap();
    assert_eq!((cart.customer, cart.lines.len(), cart.promo_discount), (user("u1"), 2, usd(0)));

    client.remove(&user("u1"), product(1)).await.unwrap();
    let left: Vec<_> = sandbox.cart("u1").items.iter().map(|line| line.product_id).collect();
    assert_eq!(left, [2]);
    assert_eq!(sandbox.cart("u2").items.len(), 2);

    // again: it is not in it
    client.remove(&user("u1"), product(1)).await.unwrap();
    assert_eq!(sandbox.calls_to(Service::Cart, Route::Remove), 2);
    assert_eq!(sandbox.calls_to(Service::Cart, Route::Other), 0);
}

#[tokio::test]
async fn a_removal_that_fails_can_be_asked_for_again() {
    let sandbox = shop();
    let client = cart_client(&sandbox.urls().cart, PATIENT);
    for (fault, expected) in [
        (Fault::new(FaultKind::Status(503)), "unavailable"),
        (Fault::new(FaultKind::Status(401)), "unauthorized"),
        (Fault::new(FaultKind::Status(422)), "bad answer"),
        (Fault::new(FaultKind::Garbage), "bad answer"),
        (Fault::new(FaultKind::Redirect), "bad answer"),
        (Fault::new(FaultKind::Truncated), "unavailable"),
        (Fault::acted_answer_lost(), "unavailable"),
    ] {
        sandbox.add_fault(Service::Cart, fault.clone().on(Route::Remove).times(1));
        assert_eq!(kind(&client.remove(&user("u1"), product(1)).await), expected, "{fault:?}");
    }
    // the last one had been done
    assert_eq!(sandbox.cart("u1").items.len(), 1);
    assert_eq!(client.remove(&user("u1"), product(1)).await, Ok(()));
}

#[tokio::test]
async fn a_token_of_the_services_own_lasts_a_minute_by_the_ports_clock() {
    let now = Timestamp::from_timestamp(1_767_225_600, 999_000_000).unwrap();
    let client_at =
        |url: &str, now| CartClient::new(url, PATIENT, &Guards::default(), Currency::USD, tokens_at(now)).unwrap();
    let server = Raw::always(Answer::ok(r#"{"user_id":"u1","items":[]}"#)).await;

    client_at(&server.url, now).cart_of(&user("u1")).await.unwrap();

    let request = server.requests().remove(0);
    assert!(request.starts_with("GET /api/v1/cart HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\naccept: application/json\r\n"), "{request}");
    let token = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap();
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_exp = false;
    let claims = decode::<Value>(token, &DecodingKey::from_secret(SECRET.as_bytes()), &rules).unwrap().claims;
    let expected = json!({
        "uid": "u1", "user_id": "u1", "sub": "u1", "role": "user", "iat": 1_767_225_600, "exp": 1_767_225_660,
    });
    assert_eq!(claims, expected);

    // a service whose time is two minutes later refuses such a token
    let sandbox = shop();
    let late = client_at(&sandbox.urls().cart, real_now() - Duration::from_mins(2));
    assert_eq!(kind(&late.cart_of(&user("u1")).await), "unauthorized");
}

/// The cart that a body is read as.
async fn read(body: &Value) -> Result<Cart, ServiceError> {
    let server = Raw::always(Answer::ok(body.to_string())).await;
    cart_client(&server.url, PATIENT).cart(&Bearer::new("t")).await
}

fn of_one_line(line: &Value) -> Value {
    json!({"id": 1, "user_id": "u1", "items": [line], "discount_amount": 0})
}

#[tokio::test]
async fn what_may_be_missing_or_spelled_otherwise_is_taken() {
    let line = json!({"id": 7, "product_id": 5, "quantity": 999, "product": {"anything": [1, {}]}});
    for body in [
        json!({"user_id": 17, "items": [line]}),
        json!({"user_id": "17", "items": [line], "discount_amount": null, "promo_code": {"code": "X"}, "more": 1}),
        json!({"user_id": "17", "items": [line], "discount_amount": -1e-17}),
    ] {
        let cart = read(&body).await.unwrap();
        assert_eq!((cart.customer, cart.promo_discount), (user("17"), usd(0)));
        assert_eq!(cart.lines[0].id, CartLineId::new(7).unwrap());
    }
    let discounted = json!({"user_id": "u", "items": [], "discount_amount": "3.004999", "promo_code": null});
    assert_eq!(read(&discounted).await.unwrap().promo_discount, usd(300));
}

#[tokio::test]
async fn hostile_carts_are_refused() {
    let line = json!({"id": 1, "product_id": 5, "quantity": 1});
    let with = |field: &str, value: Value| {
        let mut line = line.clone();
        line[field] = value;
        of_one_line(&line)
    };
    let cart = |field: &str, value: Value| {
        let mut cart = of_one_line(&line);
        cart[field] = value;
        cart
    };
    let mut bad = vec![
        cart("user_id", json!(null)),
        cart("user_id", json!("")),
        cart("user_id", json!("u\u{0}1")),
        cart("user_id", json!("u".repeat(129))),
        cart("user_id", json!(1.5)),
        cart("user_id", json!({})),
        cart("items", json!(null)),
        cart("items", json!({})),
        cart("items", json!([null])),
        cart("items", json!([[1, 5, 1]])),
        json!(["u1", []]),
        cart("items", json!([line, line])),
        cart("items", (1..=101).map(|id| json!({"id": id, "product_id": id, "quantity": 1})).collect()),
        cart("discount_amount", json!(-0.01)),
        cart("discount_amount", json!("NaN")),
        cart("discount_amount", json!(1e300)),
        cart("discount_amount", json!(true)),
    ];
    for field in ["id", "product_id"] {
        for value in [json!(0), json!(-1), json!(1_i64 << 53), json!(1.5), json!("1"), json!(1e30), json!(null)] {
            bad.push(with(field, value));
        }
    }
    for value in [json!(0), json!(-1), json!(1000), json!(4_294_967_297_i64), json!(1.5), json!(1e30), json!(null)] {
        bad.push(with("quantity", value));
    }
    for body in bad {
        assert_eq!(kind(&read(&body).await), "bad answer", "{body}");
    }
    assert!(read(&of_one_line(&line)).await.is_ok());
}
