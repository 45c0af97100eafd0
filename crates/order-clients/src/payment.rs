//! The payment service: moves money, once for each key.
//!
//! Everything here serves one question: may the money have moved? Only what is certain is told as certain. A call is
//! not sent if there was no connection, settled if the service said `true`, declined if it said no; else it is unknown.

use async_trait::async_trait;
use order_domain::ports::{Payment, PaymentError, PaymentReceipt, PaymentService, ServiceName};
use order_domain::time::Duration;
use order_faults::around;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::answer::json;
use crate::guard::Guards;
use crate::http::Http;
use crate::numbers;
use crate::settings::{Deadlines, SetupError};

/// The most characters that are kept of a transaction's id.
const MAX_TRANSACTION_ID: usize = 200;

/// The payment service over HTTP.
#[derive(Debug)]
pub struct PaymentClient {
    http: Http,
}

impl PaymentClient {
    /// A client of the service at `base_url`; [`Deadlines::PAYMENT`] are meant for it.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(base_url: &str, deadlines: Deadlines, guards: &Guards) -> Result<Self, SetupError> {
        Ok(Self { http: Http::new(ServiceName::Payment, base_url, deadlines, guards)? })
    }

    async fn pay(&self, route: &str, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        let (key, body) = written(payment)?;
        let call = self.http.post(&["payments", route], body).header("Idempotency-Key", key);
        let answer = self.http.send(call).await.map_err(|failure| {
            let detail = failure.detail().to_owned();
            if failure.not_sent() { PaymentError::NotSent(detail) } else { PaymentError::Unknown(detail) }
        })?;
        refusal(answer.status)?;
        outcome(&answer.body, payment)
    }
}

/// What the body of a 200 says.
fn outcome(body: &[u8], payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
    let answer: Answer<'_> = json(body).map_err(|flaw| unknown(&flaw.0))?;
    let is_amount = |raw| numbers::money(raw, payment.amount.currency()) == Some(payment.amount);
    if answer.amount.is_some_and(|amount| !is_amount(amount)) {
        return Err(unknown("the answer is about another amount"));
    }
    let is_order = |raw| numbers::id_text(raw).is_some_and(|id| id == payment.order.to_string());
    if answer.order_id.is_some_and(|order| !is_order(order)) {
        return Err(unknown("the answer is about another order"));
    }
    if !answer.success {
        return Err(PaymentError::Declined("success is false".to_owned()));
    }
    Ok(PaymentReceipt { transaction_id: answer.transaction_id.and_then(transaction_id).unwrap_or_default() })
}

/// What looking up a payment may take: it comes before the call itself, which needs the most of a handler's time.
const LOOK_UP: Duration = Duration::from_secs(2);

#[async_trait]
impl PaymentService for PaymentClient {
    async fn charge(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        around!("call.payment.charge", self.pay("process", payment).await)
    }

    async fn refund(&self, payment: &Payment) -> Result<PaymentReceipt, PaymentError> {
        around!("call.payment.refund", self.pay("refund", payment).await)
    }

    async fn outcome(&self, payment: &Payment) -> Result<Option<PaymentReceipt>, PaymentError> {
        let call = self.http.get(&["payments", "by-key", &payment.key]);
        let answer = self.http.send_within(LOOK_UP, call).await.map_err(|failure| unknown(failure.detail()))?;
        // A missing route, or a call that is under way: nothing follows from it.
        if answer.status != StatusCode::OK {
            return Ok(None);
        }
        outcome(&answer.body, payment).map(Some)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    user_id: &'a str,
    order_id: i64,
    amount: &'a RawValue,
}

#[derive(Deserialize)]
struct Answer<'a> {
    success: bool,
    #[serde(borrow, default)]
    transaction_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    amount: Option<&'a RawValue>,
    #[serde(borrow, default)]
    order_id: Option<&'a RawValue>,
}

/// The call's key and body. What can't be written is not sent, and neither is an amount that would move money the
/// other way.
fn written(payment: &Payment) -> Result<(HeaderValue, Vec<u8>), PaymentError> {
    let not_sent = |detail: &str| PaymentError::NotSent(detail.to_owned());
    if payment.amount.is_negative() || payment.amount.is_zero() {
        return Err(not_sent("an amount is more than nothing"));
    }
    let key = HeaderValue::from_str(&payment.key).map_err(|_| not_sent("the key fits into no header"))?;
    let body = numbers::exact(payment.amount).and_then(|amount| {
        let (user_id, order_id) = (payment.customer.as_str(), payment.order.get());
        serde_json::to_vec(&Body { user_id, order_id, amount: &amount })
    });
    body.map(|body| (key, body)).map_err(|_| not_sent("the payment can't be written as JSON"))
}

/// What a status says by itself. Everything but 200 does; the body of another answer does not count.
fn refusal(status: StatusCode) -> Result<(), PaymentError> {
    let detail = format!("status {}", status.as_u16());
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::PAYMENT_REQUIRED => Err(PaymentError::Declined(detail)),
        // "not now", said by whatever stands in front: of this attempt or of the one before it
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(PaymentError::Unknown(detail))
        }
        status if status.is_client_error() => Err(PaymentError::Refused(detail)),
        _ => Err(PaymentError::Unknown(detail)),
    }
}

/// The id of a transaction, if it can be kept. The money has moved, whatever it is called.
fn transaction_id(raw: &RawValue) -> Option<String> {
    let id = numbers::id_text(raw)?;
    let usable = id.chars().count() <= MAX_TRANSACTION_ID && !id.chars().any(char::is_control);
    usable.then_some(id)
}

fn unknown(detail: &str) -> PaymentError {
    PaymentError::Unknown(detail.to_owned())
}
