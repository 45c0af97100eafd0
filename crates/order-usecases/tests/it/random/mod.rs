//! Whatever happens in whatever sequence: people and workers get in each other's way, calls are lost, processes die, the
//! database does not say what it did. Then everything calms down, and nothing is lost, doubled or owed.

mod deeds;
mod model;
mod play;

use order_domain::PaymentMethod;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};

use self::deeds::{Act, Ask, Deed, Placed, deeds, placed};
use self::play::Play;

/// `MODEL_CASES` plays of each kind, 5,000 unless it says otherwise: `make model N=…`.
fn cases() -> u32 {
    std::env::var("MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(5_000)
}

fn play(orders: &[Placed], forgets_soon: bool, deeds: Vec<Deed>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut play = Play::of(orders, forgets_soon).await;
        for deed in deeds {
            play.happens(deed).await;
        }
        play.ends().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_money_is_lost_or_taken_twice(
        orders in vec(placed(), 1..=2),
        forgets_soon in any::<bool>(),
        deeds in deeds(40),
    ) {
        play(&orders, forgets_soon, deeds);
    }
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
            play(&[order], false, [before, vec![Deed::Claims, cancelled], after, vec![last]].concat());
        }
    }
}
