//! Bodies that nobody has read to their end. The framework would read the rest of a chunked one for as long as its sender
//! likes, once everybody has let go of it; so it is held until the answer is sent, and then the connection is closed.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

/// A hold on the body of a request.
#[derive(Clone)]
pub(crate) struct Hold(Rc<RefCell<Payload>>);

impl Hold {
    /// A hold on this request's body, if it has one. Its handler reads it as before.
    pub(crate) fn on(request: &mut ServiceRequest) -> Option<Self> {
        match request.take_payload() {
            Payload::None => None,
            payload => {
                let hold = Self(Rc::new(RefCell::new(payload)));
                request.set_payload(Payload::Stream { payload: Box::pin(hold.clone()) });
                Some(hold)
            }
        }
    }

    /// An answer that keeps the hold until it is sent.
    pub(crate) fn until_sent(self, body: BoxBody) -> BoxBody {
        BoxBody::new(Holding { body, _hold: self })
    }
}

impl Stream for Hold {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

struct Holding {
    body: BoxBody,
    _hold: Hold,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}
