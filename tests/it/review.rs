//! What nobody but a person can tell: entries in review, and what follows from a person's word.

use order_sandbox::{Decline, Fault, FaultKind, Route, Sandbox, Service as Outside};
use serde_json::{Value, json};

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, eventually, eventually_hurried, on_both_engines};

/// Orders wait for their money longer than the payment service remembers a key.
const PATIENT: [(&str, &str); 1] = [("PAYMENT_TIMEOUT", "3d")];
/// More than `PAYMENT_KEY_TTL`, in minutes: the last share without a try included.
const FORGOTTEN: u32 = 25 * 60;

/// The payment service does what it is asked for, answers with this status, and does not tell what it has done.
fn acts_and_answers(sandbox: &Sandbox, status: u16, route: Route) {
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(status)).acted().on(route));
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(404)).on(Route::ByKey));
}

/// It does nothing, and answers with this status.
fn answers(sandbox: &Sandbox, status: u16, route: Route) {
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(status)).on(route));
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(404)).on(Route::ByKey));
}

async fn entry(admin: &Shop, id: i64, n: usize) -> Value {
    admin.get(&format!("/orders/{id}/payments")).await.expect(200).json()[n - 1].clone()
}

/// An order whose charge was asked for, and no answer understood.
async fn with_an_unknown_charge(engine: &Engine, sandbox: &Sandbox) -> (Service, i64) {
    let service = Service::start_with(engine, sandbox, &PATIENT).await;
    let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
    let id = customer.place().await.expect(201).id();
    eventually("it is sent", || async { entry(&admin, id, 1).await["state"] == "sent" }).await;
    (service, id)
}

async fn in_review(engine: &Engine, shop: &Shop, id: i64) {
    let reviewed = || async { shop.order(id).await["payment_status"] == "review" };
    eventually_hurried(engine, "it is for a person", reviewed).await;
}

