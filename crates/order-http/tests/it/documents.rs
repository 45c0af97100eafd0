//! The API's documents: they are what the code says, they are served, and answers that they do not allow are noticed.

use std::path::PathBuf;

use actix_web::http::Method;
use order_domain::order::Status;
use order_testkit::pages;
use serde_json::{Value, json};

use crate::support::{Answer, Shop, document, signed};

fn is_up_to_date(name: &str, expected: &str) {
    pages::is_up_to_date("order-http", name, expected);
}

#[test]
fn the_document_in_the_repository_is_what_the_code_says() {
    is_up_to_date("openapi.json", order_http::openapi_json());
}

#[test]
fn the_page_of_errors_is_whole() {
    let (start, end) = ("<!-- codes: generated -->\n", "<!-- codes: end -->");
    let text = pages::page("errors.md");
    let (head, rest) = text.split_once(start).expect("the start marker");
    let (_, tail) = rest.split_once(end).expect("the end marker");
    is_up_to_date("errors.md", &format!("{head}{start}\n{}\n{end}{tail}", order_http::errors_markdown()));
}

/// A code that no test asks for is one that nobody knows how to get.
#[test]
fn every_code_is_asked_for_by_a_test() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let tests = files.collect::<String>();
    for code in order_http::Code::ALL {
        assert!(tests.contains(&format!("\"{}\"", code.name())), "no test asks for {}", code.name());
    }
}

#[actix_web::test]
async fn the_document_is_served() {
    let shop = Shop::open();
    for path in ["/openapi.json", "/api/v1/openapi.json"] {
        let answer = shop.get(path, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.text, order_http::openapi_json());
        let tag = answer.header("etag").unwrap().to_owned();
        let known = signed(Method::GET, path, "").insert_header(("If-None-Match", tag));
        assert_eq!(shop.ask(known).await.status, 304);
        let other = signed(Method::GET, path, "").insert_header(("If-None-Match", "\"1\""));
        assert_eq!(shop.ask(other).await.status, 200);
    }
}

#[test]
fn its_examples_are_what_they_are_examples_of() {
    for (name, example) in document().at("/components/examples").as_object().unwrap() {
        assert_eq!(document().mistakes("/components/schemas/Problem", &example["value"]), [""; 0], "{name}");
    }
    let mut seen = 0;
    for (name, schema) in document().at("/components/schemas").as_object().unwrap() {
        seen += examples(&format!("/components/schemas/{name}"), schema);
    }
    assert!(seen > 30, "{seen} examples");
}

/// Checks the examples of a schema and those inside it, and counts them.
fn examples(pointer: &str, schema: &Value) -> usize {
    let own = schema["examples"].as_array().into_iter().flatten();
    let own = own.inspect(|example| assert_eq!(document().mistakes(pointer, example), [""; 0], "{pointer}: {example}"));
    let properties = schema["properties"].as_object().into_iter().flatten();
    let inside = properties.map(|(name, schema)| examples(&format!("{pointer}/properties/{name}"), schema));
    own.count() + inside.sum::<usize>()
}

