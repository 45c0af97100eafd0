//! The transition table: which status may follow which, by whom, and under what condition. It is the specification:
//! guards, error data and the diagram of the documentation come from it.

use super::actor::Role;
use super::status::Status;

/// From where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// There is no order yet.
    New,
    /// It stands here.
    Status(Status),
}

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Here.
    Status(Status),
    /// Where the return came from: `delivered` or `refunded`.
    CameFrom,
}

/// A condition on the order beside its status and who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// None.
    None,
    /// See *Placing an order*.
    Placing,
    /// The system: paid, nothing to pay, or cash chosen at placing. An admin: confirms an unpaid order as cash.
    PaidOrCash,
    /// The system: the charge was declined, or the order is unpaid after `PAYMENT_TIMEOUT`.
    UnpaidIfSystem,
    /// A scheduled order only after its release; no adjustment open.
    ReleasedAndSettled,
    /// A courier is assigned.
    CourierAssigned,
    /// What the return rules say: the window, what is returnable, one open return.
    Returnable,
    /// Something of the return is to be collected.
    SomethingToCollect,
    /// Nothing of the return is to be collected, and its refunds are settled or there is nothing to refund.
    NothingToCollect,
    /// Every refund of this return is still booked.
    ReturnRefundsBooked,
    /// The system: its refunds are settled or there is nothing to refund. An admin: by hand, while they are booked.
    RefundsSettledOrByHand,
}

impl Guard {
    /// The condition in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Placing => "the cart can be sold as it is",
            Self::PaidOrCash => "system: paid, nothing to pay, or cash chosen; admin: as cash",
            Self::UnpaidIfSystem => "system: charge declined, or unpaid in time",
            Self::ReleasedAndSettled => "released; no adjustment open",
            Self::CourierAssigned => "a courier is assigned",
            Self::Returnable => "within the return window, something returnable",
            Self::SomethingToCollect => "something to collect",
            Self::NothingToCollect => "nothing to collect, refunds settled",
            Self::ReturnRefundsBooked => "its refunds are still booked",
            Self::RefundsSettledOrByHand => "system: refunds settled; admin: by hand",
        }
    }
}

/// The command that a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Placing.
    Place,
    /// The charge settled, nothing to pay, or an admin's word.
    Confirm,
    /// `PUT status`.
    SetStatus,
    /// Cancelling.
    Cancel,
    /// Asking for a return, and taking that back.
    Return,
}

impl Means {
    /// False: the command does not exist yet, so its rows are not offered.
    pub const fn exists(self) -> bool {
        !matches!(self, Self::Return)
    }
}

/// A row: one status may follow another.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// From where.
    pub from: From,
    /// Where to.
    pub to: To,
    /// Who may.
    pub who: &'static [Role],
    /// On what condition.
    pub guard: Guard,
    /// Who of them has to say why.
    pub reason_of: &'static [Role],
    /// By which command.
    pub means: Means,
}

const fn row(from: Status, to: Status, who: &'static [Role], guard: Guard, means: Means) -> Transition {
    Transition { from: From::Status(from), to: To::Status(to), who, guard, reason_of: &[], means }
}

const fn back(from: Status, who: &'static [Role], guard: Guard, reason_of: &'static [Role]) -> Transition {
    Transition { from: From::Status(from), to: To::CameFrom, who, guard, reason_of, means: Means::Return }
}

impl Transition {
    const fn reason_of(self, reason_of: &'static [Role]) -> Self {
        Self { reason_of, ..self }
    }

    /// Is it a row from `from` to `to`? A way back leads to `delivered` and to `refunded`.
    pub fn joins(&self, from: Option<Status>, to: Status) -> bool {
        let starts = match (self.from, from) {
            (From::New, None) => true,
            (From::Status(row), Some(from)) => row == from,
            (From::New, Some(_)) | (From::Status(_), None) => false,
        };
        let ends = match self.to {
            To::Status(row) => row == to,
            To::CameFrom => matches!(to, Status::Delivered | Status::Refunded),
        };
        starts && ends
    }
}

use Role::{Admin, Courier, Customer, System};
use Status::{
    Cancelled, Confirmed, Delivered, OutForDelivery, Pending, PickedUp, Preparing, Refunded, ReturnApproved,
    ReturnRequested,
};

