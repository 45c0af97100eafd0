//! Random lives: whatever people ask for and whatever the payment service answers, in any order and however late, an
//! order stays whole, its customer gets back what is theirs, and nothing is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use order_domain::order::transitions::TRANSITIONS;
use order_domain::order::{
    Actor, CancelCode, Change, Command, DeliveryChange, DomainError, Order, Outcome as Resolution, Patch, Product,
    Recorded, Rejection, Status, release_due,
};
use order_domain::payment::{Entry, EntryKind, EntryState, Ledger, Purpose, Step};
use order_domain::ports::TaskKind;
use order_domain::pricing::{FeePolicy, FeePrices};
use order_domain::time::{Duration, before};
use order_domain::{EntryNo, PaymentMethod, ProductId, Rules, Text};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::{
    Life, admin, another_courier, by_distance, cart, courier, customer, edit, minutes, new_order, north, resolve,
    rules, seconds, set_status, usd, user, words,
};

#[derive(Debug, Clone)]
enum Happening {
    /// Somebody asks for something.
    Asked(Actor, Command),
    /// An admin moves it on as usual.
    MovedOn,
    /// A handler does what is next for an entry; a call is answered, settled or not.
    Followed(usize, bool),
    /// A handler marks an entry sent and goes no further.
    Sent(usize),
    /// The payment service acts on a call, and its answer is lost.
    AnswerLost(usize, bool),
    /// The call was refused before it connected.
    PutBack(usize),
    /// An answer comes, whatever the entry's state is by now.
    Answered(usize, bool),
    /// A handler withdraws a charge or times it out without having looked.
    Hurried(usize, bool),
    /// An admin looks up what has become of an entry and says so; of a refund that has not moved, perhaps that it was paid
    /// by hand.
    Resolved(usize, bool),
    /// A handler looks at the stock and releases the order, whatever its time; something may be gone.
    Released(bool),
    /// The clock shows so many seconds after placing: it may have gone back.
    Clock(i64),
}

struct World {
    life: Life,
    /// The payment service's ledger: an entry's key, and whether it moved money. It keeps its word for ever.
    service: BTreeMap<EntryNo, bool>,
}

type Outcome = Result<(), TestCaseError>;

impl World {
    fn happens(&mut self, what: &Happening) -> Outcome {
        let entries = self.life.order.ledger().entries().len();
        let nth = |i: &usize| (entries > 0).then(|| u32::try_from(i % entries.max(1) + 1).unwrap());
        match what {
            Happening::Asked(who, command) => self.asked(who, command.clone())?,
            Happening::MovedOn => {
                let on = match self.life.status() {
                    Status::Pending => Status::Confirmed,
                    Status::Confirmed => Status::Preparing,
                    Status::Preparing => Status::OutForDelivery,
                    _ => Status::Delivered,
                };
                self.asked(&admin(), set_status(on))?;
            }
            Happening::Clock(after) => self.life.now = seconds(*after),
            Happening::Followed(i, settles) => {
                if let Some(n) = nth(i) {
                    self.follow(n, *settles)?;
                }
            }
            Happening::Sent(i) => {
                if let Some(n) = nth(i).filter(|n| self.life.next_step(*n) == Step::Send) {
                    self.life.order.mark_sent(n, self.life.now).unwrap();
                }
            }
            Happening::AnswerLost(i, settles) => {
                if let Some(n) = nth(i).filter(|n| self.life.entry(*n).state == EntryState::Sent) {
                    self.service.entry(n).or_insert(*settles);
                }
            }
            Happening::PutBack(i) => {
                let nothing_happened = |n: &EntryNo| !self.service.contains_key(n);
                if let Some(n) = nth(i).filter(|n| self.life.entry(*n).state == EntryState::Sent && nothing_happened(n))
                {
                    self.life.order.put_back(n, self.life.now).unwrap();
                }
            }
            Happening::Hurried(i, times_out) => {
                if let Some(entry) = nth(i).filter(|n| self.life.entry(*n).kind == EntryKind::Charge) {
                    let withdraws = Command::WithdrawCharge { entry };
                    self.asked(&Actor::System, if *times_out { Command::TimeOut { entry } } else { withdraws })?;
                }
            }
            Happening::Answered(i, settles) => {
                if let Some(n) = nth(i) {
                    self.answered(n, *settles)?;
                }
            }
            Happening::Resolved(i, by_hand) => {
                if let Some(n) = nth(i) {
                    self.resolved(n, *by_hand)?;
                }
            }
            Happening::Released(gone) => self.asked(&Actor::System, Command::Release { gone: *gone })?,
        }
        self.is_whole()
    }

