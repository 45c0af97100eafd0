//! Whatever happens in whatever sequence: people and workers get in each other's way, calls are lost, processes die, the
//! database does not say what it did. Then everything calms down, and nothing is lost, doubled or owed.

mod deeds;
mod play;

use order_domain::PaymentMethod;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, proptest};
use proptest::sample::select;

use self::deeds::{Act, Ask, Deed, deeds};
use self::play::Play;

fn play(methods: &[PaymentMethod], deeds: Vec<Deed>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut play = Play::of(methods).await;
        for deed in deeds {
            play.happens(deed).await;
        }
        play.ends().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_money_is_lost_or_taken_twice(
        methods in vec(select(vec![PaymentMethod::Online, PaymentMethod::Online, PaymentMethod::Cash]), 1..=2),
        deeds in deeds(40),
    ) {
        play(&methods, deeds);
    }
}

/// The same, where it hurts most: one online order, one cancellation somewhere, workers that fail in every way.
mod a_cancelled_order {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

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
            play(&[PaymentMethod::Online], [before, vec![Deed::Claims, cancelled], after, vec![last]].concat());
        }
    }
}