/// The whole table.
pub const TRANSITIONS: &[Transition] = &[
    Transition {
        from: From::New,
        to: To::Status(Pending),
        who: &[Customer],
        guard: Guard::Placing,
        reason_of: &[],
        means: Means::Place,
    },
    row(Pending, Confirmed, &[System, Admin], Guard::PaidOrCash, Means::Confirm),
    row(Pending, Cancelled, &[Customer, Admin, System], Guard::UnpaidIfSystem, Means::Cancel),
    row(Confirmed, Preparing, &[Admin, Courier], Guard::ReleasedAndSettled, Means::SetStatus),
    row(Confirmed, Cancelled, &[Customer, Admin, System], Guard::None, Means::Cancel),
    row(Preparing, OutForDelivery, &[Admin, Courier], Guard::CourierAssigned, Means::SetStatus),
    row(Preparing, Cancelled, &[Admin], Guard::None, Means::Cancel).reason_of(&[Admin]),
    row(OutForDelivery, Delivered, &[Admin, Courier], Guard::None, Means::SetStatus),
    row(OutForDelivery, Cancelled, &[Admin], Guard::None, Means::Cancel).reason_of(&[Admin]),
    row(Delivered, ReturnRequested, &[Customer, Admin], Guard::Returnable, Means::Return),
    row(Refunded, ReturnRequested, &[Customer, Admin], Guard::Returnable, Means::Return),
    back(ReturnRequested, &[Customer, Admin], Guard::None, &[Admin]),
    row(ReturnRequested, ReturnApproved, &[Admin], Guard::None, Means::Return),
    row(ReturnApproved, PickedUp, &[Admin, Courier], Guard::SomethingToCollect, Means::Return),
    row(ReturnApproved, Refunded, &[System], Guard::NothingToCollect, Means::Return),
    back(ReturnApproved, &[Admin], Guard::ReturnRefundsBooked, &[Admin]),
    back(PickedUp, &[Admin], Guard::ReturnRefundsBooked, &[Admin]),
    row(PickedUp, Refunded, &[System, Admin], Guard::RefundsSettledOrByHand, Means::Return).reason_of(&[Admin]),
];

/// The row from `from` to `to` that `role` may take, of those whose command exists.
pub fn find(from: Status, to: Status, role: Role) -> Option<&'static Transition> {
    TRANSITIONS.iter().find(|row| row.means.exists() && row.joins(Some(from), to) && row.who.contains(&role))
}

/// May `to` follow `from` at all? `None` is before the order.
pub fn is_row(from: Option<Status>, to: Status) -> bool {
    TRANSITIONS.iter().any(|row| row.joins(from, to))
}

/// The table in Markdown, for the page of the documentation.
pub fn table_markdown() -> String {
    let names = |roles: &[Role]| roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    let mut text = String::from("| from | to | who | condition | reason needed from |\n|---|---|---|---|---|\n");
    for row in TRANSITIONS {
        let from = match row.from {
            From::New => "(new)".to_owned(),
            From::Status(status) => format!("`{}`", status.name()),
        };
        let to = match row.to {
            To::Status(status) => format!("`{}`", status.name()),
            To::CameFrom => "where the return came from".to_owned(),
        };
        let cells = [from, to, names(row.who), row.guard.words().to_owned(), names(row.reason_of)];
        text.extend(["| ", &cells.join(" | "), " |\n"]);
    }
    text
}

/// The table as a diagram of the documentation, in Mermaid's state diagram language.
pub fn diagram() -> String {
    let name = |status: Status| status.name();
    let mut text = String::from("stateDiagram-v2\n");
    for row in TRANSITIONS {
        let who: Vec<_> = row.who.iter().map(|role| role.name()).collect();
        let from = match row.from {
            From::New => "[*]",
            From::Status(status) => name(status),
        };
        let to: &[Status] = match row.to {
            To::Status(ref status) => std::slice::from_ref(status),
            To::CameFrom => &[Delivered, Refunded],
        };
        for &to in to {
            let words = match row.guard {
                Guard::None => String::new(),
                // Colons and semicolons end a label in Mermaid.
                guard => format!(" ({})", guard.words().replace(':', " -").replace(';', ",")),
            };
            text.extend(["    ", from, " --> ", name(to), ": ", &who.join(", "), &words, "\n"]);
        }
    }
    text
}