    /// The command is accepted or refused, and never leads to an order that contradicts itself.
    fn asked(&mut self, who: &Actor, command: Command) -> Outcome {
        let asked = command.clone();
        match self.life.asks(who, command) {
            Ok(change) => {
                self.follows_from_what_was(&change)?;
                if let Command::ReplaceLines { offered, .. } = &asked {
                    self.keeps_prices(&change.order, offered)?;
                }
                self.life.keep(&change);
                Ok(())
            }
            Err(DomainError::Rejected(_)) => Ok(()),
            Err(DomainError::Inconsistent(error)) => Err(TestCaseError::fail(error.to_string())),
        }
    }

    fn answered(&mut self, n: EntryNo, settles: bool) -> Outcome {
        let (kind, state) = (self.life.entry(n).kind, self.life.entry(n).state);
        let settles = if state == EntryState::Sent { *self.service.entry(n).or_insert(settles) } else { settles };
        let transaction_id = format!("tx-{n}");
        let command = match (kind, settles) {
            (EntryKind::Charge, true) => Command::ChargeSettled { entry: n, transaction_id },
            (EntryKind::Charge, false) => Command::ChargeDeclined { entry: n },
            (EntryKind::Refund, true) => Command::RefundSettled { entry: n, transaction_id },
            (EntryKind::Refund, false) => Command::RefundDeclined { entry: n, again_in: Duration::from_secs(1) },
        };
        if state != EntryState::Sent {
            let late = self.life.asks(&Actor::System, command);
            prop_assert_eq!(late, Err(Rejection::EntryMoved { entry: n, state }.into()), "a late answer");
            return Ok(());
        }
        self.asked(&Actor::System, command)?;
        prop_assert_ne!(self.life.entry(n).state, EntryState::Sent, "an answer to a sent entry always counts");
        Ok(())
    }

    /// An admin tells the truth of an entry that needs their word; to any other it is no use.
    fn resolved(&mut self, n: EntryNo, by_hand: bool) -> Outcome {
        let Entry { kind, state, method, .. } = *self.life.entry(n);
        let is_refund = kind == EntryKind::Refund;
        let in_cash = is_refund && method == PaymentMethod::Cash && state == EntryState::Booked;
        if state != EntryState::Review && !in_cash {
            let refused = self.life.asks(&admin(), resolve(n, Resolution::Settled));
            prop_assert_eq!(refused, Err(Rejection::NotInReview { entry: n, state }.into()));
            return Ok(());
        }
        // Whoever looks in review looks at a key under which nothing is under way any more.
        let moved = !in_cash && *self.service.entry(n).or_insert(false);
        let outcome = match (moved, is_refund && by_hand || in_cash) {
            (true, _) => Resolution::Settled,
            (false, true) => Resolution::ByHand,
            (false, false) => Resolution::NotSettled,
        };
        self.asked(&admin(), resolve(n, outcome))?;
        prop_assert!(!self.life.entry(n).state.is_open(), "an admin's word counts");
        Ok(())
    }

