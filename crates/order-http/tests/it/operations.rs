//! `/operations`: what operators see and do.

use actix_web::http::Method;
use order_domain::order::Status;
use order_domain::ports::{Claim, Failure, MAX_TRIES, TaskKind, TaskStore};
use order_domain::time::Duration;
use serde_json::{Value, json};

use crate::support::{Answer, Shop, pairs, signed};

/// A shop whose customer could not be told that order 1 is confirmed, and the number of that task.
async fn with_a_dead_message() -> (Shop, i64) {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    for _ in 0..MAX_TRIES {
        let slots = vec![(TaskKind::Notify, 1)];
        let claim = Claim { slots, chores: Vec::new(), only: None, lease: Duration::from_secs(30) };
        let claimed = shop.store.claim(&claim).await.unwrap().claimed;
        let failure = Failure { wait: Duration::ZERO, error: "no answer".into(), entry: None };
        assert!(shop.store.fail(&claimed[0], &failure).await.unwrap());
    }
    let id = shop.store.dead_tasks()[0].id.get();
    (shop, id)
}

async fn post(shop: &Shop, path: &str) -> Answer {
    shop.ask(signed(Method::POST, path, "root")).await
}

async fn listed(shop: &Shop, query: &str) -> Vec<i64> {
    let list = shop.get(&format!("/operations/tasks{query}"), "root").await.json();
    list.as_array().unwrap().iter().map(|task| task["id"].as_i64().unwrap()).collect()
}

#[actix_web::test]
async fn what_was_given_up_is_listed_with_what_went_wrong() {
    let (shop, id) = with_a_dead_message().await;
    let list = shop.get("/operations/tasks", "root").await.json();
    let expected = json!([{
        "id": id, "kind": "notify", "state": "dead", "order_id": 1, "payment": null, "attempts": 8,
        "last_error": "no answer", "due_at": list[0]["due_at"],
    }]);
    assert_eq!(list, expected);
    assert_eq!(listed(&shop, "?state=dead&kind=notify&order_id=1").await, [id]);
    for none in ["?kind=clear_cart", "?order_id=2", "?state=running"] {
        assert!(listed(&shop, none).await.is_empty(), "{none}");
    }
    assert_eq!(listed(&shop, "?state=waiting").await.len(), 1, "the cart is to be cleared");
}

#[actix_web::test]
async fn a_list_of_tasks_goes_on_where_its_link_says() {
    let shop = Shop::open();
    for id in 1..=5 {
        shop.keep(order_testkit::builders::an_order().id(id).paid()).await;
    }
    let (mut path, mut found) = ("/operations/tasks?state=waiting&kind=notify&limit=2".to_owned(), Vec::new());
    loop {
        let answer = shop.get(&path, "root").await;
        found.extend(answer.json().as_array().unwrap().iter().map(|task| task["order_id"].as_i64().unwrap()));
        let Some(link) = answer.header("link") else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
        assert!(path.contains("state=waiting&kind=notify&limit=2&cursor="), "{path}");
    }
    assert_eq!(found, [1, 2, 3, 4, 5]);
    let gateways = shop.get("/api/v1/operations/tasks?state=waiting&order_id=1&limit=1", "root").await;
    assert!(gateways.header("link").unwrap().starts_with("</api/v1/operations/tasks?state=waiting&order_id=1&"));
}

#[actix_web::test]
async fn what_can_not_be_understood_is_named() {
    let shop = Shop::open();
    let query = "?state=asleep&kind=bake&order_id=x&limit=101&cursor=AAAA";
    let answer = shop.ask_beside_the_document(signed(Method::GET, &format!("/operations/tasks{query}"), "root")).await;
    let expected = [
        ("state", "unknown_value"),
        ("kind", "unknown_value"),
        ("order_id", "out_of_range"),
        ("limit", "out_of_range"),
        ("cursor", "invalid_cursor"),
    ]
    .map(|(name, code)| (format!("/query/{name}"), code.to_owned()));
    assert_eq!(answer.errors("invalid"), expected);
}

#[actix_web::test]
async fn a_retried_task_waits_and_the_timeline_says_who_wanted_it() {
    let (shop, id) = with_a_dead_message().await;
    let answer = post(&shop, &format!("/operations/tasks/{id}/retry")).await;
    let task = answer.json();
    assert_eq!((answer.status.as_u16(), &task["state"], &task["attempts"]), (200, &json!("waiting"), &json!(0)));
    assert_eq!(task["last_error"], "no answer");
    assert!(listed(&shop, "").await.is_empty());
    let timeline = shop.get("/orders/1/timeline", "root").await.json();
    let last = timeline.as_array().unwrap().last().unwrap().clone();
    assert_eq!(json!([last["type"], last["actor"]]), json!(["task_retried", {"role": "admin", "id": "root"}]));
    let to_customer = shop.get("/orders/1/timeline", "ann").await.json();
    assert_eq!(to_customer.as_array().unwrap().last().unwrap()["actor"], json!({"role": "admin", "id": null}));
}

