//! Answers that wait: `Prefer: wait` on a new order, `wait` of a timeline. Time is tokio's, paused: it passes by itself
//! when nobody has anything else to do.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use order_domain::order::Status;
use order_domain::ports::{LiveEvent, LiveEvents};
use order_domain::time::Duration;
use order_testkit::memory::Op;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{Answer, Shop, pairs, signed};

fn place(prefer: &str) -> TestRequest {
    let request = signed(Method::POST, "/api/v1/orders", "ann").set_json(json!({"delivery_address": "1 Main St"}));
    request.insert_header(("Prefer", prefer)).insert_header(("Idempotency-Key", "k"))
}

fn seqs(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list: Value = answer.json();
    list.as_array().expect("a list").iter().map(|entry| entry["seq"].as_i64().expect("a number")).collect()
}

#[actix_web::test]
async fn a_timeline_goes_on_after_an_entry() {
    let shop = Shop::open().with_order(Status::Delivered).await;
    for (query, expected) in [
        ("", (1..=6).collect::<Vec<_>>()),
        ("?after=", (1..=6).collect()),
        ("?after=0&wait=", (1..=6).collect()),
        ("?after=4&wait=0", vec![5, 6]),
        ("?after=6", vec![]),
        ("?after=9007199254740991", vec![]),
        ("?after=5&wait=25", vec![6]),
    ] {
        assert_eq!(seqs(&shop.get(&format!("/orders/1/timeline{query}"), "ann").await), expected, "{query}");
    }
}

#[actix_web::test]
async fn a_timeline_is_asked_for_in_numbers() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for (query, parameter, code) in [
        ("after=x", "after", "out_of_range"),
        ("after=-1", "after", "out_of_range"),
        ("after=1.5", "after", "out_of_range"),
        ("after=9007199254740992", "after", "out_of_range"),
        ("after=99999999999999999999", "after", "out_of_range"),
        ("wait=soon", "wait", "out_of_range"),
        ("wait=-1", "wait", "out_of_range"),
        ("wait=1.5", "wait", "out_of_range"),
        ("wait=4s", "wait", "out_of_range"),
        ("wait=1&wait=2", "wait", "repeated"),
    ] {
        let errors = shop.get(&format!("/orders/1/timeline?{query}"), "ann").await.errors("invalid");
        assert_eq!(errors, pairs(&[(&format!("/query/{parameter}"), code)]), "{query}");
    }
    assert_eq!(shop.get("/orders/1/timeline?after=x&wait=y", "ann").await.errors("invalid").len(), 2);
    // Whose it is comes first; what is asked of it is not looked at for anybody else.
    shop.get("/orders/1/timeline?after=0&wait=25", "eve").await.is_problem(404, "order_not_found");
    shop.get("/orders/2/timeline?wait=25", "ann").await.is_problem(404, "order_not_found");
}

#[actix_web::test]
async fn a_timeline_without_news_is_answered_when_the_time_is_over() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    tokio::time::pause();
    for (wait, seconds) in [("4", 4), ("25", 25), ("26", 25), ("999", 25), ("99999999999999999999999999", 25), ("0", 0)]
    {
        let begun = Instant::now();
        let answer = shop.get(&format!("/orders/1/timeline?after=2&wait={wait}"), "ann").await;
        assert_eq!((seqs(&answer), begun.elapsed().as_secs()), (vec![], seconds), "wait={wait}");
    }
}

#[actix_web::test]
async fn a_timeline_waits_for_what_happens_next() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    tokio::time::pause();
    let begun = Instant::now();
    let (news, _) = tokio::join!(shop.get("/orders/1/timeline?after=2&wait=25", "ann"), async {
        sleep(Duration::from_secs(3)).await;
        shop.put("/orders/1/status", "root", json!({"status": "preparing"})).await
    });
    assert_eq!((seqs(&news), begun.elapsed().as_secs()), (vec![3], 3));
    assert_eq!(news.json()[0]["type"], "preparing");
    assert_eq!(news.json()[0]["actor"], json!({"role": "admin", "id": null}), "ids are shown to admins only");
}

