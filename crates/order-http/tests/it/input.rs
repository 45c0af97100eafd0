//! What callers send that can't be taken: each is named with its place, all at once, and none reaches the use cases.

use actix_web::http::Method;
use order_domain::order::Status;
use serde_json::{Value, json};

use crate::support::{Shop, pairs, signed};

async fn refused(body: Value) -> Vec<(String, String)> {
    let shop = Shop::open();
    let errors = shop.post("/orders", "ann", body).await.errors("invalid");
    assert_eq!(shop.carts.asked(), 0, "nobody should have been asked");
    errors
}

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"delivery_address": "1 Main St"});
    body[field] = value;
    body
}

#[actix_web::test]
async fn an_address_is_a_line_of_1_to_500_characters() {
    for (address, code) in [
        (json!(null), "required"),
        (json!(""), "empty"),
        (json!(" \t"), "empty"),
        (json!("é".repeat(501)), "too_long"),
        (json!("1 Main\u{0}St"), "control_character"),
        (json!("1 Main\nSt"), "control_character"),
        (json!(5), "wrong_type"),
        (json!(["1 Main St"]), "wrong_type"),
    ] {
        assert_eq!(
            refused(with("delivery_address", address.clone())).await,
            pairs(&[("/delivery_address", code)]),
            "{address}"
        );
    }
    assert_eq!(refused(json!({})).await, pairs(&[("/delivery_address", "required")]));
    let longest = Shop::open().post("/orders", "ann", with("delivery_address", json!("é".repeat(500)))).await;
    assert_eq!(longest.status, 201);
}

#[actix_web::test]
async fn coordinates_are_degrees_and_go_together() {
    let both = |latitude: Value, longitude: Value| json!({"delivery_address": "1 Main St", "delivery_latitude": latitude, "delivery_longitude": longitude});
    let (lat, lon) = ("/delivery_latitude", "/delivery_longitude");
    for (body, errors) in [
        (both(json!("90.1"), json!("0")), vec![(lat, "out_of_range")]),
        (both(json!(-91), json!(180.5)), vec![(lat, "out_of_range"), (lon, "out_of_range")]),
        (both(json!("north"), json!("0")), vec![(lat, "out_of_range")]),
        (both(json!("NaN"), json!("0")), vec![(lat, "out_of_range")]),
        (both(json!(1e300), json!(0)), vec![(lat, "out_of_range")]),
        (both(json!("40.7128"), json!(null)), vec![(lon, "incomplete")]),
        (both(json!(""), json!(0)), vec![(lat, "incomplete")]),
        (both(json!(true), json!(0)), vec![(lat, "wrong_type")]),
        (both(json!({}), json!(0)), vec![(lat, "wrong_type")]),
    ] {
        assert_eq!(refused(body.clone()).await, pairs(&errors), "{body}");
    }
    for (degrees, written) in [(json!(90), "90"), (json!("-90.0"), "-90.0"), (json!(1e-7), "0.0000001")] {
        let order = Shop::open().post("/orders", "ann", both(degrees, json!(-180))).await.json();
        assert_eq!((&order["delivery_latitude"], &order["delivery_longitude"]), (&json!(written), &json!("-180")));
    }
}

#[actix_web::test]
async fn instructions_may_have_lines_and_tabs_and_no_other_control_characters() {
    for (text, code) in [
        ("a\u{0}b", "control_character"),
        ("a\u{1b}[2J", "control_character"),
        ("a\rb", "control_character"),
        (&"x".repeat(501), "too_long"),
    ] {
        assert_eq!(refused(with("special_instructions", json!(text))).await, pairs(&[("/special_instructions", code)]));
    }
}

#[actix_web::test]
async fn a_method_of_payment_has_a_name() {
    assert_eq!(refused(with("payment_method", json!("gold"))).await, pairs(&[("/payment_method", "unknown_value")]));
}

