//! TLS towards Redis: verified against the system's certificates, or against those of the file that `SSL_CERT_FILE` names.

use std::sync::Arc;

use fred::types::config::{TlsConfig, TlsConnector};
use rustls::{ClientConfig, RootCertStore};

/// How TLS is spoken.
///
/// # Errors
/// What the library refuses, in its words.
pub(super) fn verified() -> Result<TlsConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(config).into())
}
