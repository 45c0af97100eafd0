//! Random test data for property tests: products, orders, and what may be tried on an order, whether the rules allow it
//! or not.

use order_domain::order::{
    Actor, CancelCode, Command, DeliveryChange, DomainError, Outcome, Patch, Product, Rejection, Status, WantedLines,
};
use order_domain::payment::{Entry, EntryKind, EntryState};
use order_domain::pricing::{MAX_LINES, MAX_UNIT_PRICE};
use order_domain::time::{Duration, Timestamp};
use order_domain::{Coordinates, EntryNo, Money, PaymentMethod, ProductId, Quantity, Text};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use crate::builders::{Life, OrderBuilder, START, a_product, admin, an_order, courier, customer, usd, user, words};

/// A unit price, mostly of everyday size, up to the largest.
pub fn prices() -> impl Strategy<Value = Money> {
    prop_oneof![8 => 1..=5_000_i64, 1 => 1..=MAX_UNIT_PRICE, 1 => select(vec![1, MAX_UNIT_PRICE])].prop_map(usd)
}

/// Units of a line, mostly few, up to the most.
pub fn quantities() -> impl Strategy<Value = Quantity> {
    prop_oneof![8 => 1..=9_u32, 2 => 1..=999_u32].prop_map(|units| Quantity::new(units).unwrap())
}

/// A product in any script, with or without what it need not have.
pub fn products() -> impl Strategy<Value = Product> {
    let text = || "[^\\p{C}]{1,40}";
    let optional = (option::of(text()), option::of(prices()), option::of(1..=(1_i64 << 53) - 1), option::of(text()));
    (1..=40_i64, text(), prices(), optional, option::of("(kg|piece|½ l)"), any::<bool>()).prop_map(
        |(id, name, price, (description, mrp, category_id, image_url), unit, returnable)| Product {
            id: ProductId::new(id).unwrap(),
            name,
            description,
            price,
            mrp,
            category_id,
            image_url,
            unit,
            returnable,
        },
    )
}

/// The lines of an order: mostly few, up to the most.
pub fn lines() -> impl Strategy<Value = Vec<(Product, Quantity)>> {
    prop_oneof![9 => vec((products(), quantities()), 1..=5), 1 => vec((products(), quantities()), 1..=MAX_LINES)]
}

/// A promotion's discount: nothing, something, or more than there is to take off.
pub fn discounts() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(0), 5 => 0..=20_000_i64, 1 => Just(i64::MAX / 2)]
}

/// An order that is to be placed: of `ann`, `eve` or `zoë`, paid online or in cash, the fee from nothing up.
pub fn orders() -> impl Strategy<Value = OrderBuilder> {
    let places = option::of(places());
    let notes = option::of("[^\\p{C}]{0,20}x");
    let scheduled_for =
        option::weighted(0.3, (30..=3_000_u64).prop_map(|minutes| START + Duration::from_mins(minutes)));
    let wishes = (places, notes, scheduled_for);
    (select(vec!["ann", "eve", "zoë"]), lines(), discounts(), 0..=1_000_i64, any::<bool>(), wishes).prop_map(
        |(name, lines, promo, fee, cash, (place, note, scheduled_for))| {
            let mut order = an_order().customer(name).products(lines).promo(promo).fee(fee);
            if cash {
                order = order.cash();
            }
            if let Some(moment) = scheduled_for {
                order = order.scheduled_for(moment);
            }
            if let Some(place) = place {
                order = order.coordinates(&place.latitude().to_string(), &place.longitude().to_string());
            }
            note.into_iter().fold(order, |order, note| order.instructions(&note))
        },
    )
}

/// A place anywhere on the globe.
pub fn places() -> impl Strategy<Value = Coordinates> {
    let degrees = |n: i64| rust_decimal::Decimal::new(n, 7);
    (-900_000_000..=900_000_000_i64, -1_800_000_000..=1_800_000_000_i64)
        .prop_map(move |(latitude, longitude)| Coordinates::new(degrees(latitude), degrees(longitude)).unwrap())
}

/// Something that stays, goes, or is another.
fn patches<T: Clone + std::fmt::Debug>(values: impl Strategy<Value = T>) -> impl Strategy<Value = Patch<T>> {
    prop_oneof![2 => Just(Patch::Keep), 1 => Just(Patch::Clear), 2 => values.prop_map(Patch::Set)]
}

