//! Compares what an API does with what its OpenAPI 3.1 document says: was this answer allowed, all of it?
//!
//! The comparison is strict. A status, a body's member or a content type that the document does not know is a mistake, and
//! so is a required header that is missing; a request that succeeded has to be one that the document allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::{Validator, draft202012};
use serde_json::{Value, json};

/// A parsed document, and the validators of its schemas.
#[derive(Debug)]
pub struct Document {
    root: Value,
    /// What every path may have before it, the longest first.
    prefixes: Vec<String>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A request and its answer. Names of headers are in lower case.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// As on the wire: `GET`.
    pub method: String,
    /// The path and, if there is one, the query.
    pub target: String,
    /// The request's body.
    pub sent: Vec<u8>,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers.
    pub headers: Vec<(String, String)>,
    /// The answer's body.
    pub body: Vec<u8>,
}

impl Exchange {
    fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }
}

/// An endpoint as the document names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// As on the wire: `GET`.
    pub method: String,
    /// The path, with its parameters in braces: `/orders/{id}`.
    pub path: String,
}

impl Document {
    /// A document.
    pub fn parse(json: &str) -> Self {
        let root: Value = serde_json::from_str(json).expect("an OpenAPI document is JSON");
        let servers = root["servers"].as_array().into_iter().flatten();
        let mut prefixes: Vec<_> =
            servers.map(|server| server["url"].as_str().expect("a url").trim_end_matches('/').to_owned()).collect();
        prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        Self { root, prefixes, validators: Mutex::default() }
    }