    /// Everything that waits for a person is told, and what follows from that is done.
    fn reviewed(&mut self) -> Outcome {
        loop {
            let entries = self.life.order.ledger().entries().iter();
            let Some(n) = entries.filter(|entry| entry.state.is_open()).map(|entry| entry.n).next() else {
                return Ok(());
            };
            self.resolved(n, n % 2 == 0)?;
            self.is_whole()?;
            self.drained(&[])?;
        }
    }

    fn follow(&mut self, n: EntryNo, settles: bool) -> Outcome {
        match self.life.next_step(n) {
            Step::Finish => Ok(()),
            Step::Withdraw => self.asked(&Actor::System, Command::WithdrawCharge { entry: n }),
            Step::TimeOut => self.asked(&Actor::System, Command::TimeOut { entry: n }),
            Step::Send => {
                self.life.order.mark_sent(n, self.life.now).unwrap();
                self.answered(n, settles)
            }
            Step::AskAgain => self.answered(n, settles),
            Step::WaitUntil(at) => {
                self.life.now = at;
                Ok(())
            }
            Step::Review => self.asked(&Actor::System, Command::PutInReview { entry: n }),
        }
    }

    /// An entry whose task is not done; of one in review, what is left to do is to wait no longer than for the money.
    fn unfinished(&self) -> Option<EntryNo> {
        let mut entries = self.life.order.ledger().entries().iter().map(|entry| entry.n);
        entries.find(|n| self.life.next_step(*n) != Step::Finish)
    }

    /// Every task is done, one step of each entry after the other.
    fn drained(&mut self, outcomes: &[bool]) -> Outcome {
        let mut outcomes = outcomes.iter().copied().chain(std::iter::repeat(true));
        for _ in 0..100 {
            let Some(n) = self.unfinished() else {
                let by_hand = |n: EntryNo| {
                    let Entry { kind, method, .. } = self.life.entry(n);
                    (*kind, *method) == (EntryKind::Refund, PaymentMethod::Cash)
                };
                prop_assert!(self.life.open_entries().into_iter().all(by_hand), "no task moves what is open");
                if !self.awaits_release() {
                    return Ok(());
                }
                self.life.now = release_due(self.life.order.state(), &self.life.rules, self.life.now);
                self.asked(&Actor::System, Command::Release { gone: false })?;
                prop_assert!(!self.awaits_release(), "it is released when it is due");
                continue;
            };
            let settles = outcomes.next().unwrap_or(true);
            self.follow(n, settles)?;
            self.is_whole()?;
        }
        Err(TestCaseError::fail("the tasks never end"))
    }

    fn follows_from_what_was(&self, change: &Change) -> Outcome {
        let before = &self.life.order;
        prop_assert_eq!(change.base, Some(before.version()));
        let seqs: Vec<_> = change.events.iter().map(|recorded| recorded.seq).collect();
        prop_assert_eq!(seqs, (before.version() + 1..=change.order.version()).collect::<Vec<_>>());
        let (old, new) = (before.ledger().entries(), change.order.ledger().entries());
        let moved: Vec<_> =
            old.iter().zip(new).filter(|(a, b)| a.state != b.state).map(|(a, _)| (a.n, a.state)).collect();
        let mut named = change.moves.clone();
        named.sort_by_key(|(n, _)| *n);
        prop_assert_eq!(moved, named, "moves, each with the state it was loaded in");
        prop_assert_eq!(&change.booked, &new[old.len()..].iter().map(|entry| entry.n).collect::<Vec<_>>());
        for (was, is) in old.iter().zip(new) {
            prop_assert!(was.state == is.state || was.state.may_become(is.state));
            prop_assert_eq!((was.amount, was.kind, was.purpose), (is.amount, is.kind, is.purpose));
        }
        Ok(())
    }

