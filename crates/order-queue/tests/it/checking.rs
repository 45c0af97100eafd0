//! What `check` says of a Redis.

use order_queue::{RedisUrl, check};
use order_testkit::redis_server::{RedisServer, free_port};

async fn checked(url: &str) -> Result<String, String> {
    check(&RedisUrl::parse(url).unwrap()).await
}

#[tokio::test]
async fn a_redis_that_can_be_used_is_named_with_its_version() {
    let server = RedisServer::start();
    assert!(checked(&server.url()).await.unwrap().starts_with("version "));
    server.cli(&["XADD", "{orders}:tasks", "*", "v", "1", "t", "1:charge"]);
    server.cli(&["XADD", "orders.events", "*", "v", "1"]);
    assert!(checked(&server.url()).await.is_ok(), "its own streams are no strangers");
    assert_eq!(server.cli(&["XLEN", "{orders}:tasks"]), "1", "nothing is changed");
    assert_eq!(server.cli(&["DBSIZE"]), "2");
}

#[tokio::test]
async fn a_redis_of_another_purpose_is_told_by_the_key_and_its_type() {
    let server = RedisServer::start();
    for key in ["{orders}:tasks", "orders.events"] {
        server.cli(&["SADD", key, "1"]);
        let error = checked(&server.url()).await.unwrap_err();
        assert!(error.contains(&format!("a set named {key}")) && error.contains("REDIS_URL"), "{error}");
        // Another database of the same Redis will do.
        assert!(checked(&format!("{}/1", server.url())).await.is_ok());
        server.cli(&["DEL", key]);
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let port = server.port();
    assert!(checked(&format!("redis://:secret@127.0.0.1:{port}")).await.is_ok());
    for (credentials, expected) in [
        (":wrong-one@", "refuses the user or the password of REDIS_URL"),
        ("ann:secret@", "refuses the user or the password of REDIS_URL"),
        ("", "wants a password: redis://:PASSWORD@"),
    ] {
        let error = checked(&format!("redis://{credentials}127.0.0.1:{port}")).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("secret") && !error.contains("wrong-one"), "{error}");
    }
}

#[tokio::test]
async fn a_user_who_may_too_little_is_told() {
    let server = RedisServer::start();
    server.cli(&["ACL", "SETUSER", "ann", "on", ">secret", "~other:*", "+@all"]);
    let error = checked(&format!("redis://ann:secret@127.0.0.1:{}", server.port())).await.unwrap_err();
    assert!(error.contains("does not allow what is needed") && error.contains("REDIS_URL"), "{error}");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_told_in_time() {
    let error = checked(&format!("redis://127.0.0.1:{}", free_port())).await.unwrap_err();
    assert!(error.contains("can't be reached") && error.contains("look at REDIS_URL"), "{error}");
    let server = RedisServer::start();
    server.freeze(true);
    let error = checked(&server.url()).await.unwrap_err();
    assert!(error.contains("REDIS_URL"), "{error}");
    server.freeze(false);
}

#[tokio::test]
async fn one_server_is_no_cluster_and_no_sentinel() {
    let server = RedisServer::start();
    for form in ["redis-cluster://127.0.0.1:PORT", "redis-sentinel://127.0.0.1:PORT?sentinelServiceName=orders"] {
        let error = checked(&form.replace("PORT", &server.port().to_string())).await.unwrap_err();
        assert!(error.contains("look at REDIS_URL"), "{error}");
    }
}
