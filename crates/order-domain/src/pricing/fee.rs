//! The delivery fee: a flat amount wherever the shop delivers (the default), or one for each band of distance.

use crate::geo::Coordinates;
use crate::money::{Currency, Money};

/// Where the shop delivers to.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceArea {
    /// The places goods are sent from.
    pub fulfilment_points: Vec<Coordinates>,
    /// How far from the nearest of them, in kilometres.
    pub radius_km: f64,
}

/// What delivery costs at which distance. Frozen with each order, so that what it costs after a change is what it would
/// have cost then.
#[derive(Debug, Clone, PartialEq)]
pub struct FeePrices {
    /// The fee where there are no bands, and where the distance is not known.
    pub base: Money,
    /// Bands of distance, the nearest first; beyond the last the shop does not deliver.
    pub bands: Vec<FeeBand>,
}

/// A band of distance: half-open, from where the one before it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeeBand {
    /// Kilometres at which it ends.
    pub below_km: f64,
    /// The fee within it.
    pub amount: Money,
}

impl FeePrices {
    /// One fee, however far.
    pub const fn flat(amount: Money) -> Self {
        Self { base: amount, bands: Vec::new() }
    }

    /// What delivery costs at a distance.
    ///
    /// # Errors
    /// [`NotServiceable`] beyond the last band.
    pub fn at(&self, distance_km: Option<f64>) -> Result<Money, NotServiceable> {
        let Some(km) = distance_km else { return Ok(self.base) };
        if self.bands.is_empty() {
            return Ok(self.base);
        }
        self.bands.iter().find(|band| km < band.below_km).map(|band| band.amount).ok_or(NotServiceable)
    }
}

/// What delivery costs, within a service area; everywhere when none is set.
#[derive(Debug, Clone, PartialEq)]
pub struct FeePolicy {
    /// The fee by distance.
    pub prices: FeePrices,
    /// Where it applies; `None` is everywhere.
    pub area: Option<ServiceArea>,
}

/// The shop does not deliver there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("outside the service area")]
pub struct NotServiceable;

/// An evaluated fee with the input that it depended on.
#[derive(Debug, Clone, PartialEq)]
pub struct Fee {
    /// What delivery costs.
    pub amount: Money,
    /// Kilometres to the nearest fulfilment point, where both places are known.
    pub distance_km: Option<f64>,
}

impl FeePolicy {
    /// The default: 5 major units, everywhere.
    pub fn flat_five(currency: Currency) -> Self {
        let five = Money::from_minor(5 * 10_i64.pow(u32::from(currency.decimals())), currency);
        Self { prices: FeePrices::flat(five), area: None }
    }

    /// What delivery to `destination` costs. Without coordinates the base fee applies.
    ///
    /// # Errors
    /// [`NotServiceable`] beyond the service area.
    pub fn evaluate(&self, destination: Option<&Coordinates>) -> Result<Fee, NotServiceable> {
        let distance_km = self.distance_km(destination)?;
        Ok(Fee { amount: self.prices.at(distance_km)?, distance_km })
    }

    /// Kilometres from the nearest fulfilment point to `destination`, where both are known.
    ///
    /// # Errors
    /// [`NotServiceable`] beyond the service area.
    pub fn distance_km(&self, destination: Option<&Coordinates>) -> Result<Option<f64>, NotServiceable> {
        let (Some(area), Some(place)) = (&self.area, destination) else { return Ok(None) };
        let nearest = area.fulfilment_points.iter().map(|point| point.distance_km(place)).min_by(f64::total_cmp);
        if nearest.is_some_and(|km| km > area.radius_km) { Err(NotServiceable) } else { Ok(nearest) }
    }
}
