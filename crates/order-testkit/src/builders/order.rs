//! How an order begins.

use order_domain::order::{self, Basket, CartLine, NewOrder, PaymentMethod, Product};
use order_domain::pricing::FeePrices;
use order_domain::time::Timestamp;
use order_domain::{CartLineId, Coordinates, Destination, OrderId, Quantity, Rules, Text};
use rust_decimal::Decimal;

use super::basics::{START, a_product, rules, usd, user, words};
use super::life::Life;

/// An order that is to be placed: by default number 1 of `ann`, two units of product 5 at 2.99, delivered for 5.00,
/// paid online: 10.98.
#[derive(Debug, Clone)]
pub struct OrderBuilder {
    new: NewOrder,
    rules: Rules,
    at: Timestamp,
}

/// An order that is to be placed. See [`OrderBuilder`] for what it is if nothing else is said.
pub fn an_order() -> OrderBuilder {
    let basket = Basket { lines: Vec::new(), cart_lines: Vec::new(), promo_discount: usd(0) };
    let new = NewOrder {
        id: OrderId::new(1).unwrap(),
        customer: user("ann"),
        destination: Destination::new("1 Main St", None).unwrap(),
        instructions: None,
        method: PaymentMethod::Online,
        scheduled_for: None,
        basket,
    };
    OrderBuilder { new, rules: rules(), at: START }.lines(&[(5, 299, 2)])
}

impl OrderBuilder {
    /// With this number.
    #[must_use]
    pub fn id(self, id: i64) -> Self {
        self.numbered(OrderId::new(id).unwrap())
    }

    /// With this number, as a generator gave it.
    #[must_use]
    pub fn numbered(mut self, id: OrderId) -> Self {
        self.new.id = id;
        self
    }

    /// Of this customer.
    #[must_use]
    pub fn customer(mut self, name: &str) -> Self {
        self.new.customer = user(name);
        self
    }

    /// Of (product, unit price, units).
    #[must_use]
    pub fn lines(self, lines: &[(i64, i64, u32)]) -> Self {
        let product = |&(id, price, units)| (a_product(id, price), Quantity::new(units).unwrap());
        self.products(lines.iter().map(product).collect())
    }

    /// Of these products; its cart lines are numbered from 101.
    #[must_use]
    pub fn products(mut self, lines: Vec<(Product, Quantity)>) -> Self {
        let as_cart_line = |(id, (product, quantity)): (i64, &(Product, Quantity))| CartLine {
            id: CartLineId::new(id).unwrap(),
            product: product.id,
            quantity: *quantity,
        };
        self.new.basket.cart_lines = (101..).zip(&lines).map(as_cart_line).collect();
        self.new.basket.lines = lines;
        self
    }

    /// Of what was in no cart: there is nothing to be cleared.
    #[must_use]
    pub fn of_no_cart(mut self) -> Self {
        self.new.basket.cart_lines = Vec::new();
        self
    }

    /// With this much off.
    #[must_use]
    pub fn promo(mut self, minor: i64) -> Self {
        self.new.basket.promo_discount = usd(minor);
        self
    }

    /// Delivered for this much.
    #[must_use]
    pub fn fee(mut self, minor: i64) -> Self {
        self.rules.fee.prices = FeePrices::flat(usd(minor));
        self
    }

    /// Paid in cash: it is confirmed at once.
    #[must_use]
    pub fn cash(mut self) -> Self {
        self.new.method = PaymentMethod::Cash;
        self
    }

    /// Wanted at this time.
    #[must_use]
    pub fn scheduled_for(mut self, moment: Timestamp) -> Self {
        self.new.scheduled_for = Some(moment);
        self
    }

    /// To this address.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.new.destination.address = Text::line(address).unwrap();
        self
    }

    /// To this place: latitude and longitude in degrees.
    #[must_use]
    pub fn coordinates(mut self, latitude: &str, longitude: &str) -> Self {
        let degrees = |text: &str| text.parse::<Decimal>().unwrap();
        self.new.destination.coordinates = Some(Coordinates::new(degrees(latitude), degrees(longitude)).unwrap());
        self
    }

    /// With a word to the courier.
    #[must_use]
    pub fn instructions(mut self, text: &str) -> Self {
        self.new.instructions = words(text);
        self
    }

    /// Placed at this moment.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.at = now;
        self
    }

    /// By these rules.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// What is asked of the domain.
    pub fn wish(&self) -> NewOrder {
        self.new.clone()
    }

    /// Placed: pending, its charge booked; or confirmed, if there is nothing to charge.
    pub fn placed(self) -> Life {
        let placed = order::place(self.new, &self.rules, self.at).unwrap();
        Life::begin(placed, self.rules, self.at)
    }

    /// Placed, and its charge marked sent.
    pub fn sent(self) -> Life {
        self.placed().sent(1)
    }

    /// Placed and paid: confirmed.
    pub fn paid(self) -> Life {
        self.placed().paid()
    }

    /// Paid, and being packed.
    pub fn preparing(self) -> Life {
        self.placed().preparing()
    }

    /// Paid, and in this courier's hands as far as plans go.
    pub fn assigned_to(self, courier: &str) -> Life {
        self.placed().paid().assigned_to(courier)
    }

    /// On its way with courier `bob`.
    pub fn out_for_delivery(self) -> Life {
        self.placed().out_for_delivery()
    }

    /// With the customer.
    pub fn delivered(self) -> Life {
        self.placed().delivered()
    }

    /// Cancelled by its customer before it was paid.
    pub fn cancelled(self) -> Life {
        self.placed().cancelled()
    }
}
