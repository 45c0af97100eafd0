//! One end of a period, as it is given at the command line.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use order_domain::time::{Duration, Timestamp, after};

/// One end of a period.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edge {
    Day(NaiveDate),
    Moment(Timestamp),
}

impl Edge {
    /// Where a period begins that begins with it.
    pub(super) fn from(self) -> Timestamp {
        match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN).and_utc(),
            Self::Moment(moment) => moment,
        }
    }

    /// Where a period ends that ends with it.
    pub(super) fn until(self) -> Timestamp {
        match self {
            Self::Day(_) => after(self.from(), Duration::from_hours(24)),
            Self::Moment(moment) => moment,
        }
    }
}

/// Reads one.
pub(super) fn edge(text: &str) -> Result<Edge, String> {
    let day = text.parse::<NaiveDate>().map(Edge::Day);
    let moment = || DateTime::parse_from_rfc3339(text).map(|at| Edge::Moment(at.with_timezone(&Utc)));
    day.or_else(|_| moment()).map_err(|_| "it is a day, 2026-11-30, or a moment, 2026-11-30T12:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_and_a_moment_is_exact() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let day = edge("2026-11-30").unwrap();
        assert_eq!((day.from(), day.until()), (at("2026-11-30T00:00:00Z"), at("2026-12-01T00:00:00Z")));
        let noon = edge("2026-11-30T13:00:00+01:00").unwrap();
        assert_eq!((noon.from(), noon.until()), (at("2026-11-30T12:00:00Z"), at("2026-11-30T12:00:00Z")));
        for bad in ["", "today", "2026-11-31", "2026-11-30T12:00:00", "30.11.2026"] {
            assert!(edge(bad).is_err(), "{bad}");
        }
    }
}
