//! The same from another process, over HTTP.

use order_sandbox::{FaultKind, Route, Service};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Shop, answer, send, shop, soon, status};

impl Shop {
    fn admin(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.urls().admin)
    }

    fn look(&self, path: &str) -> RequestBuilder {
        self.http.get(self.admin(path))
    }

    fn put(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.put(self.admin(path)).json(body)
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(self.admin(path)).json(body)
    }

    fn delete(&self, path: &str) -> RequestBuilder {
        self.http.delete(self.admin(path))
    }
}

#[tokio::test]
async fn seeds_are_put_and_read() {
    let shop = shop();
    assert_eq!(status(shop.look("/health")).await, 200);
    assert_eq!(status(shop.put("/users/c9", &json!({"role": "delivery_partner"}))).await, 204);
    assert_eq!(status(shop.put("/products/9", &json!({"name": "Tea", "price": 3.2, "stock_quantity": 4}))).await, 204);
    let promo = json!({"code": "X", "discount_type": "fixed", "discount_value": 1.0});
    let cart = json!({"items": [{"product_id": 9, "quantity": 2}], "promo_code": promo});
    assert_eq!(status(shop.put("/carts/u9", &cart)).await, 204);

    assert_eq!(answer(shop.look("/users")).await.1["c9"]["role"], "delivery_partner");
    assert_eq!(answer(shop.look("/products")).await.1["9"]["stock_quantity"], 4);
    assert_eq!(answer(shop.look("/carts/u9")).await.1["promo_code"], promo);
    assert_eq!(answer(shop.cart("u9")).await.1["total_amount"], json!(5.4));

    assert_eq!(status(shop.put("/carts/u9/promo", &json!(null))).await, 204);
    assert_eq!(status(shop.post("/carts/u9/items", &json!({"product_id": 9, "quantity": 1}))).await, 204);
    assert_eq!(answer(shop.cart("u9")).await.1["items"][0]["quantity"], 3);
    assert_eq!(status(shop.delete("/carts/u9/items/9")).await, 204);
    assert_eq!(status(shop.delete("/products/9")).await, 204);
    assert_eq!(answer(shop.cart("u9")).await.1["items"], json!([]));
    assert_eq!(status(shop.product("9")).await, 404);

    assert_eq!(status(shop.post("/reset", &json!(null))).await, 204);
    assert_eq!(answer(shop.look("/carts")).await.1, json!([]));
    assert_eq!(status(shop.post("/seed", &json!(null))).await, 204);
    assert_eq!(answer(shop.look("/carts")).await.1.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_book_is_read_with_its_declines() {
    let shop = shop();
    let rule = json!({"kind": "charge", "user_id": "u1", "above_minor": 1000, "answer": "payment_required"});
    assert_eq!(status(shop.put("/declines", &json!([rule]))).await, 204);
    assert_eq!(answer(shop.look("/declines")).await.1[0]["above_minor"], 1000);
    assert_eq!(status(shop.charge("a", "10.01")).await, 402);
    assert_eq!(status(shop.delete("/declines")).await, 204);
    assert_eq!(status(shop.charge("b", "10.01")).await, 200);
    assert_eq!(status(shop.refund("c", "0.01")).await, 200);

    let (_, book) = answer(shop.look("/payments?order_id=1&kind=charge")).await;
    assert_eq!(book.as_array().unwrap().len(), 2);
    assert_eq!(
        book[0],
        json!({
            "key": "a", "kind": "charge", "user_id": "u1", "order_id": "1", "amount_minor": 1001, "amount": "10.01",
            "outcome": "declined", "decline_answer": "payment_required", "transaction_id": null,
            "attempts": 1, "conflicts": 0,
        })
    );
    assert_eq!(answer(shop.look("/payments/c")).await.1["kind"], "refund");
    assert_eq!(status(shop.look("/payments/none")).await, 404);
    assert_eq!(answer(shop.look("/balances/1")).await.1, json!({"charged": 1001, "refunded": 1}));
    assert_eq!(answer(shop.look("/calls")).await.1, json!({"payment": {"process": 2, "refund": 1}}));
}

#[tokio::test]
async fn faults_are_put_replaced_and_dropped() {
    let shop = shop();
    let fault = json!({"fault": {"status": 503}, "route": "process", "times": 1});
    assert_eq!(status(shop.put("/faults/payment", &fault)).await, 204);
    assert_eq!(status(shop.put("/faults/payment", &json!([fault, {"fault": "garbage"}]))).await, 204);
    let (_, faults) = answer(shop.look("/faults")).await;
    assert_eq!((faults["payment"].as_array().unwrap().len(), &faults["cart"]), (2, &json!([])));
    assert_eq!(faults["payment"][0]["fault"], serde_json::to_value(FaultKind::Status(503)).unwrap());

    assert_eq!(status(shop.charge("k", "5.00")).await, 503);
    assert_eq!(send(shop.charge("k", "5.00")).await.text().await.unwrap().find("<html>"), Some(0));
    assert_eq!(status(shop.delete("/faults/cart")).await, 204);
    assert_eq!(status(shop.delete("/faults")).await, 204);
    assert_eq!(answer(shop.charge("k", "5.00")).await.1["success"], true);

    for flawed in [json!({"fault": {"status": 99}}), json!({"fault": "nonsense"}), json!({"fault": "reset", "time": 1})]
    {
        assert_eq!(status(shop.put("/faults/payment", &flawed)).await, 422, "{flawed}");
    }
    assert_eq!(status(shop.put("/faults/nobody", &fault)).await, 404);
}

#[tokio::test]
async fn held_calls_are_released_from_outside() {
    let shop = shop();
    assert_eq!(status(shop.put("/faults/product", &json!({"fault": "hold"}))).await, 204);
    let held = tokio::spawn(shop.product("1").send());
    soon(shop.sandbox.wait_for_calls(Service::Product, Route::Product, 1)).await;
    assert_eq!(answer(shop.post("/faults/product/release", &json!(null))).await.1, json!({"released": 1}));
    assert_eq!(soon(held).await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_service_is_taken_down_and_brought_back_from_outside() {
    let shop = shop();
    assert_eq!(status(shop.put("/services/user", &json!({"listening": false}))).await, 204);
    assert!(shop.user("u1").send().await.unwrap_err().is_connect());
    assert_eq!(status(shop.put("/services/user", &json!({"listening": true}))).await, 204);
    assert_eq!(status(shop.user("u1")).await, 401);
}
