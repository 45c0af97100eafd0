//! Answers that wait. Time is tokio's, paused: it passes by itself when nobody has anything else to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use order_domain::order::{CancelCode, Version};
use order_domain::ports::{
    LiveEvent, LiveEvents, OrderFilter, OrderPage, OrderReader, Page, StoreError, TaskKind, Timeline, TimelineItem,
};
use order_domain::time::Duration;
use order_domain::{OrderId, PaymentMethod};
use order_testkit::builders::{a_cart, a_key, an_order, user};
use order_testkit::memory::{Fault, MemoryStore, Op};
use order_testkit::services::PaymentAnswer;
use order_usecases::lookout::Lookout;
use order_usecases::{Answer, Caller, Ports, UseCaseError, UseCases};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Shop, admin, an_id, courier, customer, request, wish};

type Entries = Result<Vec<TimelineItem>, UseCaseError>;

const WAIT: Duration = Duration::from_secs(25);

/// Somebody waits for what happens to order 1 after an event.
fn waits(use_cases: UseCases, caller: Caller, after: Version) -> JoinHandle<Entries> {
    let until = Instant::now() + WAIT;
    tokio::spawn(async move { use_cases.timeline(&caller, an_id(1), after, Some(until), || ()).await })
}

fn kinds(entries: Entries) -> Vec<String> {
    entries.unwrap().into_iter().map(|entry| entry.kind).collect()
}

impl Shop {
    /// Somebody listens for order 1, and has nothing else to do.
    async fn is_watched(&self) {
        for _ in 0..1_000 {
            yield_now().await;
        }
        assert!(!self.live.watched().is_empty(), "nobody listens");
    }

    /// Another instance over the same database: what it does is heard of there.
    fn elsewhere(&self) -> Self {
        Self { live: Arc::default(), signal: Arc::default(), ..self.clone() }
    }

    /// Somebody looks out, as long as the guard is kept.
    fn looks_out(&self) -> DropGuard {
        let stop = CancellationToken::new();
        tokio::spawn(Lookout::new(Arc::new(self.store.clone()), self.live.clone()).run(stop.clone()));
        stop.drop_guard()
    }

    /// `ann` orders, and prefers to wait so long for what becomes of it.
    fn places_and_waits(&self, wait: Duration) -> JoinHandle<Result<Answer, UseCaseError>> {
        self.carts.put(a_cart("ann", &[(5, 2)]));
        let (use_cases, until) = (self.use_cases(), Instant::now() + wait);
        tokio::spawn(async move {
            let wish = wish(PaymentMethod::Online);
            use_cases.place_and_wait(&customer("ann"), wish, request(Some(a_key(1))), until, || ()).await
        })
    }

    /// The answer that is kept under the key of [`Self::places_and_waits`].
    fn kept(&self) -> order_domain::ports::Receipt {
        self.store.receipts().remove(0).1.receipt
    }
}

/// The version that an answer names in its entity tag.
fn tag(answer: &Answer) -> &str {
    &answer.receipt.headers[0].1
}