    /// Every endpoint of it.
    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.root["paths"].as_object().expect("paths");
        let of = |(path, item): (&String, &Value)| {
            let methods: Vec<_> = item.as_object().expect("methods").keys().map(|name| name.to_uppercase()).collect();
            let path = path.clone();
            methods.into_iter().map(move |method| Operation { method, path: path.clone() })
        };
        paths.iter().flat_map(of).collect()
    }

    /// What stands at a JSON pointer, references followed.
    pub fn at(&self, pointer: &str) -> &Value {
        let found = self.root.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
        match found["$ref"].as_str() {
            Some(reference) => self.at(reference.trim_start_matches('#')),
            None => found,
        }
    }

    /// What is wrong with a value by the schema at a JSON pointer.
    pub fn mistakes(&self, pointer: &str, value: &Value) -> Vec<String> {
        let validator = self.validator(pointer);
        let said = validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path()));
        said.collect()
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut validators = crate::lock(&self.validators);
        let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
            // What a schema refers to stands in the components, and they have to stand around it.
            let schema = json!({ "allOf": [self.root.pointer(pointer)], "components": self.root["components"] });
            let built = draft202012::options().should_validate_formats(true).build(&schema);
            Arc::new(built.unwrap_or_else(|error| panic!("{pointer} is no schema: {error}")))
        });
        Arc::clone(validator)
    }

    /// The exchange was one that the document allows.
    ///
    /// # Panics
    /// With everything that it does not allow.
    #[track_caller]
    pub fn allows(&self, exchange: &Exchange) {
        let mistakes = self.check(exchange);
        let Exchange { method, target, status, body, .. } = exchange;
        let body = String::from_utf8_lossy(body);
        assert!(
            mistakes.is_empty(),
            "the document does not allow {status} for {method} {target}: {}\n{body}",
            mistakes.join("; ")
        );
    }

    /// Everything about an exchange that the document does not allow.
    pub fn check(&self, exchange: &Exchange) -> Vec<String> {
        let path = exchange.target.split('?').next().unwrap_or_default();
        let Some(pattern) = self.pattern(path) else {
            return self.check_problem(exchange, 404, "not_found");
        };
        let item = format!("/paths/{}", escaped(&pattern));
        // What can be got can be asked about.
        let method = if exchange.method == "HEAD" { "get" } else { &exchange.method.to_lowercase() };
        if self.at(&item).get(method).is_none() {
            let mut mistakes = self.check_problem(exchange, 405, "method_not_allowed");
            let allowed = self.at(&item).as_object().expect("methods").keys().flat_map(|name| match name.as_str() {
                "get" => vec!["GET".to_owned(), "HEAD".to_owned()],
                other => vec![other.to_uppercase()],
            });
            let (mut allowed, allow): (Vec<_>, _) = (allowed.collect(), exchange.header("allow").unwrap_or_default());
            let mut said: Vec<_> = allow.split(", ").collect();
            allowed.sort();
            said.sort_unstable();
            if allowed != said {
                mistakes.push(format!("Allow is {allow:?} and not {allowed:?}"));
            }
            return mistakes;
        }
        let operation = format!("{item}/{method}");
        let mut mistakes = self.check_answer(exchange, &operation);
        if (200..300).contains(&exchange.status) {
            mistakes.extend(self.check_request(exchange, &operation));
        }
        mistakes
    }

    /// The path of the document that a path is, with or without a prefix and a slash at its end.
    fn pattern(&self, path: &str) -> Option<String> {
        let prefix = self.prefixes.iter().find(|prefix| {
            path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })?;
        let path = &path[prefix.len()..];
        let path = path.strip_suffix('/').unwrap_or(path);
        let is = |pattern: &&String| {
            let mut segments = pattern.split('/').zip(path.split('/'));
            pattern.split('/').count() == path.split('/').count()
                && segments.all(|(pattern, given)| pattern == given || (pattern.starts_with('{') && !given.is_empty()))
        };
        // What is named is meant before what a parameter could stand for.
        self.root["paths"].as_object()?.keys().filter(is).min_by_key(|path| path.matches('{').count()).cloned()
    }

    fn check_problem(&self, exchange: &Exchange, status: u16, code: &str) -> Vec<String> {
        if exchange.status != status {
            return vec![format!("the document does not know it, so it is {status}")];
        }
        let mut mistakes = self.check_headers(exchange, "X-Request-ID", "/components/headers/X-Request-ID");
        if exchange.method == "HEAD" {
            return mistakes;
        }
        match serde_json::from_slice::<Value>(&exchange.body) {
            Ok(body) if body["code"] == code => mistakes.extend(self.mistakes("/components/schemas/Problem", &body)),
            _ => mistakes.push(format!("it is no problem with the code {code}")),
        }
        mistakes
    }

    fn check_answer(&self, exchange: &Exchange, operation: &str) -> Vec<String> {
        let responses = format!("{operation}/responses");
        let Some(response) = self.at(&responses).get(exchange.status.to_string()) else {
            return vec!["a status that is not described".to_owned()];
        };
        let response = match response["$ref"].as_str() {
            Some(reference) => reference.trim_start_matches('#').to_owned(),
            None => format!("{responses}/{}", exchange.status),
        };
        let mut mistakes = Vec::new();
        for name in self.at(&response)["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            mistakes.extend(self.check_headers(exchange, name, &format!("{response}/headers/{}", escaped(name))));
        }
        let described = self.at(&response)["content"].as_object();
        match (described.and_then(|content| content.keys().next()), exchange.header("content-type")) {
            (None, None) if exchange.body.is_empty() => {}
            (None, given) => mistakes.push(format!("a body that is not described, of the type {given:?}")),
            (Some(described), given) if given != Some(described) => {
                mistakes.push(format!("the type {given:?} and not {described}"));
            }
            (Some(_), _) if exchange.method == "HEAD" => {}
            (Some(described), _) => {
                let schema = format!("{response}/content/{}/schema", escaped(described));
                match serde_json::from_slice(&exchange.body) {
                    Ok(body) => mistakes.extend(self.mistakes(&schema, &body)),
                    Err(error) => mistakes.push(error.to_string()),
                }
            }
        }
        mistakes
    }

    fn check_headers(&self, exchange: &Exchange, name: &str, pointer: &str) -> Vec<String> {
        let header = self.at(pointer);
        match exchange.header(name) {
            None if header["required"] == true => vec![format!("no header {name}")],
            None => Vec::new(),
            Some(value) => {
                let pointer = match self.root.pointer(pointer).and_then(|header| header["$ref"].as_str()) {
                    Some(reference) => reference.trim_start_matches('#'),
                    None => pointer,
                };
                let wrong = self.mistakes(&format!("{pointer}/schema"), &json!(value));
                wrong.into_iter().map(|mistake| format!("the header {name}{mistake}")).collect()
            }
        }
    }

    fn check_request(&self, exchange: &Exchange, operation: &str) -> Vec<String> {
        let Some(body) = self.at(operation).get("requestBody") else { return Vec::new() };
        if exchange.sent.is_empty() {
            let required = body["required"] == true;
            return required.then(|| "a body is required and it went without".to_owned()).into_iter().collect();
        }
        let schema = format!("{operation}/requestBody/content/application~1json/schema");
        let sent = serde_json::from_slice(&exchange.sent).expect("what was taken is JSON");
        self.mistakes(&schema, &sent).into_iter().map(|mistake| format!("it was sent, and taken: {mistake}")).collect()
    }
}

/// A name as a segment of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
