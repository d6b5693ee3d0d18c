use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::PrincipalKind;
use lattice_lock_providers::ServiceTier;
use lattice_lock_repository::{Scope, Timestamp};
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, Select,
};
use uuid::Uuid;

use super::common::{KINDS, tiers};
use super::head::Head;
use super::statement::{Cell, OrOurs, Sql};
use super::{Tables, entry_table, intent_table};
use crate::codes::LEDGER_CORRUPT;
use crate::ledger::store::{Caller, Expired};
use crate::ledger::{Archive, LedgerTotal, Period};
use crate::{Entry, Intent, MoneySum, OperationId, Position};

type Column = entry_table::Column;

/// Nano-USD in a dollar.
const DOLLAR: i128 = 1_000_000_000;

impl Tables {
    async fn entries(&self, select: Select<entry_table::Entity>) -> Result<Vec<Entry>> {
        let mut scope = self.database.reader()?;
        let rows = select.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().map(Entry::try_from).collect()
    }

    pub(in crate::ledger) async fn of_operation(
        &self,
        operation: OperationId,
    ) -> Result<Vec<Entry>> {
        let select = entry_table::Entity::find()
            .filter(Column::OperationId.eq(*operation.as_uuid()))
            .order_by_asc(Column::Turn)
            .order_by_asc(Column::Attempt)
            .order_by_asc(Column::Revision);
        self.entries(select).await
    }

    pub(in crate::ledger) async fn list(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        self.entries(page(after, limit)).await
    }

    pub(in crate::ledger) async fn within(
        &self,
        period: Period,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let page = page(after, limit).filter(within(period));
        self.entries(page).await
    }

    pub(in crate::ledger) async fn total(&self) -> Result<LedgerTotal> {
        let mut scope = self.database.reader()?;
        let backend = scope.connection()?.get_database_backend();
        let sql = format!(
            "{} UNION ALL SELECT entries, unpriced, dollars, nanos FROM lattice_archives",
            sums(backend)
        );
        let rows = Sql::new(backend, &sql).rows(&mut scope).await?;
        let mut total = LedgerTotal::default();
        for row in &rows {
            total = total.plus(sum(row)?);
        }
        Ok(total)
    }

    pub(in crate::ledger) async fn open_intents(&self) -> Result<Vec<Intent>> {
        let mut scope = self.database.reader()?;
        let select = intent_table::Entity::find()
            .filter(known())
            .order_by_asc(intent_table::Column::OpenedAt);
        let rows = select.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().map(Intent::try_from).collect()
    }

    pub(in crate::ledger) async fn expired(
        &self,
        caller: &Caller,
        limit: usize,
    ) -> Result<Expired> {
        let now = self.now(caller).await?;
        let mut scope = self.database.reader()?;
        let mut intents = expired_intents(&mut scope, caller, now, None).await?;
        intents.truncate(limit);
        let foreign = expired(caller, now).filter(known().not());
        let foreign = foreign.count(scope.connection()?).await.or_ours()?;
        Ok(Expired { intents, foreign })
    }

    /// The time by the clock that all processes share.
    async fn now(&self, caller: &Caller) -> Result<Timestamp> {
        if caller.clock.is_some() {
            return Ok(caller.now());
        }
        self.write(|scope| Box::pin(async move { Ok(Head::lock(scope).await?.now) }))
            .await
    }

    pub(in crate::ledger) async fn head(&self) -> Result<Position> {
        self.write(|scope| Box::pin(async move { Ok(Head::lock(scope).await?.position) }))
            .await
    }

    pub(in crate::ledger) async fn archives(&self) -> Result<Vec<Archive>> {
        archives(&mut self.database.reader()?).await
    }
}

async fn archives(scope: &mut Scope<'_>) -> Result<Vec<Archive>> {
    let backend = scope.connection()?.get_database_backend();
    let sql = "SELECT archive_id, period_from, period_to, up_to, entries, unpriced, dollars, \
         nanos, sha256 FROM lattice_archives ORDER BY archive_id";
    let rows = Sql::new(backend, sql).rows(scope).await?;
    rows.iter().map(archive_of).collect()
}

fn page(after: Position, limit: usize) -> Select<entry_table::Entity> {
    entry_table::Entity::find()
        .filter(Column::Position.gt(after.get()))
        .order_by_asc(Column::Position)
        .limit(limit as u64)
}

