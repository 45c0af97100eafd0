//! What orders and timelines look like, to the letter.

use order_domain::order::{CancelCode, Product};
use order_domain::time::Duration;
use order_domain::{Currency, Money, Quantity};
use order_testkit::builders::{START, a_product, an_order, usd};
use serde_json::json;

use crate::support::Shop;

fn apple() -> Product {
    Product {
        name: "Apple".into(),
        description: Some("Red, \"crisp\"".into()),
        mrp: Some(usd(399)),
        category_id: Some(1),
        image_url: Some("https://img.example/5.png".into()),
        unit: Some("kg".into()),
        ..a_product(5, 299)
    }
}

fn two(product: Product) -> Vec<(Product, Quantity)> {
    vec![(product, Quantity::new(2).unwrap())]
}

#[actix_web::test]
async fn an_order_is_written_to_the_letter() {
    let shop = Shop::open();
    let order = an_order()
        .at(START + Duration::from_micros(123_456))
        .products(two(apple()))
        .address("123 Main St")
        .coordinates("40.7128", "-74.0060")
        .instructions("Ring twice\nthen wait")
        .placed()
        .after(Duration::from_micros(876_544))
        .paid()
        .after(Duration::from_millis(20))
        .assigned_to("bob");
    shop.keep(order).await;
    let expected = concat!(
        r#"{"id":1,"user_id":"ann","delivery_partner_id":"bob","status":"confirmed","payment_status":"paid","#,
        r#""payment_method":"online","currency":"USD","subtotal":5.98,"discount":0.00,"delivery_fee":5.00,"#,
        r#""total_amount":10.98,"charged_amount":10.98,"refunded_amount":0.00,"amount_to_collect":0.00,"#,
        r#""delivery_address":"123 Main St","delivery_latitude":"40.7128","delivery_longitude":"-74.0060","#,
        r#""estimated_delivery_time":null,"delivered_at":null,"cancelled_at":null,"cancelled_by":null,"#,
        r#""cancel_code":null,"cancel_reason":null,"special_instructions":"Ring twice\nthen wait","#,
        r#""scheduled_for":null,"released_at":"2026-01-01T12:00:01Z","created_at":"2026-01-01T12:00:00.123456Z","#,
        r#""updated_at":"2026-01-01T12:00:01.020000Z","version":3,"#,
        r#""items":[{"id":1,"product_id":5,"quantity":2,"price":2.99,"net":5.98,"returned_quantity":0,"#,
        r#""product":{"id":5,"name":"Apple","description":"Red, \"crisp\"","price":2.99,"mrp":3.99,"category_id":1,"#,
        r#""image_url":"https://img.example/5.png","unit":"kg"}}],"feedback":null}"#,
    );
    let answer = shop.get("/orders/1", "ann").await;
    assert_eq!(answer.text, expected);
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, Some("\"3\"")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-encoding"), None);
    // A list is an array of the same.
    assert_eq!(shop.get("/orders/my-orders", "ann").await.text, format!("[{expected}]"));
}

#[actix_web::test]
async fn amounts_are_those_of_the_ledger_and_the_discount_is_split() {
    let shop = Shop::open();
    let lines = [(5, 1_000, 1), (6, 2_000, 1)];
    shop.keep(an_order().lines(&lines).promo(403).paid().cancelled()).await;
    let order = shop.get("/orders/1", "ann").await.json();
    let of = |name: &str| order[name].to_string();
    assert_eq!((of("subtotal"), of("discount"), of("total_amount")), ("30.0".into(), "4.03".into(), "30.97".into()));
    assert_eq!((of("charged_amount"), of("refunded_amount")), ("30.97".into(), "0.0".into()));
    assert_eq!(order["payment_status"], "refund_pending");
    assert_eq!(
        (order["items"][0]["net"].to_string(), order["items"][1]["net"].to_string()),
        ("8.66".into(), "17.31".into())
    );
    assert_eq!(order["cancelled_by"], "customer");
    assert_eq!((&order["cancel_code"], &order["cancel_reason"]), (&json!("customer_request"), &json!(null)));
    assert_eq!(order["cancelled_at"], "2026-01-01T12:00:00Z");
    assert_eq!((&order["delivery_latitude"], &order["delivery_longitude"]), (&json!(null), &json!(null)));
}

