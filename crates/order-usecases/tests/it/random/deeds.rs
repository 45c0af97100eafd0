//! What may happen.

use order_domain::PaymentMethod;
use order_domain::order::Status;
use order_domain::time::Duration;
use order_testkit::memory::{Fault, Op};
use order_testkit::services::PaymentAnswer;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Somebody claims all that is due.
    Claims,
    /// Several act at once: each begins after the others have waited for the store or a service this often.
    Together(Vec<(usize, Act)>),
    /// Time passes.
    Waits(Duration),
    /// The next call of this kind fails.
    Fails(Op, Fault),
    /// A call whose process died a while ago arrives at the payment service after all.
    Arrives(PaymentAnswer),
    /// A product costs so many cents from now on, and so many units of it are left.
    Sold { product: i64, price: i64, stock: u32 },
}

/// An order that is placed at the beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) method: PaymentMethod,
    /// Minutes until it is wanted, if at a time.
    pub(super) wanted_in: Option<u64>,
}

/// Somebody acts.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// People ask something of an order.
    Asks { order: usize, ask: Ask },
    /// A worker runs a task.
    Runs(Run),
}

/// What people ask.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    CustomerCancels,
    AdminCancels,
    Advances(Status),
    Assigned(Option<&'static str>),
    Taken(&'static str),
    GivenBack(&'static str),
    Redirected(&'static str),
    Reworded(bool),
    Goodwill(i64),
    /// Units of products 5 and 6.
    Edited(u32, u32),
    /// To so many tenths of a degree north of the shop, where delivery costs something else.
    Moved(i64),
    /// It is wanted in so many minutes, or at no time.
    Rescheduled(Option<u64>),
    /// An admin looks at the payment service and says what it shows of an entry that needs a person; a refund that has
    /// not moved may be paid by hand.
    Resolved {
        by_hand: bool,
    },
}

/// A worker runs a task that it has claimed, in its hands still or not.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Counted around the tasks that were ever claimed.
    pub(super) which: usize,
    pub(super) fate: Fate,
}

/// What becomes of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    /// What the payment service makes of its call.
    pub(super) answer: PaymentAnswer,
    /// It dies after it has waited this often.
    pub(super) dies_after: Option<usize>,
    /// Its call is still on its way when it has died.
    pub(super) call_lingers: bool,
    /// Its end is never written.
    pub(super) unconcluded: bool,
}

fn answers() -> impl Strategy<Value = PaymentAnswer> {
    prop_oneof![
        4 => Just(PaymentAnswer::Settle),
        3 => Just(PaymentAnswer::Decline),
        3 => Just(PaymentAnswer::ActAndLoseAnswer),
        2 => Just(PaymentAnswer::LoseRequest),
        4 => Just(PaymentAnswer::NotSent),
        1 => Just(PaymentAnswer::Refuse),
        1 => Just(PaymentAnswer::ActAndRefuse),
    ]
}

/// A run of any fate.
pub(super) fn runs() -> impl Strategy<Value = Run> {
    let dies = prop_oneof![3 => Just(None), 1 => option::of(0..10_usize)];
    let fate = (answers(), dies, any::<bool>(), prop_oneof![4 => Just(false), 1 => Just(true)]);
    (0..6_usize, fate).prop_map(|(which, (answer, dies_after, call_lingers, unconcluded))| Run {
        which,
        fate: Fate { answer, dies_after, call_lingers, unconcluded },
    })
}

fn asks() -> impl Strategy<Value = Act> {
    let couriers = || select(vec!["bob", "cat"]);
    let ask = prop_oneof![
        3 => Just(Ask::CustomerCancels),
        1 => Just(Ask::AdminCancels),
        4 => select(vec![Status::Confirmed, Status::Preparing, Status::OutForDelivery, Status::Delivered])
            .prop_map(Ask::Advances),
        2 => option::of(couriers()).prop_map(Ask::Assigned),
        1 => couriers().prop_map(Ask::Taken),
        1 => couriers().prop_map(Ask::GivenBack),
        1 => select(vec!["1 Main St", "2 Main St"]).prop_map(Ask::Redirected),
        1 => any::<bool>().prop_map(Ask::Reworded),
        3 => (1..800_i64).prop_map(Ask::Goodwill),
        7 => edits(),
        2 => (0..4_i64).prop_map(Ask::Moved),
        1 => option::of(30..400_u64).prop_map(Ask::Rescheduled),
        3 => any::<bool>().prop_map(|by_hand| Ask::Resolved { by_hand }),
    ];
    (0..2_usize, ask).prop_map(|(order, ask)| Act::Asks { order, ask })
}

fn edits() -> impl Strategy<Value = Ask> {
    (0..5_u32, 0..4_u32).prop_filter_map("no lines", |(five, six)| (five + six > 0).then_some(Ask::Edited(five, six)))
}

/// An order that is placed at the beginning.
pub(super) fn placed() -> impl Strategy<Value = Placed> {
    let methods = prop_oneof![3 => Just(PaymentMethod::Online), 1 => Just(PaymentMethod::Cash)];
    (methods, option::weighted(0.2, 30..300_u64)).prop_map(|(method, wanted_in)| Placed { method, wanted_in })
}

fn sales() -> impl Strategy<Value = Deed> {
    let stock = prop_oneof![6 => Just(100), 1 => 0..3_u32];
    (5..7_i64, 1..600_i64, stock).prop_map(|(product, price, stock)| Deed::Sold { product, price, stock })
}

fn waits() -> impl Strategy<Value = Deed> {
    let waits = prop_oneof![
        4 => 0..2_000_u64,
        3 => 25_000..40_000_u64,
        1 => 240_000..400_000_u64,
        2 => 890_000..910_000_u64,
        1 => 3_000_000..90_000_000_u64,
    ];
    waits.prop_map(|millis| Deed::Waits(Duration::from_millis(millis)))
}

fn failures() -> impl Strategy<Value = Deed> {
    let ops = select(vec![
        Op::Commit,
        Op::Commit,
        Op::MarkSent,
        Op::PutBack,
        Op::LoadFor,
        Op::CauseOf,
        Op::Load,
        Op::Fail,
        Op::Finish,
    ]);
    let faults = select(vec![Fault::Unavailable, Fault::Conflict, Fault::DoneButUnknown, Fault::UndoneButUnknown]);
    (ops, faults).prop_map(|(op, fault)| Deed::Fails(op, fault))
}

/// Up to `most` deeds of all kinds.
pub(super) fn deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let act = prop_oneof![3 => runs().prop_map(Act::Runs), 2 => asks()];
    let deed = prop_oneof![
        5 => Just(Deed::Claims),
        7 => vec((0..8_usize, act), 1..=3).prop_map(Deed::Together),
        3 => waits(),
        1 => failures(),
        1 => answers().prop_map(Deed::Arrives),
        1 => sales(),
    ];
    vec(deed, 0..=most)
}

/// Up to `most` deeds of workers and of the payment service alone.
pub(super) fn money(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let run = (0..4_usize, runs().prop_map(Act::Runs));
    let deed = prop_oneof![
        4 => Just(Deed::Claims),
        5 => vec(run, 1..=2).prop_map(Deed::Together),
        3 => waits(),
        1 => failures(),
        1 => answers().prop_map(Deed::Arrives),
    ];
    vec(deed, 0..=most)
}
