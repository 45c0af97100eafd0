//! How an instance stands: may it be sent requests?

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use order_domain::ports::OrderReader;
use order_usecases::{UseCaseError, UseCases};

use crate::codes::Code;
use crate::problem::Problem;

/// Seconds after which an instance that is shutting down may have a successor.
const SUCCESSOR: u16 = 5;

/// Whether what carries word between instances is up just now.
pub type TransportHealth = Arc<dyn Fn() -> bool + Send + Sync>;

/// Asks the database whether it is there.
type Asking = Rc<dyn Fn() -> LocalBoxFuture<'static, Result<(), UseCaseError>>>;

/// What an instance's readiness hangs on, and what is told beside it.
#[derive(Clone)]
pub(crate) struct Standing {
    draining: Arc<AtomicBool>,
    database: Asking,
    transport: Option<TransportHealth>,
}

impl Standing {
    /// Of an instance that has the API: it asks the database as its requests do.
    pub(crate) fn of_usecases(
        usecases: &UseCases,
        draining: &Arc<AtomicBool>,
        transport: Option<TransportHealth>,
    ) -> Self {
        let usecases = usecases.clone();
        let ask = move || {
            let usecases = usecases.clone();
            async move { usecases.ready().await }.boxed_local()
        };
        Self { draining: Arc::clone(draining), database: Rc::new(ask), transport }
    }

    /// Of an instance that has not.
    pub(crate) fn of_database(
        database: &Arc<dyn OrderReader>,
        draining: &Arc<AtomicBool>,
        transport: Option<TransportHealth>,
    ) -> Self {
        let database = Arc::clone(database);
        let ask = move || {
            let database = Arc::clone(&database);
            async move { Ok(database.ping().await?) }.boxed_local()
        };
        Self { draining: Arc::clone(draining), database: Rc::new(ask), transport }
    }

    /// Whether requests may be sent here.
    ///
    /// # Errors
    /// A problem when the instance is shutting down or its database is away.
    pub(crate) async fn ready(&self) -> Result<(), Problem> {
        if self.draining.load(Ordering::Acquire) {
            return Err(Problem::new(Code::Draining, "Ask another instance.").retry_after(SUCCESSOR));
        }
        Ok((self.database)().await?)
    }

    /// How what carries word between instances is doing, in a word.
    pub(crate) fn transport(&self) -> Option<&'static str> {
        self.transport.as_ref().map(|up| if up() { "up" } else { "down" })
    }
}
