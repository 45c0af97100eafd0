//! A shop with everything but the network: the routes over the use cases, a store in memory and scripted services.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex};

use actix_web::body::to_bytes;
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service};
use async_trait::async_trait;
use futures_util::future::{LocalBoxFuture, Shared};
use futures_util::{FutureExt, StreamExt, stream};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use order_domain::order::Status;
use order_domain::ports::{Bearer, Cart, CartService, IdGenerator, OrderReader, ServiceError};
use order_domain::{OrderId, ProductId, Rules, UserId};
use order_http::{
    Code, HttpConfig, HttpState, OutsideHealth, PublicKeys, RequestContext, Scope, TokenVerifier, TransportHealth,
    Wiring, app,
};
use order_testkit::builders::{Life, START, a_cart, an_order, rules, stocked};
use order_testkit::document::{Document, Exchange};
use order_testkit::memory::MemoryStore;
use order_testkit::services::{FakeCarts, FakeProducts, FakeUsers, FixedClock, RecordingLive, RecordingSignal};
use order_usecases::{Ports, UseCases};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes, for tests";

/// When the clock of the tests stands, in seconds.
pub(crate) const NOW: i64 = START.timestamp();

pub(crate) struct Shop {
    pub(crate) store: MemoryStore,
    pub(crate) carts: Arc<FakeCarts>,
    pub(crate) products: Arc<FakeProducts>,
    pub(crate) users: Arc<FakeUsers>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) live: Arc<RecordingLive>,
    pub(crate) draining: Arc<AtomicBool>,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) scope: Option<Scope>,
    /// The requests in which the cart service was asked, if there is a scope.
    pub(crate) heard: Arc<Mutex<Vec<RequestContext>>>,
    pub(crate) outside: Vec<OutsideHealth>,
    pub(crate) transport: Option<TransportHealth>,
    pub(crate) config: HttpConfig,
    pub(crate) rules: Rules,
    pub(crate) reader: Option<Arc<dyn OrderReader>>,
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    /// The keys that tokens are checked with; without them the secret.
    pub(crate) keys: Option<Arc<PublicKeys>>,
    service: OnceCell<Shared<LocalBoxFuture<'static, Service>>>,
}

type Service = Rc<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Called>>;

/// What was asked, and what came back.
struct Called {
    method: String,
    target: String,
    sent: Vec<u8>,
    response: ServiceResponse,
}

tokio::task_local! {
    /// The names of the request that is being answered, where a shop's scope puts them.
    pub(crate) static CONTEXT: RequestContext;
}

/// Finds the caller's name in their token, where the fake expects a name, and notes in whose request it was asked.
struct ByToken(Arc<FakeCarts>, Arc<Mutex<Vec<RequestContext>>>);

#[async_trait]
impl CartService for ByToken {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        self.1.lock().unwrap().extend(CONTEXT.try_get());
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(caller.expose()).expect("claims");
        self.0.cart(&Bearer::new(claims["uid"].as_str().expect("a uid"))).await
    }

    async fn cart_of(&self, customer: &UserId) -> Result<Cart, ServiceError> {
        self.0.cart_of(customer).await
    }

    async fn remove(&self, customer: &UserId, product: ProductId) -> Result<(), ServiceError> {
        self.0.remove(customer, product).await
    }
}

impl Shop {
    /// A shop with apples, and two of them in the cart of `ann`.
    pub(crate) fn open() -> Self {
        let carts = Arc::new(FakeCarts::new());
        carts.put(a_cart("ann", &[(5, 2)]));
        Self {
            store: MemoryStore::new(),
            carts,
            products: Arc::new(FakeProducts::of([stocked(5, 299, 10)])),
            users: Arc::new(FakeUsers::with_couriers(&["bob", "7"])),
            clock: Arc::new(FixedClock::at(START)),
            live: Arc::default(),
            draining: Arc::new(AtomicBool::new(false)),
            room: Arc::new(Semaphore::new(1_000)),
            scope: None,
            heard: Arc::default(),
            outside: Vec::new(),
            transport: None,
            config: HttpConfig { workers: 1, ..HttpConfig::default() },
            rules: rules(),
            reader: None,
            issuer: None,
            audience: None,
            keys: None,
            service: OnceCell::new(),
        }
    }

    pub(crate) fn wiring(&self) -> Wiring {
        let ports = Ports {
            orders: Arc::new(self.store.clone()),
            reader: self.reader.clone().unwrap_or_else(|| Arc::new(self.store.clone())),
            desk: Arc::new(self.store.clone()),
            ids: Arc::new(self.store.clone()),
            signal: Arc::new(RecordingSignal::new()),
            live: Arc::clone(&self.live) as _,
            carts: Arc::new(ByToken(Arc::clone(&self.carts), Arc::clone(&self.heard))),
            products: Arc::clone(&self.products) as _,
            users: Arc::clone(&self.users) as _,
        };
        let rules = Arc::new(self.rules.clone());
        let verifier = match &self.keys {
            Some(keys) => TokenVerifier::public_keys(Arc::clone(keys)),
            None => TokenVerifier::hs256(&SECRET.into()).expect("a good secret"),
        };
        Wiring {
            usecases: Arc::new(move || UseCases::new(ports.clone(), Arc::clone(&rules))),
            verifier: Arc::new(verifier.with_issuer(self.issuer.clone()).with_audience(self.audience.clone())),
            clock: Arc::clone(&self.clock) as _,
            draining: Arc::clone(&self.draining),
            room: Arc::clone(&self.room),
            scope: self.scope.clone(),
            outside: {
                let outside = self.outside.clone();
                Arc::new(move || outside.clone())
            },
            transport: self.transport.clone(),
        }
    }

