//! The admin surface: what the handle does, over HTTP, for whoever runs the sandbox in another process.
//!
//! | call | |
//! |---|---|
//! | `GET /health` | 200 |
//! | `POST /seed` · `POST /reset` | the demo's seeds; everything forgotten |
//! | `GET /users` · `PUT /users/{uid}` | `{role, name?, email?}` |
//! | `PUT /jwks` | the key set that the user service answers |
//! | `GET /products` · `PUT`, `DELETE /products/{id}` | `{name, price, stock_quantity?, is_active?, …}` |
//! | `GET /carts` · `GET`, `PUT /carts/{uid}` | `{items: [{product_id, quantity}], promo_code?}` |
//! | `POST /carts/{uid}/items` · `DELETE /carts/{uid}/items/{product_id}` | `{product_id, quantity}` |
//! | `PUT /carts/{uid}/promo` | `{code, discount_type, discount_value}` or `null` |
//! | `GET /payments` (`?order_id=`, `?kind=charge`) · `GET /payments/{key}` | the ledger |
//! | `GET /notifications` (`?order_id=`) | what the notification service was told |
//! | `GET /balances/{order_id}` | `{charged, refunded}` in minor units |
//! | `GET`, `PUT`, `DELETE /declines` | a list of `{kind?, user_id?, above_minor?, times?, answer?}` |
//! | `GET /calls` | `{"payment": {"process": 3}}` |
//! | `GET`, `DELETE /faults` · `PUT`, `DELETE /faults/{service}` | one or a list of `{fault, acted?, route?, after?, times?}`, in place of those before |
//! | `POST /faults/{service}/release` | held calls go on |
//! | `PUT /services/{service}` | `{listening: false}` closes its port, `true` opens it again |
//!
//! No authentication: it listens where its owner tells it to, by default on loopback.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cart::Promo;
use crate::faults::Fault;
use crate::ledger::{Decline, PaymentKind};
use crate::problem::{Problem, read_json};
use crate::product::Product;
use crate::sandbox::{bring_back, take_down};
use crate::seed;
use crate::server::Control;
use crate::service::Service;
use crate::state::{State, World};
use crate::user::User;

type Answer = Result<HttpResponse, Problem>;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/health", web::get().to(async || HttpResponse::Ok().json(json!({"status": "healthy"}))))
        .route("/seed", web::post().to(async |state: Data<State>| done(&state, seed::demo)))
        .route("/reset", web::post().to(async |state: Data<State>| done(&state, World::reset)))
        .route("/users", web::get().to(async |state: Data<State>| look(&state, |world| json!(world.users))))
        .route("/users/{uid}", web::put().to(put_user))
        .route("/jwks", web::put().to(put_jwks))
        .route("/products", web::get().to(async |state: Data<State>| look(&state, |world| json!(world.products))))
        .route("/products/{id}", web::put().to(put_product))
        .route("/products/{id}", web::delete().to(delete_product))
        .route("/carts", web::get().to(async |state: Data<State>| look(&state, |world| json!(world.carts.all()))))
        .route("/carts/{uid}", web::get().to(get_cart))
        .route("/carts/{uid}", web::put().to(put_cart))
        .route("/carts/{uid}/items", web::post().to(add_to_cart))
        .route("/carts/{uid}/items/{product_id}", web::delete().to(remove_from_cart))
        .route("/carts/{uid}/promo", web::put().to(put_promo))
        .route("/payments", web::get().to(payments))
        .route("/payments/{key}", web::get().to(payment))
        .route("/notifications", web::get().to(notifications))
        .route("/balances/{order_id}", web::get().to(balance))
        .route("/declines", web::get().to(declines))
        .route("/declines", web::put().to(put_declines))
        .route("/declines", web::delete().to(delete_declines))
        .route("/calls", web::get().to(async |state: Data<State>| look(&state, |world| json!(world.calls))))
        .route("/faults", web::get().to(faults))
        .route("/faults", web::delete().to(delete_faults))
        .route("/faults/{service}", web::put().to(put_faults))
        .route("/faults/{service}", web::delete().to(delete_faults_of))
        .route("/faults/{service}/release", web::post().to(release))
        .route("/services/{service}", web::put().to(put_service))
        .default_service(web::to(async || Problem::not_found("Not Found").error_response()));
}

/// Changes the state; 204.
fn done<T>(state: &State, change: impl FnOnce(&mut World) -> T) -> HttpResponse {
    state.change(change);
    HttpResponse::NoContent().finish()
}

/// A part of the state as JSON.
fn look(state: &State, part: impl FnOnce(&World) -> Value) -> HttpResponse {
    HttpResponse::Ok().json(state.read(part))
}

async fn put_user(state: Data<State>, uid: Path<String>, body: Bytes) -> Answer {
    let uid = uid.into_inner();
    let user = User { uid: uid.clone(), ..read_json(&body)? };
    Ok(done(&state, |world| world.users.insert(uid, user)))
}

async fn put_jwks(state: Data<State>, body: Bytes) -> Answer {
    let jwks = read_json(&body)?;
    Ok(done(&state, |world| world.jwks = jwks))
}

async fn put_product(state: Data<State>, id: Path<i64>, body: Bytes) -> Answer {
    let product = Product { id: *id, ..read_json(&body)? };
    Ok(done(&state, |world| world.products.insert(*id, product)))
}

