//! Everything that can go wrong with a read, over every service that is read.

use order_clients::{
    BadUrl, CartClient, Deadlines, Guards, NotificationClient, PaymentClient, ProductClient, SetupError, UserClient,
};
use order_domain::Currency;
use order_domain::ports::{Bearer, CartService, ProductService, ServiceError, ServiceName, UserService};
use order_sandbox::{Fault, FaultKind, Route, Sandbox, Service};
use serde_json::json;

use crate::raw::{Answer, Raw};
use crate::{
    HASTY, PATIENT, bearer, cart_client, kind, product, product_client, real_now, shop, tokens_at, user, user_client,
};

const READS: [Service; 3] = [Service::Cart, Service::Product, Service::User];

/// The answer of a service does not matter here, only whether it is one.
async fn read_at(url: &str, service: Service, deadlines: Deadlines, token: &Bearer) -> Result<(), ServiceError> {
    match service {
        Service::Cart => cart_client(url, deadlines).cart(token).await.map(drop),
        Service::Product => product_client(url, deadlines).products(&[product(1)]).await.map(drop),
        Service::User => user_client(url, deadlines).is_courier(&user("courier1"), token).await.map(drop),
        Service::Payment | Service::Notification => panic!("nothing is read of the {service}"),
    }
}

async fn read(sandbox: &Sandbox, service: Service, deadlines: Deadlines) -> Result<(), ServiceError> {
    let token = bearer(sandbox, "admin1", "admin");
    read_at(sandbox.urls().of(service), service, deadlines, &token).await
}

