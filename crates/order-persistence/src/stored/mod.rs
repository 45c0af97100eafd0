//! The forms in which values are stored. They are this crate's own, versioned, and stay readable for ever: the domain's
//! types may change, rows do not.

mod adjustment;
mod event;
mod facts;
mod receipt;
mod terms;

pub(crate) use adjustment::{adjustment_from, adjustment_to};
pub(crate) use event::event;
pub(crate) use facts::facts;
pub(crate) use receipt::{headers_from, headers_to};
pub(crate) use terms::{cart_from, terms_from, terms_to};
