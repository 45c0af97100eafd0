//! The settings that are rules of the shop: what the domain decides by.

use std::time::Duration;

use order_domain::pricing::{FeeBand, FeePolicy, FeePrices, ServiceArea};
use order_domain::{Coordinates, Currency, Money, Rules};
use rust_decimal::Decimal;

use super::Given;

/// A payment service that forgets sooner than this can't be asked twice: a twenty-fourth of it, the time for which no call
/// is made before a person looks, has to be longer than any call.
const KEY_TTL_LEAST: Duration = Duration::from_mins(10);
/// The longest that anything of an order is waited for.
const LONGEST: Duration = Duration::from_hours(366 * 24);

impl Given {
    pub(super) fn rules(&mut self) -> Option<Rules> {
        // Each is looked at, whatever is wrong with the others.
        let currency = self.parsed("CURRENCY", |code| Currency::from_code(code).map_err(|error| error.to_string()));
        let payment_timeout = self.duration("PAYMENT_TIMEOUT", Duration::from_secs(1), Duration::from_hours(30 * 24));
        let payment_key_ttl = self.duration("PAYMENT_KEY_TTL", KEY_TTL_LEAST, LONGEST);
        let accept_orders = self.switch("ACCEPT_ORDERS");
        let cash_on_delivery = self.switch("CASH_ON_DELIVERY");
        let schedule_at_least = self.duration("SCHEDULE_MIN_AHEAD", Duration::from_secs(1), LONGEST);
        let schedule_at_most = self.duration("SCHEDULE_MAX_AHEAD", Duration::from_secs(1), LONGEST);
        if let (Some(least), Some(most)) = (schedule_at_least, schedule_at_most)
            && least >= most
        {
            self.mistake("SCHEDULE_MAX_AHEAD: must be more than SCHEDULE_MIN_AHEAD");
        }
        let release_lead = self.lead();
        let fee = self.fee_policy(currency);
        Some(Rules {
            accept_orders: accept_orders?,
            payment_timeout: payment_timeout?,
            payment_key_ttl: payment_key_ttl?,
            cash_on_delivery: cash_on_delivery?,
            schedule_at_least: schedule_at_least?,
            schedule_at_most: schedule_at_most?,
            release_lead: release_lead?,
            fee: fee?,
            ..Rules::new(currency?)
        })
    }

    /// How long before its time a scheduled order is released.
    pub(super) fn lead(&mut self) -> Option<Duration> {
        self.duration("RELEASE_LEAD", Duration::ZERO, LONGEST)
    }

    /// One fee, or one for each band of distance. Where there are bands, the nearest is the fee of whoever gives no
    /// coordinates, and the shop delivers as far as the last goes unless a radius is set, too.
    fn fee_policy(&mut self, currency: Option<Currency>) -> Option<FeePolicy> {
        let flat = currency.and_then(|currency| self.parsed("DELIVERY_FEE", |value| fee(value, currency)));
        let points = self.parsed("FULFILMENT_POINTS", points);
        let radius_km = self.number("DELIVERY_RADIUS_KM", 0.0, 20_100.0);
        let bands = currency.and_then(|currency| self.parsed("DELIVERY_BANDS", |value| bands(value, currency)));
        let (flat, points, mut radius_km, bands) = (flat?, points?, radius_km?, bands?);
        let prices = match (bands.first(), bands.last()) {
            (Some(nearest), Some(farthest)) => {
                if points.is_empty() {
                    self.mistake("DELIVERY_BANDS: needs FULFILMENT_POINTS, from which the distance is measured");
                }
                if self.is_given("DELIVERY_FEE") {
                    self.without_effect.push("DELIVERY_FEE".to_owned());
                }
                if !self.is_given("DELIVERY_RADIUS_KM") {
                    radius_km = farthest.below_km;
                }
                FeePrices { base: nearest.amount, bands }
            }
            _ => FeePrices::flat(flat),
        };
        let area = (!points.is_empty()).then_some(ServiceArea { fulfilment_points: points, radius_km });
        Some(FeePolicy { prices, area })
    }
}

fn fee(value: &str, currency: Currency) -> Result<Money, String> {
    let amount = value.parse::<Decimal>().map_err(|_| "must be an amount such as 5.00".to_owned())?;
    match Money::exact(amount, currency) {
        Ok(fee) if !fee.is_negative() => Ok(fee),
        Ok(_) => Err("must not be negative".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// `LATITUDE,LONGITUDE`, several with `;` between them; empty: none.
fn points(value: &str) -> Result<Vec<Coordinates>, String> {
    let point = |text: &str| {
        let (latitude, longitude) = text.split_once(',')?;
        Coordinates::new(latitude.trim().parse().ok()?, longitude.trim().parse().ok()?).ok()
    };
    listed(value)
        .map(point)
        .collect::<Option<_>>()
        .ok_or_else(|| "must be LATITUDE,LONGITUDE, several with ; between them".into())
}

/// `KILOMETRES=FEE`, several with `;` between them, the nearest first; empty: none.
fn bands(value: &str, currency: Currency) -> Result<Vec<FeeBand>, String> {
    let mut bands: Vec<FeeBand> = Vec::new();
    for text in listed(value) {
        let (below_km, amount) = text
            .split_once('=')
            .ok_or("must be KILOMETRES=FEE, several with ; between them, such as 3=2.50;10=5.00")?;
        let below_km = below_km.trim().parse().ok().filter(|km: &f64| km.is_finite() && *km > 0.0);
        let below_km = below_km.ok_or("a band ends at a number of kilometres above 0")?;
        if bands.last().is_some_and(|nearer| nearer.below_km >= below_km) {
            return Err("each band must end farther away than the one before it".into());
        }
        bands.push(FeeBand { below_km, amount: fee(amount.trim(), currency)? });
    }
    Ok(bands)
}

fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(';').map(str::trim).filter(|text| !text.is_empty())
}