#[actix_web::test]
async fn every_parameter_of_a_query_is_understood() {
    let shop = Shop::open();
    let mut tried = 0;
    for operation in document().operations() {
        let pointer = format!("/paths/{}/{}", operation.path.replace('/', "~1"), operation.method.to_lowercase());
        for parameter in document().at(&pointer)["parameters"].as_array().unwrap() {
            let (Some(name), Some("query")) = (parameter["name"].as_str(), parameter["in"].as_str()) else { continue };
            let path = format!("{}?{name}=%00", operation.path.replace("{id}", "1"));
            let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
            let answer = shop.ask(signed(method, &path, "root")).await;
            // `order_status` is `status` by another name, and said to be so.
            let pointer = format!("/query/{name}");
            assert!(answer.errors("invalid").iter().any(|(at, _)| *at == pointer), "{path}: {}", answer.text);
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried} parameters");
}

/// Why the document does not allow what an answer was turned into.
fn mistakes(answer: &Answer, turn: impl FnOnce(&mut order_testkit::document::Exchange)) -> String {
    let mut exchange = answer.exchange.clone();
    assert_eq!(document().check(&exchange), [""; 0]);
    turn(&mut exchange);
    document().check(&exchange).join("; ")
}

fn turned(body: &mut Vec<u8>, turn: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(body).unwrap();
    turn(&mut value);
    *body = value.to_string().into_bytes();
}

#[actix_web::test]
async fn what_the_document_does_not_say_is_noticed() {
    let shop = Shop::open().with_order(Status::Confirmed).await;
    let order = shop.get("/orders/1", "ann").await;
    let of_order = |turn: fn(&mut Value)| mistakes(&order, |exchange| turned(&mut exchange.body, turn));
    assert!(of_order(|order| order["secret"] = json!(1)).contains("secret"));
    assert!(of_order(|order| drop(order.as_object_mut().unwrap().remove("feedback"))).contains("feedback"));
    assert!(of_order(|order| order["status"] = json!("lost")).contains("/status"));
    assert!(of_order(|order| order["total_amount"] = json!("10.98")).contains("/total_amount"));
    assert!(of_order(|order| order["created_at"] = json!("yesterday, Z")).contains("/created_at"));
    assert!(of_order(|order| order["items"][0]["product"]["stock"] = json!(1)).contains("stock"));
    assert!(mistakes(&order, |exchange| exchange.status = 206).contains("not described"));
    assert!(mistakes(&order, |exchange| exchange.headers.retain(|(name, _)| name != "etag")).contains("ETag"));
    assert!(mistakes(&order, |exchange| exchange.headers.retain(|(name, _)| name != "x-request-id")).contains("X-Req"));
    let as_text = ("content-type".to_owned(), "text/plain".to_owned());
    assert!(mistakes(&order, |exchange| exchange.headers.insert(0, as_text)).contains("text/plain"));
    assert!(mistakes(&order, |exchange| exchange.target = "/nowhere".into()).contains("404"));
    assert!(mistakes(&order, |exchange| exchange.method = "DELETE".into()).contains("405"));

    let known = shop.ask(signed(Method::GET, "/orders/1", "ann").insert_header(("If-None-Match", "*"))).await;
    assert!(mistakes(&known, |exchange| exchange.body = b"{}".to_vec()).contains("not described"));

    let refused = shop.put("/orders/1/status", "root", json!({"status": "delivered"})).await;
    let of_problem = |turn: fn(&mut Value)| mistakes(&refused, |exchange| turned(&mut exchange.body, turn));
    assert!(of_problem(|problem| problem["stack"] = json!("at main")).contains("stack"));
    assert!(of_problem(|problem| problem["code"] = json!("cart_empty")).contains("/code"));
    assert!(of_problem(|problem| problem["detail"] = json!(["a", "b"])).contains("/detail"));

    let taken = shop.put("/orders/1/status", "root", json!({"status": "preparing"})).await;
    let of_request = |turn: fn(&mut Value)| mistakes(&taken, |exchange| turned(&mut exchange.sent, turn));
    assert!(of_request(|body| body["notify"] = json!(true)).contains("notify"));
    assert!(mistakes(&taken, |exchange| exchange.sent.clear()).contains("a body is required"));

    shop.store.set_away(true);
    let away = shop.get("/orders/1", "ann").await;
    assert!(mistakes(&away, |exchange| exchange.headers.retain(|(name, _)| name != "retry-after")).contains("Retry"));
}

#[actix_web::test]
async fn the_page_comes_whole_from_here() {
    let shop = Shop::open();
    let get = |path: String| shop.ask_beside_the_document(signed(Method::GET, &path, ""));
    for prefix in ["", "/api/v1"] {
        let moved = get(format!("{prefix}/docs")).await;
        assert_eq!((moved.status.as_u16(), moved.header("location")), (308, Some("docs/")));
        let index = get(format!("{prefix}/docs/")).await;
        assert_eq!((index.status.as_u16(), index.header("content-type")), (200, Some("text/html")));
        assert!(!index.text.contains("//"), "it loads from elsewhere: {}", index.text);
        let files: Vec<_> = index.text.split('"').filter_map(|text| text.strip_suffix(".js")).collect();
        assert_eq!(files.len(), 3, "{}", index.text);
        for file in files {
            let script = get(format!("{prefix}/docs/{}.js", file.trim_start_matches("./"))).await;
            assert_eq!((script.status.as_u16(), script.header("content-type")), (200, Some("text/javascript")));
        }
        let settings = get(format!("{prefix}/docs/swagger-initializer.js")).await.text;
        assert!(settings.contains(r#""../openapi.json""#), "{settings}");
        assert!(settings.contains(r#""validatorUrl": "none""#), "{settings}");
    }
}

#[actix_web::test]
async fn the_page_may_do_little_and_its_errors_are_problems_like_any_other() {
    let shop = Shop::open();
    let ask = |method, path| shop.ask_beside_the_document(signed(method, path, ""));
    for path in ["/docs/", "/docs/index.html", "/docs/swagger-ui-bundle.js"] {
        let file = ask(Method::GET, path).await;
        let policy = file.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("connect-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(file.header("content-encoding"), None);
        assert_eq!(ask(Method::HEAD, path).await.status, 200);
    }
    for path in ["/docs/nothing", "/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml", "/docs//etc/passwd"] {
        ask(Method::GET, path).await.is_problem(404, "not_found");
    }
    let wrong = ask(Method::POST, "/docs/").await;
    wrong.is_problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("GET, HEAD"));
}
