//! The order: the aggregate and everything that may happen to it.
//!
//! A command is [`decide`]d into events; each event [`Order::evolve`]s the order and has [`consequences`]. [`execute`]
//! does all three and hands back a [`Change`], ready to be committed.

mod actor;
mod adjustment;
mod change;
mod command;
mod consequences;
mod decide;
mod delivery_change;
mod edit;
mod error;
mod event;
mod evolve;
mod goodwill;
mod guard;
mod line;
mod place;
mod resolve;
mod schedule;
mod state;
mod status;
mod task_touched;
pub mod transitions;

pub use crate::payment::PaymentMethod;
pub use actor::{Actor, Role};
pub use adjustment::{Adjustment, Before, EditMoney, NewTotal};
pub use change::{Change, Recorded, TaskDraft, execute};
pub use command::{CancelCode, Command};
pub use consequences::{Consequence, consequences};
pub use decide::{allowed, decide};
pub use delivery_change::{DeliveryChange, Patch};
pub use edit::{Edit, InvalidLines, WantedLines};
pub use error::{DomainError, Implausible, Inconsistent, Rejection};
pub use event::Event;
pub use guard::{Click, GUARDED, Guard, LiveGuard, Ordered};
pub use line::{CartLine, Line, Product};
pub use place::{Basket, NewOrder, Placed, place};
pub use resolve::Outcome;
pub use schedule::{can_be_promised, release_due};
pub use state::{Cancellation, FeeTerms, Order, OrderState, Terms, Version};
pub use status::Status;
