//! What the load asks for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use crate::load::{Request, Requests};
use crate::process::token;

/// So many that none orders again while a placing is guarded.
const CUSTOMERS: usize = 50_000;

fn request(method: &str, path: &str, token: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n{more}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// One order after another, by its customer.
pub(crate) fn read(orders: &[i64]) -> Requests {
    let (orders, token, next) = (orders.to_vec(), token("ann", "user"), AtomicUsize::new(0));
    Arc::new(move |_| {
        // A stride that is prime to most counts: neighbours in time are none in the database.
        let n = next.fetch_add(7_919, Ordering::Relaxed);
        let path = format!("/orders/{}", orders[n % orders.len()]);
        Request { bytes: request("GET", &path, &token, "", ""), expected: 200 }
    })
}

/// The newest twenty of a customer who has thousands.
pub(crate) fn my_orders() -> Requests {
    let bytes = request("GET", "/orders/my-orders", &token("ann", "user"), "", "");
    Arc::new(move |_| Request { bytes: bytes.clone(), expected: 200 })
}

/// A new order of a cart of three lines, each by another customer and under a key of its own.
pub(crate) fn place() -> Requests {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static TOKENS: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..CUSTOMERS).map(|n| token(&format!("customer-{n}"), "user")).collect());
    let tokens = &*TOKENS;
    let body = r#"{"delivery_address":"123 Main St","delivery_latitude":"40.7128","delivery_longitude":"-74.0060"}"#;
    Arc::new(move |_| {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let key = format!("Idempotency-Key: bench-{n}\r\n");
        Request { bytes: request("POST", "/orders", &tokens[n % CUSTOMERS], &key, body), expected: 201 }
    })
}

/// Orders on their way: packed, handed over, delivered, each step once.
pub(crate) struct Deliveries {
    ready: Arc<Mutex<Vec<i64>>>,
    under_way: Arc<Mutex<Vec<UnderWay>>>,
}

/// The order that a connection has in hand, and the steps that it has taken.
type UnderWay = Option<(i64, usize)>;

impl Deliveries {
    /// Of confirmed orders that have a courier.
    pub(crate) fn of(ready: Vec<i64>) -> Self {
        Self { ready: Arc::new(Mutex::new(ready)), under_way: Arc::default() }
    }

    /// The next step of the order that a connection has in hand, or the first of another one.
    pub(crate) fn requests(&self) -> Requests {
        let (ready, under_way) = (Arc::clone(&self.ready), Arc::clone(&self.under_way));
        let token = token("ada", "admin");
        Arc::new(move |connection| {
            let mut under_way = under_way.lock().expect("nobody panicked");
            if under_way.len() <= connection {
                under_way.resize(connection + 1, None);
            }
            let (id, step) = under_way[connection].filter(|(_, step)| *step < 3).unwrap_or_else(|| {
                (ready.lock().expect("nobody panicked").pop().expect("more orders are seeded than can be delivered"), 0)
            });
            under_way[connection] = Some((id, step + 1));
            let status = ["preparing", "out_for_delivery", "delivered"][step];
            let body = format!(r#"{{"status":"{status}"}}"#);
            Request { bytes: request("PUT", &format!("/orders/{id}/status"), &token, "", &body), expected: 200 }
        })
    }
}
