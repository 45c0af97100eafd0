//! The handlers of charges and refunds, driven by hand.

mod charges;
mod concurrent;
mod holes;
mod refunds;
mod timeout;
