//! The same rows through bare sqlx: one task that takes what writers hand it, inserts it in one transaction, looks what is
//! there, commits, and answers.

use std::sync::Arc;

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

struct New {
    id: Uuid,
    operation: Uuid,
    key: String,
    answer: Answer,
}

pub(crate) struct Bare {
    queue: mpsc::Sender<New>,
    task: tokio::task::JoinHandle<std::result::Result<(), sqlx::Error>>,
}

impl Bare {
    pub(crate) fn open(database: &Database, url: &str) -> Self {
        let (queue, jobs) = mpsc::channel(4096);
        let url = url.to_owned();
        let task = match database.engine() {
            Engine::Postgres => tokio::spawn(postgres(url, jobs)),
            Engine::Mysql => tokio::spawn(mysql(url, jobs)),
            _ => tokio::spawn(sqlite(url, jobs)),
        };
        Self { queue, task }
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

/// The loop, written once for three drivers whose types differ.
macro_rules! bare {
    ($name:ident, $driver:ty, $connection:ty, $prepare:expr, $table:literal, $create:expr, $or_nothing:literal) => {
        async fn $name(
            url: String,
            mut jobs: mpsc::Receiver<New>,
        ) -> std::result::Result<(), sqlx::Error> {
            let mut connection = <$connection>::connect(&url).await?;
            for statement in $prepare {
                sqlx::query(statement).execute(&mut connection).await?;
            }
            let create: String = sqlx::query($table).fetch_one(&mut connection).await?.get(0);
            sqlx::query("DROP TABLE IF EXISTS lattice_bare_entries").execute(&mut connection).await?;
            sqlx::query(sqlx::AssertSqlSafe($create(&create))).execute(&mut connection).await?;
            let (mut batch, mut position) = (Vec::new(), 0_i64);
            while jobs.recv_many(&mut batch, BATCH).await > 0 {
                let mut transaction = connection.begin().await?;
                let now = Timestamp::now().as_micros();
                let mut insert = QueryBuilder::<$driver>::new(format!("INSERT INTO {TABLE} ({COLUMNS}) "));
                insert.push_values(&batch, |mut row, new| {
                    position += 1;
                    row.push_bind(position)
                        .push_bind(new.id)
                        .push_bind(new.key.clone())
                        .push_bind(format!("1:{:064x}", position))
                        .push_bind("usage")
                        .push_bind(new.operation)
                        .push_bind(1_i64)
                        .push_bind(1_i64)
                        .push_bind(None::<String>)
                        .push_bind(0_i64)
                        .push_bind(None::<String>)
                        .push_bind("user-17".to_owned())
                        .push_bind("external")
                        .push_bind(Some("search".to_owned()))
                        .push_bind(Some("mail".to_owned()))
                        .push_bind(Some(r#"{"cost_center":"4711"}"#.to_owned()))
                        .push_bind(None::<String>)
                        .push_bind("openai".to_owned())
                        .push_bind("gpt-5-mini".to_owned())
                        .push_bind(Some("translation".to_owned()))
                        .push_bind("standard")
                        .push_bind(Some("gpt-5-mini-2025-08-07".to_owned()))
                        .push_bind(Some("req_0123456789abcdef".to_owned()))
                        .push_bind(Some(1200_i64))
                        .push_bind(Some(300_i64))
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(Some(250_i64))
                        .push_bind(Some(64_i64))
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(None::<i64>)
                        .push_bind(Some(1814_i64))
                        .push_bind(0_i64)
                        .push_bind(Some(1_003_000_i64))
                        .push_bind("priced")
                        .push_bind(Some("load@2026-11-01".to_owned()))
                        .push_bind(None::<String>)
                        .push_bind(1_003_000_i64)
                        .push_bind(0_i64)
                        .push_bind("replied")
                        .push_bind(Some(812_000_i64))
                        .push_bind(now)
                        .push_bind(now);
                });
                insert.push($or_nothing);
                insert.build().execute(&mut *transaction).await?;
                let mut look = QueryBuilder::<$driver>::new(format!(
                    "SELECT idempotency_key, entry_id, payload_hash FROM {TABLE} WHERE idempotency_key IN ("
                ));
                let mut keys = look.separated(", ");
                for new in &batch {
                    keys.push_bind(new.key.clone());
                }
                look.push(")");
                let rows = look.build().fetch_all(&mut *transaction).await?;
                let kept: std::collections::HashMap<String, (Uuid, String)> = rows
                    .iter()
                    .map(|row| (row.get(0), (row.get(1), row.get(2))))
                    .collect();
                transaction.commit().await?;
                for new in batch.drain(..) {
                    if kept.get(&new.key).is_some_and(|(id, _)| *id == new.id) {
                        let _ = new.answer.send(());
                    }
                }
            }
            sqlx::query("DROP TABLE lattice_bare_entries").execute(&mut connection).await?;
            connection.close().await
        }
    };
}

bare!(
    sqlite,
    sqlx::Sqlite,
    sqlx::SqliteConnection,
    [
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA busy_timeout = 10000"
    ],
    "SELECT sql FROM sqlite_master WHERE name = 'lattice_entries'",
    |create: &str| create.replacen("lattice_entries", TABLE, 1),
    " ON CONFLICT DO NOTHING"
);
bare!(
    postgres,
    sqlx::Postgres,
    sqlx::PgConnection,
    [] as [&'static str; 0],
    "SELECT 'x'",
    |_: &str| format!("CREATE TABLE {TABLE} (LIKE lattice_entries INCLUDING ALL)"),
    " ON CONFLICT DO NOTHING"
);
bare!(
    mysql,
    sqlx::MySql,
    sqlx::MySqlConnection,
    ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"],
    "SELECT 'x'",
    |_: &str| format!("CREATE TABLE {TABLE} LIKE lattice_entries"),
    " ON DUPLICATE KEY UPDATE entry_id = entry_id"
);