/// Mostly the time as it is; else one that can be promised or not, or none.
fn moments() -> impl Strategy<Value = Patch<Timestamp>> {
    let at = (0..=3_000_u64).prop_map(|minutes| START + Duration::from_mins(minutes));
    prop_oneof![8 => Just(Patch::Keep), 1 => Just(Patch::Clear), 2 => at.prop_map(Patch::Set)]
}

/// What an order is to consist of instead: some of the products of everyday, few or many, at today's prices, whatever
/// those of the order were.
pub fn edits() -> impl Strategy<Value = Command> {
    vec((1..=8_i64, 1..=6_u32, 1..=900_i64), 1..=4).prop_map(|lines| {
        let product = |&(id, _, price): &(i64, u32, i64)| (ProductId::new(id).unwrap(), a_product(id, price));
        let offered = lines.iter().map(product).collect();
        let wanted = lines.iter().map(|&(id, units, _)| (ProductId::new(id).unwrap(), Quantity::new(units).unwrap()));
        Command::ReplaceLines { lines: WantedLines::new(wanted.collect()).unwrap(), offered }
    })
}

/// What an admin says has become of any of the first entries.
pub fn words_of_admins() -> impl Strategy<Value = Command> {
    let reason = Text::line("the payment service shows it").unwrap();
    (entries(), select(Outcome::ALL.to_vec())).prop_map(move |(entry, outcome)| Command::Resolve {
        entry,
        outcome,
        reason: reason.clone(),
    })
}

/// Changes of where an order goes and of what its courier should know: one, several, none, or to what is so already.
pub fn delivery_changes() -> impl Strategy<Value = DeliveryChange> {
    let address = option::of(select(vec!["1 Main St", "2 Ünter den Linden"]));
    let notes = select(vec!["ring twice", "the blue door"]).prop_map(|note| Text::lines(note).unwrap());
    (address, patches(places()), patches(notes), moments()).prop_map(
        |(address, coordinates, instructions, scheduled_for)| DeliveryChange {
            address: address.map(|address| Text::line(address).unwrap()),
            coordinates,
            instructions,
            scheduled_for,
        },
    )
}

/// Somebody: `ann` who is a customer, two couriers, the admin, the system.
pub fn actors() -> impl Strategy<Value = Actor> {
    select(vec![customer("ann"), courier("bob"), courier("cat"), admin(), Actor::System])
}

/// A method of payment.
pub fn methods() -> impl Strategy<Value = PaymentMethod> {
    select(vec![PaymentMethod::Online, PaymentMethod::Cash])
}

fn entries() -> impl Strategy<Value = EntryNo> {
    1..=5_u32
}

fn reasons() -> impl Strategy<Value = bool> {
    any::<bool>()
}

/// Small sums, large ones, and what is no sum to give back.
fn goodwills() -> impl Strategy<Value = Command> {
    let amounts = prop_oneof![6 => 1..=600_i64, 2 => 1..=200_000_i64, 1 => -1..=0_i64];
    let reason = Text::line("they waited long").unwrap();
    amounts.prop_map(move |minor| Command::GrantGoodwill { amount: usd(minor), reason: reason.clone() })
}

/// What people may ask of an order.
pub fn commands() -> impl Strategy<Value = Command> {
    let reason = |given: bool| if given { words("because") } else { None };
    prop_oneof![
        6 => (select(Status::ALL.to_vec()), reasons())
            .prop_map(move |(to, given)| Command::SetStatus { to, reason: reason(given) }),
        2 => (select(CancelCode::ALL.to_vec()), reasons())
            .prop_map(move |(code, given)| Command::Cancel { code, reason: reason(given) }),
        2 => select(vec!["bob", "cat"]).prop_map(|name| Command::Assign { courier: user(name) }),
        1 => Just(Command::Unassign),
        1 => Just(Command::Take),
        1 => Just(Command::GiveBack),
        2 => delivery_changes().prop_map(Command::ChangeDelivery),
        2 => goodwills(),
        3 => edits(),
        2 => words_of_admins(),
    ]
}

