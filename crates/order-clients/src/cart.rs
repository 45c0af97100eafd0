//! The cart service: what a customer wants to order, and taking it out once it is ordered.
//!
//! Whether a cart belongs to whoever asked for it is for the use case to see; here it is told whose it says it is.

use std::collections::BTreeSet;

use async_trait::async_trait;
use order_domain::order::CartLine;
use order_domain::ports::{Bearer, Cart, CartService, ServiceError, ServiceName};
use order_domain::pricing::MAX_LINES;
use order_domain::{CartLineId, Currency, Money, ProductId, Quantity, UserId};
use order_faults::around;
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::answer::{Flaw, json};
use crate::guard::Guards;
use crate::http::{Answer as HttpAnswer, Call, Http};
use crate::numbers;
use crate::settings::{Deadlines, SetupError};
use crate::token::ServiceTokens;

const CART: [&str; 3] = ["api", "v1", "cart"];
const REMOVE: [&str; 4] = ["api", "v1", "cart", "remove"];

/// The cart service over HTTP.
#[derive(Debug)]
pub struct CartClient {
    http: Http,
    currency: Currency,
    tokens: ServiceTokens,
}

impl CartClient {
    /// A client of the service at `base_url`, whose amounts are in `currency`. `tokens` are for the calls in this
    /// service's own name.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(
        base_url: &str,
        deadlines: Deadlines,
        guards: &Guards,
        currency: Currency,
        tokens: ServiceTokens,
    ) -> Result<Self, SetupError> {
        Ok(Self { http: Http::new(ServiceName::Cart, base_url, deadlines, guards)?, currency, tokens })
    }

    fn token_for(&self, customer: &UserId) -> Result<Bearer, ServiceError> {
        self.tokens.for_user(customer).map_err(|_| self.http.unavailable("no token could be signed for it"))
    }

    async fn call(&self, call: Call, token: &Bearer) -> Result<HttpAnswer, ServiceError> {
        let call = call.authorized(token).ok_or_else(|| self.http.unauthorized())?;
        let answer = self.http.send(call).await.map_err(|failure| self.http.failed(failure))?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(self.http.unauthorized()),
            _ => Ok(answer),
        }
    }
}

#[async_trait]
impl CartService for CartClient {
    async fn cart(&self, caller: &Bearer) -> Result<Cart, ServiceError> {
        let answer = around!("call.cart.read", self.call(self.http.get(&CART), caller).await)?;
        match answer.status {
            StatusCode::OK => self.http.read(&answer, |body| cart(body, self.currency)),
            status => Err(self.http.unexpected(status)),
        }
    }

    async fn cart_of(&self, customer: &UserId) -> Result<Cart, ServiceError> {
        self.cart(&self.token_for(customer)?).await
    }

    async fn remove(&self, customer: &UserId, product: ProductId) -> Result<(), ServiceError> {
        let body = format!(r#"{{"product_id":{product}}}"#).into_bytes();
        let (call, token) = (self.http.post(&REMOVE, body), self.token_for(customer)?);
        let answer = around!("call.cart.remove", self.call(call, &token).await)?;
        match answer.status {
            // Its content is of no interest, but that it is the service's: anybody can say 200. Asking again is safe.
            StatusCode::OK => self.http.read(&answer, |body| json::<IgnoredAny>(body).map(drop)),
            // not in the cart, which is what was wanted
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
            status => Err(self.http.unexpected(status)),
        }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    user_id: &'a RawValue,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    /// The one figure of the promotion that counts, however it came about.
    #[serde(borrow, default)]
    discount_amount: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item {
    id: i64,
    product_id: i64,
    quantity: i64,
}

fn cart(body: &[u8], currency: Currency) -> Result<Cart, Flaw> {
    let answer: Answer<'_> = json(body)?;
    let customer = numbers::id_text(answer.user_id).and_then(|id| UserId::new(id).ok());
    let customer = customer.ok_or_else(|| Flaw::field("user_id"))?;
    if answer.items.len() > MAX_LINES {
        return Err(Flaw(format!("a cart of more than {MAX_LINES} lines")));
    }
    let lines = answer.items.iter().map(|item| line(item)).collect::<Result<Vec<_>, Flaw>>()?;
    // a line is recognised by its id when the cart is cleared
    let ids: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
    if ids.len() < lines.len() {
        return Err(Flaw("two lines of the same id".to_owned()));
    }
    let promo_discount = match answer.discount_amount {
        None => Money::zero(currency),
        Some(raw) => numbers::money(raw, currency)
            .filter(|discount| !discount.is_negative())
            .ok_or_else(|| Flaw::field("discount_amount"))?,
    };
    Ok(Cart { customer, lines, promo_discount })
}

fn line(item: &RawValue) -> Result<CartLine, Flaw> {
    let item: Item = json(item.get().as_bytes())?;
    let quantity = u32::try_from(item.quantity).ok().and_then(|units| Quantity::new(units).ok());
    Ok(CartLine {
        id: CartLineId::new(item.id).map_err(|_| Flaw::field("line id"))?,
        product: ProductId::new(item.product_id).map_err(|_| Flaw::field("product_id"))?,
        quantity: quantity.ok_or_else(|| Flaw::field("quantity"))?,
    })
}
