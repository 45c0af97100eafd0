//! What other services are told of a stored event: its data, read back.
//!
//! Rows of every release are read: what an earlier one did not write yet is not known of its events. A type or a version
//! that only a later one knows says nothing; a type that is known and whose data can't be what it says is an error.

use order_domain::ports::{EventAmounts, EventFacts, EventLine};
use order_domain::time::Timestamp;
use order_domain::{Currency, EntryNo, LineId, Money, PaymentMethod, ProductId, UserId};
use serde::Deserialize;

use super::event::V;

/// Every member that the data of some type has. Amounts are minor units.
#[derive(Deserialize)]
struct Data {
    payment_method: Option<String>,
    subtotal: Option<i64>,
    discount: Option<i64>,
    delivery_fee: Option<i64>,
    total: Option<i64>,
    difference: Option<i64>,
    lines: Option<Vec<StoredLine>>,
    scheduled_for: Option<String>,
    release_at: Option<String>,
    entry: Option<EntryNo>,
    declined: Option<EntryNo>,
    as_cash: Option<bool>,
    by_hand: Option<bool>,
    code: Option<String>,
    courier: Option<String>,
    previous: Option<String>,
    amount: Option<i64>,
    outcome: Option<String>,
    task: Option<String>,
}

#[derive(Deserialize)]
struct StoredLine {
    line: i64,
    product_id: i64,
    quantity: u32,
    price: i64,
    net: i64,
}

type Read = Result<EventFacts, String>;

/// What the data of a type says.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn facts(kind: &str, v: i32, data: &str, currency: Currency) -> Read {
    let read: fn(&Data, Currency) -> Read = match kind {
        "placed" => placed,
        "confirmed" => confirmed,
        "rescheduled" => rescheduled,
        "edited" => edited,
        "edit_paid" => edit_paid,
        "edit_reverted" => edit_reverted,
        "address_changed" => address_changed,
        "released" | "preparing" | "out_for_delivery" | "delivered" | "instructions_changed" => {
            |_, _| Ok(EventFacts::default())
        }
        "cancelled" => cancelled,
        "assigned" => assigned,
        "unassigned" => unassigned,
        "goodwill_granted" => goodwill_granted,
        "resolved" => resolved,
        "refund_settled" => refund_settled,
        "charge_settled" | "charge_declined" | "charge_withdrawn" | "charge_in_review" | "refund_declined"
        | "refund_in_review" => of_an_entry,
        "task_retried" => task_retried,
        "task_discarded" => task_discarded,
        _ => return Ok(EventFacts::default()),
    };
    if v > V {
        return Ok(EventFacts::default());
    }
    let wrong = |what: String| format!("data of {kind:?}: {what}");
    let data: Data = serde_json::from_str(data).map_err(|error| wrong(error.to_string()))?;
    read(&data, currency).map_err(wrong)
}

fn placed(data: &Data, currency: Currency) -> Read {
    let method = need("payment_method", data.payment_method.as_deref())?;
    let method = PaymentMethod::from_name(method).ok_or_else(|| format!("payment_method {method:?}"))?;
    Ok(EventFacts {
        amounts: Some(amounts(data, currency)?),
        scheduled_for: data.scheduled_for.as_deref().map(moment).transpose()?,
        lines: Some(lines(data.lines.as_deref(), currency)?),
        payment_method: Some(method),
        ..EventFacts::default()
    })
}

fn confirmed(data: &Data, _: Currency) -> Read {
    Ok(EventFacts {
        entry: data.entry,
        as_cash: Some(need("as_cash", data.as_cash)?),
        release_at: data.release_at.as_deref().map(moment).transpose()?,
        ..EventFacts::default()
    })
}

fn rescheduled(data: &Data, _: Currency) -> Read {
    Ok(EventFacts {
        scheduled_for: data.scheduled_for.as_deref().map(moment).transpose()?,
        release_at: data.release_at.as_deref().map(moment).transpose()?,
        ..EventFacts::default()
    })
}

fn edited(data: &Data, currency: Currency) -> Read {
    Ok(EventFacts {
        amounts: Some(amounts(data, currency)?),
        difference: Some(need("difference", data.difference)?),
        lines: Some(lines(data.lines.as_deref(), currency)?),
        ..EventFacts::default()
    })
}

fn edit_paid(data: &Data, _: Currency) -> Read {
    Ok(EventFacts {
        entry: Some(need("entry", data.entry)?),
        release_at: data.release_at.as_deref().map(moment).transpose()?,
        ..EventFacts::default()
    })
}

fn edit_reverted(data: &Data, _: Currency) -> Read {
    Ok(EventFacts {
        declined: data.declined,
        release_at: data.release_at.as_deref().map(moment).transpose()?,
        ..EventFacts::default()
    })
}

