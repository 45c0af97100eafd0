//! What the tests have in common: amounts, people, carts, and [`Life`], an order with all that has followed from it.

use order_domain::audit::{self, StoredSums, Violation};
use order_domain::order::{
    self, Actor, Basket, CancelCode, CartLine, Change, Command, DeliveryChange, DomainError, NewOrder, Order, Outcome,
    Patch, Product, Recorded, Rejection, Status, TaskDraft, WantedLines,
};
use order_domain::payment::{Entry, EntryState, Ledger, PaymentStatus, next_step};
use order_domain::ports::TaskKind;
use order_domain::pricing::{FeeBand, FeePolicy, FeePrices, ServiceArea};
use order_domain::time::{Duration, Timestamp};
use order_domain::{
    CartLineId, Coordinates, Currency, Destination, EntryNo, Money, OrderId, PaymentMethod, ProductId, Quantity, Rules,
    Text, UserId,
};

pub(crate) fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

/// The default rules, in a shop that takes cash.
pub(crate) fn rules() -> Rules {
    Rules { cash_on_delivery: true, ..Rules::new(Currency::USD) }
}

pub(crate) fn minutes(after_noon: i64) -> Timestamp {
    seconds(after_noon * 60)
}

pub(crate) fn seconds(after_noon: i64) -> Timestamp {
    Timestamp::from_timestamp(1_767_268_800 + after_noon, 0).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn customer() -> Actor {
    Actor::Customer(user("ann"))
}

pub(crate) fn courier() -> Actor {
    Actor::Courier(user("bob"))
}

pub(crate) fn another_courier() -> Actor {
    Actor::Courier(user("cat"))
}

pub(crate) fn admin() -> Actor {
    Actor::Admin(user("dan"))
}

pub(crate) fn words(text: &str) -> Text<500> {
    Text::lines(text).unwrap()
}

pub(crate) fn product(id: i64, price: i64) -> Product {
    Product {
        id: ProductId::new(id).unwrap(),
        name: format!("Product {id}"),
        description: None,
        price: usd(price),
        mrp: None,
        category_id: None,
        image_url: None,
        unit: None,
        returnable: true,
    }
}

/// A cart of (price, units), its products numbered from 1 and its cart lines from 101.
pub(crate) fn cart(lines: &[(i64, u32)], promo_discount: i64) -> Basket {
    let line = |(n, &(price, units)): (i64, &(i64, u32))| (product(n, price), Quantity::new(units).unwrap());
    let lines: Vec<_> = (1..).zip(lines).map(line).collect();
    let as_cart_line = |(n, (product, quantity)): (i64, &(Product, Quantity))| CartLine {
        id: CartLineId::new(n).unwrap(),
        product: product.id,
        quantity: *quantity,
    };
    let cart_lines = (101..).zip(&lines).map(as_cart_line).collect();
    Basket { lines, cart_lines, promo_discount: usd(promo_discount) }
}

pub(crate) fn new_order(basket: Basket, method: PaymentMethod) -> NewOrder {
    NewOrder {
        id: OrderId::new(7).unwrap(),
        customer: user("ann"),
        destination: Destination::new("1 Main St", None).unwrap(),
        instructions: Some(Text::lines("ring twice").unwrap()),
        method,
        scheduled_for: None,
        basket,
    }
}

pub(crate) fn set_status(to: Status) -> Command {
    Command::SetStatus { to, reason: None }
}

pub(crate) fn cancel() -> Command {
    Command::Cancel { code: CancelCode::CustomerRequest, reason: None }
}

pub(crate) fn kinds(change: &Change) -> Vec<TaskKind> {
    change.tasks.iter().map(|task| task.kind).collect()
}

/// An order and everything that followed from what happened to it.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) rules: Rules,
    pub(crate) now: Timestamp,
    pub(crate) order: Order,
    pub(crate) timeline: Vec<Recorded>,
    pub(crate) tasks: Vec<TaskDraft>,
}

/// 10.98 to pay online: two apples at 2.99, delivered for 5.00. Pending, its charge booked.
pub(crate) fn an_order() -> Life {
    Life::place(new_order(cart(&[(299, 2)], 0), PaymentMethod::Online), rules())
}

/// The same, to be paid in cash: confirmed.
pub(crate) fn a_cash_order() -> Life {
    Life::place(new_order(cart(&[(299, 2)], 0), PaymentMethod::Cash), rules())
}

impl Life {
    pub(crate) fn place(new: NewOrder, rules: Rules) -> Self {
        let now = minutes(0);
        let change = order::place(new, &rules, now).unwrap();
        Self { rules, now, order: change.order, timeline: change.events, tasks: change.tasks }
    }

    pub(crate) fn asks(&self, who: &Actor, what: Command) -> Result<Change, DomainError> {
        order::execute(&self.order, what, who, &self.rules, self.now)
    }

    pub(crate) fn is_refused(&self, who: &Actor, what: Command) -> Rejection {
        let asked = format!("{what:?} by {who:?}");
        match self.asks(who, what) {
            Err(DomainError::Rejected(rejection)) => rejection,
            other => panic!("{asked}: {other:?}"),
        }
    }

