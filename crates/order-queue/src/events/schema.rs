//! The schemas of the documents (JSON Schema 2020-12), made from the types that write them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::data::Data;
use super::{COMMON_ALONE, Document, NothingMore, typed_schemas};

/// The schema of one type of document.
#[derive(Debug, Clone)]
pub struct EventSchema {
    /// The type; `None`: of any that is not known.
    pub of: Option<&'static str>,
    /// The version of its form.
    pub version: u32,
    /// What has happened, in a sentence or two.
    pub about: String,
    /// The schema.
    pub schema: Value,
}

/// The schemas of all documents there are, one for each type, and that of a type that is not known.
pub fn schemas() -> Vec<EventSchema> {
    let mut all = typed_schemas();
    all.push(of_any());
    all
}

/// The schema of a type.
pub(super) fn of_type<'a, D: Data<'a>>() -> EventSchema {
    let (kind, version) = (D::TYPE, D::VERSION);
    let about = about::<D>();
    let mut schema = document::<D>(&format!("urn:order-service:event:{kind}:{version}"), &about);
    schema["title"] = kind.into();
    schema["properties"]["type"] = json!({ "description": "What happened.", "const": kind });
    schema["properties"]["version"]["const"] = version.into();
    EventSchema { of: Some(kind), version, about, schema }
}

/// The schema of a document whose type, or whose form, is a later version's.
fn of_any() -> EventSchema {
    let about = "An event that the publisher did not know, or not in this form, since a later version of the service \
                 wrote it: told as far as it is known."
        .to_owned();
    let mut schema = document::<NothingMore>("urn:order-service:event:0", &about);
    schema["title"] = "an event that is not known".into();
    schema["properties"]["version"]["const"] = COMMON_ALONE.into();
    EventSchema { of: None, version: COMMON_ALONE, about, schema }
}

fn generated<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// What the documentation of a type says of it, on one line.
fn about<T: JsonSchema>() -> String {
    let about = generated::<T>();
    about.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

fn document<D: JsonSchema>(id: &str, about: &str) -> Value {
    let mut schema = generated::<Document<'_, D>>().to_value();
    schema["$id"] = id.into();
    schema["description"] = about.into();
    tidy(&mut schema);
    let data = &mut schema["properties"]["data"];
    data["description"] = "What is told of it.".into();
    needs_currency(data);
    schema
}

/// Leaves out what says nothing to a reader: formats of integers, and `null` for what is absent rather than null.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("format").and_then(Value::as_str).is_some_and(|format| format.contains("int")) {
                members.remove("format");
            }
            absent_is_never_null(members);
            members.values_mut().for_each(tidy);
        }
        Value::Array(values) => values.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A member that need not be there is left out where there is nothing to say.
fn absent_is_never_null(object: &mut Map<String, Value>) {
    let required = object.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|it| it == name));
    let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties.iter_mut() {
        if is_required(name) {
            continue;
        }
        if let Some(types) = property.get_mut("type").filter(|types| types.is_array()) {
            let kept = types.as_array().and_then(|types| types.iter().find(|one| *one != "null")).cloned();
            *types = kept.unwrap_or_default();
        }
    }
}

/// Whoever tells an amount tells its currency.
fn needs_currency(data: &mut Value) {
    let properties = data["properties"].as_object();
    let numbers = properties.into_iter().flatten().filter(|(_, property)| property["type"] == "number");
    let needs: Map<_, _> = numbers.map(|(name, _)| (name.clone(), json!(["currency"]))).collect();
    data["dependentRequired"] = needs.into();
}
