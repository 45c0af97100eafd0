//! Compares the documents of the event stream with their schemas in `docs/events`: is all of it described there?
//!
//! The comparison is strict: a member that the schema does not name is a mistake, though whoever reads the stream has to
//! pass over such.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::{Validator, draft202012};
use serde_json::{Value, json};

/// The schemas, by the names of their files.
#[derive(Debug)]
pub struct EventDocuments {
    validators: BTreeMap<String, Validator>,
}

impl EventDocuments {
    /// The schema of a document whose type, or whose form, is not known.
    pub const UNKNOWN: &str = "unknown";

    /// The schemas of this revision.
    pub fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events");
        let mut validators = BTreeMap::new();
        for file in std::fs::read_dir(folder).expect("the folder of the schemas") {
            let path = file.expect("a file").path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let mut schema = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
                forbid_others(&mut schema);
                let built = draft202012::options().should_validate_formats(true).build(&schema);
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                validators.insert(name, built.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
            }
        }
        Self { validators }
    }

    /// The types that have a schema.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.validators.keys().map(String::as_str).filter(|name| *name != Self::UNKNOWN)
    }

    /// What is wrong with a document.
    pub fn mistakes(&self, document: &str) -> Vec<String> {
        let Ok(document) = serde_json::from_str::<Value>(document) else { return vec!["it is no JSON".to_owned()] };
        let kind = document["type"].as_str().filter(|_| document["version"] != 0).unwrap_or(Self::UNKNOWN);
        let Some(validator) = self.validators.get(kind) else { return vec![format!("there is no type {kind}")] };
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// Lets an object have the members that are described, and no others.
fn forbid_others(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(forbid_others);
            if members.get("properties").is_some_and(Value::is_object) {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(forbid_others),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
