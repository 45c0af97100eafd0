//! The forms in which values are stored. They are this crate's own, versioned, and stay readable for ever: the domain's
//! types may change, rows do not.

mod event;
mod receipt;
mod terms;

pub(crate) use event::event;
pub(crate) use receipt::{headers_from, headers_to};
pub(crate) use terms::{terms_from, terms_to};