    /// The units of each product, oldest first: an edit takes some from the end or adds some, at today's price.
    fn keeps_prices(&self, after: &Order, offered: &BTreeMap<ProductId, Product>) -> Outcome {
        let units = |order: &Order, id: ProductId| -> Vec<i64> {
            let lines = order.state().lines.iter().filter(|line| line.product.id == id);
            lines.flat_map(|line| vec![line.product.price.minor(); line.quantity.get() as usize]).collect()
        };
        let lines = self.life.order.state().lines.iter().chain(&after.state().lines);
        for id in lines.map(|line| line.product.id).collect::<BTreeSet<_>>() {
            let (old, new) = (units(&self.life.order, id), units(after, id));
            let kept = old.len().min(new.len());
            prop_assert_eq!(&old[..kept], &new[..kept], "units of {} that stay", id);
            let today = offered.get(&id).map(|product| product.price.minor());
            prop_assert!(new[kept..].iter().all(|price| Some(*price) == today), "units of {} that are new", id);
        }
        Ok(())
    }

    fn awaits_release(&self) -> bool {
        let state = self.life.order.state();
        state.status == Status::Confirmed && state.released_at.is_none() && state.adjustment.is_none()
    }

    /// It is released once, in time, and a task sees to it.
    fn is_released_in_time(&self) -> Outcome {
        let (state, timeline) = (self.life.order.state(), &self.life.timeline);
        let releases: Vec<_> = timeline.iter().filter(|recorded| recorded.event.name() == "released").collect();
        prop_assert!(releases.len() <= 1);
        if let Some(release) = releases.first() {
            let due = state.scheduled_for.map(|at| before(at, self.life.rules.release_lead));
            prop_assert!(due.is_none_or(|due| release.at >= due), "{} is before {:?}", release.at, due);
        }
        if self.awaits_release() {
            let begins = ["confirmed", "rescheduled", "edit_paid", "edit_reverted"];
            let since = timeline.iter().rfind(|recorded| begins.contains(&recorded.event.name())).unwrap();
            let mut tasks = self.life.tasks.iter();
            let task = tasks.find(|task| task.kind == TaskKind::Release && task.seq == since.seq);
            let due = release_due(state, &self.life.rules, since.at);
            prop_assert_eq!(task.map(|task| task.due), Some(due), "the release that follows from {:?}", since);
        }
        Ok(())
    }

    /// What is paid, and what is being charged for an edit, is what it costs; or all of it was given back otherwise.
    fn adds_up(&self) -> Outcome {
        let (state, ledger) = (self.life.order.state(), self.life.order.ledger());
        let waits = state.status == Status::Pending || state.status == Status::Cancelled;
        if waits || state.payment_method == PaymentMethod::Cash {
            return Ok(());
        }
        let open = state.adjustment.as_ref().map_or(0, |open| self.life.entry(open.charge).amount.minor());
        let paid = ledger.charged().unwrap().minor() - ledger.edit_refunds().unwrap().minor() + open;
        let given_back = ledger.left().unwrap().is_zero() && paid > state.total.minor();
        prop_assert!(
            paid == state.total.minor() || given_back,
            "{} of {}: {:?}",
            paid,
            state.total,
            self.life.ledger()
        );
        Ok(())
    }

