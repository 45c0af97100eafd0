//! A bare TCP server that answers by a script, keeps what it was sent, and knows no HTTP beyond where a request ends.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a request gets.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes; the connection is kept for the next request.
    Bytes(Vec<u8>),
    /// These bytes, then the end of the connection.
    Last(Vec<u8>),
    /// So much later the end of the connection, without a byte.
    LateEnd(Duration),
    /// These bytes, then nothing; the connection stays open.
    Silence(Vec<u8>),
    /// The first bytes, then the others over and over.
    Flood(Vec<u8>, Vec<u8>),
}

impl Answer {
    /// 200 with a body.
    pub(crate) fn ok(body: impl AsRef<str>) -> Self {
        Self::status("200 OK", body)
    }

    pub(crate) fn status(status: &str, body: impl AsRef<str>) -> Self {
        let body = body.as_ref();
        Self::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }
}

pub(crate) struct Raw {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    /// Answers the first request, on whatever connection, with the first answer, and so on; the last one repeats.
    pub(crate) async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (Arc::clone(&requests), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { url, requests }
    }

    pub(crate) async fn always(answer: Answer) -> Self {
        Self::start(vec![answer]).await
    }

    /// Every request so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Vec<Answer>>, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read_request(&mut stream).await {
        let at = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len() - 1
        };
        match script[at.min(script.len() - 1)].clone() {
            Answer::Bytes(bytes) => stream.write_all(&bytes).await.unwrap(),
            Answer::Last(bytes) => return stream.write_all(&bytes).await.unwrap(),
            Answer::LateEnd(late) => return tokio::time::sleep(late).await,
            Answer::Silence(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                // until the client has had enough
                while stream.read(&mut [0; 64]).await.is_ok_and(|n| n > 0) {}
                return;
            }
            Answer::Flood(first, again) => {
                stream.write_all(&first).await.unwrap();
                while stream.write_all(&again).await.is_ok() {}
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}
