//! Changing where an order goes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::shop::{Answer, sandbox};
use crate::support::{Engine, Service, Shop, audit, on_both_engines};

async fn patch(shop: &Shop, id: i64, body: Value) -> Answer {
    shop.call(Method::PATCH, &format!("/orders/{id}"), Some(body)).await
}

on_both_engines! {
    async fn an_order_goes_where_its_customer_says_until_it_is_packed(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        let wish = json!({
            "delivery_address": "7 Elm St", "delivery_latitude": "41.5", "delivery_longitude": "-72.25",
            "special_instructions": "Mind\nthe dog",
        });
        let changed = patch(&customer, id, wish).await.expect(200);
        assert_eq!(changed.header("etag"), Some("\"4\""));
        assert_eq!(customer.order(id).await, changed.json());
        let cleared = json!({ "delivery_latitude": null, "delivery_longitude": null, "special_instructions": null });
        let order = patch(&admin, id, cleared).await.expect(200).json();
        let shown = ["delivery_address", "delivery_latitude", "delivery_longitude", "special_instructions", "version"];
        assert_eq!(shown.map(|name| order[name].clone()), [json!("7 Elm St"), json!(null), json!(null), json!(null), json!(6)]);
        admin.set_status(id, "preparing").await.expect(200);
        let refused = patch(&customer, id, json!({ "delivery_address": "9 Oak St" })).await.expect(409).json();
        assert_eq!((&refused["code"], &refused["current_status"]), (&json!("not_changeable"), &json!("preparing")));
        let timeline = customer.get(&format!("/orders/{id}/timeline")).await.expect(200);
        assert!(!timeline.text.contains("Elm") && !timeline.text.contains("dog"), "{}", timeline.text);
        service.rest().await;
        let orders = audit::clean(&engine, &sandbox).await;
        assert_eq!(orders[0].state().destination.address.as_str(), "7 Elm St");
    }

    /// Nobody's words are overwritten by somebody who has not seen them.
    async fn of_many_changes_at_once_those_that_are_not_refused_follow_each_other(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let id = customer.place().await.expect(201).id();
        let version = customer.until(id, "status", "confirmed").await["version"].as_i64().unwrap();
        let changes: Vec<_> = (0..20)
            .map(|n| {
                let customer = customer.clone();
                tokio::spawn(async move { patch(&customer, id, json!({ "delivery_address": format!("{n} Elm St") })).await })
            })
            .collect();
        let mut versions = Vec::new();
        for change in changes {
            let answer = change.await.unwrap();
            match answer.status.as_u16() {
                200 => versions.push((answer.json()["version"].as_i64().unwrap(), answer.text)),
                409 => assert_eq!(answer.json()["code"], json!("concurrent_change")),
                _ => panic!("{} {}", answer.status, answer.text),
            }
        }
        versions.sort();
        let numbers: Vec<_> = versions.iter().map(|(version, _)| *version).collect();
        assert_eq!(numbers, (version + 1..).take(numbers.len()).collect::<Vec<_>>());
        let (_, last) = versions.last().expect("one at least");
        assert_eq!(customer.order(id).await, serde_json::from_str::<Value>(last).unwrap());
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }
}
