//! Placing again: keys, outcomes that nobody knows, services that take too long.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use order_domain::order::{Inconsistent, Rejection, Version};
use order_domain::ports::{
    Bearer, Cart, CartService, Cause, ClaimedTask, CommitError, Committed, IdempotencyKey, Loaded, OrderStore, Placing,
    ProductService, ServiceError, ServiceName, StoreError, StoredReceipt, TaskKind, WriteSet,
};
use order_domain::pricing::StockedProduct;
use order_domain::time::{Duration, Timestamp};
use order_domain::{EntryNo, OrderId, PaymentMethod, ProductId, UserId};
use order_testkit::builders::{a_cart, a_key};
use order_testkit::memory::{Fault, MemoryStore, Op, RowCounts};
use order_testkit::services::{FakeCarts, FakeProducts};
use order_usecases::{Answer, Outcome, Request, UseCaseError};
use tokio::time::{Instant, sleep};

use crate::support::{Shop, an_id, customer, order_of, request, wish};

const ONLINE: PaymentMethod = PaymentMethod::Online;

fn with_a_cart() -> Shop {
    let shop = Shop::open();
    shop.carts.put(a_cart("ann", &[(5, 2)]));
    shop
}

async fn place(shop: &Shop, key: Option<IdempotencyKey>) -> Result<Answer, UseCaseError> {
    shop.place(&customer("ann"), key, ONLINE).await
}

/// The same key for another request.
fn another_request() -> IdempotencyKey {
    IdempotencyKey { fingerprint: [1; 32], ..a_key(1) }
}

#[tokio::test]
async fn an_equal_request_under_the_same_key_gets_the_same_answer_byte_for_byte() {
    let shop = with_a_cart();
    let first = place(&shop, Some(a_key(1))).await.unwrap();
    shop.drain().await;
    let (asked, commits) = (shop.carts.asked(), shop.store.calls(Op::Commit));
    let second = place(&shop, Some(a_key(1))).await.unwrap();
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.receipt, second.receipt);
    assert_eq!((shop.carts.asked(), shop.store.calls(Op::Commit)), (asked, commits), "nobody is asked again");
    assert_eq!(shop.store.counts().orders, 1);
}

#[tokio::test]
async fn a_key_that_was_used_for_another_request_is_refused() {
    let shop = with_a_cart();
    place(&shop, Some(a_key(1))).await.unwrap();
    let before = shop.store.counts();
    assert_eq!(place(&shop, Some(another_request())).await, Err(UseCaseError::KeyReused));
    assert_eq!(shop.store.counts(), before);
}

#[tokio::test]
async fn another_key_is_another_order_of_another_cart_only() {
    let shop = with_a_cart();
    let first = order_of(&place(&shop, Some(a_key(1))).await.unwrap());
    let refused = Err(UseCaseError::AlreadyOrdered { order: first });
    assert_eq!(place(&shop, Some(a_key(2))).await, refused);
    assert_eq!((shop.store.counts().orders, shop.store.counts().receipts), (1, 1));
    shop.carts.put(a_cart("ann", &[(5, 3)]));
    place(&shop, Some(a_key(2))).await.unwrap();
    assert_eq!((shop.store.counts().orders, shop.store.counts().receipts), (2, 2));
}

#[tokio::test]
async fn a_request_that_is_refused_uses_up_no_key() {
    let shop = Shop::open();
    assert_eq!(place(&shop, Some(a_key(1))).await, Err(Rejection::CartEmpty.into()));
    assert_eq!(shop.store.counts(), RowCounts::default());
    shop.carts.put(a_cart("ann", &[(5, 2)]));
    assert!(!place(&shop, Some(a_key(1))).await.unwrap().replayed);
}

/// The equal request was placed, paid, and has had its cart cleared, while this one was on its way to the cart.
#[tokio::test]
async fn a_refusal_gives_way_to_the_answer_of_an_equal_request_that_was_first() {
    let shop = with_a_cart();
    let carts = Arc::new(Scripted::new(shop.clone(), Some(a_key(1))));
    let use_cases = shop.use_cases_asking(carts.clone(), shop.products.clone(), shop.users.clone());
    let second = use_cases.place(&customer("ann"), wish(ONLINE), request(Some(a_key(1)))).await.unwrap();
    assert!(second.replayed);
    assert_eq!(Some(second.receipt), carts.given());
    assert_eq!(shop.store.counts().orders, 1);
}

#[tokio::test]
async fn a_refusal_under_a_key_that_another_request_has_used_meanwhile_is_about_the_key() {
    let shop = with_a_cart();
    let carts = Arc::new(Scripted::new(shop.clone(), Some(another_request())));
    let use_cases = shop.use_cases_asking(carts, shop.products.clone(), shop.users.clone());
    let second = use_cases.place(&customer("ann"), wish(ONLINE), request(Some(a_key(1)))).await;
    assert_eq!(second, Err(UseCaseError::KeyReused));
}

