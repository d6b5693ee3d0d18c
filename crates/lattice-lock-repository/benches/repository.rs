//! The generic repository against bare sqlx: the same pool, table, checks and durability, in turns.
//!
//! Run with `cargo bench -p lattice-lock-repository --all-features`. The servers are those of the tests
//! (`LATTICE_TEST_POSTGRES_URL`, `LATTICE_TEST_MYSQL_URL`); each figure is the best of several rounds.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at what goes wrong, and prints what it found"
)]

use std::future::Future;
use std::time::{Duration, Instant};

use lattice_lock_repository::contract::{NOTES, Note, NoteTable};
use lattice_lock_repository::{
    Database, DatabaseOptions, EntityId, Repository, TableRepository, Timestamp,
};
use sqlx::{Pool, QueryBuilder, Row};

const NOTE_TABLE: TableRepository<NoteTable> = TableRepository::new();

/// Rounds of each measurement, ours and bare ones in turns. Many short ones: a statement goes to another thread or process
/// and back, which takes two or three times as long when the scheduler puts both on one core.
const ROUNDS: usize = 40;

/// Rows inserted one by one, rows of a batch, and points read, in a round.
const SINGLES: u32 = 50;
const BATCH: u32 = 1000;
const READS: u32 = 200;

/// A note of about 200 bytes.
fn note() -> Note {
    Note {
        title: uuid::Uuid::new_v4().to_string(),
        body: "x".repeat(120),
        rank: 42,
        at: Timestamp::now(),
    }
}

/// The best time of each, for the same work.
async fn compare<A: Future<Output = ()>, B: Future<Output = ()>>(
    ours: impl Fn() -> A,
    bare: impl Fn() -> B,
) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        // Whatever one leaves behind, such as writes that wait, is as often in the way of the other.
        if round % 2 == 0 {
            best.0 = best.0.min(time(ours()).await);
            best.1 = best.1.min(time(bare()).await);
        } else {
            best.1 = best.1.min(time(bare()).await);
            best.0 = best.0.min(time(ours()).await);
        }
    }
    best
}

async fn time(work: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    work.await;
    began.elapsed()
}

fn print(engine: &str, what: &str, rows: u32, (ours, bare): (Duration, Duration)) {
    let rate = |time: Duration| f64::from(rows) / time.as_secs_f64();
    let ratio = rate(ours) / rate(bare);
    println!(
        "{engine:<9} {what:<14} {:>9.0}/s  bare sqlx {:>9.0}/s  ratio {ratio:.2}",
        rate(ours),
        rate(bare)
    );
}

/// Bare sqlx, written once for three drivers whose types differ.
macro_rules! bench {
    ($name:ident, $driver:ty, $row:literal, $point:literal) => {
        async fn $name(engine: &'static str, pool: Pool<$driver>) {
            let database = Database::from_pool(pool.clone(), &DatabaseOptions::default()).unwrap();
            database.migrate(NOTES).await.unwrap();
            let singles = compare(
                async || {
                    for _ in 0..SINGLES {
                        let scope = &mut database.writer().unwrap();
                        NOTE_TABLE.create(scope, note()).await.unwrap();
                    }
                },
                async || {
                    for _ in 0..SINGLES {
                        let (id, note) = (EntityId::generate(), note());
                        sqlx::query($row)
                            .bind(*id.as_uuid())
                            .bind(1_i64)
                            .bind(note.title)
                            .bind(note.body)
                            .bind(note.rank)
                            .bind(note.at.as_micros())
                            .execute(&pool)
                            .await
                            .unwrap();
                    }
                },
            );
            print(engine, "single inserts", SINGLES, singles.await);
            let batches = compare(
                async || {
                    let notes = (0..BATCH).map(|_| note()).collect();
                    let scope = &mut database.writer().unwrap();
                    NOTE_TABLE.create_many(scope, notes).await.unwrap();
                },
                async || {
                    let mut insert = QueryBuilder::<$driver>::new(
                        "INSERT INTO lattice_contract_notes (id, version, title, body, rank_of, happened_at) ",
                    );
                    insert.push_values((0..BATCH).map(|_| note()), |mut row, note| {
                        row.push_bind(*EntityId::generate().as_uuid())
                            .push_bind(1_i64)
                            .push_bind(note.title)
                            .push_bind(note.body)
                            .push_bind(note.rank)
                            .push_bind(note.at.as_micros());
                    });
                    insert.build().execute(&pool).await.unwrap();
                },
            );
            print(engine, "batch inserts", BATCH, batches.await);
            let known = NOTE_TABLE
                .create(&mut database.writer().unwrap(), note())
                .await
                .unwrap();
            let reads = compare(
                async || {
                    for _ in 0..READS {
                        let scope = &mut database.reader().unwrap();
                        let read = NOTE_TABLE.get_by_id(scope, known.id()).await.unwrap();
                        assert!(read.is_some());
                    }
                },
                async || {
                    for _ in 0..READS {
                        let row = sqlx::query($point)
                            .bind(*known.id().as_uuid())
                            .fetch_optional(&pool)
                            .await
                            .unwrap()
                            .unwrap();
                        let read = (
                            row.get::<uuid::Uuid, _>(0),
                            row.get::<i64, _>(1),
                            row.get::<String, _>(2),
                            row.get::<String, _>(3),
                            row.get::<i64, _>(4),
                            row.get::<i64, _>(5),
                        );
                        assert_eq!(read.1, 1);
                    }
                },
            );
            print(engine, "point reads", READS, reads.await);
            database.migrate_down(NOTES, 1).await.unwrap();
            sqlx::query("DROP TABLE lattice_migrations").execute(&pool).await.unwrap();
        }
    };
}

