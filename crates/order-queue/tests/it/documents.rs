//! The documents and what is written about them: they are what the code says, and nothing in them is left undescribed.

use std::collections::BTreeSet;

use order_domain::order::Status;
use order_domain::ports::EventFacts;
use order_domain::{Currency, Money};
use order_queue::events::{document, schemas};
use order_testkit::event_documents::EventDocuments;
use order_testkit::pages;
use serde_json::{Value, json};

use crate::told::{amounts, event, every_type, nothing, placed, usd};

fn page(name: &str) -> String {
    pages::page(&format!("events/{name}"))
}

fn is_up_to_date(name: &str, expected: &str) {
    pages::is_up_to_date("order-queue", &format!("events/{name}"), expected);
}

#[test]
fn every_type_has_its_schema_in_the_repository() {
    let mut files = BTreeSet::from(["README.md".to_owned()]);
    for schema in schemas() {
        let name = format!("{}.json", schema.of.unwrap_or(EventDocuments::UNKNOWN));
        is_up_to_date(&name, &format!("{:#}\n", schema.schema));
        files.insert(name);
    }
    let folder = pages::folder().join("events");
    let there: BTreeSet<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, files);
}

#[test]
fn the_page_of_the_events_lists_every_type() {
    let (start, end) = ("<!-- types: generated -->\n", "<!-- types: end -->");
    let text = page("README.md");
    let (head, rest) = text.split_once(start).expect("the start marker");
    let (_, tail) = rest.split_once(end).expect("the end marker");
    let row = |schema: order_queue::events::EventSchema| {
        let of = schema.of?;
        let own = schema.schema["properties"]["data"]["properties"].as_object()?.keys().cloned();
        let own = own.filter(|name| !["customer_id", "status", "actor_role", "amount", "currency"].contains(&&**name));
        let own: Vec<_> = own.map(|name| format!("`{name}`")).collect();
        Some(format!("| [`{of}`]({of}.json) | {} | {} |\n", schema.about, own.join(", ")))
    };
    let rows: String = schemas().into_iter().filter_map(row).collect();
    let table = format!("| type | what has happened | members of its own |\n|---|---|---|\n{rows}");
    is_up_to_date("README.md", &format!("{head}{start}\n{table}\n{end}{tail}"));
}

/// The domain's own list: the names that its events have.
fn names_of_the_domain() -> BTreeSet<String> {
    let source = include_str!("../../../order-domain/src/order/event.rs");
    let names = source.split("pub const fn name(").nth(1).unwrap().split("pub const fn").next().unwrap();
    let quoted = names.split('"').skip(1).step_by(2).map(str::to_owned);
    quoted.chain([order_domain::order::Event::CONFIRMED.to_owned()]).collect()
}

#[test]
fn every_event_of_the_domain_has_a_type_and_no_other() {
    let typed: BTreeSet<_> = schemas().iter().filter_map(|schema| schema.of).map(str::to_owned).collect();
    assert_eq!(typed, names_of_the_domain());
    let tried: BTreeSet<_> = every_type().into_iter().map(|(least, _)| least.kind).collect();
    assert_eq!(tried, typed, "and the tests know them all");
}

