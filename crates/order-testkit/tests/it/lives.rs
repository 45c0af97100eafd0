//! Builders and strategies.

use order_domain::audit;
use order_domain::order::{Recorded, Status};
use order_domain::payment::PaymentStatus;
use order_testkit::builders::{Life, an_order, usd};
use order_testkit::strategies::{deeds, orders};
use proptest::prelude::{ProptestConfig, proptest};

fn statuses(life: &Life) -> Vec<Status> {
    life.timeline().iter().map(|event| event.status).collect()
}

#[test]
fn builders_go_all_the_way_to_where_they_are_named_after() {
    use Status::{Cancelled, Confirmed, Delivered, OutForDelivery, Pending, Preparing};
    for (life, status) in [
        (an_order().placed(), Pending),
        (an_order().cash().placed(), Confirmed),
        (an_order().paid(), Confirmed),
        (an_order().assigned_to("c1"), Confirmed),
        (an_order().preparing(), Preparing),
        (an_order().out_for_delivery(), OutForDelivery),
        (an_order().assigned_to("c1").out_for_delivery(), OutForDelivery),
        (an_order().delivered(), Delivered),
        (an_order().cash().delivered(), Delivered),
        (an_order().cancelled(), Cancelled),
        (an_order().paid().cancelled(), Cancelled),
    ] {
        assert_eq!(life.order.status(), status);
        assert_eq!(statuses(&life).last(), Some(&status));
        assert_eq!(life.timeline().iter().map(|event| event.seq).max(), Some(life.order.version()));
    }
    let order = an_order().id(7).customer("eve").lines(&[(5, 299, 2), (6, 100, 1)]).promo(100).fee(250).paid().order;
    let state = order.state();
    assert_eq!((state.id.get(), state.customer.as_str(), state.total), (7, "eve", usd(848)));
    assert_eq!(order.payment_status(), Ok(PaymentStatus::Paid));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn random_lives_are_what_the_rules_allow((order, deeds) in (orders(), deeds(40))) {
        let life = order.placed().lives_through(deeds);
        let told = |event: &Recorded| (event.seq, event.status);
        let events: Vec<_> = life.timeline().iter().map(told).collect();
        assert_eq!(audit::timeline(life.order.state(), &events), []);
    }
}
