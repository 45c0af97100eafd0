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
    /// The transaction met another one and did nothing: worth doing again, whole.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Statement(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            Self::Statement(DieselError::DatabaseError(_, info)) => info.message().contains("deadlock detected"),
            _ => false,
        }
    }

    /// The connection is gone, so a commit on it may or may not have taken.
    pub(crate) fn lost_connection(error: &DieselError) -> bool {
        match error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            ) => true,
            // The server's own words when it is told to stop or loses a backend (SQLSTATE class 57).
            DieselError::DatabaseError(_, info) => {
                let message = info.message();
                ["connection closed", "terminating connection", "error communicating", "unexpected EOF"]
                    .iter()
                    .any(|words| message.contains(words))
            }
            _ => false,
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
            DbError::TaskLost => Self::TaskLost,
            DbError::Unknown(detail) => Self::Unknown(detail),
            error => Self::Store(error.into()),
        }
    }
}