fn within(period: Period) -> Cond {
    Cond::all()
        .add(Column::OccurredAt.gte(period.from.as_micros()))
        .add(Column::OccurredAt.lt(period.to.as_micros()))
}

/// Intents that this version can read. Those of a newer one are left to it, and keep nobody from the others.
fn known() -> Cond {
    let tiers = tiers().map(ServiceTier::as_str);
    Cond::all()
        .add(intent_table::Column::ServiceTier.is_in(tiers))
        .add(intent_table::Column::PrincipalKind.is_in(KINDS.map(PrincipalKind::as_str)))
}

/// Open intents of nobody, and those of others whose leases are over or were never taken.
fn expired(caller: &Caller, now: Timestamp) -> Select<intent_table::Entity> {
    let alive = Query::select()
        .column("instance_id")
        .from("lattice_instances")
        .and_where(Expr::col("lease_until").gte(now.as_micros()))
        .to_owned();
    let own = *caller.instance.as_uuid();
    let of_the_dead = Cond::all()
        .add(intent_table::Column::InstanceId.ne(own))
        .add(intent_table::Column::InstanceId.not_in_subquery(alive));
    let nobodys = intent_table::Column::InstanceId.is_null();
    intent_table::Entity::find()
        .filter(intent_table::Column::Held.eq(0_i64))
        .filter(Cond::any().add(nobodys).add(of_the_dead))
}

/// Those that are expired and [`known`], of these keys if there are any.
pub(super) async fn expired_intents(
    scope: &mut Scope<'_>,
    caller: &Caller,
    now: Timestamp,
    keys: Option<Vec<String>>,
) -> Result<Vec<Intent>> {
    let mut select = expired(caller, now)
        .filter(known())
        .order_by_asc(intent_table::Column::OpenedAt)
        .limit(MOST_EXPIRED);
    if let Some(keys) = keys {
        select = select.filter(intent_table::Column::AttemptKey.is_in(keys));
    }
    let rows = select.all(scope.connection()?).await.or_ours()?;
    rows.into_iter().map(Intent::try_from).collect()
}

/// The most expired intents that are looked at together.
const MOST_EXPIRED: u64 = 512;

/// Sums dollars and the nano-USD beyond them apart: where a sum of nano-USD leaves 64 bits, one engine fails, one
/// changes its type, and one silently returns the largest number.
fn sums(backend: DbBackend) -> String {
    let (integer, divided) = match backend {
        DbBackend::MySql => ("SIGNED", "DIV"),
        _ => ("BIGINT", "/"),
    };
    format!(
        "SELECT COUNT(*) AS entries, \
         CAST(COALESCE(SUM(effect_unpriced), 0) AS {integer}) AS unpriced, \
         CAST(COALESCE(SUM(effect_nanos {divided} 1000000000), 0) AS {integer}) AS dollars, \
         CAST(COALESCE(SUM(effect_nanos % 1000000000), 0) AS {integer}) AS nanos \
         FROM lattice_entries"
    )
}

fn sum(row: &QueryResult) -> Result<LedgerTotal> {
    let number = |column: &str| row.try_get::<i64>("", column).or_ours();
    let nanos = i128::from(number("dollars")?) * DOLLAR + i128::from(number("nanos")?);
    Ok(LedgerTotal {
        entries: number("entries")?.unsigned_abs(),
        unpriced: number("unpriced")?,
        total_usd: MoneySum::from_nanos(nanos),
    })
}