    /// What holds at any moment.
    fn is_whole(&self) -> Outcome {
        let life = &self.life;
        prop_assert_eq!(life.audit(), vec![]);
        let entries = life.order.ledger().entries();
        let ledger = Ledger::restore(life.order.state().currency, entries.to_vec());
        let restored = ledger.and_then(|ledger| Order::restore(life.order.state().clone(), ledger));
        prop_assert_eq!(restored.as_ref(), Ok(&life.order));
        prop_assert_eq!(life.timeline.len(), usize::try_from(life.order.version()).unwrap());
        prop_assert!(life.timeline.is_sorted_by_key(|recorded| recorded.at));
        let mut before = None;
        for recorded in &life.timeline {
            let by = recorded.actor.role();
            let row = TRANSITIONS.iter().any(|row| row.joins(before, recorded.status) && row.who.contains(&by));
            prop_assert!(row || before == Some(recorded.status), "{:?} from {:?}", recorded, before);
            before = Some(recorded.status);
        }
        let keys: BTreeSet<_> = entries.iter().map(|entry| entry.key(life.order.id())).collect();
        prop_assert_eq!(keys.len(), entries.len(), "a key for each entry");
        for entry in entries {
            let kind = if entry.kind == EntryKind::Charge { TaskKind::Charge } else { TaskKind::Refund };
            let tasks = life.tasks.iter().filter(|task| task.entry == Some(entry.n));
            // One that was sent and then paid by hand was to be paid online.
            let online = entry.method == PaymentMethod::Online || entry.attempts > 0;
            let expected = if online { vec![kind] } else { vec![] };
            prop_assert_eq!(tasks.map(|task| task.kind).collect::<Vec<_>>(), expected, "tasks of entry {}", entry.n);
            if online {
                let said = self.service.get(&entry.n).copied();
                let fits = match entry.state {
                    EntryState::Settled => said == Some(entry.method == PaymentMethod::Online),
                    EntryState::Declined => said == Some(false),
                    EntryState::Booked | EntryState::Withdrawn => said.is_none(),
                    EntryState::Sent | EntryState::Review => true,
                };
                prop_assert!(fits, "entry {:?}, and the payment service says {:?}", entry, said);
            }
        }
        let confirmed = life.timeline.iter().filter(|recorded| recorded.event.name() == "confirmed").count();
        let cleared = life.tasks.iter().filter(|task| task.kind == TaskKind::ClearCart).count();
        prop_assert_eq!(cleared, confirmed, "the cart is cleared once, by the confirmation");
        let told = |recorded: &&Recorded| tells(recorded.event.name());
        let (told, notes) = (life.timeline.iter().filter(told), life.tasks.iter());
        let notes = notes.filter(|task| task.kind == TaskKind::Notify);
        let (told, notes): (Vec<_>, Vec<_>) = (told.map(|event| event.seq).collect(), notes.map(|n| n.seq).collect());
        prop_assert_eq!(told, notes, "the customer is told of what concerns them, once each");
        prop_assert!(self.purse() >= 0, "more came back than was paid");
        self.adds_up()?;
        self.is_released_in_time()
    }

    /// Has the money of an entry moved, whatever the ledger says?
    fn has_moved(&self, entry: &Entry) -> bool {
        let from_hand_to_hand = entry.method == PaymentMethod::Cash && entry.state == EntryState::Settled;
        from_hand_to_hand || self.service.get(&entry.n) == Some(&true)
    }

    /// What the shop and its payment service hold of the customer's money.
    fn purse(&self) -> i64 {
        let moved = self.life.order.ledger().entries().iter().filter(|entry| self.has_moved(entry));
        moved.map(|entry| entry.amount.minor() * if entry.kind == EntryKind::Charge { 1 } else { -1 }).sum()
    }

