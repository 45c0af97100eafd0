//! Who does something to an order.

use crate::ids::UserId;

/// What somebody is to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The order's customer.
    Customer,
    /// The courier it is assigned to (or who is about to take it).
    Courier,
    /// Who runs the shop.
    Admin,
    /// This service's own work.
    System,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Courier, Self::Admin, Self::System];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Courier => "courier",
            Self::Admin => "admin",
            Self::System => "system",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who does something to an order, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Its customer.
    Customer(UserId),
    /// A courier.
    Courier(UserId),
    /// An admin.
    Admin(UserId),
    /// This service's own work.
    System,
}

impl Actor {
    /// As what.
    pub const fn role(&self) -> Role {
        match self {
            Self::Customer(_) => Role::Customer,
            Self::Courier(_) => Role::Courier,
            Self::Admin(_) => Role::Admin,
            Self::System => Role::System,
        }
    }

    /// Who; nobody for the system.
    pub const fn id(&self) -> Option<&UserId> {
        match self {
            Self::Customer(id) | Self::Courier(id) | Self::Admin(id) => Some(id),
            Self::System => None,
        }
    }

    /// The actor of a role and an id.
    pub fn of(role: Role, id: Option<UserId>) -> Option<Self> {
        match (role, id) {
            (Role::Customer, Some(id)) => Some(Self::Customer(id)),
            (Role::Courier, Some(id)) => Some(Self::Courier(id)),
            (Role::Admin, Some(id)) => Some(Self::Admin(id)),
            (Role::System, None) => Some(Self::System),
            _ => None,
        }
    }
}
