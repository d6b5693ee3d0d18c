//! What migrations promise, on every engine.
#![cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod server;

use lattice_lock_repository::{
    Database, DatabaseStatus, Engine, Migration, MigrationSet, MigrationState, codes,
};
use server::execute;
use std::time::Duration;

const ONE: Migration = Migration::new(1, "create", |engine| {
    vec![format!(
        "CREATE TABLE IF NOT EXISTS lattice_things (n BIGINT PRIMARY KEY) {}",
        if engine == Engine::Sqlite {
            ""
        } else {
            engine.table_options()
        }
    )]
})
.down(|_| vec!["DROP TABLE IF EXISTS lattice_things".into()])
.verify(|_| vec!["SELECT n FROM lattice_things WHERE 1 = 0".into()]);

/// Adds what older code need not know.
const TWO: Migration = Migration::new(2, "more", |_| {
    vec!["CREATE TABLE IF NOT EXISTS lattice_more (n BIGINT PRIMARY KEY)".into()]
})
.down(|_| vec!["DROP TABLE IF EXISTS lattice_more".into()])
.oldest_reader(1);

/// Changes what older code relies on, without a way back.
const THREE: Migration = Migration::new(3, "less", |_| {
    vec!["DROP TABLE IF EXISTS lattice_more".into()]
});

const OLD: &[MigrationSet] = &[set("things", &[ONE])];
const NEW: &[MigrationSet] = &[set("things", &[ONE, TWO])];
const NEWEST: &[MigrationSet] = &[set("things", &[ONE, TWO, THREE])];

const fn set(name: &'static str, migrations: &'static [Migration]) -> MigrationSet {
    MigrationSet { name, migrations }
}

async fn there_and_back(database: Database) {
    let error = database.require_migrated(NEW).await.unwrap_err();
    assert_eq!(error.code(), codes::MIGRATION_NEEDED);
    assert_eq!(database.migrate_down(NEW, 1).await.unwrap(), 0);
    for _ in 0..2 {
        assert_eq!(database.migrate(NEW).await.unwrap(), 2);
        assert_eq!(database.migrate(NEW).await.unwrap(), 0);
        database.require_migrated(NEW).await.unwrap();
        execute(&database, "INSERT INTO lattice_more VALUES (1)")
            .await
            .unwrap();
        assert_eq!(database.migrate_down(NEW, 1).await.unwrap(), 1);
        assert!(
            execute(&database, "DELETE FROM lattice_more")
                .await
                .is_err()
        );
        execute(&database, "DELETE FROM lattice_things")
            .await
            .unwrap();
        assert_eq!(database.migrate_down(NEW, 9).await.unwrap(), 1);
        assert!(
            execute(&database, "DELETE FROM lattice_things")
                .await
                .is_err()
        );
    }
}

async fn rolling(database: Database) {
    database.migrate(NEW).await.unwrap();
    // The old version goes on working, and neither repeats nor takes back what it does not know.
    database.require_migrated(OLD).await.unwrap();
    assert_eq!(database.migrate(OLD).await.unwrap(), 0);
    let refused = database.migrate_down(OLD, 1).await.unwrap_err();
    assert_eq!(refused.code(), codes::NO_WAY_BACK);
    let status = database.migration_status(OLD).await.unwrap();
    let seen: Vec<_> = status
        .iter()
        .map(|step| (step.version, step.known))
        .collect();
    assert_eq!(seen, [(1, true), (2, false)]);
    assert!(status.iter().all(|step| step.applied_at.is_some()));

    database.migrate(NEWEST).await.unwrap();
    for old in [OLD, NEW] {
        let refused = database.require_migrated(old).await.unwrap_err();
        assert_eq!(refused.code(), codes::READER_TOO_OLD);
        assert_eq!(
            database.migrate(old).await.unwrap_err().code(),
            codes::READER_TOO_OLD
        );
    }
    let refused = database.migrate_down(NEWEST, 2).await.unwrap_err();
    assert_eq!(refused.code(), codes::NO_WAY_BACK);
    database.require_migrated(NEWEST).await.unwrap();
}

async fn by_hand(database: Database) {
    let sql = database.migration_sql(NEW).await.unwrap();
    assert_eq!(database.migration_sql(NEW).await.unwrap().len(), sql.len());
    let error = database.require_migrated(NEW).await.unwrap_err();
    assert_eq!(error.code(), codes::MIGRATION_NEEDED);
    for statement in sql {
        execute(&database, &statement).await.unwrap();
    }
    database.require_migrated(NEW).await.unwrap();
    assert_eq!(database.migration_sql(NEW).await.unwrap(), [""; 0]);
    assert_eq!(database.migrate(NEW).await.unwrap(), 0);
}

