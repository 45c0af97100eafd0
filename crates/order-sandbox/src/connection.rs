//! A hold on the TCP connection under a request, to end it as no well-behaved server would.

use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, Socket};

/// A second descriptor of a connection's socket; options set on it hold for the connection.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Mutex<Option<Socket>>>);

impl Connection {
    /// From now on, closing the connection resets it: with a linger of zero the kernel sends RST instead of FIN.
    ///
    /// No `shutdown` here: it would send the FIN first, and the client would see an orderly end.
    pub(crate) fn reset_when_closed(&self) -> io::Result<()> {
        self.let_go().map_or(Ok(()), |socket| socket.set_linger(Some(Duration::ZERO)))
    }

    /// Gives up the second descriptor: the connection ends only when its last one is closed.
    pub(crate) fn let_go(&self) -> Option<Socket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Keeps a [`Connection`] with each accepted socket.
pub(crate) fn remember(stream: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = stream.downcast_ref::<TcpStream>()
        && let Ok(socket) = SockRef::from(stream).try_clone()
    {
        extensions.insert(Connection(Arc::new(Mutex::new(Some(socket)))));
    }
}
