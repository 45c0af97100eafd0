//! Putting other lines in the place of an order's lines: asked of the product service as far as something is added, paid
//! or given back, and as it was before if the difference is not paid.

use order_domain::order::{InvalidLines, Rejection, Status, WantedLines};
use order_domain::payment::{EntryState, PaymentStatus, Purpose};
use order_domain::ports::{Claim, ServiceError, ServiceName, TaskKind, TaskStore};
use order_domain::pricing::{Shortage, ShortageReason};
use order_domain::time::after;
use order_domain::{ProductId, Quantity};
use order_testkit::builders::{a_key, an_order, stocked, usd};
use order_testkit::memory::Op;
use order_testkit::services::PaymentAnswer;
use order_usecases::{EditPreview, IfMatch, Request, UseCaseError};

use crate::support::{LEASE, Shop, admin, an_id, courier, customer, request};

pub(crate) fn lines(wanted: &[(i64, u32)]) -> WantedLines {
    let line = |&(product, units): &(i64, u32)| (ProductId::new(product).unwrap(), Quantity::new(units).unwrap());
    WantedLines::new(wanted.iter().map(line).collect()).unwrap()
}

/// Order 1 of two units of product 5 at 2.99, paid: 10.98.
async fn paid() -> Shop {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.step(TaskKind::Charge).await;
    shop
}

/// (product, units, unit price) of order 1.
fn has(shop: &Shop) -> Vec<(i64, u32, i64)> {
    let order = shop.order();
    let lines = order.state().lines.iter();
    lines.map(|line| (line.product.id.get(), line.quantity.get(), line.product.price.minor())).collect()
}

fn asked(shop: &Shop) -> Vec<Vec<i64>> {
    shop.products.asked().into_iter().map(|ids| ids.into_iter().map(ProductId::get).collect()).collect()
}

#[tokio::test]
async fn more_is_charged_and_the_order_waits_for_it() {
    let shop = paid().await;
    let outcome = shop.replace_lines(&customer("ann"), &[(5, 2), (6, 2)]).await.unwrap();
    assert_eq!((outcome.changed, outcome.order.payment_status()), (true, Ok(PaymentStatus::Processing)));
    assert_eq!(has(&shop), [(5, 2, 299), (6, 2, 150)]);
    assert_eq!(asked(&shop), [[6]], "what stays is asked of nobody");
    assert_eq!(shop.set_status(&admin(), Status::Preparing, None).await, Err(Rejection::AdjustmentOpen.into()));
    assert_eq!(shop.replace_lines(&admin(), &[(5, 1)]).await, Err(Rejection::AdjustmentOpen.into()));
    assert_eq!(shop.replace_lines(&admin(), &[(7, 1)]).await, Err(Rejection::AdjustmentOpen.into()));
    assert_eq!(asked(&shop), [[6]], "what is refused anyway is asked of nobody");
    shop.drain().await;
    assert_eq!((shop.entry(2).purpose, shop.entry(2).amount, shop.moved()), (Purpose::Edit, usd(300), (1_398, 0)));
    assert_eq!(shop.order().payment_status(), Ok(PaymentStatus::Paid));
    shop.set_status(&admin(), Status::Preparing, None).await.unwrap();
    shop.drain().await;
    shop.assert_at_rest();
}

