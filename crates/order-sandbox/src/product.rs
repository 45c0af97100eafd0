//! The product service: the catalogue as it is now, inactive products included.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use serde::{Deserialize, Serialize};

use crate::gate;
use crate::problem::Problem;
use crate::service::{Place, Route, Service};
use crate::state::State;

/// A product as the product service tells of it. Prices are binary floats there, awkward ones included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Product {
    /// The id.
    #[serde(default)]
    pub id: i64,
    /// The name.
    pub name: String,
    /// A sentence about it.
    #[serde(default)]
    pub description: String,
    /// The price of one unit; `30.299999999999997` is sent just so.
    pub price: f64,
    /// The price recommended by its maker.
    #[serde(default)]
    pub mrp: f64,
    /// The id of its category.
    #[serde(default)]
    pub category_id: i64,
    /// Where its picture is.
    #[serde(default)]
    pub image_url: Option<String>,
    /// How many there are. Nothing here ever takes from it: the product service knows no reservations.
    #[serde(default)]
    pub stock_quantity: i64,
    /// What one of it is: `kg`, `piece`, …
    #[serde(default)]
    pub unit: String,
    /// Whether it is sold. Inactive ones are told of with 200, too.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// Whether it may be returned; `None` leaves the field out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_returnable: Option<bool>,
}

fn yes() -> bool {
    true
}

impl Product {
    /// An active, returnable product with 100 pieces in stock.
    pub fn new(id: i64, name: impl Into<String>, price: f64) -> Self {
        let name = name.into();
        Self {
            id,
            description: format!("{name}, fresh from the sandbox"),
            name,
            price,
            mrp: price,
            category_id: 1,
            image_url: Some(format!("https://images.example.com/products/{id}.jpg")),
            stock_quantity: 100,
            unit: "piece".to_owned(),
            is_active: true,
            is_returnable: Some(true),
        }
    }

    /// With so many in stock.
    pub fn stock(mut self, quantity: i64) -> Self {
        self.stock_quantity = quantity;
        self
    }

    /// No longer sold.
    pub fn inactive(mut self) -> Self {
        self.is_active = false;
        self
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    let place = Place::new(Service::Product, Route::Product);
    gate::endpoint(config, "/api/products/{id}", place, web::get().to(product));
    gate::nothing_else(config, Service::Product);
}

async fn product(state: Data<State>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: i64 = id.parse().map_err(|_| Problem::invalid("A product id is an integer"))?;
    let product = state.read(|world| world.products.get(&id).cloned());
    product.map(|product| HttpResponse::Ok().json(product)).ok_or_else(|| Problem::not_found("Product not found"))
}
