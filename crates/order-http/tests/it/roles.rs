//! Every route × everybody: who may do what to whose order.

use actix_web::http::Method;
use order_testkit::builders::an_order;
use serde_json::{Value, json};

use crate::support::{Shop, signed};

/// Its customer, another customer, its courier, another courier, an admin, nobody.
const WHO: [&str; 6] = ["ann", "ben", "bob", "bea", "root", ""];

#[actix_web::test]
async fn everybody_gets_what_is_theirs() {
    let (get, put, post, patch) = (Method::GET, Method::PUT, Method::POST, Method::PATCH);
    let none = || None::<Value>;
    let matrix = [
        (get.clone(), "/orders/1", none(), [200, 404, 200, 404, 200, 401]),
        (get.clone(), "/orders/1/timeline", none(), [200, 404, 200, 404, 200, 401]),
        (get.clone(), "/orders/1/payments", none(), [200, 404, 403, 404, 200, 401]),
        (get.clone(), "/orders/my-orders", none(), [200, 200, 200, 200, 200, 401]),
        (get.clone(), "/orders", none(), [403, 403, 200, 200, 200, 401]),
        (get.clone(), "/orders?available=true", none(), [403, 403, 200, 200, 200, 401]),
        (put.clone(), "/orders/1/status", Some(json!({"status": "preparing"})), [403, 404, 200, 404, 200, 401]),
        (
            put.clone(),
            "/orders/1/assign-delivery",
            Some(json!({"delivery_partner_id": null})),
            [403, 404, 200, 404, 200, 401],
        ),
        (
            put.clone(),
            "/orders/1/assign-delivery",
            Some(json!({"delivery_partner_id": "bob"})),
            [403, 404, 200, 404, 200, 401],
        ),
        (
            put.clone(),
            "/orders/1/assign-delivery",
            Some(json!({"delivery_partner_id": "bea"})),
            [403, 404, 403, 409, 422, 401],
        ),
        (post.clone(), "/orders/1/cancel", None, [200, 404, 403, 404, 200, 401]),
        (
            post.clone(),
            "/orders/1/refunds",
            Some(json!({"amount": 1, "reason": "sorry"})),
            [403, 404, 403, 404, 200, 401],
        ),
        (patch.clone(), "/orders/1", Some(json!({"delivery_address": "2 Main St"})), [200, 404, 403, 404, 200, 401]),
        (patch, "/orders/1", Some(json!({})), [200, 404, 403, 404, 200, 401]),
        (post, "/orders", Some(json!({"delivery_address": "1 Main St"})), [201, 409, 409, 409, 409, 401]),
        (get.clone(), "/health", none(), [200; 6]),
        (get.clone(), "/health/live", none(), [200; 6]),
        (get, "/health/ready", none(), [200; 6]),
    ];
    for (method, path, body, expected) in matrix {
        for (who, status) in WHO.iter().zip(expected) {
            let shop = Shop::open();
            shop.keep(an_order().id(1).assigned_to("bob")).await;
            let request = signed(method.clone(), path, who);
            let request = if let Some(body) = body.clone() { request.set_json(body) } else { request };
            let answer = shop.ask(request).await;
            assert_eq!(answer.status.as_u16(), status, "{who:?} {method} {path} {body:?}: {}", answer.text);
        }
    }
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
