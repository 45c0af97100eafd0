//! Whatever happens in whatever sequence: people and workers get in each other's way, calls are lost, processes die, the
//! database does not say what it did. Then everything calms down, and nothing is lost, doubled or owed.

mod deeds;
mod model;
mod play;

use std::collections::BTreeSet;

use order_domain::PaymentMethod;
use order_testkit::services::PaymentAnswer;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use self::deeds::{Act, Ask, Deed, Placed, answers, deeds, placed};
use self::play::Play;

/// `MODEL_CASES` plays of each kind, 5,000 unless it says otherwise: `make model N=…`.
fn cases() -> u32 {
    std::env::var("MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(5_000)
}

/// The names of what happened.
fn play(orders: &[Placed], in_a_hurry: bool, deeds: Vec<Deed>, last: &[PaymentAnswer]) -> BTreeSet<&'static str> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut play = Play::of(orders, in_a_hurry).await;
        for deed in deeds {
            play.happens(deed).await;
        }
        play.ends(last).await
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_money_is_lost_or_taken_twice(
        orders in vec(placed(), 1..=2),
        in_a_hurry in any::<bool>(),
        deeds in deeds(40),
        last in vec(answers(), 0..10),
    ) {
        play(&orders, in_a_hurry, deeds, &last);
    }
}

/// Guards the test above against plays in which nothing happens.
#[test]
fn random_plays_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let plays = (vec(placed(), 1..=2), any::<bool>(), deeds(40), vec(answers(), 0..10));
    let mut events = BTreeSet::new();
    for _ in 0..600 {
        let (orders, in_a_hurry, deeds, last) = plays.new_tree(&mut runner).unwrap().current();
        events.extend(play(&orders, in_a_hurry, deeds, &last));
    }
    let all = [
        "placed",
        "confirmed",
        "preparing",
        "out_for_delivery",
        "delivered",
        "cancelled",
        "assigned",
        "unassigned",
        "address_changed",
        "instructions_changed",
        "rescheduled",
        "released",
        "edited",
        "edit_paid",
        "edit_reverted",
        "goodwill_granted",
        "charge_settled",
        "charge_declined",
        "charge_withdrawn",
        "charge_in_review",
        "refund_settled",
        "refund_declined",
        "refund_in_review",
        "resolved",
    ];
    assert_eq!(events, all.into());
}

/// The same, where it hurts most: one online order, one cancellation somewhere, workers that fail in every way.
mod a_cancelled_order {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn gives_back_what_it_took(
            before in deeds::money(8),
            during in deeds::runs(),
            steps in 0..8_usize,
            after in deeds::money(8),
        ) {
            let cancel = Act::Asks { order: 0, ask: Ask::CustomerCancels };
            let cancelled = Deed::Together(vec![(0, Act::Runs(during)), (steps, cancel)]);
            let last = Deed::Together(vec![(0, Act::Asks { order: 0, ask: Ask::CustomerCancels })]);
            let order = Placed { method: PaymentMethod::Online, wanted_in: None };
            play(&[order], false, [before, vec![Deed::Claims, cancelled], after, vec![last]].concat(), &[]);
        }
    }
}
