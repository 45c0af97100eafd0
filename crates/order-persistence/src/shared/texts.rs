//! What stands in statements as text, for the sake of their plans, which are made for all values.
//!
//! A condition as an index has it: with a value of its own, no plan could go by an index over the rows of one value. What
//! belongs to a row and is looked up for it: as a join it might be planned from the other side.
//!
//! Not `diesel::dsl::sql`: a statement with that is prepared anew each time.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Text};

use super::dialect::Backend;

macro_rules! text {
    ($(#[$meta:meta])* $name:ident: $sql_type:ty = $text:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, QueryId, ValidGrouping)]
        pub(crate) struct $name;

        impl Expression for $name {
            type SqlType = $sql_type;
        }
        impl<Source> AppearsOnTable<Source> for $name {}
        impl<Source> SelectableExpression<Source> for $name {}

        impl QueryFragment<Backend> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
                out.push_sql($text);
                Ok(())
            }
        }
    };
}

text! {
    /// An order is of a status in which a courier may take it.
    IsToBeTaken: Bool = "orders.status IN ('confirmed', 'preparing')"
}
text! {
    /// An entry of the ledger waits for a person.
    IsInReview: Bool = "payment_entries.state = 'review'"
}
text! {
    /// A task has been tried.
    HasBeenTried: Bool = "tasks.attempts > 0"
}
text! {
    /// The terms of the order of a guard.
    GuardedTerms: Text = "(SELECT orders.terms FROM orders WHERE orders.id = idempotency_keys.order_id)"
}
text! {
    /// The currency of the order of a guard.
    GuardedCurrency: Text = "(SELECT orders.currency FROM orders WHERE orders.id = idempotency_keys.order_id)"
}
