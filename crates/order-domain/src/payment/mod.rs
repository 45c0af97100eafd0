//! The ledger of an order: what may be charged and refunded, what is under way, and what its customer is told of it.
//!
//! Money moves only by entries, and an entry moves only along [`EntryState::may_become`]. Every rule here was checked on
//! an explicit-state model of order, ledger, tasks and payment service before it was built.

mod entry;
mod ledger;
mod next_step;
mod status;

pub use entry::{Entry, EntryKind, EntryState, Origin, PaymentMethod, Purpose};
pub use ledger::{Booking, Ledger};
pub use next_step::{Step, is_wanted, next_step, overdue_at};
pub use status::{PaymentStatus, payment_status};
