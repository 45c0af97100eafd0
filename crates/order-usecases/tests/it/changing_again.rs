//! Changing again under a key: one change, one answer, whatever the order has become meanwhile.

use std::sync::Arc;

use order_domain::Text;
use order_domain::order::{CancelCode, DeliveryChange, Rejection, Status};
use order_domain::ports::{IdempotencyKey, StoredReceipt};
use order_testkit::builders::{Life, a_key, an_order, usd, user};
use order_testkit::memory::{Fault, Op};
use order_usecases::{Answer, Caller, Outcome, Request, UseCaseError};

use crate::support::{Shop, admin, an_id, courier, customer, request};

/// A change of order 1 that may be asked for under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Confirm,
    Assign,
    Take,
    Cancel,
    ChangeDelivery,
    GrantGoodwill,
}

const ALL: [Ask; 6] = [Ask::Confirm, Ask::Assign, Ask::Take, Ask::Cancel, Ask::ChangeDelivery, Ask::GrantGoodwill];

/// Those that ask for what is so already when they are asked for once more.
const IDEMPOTENT: [Ask; 5] = [Ask::Confirm, Ask::Assign, Ask::Take, Ask::Cancel, Ask::ChangeDelivery];

impl Ask {
    /// An order of which this can be made.
    fn life(self) -> Life {
        match self {
            Self::Confirm => an_order().placed(),
            Self::Assign | Self::Take | Self::Cancel | Self::ChangeDelivery | Self::GrantGoodwill => an_order().paid(),
        }
    }

    async fn of(self, shop: &Shop) -> Result<Answer, UseCaseError> {
        self.under(shop, Some(a_key(1))).await
    }

    async fn under(self, shop: &Shop, key: Option<IdempotencyKey>) -> Result<Answer, UseCaseError> {
        let (use_cases, id, request) = (shop.use_cases(), an_id(1), request(key));
        match self {
            Self::Confirm => use_cases.set_status(&admin(), id, Status::Confirmed, None, request).await,
            Self::Assign => use_cases.assign(&admin(), id, Some(user("bob")), request).await,
            Self::Take => use_cases.assign(&courier("bob"), id, Some(user("bob")), request).await,
            Self::Cancel => use_cases.cancel(&customer("ann"), id, None, None, request).await,
            Self::ChangeDelivery => {
                let address = Some(Text::line("2 Main St").unwrap());
                let change = DeliveryChange { address, ..DeliveryChange::default() };
                use_cases.change_delivery(&customer("ann"), id, change, request).await
            }
            Self::GrantGoodwill => {
                let reason = Text::line("they waited long").unwrap();
                use_cases.grant_goodwill(&admin(), id, usd(250), reason, request).await
            }
        }
    }
}

async fn with(life: &Life) -> Shop {
    Shop::with(life).await.0
}

async fn cancel(shop: &Shop, caller: &Caller, key: IdempotencyKey) -> Result<Answer, UseCaseError> {
    shop.use_cases().cancel(caller, an_id(1), None, None, request(Some(key))).await
}

/// The same key for another request.
fn another_request() -> IdempotencyKey {
    IdempotencyKey { fingerprint: [1; 32], ..a_key(1) }
}

fn receipts(shop: &Shop) -> Vec<StoredReceipt> {
    shop.store.receipts().into_iter().map(|(_, stored)| stored).collect()
}

#[tokio::test]
async fn an_equal_change_under_the_same_key_gets_the_same_answer_and_changes_nothing() {
    for ask in ALL {
        let shop = with(&ask.life()).await;
        let first = ask.of(&shop).await.unwrap();
        let (counts, commits) = (shop.store.counts(), shop.store.calls(Op::Commit));
        let second = ask.of(&shop).await.unwrap();
        assert_eq!((first.replayed, second.replayed), (false, true), "{ask:?}");
        assert_eq!(first.receipt, second.receipt, "{ask:?}");
        assert_eq!((shop.store.counts(), shop.store.calls(Op::Commit)), (counts, commits), "{ask:?}");
        assert_eq!((counts.receipts, receipts(&shop)[0].receipt.clone()), (1, first.receipt), "{ask:?}");
    }
}

/// The courier is another's by now, the order is cancelled, the user service is asked nothing.
#[tokio::test]
async fn the_answer_is_the_first_one_whatever_the_order_has_become() {
    for ask in [Ask::Confirm, Ask::Assign, Ask::Take, Ask::ChangeDelivery, Ask::GrantGoodwill] {
        let shop = with(&ask.life()).await;
        let first = ask.of(&shop).await.unwrap();
        shop.assign(&admin(), Some("cat")).await.unwrap();
        shop.cancel(&admin(), None).await.unwrap();
        let asked = shop.users.asked();
        let again = ask.of(&shop).await.unwrap();
        assert_eq!((again.replayed, again.receipt), (true, first.receipt), "{ask:?}");
        assert_eq!(shop.users.asked(), asked);
    }
}

