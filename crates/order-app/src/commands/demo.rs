//! `order-app demo`: everything embedded. SQLite in a folder, stand-ins for the outside services, sample data, and ready
//! tokens with `curl` lines to paste.

use std::path::PathBuf;
use std::time::Duration;

use order_sandbox::{Options, Ports, Sandbox};

use super::token::Signer;
use crate::role::Role;
use crate::settings::{Given, Settings};
use crate::{Failure, service, telemetry};

/// Known to everybody: good for a demo on the loopback address, and for nothing else.
const SECRET: &str = "a secret for the demo, and for nothing else";
/// How long the printed tokens are good for.
const LIFETIME: Duration = Duration::from_hours(24);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the database is kept
    #[arg(long, env = "DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let folder = arguments.data_dir;
    std::fs::create_dir_all(&folder).map_err(|error| Failure::Other(format!("{}: {error}", folder.display())))?;
    let options = Options { jwt_secret: SECRET.into(), host: "127.0.0.1".into(), ports: Ports::default() };
    let sandbox = Sandbox::start(&options).map_err(Failure::other)?;
    sandbox.demo_seed();
    let urls = sandbox.urls();
    let settings = Given::read()
        .or("HOST", "127.0.0.1")
        .or("METRICS_ADDR", "127.0.0.1:0")
        .or("DRAIN_DELAY", "0s")
        .or("LOG_FORMAT", "text")
        .or("LOG_LEVEL", "warn")
        .always("DATABASE_URL", &format!("sqlite:{}", folder.join("orders.db").display()))
        .always("REDIS_URL", "")
        .always("JWT_SECRET_KEY", SECRET)
        .always("JWT_ALGORITHM", "HS256")
        .always("USER_SERVICE_URL", &urls.user)
        .always("PRODUCT_SERVICE_URL", &urls.product)
        .always("CART_SERVICE_URL", &urls.cart)
        .always("PAYMENT_SERVICE_URL", &urls.payment)
        .always("NOTIFICATION_SERVICE_URL", &urls.notification)
        .settings()?;
    telemetry::start(&settings.log_level, settings.log_format);
    let service = service::start(&settings, Role::All).await?;
    print!("{}", welcome(&format!("http://{}", service.address), &urls.admin, &settings)?);
    if let Some(metrics) = service.metrics {
        println!("Look at the metrics:\n\ncurl -s http://{metrics}/metrics\n");
    }
    service.until_stopped().await
}

fn welcome(shop: &str, sandbox: &str, settings: &Settings) -> Result<String, Failure> {
    let signer = Signer::hs256(SECRET).naming(settings.jwt_issuer.clone(), settings.jwt_audience.clone());
    let token = |user, role| signer.sign(user, role, LIFETIME);
    Ok(format!(
        r#"listening on {shop}

Everything is embedded: an SQLite database, and stand-ins for the cart, product, payment, user and
notification services (their ledgers, carts and faults: {sandbox}). Stop with Ctrl-C.

Paste this into another terminal, good for a day:

export SHOP={shop} SANDBOX={sandbox}
export CUSTOMER={}
export COURIER={}
export ADMIN={}

Place an order of u1's cart, and look at it:

curl -s -X POST $SHOP/orders -H "Authorization: Bearer $CUSTOMER" -H 'Content-Type: application/json' -H 'Idempotency-Key: first' -d '{{"delivery_address": "123 Main St"}}'
curl -s $SHOP/orders/my-orders -H "Authorization: Bearer $CUSTOMER"

See what the payment service was asked for:

curl -s $SANDBOX/payments

"#,
        token("u1", "user")?,
        token("courier1", "delivery_partner")?,
        token("admin1", "admin")?,
    ))
}
