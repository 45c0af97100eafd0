//! Every endpoint of the document × everybody: who may do what to whose order. An endpoint without a row fails.

use std::collections::BTreeSet;

use actix_web::http::Method;
use order_domain::Text;
use order_domain::order::{Command, Status};
use order_domain::ports::TaskKind;
use order_testkit::builders::{a_cart, admin, an_order, usd};
use order_testkit::document::Operation;
use serde_json::{Value, json};

use crate::support::{Answer, Shop, document, signed};

/// Its customer, another customer, its courier, another courier, an admin, nobody.
const WHO: [&str; 6] = ["ann", "ben", "bob", "bea", "root", ""];

/// What everybody gets who asks this of an order of `ann` that `bob` has. What a role may do at all is asked of an order
/// that is in a status in which it can be done.
struct Row {
    method: &'static str,
    path: &'static str,
    query: &'static str,
    /// The order's status.
    given: Status,
    body: Option<Value>,
    expected: [u16; 6],
}

impl Row {
    fn new(method: &'static str, path: &'static str, expected: [u16; 6]) -> Self {
        Self { method, path, query: "", given: Status::Confirmed, body: None, expected }
    }

    fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    fn given(self, given: Status) -> Self {
        Self { given, ..self }
    }

    fn sends(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    async fn ask(&self, shop: &Shop, order: i64, who: &str) -> Answer {
        let id = if self.path.starts_with("/operations/tasks") { a_task_of(shop, order) } else { order };
        let path =
            self.path.replace("{id}", &id.to_string()).replace("{kind}", TaskKind::Refund.name()).replace("{n}", "2");
        let path = format!("{path}{}", self.query);
        let request = signed(Method::from_bytes(self.method.as_bytes()).unwrap(), &path, who);
        shop.ask(match &self.body {
            Some(body) => request.set_json(body),
            None => request,
        })
        .await
    }
}

/// The number of a task of the order that does not move money.
fn a_task_of(shop: &Shop, order: i64) -> i64 {
    let tasks = shop.store.tasks().into_iter();
    tasks.filter(|task| task.order.get() == order && task.kind.may_die()).map(|task| task.id.get()).next().unwrap()
}

fn matrix() -> Vec<Row> {
    let status = |status: &str| json!({ "status": status });
    let courier = |courier: Value| json!({ "delivery_partner_id": courier });
    let one_apple = json!({ "items": [{ "product_id": 5, "quantity": 1 }] });
    vec![
        //                                                              its customer, another, its courier, another, admin, nobody
        Row::new("GET", "/orders/{id}", [200, 404, 200, 404, 200, 401]),
        Row::new("GET", "/orders/{id}/timeline", [200, 404, 200, 404, 200, 401]),
        Row::new("GET", "/orders/{id}/payments", [200, 404, 403, 404, 200, 401]),
        Row::new("GET", "/orders/my-orders", [200, 200, 200, 200, 200, 401]),
        Row::new("GET", "/orders", [403, 403, 200, 200, 200, 401]),
        Row::new("GET", "/orders", [403, 403, 200, 200, 200, 401]).query("?available=true"),
        Row::new("POST", "/orders", [201; 6].with_nobody(401)).sends(json!({ "delivery_address": "1 Main St" })),
        Row::new("PUT", "/orders/{id}/status", [403, 404, 200, 404, 200, 401]).sends(status("preparing")),
        Row::new("PUT", "/orders/{id}/status", [403, 404, 200, 404, 200, 401])
            .given(Status::Preparing)
            .sends(status("out_for_delivery")),
        Row::new("PUT", "/orders/{id}/status", [403, 404, 200, 404, 200, 401])
            .given(Status::OutForDelivery)
            .sends(status("delivered")),
        Row::new("PUT", "/orders/{id}/status", [403, 404, 409, 404, 200, 401]).sends(status("cancelled")),
        Row::new("PUT", "/orders/{id}/assign-delivery", [403, 404, 200, 404, 200, 401]).sends(courier(json!(null))),
        Row::new("PUT", "/orders/{id}/assign-delivery", [403, 404, 200, 404, 200, 401]).sends(courier(json!("bob"))),
        Row::new("PUT", "/orders/{id}/assign-delivery", [403, 404, 403, 409, 200, 401]).sends(courier(json!("bea"))),
        Row::new("POST", "/orders/{id}/cancel", [200, 404, 403, 404, 200, 401]),
        Row::new("POST", "/orders/{id}/cancel", [409, 404, 403, 404, 200, 401])
            .given(Status::Preparing)
            .sends(json!({ "reason": "burnt" })),
        Row::new("POST", "/orders/{id}/refunds", [403, 404, 403, 404, 200, 401])
            .sends(json!({ "amount": 1, "reason": "sorry" })),
        Row::new("PATCH", "/orders/{id}", [200, 404, 403, 404, 200, 401])
            .sends(json!({ "delivery_address": "2 Main St" })),
        Row::new("PATCH", "/orders/{id}", [409, 404, 403, 404, 409, 401]).sends(json!({ "scheduled_for": tomorrow() })),
        Row::new("POST", "/orders/scheduled", [201; 6].with_nobody(401))
            .sends(json!({ "delivery_address": "1 Main St", "scheduled_for": tomorrow() })),
        Row::new("PUT", "/orders/{id}/items", [200, 404, 403, 404, 200, 401]).sends(one_apple.clone()),
        Row::new("PUT", "/orders/{id}/items", [200, 404, 403, 404, 200, 401]).query("?dry_run=true").sends(one_apple),
        Row::new("POST", "/orders/{id}/payments/{n}/resolve", [403, 404, 403, 404, 200, 401])
            .given(Status::Delivered)
            .sends(json!({ "outcome": "by_hand", "reason": "handed over" })),
        Row::new("GET", "/operations/tasks", [403, 403, 403, 403, 200, 401]),
        Row::new("POST", "/operations/tasks/{id}/retry", [403, 403, 403, 403, 200, 401]),
        Row::new("POST", "/operations/tasks/{id}/discard", [403, 403, 403, 403, 200, 401]),
        Row::new("GET", "/operations/kinds", [403, 403, 403, 403, 200, 401]),
        Row::new("POST", "/operations/kinds/{kind}/pause", [403, 403, 403, 403, 200, 401]),
        Row::new("POST", "/operations/kinds/{kind}/resume", [403, 403, 403, 403, 200, 401]),
        Row::new("GET", "/health", [200; 6]),
        Row::new("GET", "/health/live", [200; 6]),
        Row::new("GET", "/health/ready", [200; 6]),
        Row::new("GET", "/openapi.json", [200; 6]),
    ]
}

fn tomorrow() -> Value {
    json!("2026-01-02T12:00:00Z")
}

/// `[200; 6].with_nobody(401)`: the same for everybody who has a token.
trait WithNobody {
    fn with_nobody(self, status: u16) -> Self;
}

impl WithNobody for [u16; 6] {
    fn with_nobody(mut self, status: u16) -> Self {
        self[5] = status;
        self
    }
}

/// A shop where everybody has a cart, and couriers are known.
fn shop() -> Shop {
    let mut shop = Shop::open();
    fill_carts(&shop, 2);
    shop.users = order_testkit::services::FakeUsers::with_couriers(&["bob", "bea"]).into();
    shop
}

/// Everybody has so many apples in their cart: another number is another cart.
fn fill_carts(shop: &Shop, apples: u32) {
    for who in WHO {
        shop.carts.put(a_cart(if who.is_empty() { "nobody" } else { who }, &[(5, apples)]));
    }
}

/// An order of `ann` that `bob` has, in this status.
async fn keep(shop: &Shop, id: i64, status: Status) {
    let order = an_order().id(id).placed().paid().assigned_to("bob");
    shop.keep(match status {
        Status::Confirmed => order,
        Status::Preparing => order.preparing(),
        Status::OutForDelivery => order.out_for_delivery(),
        // Paid in cash, of which some is to be handed back.
        Status::Delivered => {
            let grant = Command::GrantGoodwill { amount: usd(100), reason: Text::line("sorry").unwrap() };
            an_order().id(id).cash().assigned_to("bob").delivered().when(&admin(), grant)
        }
        other => panic!("no such order here: {other:?}"),
    })
    .await;
}

#[actix_web::test]
async fn everybody_gets_what_is_theirs() {
    // Far from the numbers that placed orders get.
    let (shop, mut order, mut cells) = (shop(), 1_000_000, 0);
    for row in matrix() {
        if row.path == "/orders/scheduled" {
            fill_carts(&shop, 3);
        }
        for (who, status) in WHO.iter().zip(row.expected) {
            order += 1;
            keep(&shop, order, row.given).await;
            let answer = row.ask(&shop, order, who).await;
            let Row { method, path, query, given, body, .. } = &row;
            assert_eq!(answer.status, status, "{who:?} {method} {path}{query} {given:?} {body:?}: {}", answer.text);
            cells += 1;
        }
    }
    assert_eq!(cells, matrix().len() * WHO.len());
    println!("{cells} cells");
}

#[test]
fn every_endpoint_has_a_row_and_every_row_an_endpoint() {
    let rows = matrix();
    let rows: BTreeSet<_> =
        rows.iter().map(|row| Operation { method: row.method.into(), path: row.path.into() }).collect();
    assert_eq!(rows, document().operations().into_iter().collect());
}

/// Whoever gets 404 gets the 404 of an order that does not exist, to the letter.
#[actix_web::test]
async fn anothers_order_answers_as_a_missing_one_does() {
    const MISSING: i64 = 4711;
    let (shop, mut compared) = (shop(), 0);
    keep(&shop, 1, Status::Confirmed).await;
    for row in matrix().iter().filter(|row| row.path.contains("{id}")) {
        for (who, _) in WHO.iter().zip(row.expected).filter(|(_, status)| *status == 404) {
            let (others, missing) = (row.ask(&shop, 1, who).await, row.ask(&shop, MISSING, who).await);
            let [mut theirs, mut nobodys] = [&others, &missing].map(|answer| answer.is_problem(404, "order_not_found"));
            for own in ["instance", "request_id"] {
                (theirs[own], nobodys[own]) = (json!(null), json!(null));
            }
            assert_eq!(theirs, nobodys, "{who} {} {}", row.method, row.path);
            let names =
                |answer: &Answer| answer.headers.iter().map(|(name, _)| name.to_string()).collect::<BTreeSet<_>>();
            assert_eq!(names(&others), names(&missing));
            compared += 1;
        }
    }
    assert!(compared >= 20, "{compared} compared");
}

#[actix_web::test]
async fn a_role_is_asked_for_only_after_the_order_is_found() {
    let shop = Shop::open();
    shop.keep(an_order().paid()).await;
    let status = json!({"status": "preparing"});
    shop.put("/orders/1/status", "ann", status.clone()).await.is_problem(403, "forbidden");
    shop.put("/orders/9/status", "ann", status).await.is_problem(404, "order_not_found");
    // And a token before anything else, the shape of the request included.
    shop.ask(signed(Method::PUT, "/orders/abc/status", "").set_payload("{")).await.is_problem(401, "unauthorized");
}
