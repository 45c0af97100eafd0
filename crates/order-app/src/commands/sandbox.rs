//! `order-app sandbox`: stand-ins for the outside services, with an admin surface for ledgers and faults.

use order_sandbox::{Options, Ports, Sandbox};
use secrecy::ExposeSecret;

use crate::Failure;
use crate::service::stop_signal;
use crate::settings::Given;

/// Arguments of `sandbox`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port of the user service; 0: any free one
    #[arg(long, default_value_t = 8001)]
    user_port: u16,
    /// Port of the product service
    #[arg(long, default_value_t = 8002)]
    product_port: u16,
    /// Port of the cart service
    #[arg(long, default_value_t = 8003)]
    cart_port: u16,
    /// Port of the payment service
    #[arg(long, default_value_t = 8005)]
    payment_port: u16,
    /// Port of the notification service
    #[arg(long, default_value_t = 8006)]
    notification_port: u16,
    /// Port of the admin surface
    #[arg(long, default_value_t = 8009)]
    admin_port: u16,
    /// Start without the sample users, products and carts
    #[arg(long)]
    empty: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let secret = Given::read().jwt_secret()?;
    let options = Options {
        jwt_secret: secret.expose_secret().to_owned(),
        host: arguments.host,
        ports: Ports {
            user: arguments.user_port,
            product: arguments.product_port,
            cart: arguments.cart_port,
            payment: arguments.payment_port,
            notification: arguments.notification_port,
            admin: arguments.admin_port,
        },
    };
    let sandbox = Sandbox::start(&options).map_err(Failure::other)?;
    if !arguments.empty {
        sandbox.demo_seed();
    }
    print(&sandbox);
    stop_signal().await.map_err(Failure::other)
}

fn print(sandbox: &Sandbox) {
    let urls = sandbox.urls();
    println!("USER_SERVICE_URL={}", urls.user);
    println!("PRODUCT_SERVICE_URL={}", urls.product);
    println!("CART_SERVICE_URL={}", urls.cart);
    println!("PAYMENT_SERVICE_URL={}", urls.payment);
    println!("NOTIFICATION_SERVICE_URL={}", urls.notification);
    println!("# ledgers, carts and faults: {}", urls.admin);
}
