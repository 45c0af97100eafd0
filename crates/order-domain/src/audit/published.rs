//! Every committed event reaches the event stream.

use crate::ids::OrderId;
use crate::order::Version;

use super::Violation;

/// 4, as far as a drained database shows it: none of the order's events waits to be published. (That the stream has them, it
/// does not show.)
pub fn published(order: OrderId, unpublished: &[Version]) -> Vec<Violation> {
    let broken = |seq| Violation { invariant: 4, order, what: format!("event {seq} is not published") };
    unpublished.iter().map(broken).collect()
}
