//! More requests than there is room for, and a shop that takes no orders.

use std::sync::{Arc, Mutex};

use actix_web::http::Method;
use actix_web::test::TestRequest;
use order_domain::order::Status;
use order_domain::ports::LiveEvents;
use order_http::OutsideHealth;
use order_testkit::builders::a_cart;
use order_testkit::memory::Op;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{Answer, Shop, pairs, signed};

fn full() -> Shop {
    let mut shop = Shop::open();
    shop.change(|shop| shop.room = Arc::new(Semaphore::new(1)));
    shop
}

#[actix_web::test]
async fn without_room_a_request_is_told_so_at_once() {
    let shop = full();
    let under_way = shop.room.clone().try_acquire_owned().unwrap();
    for (method, path, who) in [
        (Method::GET, "/orders/my-orders", "ann"),
        (Method::GET, "/api/v1/orders/1/", "ann"),
        (Method::POST, "/orders", "ann"),
        (Method::GET, "/orders/1", ""),
    ] {
        let answer = shop.ask(signed(method, path, who)).await;
        answer.is_problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(shop.carts.asked(), 0);
    drop(under_way);
    assert_eq!(shop.get("/orders/my-orders", "ann").await.status, 200);
}

#[actix_web::test]
async fn who_asks_how_the_service_is_always_has_room() {
    let shop = full();
    let _under_way = shop.room.clone().try_acquire_owned().unwrap();
    for path in ["/health", "/health/live", "/health/ready", "/api/v1/health/"] {
        assert_eq!(shop.get(path, "").await.status, 200, "{path}");
    }
    shop.get("/nothing", "").await.is_problem(404, "not_found");
}

#[actix_web::test]
async fn every_answer_gives_its_room_back() {
    let shop = full();
    for (path, who, status) in [
        ("/orders/my-orders", "ann", 200),
        ("/orders/1", "ann", 404),
        ("/orders/1", "", 401),
        ("/orders/x", "ann", 422),
    ] {
        assert_eq!(shop.get(path, who).await.status, status);
        assert_eq!(shop.room.available_permits(), 1, "{path}");
    }
}

#[actix_web::test]
async fn a_request_takes_its_room_until_it_is_answered() {
    let shop = full();
    let (room, seen) = (Arc::clone(&shop.room), Arc::new(Mutex::new(None)));
    let note = Arc::clone(&seen);
    shop.store.before_next(Op::List, move |_| async move {
        *note.lock().unwrap() = Some(room.available_permits());
    });
    assert_eq!(shop.get("/orders/my-orders", "ann").await.status, 200);
    assert_eq!(*seen.lock().unwrap(), Some(0));
}

#[actix_web::test]
async fn a_shop_that_takes_no_orders_says_so_and_does_everything_else() {
    let mut shop = Shop::open().with_order(Status::Confirmed).await;
    let key = ("Idempotency-Key", "before");
    let body = json!({"delivery_address": "1 Main St"});
    let place =
        |key: (&'static str, &'static str)| signed(Method::POST, "/orders", "ann").insert_header(key).set_json(&body);
    let first = shop.ask(place(key)).await;
    assert_eq!(first.status, 201);
    shop.change(|shop| shop.rules.accept_orders = false);
    let asked = shop.carts.asked();

    let refused = shop.post("/orders", "ben", body.clone()).await;
    refused.is_problem(503, "not_accepting_orders");
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(shop.carts.asked(), asked, "nobody is asked for what is not taken");

    // A cart that has been ordered is no new order.
    shop.ask(place(("Idempotency-Key", "after"))).await.is_problem(409, "already_ordered");
    assert_eq!(shop.post("/orders", "ann", body.clone()).await.status, 201);
    shop.carts.put(a_cart("ann", &[(5, 1)]));
    shop.ask(place(("Idempotency-Key", "after"))).await.is_problem(503, "not_accepting_orders");

    // What was answered is answered again, and what can't be understood is still said to be so.
    let again = shop.ask(place(key)).await;
    assert_eq!((again.status.as_u16(), &again.text), (201, &first.text));
    let errors = shop.post("/orders", "ann", json!({})).await.errors("invalid");
    assert_eq!(errors, pairs(&[("/delivery_address", "required")]));

    // What has been ordered is brought, changed and cancelled.
    assert_eq!(shop.get("/orders/1", "ann").await.status, 200);
    assert_eq!(shop.put("/orders/1/status", "root", json!({"status": "preparing"})).await.status, 200);
    assert_eq!(shop.post("/orders/1/cancel", "root", json!({"reason": "closed"})).await.status, 200);

    // It is well, and says what it does.
    assert_eq!(shop.get("/health/ready", "").await.status, 200);
    assert_eq!(shop.get("/health", "").await.json()["accepting_orders"], json!(false));
}

#[actix_web::test]
async fn health_tells_of_breakers_and_is_no_worse_for_them() {
    let mut shop = Shop::open();
    let health = shop.get("/health", "").await.json();
    assert_eq!((&health["breakers"], &health["accepting_orders"]), (&json!({}), &json!(true)));
    let all = [("payment", "open"), ("cart", "closed"), ("user", "half_open")];
    shop.change(|shop| shop.outside = all.map(|(service, breaker)| OutsideHealth { service, breaker }).to_vec());
    let answer = shop.get("/health", "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("healthy")));
    assert_eq!(answer.json()["breakers"], json!({"cart": "closed", "payment": "open", "user": "half_open"}));
    assert_eq!(shop.get("/health/ready", "").await.status, 200);
    assert_eq!(shop.get("/health/live", "").await.status, 200);
}

#[actix_web::test]
async fn who_is_answered_at_once_keeps_their_room_until_then() {
    let shop = full().with_order(Status::Confirmed).await;
    let (room, seen) = (Arc::clone(&shop.room), Arc::new(Mutex::new(None)));
    let note = Arc::clone(&seen);
    shop.store.before_next(Op::Timeline, move |_| async move {
        *note.lock().unwrap() = Some(room.available_permits());
    });
    assert_eq!(shop.get("/orders/1/timeline?after=0&wait=25", "ann").await.status, 200);
    assert_eq!(*seen.lock().unwrap(), Some(0));
}

/// Asks for what waits, and for more while it does: there is room.
async fn waits_and_gives_room(shop: &Shop, waiting: TestRequest) -> Answer {
    let others = async {
        while shop.live.watched().is_empty() {
            tokio::task::yield_now().await;
        }
        // It listens, and looks once more before it waits.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(shop.room.available_permits(), 1);
        assert_eq!(shop.get("/orders/my-orders", "ann").await.status, 200);
        shop.live.close();
    };
    let (answer, ()) = tokio::join!(shop.ask(waiting), others);
    assert_eq!(shop.room.available_permits(), 1, "it was given back once");
    answer
}

#[actix_web::test]
async fn who_only_waits_gives_room_to_others() {
    let shop = full().with_order(Status::Confirmed).await;
    let waiting = signed(Method::GET, "/orders/1/timeline?after=99&wait=25", "ann");
    let answer = waits_and_gives_room(&shop, waiting).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "[]"));
}

#[actix_web::test]
async fn who_has_ordered_and_waits_gives_room_to_others() {
    let shop = full();
    let waiting = signed(Method::POST, "/orders", "ann").insert_header(("Prefer", "wait=30"));
    let answer = waits_and_gives_room(&shop, waiting.set_json(json!({"delivery_address": "1 Main St"}))).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (201, &json!("pending")));
}