async fn delete_product(state: Data<State>, id: Path<i64>) -> HttpResponse {
    done(&state, |world| world.products.remove(&id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CartBody {
    items: Vec<Item>,
    #[serde(default)]
    promo_code: Option<Promo>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    product_id: i64,
    quantity: u32,
}

async fn get_cart(state: Data<State>, uid: Path<String>) -> HttpResponse {
    look(&state, |world| json!(world.carts.get(&uid)))
}

async fn put_cart(state: Data<State>, uid: Path<String>, body: Bytes) -> Answer {
    let CartBody { items, promo_code } = read_json(&body)?;
    let items: Vec<_> = items.iter().map(|item| (item.product_id, item.quantity)).collect();
    Ok(done(&state, |world| {
        world.carts.replace(&uid, &items);
        world.carts.of(&uid).promo_code = promo_code;
    }))
}

async fn add_to_cart(state: Data<State>, uid: Path<String>, body: Bytes) -> Answer {
    let Item { product_id, quantity } = read_json(&body)?;
    Ok(done(&state, |world| world.carts.add(&uid, product_id, quantity)))
}

async fn remove_from_cart(state: Data<State>, path: Path<(String, i64)>) -> HttpResponse {
    let (uid, product_id) = path.into_inner();
    done(&state, |world| world.carts.remove(&uid, product_id))
}

async fn put_promo(state: Data<State>, uid: Path<String>, body: Bytes) -> Answer {
    let promo: Option<Promo> = read_json(&body)?;
    Ok(done(&state, |world| world.carts.of(&uid).promo_code = promo))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentFilter {
    order_id: Option<String>,
    kind: Option<PaymentKind>,
}

async fn payments(state: Data<State>, filter: Query<PaymentFilter>) -> HttpResponse {
    look(&state, |world| {
        let entries = world.ledger.entries().iter().filter(|entry| {
            filter.order_id.as_ref().is_none_or(|order_id| *order_id == entry.order_id)
                && filter.kind.is_none_or(|kind| kind == entry.kind)
        });
        json!(entries.collect::<Vec<_>>())
    })
}

async fn payment(state: Data<State>, key: Path<String>) -> Answer {
    let entry = state.read(|world| world.ledger.by_key(&key).cloned());
    entry.map(|entry| HttpResponse::Ok().json(entry)).ok_or_else(|| Problem::not_found("Unknown key"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotificationFilter {
    order_id: Option<String>,
}

async fn notifications(state: Data<State>, filter: Query<NotificationFilter>) -> HttpResponse {
    look(&state, |world| {
        let told = world.notifications.iter();
        let told = told.filter(|told| filter.order_id.as_ref().is_none_or(|order_id| *order_id == told.order_id));
        json!(told.collect::<Vec<_>>())
    })
}

async fn balance(state: Data<State>, order_id: Path<String>) -> HttpResponse {
    look(&state, |world| json!(world.ledger.balance(&order_id)))
}

async fn declines(state: Data<State>) -> HttpResponse {
    look(&state, |world| json!(world.ledger.declines))
}

async fn put_declines(state: Data<State>, body: Bytes) -> Answer {
    let declines: Vec<Decline> = one_or_more(&body)?;
    Ok(done(&state, |world| world.ledger.declines = declines))
}

async fn delete_declines(state: Data<State>) -> HttpResponse {
    done(&state, |world| world.ledger.declines.clear())
}

async fn faults(state: Data<State>) -> HttpResponse {
    look(&state, |world| {
        let of = |service| world.faults.of(service).collect::<Vec<_>>();
        let faults: BTreeMap<_, _> = Service::ALL.into_iter().map(|service| (service, of(service))).collect();
        json!(faults)
    })
}

async fn put_faults(state: Data<State>, service: Path<Service>, body: Bytes) -> Answer {
    let faults: Vec<Fault> = one_or_more(&body)?;
    if let Some(flaw) = faults.iter().find_map(Fault::flaw) {
        return Err(Problem::invalid(flaw));
    }
    Ok(done(&state, |world| {
        world.clear_faults(*service);
        for fault in faults {
            world.faults.add(*service, fault);
        }
    }))
}

async fn delete_faults(state: Data<State>) -> HttpResponse {
    done(&state, World::clear_all_faults)
}

async fn delete_faults_of(state: Data<State>, service: Path<Service>) -> HttpResponse {
    done(&state, |world| world.clear_faults(*service))
}

async fn release(state: Data<State>, service: Path<Service>) -> HttpResponse {
    let released = state.change(|world| world.release(*service));
    HttpResponse::Ok().json(json!({"released": released}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listening {
    listening: bool,
}

async fn put_service(state: Data<State>, control: Data<Control>, service: Path<Service>, body: Bytes) -> Answer {
    let Listening { listening } = read_json(&body)?;
    let result = if listening {
        bring_back(&state, &control, *service).await
    } else {
        take_down(&state, &control, *service).await
    };
    result.map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(HttpResponse::NoContent().finish())
}

/// A list, or a single one without the brackets.
fn one_or_more<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, Problem> {
    let list = match read_json(body)? {
        Value::Array(list) => list,
        one => vec![one],
    };
    let read = |one| serde_json::from_value(one).map_err(|error| Problem::invalid(error.to_string()));
    list.into_iter().map(read).collect()
}
