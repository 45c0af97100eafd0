//! Readable test data. Orders are made by the domain itself, so none is in a state that no sequence of commands leads
//! to. Time starts at [`START`]; nothing here reads a clock or a random source.

mod basics;
mod life;
mod order;

pub use basics::{
    START, a_cart, a_guard, a_key, a_product, a_receipt, admin, cart_line, courier, customer, rules, stocked, usd,
    user, words,
};
pub use life::{Kept, Life, Step, claim_one, commit, write_set};
pub use order::{OrderBuilder, an_order};