#[tokio::test(start_paused = true)]
async fn what_has_happened_already_is_told_at_once() {
    let (shop, _) = Shop::with(&an_order().assigned_to("bob")).await;
    let begun = Instant::now();
    for (after, expected) in [(0, vec!["placed", "confirmed", "assigned"]), (2, vec!["assigned"])] {
        assert_eq!(kinds(waits(shop.use_cases(), customer("ann"), after).await.unwrap()), expected);
    }
    let told = shop.use_cases().timeline(&customer("ann"), an_id(1), 3, None, || ()).await;
    assert_eq!(kinds(told), [""; 0], "nobody waits who did not ask to");
    assert_eq!((begun.elapsed(), shop.live.watched()), (Duration::ZERO, vec![]));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_told_what_happens_as_it_happens() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let begun = Instant::now();
    let waiting = [customer("ann"), admin()].map(|caller| waits(shop.use_cases(), caller, 2));
    shop.is_watched().await;
    shop.assign(&courier("bob"), Some("bob")).await.unwrap();
    for waiting in waiting {
        assert_eq!(kinds(waiting.await.unwrap()), ["assigned"]);
    }
    assert_eq!((begun.elapsed(), shop.live.watched()), (Duration::ZERO, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_nothing_happens_in_ends_in_time_and_asks_twice() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let begun = Instant::now();
    assert_eq!(kinds(waits(shop.use_cases(), customer("ann"), 2).await.unwrap()), [""; 0]);
    assert_eq!((begun.elapsed(), shop.store.calls(Op::Timeline)), (WAIT, 2));
    assert_eq!(shop.live.watched(), []);
    let ahead = waits(shop.use_cases(), customer("ann"), 7).await.unwrap();
    assert_eq!(kinds(ahead), [""; 0], "who is told of an event that is still to come waits for those after it");
}

#[tokio::test(start_paused = true)]
async fn word_that_is_lost_costs_time_and_never_the_answer() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    shop.live.lose(true);
    let waiting = waits(shop.use_cases(), customer("ann"), 2);
    shop.is_watched().await;
    shop.assign(&courier("bob"), Some("bob")).await.unwrap();
    let begun = Instant::now();
    assert_eq!(kinds(waiting.await.unwrap()), ["assigned"]);
    assert_eq!(begun.elapsed(), WAIT);
}

#[tokio::test(start_paused = true)]
async fn what_another_instance_does_is_seen_within_half_a_second() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let _lookout = shop.looks_out();
    let waiting = waits(shop.use_cases(), customer("ann"), 2);
    shop.is_watched().await;
    let begun = Instant::now();
    shop.elsewhere().assign(&courier("bob"), Some("bob")).await.unwrap();
    assert_eq!(kinds(waiting.await.unwrap()), ["assigned"]);
    assert!(begun.elapsed() <= Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_lookout_asks_as_often_however_many_wait_and_never_for_nobody() {
    let shop = Shop::open();
    for id in 1..=3 {
        an_order().id(id).paid().keep(&shop.store, &shop.store, &shop.store).await;
    }
    let _lookout = shop.looks_out();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(shop.store.calls(Op::Versions), 0, "nobody waits");

    let until = Instant::now() + Duration::from_millis(10_200);
    let waiting: Vec<_> = (0..300)
        .map(|n| {
            let use_cases = shop.use_cases();
            tokio::spawn(async move { use_cases.timeline(&admin(), an_id(1 + n % 3), 2, Some(until), || ()).await })
        })
        .collect();
    for waiting in waiting {
        assert_eq!(kinds(waiting.await.unwrap()), [""; 0]);
    }
    assert_eq!(shop.store.calls(Op::Timeline), 600, "nobody who waits asks by themselves");
    let asked = shop.store.calls(Op::Versions);
    assert!((20..=21).contains(&asked), "twice a second: {asked}");
}

#[tokio::test(start_paused = true)]
async fn while_word_of_others_comes_in_the_lookout_looks_every_five_seconds() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    shop.live.hear_others(true);
    let _lookout = shop.looks_out();
    let waiting = waits(shop.use_cases(), customer("ann"), 2);
    shop.is_watched().await;
    tokio::time::sleep(Duration::from_millis(20_200)).await;
    assert_eq!(shop.store.calls(Op::Versions), 4);

    // What is lost on the way is found all the same.
    let begun = Instant::now();
    shop.elsewhere().assign(&courier("bob"), Some("bob")).await.unwrap();
    assert_eq!(kinds(waiting.await.unwrap()), ["assigned"]);
    assert!(begun.elapsed() <= Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn when_no_word_of_others_comes_in_any_more_the_lookout_looks_at_once() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    shop.live.hear_others(true);
    let _lookout = shop.looks_out();
    let waiting = waits(shop.use_cases(), customer("ann"), 2);
    shop.is_watched().await;
    tokio::time::sleep(Duration::from_millis(5_600)).await;
    shop.live.hear_others(false);
    let begun = Instant::now();
    shop.elsewhere().assign(&courier("bob"), Some("bob")).await.unwrap();
    assert_eq!(kinds(waiting.await.unwrap()), ["assigned"]);
    assert!(begun.elapsed() <= Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lookout_that_was_blind_sees_again() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let _lookout = shop.looks_out();
    let waiting = waits(shop.use_cases(), customer("ann"), 2);
    shop.is_watched().await;
    let begun = Instant::now();
    for _ in 0..3 {
        shop.store.fail_next(Op::Versions, Fault::Unavailable);
    }
    shop.elsewhere().assign(&courier("bob"), Some("bob")).await.unwrap();
    assert_eq!(kinds(waiting.await.unwrap()), ["assigned"]);
    assert!(begun.elapsed() <= Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn waits_end_when_the_service_stops_and_none_begin() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let begun = Instant::now();
    let waiting = waits(shop.use_cases(), customer("ann"), 2);
    shop.is_watched().await;
    let asked = shop.store.calls(Op::Timeline);
    shop.live.close();
    assert_eq!(kinds(waiting.await.unwrap()), [""; 0]);
    assert_eq!(shop.store.calls(Op::Timeline), asked, "not everybody looks again just then");
    assert_eq!(kinds(waits(shop.use_cases(), customer("ann"), 2).await.unwrap()), [""; 0]);
    assert_eq!(begun.elapsed(), Duration::ZERO);

    let shop = Shop::open();
    let placing = shop.places_and_waits(WAIT);
    shop.is_watched().await;
    shop.live.close();
    assert_eq!(placing.await.unwrap().unwrap().receipt, shop.kept());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_is_not_theirs_to_see() {
    let (shop, _) = Shop::with(&an_order().assigned_to("bob")).await;
    let begun = Instant::now();
    for stranger in [customer("eve"), courier("cat"), customer("bob")] {
        assert_eq!(waits(shop.use_cases(), stranger, 3).await.unwrap(), Err(UseCaseError::NotFound));
    }
    let missing = shop.use_cases().timeline(&admin(), an_id(2), 0, Some(begun + WAIT), || ()).await;
    assert_eq!(missing, Err(UseCaseError::NotFound));
    // Whoever loses the order meanwhile is told what anybody else would be.
    let waiting = waits(shop.use_cases(), courier("bob"), 3);
    shop.is_watched().await;
    shop.assign(&admin(), Some("cat")).await.unwrap();
    assert_eq!(waiting.await.unwrap(), Err(UseCaseError::NotFound));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

/// A reader that counts how many read at once.
struct Crowded {
    store: MemoryStore,
    inside: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl OrderReader for Crowded {
    async fn list(&self, filter: &OrderFilter, page: Page) -> Result<OrderPage, StoreError> {
        self.store.list(filter, page).await
    }

    async fn timeline(&self, id: OrderId, after: Version) -> Result<Option<Timeline>, StoreError> {
        self.most.fetch_max(self.inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.store.timeline(id, after).await
    }

    async fn versions(&self, ids: &[OrderId]) -> Result<Vec<(OrderId, Version)>, StoreError> {
        self.store.versions(ids).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_are_woken_by_one_word_look_again_in_turn() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let reader = Arc::new(Crowded { store: shop.store.clone(), inside: 0.into(), most: 0.into() });
    let use_cases = shop.use_cases_reading(reader.clone());
    let waiting: Vec<_> = (0..200).map(|_| waits(use_cases.clone(), customer("ann"), 2)).collect();
    shop.is_watched().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    reader.most.store(0, Ordering::SeqCst);
    shop.assign(&courier("bob"), Some("bob")).await.unwrap();
    for waiting in waiting {
        assert_eq!(kinds(waiting.await.unwrap()), ["assigned"]);
    }
    assert_eq!(reader.most.load(Ordering::SeqCst), 4);
}

/// A reader that lets something happen just after its first read, or that shows only later what has happened.
struct Behind {
    store: MemoryStore,
    until: Instant,
    meanwhile: Box<dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>,
}

#[async_trait]
impl OrderReader for Behind {
    async fn list(&self, filter: &OrderFilter, page: Page) -> Result<OrderPage, StoreError> {
        self.store.list(filter, page).await
    }

    async fn timeline(&self, id: OrderId, after: Version) -> Result<Option<Timeline>, StoreError> {
        let mut timeline = self.store.timeline(id, after).await?;
        if self.store.calls(Op::Timeline) == 1 {
            (self.meanwhile)().await;
        }
        if Instant::now() < self.until {
            timeline.as_mut().unwrap().entries.clear();
        }
        Ok(timeline)
    }

    async fn versions(&self, ids: &[OrderId]) -> Result<Vec<(OrderId, Version)>, StoreError> {
        self.store.versions(ids).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

impl Shop {
    /// Use cases whose reader is behind so long; `bob` takes order 1 as soon as it was read once.
    fn behind(&self, time: Duration) -> UseCases {
        let shop = self.clone();
        let meanwhile = Box::new(move || -> futures_util::future::BoxFuture<'static, ()> {
            let shop = shop.clone();
            Box::pin(async move { drop(shop.assign(&courier("bob"), Some("bob")).await.unwrap()) })
        });
        let reader = Behind { store: self.store.clone(), until: Instant::now() + time, meanwhile };
        self.use_cases_reading(Arc::new(reader))
    }

    fn use_cases_reading(&self, reader: Arc<dyn OrderReader>) -> UseCases {
        let store = Arc::new(self.store.clone());
        let ports = Ports {
            orders: store.clone(),
            reader,
            desk: store.clone(),
            ids: store,
            signal: self.signal.clone(),
            live: self.live.clone(),
            carts: self.carts.clone(),
            products: self.products.clone(),
            users: self.users.clone(),
        };
        UseCases::new(ports, self.rules.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_between_the_look_and_the_wait_is_not_missed() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let begun = Instant::now();
    assert_eq!(kinds(waits(shop.behind(Duration::ZERO), customer("ann"), 2).await.unwrap()), ["assigned"]);
    assert_eq!((begun.elapsed(), shop.store.calls(Op::Timeline)), (Duration::ZERO, 2));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_behind_is_asked_again_without_haste() {
    let (shop, _) = Shop::with(&an_order().paid()).await;
    let begun = Instant::now();
    assert_eq!(kinds(waits(shop.behind(Duration::from_millis(450)), customer("ann"), 2).await.unwrap()), ["assigned"]);
    assert!(begun.elapsed() <= Duration::from_millis(600), "{:?}", begun.elapsed());
    assert!(shop.store.calls(Op::Timeline) <= 8, "{} reads", shop.store.calls(Op::Timeline));

    let (shop, _) = Shop::with(&an_order().paid()).await;
    let begun = Instant::now();
    assert_eq!(kinds(waits(shop.behind(WAIT * 2), customer("ann"), 2).await.unwrap()), [""; 0], "it never shows it");
    assert_eq!(begun.elapsed(), WAIT);
}

#[tokio::test(start_paused = true)]
async fn only_commits_that_change_an_order_are_told_of_and_each_once() {
    let shop = Shop::open();
    let id = shop.ordered("ann", PaymentMethod::Online).await;
    shop.step(TaskKind::Charge).await;
    shop.assign(&courier("bob"), Some("bob")).await.unwrap();
    // Under a key, what changes nothing is committed all the same: its answer is.
    let again = shop.use_cases().assign(&courier("bob"), id, Some(user("bob")), request(Some(a_key(1)))).await;
    assert_eq!((again.map(|answer| answer.replayed), shop.store.counts().receipts), (Ok(false), 1));
    shop.cancel(&admin(), Some(CancelCode::Shop)).await.unwrap();
    shop.drain().await;
    let told: Vec<_> = shop.live.published();
    assert_eq!(told, [1, 2, 3, 4, 5].map(|version| LiveEvent { order: id, version }));
}

#[tokio::test(start_paused = true)]
async fn a_placing_that_waits_is_answered_when_the_charge_has_settled() {
    let shop = Shop::open();
    let begun = Instant::now();
    let placing = shop.places_and_waits(Duration::from_secs(4));
    shop.is_watched().await;
    shop.step(TaskKind::Charge).await;
    let answer = placing.await.unwrap().unwrap();
    assert_eq!(answer.order.as_ref(), Some(&shop.order()));
    assert_eq!((tag(&answer), answer.replayed, begun.elapsed()), ("\"2\"", false, Duration::ZERO));
    assert_eq!(shop.live.watched(), []);
    // What is kept is the answer at the commit.
    assert_eq!(shop.kept().headers[0].1, "\"1\"");
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_settles_before_anybody_listens_is_seen() {
    let shop = Shop::open();
    let faster = shop.clone();
    shop.store.before_next(Op::Load, move |_| async move {
        assert_eq!(faster.live.watched(), [an_id(1)], "who reads first misses what happens before the wait");
        faster.step(TaskKind::Charge).await;
    });
    let begun = Instant::now();
    let answer = shop.places_and_waits(Duration::from_secs(4)).await.unwrap().unwrap();
    assert_eq!((tag(&answer), begun.elapsed()), ("\"2\"", Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_declined_charge_is_an_end_of_the_wait() {
    let shop = Shop::open();
    shop.payments.plan(&[PaymentAnswer::Decline]);
    let placing = shop.places_and_waits(Duration::from_secs(4));
    shop.is_watched().await;
    shop.step(TaskKind::Charge).await;
    let answer = placing.await.unwrap().unwrap();
    assert_eq!(answer.order.unwrap().status().name(), "cancelled");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_stays_pending_is_shown_so_when_the_time_is_over() {
    let shop = Shop::open();
    let begun = Instant::now();
    let placing = shop.places_and_waits(Duration::from_secs(4));
    shop.is_watched().await;
    // It changes, and is still pending: that is not what is waited for, and is shown in the end.
    shop.assign(&admin(), Some("bob")).await.unwrap();
    let answer = placing.await.unwrap().unwrap();
    assert_eq!((tag(&answer), begun.elapsed()), ("\"2\"", Duration::from_secs(4)));
    assert_eq!(answer.order.as_ref(), Some(&shop.order()));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_confirmed_at_once_waits_for_nothing() {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 2)]));
    let (begun, cash) = (Instant::now(), wish(PaymentMethod::Cash));
    let answer =
        shop.use_cases().place_and_wait(&customer("ann"), cash, request(None), begun + WAIT, || ()).await.unwrap();
    assert_eq!((tag(&answer), begun.elapsed(), shop.store.calls(Op::Load)), ("\"2\"", Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_given_is_given_again_at_once_and_as_it_was() {
    let shop = Shop::open();
    let first = shop.places_and_waits(Duration::ZERO).await.unwrap().unwrap();
    let begun = Instant::now();
    let again = shop.places_and_waits(WAIT).await.unwrap().unwrap();
    assert!(again.replayed && !first.replayed);
    assert_eq!((&again.receipt, begun.elapsed()), (&first.receipt, Duration::ZERO));
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.places_and_waits(WAIT).await.unwrap().unwrap().receipt, first.receipt);
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_to_the_wait_the_order_was_placed() {
    let shop = Shop::open();
    shop.store.fail_next(Op::Load, Fault::Unavailable);
    let answer = shop.places_and_waits(WAIT).await.unwrap().unwrap();
    assert_eq!((tag(&answer), answer.receipt.clone()), ("\"1\"", shop.kept()));

    let shop = Shop::open();
    shop.live.close();
    let begun = Instant::now();
    let answer = shop.places_and_waits(WAIT).await.unwrap().unwrap();
    assert_eq!((tag(&answer), begun.elapsed()), ("\"1\"", Duration::ZERO), "no room to wait in");

    let shop = Shop::open();
    let placing = shop.places_and_waits(WAIT);
    shop.is_watched().await;
    placing.abort();
    assert!(placing.await.is_err());
    assert_eq!((shop.live.watched(), shop.store.counts().orders), (vec![], 1), "nobody listens for who hung up");
    shop.step(TaskKind::Charge).await;
    assert_eq!(shop.timeline(), ["placed", "confirmed"]);
}

#[tokio::test(start_paused = true)]
async fn a_charge_elsewhere_ends_the_wait_too() {
    let shop = Shop::open();
    let _lookout = shop.looks_out();
    let placing = shop.places_and_waits(Duration::from_secs(4));
    shop.is_watched().await;
    let begun = Instant::now();
    shop.elsewhere().step(TaskKind::Charge).await;
    assert_eq!(tag(&placing.await.unwrap().unwrap()), "\"2\"");
    assert!(begun.elapsed() <= Duration::from_millis(500), "{:?}", begun.elapsed());
}