bench!(
    on_sqlite,
    sqlx::Sqlite,
    "INSERT INTO lattice_contract_notes VALUES (?, ?, ?, ?, ?, ?)",
    "SELECT id, version, title, body, rank_of, happened_at FROM lattice_contract_notes WHERE id = ?"
);
bench!(
    on_postgres,
    sqlx::Postgres,
    "INSERT INTO lattice_contract_notes VALUES ($1, $2, $3, $4, $5, $6)",
    "SELECT id, version, title, body, rank_of, happened_at FROM lattice_contract_notes WHERE id = $1"
);
bench!(
    on_mysql,
    sqlx::MySql,
    "INSERT INTO lattice_contract_notes VALUES (?, ?, ?, ?, ?, ?)",
    "SELECT id, version, title, body, rank_of, happened_at FROM lattice_contract_notes WHERE id = ?"
);

async fn sqlite() {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    let folder = tempfile::TempDir::new().unwrap();
    let file = SqliteConnectOptions::new()
        .filename(folder.path().join("bench.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let one = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    on_sqlite("sqlite", one.connect_with(file).await.unwrap()).await;
}

/// A schema or database of the benchmark's own on a server, dropped afterwards.
async fn server<DB, Run>(variable: &str, default: &str, bench: impl FnOnce(Pool<DB>) -> Run)
where
    DB: sqlx::Database,
    for<'c> &'c Pool<DB>: sqlx::Executor<'c, Database = DB>,
    Run: Future<Output = ()>,
{
    let url = std::env::var(variable).unwrap_or_else(|_| default.into());
    let Ok(admin) = Pool::<DB>::connect(&url).await else {
        println!("no server at {variable}");
        return;
    };
    let name = format!("lattice_{}", uuid::Uuid::new_v4().simple());
    let run = |sql: String| sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
    sqlx::Executor::execute(&admin, run(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let (place, _) = url.rsplit_once('/').unwrap();
    let pool = Pool::<DB>::connect(&format!("{place}/{name}"))
        .await
        .unwrap();
    bench(pool.clone()).await;
    pool.close().await;
    sqlx::Executor::execute(&admin, run(format!("DROP DATABASE {name}")))
        .await
        .unwrap();
    admin.close().await;
}

#[tokio::main]
async fn main() {
    sqlite().await;
    server(
        "LATTICE_TEST_POSTGRES_URL",
        "postgres://postgres@127.0.0.1:5432/postgres",
        |pool| on_postgres("postgres", pool),
    )
    .await;
    server(
        "LATTICE_TEST_MYSQL_URL",
        "mysql://root@127.0.0.1:3306/mysql",
        |pool| on_mysql("mysql", pool),
    )
    .await;
}
