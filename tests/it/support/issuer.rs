//! A user service that signs its tokens with a private key and publishes the other half, and beside it, at the same
//! address, a cart service that takes every token for what it says. The sandbox's services know the shared secret alone.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use order_testkit::keys::jwk_set;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Default)]
struct State {
    keys: Vec<Value>,
    fetches: u32,
}

/// The service. Down when it is dropped.
pub struct Issuer {
    pub url: String,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl Issuer {
    pub async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { keys: keys.to_vec(), fetches: 0 }));
        let serving = Some(tokio::spawn(accept(listener, Arc::clone(&state))));
        Self { url: format!("http://{address}"), address, state, serving }
    }

    /// Publishes these keys from now on.
    pub fn publish(&self, keys: &[Value]) {
        self.state.lock().unwrap().keys = keys.to_vec();
    }

    /// How often the keys were asked for.
    pub fn fetches(&self) -> u32 {
        self.state.lock().unwrap().fetches
    }

    /// Connections are refused from now on.
    pub async fn take_down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Answers again, at the same address.
    pub async fn bring_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serving = Some(tokio::spawn(accept(listener, Arc::clone(&self.state))));
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&state)));
    }
}

/// One request on one connection. A client that goes away has seen enough.
async fn answer(stream: TcpStream, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length, mut token) = (String::new(), 0, String::new());
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 2 {
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "authorization" => token = value.trim().trim_start_matches("Bearer ").to_owned(),
                _ => {}
            }
        } else {
            head.clone_from(&line);
        }
        line.clear();
    }
    stream.read_exact(&mut vec![0; length]).await?;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path {
        "/.well-known/jwks.json" => {
            let mut state = state.lock().unwrap();
            state.fetches += 1;
            ("200 OK", jwk_set(&state.keys))
        }
        "/api/v1/cart" => ("200 OK", cart(&token)),
        "/api/v1/cart/remove" => ("200 OK", b"{}".to_vec()),
        _ => ("404 Not Found", b"{}".to_vec()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(&[head.into_bytes(), body].concat()).await
}

/// Two apples, as in every cart of these tests.
fn cart(token: &str) -> Vec<u8> {
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
    let items = json!([{ "id": 1, "product_id": 1, "quantity": 2 }]);
    json!({ "id": 1, "user_id": claims["uid"], "items": items, "discount_amount": 0 }).to_string().into_bytes()
}