    /// The command is accepted, and what follows from it is kept.
    pub(crate) fn when(&mut self, who: &Actor, what: Command) -> Change {
        let asked = format!("{what:?} by {who:?}");
        let change = self.asks(who, what).unwrap_or_else(|error| panic!("{asked}: {error}"));
        self.keep(&change);
        change
    }

    pub(crate) fn keep(&mut self, change: &Change) {
        self.order = change.order.clone();
        self.timeline.extend(change.events.iter().cloned());
        self.tasks.extend(change.tasks.iter().cloned());
    }

    pub(crate) fn sent(mut self, n: EntryNo) -> Self {
        self.order.mark_sent(n, self.now).unwrap();
        self
    }

    pub(crate) fn charge_settles(&mut self, n: EntryNo) -> Change {
        self.when(&Actor::System, Command::ChargeSettled { entry: n, transaction_id: format!("tx-{n}") })
    }

    pub(crate) fn charge_is_declined(&mut self, n: EntryNo) -> Change {
        self.when(&Actor::System, Command::ChargeDeclined { entry: n })
    }

    pub(crate) fn refund_settles(&mut self, n: EntryNo) -> Change {
        self.when(&Actor::System, Command::RefundSettled { entry: n, transaction_id: format!("tx-{n}") })
    }

    pub(crate) fn refund_is_declined(&mut self, n: EntryNo) -> Change {
        self.when(&Actor::System, Command::RefundDeclined { entry: n, again_in: Duration::from_secs(8) })
    }

    pub(crate) fn paid(self) -> Self {
        let mut life = self.sent(1);
        life.charge_settles(1);
        life
    }

    pub(crate) fn given_to(mut self, courier: &str) -> Self {
        self.when(&admin(), Command::Assign { courier: user(courier) });
        self
    }

    pub(crate) fn moved_to(mut self, status: Status) -> Self {
        self.when(&admin(), set_status(status));
        self
    }

    pub(crate) fn preparing(self) -> Self {
        self.moved_to(Status::Preparing)
    }

    pub(crate) fn on_its_way(self) -> Self {
        self.preparing().given_to("bob").moved_to(Status::OutForDelivery)
    }

    pub(crate) fn delivered(self) -> Self {
        self.on_its_way().moved_to(Status::Delivered)
    }

    /// The same order in a status that no command leads to yet, or without a guard's condition.
    pub(crate) fn but(mut self, change: impl FnOnce(&mut order::OrderState)) -> Self {
        let mut state = self.order.state().clone();
        change(&mut state);
        self.order = Order::restore(state, self.order.ledger().clone()).unwrap();
        self
    }

    pub(crate) fn status(&self) -> Status {
        self.order.status()
    }

    pub(crate) fn payment_status(&self) -> PaymentStatus {
        self.order.payment_status().unwrap()
    }

    pub(crate) fn entry(&self, n: EntryNo) -> &Entry {
        self.order.ledger().entry(n).unwrap()
    }

    pub(crate) fn next_step(&self, n: EntryNo) -> order_domain::payment::Step {
        next_step(self.order.state(), self.order.ledger(), n, &self.rules, self.now).unwrap()
    }

    /// The ledger in one line per entry: `refund cancel 10.98 online booked`.
    pub(crate) fn ledger(&self) -> Vec<String> {
        let line = |entry: &Entry| {
            let (kind, purpose, method) = (entry.kind.name(), entry.purpose.name(), entry.method.name());
            format!("{kind} {purpose} {} {method} {}", entry.amount, entry.state.name())
        };
        self.order.ledger().entries().iter().map(line).collect()
    }

    /// The timeline in one line per event: `confirmed by system`.
    pub(crate) fn story(&self) -> Vec<String> {
        let line = |recorded: &Recorded| format!("{} by {}", recorded.event.name(), recorded.actor.role().name());
        self.timeline.iter().map(line).collect()
    }

    pub(crate) fn has_task(&self, kind: TaskKind, entry: Option<EntryNo>) -> bool {
        self.tasks.iter().any(|task| task.kind == kind && task.entry == entry)
    }

    /// The kinds of all tasks so far, in sequence.
    pub(crate) fn task_kinds(&self) -> Vec<TaskKind> {
        self.tasks.iter().map(|task| task.kind).collect()
    }

    pub(crate) fn stored_sums(&self) -> StoredSums {
        sums_of(self.order.ledger())
    }

    /// What the audits that hold at any moment find.
    pub(crate) fn audit(&self) -> Vec<Violation> {
        let events: Vec<_> = self.timeline.iter().map(|recorded| (recorded.seq, recorded.status)).collect();
        let mut found = audit::timeline(self.order.state(), &events);
        found.extend(audit::sums(self.order.state(), self.order.ledger(), self.stored_sums()));
        found
    }

    pub(crate) fn owed(&self) -> Vec<Violation> {
        audit::owed(self.order.state(), self.order.ledger())
    }

