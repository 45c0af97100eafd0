//! Behind a real Sentinel, which puts another Redis in the place of one that dies.

use order_queue::RedisUrl;
use order_queue::check;
use order_testkit::redis_server::Sentinels;

use crate::support::fail_over_under_load;

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_over_under_load_slows_nobody_and_all_goes_on_over_the_next() {
    let mut set = Sentinels::start();
    let url = set.url();
    assert!(check(&RedisUrl::parse(&url).unwrap()).await.is_ok());
    fail_over_under_load(&url, || set.first.kill()).await;
    assert!(set.second.cli(&["INFO", "replication"]).contains("role:master"));
}
