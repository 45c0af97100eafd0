//! `DATABASE_URL`: which engine, and how to reach it. The predecessor's spellings are understood.

use std::path::PathBuf;

use tokio_postgres::config::SslMode;

use crate::ConnectError;

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgresql://…`, `postgres://…` or `postgresql+asyncpg://…`.
    Postgres(String),
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// Reads a `DATABASE_URL`.
    ///
    /// # Errors
    /// [`ConnectError::Url`] says what is wrong with it, without repeating it: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, ConnectError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(ConnectError::Url("sqlite: needs the path of a file".into()));
            }
            return Ok(Self::Sqlite(path.into()));
        }
        for scheme in ["postgresql+asyncpg://", "postgresql://", "postgres://"] {
            if let Some(rest) = url.strip_prefix(scheme) {
                let url = format!("postgresql://{rest}");
                PostgresUrl::parse(&url)?;
                return Ok(Self::Postgres(url));
            }
        }
        Err(ConnectError::Url("must start with postgresql:// or sqlite:".into()))
    }
}

/// A `postgresql://` URL, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct PostgresUrl {
    pub(crate) config: tokio_postgres::Config,
    /// Encrypted, and the server verified.
    pub(crate) tls: bool,
    /// Trust the certificates of this file alone.
    pub(crate) root_certificate: Option<PathBuf>,
}

impl PostgresUrl {
    /// `sslmode=require`, `verify-ca` and `verify-full` (and asyncpg's `ssl=` of the same values) all mean a verified
    /// connection; `disable`, `allow` and `prefer` an open one. `sslrootcert` names a file of certificates.
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut tls, mut root_certificate, mut kept) = (false, None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (name, value) {
                ("sslmode" | "ssl", "require" | "verify-ca" | "verify-full" | "true") => tls = true,
                ("sslmode" | "ssl", "disable" | "allow" | "prefer" | "false") => {}
                ("sslmode" | "ssl", _) => return Err(ConnectError::Url(format!("{name} can't be that"))),
                ("sslrootcert", "") => return Err(ConnectError::Url("sslrootcert names no file".into())),
                ("sslrootcert", path) => root_certificate = Some(PathBuf::from(path)),
                _ => kept.push(parameter),
            }
        }
        let kept = kept.join("&");
        let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{kept}") };
        let mut config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            ConnectError::Url(cause.unwrap_or_else(|| error.to_string()))
        })?;
        config.ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
        config.application_name("order-service");
        Ok(Self { config, tls, root_certificate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predecessors_spelling_is_understood() {
        let url = DatabaseUrl::parse("postgresql+asyncpg://u:p@h/d").unwrap();
        assert_eq!(url, DatabaseUrl::Postgres("postgresql://u:p@h/d".into()));
        assert_eq!(DatabaseUrl::parse("sqlite:a/b.db").unwrap(), DatabaseUrl::Sqlite("a/b.db".into()));
        assert_eq!(DatabaseUrl::parse("sqlite:///a/b.db").unwrap(), DatabaseUrl::Sqlite("/a/b.db".into()));
    }

    #[test]
    fn what_asks_for_tls_gets_a_verified_connection() {
        for (query, tls) in [
            ("", false),
            ("?sslmode=prefer", false),
            ("?sslmode=require", true),
            ("?ssl=require", true),
            ("?sslmode=verify-full&connect_timeout=3", true),
            ("?ssl=verify-ca", true),
        ] {
            assert_eq!(PostgresUrl::parse(&format!("postgresql://u@h/d{query}")).unwrap().tls, tls, "{query}");
        }
    }

    #[test]
    fn a_bad_url_is_told_without_its_password() {
        for url in [
            "mysql://u:secret@h/d",
            "postgresql://u:secret@h:port/d",
            "postgresql://u:secret@h/d?sslmode=maybe",
            "sqlite:",
            "",
        ] {
            let error = DatabaseUrl::parse(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