/// What the handlers of payments may ask of an order, of any of its first entries.
pub fn answers() -> impl Strategy<Value = Command> {
    let named = |entry: EntryNo| format!("tx-{entry}");
    prop_oneof![
        5 => entries().prop_map(move |entry| Command::ChargeSettled { entry, transaction_id: named(entry) }),
        1 => entries().prop_map(|entry| Command::ChargeDeclined { entry }),
        3 => entries().prop_map(move |entry| Command::RefundSettled { entry, transaction_id: named(entry) }),
        3 => (entries(), 0..=300_u64).prop_map(|(entry, seconds)| {
            Command::RefundDeclined { entry, again_in: Duration::from_secs(seconds) }
        }),
        1 => entries().prop_map(|entry| Command::WithdrawCharge { entry }),
        1 => entries().prop_map(|entry| Command::TimeOut { entry }),
        1 => entries().prop_map(|entry| Command::PutInReview { entry }),
        1 => any::<bool>().prop_map(|gone| Command::Release { gone }),
    ]
}

/// Something that is tried on an order.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Somebody asks for something.
    Asks(Actor, Command),
    /// A handler marks an entry sent.
    MarksSent(EntryNo),
    /// A handler puts an entry back.
    PutsBack(EntryNo),
    /// Time passes.
    Waits(Duration),
    /// A handler takes one of the online entries that are under way a step on: a booked one is marked sent, a sent one
    /// is answered. Counted around the entries there are.
    GoesOn(usize, Answer),
    /// The shop takes the order a step on, towards its delivery.
    Advances,
}

/// How a sent entry is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The money moved.
    Settled,
    /// The money never moves under this key.
    Declined,
    /// The call was refused before it connected.
    NotSent,
    /// Nobody can tell for so long that a person has to look.
    Unknown,
}

/// Up to `most` deeds.
pub fn deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let answer = prop_oneof![6 => Just(Answer::Settled), 2 => Just(Answer::Declined), 1 => Just(Answer::NotSent), 1 => Just(Answer::Unknown)];
    let deed = prop_oneof![
        3 => (actors(), commands()).prop_map(|(actor, command)| Deed::Asks(actor, command)),
        2 => answers().prop_map(|command| Deed::Asks(Actor::System, command)),
        6 => (0..5_usize, answer).prop_map(|(which, answer)| Deed::GoesOn(which, answer)),
        2 => Just(Deed::Advances),
        1 => Just(Deed::Asks(admin(), Command::Cancel { code: CancelCode::Other, reason: words("because") })),
        1 => goodwills().prop_map(|command| Deed::Asks(admin(), command)),
        1 => delivery_changes().prop_map(|change| Deed::Asks(admin(), Command::ChangeDelivery(change))),
        2 => edits().prop_map(|command| Deed::Asks(admin(), command)),
        2 => words_of_admins().prop_map(|command| Deed::Asks(admin(), command)),
        1 => entries().prop_map(Deed::MarksSent),
        1 => entries().prop_map(Deed::PutsBack),
        2 => (0..=600_000_000_u64).prop_map(|micros| Deed::Waits(Duration::from_micros(micros))),
    ];
    vec(deed, 0..=most)
}

/// What the rules said to a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It happened.
    Done,
    /// It asked for what was already so.
    NothingToDo,
    /// It was refused.
    Refused(Rejection),
    /// It makes no sense on this order: an entry that is not there, of the other kind, or not in a state to be moved.
    Absurd,
}

impl Life {
    /// A deed is tried. What the rules refuse changes nothing.
    pub fn tries(self, deed: Deed) -> (Self, Verdict) {
        let state = |life: &Self, n| life.order.ledger().get(n).map(|entry| (entry.state, entry.method));
        match deed {
            Deed::Waits(time) => (self.after(time), Verdict::Done),
            Deed::MarksSent(n) if state(&self, n) == Some((EntryState::Booked, PaymentMethod::Online)) => {
                (self.sent(n), Verdict::Done)
            }
            Deed::PutsBack(n) if state(&self, n) == Some((EntryState::Sent, PaymentMethod::Online)) => {
                (self.put_back(n), Verdict::Done)
            }
            Deed::MarksSent(_) | Deed::PutsBack(_) => (self, Verdict::Absurd),
            Deed::GoesOn(which, answer) => match self.step_of_money(which, answer) {
                Some(step) => self.tries(step),
                None => (self, Verdict::NothingToDo),
            },
            Deed::Advances => match self.step_of_the_shop() {
                Some(command) => self.tries(Deed::Asks(admin(), command)),
                None => (self, Verdict::NothingToDo),
            },
            Deed::Asks(actor, command) => match self.asks(&actor, command.clone()) {
                Ok(change) if change.is_empty() => (self, Verdict::NothingToDo),
                Ok(_) => (self.when(&actor, command), Verdict::Done),
                Err(DomainError::Rejected(rejection)) => (self, Verdict::Refused(rejection)),
                Err(DomainError::Inconsistent(error)) => {
                    let told = format!("{command:?}: {error}");
                    assert!(is_of_another_kind(&self, &command), "{told}");
                    (self, Verdict::Absurd)
                }
            },
        }
    }

