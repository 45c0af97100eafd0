//! Products: each asked for once, eight at a time, with prices that survive their way through binary floats.

use std::collections::BTreeMap;

use order_clients::{Guards, ProductClient};
use order_domain::ports::{ProductService, ServiceError};
use order_domain::pricing::StockedProduct;
use order_domain::{Currency, Money, ProductId};
use order_sandbox::{Fault, FaultKind, Product, Route, Sandbox, Service};
use serde_json::{Value, json};

use crate::raw::{Answer, Raw};
use crate::{PATIENT, kind, product, product_client, shop, usd};

type Products = Result<BTreeMap<ProductId, Option<StockedProduct>>, ServiceError>;

async fn ask(sandbox: &Sandbox, ids: impl IntoIterator<Item = i64>) -> Products {
    let ids: Vec<_> = ids.into_iter().map(product).collect();
    product_client(&sandbox.urls().product, PATIENT).products(&ids).await
}

#[tokio::test]
async fn products_are_read_each_once_and_missing_ones_are_none() {
    let sandbox = shop();
    let found = ask(&sandbox, [1, 4, 5, 6, 7, 99, 5, 1]).await.unwrap();

    assert_eq!(found.len(), 6);
    assert_eq!(sandbox.calls_to(Service::Product, Route::Product), 6);
    assert_eq!(found[&product(99)], None);
    let of = |id| found[&product(id)].as_ref().unwrap();
    assert_eq!(of(5).product.price, usd(3030));
    assert_eq!((of(6).active, of(7).stock, of(4).product.returnable), (false, 1, false));
    let apples = of(1);
    assert_eq!((apples.active, apples.stock, apples.product.returnable), (true, 100, true));
    assert_eq!((apples.product.price, apples.product.mrp), (usd(299), Some(usd(399))));
    assert_eq!((apples.product.name.as_str(), apples.product.unit.as_deref()), ("Apples", Some("kg")));
    assert_eq!(apples.product.description.as_deref(), Some("Crisp red apples"));
    assert_eq!(apples.product.category_id, Some(1));
    assert!(apples.product.image_url.as_deref().unwrap().starts_with("https://"));
}

#[tokio::test]
async fn nobody_is_asked_for_nothing() {
    let sandbox = shop();
    assert_eq!(ask(&sandbox, []).await, Ok(BTreeMap::new()));
    assert_eq!(sandbox.calls_to(Service::Product, None), 0);
}

#[tokio::test]
async fn eight_are_asked_for_at_once() {
    let sandbox = shop();
    for id in 1..=20 {
        sandbox.put_product(Product::new(id, "x", 1.0));
    }
    sandbox.add_fault(Service::Product, Fault::new(FaultKind::Hold));
    let asked = tokio::spawn({
        let sandbox = sandbox.clone();
        async move { ask(&sandbox, 1..=20).await }
    });
    for at_once in [8, 8, 4] {
        let held = |sandbox: &Sandbox| {
            let held = sandbox.held(Service::Product);
            assert!(held <= 8, "{held} at once");
            held == at_once
        };
        sandbox.wait_until(held).await;
        assert_eq!(sandbox.release(Service::Product), at_once);
    }
    assert_eq!(asked.await.unwrap().unwrap().len(), 20);
}

#[tokio::test]
async fn one_that_can_not_be_asked_for_fails_all() {
    let sandbox = shop();
    sandbox.add_fault(Service::Product, Fault::new(FaultKind::Status(503)).after(2));
    assert_eq!(kind(&ask(&sandbox, 1..=5).await), "unavailable");
}

fn apple() -> Value {
    json!({"id": 1, "name": "Apple", "description": null, "price": 2.99, "mrp": null, "category_id": null,
           "image_url": null, "stock_quantity": 3, "unit": null, "is_active": true})
}

/// The product that this body, with these fields changed, is read as.
async fn read(body: &str) -> Result<StockedProduct, ServiceError> {
    let server = Raw::always(Answer::ok(body)).await;
    let found = product_client(&server.url, PATIENT).products(&[product(1)]).await?;
    assert!(server.requests()[0].starts_with("GET /api/products/1 HTTP/1.1\r\n"));
    Ok(found[&product(1)].clone().unwrap())
}

async fn with(field: &str, value: Value) -> Result<StockedProduct, ServiceError> {
    let mut body = apple();
    body[field] = value;
    read(&body.to_string()).await
}