/// A new address where delivery costs the same changes no amount, and neither did any address of the first releases.
fn address_changed(data: &Data, currency: Currency) -> Read {
    let (Some(fee), Some(total)) = (data.delivery_fee, data.total) else { return Ok(EventFacts::default()) };
    let amounts = EventAmounts {
        subtotal: None,
        discount: None,
        delivery_fee: Money::from_minor(fee, currency),
        total: Money::from_minor(total, currency),
    };
    let difference = Some(need("difference", data.difference)?);
    Ok(EventFacts { amounts: Some(amounts), difference, ..EventFacts::default() })
}

fn cancelled(data: &Data, _: Currency) -> Read {
    let code = Some(need("code", data.code.clone())?);
    Ok(EventFacts { code, declined: data.declined, ..EventFacts::default() })
}

fn assigned(data: &Data, _: Currency) -> Read {
    Ok(EventFacts {
        courier: Some(user(need("courier", data.courier.as_deref())?)?),
        previous_courier: data.previous.as_deref().map(user).transpose()?,
        ..EventFacts::default()
    })
}

fn unassigned(data: &Data, _: Currency) -> Read {
    let previous_courier = Some(user(need("previous", data.previous.as_deref())?)?);
    Ok(EventFacts { previous_courier, ..EventFacts::default() })
}

fn goodwill_granted(data: &Data, currency: Currency) -> Read {
    let goodwill = Some(Money::from_minor(need("amount", data.amount)?, currency));
    Ok(EventFacts { goodwill, ..EventFacts::default() })
}

fn resolved(data: &Data, _: Currency) -> Read {
    let outcome = Some(need("outcome", data.outcome.clone())?);
    Ok(EventFacts { entry: Some(need("entry", data.entry)?), outcome, ..EventFacts::default() })
}

/// The first releases paid no refund by hand, and did not say so.
fn refund_settled(data: &Data, _: Currency) -> Read {
    Ok(EventFacts { entry: Some(need("entry", data.entry)?), by_hand: data.by_hand, ..EventFacts::default() })
}

fn of_an_entry(data: &Data, _: Currency) -> Read {
    Ok(EventFacts { entry: Some(need("entry", data.entry)?), ..EventFacts::default() })
}

fn task_retried(data: &Data, _: Currency) -> Read {
    let task = Some(need("task", data.task.clone())?);
    Ok(EventFacts { task, entry: data.entry, ..EventFacts::default() })
}

fn task_discarded(data: &Data, _: Currency) -> Read {
    Ok(EventFacts { task: Some(need("task", data.task.clone())?), ..EventFacts::default() })
}

