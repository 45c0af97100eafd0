//! A TCP proxy that disturbs: between the service and an outside service, or the database. It knows no protocol; what a
//! message is about it tells by bytes that are in it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// What happens to a message and to its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The answer is late.
    Delay(Duration),
    /// It never arrives: the connection is reset.
    Reset,
    /// It arrives, and the connection ends before the last byte of the answer.
    Truncate,
    /// It arrives and is answered, and the connection ends without the answer.
    LoseAnswer,
    /// It arrives and is answered, and neither this answer nor anything else gets through any more: [`Proxy::cut`].
    CutOff,
    /// It is held back until [`Proxy::release`].
    Hold,
}

struct Rule {
    needle: Vec<u8>,
    fault: Fault,
    passed: u32,
    times: u32,
}

struct State {
    target: String,
    rules: Mutex<Vec<Rule>>,
    happened: AtomicU32,
    released: Semaphore,
    /// Nobody gets through.
    cut: watch::Sender<bool>,
}

/// The proxy. Gone when it is dropped, and all its connections with it.
pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Passes everything on to `target`, `HOST:PORT`.
    pub async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            target: target.to_owned(),
            rules: Mutex::default(),
            happened: AtomicU32::new(0),
            released: Semaphore::new(0),
            cut: watch::Sender::new(false),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, accepting }
    }

    /// Stands before a URL's host. The proxy, and the URL that leads through it.
    pub async fn before(url: &str) -> (Self, String) {
        let start = url.find("://").unwrap() + 3;
        let end = url[start..].find('/').map_or(url.len(), |at| start + at);
        let host = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
        let proxy = Self::to(&url[host..end]).await;
        let through = format!("{}{}{}", &url[..host], proxy.address, &url[end..]);
        (proxy, through)
    }

    /// Disturbs the next so many messages that have these bytes in them.
    pub fn disturb(&self, needle: &str, fault: Fault, times: u32) {
        self.disturb_after(0, needle, fault, times);
    }

    /// Lets so many of them pass first.
    pub fn disturb_after(&self, passed: u32, needle: &str, fault: Fault, times: u32) {
        self.state.rules.lock().unwrap().push(Rule { needle: needle.as_bytes().to_vec(), fault, passed, times });
    }

    /// Disturbs nobody any more.
    pub fn calm(&self) {
        self.state.rules.lock().unwrap().clear();
    }

    /// How many messages were disturbed. One that is held back counts from then on.
    pub fn happened(&self) -> u32 {
        self.state.happened.load(Ordering::SeqCst)
    }

    /// Lets a message go that is held back.
    pub fn release(&self) {
        self.state.released.add_permits(1);
    }

    /// Ends every connection and lets nobody through any more; or lets them through again.
    pub fn cut(&self, cut: bool) {
        self.state.cut.send_replace(cut);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut(true);
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let mut cut = state.cut.subscribe();
            tokio::select! {
                biased;
                _ = cut.wait_for(|cut| *cut) => {}
                // Whoever goes away in the middle has had enough.
                _ = connection(client, &state) => {}
            }
        });
    }
}

impl State {
    /// The fault that a message meets. (What the tests look for comes in one piece, being short.)
    fn meet(&self, seen: &[u8]) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| {
            rule.times > 0 && seen.windows(rule.needle.len()).any(|bytes| bytes == rule.needle.as_slice())
        })?;
        if rule.passed > 0 {
            rule.passed -= 1;
            return None;
        }
        rule.times -= 1;
        self.happened.fetch_add(1, Ordering::SeqCst);
        Some(rule.fault)
    }
}

async fn connection(mut client: TcpStream, state: &State) -> std::io::Result<()> {
    let mut server = TcpStream::connect(&state.target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut awaited = None;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                match state.meet(&up[..read]) {
                    Some(Fault::Reset) => return client.set_zero_linger(),
                    Some(Fault::Hold) => state.released.acquire().await.map(tokio::sync::SemaphorePermit::forget).unwrap(),
                    fault => awaited = fault.or(awaited),
                }
                server.write_all(&up[..read]).await?;
            }
            read = server.read(&mut down) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                match awaited.take() {
                    Some(Fault::LoseAnswer) => return Ok(()),
                    Some(Fault::Truncate) => return client.write_all(&down[..read - 1]).await,
                    Some(Fault::CutOff) => {
                        state.cut.send_replace(true);
                        return Ok(());
                    }
                    Some(Fault::Delay(by)) => tokio::time::sleep(by).await,
                    Some(Fault::Reset | Fault::Hold) | None => {}
                }
                client.write_all(&down[..read]).await?;
            }
        }
    }
}
