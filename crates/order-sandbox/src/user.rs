//! The user service: who somebody is, told to admins only; and the keys that tokens are checked with.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};

use crate::auth;
use crate::gate;
use crate::problem::Problem;
use crate::service::{Place, Route, Service};
use crate::state::State;

/// A user as the user service tells of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The id, as it stands in tokens.
    #[serde(default)]
    pub uid: String,
    /// `user`, `delivery_partner`, `admin` or `owner`; any other text is passed on as it is.
    pub role: String,
    /// A name to show.
    #[serde(default)]
    pub name: String,
    /// An address for letters that are never sent.
    #[serde(default)]
    pub email: String,
}

impl User {
    /// A user with a name and an address made up from the id.
    pub fn new(uid: impl Into<String>, role: impl Into<String>) -> Self {
        let uid = uid.into();
        Self { role: role.into(), name: uid.clone(), email: format!("{uid}@example.com"), uid }
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    let place = |route| Place::new(Service::User, route);
    gate::endpoint(config, "/auth/users/{uid}", place(Route::User), web::get().to(user));
    gate::endpoint(config, "/.well-known/jwks.json", place(Route::Jwks), web::get().to(jwks));
    gate::nothing_else(config, Service::User);
}

async fn user(state: Data<State>, uid: Path<String>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !auth::caller(&request, &state)?.is_admin() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "Admins only"));
    }
    let user = state.read(|world| world.users.get(uid.as_str()).cloned());
    user.map(|user| HttpResponse::Ok().json(user)).ok_or_else(|| Problem::not_found("User not found"))
}

async fn jwks(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.read(|world| world.jwks.clone()))
}
