//! Two orders and what becomes of them: one is delivered, one is cancelled and refunded. No runtime, no database, no
//! HTTP; whoever embeds the domain stores the changes and makes the calls.
//!
//! `cargo run -p order-domain --example timeline`

use std::error::Error;

use order_domain::order::{
    self, Actor, Basket, CancelCode, Change, Command, NewOrder, Order, Product, Recorded, Status,
};
use order_domain::payment::{Step, next_step};
use order_domain::time::{Duration, Timestamp, after};
use order_domain::{Currency, Destination, Money, OrderId, PaymentMethod, ProductId, Quantity, Rules, Text, UserId};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let ann = Actor::Customer(UserId::new("ann")?);
    let bob = Actor::Courier(UserId::new("bob")?);
    let shop = Actor::Admin(UserId::new("dan")?);
    let to = |to| Command::SetStatus { to, reason: None };

    let mut delivered = Story::begin(1, &[("Apples", 299, 2), ("Bread", 450, 1)], 100)?;
    delivered.follow_the_money()?;
    delivered.happens(&shop, to(Status::Preparing))?;
    delivered.happens(&bob, Command::Take)?;
    delivered.happens(&bob, to(Status::OutForDelivery))?;
    delivered.happens(&bob, to(Status::Delivered))?;
    delivered.print()?;

    let mut cancelled = Story::begin(2, &[("Milk", 129, 6)], 0)?;
    cancelled.follow_the_money()?;
    let reason = Some(Text::line("bought it on the way home")?);
    cancelled.happens(&ann, Command::Cancel { code: CancelCode::CustomerRequest, reason })?;
    cancelled.follow_the_money()?;
    cancelled.print()
}

/// An order, its timeline so far, and a clock that moves on by four minutes with each event.
struct Story {
    rules: Rules,
    now: Timestamp,
    order: Order,
    timeline: Vec<Recorded>,
}

impl Story {
    fn begin(id: i64, lines: &[(&str, i64, u32)], discount: i64) -> Fallible<Self> {
        let rules = Rules::new(Currency::USD);
        let line = |(n, &(name, price, units)): (i64, &(&str, i64, u32))| -> Fallible<_> {
            let product = Product {
                id: ProductId::new(n)?,
                name: name.into(),
                description: None,
                price: Money::from_minor(price, rules.currency),
                mrp: None,
                category_id: None,
                image_url: None,
                unit: None,
                returnable: true,
            };
            Ok((product, Quantity::new(units)?))
        };
        let lines = (1..).zip(lines).map(line).collect::<Result<_, _>>()?;
        let promo_discount = Money::from_minor(discount, rules.currency);
        let new = NewOrder {
            id: OrderId::new(id)?,
            customer: UserId::new("ann")?,
            destination: Destination::new("1 Main St", None)?,
            instructions: None,
            method: PaymentMethod::Online,
            scheduled_for: None,
            basket: Basket { lines, cart_lines: Vec::new(), promo_discount },
        };
        let now = Timestamp::from_timestamp(1_767_268_800, 0).unwrap_or_default();
        let Change { order, events, .. } = order::place(new, &rules, now)?;
        Ok(Self { rules, now, order, timeline: events })
    }

    fn happens(&mut self, who: &Actor, command: Command) -> Fallible<()> {
        self.now = after(self.now, Duration::from_mins(4));
        let change = order::execute(&self.order, command, who, &self.rules, self.now)?;
        self.order = change.order;
        self.timeline.extend(change.events);
        Ok(())
    }

    /// What the tasks of the ledger's entries do, with a payment service that always says yes.
    fn follow_the_money(&mut self) -> Fallible<()> {
        for n in (1..).take(self.order.ledger().entries().len()) {
            if next_step(self.order.state(), self.order.ledger(), n, &self.rules, self.now)? == Step::Send {
                let is_refund = self.order.mark_sent(n, self.now)?.charge().is_some();
                let transaction_id = format!("tx-{n}");
                let settled = if is_refund {
                    Command::RefundSettled { entry: n, transaction_id }
                } else {
                    Command::ChargeSettled { entry: n, transaction_id }
                };
                self.happens(&Actor::System, settled)?;
            }
        }
        Ok(())
    }

    fn print(&self) -> Fallible<()> {
        let paid = self.order.payment_status()?.name();
        println!("order {}: {}, {paid}, {}", self.order.id(), self.order.status().name(), self.order.state().total);
        for Recorded { seq, at, actor, event, amount, .. } in &self.timeline {
            let amount = amount.map(|amount| amount.to_string()).unwrap_or_default();
            let note = event.note().map(|note| format!("  \"{}\"", note.as_str())).unwrap_or_default();
            let time = at.format("%H:%M");
            println!("  {seq}  {time}  {:<16} {:<8} {amount:>6}{note}", event.name(), actor.role().name());
        }
        for entry in self.order.ledger().entries() {
            let (kind, state) = (entry.kind.name(), entry.state.name());
            println!("  {kind:<6} {:>6}  {state:<7}  {}", entry.amount, entry.key(self.order.id()));
        }
        println!();
        Ok(())
    }
}
