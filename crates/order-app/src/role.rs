//! What an instance does: everything, or one half of it, so that each half can be scaled by itself.

use crate::Failure;
use crate::settings::Settings;
use order_persistence::DatabaseUrl;

/// The part of the work that an instance takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Role {
    /// The API and the work behind it
    #[default]
    All,
    /// The API alone; tasks and the event stream are for others
    Http,
    /// Tasks and the event stream alone; of HTTP it has its health
    Worker,
}

impl Role {
    /// Whether it has the API.
    pub(crate) const fn has_api(self) -> bool {
        match self {
            Self::All | Self::Http => true,
            Self::Worker => false,
        }
    }

    /// Whether it runs tasks and publishes events.
    pub(crate) const fn works(self) -> bool {
        match self {
            Self::All | Self::Worker => true,
            Self::Http => false,
        }
    }

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Http => "http",
            Self::Worker => "worker",
        }
    }

    /// A SQLite file serves one instance, and nobody would do what that one does not.
    ///
    /// # Errors
    /// [`Failure::Usage`] for half an instance on a SQLite file.
    pub(crate) fn fits(self, settings: &Settings) -> Result<(), Failure> {
        match (self, &settings.database_url) {
            (Self::All, _) | (_, DatabaseUrl::Postgres(_)) => Ok(()),
            (Self::Http | Self::Worker, DatabaseUrl::Sqlite(_)) => Err(Failure::Usage(format!(
                "--role {}: a SQLite file serves one instance, which has to do everything; use PostgreSQL",
                self.name()
            ))),
        }
    }
}
