//! Numbers: splitting an amount, pricing a cart, writing and reading money.

use order_domain::pricing::price;
use order_domain::{Currency, Money, Quantity};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::usd;

fn minor(parts: &[Money]) -> Vec<i64> {
    parts.iter().map(|part| part.minor()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_an_amount_add_up_to_it_and_each_is_fair(
        amount in 0..=i64::MAX,
        weights in vec(prop_oneof![Just(0), 0..100_i64, 0..=i64::MAX], 0..50),
    ) {
        let parts = minor(&usd(amount).split(&weights).unwrap());
        prop_assert_eq!(parts.len(), weights.len());
        let total: i128 = weights.iter().map(|&w| i128::from(w)).sum();
        let sum: i128 = parts.iter().map(|&part| i128::from(part)).sum();
        prop_assert_eq!(sum, if total == 0 { 0 } else { i128::from(amount) });
        for (&part, &weight) in parts.iter().zip(&weights) {
            // Within a unit of its exact share: floor or floor + 1, and nothing for no weight.
            let floor = if total == 0 { 0 } else { i128::from(amount) * i128::from(weight) / total };
            prop_assert!((floor..=floor + 1).contains(&i128::from(part)), "{} of {}", part, floor);
            prop_assert!(weight > 0 || part == 0);
        }
    }

    #[test]
    fn who_weighs_more_never_gets_less_and_among_equals_the_first_comes_first(
        amount in 0..10_000_i64,
        weights in vec(0..20_i64, 1..12),
    ) {
        let parts = minor(&usd(amount).split(&weights).unwrap());
        for (i, j) in (0..weights.len()).flat_map(|i| (0..weights.len()).map(move |j| (i, j))) {
            prop_assert!(weights[i] <= weights[j] || parts[i] >= parts[j]);
            prop_assert!(!(weights[i] == weights[j] && i < j) || parts[i] >= parts[j]);
        }
    }

    #[test]
    fn the_split_does_not_depend_on_the_order_of_lines_beyond_ties(
        amount in 0..10_000_i64,
        weights in vec(1..1_000_i64, 1..12),
    ) {
        let mut forward = minor(&usd(amount).split(&weights).unwrap());
        let backward: Vec<i64> = weights.iter().rev().copied().collect();
        let mut backward = minor(&usd(amount).split(&backward).unwrap());
        forward.sort_unstable();
        backward.sort_unstable();
        // Only a unit that lies between equal remainders may move.
        let apart: i64 = forward.iter().zip(&backward).map(|(a, b)| (a - b).abs()).sum();
        let moved = i64::try_from(weights.len()).unwrap();
        prop_assert!(apart <= moved, "{} {:?} {:?}", apart, forward, backward);
        prop_assert_eq!(forward.iter().sum::<i64>(), backward.iter().sum::<i64>());
    }

    #[test]
    fn a_priced_cart_adds_up(
        lines in vec((1..=100_000_000_i64, 1..=999_u32), 1..=100),
        discount in prop_oneof![Just(0), 0..100_000_i64, Just(i64::MAX)],
        fee in 0..10_000_i64,
    ) {
        let units = lines.iter().map(|&(price, units)| (usd(price), Quantity::new(units).unwrap()));
        let prices = price(Currency::USD, units, usd(discount), usd(fee)).unwrap();
        let gross: Vec<i64> = lines.iter().map(|&(price, units)| price * i64::from(units)).collect();
        let subtotal = gross.iter().sum::<i64>();
        prop_assert_eq!(prices.subtotal.minor(), subtotal);
        prop_assert_eq!(prices.discount.minor(), discount.min(subtotal));
        prop_assert_eq!(prices.total.minor(), subtotal - prices.discount.minor() + fee);
        prop_assert_eq!(minor(&prices.nets).iter().sum::<i64>(), subtotal - prices.discount.minor());
        for (net, gross) in prices.nets.iter().zip(gross) {
            prop_assert!((0..=gross).contains(&net.minor()), "no line costs less than nothing");
        }
    }

    #[test]
    fn an_amount_reads_back_as_it_was_written(
        minor in any::<i64>(),
        code in prop::sample::select(vec!["USD", "JPY", "KWD"]),
    ) {
        let amount = Money::from_minor(minor, Currency::from_code(code).unwrap());
        prop_assert_eq!(Money::exact(amount.to_decimal(), amount.currency()), Ok(amount));
        prop_assert_eq!(Money::rounded(amount.to_string().parse().unwrap(), amount.currency()), Ok(amount));
    }
}