fn need<T>(name: &str, member: Option<T>) -> Result<T, String> {
    member.ok_or_else(|| format!("{name} is missing"))
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

fn user(id: &str) -> Result<UserId, String> {
    UserId::new(id).map_err(|error| error.to_string())
}

fn amounts(data: &Data, currency: Currency) -> Result<EventAmounts, String> {
    let amount = |name, minor| need(name, minor).map(|minor| Money::from_minor(minor, currency));
    Ok(EventAmounts {
        subtotal: Some(amount("subtotal", data.subtotal)?),
        discount: Some(amount("discount", data.discount)?),
        delivery_fee: amount("delivery_fee", data.delivery_fee)?,
        total: amount("total", data.total)?,
    })
}

fn lines(lines: Option<&[StoredLine]>, currency: Currency) -> Result<Vec<EventLine>, String> {
    let amount = |minor| Money::from_minor(minor, currency);
    let line = |stored: &StoredLine| {
        Ok(EventLine {
            line: LineId::new(stored.line).map_err(|error| error.to_string())?,
            product: ProductId::new(stored.product_id).map_err(|error| error.to_string())?,
            quantity: stored.quantity,
            price: amount(stored.price),
            net: amount(stored.net),
        })
    };
    need("lines", lines)?.iter().map(line).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
mod tests {
    use order_domain::Currency;
    use order_domain::order::Event;
    use order_domain::ports::EventFacts;
    use order_testkit::events::{facts_of, one_of_each};
    use order_testkit::strategies::{deeds, orders};
    use proptest::prelude::{ProptestConfig, proptest};
    use serde_json::{Value, json};

    use super::{Read, V, facts};
    use crate::stored::event;

    fn read(kind: &str, data: &Value) -> Read {
        facts(kind, V, &data.to_string(), Currency::USD)
    }

    fn read_back(written: &Event) -> Read {
        let (kind, v, data) = event(written);
        facts(kind, v, &data.to_string(), Currency::USD)
    }

    /// The types whose data is nothing: what happened is all there is to say.
    const BARE: [&str; 6] =
        ["released", "preparing", "out_for_delivery", "delivered", "address_changed", "instructions_changed"];

    #[test]
    fn every_kind_of_event_is_read_back_as_it_was_written() {
        for written in one_of_each() {
            assert_eq!(read_back(&written), Ok(facts_of(&written)), "{written:?}");
            let says_something = facts_of(&written) != EventFacts::default();
            assert!(says_something || written.name() == "rescheduled" || BARE.contains(&written.name()), "{written:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn whatever_happens_is_read_back_as_it_was_written((order, deeds) in (orders(), deeds(40))) {
            for recorded in order.placed().lives_through(deeds).timeline() {
                assert_eq!(read_back(&recorded.event), Ok(facts_of(&recorded.event)));
            }
        }
    }

    /// Takes a member away, or makes something else of it, and says what is wrong then, if anything.
    fn spoiled(kind: &str, data: &Value, member: &str, with: Option<Value>) -> Result<(), String> {
        let mut data = data.clone();
        match with {
            Some(with) => drop(data.as_object_mut().unwrap().insert(member.to_owned(), with)),
            None => drop(data.as_object_mut().unwrap().remove(member)),
        }
        read(kind, &data).map(|_| ())
    }

    /// Members that some release did not write, or that are nothing where nothing is to be said.
    const MAY_LACK: [&str; 7] = ["currency", "scheduled_for", "release_at", "by_hand", "previous", "declined", "entry"];

    #[test]
    fn data_that_can_not_be_what_it_says_is_named() {
        for written in one_of_each() {
            let (kind, _, data) = event(&written);
            for (member, value) in data.as_object().unwrap() {
                let lacking = spoiled(kind, &data, member, None);
                let fee = kind == "address_changed" && member != "difference";
                assert!(lacking.is_err() || fee || MAY_LACK.contains(&member.as_str()), "{kind} without {member}");
                if member == "currency" {
                    continue;
                }
                let other = if value.is_array() || value.is_number() { json!("x") } else { json!(["x"]) };
                let torn = spoiled(kind, &data, member, Some(other)).unwrap_err();
                assert!(torn.starts_with(&format!("data of {kind:?}: ")), "{torn}");
            }
        }
        for (kind, data, what) in [
            ("charge_settled", json!({}), "entry is missing"),
            ("edit_paid", json!({ "release_at": null }), "entry is missing"),
            ("resolved", json!({ "outcome": "settled" }), "entry is missing"),
            ("refund_settled", json!({ "by_hand": true }), "entry is missing"),
            ("unassigned", json!({ "previous": null }), "previous is missing"),
            ("unassigned", json!({ "previous": "" }), "user id"),
            ("rescheduled", json!({ "scheduled_for": "soon" }), "\"soon\""),
            ("delivered", json!(7), "invalid type"),
        ] {
            let error = read(kind, &data).unwrap_err();
            assert!(error.contains(what), "{kind}: {error}");
        }
        assert!(facts("placed", V, "torn", Currency::USD).is_err());
    }

    #[test]
    fn what_a_later_release_wrote_says_nothing() {
        assert_eq!(read("painted", &json!({ "entry": 1 })), Ok(EventFacts::default()));
        assert_eq!(facts("painted", V, "torn", Currency::USD), Ok(EventFacts::default()));
        assert_eq!(facts("charge_settled", V + 1, "[2]", Currency::USD), Ok(EventFacts::default()));
        let more = json!({ "entry": 3, "colour": "red" });
        assert_eq!(read("charge_settled", &more), Ok(EventFacts { entry: Some(3), ..EventFacts::default() }));
    }

    /// As their first releases wrote them.
    #[test]
    fn what_an_earlier_release_wrote_is_read() {
        let none = EventFacts::default;
        let confirmed = json!({ "entry": 1, "as_cash": false });
        assert_eq!(read("confirmed", &confirmed), Ok(EventFacts { entry: Some(1), as_cash: Some(false), ..none() }));
        assert_eq!(read("refund_settled", &json!({ "entry": 2 })), Ok(EventFacts { entry: Some(2), ..none() }));
        assert_eq!(read("address_changed", &json!({})), Ok(none()));
        let placed = json!({
            "payment_method": "cash", "currency": "USD", "subtotal": 598, "discount": 0, "delivery_fee": 500, "total": 1098,
            "lines": [{ "line": 1, "product_id": 5, "quantity": 2, "price": 299, "net": 598 }],
        });
        let placed = read("placed", &placed).unwrap();
        assert_eq!((placed.lines.unwrap().len(), placed.amounts.unwrap().total.minor()), (1, 1_098));
    }
}
