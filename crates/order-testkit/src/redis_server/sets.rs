//! Several servers that stand in for each other: behind a Sentinel, and as a Cluster.

use super::{RedisServer, free_port};

/// A server, another that follows it, and a Sentinel that puts the second in the place of the first when it dies.
#[derive(Debug)]
pub struct Sentinels {
    sentinel: RedisServer,
    /// The one in charge at first.
    pub first: RedisServer,
    /// The one that follows it.
    pub second: RedisServer,
}

impl Sentinels {
    /// Starts them. The first counts as dead after half a second.
    ///
    /// # Panics
    /// When they do not come up in ten seconds.
    pub fn start() -> Self {
        let first = RedisServer::start();
        let second = first.replica();
        let sentinel = RedisServer::sentinel(&format!(
            "sentinel monitor orders 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds orders 500\n\
             sentinel failover-timeout orders 3000\n",
            first.port()
        ));
        let sentinels = Self { sentinel, first, second };
        sentinels.sentinel.wait_for("a Sentinel that knows both", &["INFO", "sentinel"], "status=ok,address=");
        sentinels.sentinel.wait_for("a Sentinel that knows both", &["INFO", "sentinel"], "slaves=1");
        sentinels
    }

    /// Their URL.
    pub fn url(&self) -> String {
        format!("redis-sentinel://127.0.0.1:{}?sentinelServiceName=orders", self.sentinel.port())
    }
}

/// A Cluster: three servers that share all slots, and one that follows the one with the slot of a key.
#[derive(Debug)]
pub struct RedisCluster {
    /// The one that has the slot of the key.
    pub owner: RedisServer,
    /// The one that follows it.
    pub follower: RedisServer,
    others: [RedisServer; 2],
}

impl RedisCluster {
    /// Starts one. A server counts as dead after a second.
    ///
    /// # Panics
    /// When it does not come up in ten seconds.
    pub fn start(key: &str) -> Self {
        let node = || {
            let bus = free_port().to_string();
            let node = RedisServer::start_with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-node-timeout",
                "1000",
            ]);
            (node, bus)
        };
        let nodes = [node(), node(), node(), node()];
        for ((node, _), slots) in nodes.iter().zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")]) {
            node.cli(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]);
        }
        for (node, bus) in &nodes[1..] {
            nodes[0].0.cli(&["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string(), bus]);
        }
        for (node, _) in &nodes {
            node.wait_for("a Cluster that is whole", &["CLUSTER", "INFO"], "cluster_state:ok");
            node.wait_for("a Cluster that knows all", &["CLUSTER", "INFO"], "cluster_known_nodes:4");
        }
        let slot: usize = nodes[0].0.cli(&["CLUSTER", "KEYSLOT", key]).parse().unwrap();
        let mut nodes: Vec<_> = nodes.into_iter().map(|(node, _)| node).collect();
        let follower = nodes.pop().expect("the fourth");
        let owner = nodes.remove(slot / 5_461);
        follower.cli(&["CLUSTER", "REPLICATE", &owner.cli(&["CLUSTER", "MYID"])]);
        follower.wait_for("a replica that follows", &["INFO", "replication"], "master_link_status:up");
        let others: [RedisServer; 2] = nodes.try_into().expect("two others");
        for node in &others {
            node.wait_for("a Cluster that knows who follows", &["CLUSTER", "NODES"], "slave");
        }
        Self { owner, follower, others }
    }

    /// Its URL: first the one that has the slot of the key.
    pub fn url(&self) -> String {
        let [one, other] = &self.others;
        let (first, one, other) = (self.owner.port(), one.port(), other.port());
        format!("redis-cluster://127.0.0.1:{first}?node=127.0.0.1:{one}&node=127.0.0.1:{other}")
    }
}
