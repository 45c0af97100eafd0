//! The product service: products as they are now, each asked for once.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use order_domain::order::Product;
use order_domain::ports::{ProductService, ServiceError, ServiceName};
use order_domain::pricing::{MAX_UNIT_PRICE, StockedProduct};
use order_domain::{Currency, Money, ProductId};
use order_faults::around;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::{Flaw, json};
use crate::guard::Guards;
use crate::http::Http;
use crate::settings::{Deadlines, SetupError};
use crate::{numbers, text};

/// How many products are asked for at once: enough for a usual cart in one go, not so many that one large cart keeps
/// the others waiting.
const AT_ONCE: usize = 8;

/// The largest category id, as every id below 2^53.
const MAX_CATEGORY: i64 = (1 << 53) - 1;

/// The product service over HTTP.
#[derive(Debug)]
pub struct ProductClient {
    http: Http,
    currency: Currency,
}

impl ProductClient {
    /// A client of the service at `base_url`, whose prices are in `currency`.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(base_url: &str, deadlines: Deadlines, guards: &Guards, currency: Currency) -> Result<Self, SetupError> {
        Ok(Self { http: Http::new(ServiceName::Product, base_url, deadlines, guards)?, currency })
    }

    async fn product(&self, id: ProductId) -> Result<Option<StockedProduct>, ServiceError> {
        let call = self.http.get(&["api", "products", &id.to_string()]);
        let answer =
            around!("call.product", self.http.send(call).await).map_err(|failure| self.http.failed(failure))?;
        match answer.status {
            StatusCode::OK => self.http.read(&answer, |body| product(body, id, self.currency)).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.http.unexpected(status)),
        }
    }
}

#[async_trait]
impl ProductService for ProductClient {
    /// The first error ends it, and the calls that are still under way with it.
    async fn products(&self, ids: &[ProductId]) -> Result<BTreeMap<ProductId, Option<StockedProduct>>, ServiceError> {
        let ids: BTreeSet<ProductId> = ids.iter().copied().collect();
        stream::iter(ids)
            .map(async |id| Ok((id, self.product(id).await?)))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    id: i64,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow, default)]
    mrp: Option<&'a RawValue>,
    #[serde(default)]
    category_id: Option<i64>,
    #[serde(default)]
    image_url: Option<String>,
    #[serde(borrow)]
    stock_quantity: &'a RawValue,
    #[serde(default)]
    unit: Option<String>,
    is_active: bool,
    /// Older products do not say: they can be returned.
    #[serde(default)]
    is_returnable: Option<bool>,
}

fn product(body: &[u8], asked: ProductId, currency: Currency) -> Result<StockedProduct, Flaw> {
    let answer: Answer<'_> = json(body)?;
    if answer.id != asked.get() {
        return Err(Flaw("another product than the one asked for".to_owned()));
    }
    let name = text::line(&answer.name, 500, "name")?.trim().to_owned();
    if name.is_empty() {
        return Err(Flaw::field("name"));
    }
    let amount = |raw, name| {
        let amount = numbers::money(raw, currency).filter(|amount| (0..=MAX_UNIT_PRICE).contains(&amount.minor()));
        amount.ok_or_else(|| Flaw::field(name))
    };
    let price: Money = amount(answer.price, "price")?;
    if price.is_zero() {
        return Err(Flaw::field("price"));
    }
    if answer.category_id.is_some_and(|id| !(0..=MAX_CATEGORY).contains(&id)) {
        return Err(Flaw::field("category_id"));
    }
    let optional = |value: Option<String>, max, name| value.map(|value| text::line(&value, max, name)).transpose();
    Ok(StockedProduct {
        product: Product {
            id: asked,
            name,
            description: answer.description.map(|value| text::lines(&value, 10_000, "description")).transpose()?,
            price,
            mrp: answer.mrp.map(|raw| amount(raw, "mrp")).transpose()?,
            category_id: answer.category_id,
            image_url: optional(answer.image_url, 2_000, "image_url")?,
            unit: optional(answer.unit, 50, "unit")?,
            returnable: answer.is_returnable.unwrap_or(true),
        },
        active: answer.is_active,
        stock: numbers::stock(answer.stock_quantity).ok_or_else(|| Flaw::field("stock_quantity"))?,
    })
}