/// A verification that fails is a step that fails.
async fn unverified(database: Database) {
    const BAD: &[MigrationSet] = &[set(
        "bad",
        &[ONE.verify(|_| vec!["SELECT missing FROM lattice_things".into()])],
    )];
    assert!(database.migrate(BAD).await.is_err());
    let error = database.require_migrated(BAD).await.unwrap_err();
    assert_eq!(error.code(), codes::MIGRATION_NEEDED);
    // The lock is free, and the table gone where the engine can take it back.
    database.migrate(OLD).await.unwrap();
    database.require_migrated(OLD).await.unwrap();
}

async fn misnumbered(database: Database) {
    const GAP: &[MigrationSet] = &[set("gap", &[TWO])];
    const TWICE: &[MigrationSet] = &[set("a", &[ONE]), set("a", &[ONE])];
    for sets in [GAP, TWICE] {
        let error = database.migrate(sets).await.unwrap_err();
        assert_eq!(error.code(), codes::MIGRATIONS_INVALID);
    }
}

async fn healthy(database: Database) {
    let deadline = Duration::from_secs(20);
    let before = database.health(deadline).await;
    assert_eq!(before.status, DatabaseStatus::Healthy, "{before:?}");
    assert_eq!(before.migrations, MigrationState::NotApplied);
    assert!(before.read.is_some() && before.write.is_none());

    database.migrate(OLD).await.unwrap();
    let after = database.health(deadline).await;
    assert_eq!(after.status, DatabaseStatus::Healthy, "{after:?}");
    assert_eq!(after.migrations, MigrationState::UpToDate);
    assert!(after.write.is_some() && after.version.is_some());
    let (writers, waits) = (after.writers.unwrap(), after.waits.unwrap());
    assert!(
        writers.open >= 1 && writers.most >= writers.open,
        "{writers:?}"
    );
    assert!(
        waits.p50 <= waits.p95 && waits.p95 <= waits.p99,
        "{waits:?}"
    );
    // The probe left nothing behind.
    assert_eq!(database.migration_status(OLD).await.unwrap().len(), 1);

    execute(&database, "DROP TABLE lattice_migrations")
        .await
        .unwrap();
    execute(&database, "CREATE TABLE lattice_migrations (n BIGINT)")
        .await
        .unwrap();
    let broken = database.health(deadline).await;
    assert_eq!(broken.status, DatabaseStatus::Degraded, "{broken:?}");
    assert_eq!(broken.code, Some(codes::STATEMENT_FAILED.as_str()));
    let error = database.require_migrated(OLD).await.unwrap_err();
    assert_eq!(error.code(), codes::STATEMENT_FAILED);
}

macro_rules! on_engine {
    ($engine:ident, $feature:literal, $run:path) => {
        #[cfg(feature = $feature)]
        mod $engine {
            #[tokio::test(flavor = "multi_thread")]
            async fn steps_go_there_and_back() {
                $run(super::there_and_back).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn old_and_new_versions_run_side_by_side_if_the_new_one_says_so() {
                $run(super::rolling).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn what_is_printed_can_be_run_by_hand() {
                $run(super::by_hand).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_step_that_does_not_verify_is_not_applied() {
                $run(super::unverified).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn wrongly_numbered_steps_are_refused() {
                $run(super::misnumbered).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn health_is_measured_and_says_what_is_wrong() {
                $run(super::healthy).await;
            }
        }
    };
}

on_engine!(sqlite, "sqlite", crate::in_a_file);
on_engine!(postgres, "postgres", crate::on_postgres);
on_engine!(mysql, "mysql", crate::on_mysql);

#[cfg(feature = "sqlite")]
async fn in_a_file<Run: Future<Output = ()>>(test: fn(Database) -> Run) {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let database = Database::open(&url).await.unwrap();
    test(database.clone()).await;
    database.dispose().await;
}

#[cfg(feature = "postgres")]
async fn on_postgres<Run: Future<Output = ()> + Send + 'static>(test: fn(Database) -> Run) {
    server::POSTGRES.run(test).await;
}

#[cfg(feature = "mysql")]
async fn on_mysql<Run: Future<Output = ()> + Send + 'static>(test: fn(Database) -> Run) {
    server::MYSQL.run(test).await;
}
