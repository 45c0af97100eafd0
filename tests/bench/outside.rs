//! The outside services, answering at once: the least that can be said, so that the figures are the service's own. A cart
//! has three lines, which are new ones each time it is asked for: a cart is ordered once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// One server that is all of them.
pub(crate) struct Outside {
    pub(crate) url: String,
    payments_held: Arc<AtomicBool>,
    charged: Charged,
}

/// When each order was first charged, as far as that is remembered.
type Charged = Arc<Mutex<Option<HashMap<i64, Instant>>>>;

impl Outside {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let payments_held = Arc::new(AtomicBool::new(false));
        let charged = Charged::default();
        let answers = Arc::new(Answers {
            lines: AtomicU64::new(1),
            payments_held: Arc::clone(&payments_held),
            charged: Arc::clone(&charged),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answers)));
            }
        });
        Self { url, payments_held, charged }
    }

    /// From now on, remembers when orders are charged; what is remembered so far is handed out.
    #[allow(dead_code, reason = "not every benchmark asks")]
    pub(crate) fn remember(&self) -> HashMap<i64, Instant> {
        self.charged.lock().expect("nobody panicked").replace(HashMap::new()).unwrap_or_default()
    }

    /// How many are remembered.
    #[allow(dead_code, reason = "not every benchmark asks")]
    pub(crate) fn remembered(&self) -> usize {
        self.charged.lock().expect("nobody panicked").as_ref().map_or(0, HashMap::len)
    }

    /// The payment service does not answer any more, or does again. Charges wait, and placing is alone on the machine.
    pub(crate) fn hold_payments(&self, hold: bool) {
        self.payments_held.store(hold, Ordering::Relaxed);
    }
}

struct Answers {
    lines: AtomicU64,
    payments_held: Arc<AtomicBool>,
    charged: Charged,
}

async fn serve(mut stream: TcpStream, answers: Arc<Answers>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut request = Vec::with_capacity(4 * 1024);
    loop {
        request.clear();
        let head = loop {
            if stream.read_buf(&mut request).await.ok()? == 0 {
                return None;
            }
            if let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") {
                break head;
            }
        };
        let caller = caller(&request[..head]);
        let text = std::str::from_utf8(&request[..head]).ok()?.to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(Some(0), |length| length.trim().parse().ok())?;
        while request.len() < head + 4 + length {
            if stream.read_buf(&mut request).await.ok()? == 0 {
                return None;
            }
        }
        let path = text.split(' ').nth(1)?;
        if path.starts_with("/payments") && answers.payments_held.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if path == "/payments/process" {
            answers.charges(&request[head + 4..]);
        }
        let body = answers.to(path, &caller);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
        stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await.ok()?;
    }
}

/// Who the token of a request names, if it has one.
fn caller(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let token = head.lines().find_map(|line| {
        line.split_once(' ').filter(|_| line.len() > 13 && line[..14].eq_ignore_ascii_case("authorization:"))
    });
    let payload = token.and_then(|(_, token)| token.split('.').nth(1)).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap_or_default();
    claims["uid"].as_str().unwrap_or_default().to_owned()
}

impl Answers {
    fn charges(&self, body: &[u8]) {
        if let Some(charged) = self.charged.lock().expect("nobody panicked").as_mut() {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            charged.entry(body["order_id"].as_i64().unwrap_or_default()).or_insert_with(Instant::now);
        }
    }

    fn to(&self, path: &str, caller: &str) -> String {
        if let Some(id) = path.strip_prefix("/api/products/") {
            return format!(
                r#"{{"id":{id},"name":"Product {id}","description":"As good as it gets","price":2.99,"mrp":3.99,"category_id":1,"image_url":"https://shop.example/{id}.jpg","stock_quantity":1000000,"unit":"kg","is_active":true}}"#
            );
        }
        if path == "/api/v1/cart" {
            let first = self.lines.fetch_add(3, Ordering::Relaxed);
            let line = |n: u64| format!(r#"{{"id":{},"product_id":{n},"quantity":2}}"#, first + n - 1);
            let lines = [line(1), line(2), line(3)].join(",");
            return format!(
                r#"{{"id":1,"user_id":"{caller}","items":[{lines}],"promo_code":null,"discount_amount":0}}"#
            );
        }
        if path.starts_with("/payments") {
            return r#"{"success":true,"transaction_id":"t-1"}"#.into();
        }
        "{}".into()
    }
}
