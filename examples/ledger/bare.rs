//! The same rows through bare sqlx: one task that takes what writers hand it, inserts it in one transaction, looks what is
//! there, commits, and answers.
//!
//! It does what makes sqlx fast. PostgreSQL gets an array of each column, so that there is one statement for any number of
//! rows. The others get rows and keys by powers of two: a text with thousands of placeholders that is new to the server
//! takes it longer to read than the rows take it to write. Each statement is small enough to go out in one piece, because
//! sqlx leaves Nagle's algorithm on.

use std::collections::HashMap;
use std::sync::Arc;

use lattice_lock::billing::Ledger;
use lattice_lock::repository::{Engine, Timestamp};
use lattice_lock::{Database, Result};
use lattice_lock_examples::unusable;
use sqlx::{Connection, QueryBuilder, Row};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::load::Write;

/// The most rows of one transaction: as many as ours.
const BATCH: usize = 512;

type Answer = oneshot::Sender<()>;
type Outcome<T> = std::result::Result<T, sqlx::Error>;
/// The entry's id and hash of each key.
type Kept = HashMap<String, (Uuid, String)>;

struct New {
    id: Uuid,
    operation: Uuid,
    key: String,
    answer: Answer,
}

struct Begin {
    url: String,
    rows: u64,
    ready: oneshot::Sender<()>,
}

pub(crate) struct Bare {
    queue: mpsc::Sender<New>,
    task: tokio::task::JoinHandle<Outcome<()>>,
}

impl Bare {
    /// Begins with as many rows as the ledger has: the larger an index is, the longer it takes to write to it.
    pub(crate) async fn open(database: &Database, url: &str) -> Result<Self> {
        let rows = Ledger::new(database).total().await?.entries;
        let (queue, jobs) = mpsc::channel(4096);
        let (ready, is_ready) = oneshot::channel();
        let begin = Begin {
            url: url.to_owned(),
            rows,
            ready,
        };
        let task = match database.engine() {
            Engine::Postgres => tokio::spawn(postgres(begin, jobs)),
            Engine::Mysql => tokio::spawn(mysql(begin, jobs)),
            _ => tokio::spawn(sqlite(begin, jobs)),
        };
        // Where it does not begin, whoever writes is told.
        let _ = is_ready.await;
        Ok(Self { queue, task })
    }

    pub(crate) fn write(&self) -> Write {
        let queue = self.queue.clone();
        Arc::new(move || {
            let queue = queue.clone();
            Box::pin(async move {
                let (answer, answered) = oneshot::channel();
                let operation = Uuid::now_v7();
                let new = New {
                    id: Uuid::now_v7(),
                    operation,
                    key: format!("{operation}/1/1"),
                    answer,
                };
                let stopped = "the bare loop stopped";
                queue
                    .send(new)
                    .await
                    .map_err(|error| unusable(stopped, &error))?;
                answered.await.map_err(|error| unusable(stopped, &error))
            })
        })
    }

    pub(crate) async fn close(self) -> Result<()> {
        drop(self.queue);
        let ended = self
            .task
            .await
            .map_err(|error| unusable("the bare loop stopped", &error))?;
        ended.map_err(|error| unusable("the bare loop failed", &error))
    }
}

const TABLE: &str = "lattice_bare_entries";

const COLUMNS: &str = "position, entry_id, idempotency_key, payload_hash, kind, operation_id, turn, attempt, charge_key, \
    revision, reason, principal_id, principal_kind, team, project, tags, conversation, provider, requested_model, \
    task_type, service_tier, served_model, provider_request_id, input_tokens, cache_read_tokens, cache_write_5m_tokens, \
    cache_write_1h_tokens, input_audio_tokens, cache_read_audio_tokens, input_image_tokens, output_tokens, reasoning_tokens, output_audio_tokens, \
    web_searches, requests, provider_total, discount, cost_nanos, cost_state, price_version, foreign_amount, effect_nanos, \
    effect_unpriced, outcome, latency_us, occurred_at, recorded_at";

fn hash(position: i64) -> String {
    format!("1:{position:064x}")
}

fn kept<'r, R>(rows: &'r [R]) -> Kept
where
    R: Row,
    usize: sqlx::ColumnIndex<R>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    Uuid: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let parts = |row: &'r R| (row.get(0), (row.get(1), row.get(2)));
    rows.iter().map(parts).collect()
}

