//! The delivery fee: the default policy, a flat amount wherever the shop delivers.

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

/// A flat fee within a service area; everywhere when none is set.
#[derive(Debug, Clone, PartialEq)]
pub struct FeePolicy {
    /// The fee.
    pub amount: Money,
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
        Self { amount: Money::from_minor(5 * 10_i64.pow(u32::from(currency.decimals())), currency), area: None }
    }

    /// What delivery to `destination` costs. Without coordinates the base fee applies.
    ///
    /// # Errors
    /// [`NotServiceable`] beyond the service area.
    pub fn evaluate(&self, destination: Option<&Coordinates>) -> Result<Fee, NotServiceable> {
        Ok(Fee { amount: self.amount, distance_km: self.distance_km(destination)? })
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
