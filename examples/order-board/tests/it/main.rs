//! The example against a real Redis: repeated, told again, killed, with events missing. What is on its board is what the
//! orders are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use order_domain::ProductId;
use order_domain::order::{Command as Ask, WantedLines};
use order_domain::ports::{EventStream, StreamEvent};
use order_domain::pricing::Quantity;
use order_queue::{EventReader, LinkState, RedisEventStream, RedisLink, RedisUrl};
use order_testkit::builders::{Life, a_product, admin, an_order};
use order_testkit::contract::eventually;
use order_testkit::events::stream_event;
use order_testkit::redis_server::RedisServer;
use order_testkit::strategies::{deeds, orders};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

/// The example as a process, and its file.
struct Shop {
    server: RedisServer,
    stream: RedisEventStream,
    reader: EventReader,
    folder: TempDir,
}

/// It is killed as by `kill -9` when it is dropped.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Shop {
    async fn open() -> Self {
        let server = RedisServer::start();
        let link = RedisLink::connect(&RedisUrl::parse(&server.url()).unwrap());
        eventually("Redis answers", || async { link.state() == LinkState::Up }).await;
        let (stream, reader) = (RedisEventStream::new(&link, RedisEventStream::KEEP), EventReader::new(&link));
        Self { server, stream, reader, folder: tempfile::tempdir().unwrap() }
    }

    fn board(&self) -> String {
        self.folder.path().join("board.db").display().to_string()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn follows(&self) -> Following {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut follow = Command::new(env!("CARGO_BIN_EXE_order-board"));
        follow.args(["follow", "--redis", &self.server.url(), "--board", &self.board()]);
        Following(follow.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// What the example prints.
    fn shows(&self, more: &[&str]) -> String {
        let mut show = Command::new(env!("CARGO_BIN_EXE_order-board"));
        let shown = show.args(["show", "--board", &self.board()]).args(more).output().unwrap();
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        String::from_utf8(shown.stdout).unwrap()
    }

    /// Waits until the board is what the orders are.
    async fn shows_the_truth(&self, lives: &[Life]) {
        let truth: BTreeMap<_, _> = lives.iter().map(|life| (life.order.id(), line(life))).collect();
        let truth: String = truth.into_values().collect();
        eventually("the board is right", || async { self.shows(&["--orders"]) == truth }).await;
    }
}

fn line(life: &Life) -> String {
    let state = life.order.state();
    let (id, status, total) = (state.id, life.order.status().name(), state.total);
    format!("{id} {} {status} {total} {}\n", life.order.version(), total.currency())
}

/// A paid order that was edited twice: the first time the difference was paid, the second time it was not.
fn reverted(id: i64) -> Life {
    let edit = |units| {
        let (product, quantity) = (ProductId::new(5).unwrap(), Quantity::new(units).unwrap());
        let offered = BTreeMap::from([(product, a_product(5, 299))]);
        Ask::ReplaceLines { lines: WantedLines::new(vec![(product, quantity)]).unwrap(), offered }
    };
    let life = an_order().id(id).lines(&[(5, 299, 1)]).paid().when(&admin(), edit(3)).sent(2).charge_settles(2);
    life.when(&admin(), edit(9)).sent(3).charge_is_declined(3)
}

/// Orders that have lived, and their events as they would have been committed: one after another, an order at a time.
fn lived(count: i64) -> (Vec<Life>, Vec<StreamEvent>) {
    let mut chance = TestRunner::deterministic();
    let mut life = |id| {
        let order = orders().new_tree(&mut chance).unwrap().current();
        let deeds = deeds(40).new_tree(&mut chance).unwrap().current();
        order.id(id).placed().lives_through(deeds)
    };
    let mut lives: Vec<_> = (1..=count - count / 10).map(&mut life).collect();
    // What is reverted is rare, and the one thing that takes some thought.
    lives.extend((count - count / 10 + 1..=count).map(reverted));
    let events = |life: &Life| life.timeline().iter().map(|event| stream_event(life.order.state(), event)).collect();
    let mut left: Vec<std::collections::VecDeque<StreamEvent>> = lives.iter().map(events).collect();
    let mut all = Vec::new();
    while left.iter().any(|events| !events.is_empty()) {
        all.extend(left.iter_mut().filter_map(std::collections::VecDeque::pop_front));
    }
    (lives, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_right_after_repeats_kills_and_everything_told_again() {
    let (shop, (lives, events)) = (Shop::open().await, lived(100));
    assert!(events.len() > 300 && events.iter().any(|event| event.kind == "edit_reverted"), "{}", events.len());
    let (mut following, mut seen) = (shop.follows(), String::new());
    for (n, batch) in events.chunks(23).enumerate() {
        shop.stream.send(batch).await.unwrap();
        shop.stream.send(batch).await.unwrap();
        if n % 5 == 4 {
            // What happened long ago is told again in the middle of it; and it dies somewhere there.
            shop.stream.send(&events[..n * 10]).await.unwrap();
            following = shop.follows_anew(following, &mut seen).await;
        }
    }
    shop.shows_the_truth(&lives).await;
    shop.stream.send(&events).await.unwrap();
    drop(following);
    let following = shop.follows();
    shop.shows_the_truth(&lives).await;
    assert!(!shop.log().contains("set aside"), "{}", shop.log());
    drop(following);
    let shown = shop.shows(&[]);
    let counted: usize =
        shown.lines().map(|line| line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(counted, 100, "{shown}");
}

impl Shop {
    /// It dies in the middle of something, and another begins.
    async fn follows_anew(&self, following: Following, seen: &mut String) -> Following {
        eventually("it has gone on", || async { self.shows(&["--orders"]) != *seen }).await;
        drop(following);
        *seen = self.shows(&["--orders"]);
        self.follows()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_lacks_an_event_is_set_aside_and_whole_again_when_it_was_told() {
    let (shop, (lives, events)) = (Shop::open().await, lived(20));
    let short: Vec<_> = events.iter().filter(|event| (event.order.get(), event.seq) != (3, 2)).cloned().collect();
    let of_3 = lives.iter().find(|life| life.order.id().get() == 3).unwrap();
    assert!(of_3.order.version() > 3);
    let following = shop.follows();
    shop.stream.send(&short).await.unwrap();
    let others: Vec<_> = lives.iter().filter(|life| life.order.id().get() != 3).map(line).collect();
    eventually("all others are there", || async {
        let shown = shop.shows(&["--orders"]);
        others.iter().all(|line| shown.contains(line)) && shop.log().contains("order 3: event 3 came after 1")
    })
    .await;
    assert!(shop.shows(&["--orders"]).contains("\n3 1 pending "), "it is shown as it was before");
    assert!(shop.shows(&[]).contains("1 order(s) lack events"));
    assert_eq!(shop.log().matches("set aside").count(), 1, "{}", shop.log());
    let again: Vec<_> = events.iter().filter(|event| event.order.get() == 3).cloned().collect();
    shop.stream.send(&again).await.unwrap();
    shop.shows_the_truth(&lives).await;
    assert!(shop.log().contains("order 3: whole again"), "{}", shop.log());
    drop(following);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_passed_over() {
    let (shop, (lives, events)) = (Shop::open().await, lived(3));
    let following = shop.follows();
    for entry in [["mail", "hello"], ["event", "hello"], ["event", "{}"], ["event", r#"{"type":"placed"}"#]] {
        shop.server.cli(&["XADD", "orders.events", "*", entry[0], entry[1]]);
    }
    let future =
        r#"{"type":"teleported","version":7,"id":"1-99","seq":99,"order_id":99,"data":{"status":"x","new":[1]}}"#;
    shop.server.cli(&["XADD", "orders.events", "*", "event", future]);
    shop.stream.send(&events).await.unwrap();
    let shown_as: Vec<_> = lives.iter().map(line).collect();
    eventually("the orders are there", || async {
        let shown = shop.shows(&["--orders"]);
        shown_as.iter().all(|line| shown.contains(line))
    })
    .await;
    drop(following);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_away_is_followed_again_from_the_same_place() {
    let (mut shop, (lives, events)) = (Shop::open().await, lived(10));
    let following = shop.follows();
    let (first, rest) = events.split_at(events.len() / 2);
    shop.stream.send(first).await.unwrap();
    eventually("it has begun", || async { shop.shows(&["--orders"]).lines().count() == 10 }).await;
    shop.server.kill();
    shop.server.start_again();
    eventually("the rest is taken", || async { shop.stream.send(rest).await.is_ok() }).await;
    shop.shows_the_truth(&lives).await;
    assert!(shop.reader.newest().await.unwrap().is_some());
    drop(following);
}