#[tokio::test]
async fn an_empty_cart_without_a_key_gives_way_to_the_order_that_an_equal_request_has_made_of_it() {
    let shop = with_a_cart();
    let carts = Arc::new(Scripted::new(shop.clone(), None));
    let use_cases = shop.use_cases_asking(carts, shop.products.clone(), shop.users.clone());
    let second = use_cases.place(&customer("ann"), wish(ONLINE), request(None)).await.unwrap();
    assert_eq!((second.replayed, order_of(&second)), (true, an_id(1)));
    assert_eq!(shop.store.counts().orders, 1);
}

#[tokio::test]
async fn an_equal_request_that_commits_first_is_answered_for_both() {
    let shop = with_a_cart();
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        assert!(!place(&other, Some(a_key(1))).await.unwrap().replayed);
    });
    let second = place(&shop, Some(a_key(1))).await.unwrap();
    assert!(second.replayed);
    assert_eq!(second.receipt, shop.store.receipts()[0].1.receipt);
    assert_eq!((shop.store.counts().orders, shop.store.counts().tasks), (1, 1));
}

#[tokio::test]
async fn of_another_request_that_commits_first_under_the_key_nothing_is_told() {
    let shop = with_a_cart();
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move { drop(place(&other, Some(another_request())).await) });
    assert_eq!(place(&shop, Some(a_key(1))).await, Err(UseCaseError::KeyReused));
    assert_eq!(shop.store.counts().orders, 1);
}

