//! The binary by its command line: settings, exit codes, migrations, tokens.

use std::process::Output;
use std::process::Stdio;

use tokio::process::Command;

use crate::support::Engine;
use crate::support::service::{SECRET, binary};

pub async fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().envs(settings.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(std::time::Duration::from_secs(20), command.output()).await.expect("it ends").unwrap()
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_settings_names_all_that_is_missing() {
    let output = run(&["serve"], &[("PORT", "eighty"), ("JWT_SECRET_KEY", "your_secret_key_here")]).await;
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    for name in [
        "DATABASE_URL",
        "JWT_SECRET_KEY",
        "PORT",
        "USER_SERVICE_URL",
        "PRODUCT_SERVICE_URL",
        "CART_SERVICE_URL",
        "PAYMENT_SERVICE_URL",
        "NOTIFICATION_SERVICE_URL",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_says_what_it_did() {
    for engine in [Engine::postgres().await, Engine::sqlite()] {
        let settings = [("DATABASE_URL", engine.url())];
        assert!(said(&run(&["migrate", "--dry-run"], &settings).await).starts_with("missing"));
        assert!(said(&run(&["migrate"], &settings).await).starts_with("applied"));
        let again = run(&["migrate"], &settings).await;
        assert_eq!((said(&again).as_str(), again.status.code()), ("up to date\n", Some(0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_may_not_migrate_says_who_must() {
    let engine = Engine::sqlite();
    let settings = [
        ("DATABASE_URL", engine.url()),
        ("AUTO_MIGRATE", "false"),
        ("JWT_SECRET_KEY", SECRET),
        ("USER_SERVICE_URL", "http://127.0.0.1:1"),
        ("PRODUCT_SERVICE_URL", "http://127.0.0.1:1"),
        ("CART_SERVICE_URL", "http://127.0.0.1:1"),
        ("PAYMENT_SERVICE_URL", "http://127.0.0.1:1"),
        ("NOTIFICATION_SERVICE_URL", "http://127.0.0.1:1"),
        ("PORT", "0"),
    ];
    let output = run(&["serve"], &settings).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("order-app migrate"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_said_to_be_so_without_its_password() {
    let output = run(&["migrate"], &[("DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/d")]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("can't be reached") && !said(&output).contains("hush"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_what_is_wrong_and_the_setting_to_look_at() {
    for engine in [Engine::postgres().await, Engine::sqlite()] {
        let sandbox = crate::support::shop::sandbox();
        let urls = sandbox.urls();
        let settings = [
            ("DATABASE_URL", engine.url()),
            ("JWT_SECRET_KEY", SECRET),
            ("USER_SERVICE_URL", &urls.user),
            ("PRODUCT_SERVICE_URL", &urls.product),
            ("CART_SERVICE_URL", &urls.cart),
            ("PAYMENT_SERVICE_URL", &urls.payment),
            ("NOTIFICATION_SERVICE_URL", &urls.notification),
        ];
        let fine = run(&["check"], &settings).await;
        assert_eq!((fine.status.code(), said(&fine).matches("ok ").count()), (Some(0), 7), "{}", said(&fine));
        sandbox.take_down(order_sandbox::Service::Cart).await.unwrap();
        let down = run(&["check"], &[&settings[..], &[("AUTO_MIGRATE", "off")]].concat()).await;
        assert_eq!(down.status.code(), Some(1));
        assert!(
            said(&down).contains("wrong  cart service: no connection; look at CART_SERVICE_URL"),
            "{}",
            said(&down)
        );
        assert!(said(&down).contains("order-app migrate"), "{}", said(&down));
    }
    assert_eq!(run(&["check"], &[]).await.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_for_development() {
    let output = run(&["token", "ann", "--role", "admin"], &[("JWT_SECRET_KEY", SECRET)]).await;
    assert_eq!((said(&output).trim().split('.').count(), output.status.code()), (3, Some(0)));
    let refused = run(&["token", "ann", "--role", "king"], &[("JWT_SECRET_KEY", SECRET)]).await;
    assert_eq!(refused.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_metrics_that_is_taken_is_a_failed_start() {
    let (engine, taken) = (Engine::sqlite(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = taken.local_addr().unwrap().to_string();
    let settings = [
        ("DATABASE_URL", engine.url()),
        ("JWT_SECRET_KEY", SECRET),
        ("USER_SERVICE_URL", "http://127.0.0.1:1"),
        ("PRODUCT_SERVICE_URL", "http://127.0.0.1:1"),
        ("CART_SERVICE_URL", "http://127.0.0.1:1"),
        ("PAYMENT_SERVICE_URL", "http://127.0.0.1:1"),
        ("NOTIFICATION_SERVICE_URL", "http://127.0.0.1:1"),
        ("PORT", "0"),
        ("METRICS_ADDR", &address),
    ];
    let output = run(&["serve"], &settings).await;
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("METRICS_ADDR") && said.contains(&address), "{said}");
    assert!(!said.contains("listening on http"), "it never was ready: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_the_api_is_printed_without_any_settings() {
    let output = run(&["openapi"], &[]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout) == include_str!("../../docs/openapi.json"), "it is another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_file_that_is_not_there_says_what_serve_would() {
    let (folder, sandbox) = (tempfile::TempDir::new().unwrap(), crate::support::shop::sandbox());
    let urls = sandbox.urls();
    let file = format!("sqlite:{}", folder.path().join("orders.db").display());
    let nowhere = format!("sqlite:{}", folder.path().join("no/orders.db").display());
    for (url, auto_migrate, code, word) in [
        (&file, "true", 0, "a new file will be made"),
        (&file, "false", 1, "order-app migrate"),
        (&nowhere, "true", 1, "there is no folder"),
    ] {
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("AUTO_MIGRATE", auto_migrate),
            ("JWT_SECRET_KEY", SECRET),
            ("USER_SERVICE_URL", &urls.user),
            ("PRODUCT_SERVICE_URL", &urls.product),
            ("CART_SERVICE_URL", &urls.cart),
            ("PAYMENT_SERVICE_URL", &urls.payment),
            ("NOTIFICATION_SERVICE_URL", &urls.notification),
        ];
        let output = run(&["check"], &settings).await;
        assert_eq!((output.status.code(), said(&output).contains(word)), (Some(code), true), "{}", said(&output));
    }
}
