//! Users: who is a courier, and that no id leads anywhere else.

use order_domain::ports::{Bearer, UserService};
use order_sandbox::{Route, Service, User};
use serde_json::json;

use crate::raw::{Answer, Raw};
use crate::{PATIENT, bearer, kind, shop, user, user_client};

#[tokio::test]
async fn a_courier_is_whom_the_service_says_is_one() {
    let sandbox = shop();
    sandbox.put_user(User::new("guy", "delivery_guy"));
    sandbox.put_user(User::new("odd", "Delivery_Partner"));
    let client = user_client(&sandbox.urls().user, PATIENT);
    let admin = bearer(&sandbox, "admin1", "admin");
    for (uid, expected) in
        [("courier1", true), ("guy", true), ("u1", false), ("admin1", false), ("odd", false), ("nobody", false)]
    {
        assert_eq!(client.is_courier(&user(uid), &admin).await, Ok(expected), "{uid}");
    }
    // not an admin, and no token at all
    let customer = bearer(&sandbox, "u1", "user");
    assert_eq!(kind(&client.is_courier(&user("courier1"), &customer).await), "unauthorized");
    assert_eq!(kind(&client.is_courier(&user("courier1"), &Bearer::new("x")).await), "unauthorized");
    assert_eq!(sandbox.calls_to(Service::User, Route::Other), 0);
}

#[tokio::test]
async fn an_id_never_leaves_its_place_in_the_path() {
    let server = Raw::always(Answer::status("404 Not Found", "")).await;
    let client = user_client(&format!("{}/behind/", server.url), PATIENT);
    for uid in ["a/../b?c=d#e%2F", "..", ".", "%2e%2e", "é", "..\\x"] {
        assert_eq!(client.is_courier(&user(uid), &Bearer::new("t")).await, Ok(false));
    }
    let lines: Vec<_> = server.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    let path = |id: &str| format!("GET /behind/auth/users/{id} HTTP/1.1");
    assert_eq!(lines, ["a%2F..%2Fb%3Fc=d%23e%252F", "%252e%252e", "%C3%A9", "..%5Cx"].map(path));
}

#[tokio::test]
async fn hostile_users_are_refused() {
    for (body, expected) in [
        (json!({"uid": "c1", "role": "delivery_partner"}), "ok"),
        (json!({"role": "delivery_partner"}), "ok"),
        (json!({"uid": "c2", "role": "delivery_partner"}), "bad answer"),
        (json!({"uid": {}, "role": "delivery_partner"}), "bad answer"),
        (json!({"uid": "c1", "role": ["delivery_partner"]}), "bad answer"),
        (json!({"uid": "c1", "role": null}), "bad answer"),
        (json!({"uid": "c1"}), "bad answer"),
        (json!("delivery_partner"), "bad answer"),
    ] {
        let server = Raw::always(Answer::ok(body.to_string())).await;
        let outcome = user_client(&server.url, PATIENT).is_courier(&user("c1"), &Bearer::new("t")).await;
        assert_eq!(kind(&outcome), expected, "{body}");
    }
}