#[actix_web::test]
async fn a_new_order_waits_as_long_as_its_caller_prefers() {
    for (prefer, seconds) in [("wait=4", 4), ("wait=30", 30), ("wait=999", 30), ("respond-async, wait=\"2\"", 2)] {
        let shop = Shop::open();
        tokio::time::pause();
        let begun = Instant::now();
        let answer = shop.ask(place(prefer)).await;
        assert_eq!((answer.status.as_u16(), begun.elapsed().as_secs()), (201, seconds), "{prefer}: {}", answer.text);
        assert_eq!((answer.json()["status"].as_str(), answer.header("etag")), (Some("pending"), Some("\"1\"")));
        assert_eq!(answer.header("preference-applied"), Some(&*format!("wait={seconds}")));
        assert_eq!(answer.header("location"), Some("/api/v1/orders/1"));
        tokio::time::resume();
    }
}

#[actix_web::test]
async fn a_wish_that_cant_be_read_is_passed_over() {
    tokio::time::pause();
    for prefer in ["wait=soon", "wait=-1", "wait", "wait=0", "return=minimal", ";;;", "wait=\"4"] {
        let shop = Shop::open();
        let begun = Instant::now();
        let answer = shop.ask(place(prefer)).await;
        assert_eq!((answer.status.as_u16(), begun.elapsed().as_secs()), (201, 0), "{prefer}: {}", answer.text);
        assert_eq!(answer.header("preference-applied"), None);
    }
}

#[actix_web::test]
async fn what_has_become_of_an_order_is_shown_with_its_tag_and_kept_as_it_was() {
    let shop = Shop::open();
    tokio::time::pause();
    let begun = Instant::now();
    let (answer, _) = tokio::join!(shop.ask(place("wait=4")), async {
        sleep(Duration::from_secs(1)).await;
        shop.put("/orders/1/status", "root", json!({"status": "confirmed"})).await
    });
    assert_eq!((answer.status.as_u16(), begun.elapsed().as_secs()), (201, 1));
    let order = answer.json();
    assert_eq!((order["status"].as_str(), order["version"].as_i64()), (Some("confirmed"), Some(2)));
    assert_eq!(answer.header("etag"), Some("\"2\""));
    assert_eq!(answer.text, shop.get("/orders/1", "ann").await.text);

    // Sent again, it is answered at once, with what was true at the commit: waiting is not part of that.
    let again = shop.ask(place("wait=30")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((again.json()["status"].as_str(), again.header("etag")), (Some("pending"), Some("\"1\"")));
    assert_eq!((again.header("preference-applied"), begun.elapsed().as_secs()), (None, 1));
    let third = shop.ask(place("")).await;
    assert_eq!(third.text, again.text, "byte for byte");
}

#[actix_web::test]
async fn the_time_counts_from_when_the_request_came_in() {
    let shop = Shop::open();
    tokio::time::pause();
    // Three of the four seconds are gone before the order is placed.
    shop.store.before_next(Op::Placing, |_| sleep(Duration::from_secs(3)));
    let begun = Instant::now();
    let answer = shop.ask(place("wait=4")).await;
    assert_eq!((answer.status.as_u16(), begun.elapsed().as_secs()), (201, 4));

    let shop = Shop::open();
    shop.store.before_next(Op::Placing, |_| sleep(Duration::from_secs(5)));
    let begun = Instant::now();
    shop.ask(place("wait=4")).await;
    assert_eq!((begun.elapsed().as_secs(), shop.store.calls(Op::Load)), (5, 0), "there is no time left");
}

#[actix_web::test]
async fn no_other_change_waits() {
    let shop = Shop::open().with_order(Status::Pending).await;
    tokio::time::pause();
    let begun = Instant::now();
    let body = json!({"delivery_partner_id": "bob"});
    let request = signed(Method::PUT, "/orders/1/assign-delivery", "root").set_json(body);
    let answer = shop.ask(request.insert_header(("Prefer", "wait=4"))).await;
    assert_eq!((answer.status.as_u16(), answer.header("preference-applied")), (200, None));
    assert_eq!(begun.elapsed().as_secs(), 0);
    let told = shop.live.published();
    assert_eq!(told.last().map(|event: &LiveEvent| event.version), Some(2));
    assert_eq!(shop.live.watched(), []);
}