#[tokio::test]
async fn less_is_given_back_and_blocks_nothing() {
    let shop = paid().await;
    shop.replace_lines(&admin(), &[(5, 1)]).await.unwrap();
    assert_eq!(asked(&shop), Vec::<Vec<i64>>::new());
    shop.set_status(&admin(), Status::Preparing, None).await.unwrap();
    shop.drain().await;
    assert_eq!((shop.moved(), shop.order().payment_status()), ((1_098, 299), Ok(PaymentStatus::Paid)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_difference_that_is_declined_leaves_the_order_as_it_was_and_the_customer_is_told() {
    let shop = paid().await;
    shop.drain().await;
    shop.payments.plan(&[PaymentAnswer::Decline]);
    shop.replace_lines(&customer("ann"), &[(6, 9)]).await.unwrap();
    let told = shop.notifications.told().len();
    shop.drain().await;
    assert_eq!((has(&shop), shop.order().state().total), (vec![(5, 2, 299)], usd(1_098)));
    assert_eq!(shop.timeline(), ["placed", "confirmed", "edited", "edit_reverted"]);
    assert_eq!(shop.notifications.told().len(), told + 1);
    shop.assert_at_rest();
}

#[tokio::test]
async fn a_difference_that_nobody_answers_for_is_reverted_in_time_and_given_back_if_it_was_taken() {
    let shop = paid().await;
    shop.payments.plan(&[PaymentAnswer::ActAndLoseAnswer]);
    shop.replace_lines(&customer("ann"), &[(5, 3)]).await.unwrap();
    shop.step(TaskKind::Charge).await;
    let edited = shop.entry(2).created_at;
    for _ in 0..40 {
        if shop.order().state().adjustment.is_none() {
            break;
        }
        shop.payments.plan(&[PaymentAnswer::LoseRequest]);
        shop.later_step(TaskKind::Charge).await;
    }
    assert!(shop.order().state().updated_at >= after(edited, shop.rules.payment_timeout));
    assert_eq!((has(&shop), shop.entry(2).state), (vec![(5, 2, 299)], EntryState::Sent));
    shop.drain().await;
    assert_eq!((shop.entry(3).purpose, shop.moved()), (Purpose::Edit, (1_397, 299)));
    shop.assert_at_rest();
}

#[tokio::test]
async fn before_it_is_paid_its_charge_is_booked_anew() {
    let shop = Shop::with(&an_order().placed()).await.0;
    shop.replace_lines(&customer("ann"), &[(5, 4)]).await.unwrap();
    assert_eq!((shop.entry(1).state, shop.entry(2).amount), (EntryState::Withdrawn, usd(1_696)));
    shop.drain().await;
    assert_eq!((shop.moved(), shop.order().status()), ((1_696, 0), Status::Confirmed));
    shop.assert_at_rest();
}

#[tokio::test]
async fn while_a_charge_may_be_taking_the_old_amount_nothing_is_edited() {
    let shop = Shop::with(&an_order().sent()).await.0;
    let refused = shop.replace_lines(&customer("ann"), &[(5, 4)]).await;
    assert_eq!(refused, Err(Rejection::PaymentInProgress.into()));
    assert_eq!(shop.timeline(), ["placed"]);
}

#[tokio::test]
async fn what_is_added_has_to_be_there_and_all_that_is_not_is_named() {
    let shop = paid().await;
    shop.products.put(stocked(6, 150, 3));
    let refused = shop.replace_lines(&customer("ann"), &[(5, 2), (6, 4), (7, 1)]).await;
    let short = |product, requested, available, reason| Shortage {
        product: ProductId::new(product).unwrap(),
        requested,
        available,
        reason,
    };
    let all = vec![short(6, 4, 3, ShortageReason::Short), short(7, 1, 0, ShortageReason::Unknown)];
    assert_eq!(refused, Err(Rejection::OutOfStock(all).into()));
    // Of what the order has, only what is added is looked for.
    shop.products.put(stocked(5, 299, 1));
    shop.replace_lines(&customer("ann"), &[(5, 3)]).await.unwrap();
}

#[tokio::test]
async fn a_product_service_that_is_away_changes_nothing() {
    let shop = paid().await;
    let away = ServiceError::Unavailable { service: ServiceName::Product, detail: "away".into() };
    shop.products.fail_next(away.clone());
    assert_eq!(shop.replace_lines(&customer("ann"), &[(6, 1)]).await, Err(UseCaseError::Service(away)));
    assert_eq!(shop.timeline(), ["placed", "confirmed"]);
}

#[tokio::test]
async fn what_is_refused_anyway_asks_nobody() {
    let shop = Shop::with(&an_order().preparing()).await.0;
    let refused = Rejection::NotChangeable { current: Status::Preparing };
    assert_eq!(shop.replace_lines(&customer("ann"), &[(6, 1)]).await, Err(refused.into()));
    for (who, error) in [(customer("eve"), UseCaseError::NotFound), (courier("cat"), UseCaseError::NotFound)] {
        assert_eq!(shop.replace_lines(&who, &[(6, 1)]).await, Err(error));
    }
    let stale = Request { if_match: IfMatch::OneOf(vec![1]), ..request(None) };
    let refused = shop.use_cases().replace_lines(&customer("ann"), an_id(1), lines(&[(6, 1)]), stale).await;
    assert_eq!(refused, Err(UseCaseError::PreconditionFailed { current: 3 }));
    assert_eq!(asked(&shop), Vec::<Vec<i64>>::new());
}

#[tokio::test]
async fn of_two_edits_at_once_one_is_refused() {
    let shop = paid().await;
    let other = shop.clone();
    shop.store.before_next(Op::Commit, move |_| async move {
        other.replace_lines(&admin(), &[(5, 1)]).await.unwrap();
    });
    let refused = shop.replace_lines(&customer("ann"), &[(5, 3)]).await;
    assert_eq!(refused, Err(UseCaseError::ConcurrentChange));
    assert_eq!(has(&shop), [(5, 1, 299)]);
    shop.drain().await;
    shop.assert_at_rest();
}

/// What was offered for one version is not sold on another.
#[tokio::test]
async fn an_order_that_changes_while_products_are_asked_for_is_not_edited() {
    let shop = paid().await;
    let other = shop.clone();
    shop.store.before_next(Op::Load, |_| async {});
    shop.store.before_next(Op::Load, move |_| async move {
        other.replace_lines(&admin(), &[(5, 1)]).await.unwrap();
    });
    assert_eq!(shop.replace_lines(&customer("ann"), &[(5, 3)]).await, Err(UseCaseError::ConcurrentChange));
    assert_eq!(has(&shop), [(5, 1, 299)]);
}

#[tokio::test]
async fn an_equal_request_under_the_same_key_gets_the_first_answer_and_asks_nobody() {
    let shop = paid().await;
    let ask = || async {
        let wanted = lines(&[(5, 2), (6, 1)]);
        shop.use_cases().replace_lines(&customer("ann"), an_id(1), wanted, request(Some(a_key(1)))).await.unwrap()
    };
    let (first, again) = (ask().await, ask().await);
    assert_eq!((first.receipt, first.replayed, again.replayed), (again.receipt, false, true));
    assert_eq!((asked(&shop).len(), shop.timeline().len()), (1, 3));
}

#[tokio::test]
async fn a_preview_says_what_it_would_come_to_and_changes_nothing() {
    let shop = paid().await;
    let preview = |wanted: &'static [(i64, u32)]| {
        let (shop, wanted) = (shop.clone(), lines(wanted));
        async move { shop.use_cases().preview_lines(&customer("ann"), an_id(1), wanted, &IfMatch::Any).await }
    };
    let of = |subtotal, total, difference| EditPreview {
        version: 2,
        subtotal: usd(subtotal),
        discount: usd(0),
        delivery_fee: usd(500),
        total: usd(total),
        difference: usd(difference),
    };
    assert_eq!(preview(&[(5, 2), (6, 2)]).await, Ok(of(898, 1_398, 300)));
    assert_eq!(preview(&[(5, 1)]).await, Ok(of(299, 799, -299)));
    assert_eq!(preview(&[(5, 2)]).await, Ok(of(598, 1_098, 0)));
    assert_eq!(shop.timeline(), ["placed", "confirmed"]);
    let claim = Claim { slots: vec![(TaskKind::Charge, 9)], chores: Vec::new(), only: None, lease: LEASE };
    assert_eq!(shop.store.claim(&claim).await.unwrap().claimed, []);
}

#[test]
fn what_can_not_be_wanted_is_said() {
    let wanted = |lines: Vec<(i64, u32)>| {
        let line = |(product, units)| (ProductId::new(product).unwrap(), Quantity::new(units).unwrap());
        WantedLines::new(lines.into_iter().map(line).collect())
    };
    assert_eq!(wanted(Vec::new()), Err(InvalidLines::Empty));
    assert_eq!(wanted((1..=101).map(|product| (product, 1)).collect()), Err(InvalidLines::TooMany));
    assert_eq!(wanted(vec![(5, 999), (5, 1)]), Err(InvalidLines::TooManyUnits(ProductId::new(5).unwrap())));
    assert_eq!(wanted(vec![(5, 1), (6, 1), (5, 2)]), wanted(vec![(5, 3), (6, 1)]));
}
