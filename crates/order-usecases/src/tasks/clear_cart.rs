//! Takes what was ordered out of the customer's cart, and nothing else: only products of which every line is still there
//! as it was ordered.

use order_domain::order::CartLine;
use order_domain::ports::{ClaimedTask, ServiceError, ServiceName};

use super::{Done, Handlers, TaskError};

impl Handlers {
    pub(super) async fn clear_cart(&self, task: &ClaimedTask) -> Result<Done, TaskError> {
        let Some(loaded) = self.orders.load_for(task).await? else { return Ok(Done::Lost) };
        let order = loaded.order.state();
        let cart = self.carts.cart_of(&order.customer).await?;
        if cart.customer != order.customer {
            let detail = "the cart is another user's".into();
            return Err(ServiceError::BadAnswer { service: ServiceName::Cart, detail }.into());
        }
        let ordered = &order.terms.cart_lines;
        // A removal names a product, so it would take a line along that was added or changed since.
        let unchanged = |line: &&CartLine| {
            let mut same_product = cart.lines.iter().filter(|other| other.product == line.product);
            same_product.all(|other| ordered.contains(other))
        };
        let mut products: Vec<_> = cart.lines.iter().filter(unchanged).map(|line| line.product).collect();
        products.sort_unstable();
        products.dedup();
        for product in products {
            self.carts.remove(&order.customer, product).await?;
        }
        Ok(Done::Finish)
    }
}