#[test]
fn every_document_is_what_its_schema_says_and_all_of_it_is_described() {
    let schemas = EventDocuments::read();
    for (least, most) in every_type() {
        for event in [least, most] {
            let text = document(&event).unwrap();
            assert_eq!(schemas.mistakes(&text), [""; 0], "{text}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((&value["type"], &value["version"]), (&json!(event.kind), &json!(1)), "{text}");
        }
    }
}

/// All that a schema describes is told at least once by the fullest event of its type.
#[test]
fn nothing_is_described_that_is_never_told() {
    for (schema, (_, most)) in schemas().into_iter().zip(every_type()) {
        assert_eq!(schema.of, Some(most.kind.as_str()));
        let told: Value = serde_json::from_str(&document(&most).unwrap()).unwrap();
        let of = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
        assert_eq!(of(&schema.schema["properties"]["data"]["properties"]), of(&told["data"]), "{}", most.kind);
        assert_eq!(of(&schema.schema["properties"]), of(&told));
    }
}

#[test]
fn a_document_is_the_same_text_every_time_and_its_amounts_are_exact() {
    assert_eq!(
        document(&event("placed", placed())).unwrap(),
        r#"{"type":"placed","version":1,"id":"42-3","seq":3,"order_id":42,"occurred_at":"2026-01-01T13:00:00Z","data":{"customer_id":"ann","status":"confirmed","actor_role":"customer","currency":"USD","payment_method":"online","subtotal":5.98,"discount":0.50,"delivery_fee":5.00,"total":10.48,"lines":[{"line":1,"product_id":5,"quantity":2,"price":2.99,"net":5.48}]}}"#
    );
    let (_, most) = every_type().into_iter().find(|(least, _)| least.kind == "confirmed").unwrap();
    assert_eq!(
        document(&most).unwrap(),
        r#"{"type":"confirmed","version":1,"id":"42-3","seq":3,"order_id":42,"occurred_at":"2026-01-01T13:00:00.120000Z","data":{"customer_id":"ann","status":"confirmed","actor_role":"system","amount":10.48,"currency":"USD","entry":1,"as_cash":false,"release_at":"2026-01-02T18:00:00.000001Z"}}"#
    );
}

#[test]
fn amounts_have_the_decimals_of_their_currency_and_are_never_rounded() {
    for (code, minor, written) in [
        ("JPY", 500, "500"),
        ("KWD", -5, "-0.005"),
        ("USD", i64::MAX, "92233720368547758.07"),
        ("USD", i64::MIN, "-92233720368547758.08"),
    ] {
        let goodwill = Some(Money::from_minor(minor, Currency::from_code(code).unwrap()));
        let text = document(&event("goodwill_granted", EventFacts { goodwill, ..nothing() })).unwrap();
        assert!(text.contains(&format!(r#""goodwill":{written}}}"#)), "{text}");
        assert!(text.contains(&format!(r#""currency":"{code}""#)), "{text}");
    }
}

#[test]
fn what_a_later_version_wrote_is_told_as_far_as_it_is_known() {
    let schemas = EventDocuments::read();
    let unknown = event("teleported", placed());
    let lacking = event("placed", EventFacts { lines: None, ..placed() });
    let torn = event("address_changed", EventFacts { amounts: Some(amounts()), ..nothing() });
    for event in [unknown, lacking, torn] {
        let text = document(&event).unwrap();
        assert_eq!(schemas.mistakes(&text), [""; 0], "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        let kind = event.kind.as_str();
        assert_eq!((value["type"].as_str(), value["version"].as_i64()), (Some(kind), Some(0)));
        let data = json!({"customer_id": "ann", "status": "confirmed", "actor_role": "customer", "currency": "USD"});
        assert_eq!(value["data"], data);
    }
    let mut moved = event("teleported", nothing());
    moved.amount = Some(usd(1));
    assert!(document(&moved).unwrap().contains(r#""amount":0.01,"currency":"USD""#));
}

/// The comparison of these tests is strict enough to notice.
#[test]
fn what_a_schema_does_not_say_is_noticed() {
    let schemas = EventDocuments::read();
    let wrong = |kind: &str, turn: &dyn Fn(&mut Value)| {
        let (_, most) = every_type().into_iter().find(|(least, _)| least.kind == kind).unwrap();
        let mut value: Value = serde_json::from_str(&document(&most).unwrap()).unwrap();
        turn(&mut value);
        schemas.mistakes(&value.to_string()).join("; ")
    };
    assert!(wrong("placed", &|value| value["data"]["address"] = json!("123 Main St")).contains("address"));
    assert!(wrong("placed", &|value| value["data"]["lines"][0]["name"] = json!("Apple")).contains("name"));
    assert!(wrong("placed", &|value| value["data"]["total"] = json!("10.48")).contains("/data/total"));
    assert!(wrong("placed", &|value| value["data"]["status"] = json!("lost")).contains("/data/status"));
    assert!(wrong("placed", &|value| value["seq"] = json!(0)).contains("/seq"));
    assert!(wrong("placed", &|value| value["id"] = json!("42")).contains("/id"));
    assert!(wrong("placed", &|value| value["version"] = json!(2)).contains("/version"));
    assert!(
        wrong("placed", &|value| value["occurred_at"] = json!("2026-01-01T13:00:00+01:00")).contains("/occurred_at")
    );
    assert!(wrong("cancelled", &|value| value["data"]["declined"] = Value::Null).contains("/data/declined"));
    let no_currency = |value: &mut Value| drop(value["data"].as_object_mut().unwrap().remove("currency"));
    assert!(wrong("refund_settled", &no_currency).contains("currency"));
}

#[test]
fn every_status_may_be_told() {
    let schemas = EventDocuments::read();
    for status in Status::ALL {
        let mut told = event("released", nothing());
        told.status = status;
        assert_eq!(schemas.mistakes(&document(&told).unwrap()), [""; 0]);
    }
}