/// Inserts a batch whose first row has this position, and looks what is there.
macro_rules! by_rows {
    ($name:ident, $driver:ty, $connection:ty, $most_rows:literal, $or_nothing:literal) => {
        async fn $name(connection: &mut $connection, batch: &[New], first: i64) -> Outcome<Kept> {
            let (now, mut position, mut rest) = (Timestamp::now().as_micros(), first, batch);
            while !rest.is_empty() {
                let (part, behind) = rest.split_at(1 << rest.len().min($most_rows).ilog2());
                rest = behind;
                let mut insert = QueryBuilder::<$driver>::new(format!("INSERT INTO {TABLE} ({COLUMNS}) "));
                insert.push_values(part, |mut row, new| {
                    row.push_bind(position)
                        .push_bind(new.id)
                        .push_bind(&new.key)
                        .push_bind(hash(position))
                        .push_bind("usage")
                        .push_bind(new.operation)
                        .push_bind(1_i64)
                        .push_bind(1_i64)
                        .push_bind(None::<&str>)
                        .push_bind(0_i64)
                        .push_bind(None::<&str>)
                        .push_bind("user-17")
                        .push_bind("external")
                        .push_bind("search")
                        .push_bind("mail")
                        .push_bind(r#"{"cost_center":"4711"}"#)
                        .push_bind(None::<&str>)
                        .push_bind("openai")
                        .push_bind("gpt-5-mini")
                        .push_bind("translation")
                        .push_bind("standard")
                        .push_bind("gpt-5-mini-2025-08-07")
                        .push_bind("req_0123456789abcdef")
                        .push_bind(1200_i64)
                        .push_bind(300_i64)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(250_i64)
                        .push_bind(64_i64)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(1814_i64)
                        .push_bind(0_i64)
                        .push_bind(1_003_000_i64)
                        .push_bind("priced")
                        .push_bind("load@2026-11-01")
                        .push_bind(None::<&str>)
                        .push_bind(1_003_000_i64)
                        .push_bind(0_i64)
                        .push_bind("replied")
                        .push_bind(812_000_i64)
                        .push_bind(now)
                        .push_bind(now);
                    position += 1;
                });
                insert.push($or_nothing);
                insert.build().execute(&mut *connection).await?;
            }
            let mut look = QueryBuilder::<$driver>::new(format!(
                "SELECT idempotency_key, entry_id, payload_hash FROM {TABLE} WHERE idempotency_key IN ("
            ));
            let mut keys = look.separated(", ");
            let last = batch.last().into_iter().cycle();
            for new in batch.iter().chain(last).take(batch.len().next_power_of_two()) {
                keys.push_bind(&new.key);
            }
            look.push(")");
            Ok(kept(&look.build().fetch_all(&mut *connection).await?))
        }
    };
}

by_rows!(
    into_sqlite,
    sqlx::Sqlite,
    sqlx::SqliteConnection,
    256,
    " ON CONFLICT DO NOTHING"
);
by_rows!(
    into_mysql,
    sqlx::MySql,
    sqlx::MySqlConnection,
    64,
    " ON DUPLICATE KEY UPDATE entry_id = entry_id"
);

/// The same with an array of each column.
async fn into_postgres(
    connection: &mut sqlx::PgConnection,
    batch: &[New],
    first: i64,
) -> Outcome<Kept> {
    let now = Timestamp::now().as_micros();
    let arrays: Vec<_> = (1..=47).map(|column| format!("${column}")).collect();
    let arrays = arrays.join(", ");
    let insert = format!(
        "INSERT INTO {TABLE} ({COLUMNS}) SELECT * FROM UNNEST({arrays}) ON CONFLICT DO NOTHING"
    );
    for (part, first) in batch.chunks(20).zip((first..).step_by(20)) {
        let keys: Vec<_> = part.iter().map(|new| new.key.as_str()).collect();
        sqlx::query(sqlx::AssertSqlSafe(insert.as_str()))
            .bind((first..).take(part.len()).collect::<Vec<_>>())
            .bind(part.iter().map(|new| new.id).collect::<Vec<_>>())
            .bind(&keys)
            .bind((first..).take(part.len()).map(hash).collect::<Vec<_>>())
            .bind(vec!["usage"; part.len()])
            .bind(part.iter().map(|new| new.operation).collect::<Vec<_>>())
            .bind(vec![1_i64; part.len()])
            .bind(vec![1_i64; part.len()])
            .bind(vec![None::<&str>; part.len()])
            .bind(vec![0_i64; part.len()])
            .bind(vec![None::<&str>; part.len()])
            .bind(vec!["user-17"; part.len()])
            .bind(vec!["external"; part.len()])
            .bind(vec!["search"; part.len()])
            .bind(vec!["mail"; part.len()])
            .bind(vec![r#"{"cost_center":"4711"}"#; part.len()])
            .bind(vec![None::<&str>; part.len()])
            .bind(vec!["openai"; part.len()])
            .bind(vec!["gpt-5-mini"; part.len()])
            .bind(vec!["translation"; part.len()])
            .bind(vec!["standard"; part.len()])
            .bind(vec!["gpt-5-mini-2025-08-07"; part.len()])
            .bind(vec!["req_0123456789abcdef"; part.len()])
            .bind(vec![1200_i64; part.len()])
            .bind(vec![300_i64; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![250_i64; part.len()])
            .bind(vec![64_i64; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![None::<i64>; part.len()])
            .bind(vec![1814_i64; part.len()])
            .bind(vec![0_i64; part.len()])
            .bind(vec![1_003_000_i64; part.len()])
            .bind(vec!["priced"; part.len()])
            .bind(vec!["load@2026-11-01"; part.len()])
            .bind(vec![None::<&str>; part.len()])
            .bind(vec![1_003_000_i64; part.len()])
            .bind(vec![0_i64; part.len()])
            .bind(vec!["replied"; part.len()])
            .bind(vec![812_000_i64; part.len()])
            .bind(vec![now; part.len()])
            .bind(vec![now; part.len()])
            .execute(&mut *connection)
            .await?;
    }
    let look = format!(
        "SELECT idempotency_key, entry_id, payload_hash FROM {TABLE} WHERE idempotency_key = ANY($1)"
    );
    let mut all = Kept::new();
    for part in batch.chunks(256) {
        let keys: Vec<_> = part.iter().map(|new| new.key.as_str()).collect();
        let look = sqlx::query(sqlx::AssertSqlSafe(look.as_str())).bind(&keys);
        all.extend(kept(&look.fetch_all(&mut *connection).await?));
    }
    Ok(all)
}

/// The loop, written once for three drivers whose types differ.
macro_rules! bare {
    ($name:ident, $connection:ty, $prepare:expr, $alike:literal, $write:path) => {
        async fn $name(begin: Begin, mut jobs: mpsc::Receiver<New>) -> Outcome<()> {
            let mut connection = <$connection>::connect(&begin.url).await?;
            for statement in $prepare {
                sqlx::query(statement).execute(&mut connection).await?;
            }
            sqlx::query("DROP TABLE IF EXISTS lattice_bare_entries")
                .execute(&mut connection)
                .await?;
            for row in sqlx::query($alike).fetch_all(&mut connection).await? {
                let create: String = row.get(0);
                sqlx::query(sqlx::AssertSqlSafe(create))
                    .execute(&mut connection)
                    .await?;
            }
            if begin.rows > 0 {
                sqlx::query("INSERT INTO lattice_bare_entries SELECT * FROM lattice_entries")
                    .execute(&mut connection)
                    .await?;
            }
            let _ = begin.ready.send(());
            let (mut batch, mut next) = (Vec::new(), begin.rows.cast_signed() + 1);
            while jobs.recv_many(&mut batch, BATCH).await > 0 {
                let mut transaction = connection.begin().await?;
                let kept = $write(&mut transaction, &batch, next).await?;
                transaction.commit().await?;
                for new in batch.drain(..) {
                    next += 1;
                    if kept.get(&new.key).is_some_and(|(id, _)| *id == new.id) {
                        let _ = new.answer.send(());
                    }
                }
            }
            sqlx::query("DROP TABLE lattice_bare_entries")
                .execute(&mut connection)
                .await?;
            connection.close().await
        }
    };
}

bare!(
    sqlite,
    sqlx::SqliteConnection,
    [
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA busy_timeout = 10000"
    ],
    "SELECT replace(sql, 'lattice_entries', 'lattice_bare_entries') FROM sqlite_master \
     WHERE tbl_name = 'lattice_entries' AND sql IS NOT NULL ORDER BY type DESC",
    into_sqlite
);
bare!(
    postgres,
    sqlx::PgConnection,
    // Plans are made while the table is new, and kept: without the first they would read all of it.
    [
        "SET enable_seqscan = off",
        "SET plan_cache_mode = force_generic_plan"
    ],
    "SELECT 'CREATE TABLE lattice_bare_entries (LIKE lattice_entries INCLUDING ALL)'",
    into_postgres
);
bare!(
    mysql,
    sqlx::MySqlConnection,
    ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"],
    "SELECT 'CREATE TABLE lattice_bare_entries LIKE lattice_entries'",
    into_mysql
);
