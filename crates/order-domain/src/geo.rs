//! Where an order goes: an address and, if the customer's app knows them, coordinates.

use rust_decimal::Decimal;

use crate::text::{InvalidText, Text};

/// Coordinates that lie on no globe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("latitude must be within ±90 and longitude within ±180")]
pub struct OutOfRange;

/// A place on the globe, WGS 84 degrees with at most 7 decimals (a centimetre).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coordinates {
    latitude: Decimal,
    longitude: Decimal,
}

impl Coordinates {
    /// Takes degrees, keeping 7 decimals.
    ///
    /// # Errors
    /// [`OutOfRange`] beyond ±90 and ±180.
    pub fn new(latitude: Decimal, longitude: Decimal) -> Result<Self, OutOfRange> {
        if latitude.abs() > Decimal::from(90) || longitude.abs() > Decimal::from(180) {
            return Err(OutOfRange);
        }
        Ok(Self { latitude: latitude.round_dp(7), longitude: longitude.round_dp(7) })
    }

    /// Degrees north.
    pub fn latitude(&self) -> Decimal {
        self.latitude
    }

    /// Degrees east.
    pub fn longitude(&self) -> Decimal {
        self.longitude
    }

    /// Kilometres to `other` along the great circle: the haversine formula (R. W. Sinnott, *Virtues of the Haversine*,
    /// 1984) on a sphere of the earth's mean radius, 6371.0088 km (IUGG).
    pub fn distance_km(&self, other: &Self) -> f64 {
        const MEAN_RADIUS_KM: f64 = 6371.0088;
        let radians = |degrees: Decimal| f64::try_from(degrees).unwrap_or(0.0).to_radians();
        let (lat1, lat2) = (radians(self.latitude), radians(other.latitude));
        let d_lat = lat2 - lat1;
        let d_lon = radians(other.longitude) - radians(self.longitude);
        let h = (d_lat / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * (d_lon / 2.0).sin().powi(2);
        2.0 * MEAN_RADIUS_KM * h.sqrt().min(1.0).asin()
    }
}

/// Where an order is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The street address, 1..=500 characters.
    pub address: Text<500>,
    /// Its coordinates, where they are known.
    pub coordinates: Option<Coordinates>,
}

impl Destination {
    /// A destination at `address`.
    ///
    /// # Errors
    /// [`InvalidText`] when the address is empty, too long or holds control characters.
    pub fn new(address: &str, coordinates: Option<Coordinates>) -> Result<Self, InvalidText> {
        Ok(Self { address: Text::line(address)?, coordinates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: &str, longitude: &str) -> Result<Coordinates, OutOfRange> {
        Coordinates::new(latitude.parse().unwrap_or_default(), longitude.parse().unwrap_or_default())
    }

    #[test]
    fn keeps_to_the_globe() {
        assert!(at("90", "-180").is_ok());
        assert_eq!(at("90.0000001", "0"), Err(OutOfRange));
        assert_eq!(at("0", "180.1"), Err(OutOfRange));
    }

    #[test]
    fn new_york_to_london_is_5570_km() -> Result<(), OutOfRange> {
        let km = at("40.7128", "-74.0060")?.distance_km(&at("51.5074", "-0.1278")?);
        assert!((km - 5570.2).abs() < 1.0, "{km}");
        let antipodes = at("0", "0")?.distance_km(&at("0", "180")?);
        assert!((antipodes - 20015.1).abs() < 1.0, "{antipodes}");
        Ok(())
    }
}
