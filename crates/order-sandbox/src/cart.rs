//! The cart service: each caller's own cart, with sums made of binary floats as the real one makes them.

use std::collections::BTreeMap;

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::auth;
use crate::gate;
use crate::problem::{Problem, read_json};
use crate::product::Product;
use crate::service::{Place, Route, Service};
use crate::state::State;

/// A cart, without the products and sums that its service adds to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cart {
    /// The id of the cart.
    pub id: i64,
    /// Whose it is.
    pub user_id: String,
    /// Its lines, oldest first.
    pub items: Vec<CartLine>,
    /// The promo code that applies to it.
    pub promo_code: Option<Promo>,
}

/// A line of a cart. Its id never comes back: a product that is removed and added again gets another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CartLine {
    /// The id of the line.
    pub id: i64,
    /// The id of the product.
    pub product_id: i64,
    /// How many of it.
    pub quantity: u32,
}

/// A promo code of a cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promo {
    /// What the customer typed.
    pub code: String,
    /// `percentage` or `fixed`; any other is passed on and takes nothing off.
    pub discount_type: String,
    /// Percent of the subtotal, or an amount.
    pub discount_value: f64,
}

impl Promo {
    /// So many percent of the subtotal.
    pub fn percentage(code: impl Into<String>, percent: f64) -> Self {
        Self { code: code.into(), discount_type: "percentage".to_owned(), discount_value: percent }
    }

    /// A fixed amount, at most the subtotal.
    pub fn fixed(code: impl Into<String>, amount: f64) -> Self {
        Self { code: code.into(), discount_type: "fixed".to_owned(), discount_value: amount }
    }
}

/// Every user's cart.
#[derive(Default)]
pub(crate) struct Carts {
    by_user: BTreeMap<String, Cart>,
    last_cart: i64,
    last_line: i64,
}

impl Carts {
    /// The cart of a user; an empty one is made for whoever has none.
    pub(crate) fn of(&mut self, user_id: &str) -> &mut Cart {
        let last_cart = &mut self.last_cart;
        self.by_user.entry(user_id.to_owned()).or_insert_with(|| {
            *last_cart += 1;
            Cart { id: *last_cart, user_id: user_id.to_owned(), ..Cart::default() }
        })
    }

    /// The cart of a user, without making one.
    pub(crate) fn get(&self, user_id: &str) -> Cart {
        let empty = || Cart { user_id: user_id.to_owned(), ..Cart::default() };
        self.by_user.get(user_id).cloned().unwrap_or_else(empty)
    }

    pub(crate) fn all(&self) -> Vec<Cart> {
        self.by_user.values().cloned().collect()
    }

    /// New lines in place of whatever was there.
    pub(crate) fn replace(&mut self, user_id: &str, items: &[(i64, u32)]) {
        self.of(user_id).items.clear();
        for (product_id, quantity) in items {
            self.add(user_id, *product_id, *quantity);
        }
    }

    /// More of a product: its line grows, or there is a new one.
    pub(crate) fn add(&mut self, user_id: &str, product_id: i64, quantity: u32) {
        let id = self.last_line + 1;
        let cart = self.of(user_id);
        if let Some(line) = cart.items.iter_mut().find(|line| line.product_id == product_id) {
            line.quantity = line.quantity.saturating_add(quantity);
        } else {
            cart.items.push(CartLine { id, product_id, quantity });
            self.last_line = id;
        }
    }

    /// Whether there was a line to remove.
    pub(crate) fn remove(&mut self, user_id: &str, product_id: i64) -> bool {
        let items = &mut self.of(user_id).items;
        let before = items.len();
        items.retain(|line| line.product_id != product_id);
        items.len() < before
    }
}

impl Cart {
    /// As the cart service answers it.
    pub(crate) fn answer(&self, products: &BTreeMap<i64, Product>) -> Value {
        let items = self.items.iter().map(|line| {
            let product = products.get(&line.product_id);
            json!({"id": line.id, "product_id": line.product_id, "quantity": line.quantity, "product": product})
        });
        let price = |line: &CartLine| products.get(&line.product_id).map_or(0.0, |product| product.price);
        // not `sum()`: that of nothing is -0.0
        let subtotal = self.items.iter().fold(0.0, |sum, line| sum + price(line) * f64::from(line.quantity));
        let discount = self.promo_code.as_ref().map_or(0.0, |promo| match promo.discount_type.as_str() {
            "percentage" => subtotal * promo.discount_value / 100.0,
            "fixed" => promo.discount_value,
            _ => 0.0,
        });
        let discount = discount.min(subtotal);
        json!({
            "id": self.id,
            "user_id": self.user_id,
            "items": items.collect::<Vec<_>>(),
            "promo_code": self.promo_code,
            "subtotal": subtotal,
            "discount_amount": discount,
            "total_amount": subtotal - discount,
        })
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    let place = |route| Place::new(Service::Cart, route);
    gate::endpoint(config, "/api/v1/cart", place(Route::Cart), web::get().to(cart));
    gate::endpoint(config, "/api/v1/cart/remove", place(Route::Remove), web::post().to(remove));
    gate::nothing_else(config, Service::Cart);
}

async fn cart(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let uid = auth::caller(&request, &state)?.uid;
    Ok(HttpResponse::Ok().json(state.change(|world| world.carts.of(&uid).answer(&world.products))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    product_id: i64,
}

async fn remove(state: Data<State>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Problem> {
    let uid = auth::caller(&request, &state)?.uid;
    let Removal { product_id } = read_json(&body)?;
    state.change(|world| {
        if world.carts.remove(&uid, product_id) {
            Ok(HttpResponse::Ok().json(world.carts.of(&uid).answer(&world.products)))
        } else {
            Err(Problem::not_found("Item not in cart"))
        }
    })
}
