//! Two things at once, again and again: one wins, the other is told why, and the ledgers are right in the end.
//!
//! 100 rounds of each race, `RACES` of them where that is set (`make races`: 1,000); a few rounds at a time, each of a
//! customer of its own. On PostgreSQL over two instances, on SQLite at one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use order_sandbox::{Fault, FaultKind, Route, Sandbox, Service as Outside};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::shop::{Answer, sandbox, token};
use crate::support::{Engine, Service, Shop, audit, cents, on_both_engines};

fn rounds() -> usize {
    std::env::var("RACES").map_or(100, |rounds| rounds.parse().expect("RACES is a whole number"))
}

/// Where the races are run.
struct Track {
    engine: Engine,
    sandbox: Sandbox,
    instances: Vec<Service>,
    /// One client for all, as a gateway is one: making one takes longer than most of what it asks for.
    client: Shop,
}

/// One round.
#[derive(Clone)]
struct Round {
    track: Arc<Track>,
    n: usize,
}

impl Round {
    fn name(&self) -> String {
        format!("c{}", self.n)
    }

    /// Somebody at one of the instances; at another one than their neighbour, where there are several.
    fn at(&self, place: usize, user: &str, role: &str) -> Shop {
        let instances = &self.track.instances;
        let instance = &instances[(self.n + place) % instances.len()];
        self.track.client.with_another(token(user, role)).at(&instance.url)
    }

    fn customer(&self) -> Shop {
        self.at(0, &self.name(), "user")
    }

    fn admin(&self) -> Shop {
        self.at(1, "ada", "admin")
    }

    /// A new order of two apples and a milk: 12.47.
    async fn order(&self) -> i64 {
        self.track.sandbox.put_cart(&self.name(), &[(1, 2), (2, 1)]);
        self.customer().place().await.expect(201).id()
    }

    /// The same, paid.
    async fn paid(&self) -> i64 {
        let id = self.order().await;
        self.customer().until(id, "status", "confirmed").await;
        id
    }

    fn balance(&self, id: i64) -> (i64, i64) {
        let balance = self.track.sandbox.balance(&id.to_string());
        (balance.charged, balance.refunded)
    }
}

/// Runs a race, a few rounds at a time, and looks at everything when nothing is left to do.
async fn race<F: Future<Output = ()>>(
    engine: Engine,
    settings: &[(&str, &str)],
    prepare: impl Fn(&Sandbox),
    round: impl Fn(Round) -> F,
) {
    race_of(rounds(), 20, engine, settings, prepare, round).await;
}

/// The same with this many rounds, and so many of them at a time.
async fn race_of<F: Future<Output = ()>>(
    rounds: usize,
    at_a_time: usize,
    engine: Engine,
    settings: &[(&str, &str)],
    prepare: impl Fn(&Sandbox),
    round: impl Fn(Round) -> F,
) {
    let sandbox = sandbox();
    prepare(&sandbox);
    let mut instances = vec![Service::start_with(&engine, &sandbox, settings).await];
    if engine.is_shared() {
        instances.push(Service::start_with(&engine, &sandbox, settings).await);
    }
    let client = Shop::nobody(Duration::from_secs(20));
    let track = Arc::new(Track { engine, sandbox, instances, client });
    stream::iter(0..rounds).for_each_concurrent(at_a_time, |n| round(Round { track: Arc::clone(&track), n })).await;
    let Track { engine, sandbox, instances, client: _ } = Arc::into_inner(track).expect("every round is over");
    for instance in instances {
        assert!(instance.rest().await.success());
    }
    audit::clean(&engine, &sandbox).await;
}

fn nothing(_: &Sandbox) {}

/// A charge takes its time: what comes meanwhile meets it under way.
fn slow_charges(sandbox: &Sandbox) {
    sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Delay(15)).on(Route::Process));
}

fn code(answer: &Answer) -> Value {
    answer.json()["code"].clone()
}

async fn edit(who: &Shop, id: i64, apples: u32, milk: u32) -> Answer {
    let items = json!({ "items": [{ "product_id": 1, "quantity": apples }, { "product_id": 2, "quantity": milk }] });
    who.call(Method::PUT, &format!("/orders/{id}/items"), Some(items)).await
}

