//! The ten statuses of an order.

/// Where an order stands. No others exist on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Placed; not yet paid.
    Pending,
    /// Paid, or to be paid in cash.
    Confirmed,
    /// The shop packs it.
    Preparing,
    /// With the courier.
    OutForDelivery,
    /// With the customer.
    Delivered,
    /// Ended before delivery.
    Cancelled,
    /// The customer wants to give goods back.
    ReturnRequested,
    /// The shop takes them back.
    ReturnApproved,
    /// The courier has collected them.
    PickedUp,
    /// The return's money is back.
    Refunded,
}

impl Status {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Confirmed,
        Self::Preparing,
        Self::OutForDelivery,
        Self::Delivered,
        Self::Cancelled,
        Self::ReturnRequested,
        Self::ReturnApproved,
        Self::PickedUp,
        Self::Refunded,
    ];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Preparing => "preparing",
            Self::OutForDelivery => "out_for_delivery",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::ReturnRequested => "return_requested",
            Self::ReturnApproved => "return_approved",
            Self::PickedUp => "picked_up",
            Self::Refunded => "refunded",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}