on_both_engines! {
    /// Eight answers that are neither yes nor no: nobody asks a ninth time.
    async fn a_charge_that_is_refused_eight_times_is_for_a_person(engine: Engine) {
        let sandbox = sandbox();
        acts_and_answers(&sandbox, 422, Route::Process);
        let service = Service::start_with(&engine, &sandbox, &PATIENT).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        eventually_hurried(&engine, "it was refused eight times", || async {
            sandbox.calls_to(Outside::Payment, Route::Process) == 8
        })
        .await;
        assert_eq!(customer.order(id).await["payment_status"], json!("processing"), "a call may be under way");
        // A twenty-fourth of the key's life later none is.
        engine.time_passes(61).await;
        in_review(&engine, &customer, id).await;
        let listed = admin.get("/orders?payment_status=review").await.expect(200).json();
        assert_eq!(listed[0]["id"], json!(id));
        assert_eq!(entry(&admin, id, 1).await["attempts"], json!(8));
        let order = admin.resolve(id, 1, "settled").await.expect(200).json();
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("confirmed"), &json!("paid")));
        assert_eq!(customer.timeline(id).await, ["placed", "charge_in_review", "resolved", "confirmed"]);
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.calls_to(Outside::Payment, Route::Process), 8);
    }

    async fn a_charge_whose_key_is_forgotten_is_for_a_person_who_did_not_find_it(engine: Engine) {
        let sandbox = sandbox();
        answers(&sandbox, 500, Route::Process);
        let (service, id) = with_an_unknown_charge(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        engine.time_passes(FORGOTTEN).await;
        in_review(&engine, &customer, id).await;
        let calls = sandbox.calls_to(Outside::Payment, Route::Process);
        assert_eq!(customer.edit(id, &[(1, 1)]).await.expect(409).json()["code"], json!("payment_in_progress"));
        let order = admin.resolve(id, 1, "not_settled").await.expect(200).json();
        let shown = ["status", "cancel_code", "payment_status"].map(|name| order[name].clone());
        assert_eq!(shown, ["cancelled", "payment_declined", "declined"].map(|text| json!(text)));
        assert_eq!(sandbox.cart("ann").items.len(), 2, "for another try");
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.calls_to(Outside::Payment, Route::Process), calls, "nobody asks for a key that may be new again");
    }

    /// The order does not wait for a person longer than for the money; what turns out to have been taken is given back.
    async fn an_order_whose_charge_is_in_review_is_cancelled_in_time_and_paid_back_if_it_was_taken(engine: Engine) {
        let sandbox = sandbox();
        acts_and_answers(&sandbox, 500, Route::Process);
        let (service, id) = with_an_unknown_charge(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        engine.time_passes(FORGOTTEN).await;
        in_review(&engine, &customer, id).await;
        assert_eq!(customer.order(id).await["status"], json!("pending"));
        engine.time_passes(2 * 24 * 60).await;
        let cancelled = || async { customer.order(id).await["status"] == "cancelled" };
        eventually_hurried(&engine, "it is cancelled in time", cancelled).await;
        let order = customer.order(id).await;
        assert_eq!((&order["cancel_code"], &order["payment_status"]), (&json!("payment_timeout"), &json!("review")));
        let order = admin.resolve(id, 1, "settled").await.expect(200).json();
        assert_eq!((&order["status"], &order["payment_status"]), (&json!("cancelled"), &json!("refund_pending")));
        customer.until(id, "payment_status", "refunded").await;
        let ledger = ["1 online charge (order) 12.47 settled", "2 online refund of 1 (cancel) 12.47 settled"];
        assert_eq!(customer.ledger(id).await, ledger);
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// What the payment service tells at last, before a person is asked, counts.
    async fn a_last_look_finds_what_no_call_may_be_made_for(engine: Engine) {
        let sandbox = sandbox();
        acts_and_answers(&sandbox, 500, Route::Process);
        let (service, id) = with_an_unknown_charge(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let calls = sandbox.calls_to(Outside::Payment, Route::Process);
        sandbox.clear_faults(Outside::Payment);
        engine.time_passes(FORGOTTEN).await;
        let confirmed = || async { customer.order(id).await["status"] == "confirmed" };
        eventually_hurried(&engine, "it is found", confirmed).await;
        assert!(!customer.timeline(id).await.contains(&"charge_in_review".to_owned()));
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
        assert!(sandbox.calls_to(Outside::Payment, Route::Process) <= calls + 1);
    }

    async fn a_refund_that_is_declined_five_times_is_paid_by_hand(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_decline(Decline::refunds().times(5));
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        admin.goodwill(id, 2.5).await.expect(200);
        in_review(&engine, &customer, id).await;
        // It stays owed: no more than the rest can be given meanwhile.
        assert_eq!(admin.goodwill(id, 9.98).await.expect(409).json()["refundable"], json!(9.97));
        let order = admin.resolve(id, 6, "by_hand").await.expect(200).json();
        assert_eq!((&order["payment_status"], &order["refunded_amount"]), (&json!("partially_refunded"), &json!(2.5)));
        let ledger = customer.ledger(id).await;
        let declined = (2..6).map(|n| format!("{n} online refund of 1 (goodwill) 2.50 declined"));
        assert_eq!(ledger[1..5], declined.collect::<Vec<_>>());
        assert_eq!(ledger[5..], ["6 cash refund of 1 (goodwill) 2.50 settled"]);
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.balance(&id.to_string()).refunded, 0);
    }

    async fn a_refund_that_did_not_arrive_is_tried_again_and_its_declines_are_counted_anew(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_decline(Decline::refunds().times(6));
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        customer.cancel(id).await.expect(200);
        in_review(&engine, &customer, id).await;
        assert_eq!(customer.order(id).await["status"], json!("cancelled"), "a refund that fails brings no order back");
        admin.resolve(id, 6, "not_settled").await.expect(200);
        let refunded = || async { customer.order(id).await["payment_status"] == "refunded" };
        eventually_hurried(&engine, "the one after the next decline arrives", refunded).await;
        assert_eq!(customer.ledger(id).await.len(), 8);
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.balance(&id.to_string()).refunded, 1247);
    }

    async fn a_refund_that_was_found_at_the_payment_service_is_settled_once(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        acts_and_answers(&sandbox, 500, Route::Refund);
        customer.cancel(id).await.expect(200);
        eventually("it is sent", || async { entry(&admin, id, 2).await["state"] == "sent" }).await;
        engine.time_passes(FORGOTTEN).await;
        in_review(&engine, &customer, id).await;
        let admins = (0..10).map(|_| admin.resolve(id, 2, "settled"));
        let answers = futures_util::future::join_all(admins).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        let late = answers.iter().filter(|answer| answer.status == 409 && answer.json()["code"] == "not_in_review");
        assert_eq!((won, late.count()), (1, 9));
        assert_eq!(customer.order(id).await["payment_status"], json!("refunded"));
        service.rest_at_once().await;
        audit::clean(&engine, &sandbox).await;
    }
}