on_both_engines! {
    async fn cancel_against_preparation(engine: Engine) {
        race(engine, &[], nothing, async |round: Round| {
            let id = round.paid().await;
            let (customer, admin) = (round.customer(), round.admin());
            let (cancelled, packed) = tokio::join!(customer.cancel(id), admin.set_status(id, "preparing"));
            let status = customer.order(id).await["status"].clone();
            match (cancelled.status.as_u16(), packed.status.as_u16()) {
                (200, 409) => {
                    assert_eq!((status, code(&packed)), (json!("cancelled"), json!("illegal_transition")));
                    customer.until(id, "payment_status", "refunded").await;
                    assert_eq!(round.balance(id), (1247, 1247));
                }
                (409, 200) => {
                    assert_eq!((status, code(&cancelled)), (json!("preparing"), json!("illegal_transition")));
                    assert_eq!(round.balance(id), (1247, 0));
                }
                both => panic!("{both:?}: {} {}", cancelled.text, packed.text),
            }
        })
        .await;
    }

    async fn cancel_against_dispatch(engine: Engine) {
        race(engine, &[], nothing, async |round: Round| {
            let id = round.paid().await;
            let (admin, other) = (round.admin(), round.at(0, "ada", "admin"));
            admin.take(id, "carl").await.expect(200);
            admin.set_status(id, "preparing").await.expect(200);
            let why = json!({ "reason": "out of petrol" });
            let path = format!("/orders/{id}/cancel");
            let cancel = other.call(Method::POST, &path, Some(why));
            let (cancelled, gone) = tokio::join!(cancel, admin.set_status(id, "out_for_delivery"));
            // An order that is on its way may still be cancelled: then both happened, one after the other.
            assert_eq!(cancelled.clone().expect(200).json()["order"]["status"], json!("cancelled"));
            if gone.status != 200 {
                assert_eq!((gone.status.as_u16(), code(&gone)), (409, json!("illegal_transition")));
            }
            let order = admin.until(id, "payment_status", "refunded").await;
            let expected = if gone.status == 200 { "delivery_failed" } else { "shop" };
            assert_eq!(order["cancel_code"], json!(expected));
        })
        .await;
    }

    async fn cancel_while_the_charge_is_under_way(engine: Engine) {
        race(engine, &[], slow_charges, async |round: Round| {
            let id = round.order().await;
            let customer = round.customer();
            customer.cancel(id).await.expect(200);
            assert_eq!(customer.order(id).await["status"], json!("cancelled"));
        })
        .await;
    }

    async fn two_couriers(engine: Engine) {
        race(engine, &[], nothing, async |round: Round| {
            let id = round.paid().await;
            let (carl, cora) = (round.at(0, "carl", "delivery_partner"), round.at(1, "cora", "delivery_partner"));
            let (one, other) = tokio::join!(carl.take(id, "carl"), cora.take(id, "cora"));
            let (loser, winner) = if one.status == 200 { (other, "carl") } else { (one, "cora") };
            assert_eq!((loser.status.as_u16(), code(&loser)), (409, json!("already_taken")));
            assert_eq!(round.admin().order(id).await["delivery_partner_id"], json!(winner));
        })
        .await;
    }

    async fn two_edits(engine: Engine) {
        race(engine, &[], nothing, async |round: Round| {
            let id = round.paid().await;
            let (customer, admin) = (round.customer(), round.admin());
            let (more, less) = tokio::join!(edit(&customer, id, 3, 1), edit(&admin, id, 1, 1));
            for refused in [&more, &less].into_iter().filter(|answer| answer.status != 200) {
                let told = code(refused);
                assert!([json!("concurrent_change"), json!("adjustment_open")].contains(&told), "{}", refused.text);
            }
            assert!(more.status == 200 || less.status == 200, "{} {}", more.text, less.text);
            let order = customer.until(id, "payment_status", "paid").await;
            let (total, (charged, refunded)) = (cents(&order["total_amount"]), round.balance(id));
            assert!([1546, 948].contains(&total), "{order}");
            assert_eq!(charged - refunded, total);
        })
        .await;
    }

    async fn an_edit_while_charging(engine: Engine) {
        race(engine, &[], slow_charges, async |round: Round| {
            let id = round.order().await;
            let customer = round.customer();
            let edited = edit(&customer, id, 3, 1).await;
            if edited.status != 200 {
                let told = code(&edited);
                let known = [json!("payment_in_progress"), json!("concurrent_change")];
                assert!(edited.status == 409 && known.contains(&told), "{}", edited.text);
            }
            customer.until(id, "status", "confirmed").await;
            customer.until(id, "payment_status", "paid").await;
            let expected = if edited.status == 200 { 1546 } else { 1247 };
            assert_eq!(round.balance(id), (expected, 0));
        })
        .await;
    }

    async fn fifty_goodwill_refunds(engine: Engine) {
        // Fifty at once, so a fiftieth of the rounds.
        race_of(rounds().div_ceil(50), 1, engine, &[], nothing, async |round: Round| {
            let id = round.paid().await;
            let admins: Vec<_> = (0..50).map(|place| round.at(place, "ada", "admin")).collect();
            let answers = join_all(admins.iter().map(|admin| admin.goodwill(id, 1.00))).await;
            let given = i64::try_from(answers.iter().filter(|answer| answer.status == 200).count()).unwrap();
            for refused in answers.iter().filter(|answer| answer.status != 200) {
                // Whoever waits too long for the others is told to try again; nothing was changed then.
                let known = [json!("refund_exceeds_charge"), json!("concurrent_change"), json!("database_unavailable")];
                assert!(known.contains(&code(refused)), "{}", refused.text);
            }
            assert!((1..=12).contains(&given), "{given} of 12.47");
            round.customer().until(id, "payment_status", "partially_refunded").await;
            assert_eq!(round.balance(id), (1247, 100 * given));
        })
        .await;
    }

    /// The answer comes just as the time to pay is over.
    async fn the_timeout_against_a_late_success(engine: Engine) {
        let late = |sandbox: &Sandbox| {
            sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Delay(995)).on(Route::Process));
        };
        race(engine, &[("PAYMENT_TIMEOUT", "1s"), ("TASK_SLOTS", "64")], late, async |round: Round| {
            let id = round.order().await;
            let customer = round.customer();
            let ended = async || {
                let order = customer.order(id).await;
                ["confirmed", "cancelled"].contains(&order["status"].as_str().unwrap()).then_some(order)
            };
            let order = loop {
                if let Some(order) = ended().await {
                    break order;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            if order["status"] != json!("cancelled") {
                assert_eq!((order["payment_status"].clone(), round.balance(id)), (json!("paid"), (1247, 0)));
                return;
            }
            assert_eq!(order["cancel_code"], json!("payment_timeout"));
            // A machine that is busy may not have come to the call by then.
            if round.admin().ledger(id).await == ["1 online charge (order) 12.47 withdrawn"] {
                assert_eq!((order["payment_status"].clone(), round.balance(id)), (json!("unpaid"), (0, 0)));
            } else {
                customer.until(id, "payment_status", "refunded").await;
                assert_eq!(round.balance(id), (1247, 1247));
            }
        })
        .await;
    }
}
