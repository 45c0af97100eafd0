//! Fifty clicks at once make one order, which is charged once: at two instances on PostgreSQL, at one on SQLite.

use order_sandbox::{Fault, FaultKind, Route, Sandbox, Service as Outside};
use serde_json::json;

use crate::support::shop::{Answer, fill_cart, sandbox};
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

const CLICKS: usize = 50;

/// As many instances as the engine allows: two, or one.
async fn instances(engine: &Engine, sandbox: &Sandbox) -> Vec<Service> {
    let mut instances = vec![Service::start(engine, sandbox).await];
    if engine.is_shared() {
        instances.push(Service::start(engine, sandbox).await);
    }
    instances
}

/// Clicks at all of them at once, each with its own key, or with none.
async fn click(instances: &[Service], key: impl Fn(usize) -> Option<String>) -> Vec<Answer> {
    let clicks: Vec<_> = (0..CLICKS)
        .map(|n| {
            let (customer, key) = (Shop::customer(&instances[n % instances.len()]), key(n));
            tokio::spawn(async move { customer.try_place(key.as_deref()).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for click in clicks {
        answers.push(click.await.unwrap());
    }
    answers
}

fn first_answers(answers: &[Answer]) -> usize {
    let first = |answer: &&Answer| answer.status == 201 && answer.header("idempotency-replayed").is_none();
    answers.iter().filter(first).count()
}

/// Order `id` is paid, its cart cleared; it is the only one, charged once, and everything is as it should be.
async fn one_order(engine: &Engine, sandbox: &Sandbox, instances: Vec<Service>, id: i64) {
    Shop::customer(&instances[0]).until(id, "status", "confirmed").await;
    eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
    for instance in instances {
        assert!(instance.stop().await.success());
    }
    assert_eq!(audit::clean(engine, sandbox).await.len(), 1);
    let payments = sandbox.payments();
    assert_eq!(payments.iter().map(|payment| payment.attempts).collect::<Vec<_>>(), [1], "asked for once");
    assert_eq!(sandbox.calls_to(Outside::Payment, Route::Process), 1);
    assert_eq!(sandbox.balance(&id.to_string()).charged, 1247);
}

on_both_engines! {
    async fn fifty_clicks_under_one_key_are_answered_alike(engine: Engine) {
        let sandbox = sandbox();
        let instances = instances(&engine, &sandbox).await;
        let answers = click(&instances, |_| Some("one".into())).await;
        for answer in &answers {
            assert_eq!((answer.status.as_u16(), &answer.text), (201, &answers[0].text), "byte for byte");
            assert_eq!((answer.header("etag"), answer.header("location")), (answers[0].header("etag"), answers[0].header("location")));
        }
        assert_eq!(first_answers(&answers), 1);
        one_order(&engine, &sandbox, instances, answers[0].id()).await;
    }

    /// The cart stays as it is until all are answered, and its order is guarded as long: however slow the machine, the last
    /// click is a repeat of the first.
    async fn fifty_clicks_without_a_key_get_one_order(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).acted());
        let instances = instances(&engine, &sandbox).await;
        let answers = click(&instances, |_| None).await;
        let id = answers[0].id();
        for answer in answers.iter().cloned() {
            assert_eq!(answer.expect(201).id(), id);
        }
        assert_eq!(first_answers(&answers), 1);
        sandbox.clear_all_faults();
        one_order(&engine, &sandbox, instances, id).await;
    }

    /// The cart stays as it is until all are answered: whoever comes with a key of their own to a cart that is cleared is
    /// told that it is empty.
    async fn fifty_clicks_under_fifty_keys_are_one_order_and_told_of_it(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).acted());
        let instances = instances(&engine, &sandbox).await;
        let answers = click(&instances, |n| Some(format!("key-{n}"))).await;
        assert_eq!(first_answers(&answers), 1);
        let (placed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
        let id = placed[0].id();
        assert_eq!((placed.len(), refused.len()), (1, CLICKS - 1));
        for answer in refused {
            let problem = answer.json();
            assert_eq!((answer.status.as_u16(), &problem["code"]), (409, &json!("already_ordered")), "{problem}");
            assert_eq!(problem["order_id"], json!(id));
        }
        sandbox.clear_all_faults();
        one_order(&engine, &sandbox, instances, id).await;
    }

    /// The customer cancels, and orders the same cart anew; then the cart is cleared, and filled again as it was.
    async fn a_cart_can_be_ordered_again_when_its_order_is_cancelled_or_its_cart_is_another(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let first = customer.place().await.expect(201).id();
        assert_eq!(customer.place().await.expect(201).id(), first);
        customer.cancel(first).await.expect(200);
        let second = customer.place().await.expect(201).id();
        assert_ne!(second, first);
        sandbox.clear_all_faults();
        customer.until(second, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        assert_eq!(customer.place().await.expect(201).id(), second, "a moment ago");
        fill_cart(&sandbox, "ann");
        let third = customer.place().await.expect(201).id();
        assert!(![first, second].contains(&third));
        customer.until(third, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        assert!(service.stop().await.success());
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 3);
    }
}
