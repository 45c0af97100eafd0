//! Word of orders as it goes over the channel: `v1 <order>:<version> …`, as many as there is word of.

use std::fmt::Write as _;

use order_domain::OrderId;
use order_domain::ports::LiveEvent;

/// The version of the form that is written.
const VERSION: &str = "v1";

/// Writes it.
pub(super) fn written(events: &[LiveEvent]) -> String {
    let mut text = VERSION.to_owned();
    for event in events {
        // Writing to a text never fails.
        let _ = write!(text, " {}:{}", event.order, event.version);
    }
    text
}

/// Why a message is not understood. Repeats nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    /// It is not of our form.
    #[error("not one of ours")]
    NotOurs,
    /// It was said by a newer instance.
    #[error("of version {0}, which is newer than this instance")]
    Newer(u32),
}

/// Reads it.
///
/// # Errors
/// [`Foreign`]: nothing of it is taken then.
pub(super) fn parse(message: &[u8]) -> Result<Vec<LiveEvent>, Foreign> {
    let text = std::str::from_utf8(message).map_err(|_| Foreign::NotOurs)?;
    let mut words = text.split(' ');
    let version = words.next().unwrap_or_default();
    if version != VERSION {
        let number = version.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
        return Err(number.filter(|number| *number > 1).map_or(Foreign::NotOurs, Foreign::Newer));
    }
    let event = |word: &str| {
        let (order, version) = word.split_once(':')?;
        let order = OrderId::new(order.parse().ok()?).ok()?;
        Some(LiveEvent { order, version: version.parse().ok().filter(|version| *version > 0)? })
    };
    words.map(|word| event(word).ok_or(Foreign::NotOurs)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(order: i64, version: i64) -> LiveEvent {
        LiveEvent { order: OrderId::new(order).unwrap(), version }
    }

    #[test]
    fn what_is_written_is_read() {
        for events in [vec![], vec![event(1, 1)], vec![event(7, 3), event((1 << 53) - 1, i64::MAX)]] {
            assert_eq!(parse(written(&events).as_bytes()), Ok(events));
        }
    }

    #[test]
    fn the_form_stays_as_it_is_for_instances_of_yesterday() {
        assert_eq!(written(&[event(42, 7), event(1, 2)]), "v1 42:7 1:2");
    }

    #[test]
    fn what_is_not_understood_is_told_from_what_is_newer() {
        for (message, expected) in [
            (&b""[..], Foreign::NotOurs),
            (b"hello", Foreign::NotOurs),
            (b"v0 1:1", Foreign::NotOurs),
            (b"v2 1:1:x", Foreign::Newer(2)),
            (b"v1 1", Foreign::NotOurs),
            (b"v1 0:1", Foreign::NotOurs),
            (b"v1 1:-1", Foreign::NotOurs),
            (b"v1 1:1 x", Foreign::NotOurs),
            (b"v1  1:1", Foreign::NotOurs),
            (&[0xff, 0xfe], Foreign::NotOurs),
        ] {
            assert_eq!(parse(message), Err(expected), "{message:?}");
        }
    }
}