#[actix_web::test]
async fn a_discarded_task_is_gone() {
    let (shop, id) = with_a_dead_message().await;
    let path = format!("/operations/tasks/{id}/discard");
    let task = post(&shop, &path).await.json();
    assert_eq!((&task["state"], &task["attempts"]), (&json!("discarded"), &json!(8)));
    post(&shop, &path).await.is_problem(404, "task_not_found");
}

#[actix_web::test]
async fn a_key_gets_its_answer_again_byte_for_byte() {
    for deed in ["retry", "discard"] {
        let (shop, id) = with_a_dead_message().await;
        let ask = |path: String| shop.ask(signed(Method::POST, &path, "root").insert_header(("Idempotency-Key", "k")));
        let first = ask(format!("/operations/tasks/{id}/{deed}")).await;
        let again = ask(format!("/api/v1/operations/tasks/{id}/{deed}/")).await;
        assert_eq!(
            (again.status, &again.text, again.header("idempotency-replayed")),
            (first.status, &first.text, Some("true"))
        );
        assert_eq!(first.header("idempotency-replayed"), None);
        let timeline = shop.get("/orders/1/timeline", "root").await.json();
        assert_eq!(timeline.as_array().unwrap().len(), 3, "{deed} once");
    }
}

#[actix_web::test]
async fn what_moves_money_is_not_discarded_and_what_runs_is_not_touched() {
    let shop = Shop::open().with_order(Status::Pending).await;
    let charge = shop.store.tasks()[0].id;
    post(&shop, &format!("/operations/tasks/{charge}/discard")).await.is_problem(409, "never_discarded");
    let slots = vec![(TaskKind::Charge, 1)];
    let claim = Claim { slots, chores: Vec::new(), only: None, lease: Duration::from_secs(30) };
    shop.store.claim(&claim).await.unwrap();
    post(&shop, &format!("/operations/tasks/{charge}/retry")).await.is_problem(409, "task_running");
}

#[actix_web::test]
async fn a_number_that_can_be_no_tasks_is_said_to_be_so_to_admins_alone() {
    let shop = Shop::open();
    for id in ["0", "-1", "01", "x", "9007199254740992"] {
        let path = format!("/operations/tasks/{id}/retry");
        let answer = shop.ask_beside_the_document(signed(Method::POST, &path, "root")).await;
        assert_eq!(answer.errors("invalid_id"), pairs(&[("/path/id", "invalid_id")]));
        shop.ask_beside_the_document(signed(Method::POST, &path, "ann")).await.is_problem(403, "forbidden");
    }
    post(&shop, "/operations/tasks/4711/retry").await.is_problem(404, "task_not_found");
}

#[actix_web::test]
async fn a_kind_is_paused_and_resumed_as_often_as_it_is_asked() {
    let shop = Shop::open().with_order(Status::Pending).await;
    let kinds = || async {
        let kinds = shop.get("/operations/kinds", "root").await.json();
        kinds.as_array().unwrap().iter().map(|kind| (kind["kind"].clone(), kind["paused"].clone())).collect::<Vec<_>>()
    };
    let all = |paused: bool| -> Vec<(Value, Value)> {
        let of = |kind: TaskKind| (json!(kind.name()), json!(paused && kind == TaskKind::Charge));
        TaskKind::ALL.into_iter().map(of).collect()
    };
    assert_eq!(kinds().await, all(false));
    for _ in 0..2 {
        let kind = post(&shop, "/operations/kinds/charge/pause").await.json();
        let expected = json!(["charge", true, "root", 1]);
        assert_eq!(json!([kind["kind"], kind["paused"], kind["paused_by"], kind["waiting"]]), expected);
        assert!(kind["paused_at"].is_string());
        assert_eq!(kinds().await, all(true));
    }
    for _ in 0..2 {
        let kind = post(&shop, "/operations/kinds/charge/resume").await.json();
        assert_eq!(json!([kind["paused"], kind["paused_at"], kind["paused_by"]]), json!([false, null, null]));
        assert_eq!(kinds().await, all(false));
    }
    let unknown = shop.ask_beside_the_document(signed(Method::POST, "/operations/kinds/bake/pause", "root")).await;
    let detail = unknown.is_problem(404, "kind_not_found")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("charge, refund, clear_cart, notify"), "{detail}");
}