#[tokio::test]
async fn a_key_that_was_used_for_another_change_is_refused_before_anything_is_said_of_the_order() {
    for ask in ALL {
        let shop = with(&ask.life()).await;
        ask.of(&shop).await.unwrap();
        let before = (shop.store.counts(), shop.store.calls(Op::Load));
        assert_eq!(ask.under(&shop, Some(another_request())).await, Err(UseCaseError::KeyReused), "{ask:?}");
        assert_eq!((shop.store.counts(), shop.store.calls(Op::Load)), before);
    }
}

#[tokio::test]
async fn what_changes_nothing_is_a_receipt_and_no_event() {
    for ask in IDEMPOTENT {
        let shop = with(&ask.life()).await;
        ask.under(&shop, None).await.unwrap();
        let (before, events, commits) = (shop.order(), shop.timeline(), shop.store.calls(Op::Commit));

        ask.under(&shop, None).await.unwrap();
        assert_eq!(
            (shop.store.counts().receipts, shop.store.calls(Op::Commit)),
            (0, commits),
            "without a key, nothing"
        );

        let first = ask.of(&shop).await.unwrap();
        assert_eq!((shop.order(), shop.timeline()), (before, events), "{ask:?}");
        assert_eq!((first.replayed, receipts(&shop)[0].receipt.clone()), (false, first.receipt.clone()));
        let again = ask.of(&shop).await.unwrap();
        assert_eq!((again.replayed, again.receipt), (true, first.receipt), "{ask:?}");
    }
}

#[tokio::test]
async fn a_cancellation_that_comes_again_says_what_the_first_one_said_of_the_refund() {
    let shop = with(&an_order().paid()).await;
    let says = |outcome: &Outcome| {
        let body = format!("{} {}", outcome.changed, outcome.refund_initiated()).into_bytes();
        Ok(order_domain::ports::Receipt { status: 200, headers: Vec::new(), body })
    };
    let cancel = |key| {
        let (use_cases, request) = (shop.use_cases(), Request { render: Arc::new(says), ..request(Some(a_key(key))) });
        async move { use_cases.cancel(&customer("ann"), an_id(1), None, None, request).await.unwrap() }
    };
    assert_eq!(cancel(1).await.receipt.body, b"true true");
    shop.drain().await;
    let (again, anew) = (cancel(1).await, cancel(2).await);
    assert_eq!((again.replayed, again.receipt.body), (true, b"true true".to_vec()));
    assert_eq!((anew.replayed, anew.receipt.body), (false, b"false false".to_vec()));
}

#[tokio::test]
async fn a_change_that_is_refused_uses_up_no_key() {
    let shop = with(&an_order().paid()).await;
    let set = |to| {
        let (use_cases, request) = (shop.use_cases(), request(Some(a_key(1))));
        async move { use_cases.set_status(&admin(), an_id(1), to, None, request).await }
    };
    let refusal = set(Status::Delivered).await.unwrap_err();
    assert!(matches!(refusal, UseCaseError::Rejected(Rejection::IllegalTransition { .. })));
    assert_eq!(cancel(&shop, &customer("eve"), a_key(1)).await, Err(UseCaseError::NotFound));
    assert_eq!(shop.store.counts().receipts, 0);
    assert!(!set(Status::Preparing).await.unwrap().replayed);
}

/// An equal request is first, and the order has moved on, after this one has looked for its key and before it looks at
/// the order: every refusal gives way.
#[tokio::test]
async fn a_refusal_gives_way_to_the_answer_of_an_equal_change_that_was_first() {
    for ask in ALL {
        let shop = with(&ask.life()).await;
        let other = shop.clone();
        shop.store.before_next(Op::Load, move |_| async move {
            assert!(!ask.of(&other).await.unwrap().replayed);
            if ask != Ask::Cancel {
                other.cancel(&admin(), None).await.unwrap();
            }
        });
        let second = ask.of(&shop).await.unwrap();
        assert_eq!((second.replayed, second.receipt), (true, receipts(&shop)[0].receipt.clone()), "{ask:?}");
    }
}

#[tokio::test]
async fn who_may_not_even_see_the_order_any_more_is_still_told_what_they_were_told() {
    let shop = with(&an_order().assigned_to("bob")).await;
    let prepare = |shop: &Shop, key| {
        let (use_cases, request) = (shop.use_cases(), request(key));
        async move { use_cases.set_status(&courier("bob"), an_id(1), Status::Preparing, None, request).await }
    };
    let other = shop.clone();
    shop.store.before_next(Op::Load, move |_| async move {
        prepare(&other, Some(a_key(1))).await.unwrap();
        other.assign(&admin(), Some("cat")).await.unwrap();
    });
    assert!(prepare(&shop, Some(a_key(1))).await.unwrap().replayed);
    assert_eq!(prepare(&shop, None).await, Err(UseCaseError::NotFound), "without the key");
}

