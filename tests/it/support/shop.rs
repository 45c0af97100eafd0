//! What a client does: requests with tokens, and what comes back.

use std::sync::LazyLock;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use order_sandbox::{Options, Product, Sandbox, User};
use order_testkit::document::{Document, Exchange};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::eventually;
use super::service::{SECRET, Service};

/// The outside services with a customer `ann` (two apples, one milk: 7.47, delivered 12.47), a customer `bob`, couriers
/// `carl` and `cora`, and an admin `ada`.
pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start(&Options::new(SECRET)).unwrap();
    for (uid, role) in
        [("ann", "user"), ("bob", "user"), ("carl", "delivery_partner"), ("cora", "delivery_partner"), ("ada", "admin")]
    {
        sandbox.put_user(User::new(uid, role));
    }
    sandbox.put_product(Product::new(1, "Apple", 2.99).stock(1_000_000));
    sandbox.put_product(Product::new(2, "Milk", 1.49).stock(1_000_000));
    fill_cart(&sandbox, "ann");
    sandbox
}

pub fn fill_cart(sandbox: &Sandbox, customer: &str) {
    sandbox.put_cart(customer, &[(1, 2), (2, 1)]);
}

/// A body that asks for these products and quantities.
pub fn items(lines: &[(i64, u32)]) -> Value {
    let line = |(product, quantity): &(i64, u32)| json!({ "product_id": product, "quantity": quantity });
    json!({ "items": lines.iter().map(line).collect::<Vec<_>>() })
}

/// A token of the tests' secret, good for an hour.
pub fn token(user: &str, role: &str) -> String {
    token_for(3_600, user, role)
}