    pub(crate) fn open_entries(&self) -> Vec<EntryNo> {
        let open = |entry: &&Entry| matches!(entry.state, EntryState::Booked | EntryState::Sent);
        self.order.ledger().entries().iter().filter(open).map(|entry| entry.n).collect()
    }
}

pub(crate) fn sums_of(ledger: &Ledger) -> StoredSums {
    StoredSums {
        charged: ledger.charged().unwrap(),
        refunded: ledger.refunded().unwrap(),
        refund_held: ledger.refund_held().unwrap(),
    }
}

/// The order is to consist of (product, units); today a unit of a product costs what `offered` says.
pub(crate) fn edit(lines: &[(i64, u32)], offered: &[(i64, i64)]) -> Command {
    let wanted = lines.iter().map(|&(id, units)| (ProductId::new(id).unwrap(), Quantity::new(units).unwrap()));
    let lines = WantedLines::new(wanted.collect()).unwrap();
    let offered = offered.iter().map(|&(id, price)| (ProductId::new(id).unwrap(), product(id, price))).collect();
    Command::ReplaceLines { lines, offered }
}

/// An admin says what has become of entry `n`.
pub(crate) fn resolve(n: EntryNo, outcome: Outcome) -> Command {
    Command::Resolve { entry: n, outcome, reason: words("the payment service shows it") }
}

pub(crate) fn timed_out(n: EntryNo) -> Command {
    Command::TimeOut { entry: n }
}

pub(crate) fn goodwill(minor: i64) -> Command {
    Command::GrantGoodwill { amount: usd(minor), reason: words("they waited long") }
}

/// So many tenths of a degree north of the shop: 11.1 km each.
pub(crate) fn north(tenths: i64) -> Coordinates {
    Coordinates::new(rust_decimal::Decimal::new(tenths, 1), 0.into()).unwrap()
}

/// A shop that delivers within 50 km of (0, 0): below 5 km for 3.00, below 20 km for 7.00, below 40 km for 12.00, and
/// for 5.00 where the place is not known.
pub(crate) fn by_distance() -> Rules {
    let band = |below_km, minor| FeeBand { below_km, amount: usd(minor) };
    let bands = vec![band(5.0, 300), band(20.0, 700), band(40.0, 1_200)];
    let area = ServiceArea { fulfilment_points: vec![north(0)], radius_km: 50.0 };
    Rules { fee: FeePolicy { prices: FeePrices { base: usd(500), bands }, area: Some(area) }, ..rules() }
}

/// Two apples at 2.99, to where the shop is: 8.98. Pending, its charge booked.
pub(crate) fn a_near_order() -> Life {
    let mut new = new_order(cart(&[(299, 2)], 0), PaymentMethod::Online);
    new.destination.coordinates = Some(north(0));
    Life::place(new, by_distance())
}

pub(crate) fn moved_north(tenths: i64) -> DeliveryChange {
    DeliveryChange { coordinates: Patch::Set(north(tenths)), ..DeliveryChange::default() }
}

impl Life {
    /// The payment service settles the charge that is booked last.
    pub(crate) fn paid_up(self) -> Self {
        let n = u32::try_from(self.order.ledger().entries().len()).unwrap();
        let mut life = self.sent(n);
        life.charge_settles(n);
        life
    }

    /// Its customer wants other lines: (product, units) at (product, today's price).
    pub(crate) fn edited(mut self, lines: &[(i64, u32)], offered: &[(i64, i64)]) -> Self {
        self.when(&customer(), edit(lines, offered));
        self
    }

    /// What has become of entry `n`, which was sent, can't be found out.
    pub(crate) fn in_review(mut self, n: EntryNo) -> Self {
        if self.entry(n).state == EntryState::Booked {
            self = self.sent(n);
        }
        self.when(&Actor::System, Command::PutInReview { entry: n });
        self
    }

    /// (line, product, units, unit price, net) of its lines.
    pub(crate) fn lines(&self) -> Vec<(i64, i64, u32, i64, i64)> {
        let line = |line: &order::Line| {
            let product = &line.product;
            (line.id.get(), product.id.get(), line.quantity.get(), product.price.minor(), line.net.minor())
        };
        self.order.state().lines.iter().map(line).collect()
    }

    /// Subtotal, discount, delivery fee and total, in cents.
    pub(crate) fn amounts(&self) -> (i64, i64, i64, i64) {
        let state = self.order.state();
        (state.subtotal.minor(), state.discount.minor(), state.delivery_fee.minor(), state.total.minor())
    }

    /// The names of what has happened.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.timeline.iter().map(|recorded| recorded.event.name()).collect()
    }

    /// When each release is due that was asked for so far.
    pub(crate) fn releases(&self) -> Vec<Timestamp> {
        self.tasks.iter().filter(|task| task.kind == TaskKind::Release).map(|task| task.due).collect()
    }

    pub(crate) fn is_whole_and_owes_nothing(&self) {
        assert_eq!((self.audit(), self.owed()), (vec![], vec![]), "{:?}", self.ledger());
    }
}