#[tokio::test]
async fn the_price_is_rounded_from_its_very_text() {
    for (text, minor) in [
        ("30.299999999999997", 3030),
        ("30.30", 3030),
        ("\"30.30\"", 3030),
        ("1.005", 101),
        ("0.005", 1),
        ("3", 300),
        ("1e2", 10_000),
        ("999999.999999999999999999", 100_000_000),
        ("1000000", 100_000_000),
    ] {
        let body = apple().to_string().replace("2.99", text);
        assert_eq!(read(&body).await.map(|found| found.product.price), Ok(usd(minor)), "{text}");
    }
}

#[tokio::test]
async fn prices_follow_the_decimals_of_the_currency() {
    for (code, minor) in [("JPY", 3), ("KWD", 2990)] {
        let currency = Currency::from_code(code).unwrap();
        let server = Raw::always(Answer::ok(apple().to_string())).await;
        let client = ProductClient::new(&server.url, PATIENT, &Guards::default(), currency).unwrap();
        let found = client.products(&[product(1)]).await.unwrap();
        let price = found[&product(1)].as_ref().unwrap().product.price;
        assert_eq!(price, Money::from_minor(minor, currency));
    }
}

#[tokio::test]
async fn what_may_be_missing_is() {
    let least = r#"{"id":1,"name":" Apple\n","price":2.99,"stock_quantity":-5,"is_active":false,"is_returnable":null}"#;
    let found = read(least).await.unwrap();
    assert_eq!((found.active, found.stock, found.product.returnable), (false, 0, true));
    let product = found.product;
    assert_eq!((product.name.as_str(), product.mrp, product.category_id), ("Apple", None, None));
    assert_eq!((product.description, product.image_url, product.unit), (None, None, None));
}

#[tokio::test]
async fn odd_values_are_made_fit() {
    assert_eq!(with("stock_quantity", json!(u64::MAX)).await.unwrap().stock, u32::MAX);
    assert_eq!(with("name", json!("a\u{0}b\u{7f}c")).await.unwrap().product.name, "a b c");
    let described = with("description", json!("one\n\ttwo\u{0}")).await.unwrap().product.description;
    assert_eq!(described.as_deref(), Some("one\n\ttwo "));
    assert_eq!(with("mrp", json!(0)).await.unwrap().product.mrp, Some(usd(0)));
    assert_eq!(with("category_id", json!(0)).await.unwrap().product.category_id, Some(0));
}

#[tokio::test]
async fn hostile_products_are_refused() {
    for (field, values) in [
        ("id", vec![json!(2), json!(0), json!(-1), json!("1"), json!(null)]),
        ("name", vec![json!(""), json!(" \u{0} "), json!("x".repeat(501)), json!(null), json!(5)]),
        ("description", vec![json!("x".repeat(10_001)), json!(5)]),
        ("image_url", vec![json!("x".repeat(2_001)), json!({})]),
        ("unit", vec![json!("x".repeat(51))]),
        (
            "price",
            vec![
                json!(0),
                json!(0.004),
                json!(-2.99),
                json!(1_000_000.01),
                json!(1e300),
                json!("NaN"),
                json!("Infinity"),
                json!(""),
                json!(null),
                json!(true),
                json!([2.99]),
            ],
        ),
        ("mrp", vec![json!(-1), json!(1e300), json!("x")]),
        ("category_id", vec![json!(-1), json!(1.5), json!(1_i64 << 53), json!("1")]),
        ("stock_quantity", vec![json!(1.5), json!(1e30), json!(null), json!("many"), json!({})]),
        ("is_active", vec![json!("true"), json!(1), json!(null)]),
        ("is_returnable", vec![json!("false"), json!(0)]),
    ] {
        for value in values {
            assert_eq!(kind(&with(field, value.clone()).await), "bad answer", "{field}: {value}");
        }
    }
    assert_eq!(kind(&read(&apple().to_string().replace("2.99", "NaN")).await), "bad answer");
    assert_eq!(kind(&read(&apple().to_string().replace("2.99", "1e999999999999")).await), "bad answer");
    let twice = apple().to_string().replacen("\"price\":2.99", "\"price\":2.99,\"price\":0.01", 1);
    assert_eq!(kind(&read(&twice).await), "bad answer");
    assert_eq!(kind(&read(&apple().to_string()).await), "ok");
}
