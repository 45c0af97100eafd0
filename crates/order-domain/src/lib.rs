//! The order domain: what an order is, what may happen to it, and what that costs.
//!
//! Pure: no I/O, no runtime, no clock, no randomness, no settings. *Now* and [`Rules`] are arguments. The heart is in
//! three functions of [`order`]: [`order::decide`] says which events a command yields or why it is refused,
//! [`order::Order::evolve`] lets an event happen, and [`order::consequences`] says which ledger entries and tasks an
//! event brings. [`ports`] are the traits through which the rest of a service meets the world.
//!
//! # An order's life without a database
//!
//! ```
//! use order_domain::order::{self, Actor, Basket, Command, NewOrder, Product, Status};
//! use order_domain::{Currency, Destination, LineId, Money, OrderId, PaymentMethod, ProductId, Quantity, Rules, Text, UserId};
//! use order_domain::time::Timestamp;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let usd = Currency::USD;
//! let rules = Rules::new(usd);
//! let now = Timestamp::from_timestamp_micros(1_767_272_400_000_000).unwrap_or_default();
//! let ann = UserId::new("ann")?;
//!
//! let apple = Product {
//!     id: ProductId::new(5)?, name: "Apple".into(), description: None, price: Money::from_minor(299, usd), mrp: None,
//!     category_id: None, image_url: None, unit: Some("kg".into()), returnable: true,
//! };
//! let basket = Basket { lines: vec![(apple, Quantity::new(2)?)], cart_lines: Vec::new(), promo_discount: Money::zero(usd) };
//! let placed = order::place(NewOrder {
//!     id: OrderId::new(1)?, customer: ann.clone(), destination: Destination::new("1 Main St", None)?, instructions: None,
//!     method: PaymentMethod::Online, scheduled_for: None, basket,
//! }, &rules, now)?;
//!
//! // The charge's handler reports what the payment service said, and a charge that is wanted confirms the order.
//! let mut ordered = placed.order;
//! ordered.mark_sent(1, now)?;
//! let paid = order::execute(&ordered, Command::ChargeSettled { entry: 1, transaction_id: "tx-1".into() }, &Actor::System, &rules, now)?;
//! assert_eq!(paid.order.status(), Status::Confirmed);
//!
//! // A customer who changes their mind gets all of it back.
//! let cancel = Command::Cancel { code: order::CancelCode::CustomerRequest, reason: None };
//! let cancelled = order::execute(&paid.order, cancel, &Actor::Customer(ann), &rules, now)?;
//! assert_eq!(cancelled.order.ledger().refund_held()?, Money::from_minor(1098, usd));
//!
//! let timeline: Vec<_> = placed.events.iter().chain(&paid.events).chain(&cancelled.events)
//!     .map(|entry| format!("{} {} by {}", entry.seq, entry.event.name(), entry.actor.role().name())).collect();
//! assert_eq!(timeline, ["1 placed by customer", "2 confirmed by system", "3 cancelled by customer"]);
//! # Ok(()) }
//! ```

pub mod audit;
mod geo;
mod ids;
mod money;
pub mod order;
pub mod payment;
pub mod ports;
pub mod pricing;
mod rules;
mod text;
pub mod time;

pub use geo::{Coordinates, Destination, OutOfRange};
pub use ids::{CartLineId, EntryNo, InvalidId, LineId, OrderId, ProductId, TaskId, UserId};
pub use money::{Currency, Money, MoneyError};
pub use order::PaymentMethod;
pub use pricing::{InvalidQuantity, Quantity};
pub use rules::Rules;
pub use text::{InvalidText, Text};