#[tokio::test]
async fn many_equal_requests_at_once_are_one_order() {
    let shop = with_a_cart();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let shop = shop.clone();
            tokio::spawn(async move { place(&shop, Some(a_key(1))).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(answers.iter().all(|answer| answer.receipt == answers[0].receipt));
    assert_eq!((shop.store.counts().orders, shop.store.counts().receipts), (1, 1));
}

#[tokio::test]
async fn a_commit_that_took_without_saying_so_is_found_under_its_key() {
    let shop = with_a_cart();
    shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
    let answer = place(&shop, Some(a_key(1))).await.unwrap();
    assert!(answer.replayed);
    assert_eq!(answer.receipt, shop.store.receipts()[0].1.receipt);
    assert_eq!(shop.store.counts().orders, 1);
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_commit_that_did_not_say_is_never_decided_again() {
    for (fault, key, orders) in [
        (Fault::DoneButUnknown, None, 1),
        (Fault::UndoneButUnknown, None, 0),
        (Fault::UndoneButUnknown, Some(a_key(1)), 0),
    ] {
        let shop = with_a_cart();
        shop.store.fail_next(Op::Commit, fault);
        let answer = place(&shop, key).await;
        assert!(matches!(answer, Err(UseCaseError::OutcomeUnknown(_))), "{answer:?}");
        assert_eq!((shop.store.calls(Op::Commit), shop.store.counts().orders), (1, orders));
    }
}

#[tokio::test]
async fn a_commit_that_did_not_say_stays_unknown_when_its_receipt_cannot_be_looked_up() {
    let shop = with_a_cart();
    shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
    shop.store.before_next(Op::Commit, |store| async move { store.fail_next(Op::Receipt, Fault::Unavailable) });
    let answer = place(&shop, Some(a_key(1))).await;
    assert!(matches!(answer, Err(UseCaseError::OutcomeUnknown(_))), "{answer:?}");
    // Asked again with the same key, it is told.
    assert!(place(&shop, Some(a_key(1))).await.unwrap().replayed);
    assert_eq!(shop.store.counts().orders, 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_is_no_order() {
    let shop = with_a_cart();
    let render = Arc::new(|_: &Outcome| Err(Inconsistent("no".into())));
    let answer = shop.use_cases().place(&customer("ann"), wish(ONLINE), Request { render, ..request(None) }).await;
    assert_eq!(answer, Err(UseCaseError::Inconsistent("no".into())));
    assert_eq!(shop.store.counts(), RowCounts::default());
}

#[tokio::test(start_paused = true)]
async fn cart_and_products_have_four_seconds_together() {
    let (by_cart, by_products) = (Some(ServiceName::Cart), Some(ServiceName::Product));
    for (cart, products, late) in [(1_900, 2_000, None), (2_100, 2_000, by_products), (5_000, 0, by_cart)] {
        let shop = with_a_cart();
        let slow = |ms| Duration::from_millis(ms);
        let use_cases = shop.use_cases_asking(
            Arc::new(SlowCarts(slow(cart), shop.carts.clone())),
            Arc::new(SlowProducts(slow(products), shop.products.clone())),
            shop.users.clone(),
        );
        let asked_at = Instant::now();
        let answer = use_cases.place(&customer("ann"), wish(ONLINE), request(None)).await;
        assert!(asked_at.elapsed() <= Duration::from_millis(4_010));
        match (late, answer) {
            (None, answer) => drop(answer.unwrap()),
            (Some(late), Err(UseCaseError::Service(ServiceError::Unavailable { service, .. }))) => {
                assert_eq!((service, shop.store.counts()), (late, RowCounts::default()));
            }
            (Some(late), answer) => panic!("{late} was late: {answer:?}"),
        }
    }
}

/// A cart that is ordered, paid and cleared by an equal request just before it is read.
struct Scripted {
    shop: Shop,
    key: Option<IdempotencyKey>,
}

impl Scripted {
    fn new(shop: Shop, key: Option<IdempotencyKey>) -> Self {
        Self { shop, key }
    }

    fn given(&self) -> Option<order_domain::ports::Receipt> {
        self.shop.store.receipts().first().map(|(_, stored)| stored.receipt.clone())
    }
}

#[async_trait]
impl CartService for Scripted {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        place(&self.shop, self.key).await.unwrap();
        self.shop.drain().await;
        let cart = self.shop.carts.cart(caller).await?;
        assert!(cart.lines.is_empty(), "it has been cleared");
        Ok(cart)
    }

    async fn cart_of(&self, _: &UserId) -> Result<Cart, ServiceError> {
        Err(order_testkit::services::away(ServiceName::Cart))
    }

    async fn remove(&self, _: &UserId, _: ProductId) -> Result<(), ServiceError> {
        Err(order_testkit::services::away(ServiceName::Cart))
    }
}

struct SlowCarts(Duration, Arc<FakeCarts>);

#[async_trait]
impl CartService for SlowCarts {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        sleep(self.0).await;
        self.1.cart(caller).await
    }

    async fn cart_of(&self, customer: &UserId) -> Result<Cart, ServiceError> {
        self.1.cart_of(customer).await
    }

    async fn remove(&self, customer: &UserId, product: ProductId) -> Result<(), ServiceError> {
        self.1.remove(customer, product).await
    }
}

struct SlowProducts(Duration, Arc<FakeProducts>);

#[async_trait]
impl ProductService for SlowProducts {
    async fn products(&self, ids: &[ProductId]) -> Result<BTreeMap<ProductId, Option<StockedProduct>>, ServiceError> {
        sleep(self.0).await;
        self.1.products(ids).await
    }
}

#[tokio::test]
async fn a_shop_that_takes_no_orders_asks_nobody_and_still_answers_what_it_has_answered() {
    let mut shop = with_a_cart();
    let first = place(&shop, Some(a_key(1))).await.unwrap();
    shop.rules = Arc::new(order_domain::Rules { accept_orders: false, ..(*shop.rules).clone() });
    let (rows, asked) = (shop.store.counts(), shop.carts.asked());
    for key in [None, Some(a_key(2))] {
        let refused = shop.place(&customer("bea"), key, ONLINE).await.unwrap_err();
        assert_eq!(refused, UseCaseError::NotAcceptingOrders);
    }
    assert_eq!((shop.store.counts(), shop.carts.asked()), (rows, asked));
    assert_eq!(place(&shop, Some(a_key(1))).await.unwrap(), Answer { replayed: true, order: None, ..first });
    assert_eq!(place(&shop, Some(another_request())).await.unwrap_err(), UseCaseError::KeyReused);
}

/// A database that is read just while an equal request is committed: its receipt is not seen yet, its guard is.
struct ReadMeanwhile(MemoryStore);

#[async_trait]
impl OrderStore for ReadMeanwhile {
    async fn placing(&self, caller: &UserId, key: Option<IdempotencyKey>) -> Result<Placing, StoreError> {
        Ok(Placing { receipt: None, ..self.0.placing(caller, key).await? })
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        OrderStore::now(&self.0).await
    }

    async fn receipt(&self, key: IdempotencyKey) -> Result<Option<StoredReceipt>, StoreError> {
        self.0.receipt(key).await
    }

    async fn load(&self, id: OrderId) -> Result<Option<Loaded>, StoreError> {
        self.0.load(id).await
    }

    async fn load_for(&self, task: &ClaimedTask) -> Result<Option<Loaded>, StoreError> {
        self.0.load_for(task).await
    }

    async fn cause_of(&self, task: &ClaimedTask) -> Result<Option<Cause>, StoreError> {
        self.0.cause_of(task).await
    }

    async fn commit(&self, sets: Vec<WriteSet>) -> Result<Committed, CommitError> {
        self.0.commit(sets).await
    }

    async fn mark_sent(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError> {
        self.0.mark_sent(task, version, entry).await
    }

    async fn put_back(&self, task: &ClaimedTask, version: Version, entry: EntryNo) -> Result<bool, CommitError> {
        self.0.put_back(task, version, entry).await
    }

    async fn forget(&self, limit: u32) -> Result<u32, StoreError> {
        self.0.forget(limit).await
    }
}

#[tokio::test]
async fn who_sees_the_guard_before_the_receipt_gets_the_first_answer_and_not_the_order_as_it_is_by_now() {
    let shop = with_a_cart();
    let first = place(&shop, Some(a_key(1))).await.unwrap();
    shop.step(TaskKind::Charge).await;
    let use_cases = shop.use_cases_over(Arc::new(ReadMeanwhile(shop.store.clone())));
    let again = use_cases.place(&customer("ann"), wish(ONLINE), request(Some(a_key(1)))).await.unwrap();
    assert_eq!((again.replayed, again.receipt), (true, first.receipt));
}
