use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::{Scope, Timestamp};
use sea_orm::{ConnectionTrait, DbBackend};

use super::statement::{OrOurs, Sql};
use crate::codes::LEDGER_CORRUPT;
use crate::{InstanceId, Position};

/// What a writer knows once it is the only one: whoever writes to the ledger locks the one row that says this. So
/// positions follow the order of commits, and what was looked up stays true until the commit.
pub(super) struct Head {
    pub(super) backend: DbBackend,
    pub(super) position: Position,
    /// Whether there are archived keys to look at.
    pub(super) has_archives: bool,
    /// By the clock that all processes share, once the lock was had: a lease that begins while it is waited for would be
    /// over too soon.
    pub(super) now: Timestamp,
    /// Whether the settings of this very connection say that what is committed is kept.
    pub(super) is_durable: bool,
    /// Whether they say that unique keys are unique: `unique_checks` lets `InnoDB` believe it.
    pub(super) checks_keys: bool,
}

impl Head {
    pub(super) async fn lock(scope: &mut Scope<'_>) -> Result<Self> {
        if let Some(head) = Self::read(scope).await? {
            return Ok(head);
        }
        let backend = scope.connection()?.get_database_backend();
        let begin = "INSERT INTO lattice_ledger (id, position, archives) \
             SELECT 1, COALESCE(MAX(position), 0), (SELECT COUNT(*) FROM lattice_archives) \
             FROM lattice_entries WHERE 1 = 1";
        Sql::new(backend, begin)
            .or_nothing("lattice_ledger.id")
            .run(scope)
            .await?;
        let head = Self::read(scope).await?;
        head.ok_or_else(|| Error::new(LEDGER_CORRUPT, "the ledger's row vanished"))
    }

    async fn read(scope: &mut Scope<'_>) -> Result<Option<Self>> {
        let backend = scope.connection()?.get_database_backend();
        let rows = Sql::new(backend, query(backend)).rows(scope).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let number = |column: &str| row.try_get::<i64>("", column).or_ours();
        Ok(Some(Self {
            backend,
            position: Position::new(number("position")?),
            has_archives: number("archives")? > 0,
            now: Timestamp::from_micros(number("now_us")?),
            is_durable: number("durable")? == 1,
            checks_keys: number("checks_keys")? == 1,
        }))
    }

    /// Moves on to this position.
    pub(super) fn advance(&self, to: Position) -> Option<Sql> {
        let advance = Sql::new(self.backend, "UPDATE lattice_ledger SET position = ")
            .bind(to.get())
            .text(" WHERE id = 1");
        (to != self.position).then_some(advance)
    }

    /// Says that an instance is alive until then.
    pub(super) async fn renew(
        &self,
        scope: &mut Scope<'_>,
        instance: InstanceId,
        until: Timestamp,
    ) -> Result<()> {
        let sql = Sql::new(
            self.backend,
            "INSERT INTO lattice_instances (instance_id, lease_until) VALUES ",
        )
        .list([(*instance.as_uuid()).into(), until.as_micros().into()]);
        let sql = match self.backend {
            DbBackend::MySql => {
                sql.text(" ON DUPLICATE KEY UPDATE lease_until = VALUES(lease_until)")
            }
            _ => sql.text(
                " ON CONFLICT (instance_id) DO UPDATE SET lease_until = excluded.lease_until",
            ),
        };
        sql.run(scope).await.map(drop)
    }
}

/// `SQLite`'s transactions lock the whole file; in memory, or without a journal on the disk, it keeps nothing. A value of 3
/// lets MariaDB flush as often as 1 does, and only it does so where a binary log that is not synced decides what was
/// committed.
///
/// `PostgreSQL` would read its clock before it waits for the lock, were both in one select. It makes its plans while the
/// tables are new, and keeps them: without being told, it would read the whole table for each batch until somebody counts
/// the rows. Of MariaDB's clocks only `SYSDATE` moves on within a statement; connections keep UTC, so that no hour comes
/// twice.
fn query(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "WITH head AS MATERIALIZED \
             (SELECT position, archives FROM lattice_ledger WHERE id = 1 FOR UPDATE) \
             SELECT position, archives, \
             CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now_us, \
             CAST(CASE WHEN current_setting('synchronous_commit') <> 'off' \
             AND current_setting('fsync') = 'on' THEN 1 ELSE 0 END AS BIGINT) AS durable, \
             CAST(1 AS BIGINT) AS checks_keys, \
             set_config('enable_seqscan', 'off', true) AS seqscan \
             FROM head"
        }
        DbBackend::MySql => {
            "SELECT position, archives, \
             CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED) AS now_us, \
             CAST(@@innodb_flush_log_at_trx_commit IN (1, 3) AND (@@log_bin = 0 OR @@sync_binlog = 1 \
             OR @@innodb_flush_log_at_trx_commit = 3) AS SIGNED) AS durable, \
             CAST(@@unique_checks AS SIGNED) AS checks_keys \
             FROM lattice_ledger WHERE id = 1 FOR UPDATE"
        }
        _ => {
            "SELECT position, archives, \
             CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now_us, \
             (SELECT CASE WHEN synchronous >= 2 \
             AND (SELECT journal_mode FROM pragma_journal_mode) NOT IN ('off', 'memory') \
             AND (SELECT file FROM pragma_database_list WHERE name = 'main') <> '' \
             THEN 1 ELSE 0 END FROM pragma_synchronous) AS durable, \
             1 AS checks_keys \
             FROM lattice_ledger WHERE id = 1"
        }
    }
}
