//! What can go wrong inside a store, before it is said in the words of the ports.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use order_domain::order::Inconsistent;
use order_domain::ports::{CommitError, StoreError};

/// What can go wrong inside a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DbError {
    /// An order, an entry or a task is no longer as it was loaded.
    #[error("changed meanwhile")]
    Conflict,
    /// The key is used.
    #[error("key used")]
    KeyUsed,
    /// The cart is guarded.
    #[error("guarded")]
    Guarded,
    /// The task is in other hands.
    #[error("task lost")]
    TaskLost,
    /// A statement failed.
    #[error(transparent)]
    Statement(#[from] DieselError),
    /// No connection in time.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// It failed, and the connection with it: nothing was committed, and the connection is of no use any more.
    #[error("{0}")]
    NotRolledBack(String),
    /// The connection was lost while a commit was under way.
    #[error("commit without an answer: {0}")]
    Unknown(String),
    /// What was read contradicts itself.
    #[error("{0}")]
    Inconsistent(String),
}

impl DbError {
    /// The database undid the work, and it may be done again, whole. What diesel has no name for (a deadlock among them)
    /// is worth another try: inside a transaction that was rolled back nothing has happened.
    pub(crate) fn was_rolled_back(&self) -> bool {
        use DatabaseErrorKind as Kind;
        matches!(self, Self::Statement(DieselError::DatabaseError(Kind::SerializationFailure | Kind::Unknown, _)))
    }

    /// What an error means where a commit was under way: only some kinds say that nothing was done. Any other (a lost
    /// connection, a server that is told to stop; their texts are in the server's language) leaves it open.
    pub(crate) fn at_commit(self) -> Self {
        use DatabaseErrorKind as Kind;
        match self {
            Self::Statement(DieselError::DatabaseError(
                Kind::UniqueViolation
                | Kind::ForeignKeyViolation
                | Kind::NotNullViolation
                | Kind::CheckViolation
                | Kind::SerializationFailure
                | Kind::ReadOnlyTransaction,
                _,
            )) => self,
            Self::Statement(DieselError::DatabaseError(_, info)) => Self::Unknown(info.message().to_owned()),
            error => error,
        }
    }
}

impl From<Inconsistent> for DbError {
    fn from(error: Inconsistent) -> Self {
        Self::Inconsistent(error.0)
    }
}

impl From<StoreError> for DbError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(detail) => Self::NoConnection(detail),
            StoreError::Inconsistent(detail) => Self::Inconsistent(detail),
        }
    }
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Inconsistent(detail) => Self::Inconsistent(detail),
            // A row that breaks a constraint is a bug of ours; anything else is the database's trouble.
            DbError::Statement(DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::NotNullViolation,
                info,
            )) => Self::Inconsistent(info.message().to_owned()),
            error => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<DbError> for CommitError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Conflict => Self::Conflict,
            DbError::KeyUsed => Self::KeyUsed,
            DbError::Guarded => Self::Guarded,
            DbError::TaskLost => Self::TaskLost,
            DbError::Unknown(detail) => Self::Unknown(detail),
            error => Self::Store(error.into()),
        }
    }
}
