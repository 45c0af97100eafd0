//! Is a service there at all? For an operator's check before the service is started.

use order_domain::ports::ServiceName;

use crate::guard::Guards;
use crate::http::Http;
use crate::settings::Deadlines;

/// Asks a service for its base address. Any answer, whatever its status, says that it is there.
///
/// # Errors
/// What went wrong, in words for an operator.
pub async fn probe(service: ServiceName, base_url: &str, deadlines: Deadlines) -> Result<(), String> {
    let http = Http::new(service, base_url, deadlines, &Guards::default()).map_err(|error| error.to_string())?;
    http.send(http.get(&[])).await.map(drop).map_err(|failure| failure.detail().to_owned())
}
