//! A real Cluster, in which the one that has our keys dies.

use order_queue::{RedisUrl, check};
use order_testkit::redis_server::RedisCluster;

use crate::support::{STREAM, fail_over_under_load};

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_over_under_load_slows_nobody_and_all_goes_on_over_the_next() {
    let mut cluster = RedisCluster::start(STREAM);
    let url = cluster.url();
    assert!(check(&RedisUrl::parse(&url).unwrap()).await.is_ok());
    fail_over_under_load(&url, || cluster.owner.kill()).await;
    assert!(cluster.follower.cli(&["INFO", "replication"]).contains("role:master"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_is_found_wherever_it_is() {
    let cluster = RedisCluster::start("orders.events");
    cluster.owner.cli(&["SET", "orders.events", "of somebody else"]);
    let error = check(&RedisUrl::parse(&cluster.url()).unwrap()).await.unwrap_err();
    assert!(error.contains("a string named orders.events"), "{error}");
}