#[actix_web::test]
async fn everything_is_said_at_once_and_unknown_fields_are_named() {
    let body = json!({
        "delivery_address": "x".repeat(501), "delivery_latitude": "91", "delivery_longitude": "0", "payment_method": "gold",
        "total": 1, "a/b~c": {"deep": [1]},
    });
    let expected = [
        ("/a~1b~0c", "unknown_field"),
        ("/total", "unknown_field"),
        ("/delivery_address", "too_long"),
        ("/delivery_latitude", "out_of_range"),
        ("/payment_method", "unknown_value"),
    ];
    assert_eq!(refused(body.clone()).await, pairs(&expected));
    let problem = Shop::open().post("/orders", "ann", body).await.json();
    assert!(problem["detail"].is_string());
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("not a field"));
}

#[actix_web::test]
async fn a_wrong_type_is_named_without_what_was_sent() {
    let shop = Shop::open();
    let answer = shop.post("/orders", "ann", with("delivery_latitude", json!(["221B Baker Street"]))).await;
    assert_eq!(answer.errors("invalid"), pairs(&[("/delivery_latitude", "wrong_type")]));
    assert!(!answer.text.contains("Baker"));
    assert_eq!(answer.json()["errors"][0]["message"], "must be a string or a number");
    let answer = shop.post("/orders", "ann", json!("221B Baker Street")).await;
    assert_eq!(answer.errors("invalid"), pairs(&[("", "wrong_type")]));
    assert!(!answer.text.contains("Baker"));
    assert_eq!(answer.json()["errors"][0]["message"], "must be an object");
}

#[actix_web::test]
async fn a_field_is_given_once() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let twice = r#"{"status":"preparing","reason":"a","status":"cancelled"}"#;
    let request = signed(Method::PUT, "/orders/1/status", "root").set_payload(twice);
    assert_eq!(shop.ask(request).await.errors("invalid"), pairs(&[("/status", "repeated")]));
}

#[actix_web::test]
async fn what_is_not_json_is_malformed() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_field = format!(r#"{{"delivery_address":"1 Main St","a":{deep}}}"#);
    for (method, path) in [
        (Method::POST, "/orders"),
        (Method::PUT, "/orders/1/status"),
        (Method::POST, "/orders/1/cancel"),
        (Method::PUT, "/orders/1/assign-delivery"),
        (Method::PATCH, "/orders/1"),
        (Method::POST, "/orders/1/refunds"),
    ] {
        for body in ["{", "not json", "{\"a\":1}}", "{\"a\":\"\u{1}\"}", "{'a':1}", "[1,]", &deep, &deep_field] {
            let request = signed(method.clone(), path, "root").insert_header(("Content-Type", "application/json"));
            shop.ask(request.set_payload(body.to_owned())).await.is_problem(400, "malformed_json");
        }
    }
    let not_utf8 = signed(Method::POST, "/orders", "ann").set_payload(b"{\"delivery_address\":\"\xff\"}".to_vec());
    shop.ask(not_utf8).await.is_problem(400, "malformed_json");
    shop.ask(signed(Method::POST, "/orders", "ann")).await.is_problem(400, "malformed_json");
}