    /// The shop is another from now on.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.service = OnceCell::new();
    }

    /// Puts the routes together, once for all requests: that is what takes time.
    fn serve(&self) -> Shared<LocalBoxFuture<'static, Service>> {
        let state = HttpState::new(&self.wiring(), &self.config);
        let served = async move {
            let service = Rc::new(init_service(app(state)).await);
            let call = move |request: TestRequest| {
                let service = Rc::clone(&service);
                let mut request = request.to_request();
                async move {
                    let (method, target) = (request.method().to_string(), request.uri().to_string());
                    let chunks = request.take_payload().map(|chunk| chunk.expect("a chunk"));
                    let sent = chunks.collect::<Vec<_>>().await.concat();
                    if !sent.is_empty() {
                        let again = stream::iter([Ok(sent.clone().into())]);
                        *request.payload() = Payload::Stream { payload: Box::pin(again) };
                    }
                    Called { method, target, sent, response: call_service(&*service, request).await }
                }
                .boxed_local()
            };
            Rc::new(call) as Service
        };
        served.boxed_local().shared()
    }

    /// Asks, and reads the answer, which is one that the document allows.
    pub(crate) async fn ask(&self, request: TestRequest) -> Answer {
        let answer = self.ask_beside_the_document(request).await;
        document().allows(&answer.exchange);
        answer
    }

    /// Asks for what is for people, of which the document does not speak.
    pub(crate) async fn ask_beside_the_document(&self, request: TestRequest) -> Answer {
        let service = self.service.get_or_init(|| self.serve()).clone().await;
        let Called { method, target, sent, response } = service(request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.expect("a body").to_vec();
        let readable = headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())));
        let exchange = Exchange { method, target, sent, status: status.as_u16(), headers: readable.collect(), body };
        let text = String::from_utf8(exchange.body.clone()).expect("a text");
        Answer { status, headers, text, exchange }
    }

    pub(crate) async fn get(&self, path: &str, who: &str) -> Answer {
        self.ask(signed(Method::GET, path, who)).await
    }

    pub(crate) async fn post(&self, path: &str, who: &str, body: Value) -> Answer {
        self.ask(signed(Method::POST, path, who).set_json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, who: &str, body: Value) -> Answer {
        self.ask(signed(Method::PUT, path, who).set_json(body)).await
    }

    /// Keeps an order as its life has made it.
    pub(crate) async fn keep(&self, life: Life) -> OrderId {
        self.store.advance_to(life.now);
        life.keep(&self.store, &self.store, &self.store).await;
        // What is placed afterwards gets a number of its own.
        self.store.order_id().await.expect("a number");
        life.order.id()
    }

    /// Order 1 of `ann`, assigned to nobody.
    pub(crate) async fn with_order(self, status: Status) -> Self {
        let placed = an_order().placed();
        self.keep(match status {
            Status::Pending => placed,
            Status::Confirmed => placed.paid(),
            Status::Preparing => placed.preparing(),
            Status::OutForDelivery => placed.out_for_delivery(),
            Status::Delivered => placed.delivered(),
            other => panic!("no such order here: {other:?}"),
        })
        .await;
        self
    }
}

/// What every answer is compared with.
pub(crate) fn document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::parse(order_http::openapi_json()));
    &DOCUMENT
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) exchange: Exchange,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header"))
    }

    /// It is a whole problem, and nothing else, with this status and code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let body = self.json();
        assert_eq!((&body["status"], &body["code"]), (&json!(status), &json!(code)), "{body}");
        for member in ["type", "title", "detail", "instance", "request_id"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {body}");
        }
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        assert_eq!(status == 422, body.get("errors").is_some(), "{body}");
        let known = Code::ALL.iter().find(|known| known.name() == code).expect("a code");
        let every = ["type", "title", "status", "detail", "code", "instance", "request_id", "errors"];
        let mut members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        members.retain(|name| !every.contains(name));
        let mut carries = known.members().to_vec();
        carries.sort_unstable();
        assert_eq!(members, carries, "what {code} carries");
        assert_eq!(status == 503, self.header("retry-after").is_some());
        assert_eq!(status == 401, self.header("www-authenticate") == Some("Bearer"));
        body
    }

    /// The (pointer, code) of everything that is wrong.
    #[track_caller]
    pub(crate) fn errors(&self, code: &str) -> Vec<(String, String)> {
        let body = self.is_problem(422, code);
        let text = |error: &Value, member: &str| error[member].as_str().expect("a text").to_owned();
        let errors = body["errors"].as_array().expect("errors");
        errors.iter().map(|error| (text(error, "pointer"), text(error, "code"))).collect()
    }
}

/// A token with these claims, signed as it should be.
pub(crate) fn token(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key).expect("a token")
}

/// The token of `name`, who is an admin as `root`, a courier as `bob` or `bea`, and anybody else a customer.
pub(crate) fn token_of(name: &str) -> String {
    let role = match name {
        "root" => "admin",
        "bob" | "bea" => "delivery_partner",
        _ => "user",
    };
    token(&json!({ "uid": name, "role": role, "exp": NOW + 3600 }))
}

/// A request of `name`, or of nobody for `""`.
pub(crate) fn signed(method: Method, path: &str, name: &str) -> TestRequest {
    let request = TestRequest::with_uri(path).method(method);
    if name.is_empty() {
        request
    } else {
        request.insert_header(("Authorization", format!("Bearer {}", token_of(name))))
    }
}

/// Pairs of texts, as [`Answer::errors`] gives them.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}