/// The same, with so many seconds to go; with fewer than none it has run out.
pub fn token_for(seconds: i64, user: &str, role: &str) -> String {
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let claims = json!({ "uid": user, "role": role, "iat": now.min(now + seconds), "exp": now + seconds });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// What every answer is compared with.
pub fn document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::parse(include_str!("../../../docs/openapi.json")));
    &DOCUMENT
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    pub fn id(&self) -> i64 {
        self.json()["id"].as_i64().unwrap_or_else(|| panic!("no id in {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

/// Somebody at an instance.
#[derive(Clone)]
pub struct Shop {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Shop {
    pub fn of(service: &Service, user: &str, role: &str) -> Self {
        Self::with_token(service, token(user, role))
    }

    pub fn with_token(service: &Service, token: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { http, url: service.url.clone(), token }
    }

    /// Nobody yet, and nowhere: [`Self::with_another`] and [`Self::at`] say who and where.
    pub fn nobody(patience: Duration) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(patience).build().unwrap();
        Self { http, url: String::new(), token: String::new() }
    }

    /// Somebody with another token.
    pub fn with_another(&self, token: String) -> Self {
        Self { token, ..self.clone() }
    }

    /// The same one at another instance.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// Another customer at the same instance.
    pub fn as_user(&self, user: &str) -> Self {
        Self { token: token(user, "user"), ..self.clone() }
    }

    pub fn customer(service: &Service) -> Self {
        Self::of(service, "ann", "user")
    }

    pub fn courier(service: &Service) -> Self {
        Self::of(service, "carl", "delivery_partner")
    }

    pub fn admin(service: &Service) -> Self {
        Self::of(service, "ada", "admin")
    }

    /// Asks, and takes an answer that the document of the API allows and no other.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let request = request.bearer_auth(&self.token).build()?;
        let method = request.method().to_string();
        let url = request.url();
        let target = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let sent = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        let answer = self.http.execute(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await?;
        let readable = headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())));
        let (headers_read, body) = (readable.collect(), text.clone().into_bytes());
        document().allows(&Exchange { method, target, sent, status: status.as_u16(), headers: headers_read, body });
        Ok(Answer { status, headers, text })
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await.unwrap()
    }

    /// Asks for something that may be asked for again under its key. An error: no answer came.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.send(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// Places an order of the cart, under a key if one is given. An error: no answer came.
    pub async fn try_place(&self, key: Option<&str>) -> Result<Answer, reqwest::Error> {
        let mut request =
            self.http.post(format!("{}/orders", self.url)).json(&json!({ "delivery_address": "1 Main St" }));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.send(request).await
    }

    /// Places an order of the cart and prefers to be told, within so many seconds, what becomes of it. An error: no answer
    /// came.
    pub async fn try_place_and_wait(&self, seconds: u32, key: &str) -> Result<Answer, reqwest::Error> {
        let request = self.http.post(format!("{}/orders", self.url)).json(&json!({ "delivery_address": "1 Main St" }));
        let request = request.header("Prefer", format!("wait={seconds}")).timeout(Duration::from_mins(1));
        self.send(request.header("Idempotency-Key", key)).await
    }

    /// Places an order of the cart with this body.
    pub async fn place_with(&self, body: Value) -> Answer {
        self.call(Method::POST, "/orders", Some(body)).await
    }

    pub async fn place(&self) -> Answer {
        self.try_place(None).await.unwrap()
    }

    pub async fn order(&self, id: i64) -> Value {
        self.get(&format!("/orders/{id}")).await.expect(200).json()
    }

    pub async fn set_status(&self, id: i64, status: &str) -> Answer {
        self.call(Method::PUT, &format!("/orders/{id}/status"), Some(json!({ "status": status }))).await
    }

    pub async fn take(&self, id: i64, courier: &str) -> Answer {
        let body = json!({ "delivery_partner_id": courier });
        self.call(Method::PUT, &format!("/orders/{id}/assign-delivery"), Some(body)).await
    }

    /// Cancels an order under a key. An error: no answer came.
    pub async fn try_cancel(&self, id: i64, key: &str) -> Result<Answer, reqwest::Error> {
        self.send(self.http.post(format!("{}/orders/{id}/cancel", self.url)).header("Idempotency-Key", key)).await
    }

    pub async fn cancel(&self, id: i64) -> Answer {
        self.call(Method::POST, &format!("/orders/{id}/cancel"), None).await
    }

    /// Gives so much of an order back.
    pub async fn goodwill(&self, id: i64, amount: f64) -> Answer {
        let body = json!({ "amount": amount, "reason": "they waited long" });
        self.call(Method::POST, &format!("/orders/{id}/refunds"), Some(body)).await
    }

    /// Gives so much of an order back, under a key.
    pub async fn goodwill_under(&self, id: i64, amount: f64, key: &str) -> Answer {
        let body = json!({ "amount": amount, "reason": "they waited long" });
        let request = self.http.post(format!("{}/orders/{id}/refunds", self.url)).json(&body);
        self.send(request.header("Idempotency-Key", key)).await.unwrap()
    }

    /// Puts these products and quantities in the place of an order's lines.
    pub async fn edit(&self, id: i64, lines: &[(i64, u32)]) -> Answer {
        self.call(Method::PUT, &format!("/orders/{id}/items"), Some(items(lines))).await
    }

    pub async fn patch(&self, id: i64, body: Value) -> Answer {
        self.call(Method::PATCH, &format!("/orders/{id}"), Some(body)).await
    }

    /// Says what has become of a payment.
    pub async fn resolve(&self, id: i64, n: u32, outcome: &str) -> Answer {
        let body = json!({ "outcome": outcome, "reason": "seen in their console" });
        self.call(Method::POST, &format!("/orders/{id}/payments/{n}/resolve"), Some(body)).await
    }

    /// The ledger of an order, each entry in a line: its number, what it is, its amount and its state.
    pub async fn ledger(&self, id: i64) -> Vec<String> {
        let ledger = self.get(&format!("/orders/{id}/payments")).await.expect(200).json();
        let entry = |entry: &Value| {
            let of = |name: &str| entry[name].as_str().unwrap().to_owned();
            let amount = entry["amount"].as_f64().unwrap();
            let of_charge = entry["refunds"].as_i64().map(|n| format!(" of {n}")).unwrap_or_default();
            let (n, kind, purpose) = (&entry["n"], of("kind"), of("purpose"));
            format!("{n} {} {kind}{of_charge} ({purpose}) {amount:.2} {}", of("method"), of("state"))
        };
        ledger.as_array().unwrap().iter().map(entry).collect()
    }

    /// The types of an order's timeline.
    pub async fn timeline(&self, id: i64) -> Vec<String> {
        let timeline = self.get(&format!("/orders/{id}/timeline")).await.expect(200).json();
        timeline.as_array().unwrap().iter().map(|entry| entry["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until a field of an order has a value.
    pub async fn until(&self, id: i64, field: &str, value: &str) -> Value {
        eventually(&format!("{field} of order {id} is {value}"), || async {
            self.order(id).await[field].as_str() == Some(value)
        })
        .await;
        self.order(id).await
    }
}
