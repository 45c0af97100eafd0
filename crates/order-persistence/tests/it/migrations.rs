//! Migrating: once, by one instance, and never back.

use diesel::connection::SimpleConnection;
use order_persistence::{MigrateError, migrate};
use order_testkit::pg::TestDatabase;

use crate::{postgres, sqlite};

const FROM_THE_FUTURE: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')";

fn refused(error: &MigrateError) {
    assert!(matches!(error, MigrateError::Newer(versions) if versions == &["29991231235959"]), "{error}");
    assert!(error.to_string().contains("newer than this program"));
}

#[test]
fn both_engines_have_migrations_of_the_same_names() {
    let names = |engine: &str| {
        let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("postgres"), names("sqlite"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_migrated_once_whoever_asks() {
    let database = TestDatabase::create().await;
    let url = postgres::url(&database);
    let (one, other) = tokio::join!(migrate(&url, true), migrate(&url, true));
    let applied = one.unwrap().pending.len() + other.unwrap().pending.len();
    let missing = migrate(&url, false).await.unwrap();
    assert_eq!((applied, missing.pending.len()), (missing.applied_before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing() {
    let database = TestDatabase::create().await;
    let url = postgres::url(&database);
    let missing = migrate(&url, false).await.unwrap().pending;
    assert!(!missing.is_empty());
    assert_eq!(migrate(&url, false).await.unwrap().pending, missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_on_postgres() {
    let postgres = postgres::Postgres::fresh().await;
    postgres.database.connect().await.batch_execute(FROM_THE_FUTURE).await.unwrap();
    refused(&migrate(&postgres::url(&postgres.database), true).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_on_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    migrate(&sqlite::url(&folder), true).await.unwrap();
    let path = folder.path().join("orders.db");
    let mut conn = <diesel::SqliteConnection as diesel::Connection>::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(FROM_THE_FUTURE).unwrap();
    refused(&migrate(&sqlite::url(&folder), true).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_said_to_be_so() {
    let url = order_persistence::DatabaseUrl::parse("postgresql://nobody:secret@127.0.0.1:1/none").unwrap();
    let error = migrate(&url, true).await.unwrap_err();
    assert!(matches!(error, MigrateError::Unreachable(_)), "{error}");
    assert!(!error.to_string().contains("secret"));
}
