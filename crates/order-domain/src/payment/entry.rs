//! One entry of the ledger: a charge or a refund, and how far it has come.

use crate::ids::{EntryNo, OrderId};
use crate::money::Money;
use crate::time::Timestamp;

/// How money is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentMethod {
    /// Through the payment service.
    Online,
    /// From hand to hand.
    Cash,
}

impl PaymentMethod {
    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Cash => "cash",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Online, Self::Cash].into_iter().find(|method| method.name() == name)
    }
}

/// Which way the money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// From the customer.
    Charge,
    /// To the customer.
    Refund,
}

impl EntryKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Charge, Self::Refund];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The order as placed.
    Order,
    /// The difference that an edit made.
    Edit,
    /// A cancellation.
    Cancel,
    /// A return.
    Return,
    /// An admin's kindness.
    Goodwill,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Order, Self::Edit, Self::Cancel, Self::Return, Self::Goodwill];

    /// Its name on the wire, in keys and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Edit => "edit",
            Self::Cancel => "cancel",
            Self::Return => "return",
            Self::Goodwill => "goodwill",
        }
    }

    /// The purpose of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// How far an entry has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryState {
    /// Meant; no call has been made.
    Booked,
    /// A call may have reached the payment service.
    Sent,
    /// The money moved.
    Settled,
    /// The payment service said no, for ever.
    Declined,
    /// A person has to look.
    Review,
    /// Taken back before any call.
    Withdrawn,
}

impl EntryState {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Booked, Self::Sent, Self::Settled, Self::Declined, Self::Review, Self::Withdrawn];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Sent => "sent",
            Self::Settled => "settled",
            Self::Declined => "declined",
            Self::Review => "review",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The moves there are. `booked → settled` is a cash refund, by an admin; `sent → booked` a call that was refused
    /// before it connected.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Booked => matches!(to, Self::Sent | Self::Withdrawn | Self::Settled),
            Self::Sent => matches!(to, Self::Settled | Self::Declined | Self::Review | Self::Booked),
            Self::Review => matches!(to, Self::Settled | Self::Declined),
            Self::Settled | Self::Declined | Self::Withdrawn => false,
        }
    }

    /// Still to be decided: of a refund, its amount is held.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Booked | Self::Sent | Self::Review)
    }
}

/// Where a refund comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The charge that it returns.
    pub charge: EntryNo,
    /// The declined refund that it repeats.
    pub repeats: Option<EntryNo>,
    /// Declines in a row before it.
    pub declines: u32,
}

/// One entry of an order's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the order: 1, 2, 3 …
    pub n: EntryNo,
    /// Which way the money goes.
    pub kind: EntryKind,
    /// What it is for.
    pub purpose: Purpose,
    /// How much; above 0, and the same for ever.
    pub amount: Money,
    /// How.
    pub method: PaymentMethod,
    /// How far it has come.
    pub state: EntryState,
    /// Of a refund: where it comes from.
    pub origin: Option<Origin>,
    /// What the payment service calls it, once it is settled.
    pub transaction_id: Option<String>,
    /// When the first call was about to be made.
    pub first_tried_at: Option<Timestamp>,
    /// Calls that were about to be made.
    pub attempts: u32,
    /// Answers among them that were a client error other than a plain no.
    pub refusals: u32,
    /// When the last of these came.
    pub refused_at: Option<Timestamp>,
    /// What went wrong last, for an operator.
    pub last_error: Option<String>,
    /// When it was booked.
    pub created_at: Timestamp,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
}

impl Entry {
    /// The key under which the payment service knows it: `order-{id}-{purpose}-{n}`. Never used for anything else.
    pub fn key(&self, order: OrderId) -> String {
        format!("order-{order}-{}-{}", self.purpose.name(), self.n)
    }

    /// The charge that it returns, if it is a refund.
    pub fn charge(&self) -> Option<EntryNo> {
        self.origin.map(|origin| origin.charge)
    }

    /// A refund whose amount can't be spent otherwise: settled, or still to be decided.
    pub(super) fn uses_its_charge(&self) -> bool {
        self.kind == EntryKind::Refund && (self.state.is_open() || self.state == EntryState::Settled)
    }
}