#[actix_web::test]
async fn a_cash_order_says_what_to_collect_until_it_is_delivered() {
    let shop = Shop::open();
    shop.keep(an_order().cash().placed()).await;
    shop.keep(an_order().id(2).cash().delivered()).await;
    shop.keep(an_order().id(3).cash().placed().cancelled_by_admin(CancelCode::OutOfStock, "gone")).await;
    let text = shop.get("/orders/1", "ann").await.text;
    assert!(text.contains(r#""charged_amount":0.00,"refunded_amount":0.00,"amount_to_collect":10.98"#), "{text}");
    let delivered = shop.get("/orders/2", "ann").await.text;
    assert!(delivered.contains(r#""charged_amount":10.98,"refunded_amount":0.00,"amount_to_collect":0.00"#));
    assert!(delivered.contains(r#""delivered_at":"2026-01-01T12:00:00Z""#));
    let cancelled = shop.get("/orders/3", "ann").await.json();
    assert_eq!((&cancelled["cancelled_by"], &cancelled["cancel_code"]), (&json!("admin"), &json!("out_of_stock")));
    assert_eq!(cancelled["cancel_reason"], "gone");
}

#[actix_web::test]
async fn a_currency_brings_its_own_decimals() {
    let yen = Currency::from_code("JPY").unwrap();
    let rules = order_domain::Rules { cash_on_delivery: true, ..order_domain::Rules::new(yen) };
    let product = Product { price: Money::from_minor(300, yen), ..a_product(5, 0) };
    let shop = Shop::open();
    let mut wish = an_order().products(two(product)).wish();
    wish.basket.promo_discount = Money::zero(yen);
    let placed = order_domain::order::place(wish, &rules, START).unwrap();
    shop.keep(order_testkit::builders::Life::begin(placed, rules, START)).await;
    let text = shop.get("/orders/1", "ann").await.text;
    assert!(
        text.contains(r#""currency":"JPY","subtotal":600,"discount":0,"delivery_fee":5,"total_amount":605"#),
        "{text}"
    );
}

#[actix_web::test]
async fn a_timeline_shows_who_did_what_and_ids_to_admins_only() {
    let shop = Shop::open();
    let life = an_order().placed().paid().assigned_to("bob").cancelled_by_admin(CancelCode::Shop, "closed today");
    shop.keep(life).await;
    let timeline = |id_of: fn(&'static str) -> Option<&'static str>| {
        let at = "2026-01-01T12:00:00Z";
        json!([
            {"seq": 1, "type": "placed", "at": at, "actor": {"role": "customer", "id": id_of("ann")}, "status": "pending", "amount": null, "reason": null},
            {"seq": 2, "type": "confirmed", "at": at, "actor": {"role": "system", "id": null}, "status": "confirmed", "amount": 10.98, "reason": null},
            {"seq": 3, "type": "assigned", "at": at, "actor": {"role": "admin", "id": id_of("root")}, "status": "confirmed", "amount": null, "reason": null},
            {"seq": 4, "type": "cancelled", "at": at, "actor": {"role": "admin", "id": id_of("root")}, "status": "cancelled", "amount": null, "reason": "closed today"},
        ])
    };
    assert_eq!(shop.get("/orders/1/timeline", "ann").await.json(), timeline(|_| None));
    assert_eq!(shop.get("/orders/1/timeline", "bob").await.json(), timeline(|_| None));
    let to_admin = shop.get("/orders/1/timeline", "root").await;
    assert_eq!(to_admin.json(), timeline(Some));
    assert!(to_admin.text.starts_with(r#"[{"seq":1,"type":"placed","at":"#));
}

#[actix_web::test]
async fn an_order_on_offer_hides_whose_it_is_the_street_and_the_words() {
    let shop = Shop::open();
    let order = an_order().address("123 Main St").coordinates("40.7128", "-74.0060").instructions("Code 4711").paid();
    shop.keep(order).await;
    let offers = shop.get("/orders?available=true", "bob").await;
    assert_eq!(offers.json()[0]["id"], 1);
    for hidden in ["user_id", "delivery_address", "special_instructions"] {
        assert_eq!(offers.json()[0][hidden], json!(null), "{hidden}");
    }
    for secret in ["ann", "Main", "4711"] {
        assert!(!offers.text.contains(secret), "{secret}");
    }
    // Where it goes, a courier has to know to choose it.
    assert_eq!(offers.json()[0]["delivery_latitude"], "40.7128");
    // An admin who looks at the same list sees all of it.
    let all = shop.get("/orders?available=true", "root").await.json();
    assert_eq!((&all[0]["user_id"], &all[0]["delivery_address"]), (&json!("ann"), &json!("123 Main St")));
    // And so does a courier once they have taken it.
    shop.put("/orders/1/assign-delivery", "bob", json!({"delivery_partner_id": "bob"})).await;
    assert_eq!(shop.get("/orders", "bob").await.json()[0]["delivery_address"], "123 Main St");
}
