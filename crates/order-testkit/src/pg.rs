//! A fresh PostgreSQL database per test, on the server that `TEST_DATABASE_URL` names.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, Config, NoTls};

/// The variable that names the server: `postgresql://user@host:port/database`. Its database is only used to make others.
pub const SERVER: &str = "TEST_DATABASE_URL";

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// An empty database of a test's own, gone when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    server: Config,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Makes an empty database.
    ///
    /// # Panics
    /// When there is no server: a test that needs one fails, and is never skipped.
    pub async fn create() -> Self {
        let server = std::env::var(SERVER).unwrap_or_default();
        assert!(!server.is_empty(), "run `make test`, or point {SERVER} at a PostgreSQL server");
        Self::create_on(&server).await
    }

    /// Makes an empty database on the server of this URL.
    ///
    /// # Panics
    /// When that can't be had.
    pub async fn create_on(server: &str) -> Self {
        let config: Config = server.parse().unwrap_or_else(|error| panic!("{SERVER} is no PostgreSQL URL: {error}"));
        let client = connect(&config).await;
        // A backend's number makes the name unique where several machines use one server.
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        let n = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("order_test_{}_{backend}_{n}", std::process::id());
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let url = with_database(server, &name);
        Self { server: config, name, url }
    }

    /// Makes another one of everything that is in this one. Nobody may be connected to it.
    ///
    /// # Panics
    /// When somebody is.
    pub async fn copy(&self) -> Self {
        let name = format!("{}_{}", self.name, COUNTER.fetch_add(1, Ordering::Relaxed));
        let copy = format!("CREATE DATABASE {name} TEMPLATE {}", self.name);
        connect(&self.server).await.batch_execute(&copy).await.unwrap();
        Self { server: self.server.clone(), url: with_database(&self.url, &name), name }
    }

    /// Waits until nobody is connected to it any more: what a process that died had under way is over then.
    ///
    /// # Panics
    /// When somebody still is after half a minute.
    pub async fn until_left_alone(&self) {
        let client = connect(&self.server).await;
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        while client.query_one(others, &[&self.name]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(tokio::time::Instant::now() < deadline, "somebody is still connected to {}", self.name);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection to it, beside those of whatever is tested.
    pub async fn connect(&self) -> Client {
        let mut config = self.server.clone();
        config.dbname(&self.name);
        connect(&config).await
    }

    /// Lets nobody in any more and cuts off whoever is connected; or lets them in again.
    ///
    /// # Panics
    /// When the server does not do it.
    pub async fn allow_connections(&self, allow: bool) {
        let client = connect(&self.server).await;
        let name = &self.name;
        client.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}")).await.unwrap();
        if !allow {
            let cut_off = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
            client.execute(cut_off, &[name]).await.unwrap();
        }
    }
}

/// Whoever is still connected is cut off.
impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: the test's may be about to end, and must not be blocked.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                connect(&server).await.batch_execute(&sql).await
            })
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("database {} was left behind", self.name);
        }
    }
}

async fn connect(config: &Config) -> Client {
    let (client, connection) =
        config.connect(NoTls).await.unwrap_or_else(|error| panic!("the server of {SERVER} can't be reached: {error}"));
    tokio::spawn(connection);
    client
}

/// The URL with another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |at| authority + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            ("postgresql://localhost/postgres", "postgresql://localhost/t"),
            ("postgres://u:p@h:5433", "postgres://u:p@h:5433/t"),
            ("postgresql://u@h:5433/a?sslmode=disable", "postgresql://u@h:5433/t?sslmode=disable"),
            ("postgresql:///a?host=/run/x&user=u", "postgresql:///t?host=/run/x&user=u"),
        ] {
            assert_eq!(with_database(url, "t"), expected);
        }
    }
}