/// Removes what was exported, and keeps its sums and keys.
pub(super) async fn archive(scope: &mut Scope<'_>, archive: &Archive) -> Result<()> {
    let head = Head::lock(scope).await?;
    let backend = head.backend;
    // It was committed, and whoever asked for it did not hear of that.
    if archives(scope).await?.contains(archive) {
        return Ok(());
    }
    let leaving = |sql: Sql| {
        sql.text(" WHERE occurred_at >= ")
            .bind(archive.period.from.as_micros())
            .text(" AND occurred_at < ")
            .bind(archive.period.to.as_micros())
            .text(" AND position <= ")
            .bind(archive.up_to.get())
    };
    let rows = leaving(Sql::new(backend, &sums(backend)))
        .rows(scope)
        .await?;
    let row = rows.first();
    let row = row.ok_or_else(|| Error::new(LEDGER_CORRUPT, "a sum returned no row"))?;
    let open = Sql::new(
        backend,
        "SELECT attempt_key FROM lattice_intents WHERE opened_at < ",
    );
    let open = open.bind(archive.period.to.as_micros()).text(" LIMIT 1");
    let is_open = !open.rows(scope).await?.is_empty();
    let is_torn = is_torn(scope, backend, archive).await?;
    archive.require_same(sum(row)?, is_open || is_torn)?;
    leaving(Sql::new(
        backend,
        "INSERT INTO lattice_archived_keys (idempotency_key, payload_hash) \
         SELECT idempotency_key, payload_hash FROM lattice_entries",
    ))
    .run(scope)
    .await?;
    leaving(Sql::new(backend, "DELETE FROM lattice_entries"))
        .run(scope)
        .await?;
    let columns = [
        "archive_id",
        "period_from",
        "period_to",
        "up_to",
        "entries",
        "unpriced",
        "dollars",
        "nanos",
        "sha256",
    ];
    Sql::insert(
        backend,
        "lattice_archives",
        &columns,
        std::iter::once(archive_row(archive)?),
    )
    .run(scope)
    .await?;
    Sql::new(
        backend,
        "UPDATE lattice_ledger SET archives = archives + 1 WHERE id = 1",
    )
    .run(scope)
    .await
    .map(drop)
}

/// Whether a correction would stay without what it corrects. Revisions have no gaps, so that the next one of each tells; it
/// is found by a unique key, because all writers wait meanwhile.
async fn is_torn(scope: &mut Scope<'_>, backend: DbBackend, archive: &Archive) -> Result<bool> {
    let (from, to) = (
        archive.period.from.as_micros(),
        archive.period.to.as_micros(),
    );
    let up_to = archive.up_to.get();
    for next in [
        "later.operation_id = base.operation_id AND later.turn = base.turn \
         AND later.attempt = base.attempt AND later.revision = base.revision + 1",
        // As `Subject::key` makes it.
        "later.idempotency_key = CONCAT('charge#', base.revision + 1, ':', base.charge_key) \
         AND base.charge_key IS NOT NULL",
    ] {
        let sql = format!(
            "SELECT later.position FROM lattice_entries base JOIN lattice_entries later ON {next} \
             WHERE base.occurred_at >= "
        );
        let torn = Sql::new(backend, &sql)
            .bind(from)
            .text(" AND base.occurred_at < ")
            .bind(to)
            .text(" AND base.position <= ")
            .bind(up_to)
            .text(" AND (later.position > ")
            .bind(up_to)
            .text(" OR later.occurred_at < ")
            .bind(from)
            .text(" OR later.occurred_at >= ")
            .bind(to)
            .text(") LIMIT 1");
        if !torn.rows(scope).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn archive_row(archive: &Archive) -> Result<[Cell<'_>; 9]> {
    let total = archive.total;
    let beyond = |_| {
        Error::new(
            crate::codes::OUT_OF_RANGE,
            "the archive's sums are out of range",
        )
    };
    let dollars = i64::try_from(total.total_usd.nanos() / DOLLAR).map_err(beyond)?;
    let nanos = i64::try_from(total.total_usd.nanos() % DOLLAR).map_err(beyond)?;
    Ok([
        archive.id.into(),
        archive.period.from.as_micros().into(),
        archive.period.to.as_micros().into(),
        archive.up_to.get().into(),
        i64::try_from(total.entries).unwrap_or(i64::MAX).into(),
        total.unpriced.into(),
        dollars.into(),
        nanos.into(),
        archive.sha256.as_str().into(),
    ])
}

fn archive_of(row: &QueryResult) -> Result<Archive> {
    let number = |column: &str| row.try_get::<i64>("", column).or_ours();
    let moment = |column: &str| number(column).map(Timestamp::from_micros);
    Ok(Archive {
        id: row.try_get::<Uuid>("", "archive_id").or_ours()?,
        period: Period::new(moment("period_from")?, moment("period_to")?),
        up_to: Position::new(number("up_to")?),
        total: sum(row)?,
        sha256: row.try_get("", "sha256").or_ours()?,
    })
}