    /// Deeds are tried one after another.
    #[must_use]
    pub fn lives_through(self, deeds: Vec<Deed>) -> Self {
        deeds.into_iter().fold(self, |life, deed| life.tries(deed).0)
    }
}

impl Life {
    fn step_of_money(&self, which: usize, answer: Answer) -> Option<Deed> {
        let under_way = |entry: &&Entry| {
            entry.method == PaymentMethod::Online && matches!(entry.state, EntryState::Booked | EntryState::Sent)
        };
        let count = self.order.ledger().entries().iter().filter(under_way).count();
        let entry = self.order.ledger().entries().iter().filter(under_way).nth(which.checked_rem(count)?)?;
        let n = entry.n;
        if entry.state == EntryState::Booked {
            return Some(Deed::MarksSent(n));
        }
        let transaction_id = format!("tx-{n}");
        let again_in = Duration::from_secs(8);
        let command = match (answer, entry.kind) {
            (Answer::NotSent, _) => return Some(Deed::PutsBack(n)),
            (Answer::Unknown, _) => Command::PutInReview { entry: n },
            (Answer::Settled, EntryKind::Charge) => Command::ChargeSettled { entry: n, transaction_id },
            (Answer::Settled, EntryKind::Refund) => Command::RefundSettled { entry: n, transaction_id },
            (Answer::Declined, EntryKind::Charge) => Command::ChargeDeclined { entry: n },
            (Answer::Declined, EntryKind::Refund) => Command::RefundDeclined { entry: n, again_in },
        };
        Some(Deed::Asks(Actor::System, command))
    }

    fn step_of_the_shop(&self) -> Option<Command> {
        let to = match self.order.status() {
            Status::Confirmed => Status::Preparing,
            Status::Preparing if self.order.state().courier.is_none() => {
                return Some(Command::Assign { courier: user("bob") });
            }
            Status::Preparing => Status::OutForDelivery,
            Status::OutForDelivery => Status::Delivered,
            Status::Pending
            | Status::Delivered
            | Status::Cancelled
            | Status::ReturnRequested
            | Status::ReturnApproved
            | Status::PickedUp
            | Status::Refunded => return None,
        };
        Some(Command::SetStatus { to, reason: None })
    }
}

/// Does the command speak of an entry that is not there, or is of the other kind?
fn is_of_another_kind(life: &Life, command: &Command) -> bool {
    let (entry, kind) = match command {
        Command::ChargeSettled { entry, .. }
        | Command::ChargeDeclined { entry }
        | Command::WithdrawCharge { entry }
        | Command::TimeOut { entry } => (*entry, EntryKind::Charge),
        Command::RefundSettled { entry, .. } | Command::RefundDeclined { entry, .. } => (*entry, EntryKind::Refund),
        Command::SetStatus { .. }
        | Command::Cancel { .. }
        | Command::Assign { .. }
        | Command::Unassign
        | Command::Take
        | Command::GiveBack
        | Command::ReplaceLines { .. }
        | Command::ChangeDelivery(_)
        | Command::Release { .. }
        | Command::Resolve { .. }
        | Command::GrantGoodwill { .. }
        | Command::RetryTask(_)
        | Command::DiscardTask(_) => return false,
        Command::PutInReview { entry } => return life.order.ledger().get(*entry).is_none(),
    };
    life.order.ledger().get(entry).is_none_or(|found| found.kind != kind)
}
