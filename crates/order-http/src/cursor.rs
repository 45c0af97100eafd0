//! Cursors: a place in a list, in a form that callers pass back as they got it.
//!
//! It says where a page begins and nothing else: which orders are shown is for the token and the filters to say, so a
//! cursor that is used with other filters, or was made up with care, shows nothing that its bearer may not see. The sum
//! at its end is there for what was cut short, mistyped or invented: such a cursor is refused, rather than taken for some
//! other place.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Datelike;
use order_domain::ports::{ListPlace, TaskPlace};
use order_domain::time::Timestamp;
use order_domain::{OrderId, TaskId};
use sha2::{Digest, Sha256};

/// Microseconds since 1970, the number, the sum.
type Bytes = [u8; 20];

/// Goes into the sum, so that a cursor of one list is none of another.
const ORDERS: &[u8] = b"place in a list of orders";
const TASKS: &[u8] = b"place in a list of tasks";

/// A place in a list of orders as a cursor: 27 characters that need no escaping.
pub(crate) fn written(place: &ListPlace) -> String {
    encoded(ORDERS, place.created_at, place.id.get())
}

/// The place in a list of orders that a cursor stands for, if it is one.
pub(crate) fn read(text: &str) -> Option<ListPlace> {
    let (created_at, id) = decoded(ORDERS, text)?;
    Some(ListPlace { created_at, id: OrderId::new(id).ok()? })
}

/// A place in a list of tasks as a cursor, as [`written`].
pub(crate) fn of_task(place: &TaskPlace) -> String {
    encoded(TASKS, place.due_at, place.id.get())
}

/// The place in a list of tasks that a cursor stands for, if it is one.
pub(crate) fn read_task(text: &str) -> Option<TaskPlace> {
    let (due_at, id) = decoded(TASKS, text)?;
    Some(TaskPlace { due_at, id: TaskId::new(id).ok()? })
}

fn encoded(list: &[u8], moment: Timestamp, id: i64) -> String {
    let mut bytes: Bytes = [0; 20];
    bytes[..8].copy_from_slice(&moment.timestamp_micros().to_be_bytes());
    bytes[8..16].copy_from_slice(&id.to_be_bytes());
    let sum = sum(list, &bytes[..16]);
    bytes[16..].copy_from_slice(&sum);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(list: &[u8], text: &str) -> Option<(Timestamp, i64)> {
    let bytes: Bytes = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let number = |bytes: &[u8]| Some(i64::from_be_bytes(bytes.try_into().ok()?));
    if bytes[16..] != sum(list, &bytes[..16]) {
        return None;
    }
    let moment = Timestamp::from_timestamp_micros(number(&bytes[..8])?)?;
    // Years of four digits, as everywhere.
    (1..=9999).contains(&moment.year()).then_some((moment, number(&bytes[8..16])?))
}

fn sum(list: &[u8], place: &[u8]) -> [u8; 4] {
    let hash = Sha256::new_with_prefix(list).chain_update(place).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(micros: i64, id: i64) -> ListPlace {
        ListPlace { created_at: Timestamp::from_timestamp_micros(micros).unwrap(), id: OrderId::new(id).unwrap() }
    }

    #[test]
    fn a_cursor_is_its_place_again_to_the_microsecond() {
        for (micros, id) in [(1_767_272_400_123_456, 1), (0, 7), (-1, (1 << 53) - 1), (253_402_300_799_999_999, 1)] {
            let cursor = written(&place(micros, id));
            assert_eq!(read(&cursor), Some(place(micros, id)));
            assert_eq!(cursor.len(), 27);
            assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{cursor}");
        }
    }

    #[test]
    fn a_cursor_of_one_list_is_none_of_another() {
        let order = place(1_767_272_400_123_456, 42);
        let task = TaskPlace { due_at: order.created_at, id: TaskId::new(42).unwrap() };
        assert_eq!(read_task(&of_task(&task)), Some(task));
        assert_eq!((read_task(&written(&order)), read(&of_task(&task))), (None, None));
    }

    #[test]
    fn what_was_touched_is_no_cursor() {
        let cursor = written(&place(1_767_272_400_123_456, 42));
        for at in 0..cursor.len() {
            for other in ["A", "B", "z", "9", "-", "=", " ", "+", "é"] {
                let forged = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
                assert!(forged == cursor || read(&forged).is_none(), "{forged}");
            }
            assert_eq!(read(&cursor[..at]), None, "cut short");
        }
        assert_eq!(read(&format!("{cursor}A")), None);
        assert_eq!(read(&format!("{cursor}=")), None);
        assert_eq!(read(&"A".repeat(27)), None);
    }

    #[test]
    fn a_place_that_no_order_can_have_is_no_cursor() {
        let forged = |micros: i64, id: i64| {
            let place = [micros.to_be_bytes(), id.to_be_bytes()].concat();
            URL_SAFE_NO_PAD.encode([&place[..], &sum(ORDERS, &place)].concat())
        };
        assert!(read(&forged(0, 1)).is_some());
        for (micros, id) in [(0, 0), (0, -1), (0, 1 << 53), (i64::MAX, 1), (i64::MIN, 1), (253_402_300_800_000_000, 1)]
        {
            assert_eq!(read(&forged(micros, id)), None, "{micros} {id}");
        }
    }
}