#[tokio::test]
async fn a_refusal_under_a_key_that_another_change_has_used_meanwhile_is_about_the_key() {
    let shop = with(&an_order().paid()).await;
    let other = shop.clone();
    shop.store.before_next(Op::Load, move |_| async move {
        cancel(&other, &customer("ann"), another_request()).await.unwrap();
    });
    assert_eq!(Ask::Take.of(&shop).await, Err(UseCaseError::KeyReused));
}

#[tokio::test]
async fn a_code_that_may_not_be_given_is_looked_up_once_more_and_refused() {
    let shop = with(&an_order().paid()).await;
    let (lookups, code) = (shop.store.calls(Op::Receipt), Some(CancelCode::Shop));
    let keyed = shop.use_cases().cancel(&customer("ann"), an_id(1), code, None, request(Some(a_key(1)))).await;
    assert_eq!(keyed, Err(UseCaseError::CodeNotAllowed));
    assert_eq!(shop.store.calls(Op::Receipt) - lookups, 2);
    assert_eq!(shop.cancel(&customer("ann"), code).await, Err(UseCaseError::CodeNotAllowed));
    assert_eq!(shop.store.calls(Op::Receipt) - lookups, 2, "without a key nothing is looked up");
}

#[tokio::test]
async fn an_equal_change_that_commits_first_is_answered_for_both() {
    for ask in ALL {
        let shop = with(&ask.life()).await;
        let other = shop.clone();
        shop.store.before_next(Op::Commit, move |_| async move {
            assert!(!ask.of(&other).await.unwrap().replayed);
        });
        let before = shop.timeline().len();
        let second = ask.of(&shop).await.unwrap();
        assert_eq!((second.replayed, second.receipt), (true, receipts(&shop)[0].receipt.clone()), "{ask:?}");
        assert_eq!(shop.timeline().len(), before + 1, "{ask:?}");
    }
}

#[tokio::test]
async fn many_equal_changes_at_once_are_one() {
    for ask in ALL {
        let shop = with(&ask.life()).await;
        let before = shop.timeline().len();
        let requests: Vec<_> = (0..50)
            .map(|_| {
                let shop = shop.clone();
                tokio::spawn(async move { ask.of(&shop).await.unwrap() })
            })
            .collect();
        let mut answers = Vec::new();
        for request in requests {
            answers.push(request.await.unwrap());
        }
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1, "{ask:?}");
        assert!(answers.iter().all(|answer| answer.receipt == answers[0].receipt), "{ask:?}");
        assert_eq!((shop.timeline().len() - before, shop.store.counts().receipts), (1, 1), "{ask:?}");
    }
}

#[tokio::test]
async fn a_change_that_took_without_saying_so_is_found_under_its_key() {
    for ask in ALL {
        let shop = with(&ask.life()).await;
        let before = shop.timeline().len();
        shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
        let answer = ask.of(&shop).await.unwrap();
        assert_eq!((answer.replayed, answer.receipt), (true, receipts(&shop)[0].receipt.clone()), "{ask:?}");
        assert_eq!(shop.timeline().len(), before + 1);
    }
}

#[tokio::test]
async fn a_keyed_change_that_did_not_say_is_never_decided_again() {
    for ask in ALL {
        let shop = with(&ask.life()).await;
        let (before, commits) = (shop.order(), shop.store.calls(Op::Commit));
        shop.store.fail_next(Op::Commit, Fault::UndoneButUnknown);
        let answer = ask.of(&shop).await;
        assert!(matches!(answer, Err(UseCaseError::OutcomeUnknown(_))), "{answer:?}");
        assert_eq!((shop.order(), shop.store.calls(Op::Commit) - commits), (before, 1));

        shop.store.fail_next(Op::Commit, Fault::DoneButUnknown);
        shop.store.before_next(Op::Commit, |store| async move { store.fail_next(Op::Receipt, Fault::Unavailable) });
        let answer = ask.of(&shop).await;
        assert!(matches!(answer, Err(UseCaseError::OutcomeUnknown(_))), "{answer:?}");
        // Asked again with the same key, it is told.
        assert!(ask.of(&shop).await.unwrap().replayed);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_up_changes_nothing() {
    let shop = with(&an_order().paid()).await;
    shop.store.fail_next(Op::Receipt, Fault::Unavailable);
    assert!(matches!(Ask::Cancel.of(&shop).await, Err(UseCaseError::Unavailable(_))));
    assert_eq!(shop.order().status(), Status::Confirmed);
}