    /// What holds when no task is under way.
    fn is_settled(&self) -> Outcome {
        let life = &self.life;
        prop_assert_eq!(life.owed(), vec![]);
        prop_assert_ne!(life.status(), Status::Pending, "nobody waits for ever");
        prop_assert_eq!(&life.order.state().adjustment, &None, "nor does an edit");
        prop_assert!(!self.awaits_release(), "nor the shop");
        let (state, entries) = (life.order.state(), life.order.ledger().entries());
        let sum = |which: &dyn Fn(&&Entry) -> bool| -> i64 {
            entries.iter().filter(which).map(|entry| entry.amount.minor()).sum()
        };
        let is_refund = |entry: &&Entry| entry.kind == EntryKind::Refund;
        // For a person to see to: refunds that have not reached the customer, charges that have taken what nobody wants.
        let to_see_to = sum(&|entry| entry.state.is_open() && is_refund(entry) != self.has_moved(entry));
        let given = sum(&|entry| entry.purpose == Purpose::Goodwill && entry.state != EntryState::Declined);
        let paid = match (state.status, state.payment_method) {
            (Status::Cancelled, _) => false,
            (_, PaymentMethod::Online) => true,
            (status, PaymentMethod::Cash) => status == Status::Delivered,
        };
        // An edit after a goodwill gives back at most what is left.
        let theirs = if paid { (state.total.minor() - given).max(0) } else { 0 };
        prop_assert_eq!(self.purse(), theirs + to_see_to, "{:?}", life.ledger());
        Ok(())
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let lines = vec((1..5_000_i64, 1..5_u32), 1..5);
    let discount = prop_oneof![3 => Just(0), 2 => 0..20_000_i64, 1 => Just(1_000_000)];
    let scheduled_for = prop::option::weighted(0.3, 30..300_i64);
    // Where the payment service keeps a key for a short time, a charge is in review while it is waited for.
    let keeps_keys_for = prop_oneof![Just(24 * 60), Just(12)].prop_map(Duration::from_mins);
    (lines, discount, 0..3_usize, prop::bool::weighted(0.2), scheduled_for, keeps_keys_for).prop_map(
        |(lines, discount, fee, by_cash, scheduled_for, payment_key_ttl)| {
            let flat = |minor| FeePolicy { prices: FeePrices::flat(usd(minor)), area: None };
            let fee = [flat(0), flat(500), by_distance().fee][fee].clone();
            let method = if by_cash { PaymentMethod::Cash } else { PaymentMethod::Online };
            let mut new = new_order(cart(&lines, discount), method);
            new.scheduled_for = scheduled_for.map(minutes);
            World { life: Life::place(new, Rules { fee, payment_key_ttl, ..rules() }), service: BTreeMap::new() }
        },
    )
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {}", self.life.order.state().payment_method, self.life.order.state().total)
    }
}

fn delivery_changes() -> impl Strategy<Value = DeliveryChange> {
    let addresses = prop::sample::select(vec![None, Some("1 Main St"), Some("2 Main St")]);
    let place = |tenths: i64| Patch::Set(north(tenths));
    let places = prop_oneof![2 => Just(Patch::Keep), 1 => Just(Patch::Clear), 4 => (0..5_i64).prop_map(place)];
    let moment = (-10..400_i64).prop_map(|minute| Patch::Set(minutes(minute)));
    let moments = prop_oneof![6 => Just(Patch::Keep), 1 => Just(Patch::Clear), 2 => moment];
    let notes = prop::sample::select(vec![Patch::Keep, Patch::Clear, Patch::Set(words("mind the dog"))]);
    (addresses, places, notes, moments).prop_map(|(address, coordinates, instructions, scheduled_for)| DeliveryChange {
        address: address.map(|address| Text::line(address).unwrap()),
        coordinates,
        instructions,
        scheduled_for,
    })
}

/// Some of the products that orders have, and others, at today's prices.
fn edits() -> impl Strategy<Value = Command> {
    vec((1..6_i64, 1..6_u32, 1..5_000_i64), 1..4).prop_map(|lines| {
        let offered: Vec<_> = lines.iter().map(|&(id, _, price)| (id, price)).collect();
        edit(&lines.iter().map(|&(id, units, _)| (id, units)).collect::<Vec<_>>(), &offered)
    })
}

