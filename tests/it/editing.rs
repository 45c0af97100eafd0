//! Edits: the difference is charged or refunded, or the order is again what it was.

use order_sandbox::{Decline, Fault, FaultKind, Product, Route, Service as Outside};
use serde_json::{Value, json};

use crate::notifying::told;
use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, cents, eventually, eventually_hurried, on_both_engines};

/// Lines by product and units, and the total.
fn lines(order: &Value) -> (Vec<(i64, i64)>, f64) {
    let line = |line: &Value| (line["product_id"].as_i64().unwrap(), line["quantity"].as_i64().unwrap());
    (order["items"].as_array().unwrap().iter().map(line).collect(), order["total_amount"].as_f64().unwrap())
}

on_both_engines! {
    async fn more_is_charged_and_less_is_refunded(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        // What is in the cart by now costs more, and what has been bought does not.
        sandbox.put_product(Product::new(1, "Apple", 3.49).stock(1_000_000));
        let order = customer.edit(id, &[(1, 3), (2, 1)]).await.expect(200).json();
        assert_eq!(lines(&order), (vec![(1, 2), (2, 1), (1, 1)], 15.96));
        assert_eq!((&order["payment_status"], &order["charged_amount"]), (&json!("processing"), &json!(12.47)));
        let order = customer.until(id, "payment_status", "paid").await;
        assert_eq!(order["charged_amount"], json!(15.96));
        // Units go newest first: the dear one before those that were bought first.
        let order = customer.edit(id, &[(1, 1), (2, 1)]).await.expect(200).json();
        assert_eq!(lines(&order), (vec![(1, 1), (2, 1)], 9.48));
        let order = customer.until(id, "payment_status", "paid").await;
        assert_eq!((&order["refunded_amount"], &order["status"]), (&json!(6.48), &json!("confirmed")));
        assert_eq!(
            customer.ledger(id).await,
            [
                "1 online charge (order) 12.47 settled",
                "2 online charge (edit) 3.49 settled",
                "3 online refund of 2 (edit) 3.49 settled",
                "4 online refund of 1 (edit) 2.99 settled",
            ]
        );
        // The rest comes back when it is cancelled, and no cent more.
        customer.cancel(id).await.expect(200);
        customer.until(id, "payment_status", "refunded").await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let balance = sandbox.balance(&id.to_string());
        assert_eq!((balance.charged, balance.refunded), (1596, 1596));
    }

    async fn a_declined_difference_reverts_the_edit_and_the_customer_is_told(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        sandbox.add_decline(Decline::charges().times(1));
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).on(Route::Process).times(1));
        customer.edit(id, &[(1, 5)]).await.expect(200);
        // Until it is paid nothing else is edited, and nothing packed; the courier may be told more.
        for refused in [
            customer.edit(id, &[(1, 1)]).await,
            admin.set_status(id, "preparing").await,
        ] {
            assert_eq!(refused.expect(409).json()["code"], json!("adjustment_open"));
        }
        customer.patch(id, json!({ "special_instructions": "Ring twice" })).await.expect(200);
        sandbox.release(Outside::Payment);
        let order = customer.until(id, "payment_status", "paid").await;
        assert_eq!(lines(&order), (vec![(1, 2), (2, 1)], 12.47));
        assert_eq!((&order["special_instructions"], &order["charged_amount"]), (&json!("Ring twice"), &json!(12.47)));
        let timeline = ["placed", "confirmed", "edited", "instructions_changed", "edit_reverted"];
        assert_eq!(customer.timeline(id).await, timeline);
        let ledger = ["1 online charge (order) 12.47 settled", "2 online charge (edit) 7.48 declined"];
        assert_eq!(customer.ledger(id).await, ledger);
        let all = ["ann: confirmed, 1247", "ann: confirmed"];
        eventually("the customer is told", || async { told(&sandbox, id) == all }).await;
        admin.set_status(id, "preparing").await.expect(200);
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    async fn a_difference_that_is_not_paid_in_time_reverts_the_edit(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        sandbox.take_down(Outside::Payment).await.unwrap();
        customer.edit(id, &[(1, 3), (2, 1)]).await.expect(200);
        engine.time_passes(16).await;
        eventually_hurried(&engine, "the edit is reverted", || async {
            customer.timeline(id).await.last().unwrap() == "edit_reverted"
        })
        .await;
        assert_eq!(lines(&customer.order(id).await), (vec![(1, 2), (2, 1)], 12.47));
        let ledger = ["1 online charge (order) 12.47 settled", "2 online charge (edit) 2.99 withdrawn"];
        assert_eq!(customer.ledger(id).await, ledger);
        sandbox.bring_back(Outside::Payment).await.unwrap();
        eventually("the customer is told", || async { told(&sandbox, id).len() == 2 }).await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.payments().len(), 1);
    }

    /// It was taken, nobody heard of it, and the edit was reverted meanwhile: it comes back when it is found.
    async fn a_difference_that_is_found_after_its_edit_was_reverted_is_refunded(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        sandbox.add_fault(Outside::Payment, Fault::acted_answer_lost().on(Route::Process));
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Status(503)).on(Route::ByKey));
        customer.edit(id, &[(1, 3), (2, 1)]).await.expect(200);
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 2).await;
        engine.time_passes(16).await;
        eventually_hurried(&engine, "the edit is reverted", || async {
            customer.timeline(id).await.last().unwrap() == "edit_reverted"
        })
        .await;
        assert_eq!(customer.order(id).await["payment_status"], json!("paid"), "of what nobody wants the customer sees nothing");
        sandbox.clear_faults(Outside::Payment);
        eventually_hurried(&engine, "it is back", || async { sandbox.balance(&id.to_string()).refunded == 299 }).await;
        let ledger = [
            "1 online charge (order) 12.47 settled",
            "2 online charge (edit) 2.99 settled",
            "3 online refund of 2 (edit) 2.99 settled",
        ];
        eventually("the ledger knows", || async { customer.ledger(id).await == ledger }).await;
        let order = customer.order(id).await;
        assert_eq!((&order["total_amount"], &order["payment_status"]), (&json!(12.47), &json!("paid")));
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// Nothing was called yet: what is charged is the new total, once.
    async fn an_edit_before_the_charge_is_charged_as_one(engine: Engine) {
        let sandbox = sandbox();
        sandbox.take_down(Outside::Payment).await.unwrap();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        let ledger = ["1 online charge (order) 12.47 withdrawn", "2 online charge (order) 9.48 booked"];
        // The call that does not connect is taken back a moment later.
        eventually("it can be edited", || async { customer.edit(id, &[(1, 1), (2, 1)]).await.status == 200 }).await;
        sandbox.bring_back(Outside::Payment).await.unwrap();
        let order = customer.until(id, "status", "confirmed").await;
        assert_eq!((&order["total_amount"], &order["charged_amount"]), (&json!(9.48), &json!(9.48)));
        assert_eq!(customer.ledger(id).await[0], ledger[0]);
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        assert_eq!(sandbox.payments().into_iter().map(|payment| payment.key).collect::<Vec<_>>(), [format!("order-{id}-order-2")]);
    }

    async fn while_a_charge_is_under_way_its_amount_stays(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).on(Route::Process).times(1));
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        assert_eq!(customer.edit(id, &[(1, 1)]).await.expect(409).json()["code"], json!("payment_in_progress"));
        sandbox.release(Outside::Payment);
        customer.until(id, "status", "confirmed").await;
        customer.edit(id, &[(1, 1)]).await.expect(200);
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// Whoever decides by what has changed meanwhile is told so.
    async fn of_two_edits_at_once_one_wins(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        let asked = sandbox.calls_to(Outside::Product, Route::Product);
        sandbox.add_fault(Outside::Product, Fault::new(FaultKind::Hold).times(1));
        let slow = {
            let customer = customer.clone();
            tokio::spawn(async move { customer.edit(id, &[(1, 3)]).await })
        };
        sandbox.wait_for_calls(Outside::Product, Route::Product, asked + 1).await;
        admin.edit(id, &[(1, 1)]).await.expect(200);
        sandbox.release(Outside::Product);
        assert_eq!(slow.await.unwrap().expect(409).json()["code"], json!("concurrent_change"));
        let order = customer.until(id, "payment_status", "paid").await;
        assert_eq!(lines(&order), (vec![(1, 1)], 7.99));
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }

    /// Many at once, of which each would charge: as many win as one after another could.
    async fn of_many_edits_at_once_the_ledger_is_that_of_those_who_won(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        let edits: Vec<_> = (3..23)
            .map(|units| {
                let customer = customer.clone();
                tokio::spawn(async move { customer.edit(id, &[(1, units), (2, 1)]).await })
            })
            .collect();
        let mut won = 0;
        for edit in edits {
            let answer = edit.await.unwrap();
            match answer.status.as_u16() {
                200 => won += 1,
                409 => {
                    let code = answer.json()["code"].clone();
                    let known = ["concurrent_change", "adjustment_open", "payment_in_progress"];
                    assert!(known.iter().any(|known| code == *known), "{}", answer.text);
                }
                _ => panic!("{} {}", answer.status, answer.text),
            }
        }
        assert!(won >= 1, "one at least");
        let order = customer.until(id, "payment_status", "paid").await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
        let balance = sandbox.balance(&id.to_string());
        assert_eq!(balance.charged - balance.refunded, cents(&order["total_amount"]));
    }

    async fn another_place_costs_what_it_costs_there(engine: Engine) {
        let sandbox = sandbox();
        let bands = [("FULFILMENT_POINTS", "40.7128,-74.0060"), ("DELIVERY_BANDS", "3=2.50;10=5.00;25=8.00")];
        let service = Service::start_with(&engine, &sandbox, &bands).await;
        let customer = Shop::customer(&service);
        let here = json!({ "delivery_address": "1 Main St", "delivery_latitude": "40.7128", "delivery_longitude": "-74.0060" });
        let order = customer.place_with(here.clone()).await.expect(201).json();
        assert_eq!((&order["delivery_fee"], &order["total_amount"]), (&json!(2.5), &json!(9.97)));
        let id = order["id"].as_i64().unwrap();
        customer.until(id, "status", "confirmed").await;
        // 5 km north.
        let farther = json!({ "delivery_latitude": "40.7578", "delivery_longitude": "-74.0060" });
        let order = customer.patch(id, farther).await.expect(200).json();
        assert_eq!((&order["delivery_fee"], &order["total_amount"]), (&json!(5.0), &json!(12.47)));
        let order = customer.until(id, "payment_status", "paid").await;
        assert_eq!(order["charged_amount"], json!(12.47));
        // 30 km north.
        let beyond = json!({ "delivery_latitude": "40.9828", "delivery_longitude": "-74.0060" });
        assert_eq!(customer.patch(id, beyond).await.expect(409).json()["code"], json!("not_serviceable"));
        // Declined: it goes where it went.
        sandbox.add_decline(Decline::charges().times(1));
        let far = json!({ "delivery_address": "9 Far St", "delivery_latitude": "40.8928", "delivery_longitude": "-74.0060" });
        let order = customer.patch(id, far).await.expect(200).json();
        assert_eq!((&order["delivery_fee"], &order["delivery_address"]), (&json!(8.0), &json!("9 Far St")));
        let order = customer.until(id, "payment_status", "paid").await;
        let shown = ["delivery_fee", "delivery_address", "delivery_latitude"].map(|name| order[name].clone());
        assert_eq!(shown, [json!(5.0), json!("1 Main St"), json!("40.7578")]);
        // And back: what it cost at first.
        customer.patch(id, here).await.expect(200);
        let order = customer.until(id, "payment_status", "paid").await;
        assert_eq!((&order["delivery_fee"], &order["refunded_amount"]), (&json!(2.5), &json!(2.5)));
        assert_eq!(
            customer.ledger(id).await,
            [
                "1 online charge (order) 9.97 settled",
                "2 online charge (edit) 2.50 settled",
                "3 online charge (edit) 3.00 declined",
                "4 online refund of 2 (edit) 2.50 settled",
            ]
        );
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }
}