#[tokio::test]
async fn each_fault_has_its_error_and_what_may_pass_is_asked_twice() {
    for service in READS {
        let sandbox = shop();
        for (fault, expected, asked) in [
            (FaultKind::Status(500), "unavailable", 2),
            (FaultKind::Status(503), "unavailable", 2),
            (FaultKind::Reset, "unavailable", 2),
            (FaultKind::Truncated, "unavailable", 2),
            (FaultKind::Status(429), "unavailable", 1),
            (FaultKind::Status(400), "bad answer", 1),
            (FaultKind::Status(418), "bad answer", 1),
            (FaultKind::Garbage, "bad answer", 1),
            (FaultKind::Endless, "bad answer", 1),
            (FaultKind::Redirect, "bad answer", 1),
            (FaultKind::Body(json!([])), "bad answer", 1),
            (FaultKind::Body(json!({})), "bad answer", 1),
            (FaultKind::Body(json!(null)), "bad answer", 1),
        ] {
            let calls = sandbox.calls_to(service, None);
            sandbox.add_fault(service, Fault::new(fault.clone()));
            let outcome = read(&sandbox, service, PATIENT).await;
            assert_eq!(kind(&outcome), expected, "{service}, {fault:?}: {outcome:?}");
            assert_eq!(sandbox.calls_to(service, None), calls + asked, "{service}, {fault:?}");
            sandbox.clear_faults(service);
        }
        assert_eq!(read(&sandbox, service, PATIENT).await, Ok(()));
        assert_eq!(sandbox.calls_to(service, Route::Other), 0, "a redirect was followed");
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    for service in READS {
        let sandbox = shop();
        for fault in [FaultKind::Status(500), FaultKind::Status(503), FaultKind::Reset, FaultKind::Truncated] {
            sandbox.add_fault(service, Fault::new(fault.clone()).times(1));
            assert_eq!(read(&sandbox, service, PATIENT).await, Ok(()), "{service}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn unauthorized_and_missing_mean_something_else_to_each() {
    for (service, status, expected) in [
        (Service::Cart, 401, "unauthorized"),
        (Service::Cart, 403, "bad answer"),
        (Service::Cart, 404, "bad answer"),
        (Service::Product, 401, "bad answer"),
        (Service::Product, 404, "ok"),
        (Service::User, 401, "unauthorized"),
        (Service::User, 403, "unauthorized"),
        (Service::User, 404, "ok"),
    ] {
        let sandbox = shop();
        sandbox.add_fault(service, Fault::new(FaultKind::Status(status)));
        assert_eq!(kind(&read(&sandbox, service, PATIENT).await), expected, "{service}, {status}");
    }
}

#[tokio::test]
async fn a_slow_service_is_given_up() {
    for service in READS {
        let sandbox = shop();
        sandbox.add_fault(service, Fault::new(FaultKind::Hold));
        let outcome = read(&sandbox, service, HASTY).await;
        assert_eq!(kind(&outcome), "unavailable", "{service}: {outcome:?}");
        assert_eq!(sandbox.calls_to(service, None), 1, "{service}: there was no time for a second try");
        sandbox.release(service);
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_unavailable() {
    for service in READS {
        let sandbox = shop();
        sandbox.take_down(service).await.unwrap();
        let outcome = read(&sandbox, service, PATIENT).await;
        let Err(ServiceError::Unavailable { service: name, detail }) = outcome else {
            panic!("{service}: {outcome:?}");
        };
        assert_eq!((name.name(), detail.as_str()), (service.name(), "no connection"));
    }
}

#[tokio::test]
async fn no_answer_outlasts_its_limits() {
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes();
    for (answer, expected) in [
        // a body that stops in its middle
        (Answer::Silence(head("content-length: 100\r\n")), "unavailable"),
        (Answer::Silence(Vec::new()), "unavailable"),
        (Answer::Silence(b"HTTP/1.1 200 OK\r\n".to_vec()), "unavailable"),
    ] {
        for service in READS {
            let server = Raw::always(answer.clone()).await;
            let outcome = read_at(&server.url, service, HASTY, &Bearer::new("t")).await;
            assert_eq!(kind(&outcome), expected, "{service}: {outcome:?}");
        }
    }
    for (answer, expected) in [
        // an announced length is enough
        (Answer::Silence(head("content-length: 1048577\r\n")), "bad answer"),
        (Answer::Silence(head("content-length: 9223372036854775807\r\n")), "bad answer"),
        (Answer::Silence(head("transfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n")), "unavailable"),
        (Answer::Flood(head("transfer-encoding: chunked\r\n"), chunk()), "bad answer"),
        (Answer::Flood(head(""), vec![b' '; 4096]), "bad answer"),
        (Answer::Flood(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-more: and more\r\n".to_vec()), "unavailable"),
        (Answer::Flood(Vec::new(), b"no HTTP at all\r\n".to_vec()), "unavailable"),
        (Answer::Last(Vec::new()), "unavailable"),
        (Answer::Last(head("content-length: 100\r\n")), "unavailable"),
        (Answer::status("204 No Content", ""), "bad answer"),
        (Answer::ok(""), "bad answer"),
        (Answer::ok("[".repeat(100_000)), "bad answer"),
        (Answer::ok(r#"{"a":"#.repeat(100_000)), "bad answer"),
    ] {
        for service in READS {
            let server = Raw::always(answer.clone()).await;
            let outcome = read_at(&server.url, service, PATIENT, &Bearer::new("t")).await;
            assert_eq!(kind(&outcome), expected, "{service}: {outcome:?}");
        }
    }
}

fn chunk() -> Vec<u8> {
    [b"1000\r\n".to_vec(), vec![b' '; 4096], b"\r\n".to_vec()].concat()
}

#[tokio::test]
async fn an_error_tells_nothing_of_bodies_users_and_tokens() {
    let body =
        r#"{"user_id":"ann@example.com","uid":"ann@example.com","items":"1 Main St","id":"1 Main St","role":17}"#;
    for answer in [Answer::ok(body), Answer::status("500 1 Main St", body), Answer::Last(body.into())] {
        for service in READS {
            let server = Raw::always(answer.clone()).await;
            let error = read_at(&server.url, service, PATIENT, &Bearer::new("ann-token")).await.unwrap_err();
            let told = format!("{error} {error:?}");
            for secret in ["ann", "Main", "courier1", "127.0.0.1"] {
                assert!(!told.contains(secret), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_fits_into_no_header_is_refused_before_it_is_sent() {
    let server = Raw::always(Answer::ok("{}")).await;
    for service in [Service::Cart, Service::User] {
        let outcome = read_at(&server.url, service, PATIENT, &Bearer::new("t\r\nx-role: admin")).await;
        assert_eq!(kind(&outcome), "unauthorized");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn an_address_that_is_none_is_found_at_once() {
    fn reason<T>(made: &Result<T, SetupError>) -> Option<(ServiceName, BadUrl)> {
        match made {
            Err(SetupError::Url { service, reason }) => Some((*service, *reason)),
            Ok(_) | Err(SetupError::Client { .. }) => None,
        }
    }
    let (deadlines, guards) = (Deadlines::default(), Guards::default());
    let cart = CartClient::new("cart", deadlines, &guards, Currency::USD, tokens_at(real_now()));
    assert_eq!(reason(&cart), Some((ServiceName::Cart, BadUrl::NotAUrl)));
    let product = ProductClient::new("ftp://product", deadlines, &guards, Currency::USD);
    assert_eq!(reason(&product), Some((ServiceName::Product, BadUrl::NotHttp)));
    let payment = PaymentClient::new("http://a:b@payment", Deadlines::PAYMENT, &guards);
    assert_eq!(reason(&payment), Some((ServiceName::Payment, BadUrl::Credentials)));
    let user = UserClient::new("http://user/?", deadlines, &guards);
    assert_eq!(reason(&user), Some((ServiceName::User, BadUrl::QueryOrFragment)));
    let notification = NotificationClient::new("", deadlines, &guards);
    assert_eq!(reason(&notification), Some((ServiceName::Notification, BadUrl::NotAUrl)));
}