/// Is the customer told of an event of that name?
fn tells(event: &str) -> bool {
    matches!(
        event,
        "confirmed" | "preparing" | "out_for_delivery" | "delivered" | "cancelled" | "refund_settled" | "edit_reverted"
    )
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let who = prop::sample::select(vec![customer(), courier(), another_courier(), admin(), Actor::System]);
    let reason = prop::sample::select(vec![None, Some(words("because"))]);
    let what = prop_oneof![
        3 => (prop::sample::select(Status::ALL.to_vec()), reason.clone())
            .prop_map(|(to, reason)| Command::SetStatus { to, reason }),
        1 => (prop::sample::select(CancelCode::ALL.to_vec()), reason)
            .prop_map(|(code, reason)| Command::Cancel { code, reason }),
        2 => prop::sample::select(vec!["bob", "cat"]).prop_map(|name| Command::Assign { courier: user(name) }),
        1 => Just(Command::Unassign),
        1 => Just(Command::Take),
        1 => Just(Command::GiveBack),
        2 => (-1..800_i64).prop_map(|minor| Command::GrantGoodwill { amount: usd(minor), reason: words("sorry") }),
        2 => delivery_changes().prop_map(Command::ChangeDelivery),
        2 => edits(),
    ];
    let n = || 0..6_usize;
    let happening = prop_oneof![
        6 => (who, what).prop_map(|(who, what)| Happening::Asked(who, what)),
        3 => edits().prop_map(|edit| Happening::Asked(customer(), edit)),
        2 => delivery_changes().prop_map(|change| Happening::Asked(admin(), Command::ChangeDelivery(change))),
        3 => Just(Happening::MovedOn),
        6 => (n(), prop::bool::weighted(0.7)).prop_map(|(n, settles)| Happening::Followed(n, settles)),
        3 => n().prop_map(Happening::Sent),
        1 => (n(), any::<bool>()).prop_map(|(n, settles)| Happening::AnswerLost(n, settles)),
        4 => n().prop_map(Happening::PutBack),
        2 => (n(), any::<bool>()).prop_map(|(n, settles)| Happening::Answered(n, settles)),
        1 => (n(), any::<bool>()).prop_map(|(n, times_out)| Happening::Hurried(n, times_out)),
        2 => (n(), any::<bool>()).prop_map(|(n, by_hand)| Happening::Resolved(n, by_hand)),
        1 => prop::bool::weighted(0.1).prop_map(Happening::Released),
        1 => (-600..1_200_i64).prop_map(Happening::Clock),
        1 => (0..20_000_i64).prop_map(Happening::Clock),
    ];
    vec(happening, 0..40)
}

/// How the payment service answers while the tasks are drained; when it has said all of this, it says yes.
fn answers() -> impl Strategy<Value = Vec<bool>> {
    prop_oneof![3 => vec(any::<bool>(), 0..8), 1 => vec(Just(false), 5..12)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_order_stays_whole_and_what_is_owed_is_given_back(
        mut world in worlds(),
        happenings in happenings(),
        answers in answers(),
    ) {
        world.is_whole()?;
        for what in &happenings {
            world.happens(what)?;
        }
        world.drained(&answers)?;
        world.is_settled()?;
        world.reviewed()?;
        world.is_settled()?;
    }
}

/// Guards the test above against lives in which nothing happens.
#[test]
fn random_lives_reach_every_event_and_every_status_that_has_a_command() {
    use Status::{Cancelled, Confirmed, Delivered, OutForDelivery, Preparing};

    let mut runner = TestRunner::deterministic();
    let (mut events, mut statuses) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..1_500 {
        let life = (worlds(), happenings(), answers()).new_tree(&mut runner).unwrap();
        let (mut world, happenings, answers) = life.current();
        for what in &happenings {
            world.happens(what).unwrap();
        }
        world.drained(&answers).unwrap();
        world.reviewed().unwrap();
        statuses.insert(world.life.status());
        events.extend(world.life.timeline.iter().map(|recorded| recorded.event.name()));
    }
    assert_eq!(statuses, [Confirmed, Preparing, OutForDelivery, Delivered, Cancelled].into());
    let all = [
        "placed",
        "confirmed",
        "preparing",
        "out_for_delivery",
        "delivered",
        "cancelled",
        "assigned",
        "unassigned",
        "address_changed",
        "instructions_changed",
        "goodwill_granted",
        "charge_settled",
        "charge_declined",
        "charge_withdrawn",
        "refund_settled",
        "refund_declined",
        "refund_in_review",
        "charge_in_review",
        "resolved",
        "edited",
        "edit_paid",
        "edit_reverted",
        "rescheduled",
        "released",
    ];
    assert_eq!(events, all.into());
}
