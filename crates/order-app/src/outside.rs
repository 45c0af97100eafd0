//! The outside services: their clients, how they are guarded, and what they are told of a request under way.

use std::sync::Arc;

use order_clients::context::{CallContext, with_context};
use order_clients::{
    BreakerState, CartClient, Deadlines, Guards, Limits, NotificationClient, PaymentClient, ProductClient,
    ServiceTokens, UserClient,
};
use order_domain::ports::{Clock, ServiceName, TaskSignal};
use order_http::{Answering, OutsideHealth, RequestContext};
use order_usecases::signalling::SignalOfUse;

use crate::Failure;
use crate::settings::Settings;

/// The outside services, as this one calls them.
pub(crate) struct Outside {
    pub(crate) carts: Arc<CartClient>,
    pub(crate) products: Arc<ProductClient>,
    pub(crate) payments: Arc<PaymentClient>,
    pub(crate) users: Arc<UserClient>,
    pub(crate) notifications: Arc<NotificationClient>,
    pub(crate) guards: Guards,
}

impl Outside {
    pub(crate) fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let currency = settings.rules.currency;
        let deadlines = Deadlines::default();
        let guards = Guards::new(&Limits { parallelism: settings.service_parallelism, ..Limits::default() });
        let tokens = ServiceTokens::new(settings.service_key.clone(), clock);
        let cart = CartClient::new(&settings.cart_service, deadlines, &guards, currency, tokens);
        let product = ProductClient::new(&settings.product_service, deadlines, &guards, currency);
        let payment = PaymentClient::new(&settings.payment_service, Deadlines::PAYMENT, &guards);
        let user = UserClient::new(&settings.user_service, deadlines, &guards);
        let notification = NotificationClient::new(&settings.notification_service, deadlines, &guards);
        Ok(Self {
            carts: Arc::new(cart.map_err(Failure::other)?),
            products: Arc::new(product.map_err(Failure::other)?),
            payments: Arc::new(payment.map_err(Failure::other)?),
            users: Arc::new(user.map_err(Failure::other)?),
            notifications: Arc::new(notification.map_err(Failure::other)?),
            guards,
        })
    }

    /// Word of due tasks, of those that can be done.
    pub(crate) fn signal(&self, signal: &Arc<dyn TaskSignal>) -> Arc<dyn TaskSignal> {
        Arc::new(SignalOfUse::new(Arc::clone(signal), Arc::new(self.guards.clone())))
    }

    /// How they are doing, for the health endpoint.
    pub(crate) fn health(&self) -> Arc<dyn Fn() -> Vec<OutsideHealth> + Send + Sync> {
        let guards = self.guards.clone();
        let health = |(service, state): (ServiceName, BreakerState)| OutsideHealth {
            service: service.name(),
            breaker: state.name(),
        };
        Arc::new(move || guards.states().map(health).to_vec())
    }
}

/// Calls to outside services on a request's way carry its names.
pub(crate) fn passing_on(request: RequestContext, answering: Answering) -> Answering {
    let RequestContext { request_id, traceparent } = request;
    Box::pin(with_context(CallContext { request_id, traceparent: Some(traceparent) }, answering))
}