#[actix_web::test]
async fn a_number_that_no_double_holds_is_malformed_and_a_rounded_id_is_nobodys() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for number in ["1e999", "-1e999", "01", "+1", "1.", ".5", "NaN", "Infinity", "0x10"] {
        let body = format!(r#"{{"delivery_address":"1 Main St","delivery_latitude":{number},"delivery_longitude":0}}"#);
        let request = signed(Method::POST, "/orders", "ann").set_payload(body);
        shop.ask(request).await.is_problem(400, "malformed_json");
    }
    let digits = format!("0.{}", "1".repeat(60_000));
    let body = format!(r#"{{"delivery_address":"1 Main St","delivery_latitude":{digits},"delivery_longitude":0}}"#);
    assert_eq!(shop.ask(signed(Method::POST, "/orders", "ann").set_payload(body)).await.status, 201);
    for number in ["99999999999999999999", "1e3", "18446744073709551616"] {
        let body = format!(r#"{{"delivery_partner_id":{number}}}"#);
        let request = signed(Method::PUT, "/orders/1/assign-delivery", "root").set_payload(body);
        assert_eq!(shop.ask(request).await.errors("invalid"), pairs(&[("/delivery_partner_id", "wrong_type")]));
    }
}

#[actix_web::test]
async fn bytes_that_are_no_text_find_nothing() {
    let shop = Shop::open();
    for path in ["/orders/%ff", "/orders/%c3%28", "/orders/%ff/timeline", "/orders/1%00"] {
        let errors = shop.get(path, "ann").await.errors("invalid_id");
        assert_eq!(errors, pairs(&[("/path/id", "invalid_id")]), "{path}");
    }
    for path in ["/%ff", "/orders%ff", "/orders/1/%00", "/orders/../health", "/orders/1/..%2fhealth"] {
        shop.get(path, "ann").await.is_problem(404, "not_found");
    }
    for (query, parameter, code) in [
        ("status=%ff", "status", "unknown_value"),
        ("limit=%ff", "limit", "out_of_range"),
        ("created_from=%c3%28", "created_from", "not_a_time"),
        ("limit=%31%00", "limit", "out_of_range"),
    ] {
        let errors = shop.get(&format!("/orders?{query}"), "root").await.errors("invalid");
        assert_eq!(errors, pairs(&[(&format!("/query/{parameter}"), code)]), "{query}");
    }
    assert_eq!(shop.get("/orders?%ff=%ff&&=&x", "root").await.status, 200, "what is not known is passed over");
}

#[actix_web::test]
async fn a_body_is_json_by_its_type_or_without_one() {
    let shop = Shop::open();
    let place = |content_type: &str| {
        let request = signed(Method::POST, "/orders", "ann").set_payload(r#"{"delivery_address":"1 Main St"}"#);
        if content_type.is_empty() { request } else { request.insert_header(("Content-Type", content_type)) }
    };
    for good in [
        "",
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/merge-patch+json",
        "application/json;charset=\"utf-8\"",
    ] {
        assert_eq!(shop.ask(place(good)).await.status, 201, "{good}");
    }
    for bad in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "json",
        "text/json+json",
    ] {
        shop.ask(place(bad)).await.is_problem(415, "unsupported_media_type");
    }
    shop.ask(place("").insert_header(("Content-Encoding", "gzip"))).await.is_problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn a_body_has_64_kib_at_most() {
    let shop = Shop::open();
    let of = |length: usize| {
        let frame = r#"{"delivery_address":""}"#.len();
        let body = format!(r#"{{"delivery_address":"{}"}}"#, "x".repeat(length - frame));
        signed(Method::POST, "/orders", "ann").insert_header(("Content-Type", "application/json")).set_payload(body)
    };
    shop.ask(of(65_536)).await.is_problem(422, "invalid");
    shop.ask(of(65_537)).await.is_problem(413, "body_too_large");
}

#[actix_web::test]
async fn the_id_of_an_order_is_a_number_below_2_to_the_53() {
    let shop = Shop::open();
    let bad = [
        "abc",
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "1e3",
        "%31%00",
        "9007199254740992",
        "9223372036854775808",
        "99999999999999999999999",
    ];
    for id in bad {
        for (method, path) in [
            (Method::GET, ""),
            (Method::GET, "/timeline"),
            (Method::PUT, "/status"),
            (Method::PUT, "/assign-delivery"),
            (Method::POST, "/cancel"),
            (Method::PATCH, ""),
            (Method::POST, "/refunds"),
            (Method::GET, "/payments"),
        ] {
            let answer = shop.ask(signed(method, &format!("/orders/{id}{path}"), "ann")).await;
            assert_eq!(answer.errors("invalid_id"), pairs(&[("/path/id", "invalid_id")]), "{id}");
        }
    }
    shop.get("/orders/9007199254740991", "ann").await.is_problem(404, "order_not_found");
}

#[actix_web::test]
async fn a_query_is_understood_or_named() {
    let shop = Shop::open();
    for (query, parameter, code) in [
        ("status=lost", "status", "unknown_value"),
        ("order_status=lost", "order_status", "unknown_value"),
        ("status=pending&status=Paid", "status", "unknown_value"),
        ("payment_status=lost", "payment_status", "unknown_value"),
        ("cursor=abc", "cursor", "invalid_cursor"),
        ("cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAA", "cursor", "invalid_cursor"),
        ("cursor=2&cursor=3", "cursor", "repeated"),
        ("scheduled=maybe", "scheduled", "unknown_value"),
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("limit=+5", "limit", "out_of_range"),
        ("limit=-1", "limit", "out_of_range"),
        ("limit=many", "limit", "out_of_range"),
        ("limit=99999999999999999999", "limit", "out_of_range"),
        ("offset=10001", "offset", "out_of_range"),
        ("offset=-1", "offset", "out_of_range"),
        ("limit=1&limit=2", "limit", "repeated"),
        ("user_id=a%20b", "user_id", "invalid_id"),
        ("user_id=%00", "user_id", "invalid_id"),
        ("delivery_partner_id=a%0Ab", "delivery_partner_id", "invalid_id"),
        ("created_from=yesterday", "created_from", "not_a_time"),
        ("created_to=2026-02-30T00:00:00Z", "created_to", "not_a_time"),
        ("available=maybe", "available", "unknown_value"),
    ] {
        for path in ["/orders", "/orders/my-orders"] {
            let errors = shop.get(&format!("{path}?{query}"), "root").await.errors("invalid");
            assert_eq!(errors, pairs(&[(&format!("/query/{parameter}"), code)]), "{query}");
        }
    }
    let all = shop.get("/orders?status=lost&limit=0&created_to=x", "root").await.errors("invalid");
    assert_eq!(all.len(), 3);
}

#[actix_web::test]
async fn a_change_says_what_it_wants() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for (body, errors) in [
        (json!({}), vec![("/status", "required")]),
        (json!({"status": "lost"}), vec![("/status", "unknown_value")]),
        (json!({"status": "CONFIRMED"}), vec![("/status", "unknown_value")]),
        (json!({"status": 5}), vec![("/status", "wrong_type")]),
        (json!({"status": "preparing", "reason": "a\nb"}), vec![("/reason", "control_character")]),
        (
            json!({"status": "lost", "reason": "x".repeat(501), "who": 1}),
            vec![("/who", "unknown_field"), ("/status", "unknown_value"), ("/reason", "too_long")],
        ),
    ] {
        assert_eq!(shop.put("/orders/1/status", "root", body).await.errors("invalid"), pairs(&errors));
    }
    for (body, errors) in [
        (json!({}), vec![("/delivery_partner_id", "required")]),
        (json!({"delivery_partner_id": "a b"}), vec![("/delivery_partner_id", "invalid_id")]),
        (json!({"delivery_partner_id": "x".repeat(129)}), vec![("/delivery_partner_id", "invalid_id")]),
        (json!({"delivery_partner_id": []}), vec![("/delivery_partner_id", "wrong_type")]),
        (json!({"delivery_partner_id": true}), vec![("/delivery_partner_id", "wrong_type")]),
        (json!({"delivery_partner_id": 7.5}), vec![("/delivery_partner_id", "wrong_type")]),
        (json!({"delivery_partner_id": 1e20}), vec![("/delivery_partner_id", "wrong_type")]),
        (json!({"delivery_partner_id": "a\u{0}b"}), vec![("/delivery_partner_id", "invalid_id")]),
        (json!({"delivery_partner_id": null, "partner": "bob"}), vec![("/partner", "unknown_field")]),
    ] {
        assert_eq!(shop.put("/orders/1/assign-delivery", "root", body).await.errors("invalid"), pairs(&errors));
    }
    for (body, errors) in [
        (json!({"code": "boredom"}), vec![("/code", "unknown_value")]),
        (json!({"reason": 1}), vec![("/reason", "wrong_type")]),
        (json!({"refund": true}), vec![("/refund", "unknown_field")]),
    ] {
        assert_eq!(shop.post("/orders/1/cancel", "root", body).await.errors("invalid"), pairs(&errors));
    }
    assert_eq!(shop.store.order(order_domain::OrderId::new(1).unwrap()).unwrap().version(), 2);
}
