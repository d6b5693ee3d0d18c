use lattice_lock_errors::Result;
use sea_orm::sea_query::{Expr, ExprTrait, InsertStatement, Query};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use super::step::Step;
use crate::database::error::OrDatabaseError;
use crate::{Engine, Scope, Timestamp};

/// Where it is written which migrations were applied.
const TABLE: &str = "lattice_migrations";

/// An applied step, as it is written down.
pub(super) struct Applied {
    pub(super) set: String,
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) checksum: String,
    pub(super) oldest_reader: i64,
    pub(super) at: Timestamp,
}

impl Applied {
    pub(super) fn is(&self, step: &Step) -> bool {
        self.set == step.set && self.version == i64::from(step.version)
    }
}

pub(super) fn create() -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {TABLE} (set_name VARCHAR(64) NOT NULL, version BIGINT NOT NULL, \
         name VARCHAR(128) NOT NULL, checksum VARCHAR(64) NOT NULL, oldest_reader BIGINT NOT NULL, \
         applied_at BIGINT NOT NULL, PRIMARY KEY (set_name, version))"
    )
}

/// Whether there is a history. The catalogue is asked: a query that is refused may be so for other reasons.
pub(super) async fn exists(scope: &mut Scope<'_>) -> Result<bool> {
    let from = match scope.engine() {
        Engine::Postgres => format!("pg_catalog.pg_class WHERE oid = to_regclass('{TABLE}')"),
        Engine::Mysql => format!(
            "information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{TABLE}'"
        ),
        Engine::Memory | Engine::Sqlite => {
            format!("sqlite_master WHERE type = 'table' AND name = '{TABLE}'")
        }
    };
    let rows = query(scope, format!("SELECT COUNT(*) AS n FROM {from}")).await?;
    let count = rows.first().map(|row| row.try_get::<i64>("", "n"));
    Ok(count.transpose().or_database_error()?.unwrap_or_default() > 0)
}

/// All applied steps, the first one first.
pub(super) async fn read(scope: &mut Scope<'_>) -> Result<Vec<Applied>> {
    let sql = format!(
        "SELECT set_name, version, name, checksum, oldest_reader, applied_at FROM {TABLE} \
         ORDER BY set_name, version"
    );
    let rows = query(scope, sql).await?;
    rows.iter()
        .map(|row| applied(row).or_database_error())
        .collect()
}

/// Set and version of each applied step.
pub(crate) async fn applied_versions(scope: &mut Scope<'_>) -> Result<Vec<(String, u32)>> {
    if !exists(scope).await? {
        return Ok(Vec::new());
    }
    let applied = read(scope).await?.into_iter();
    Ok(applied
        .map(|row| (row.set, u32::try_from(row.version).unwrap_or(u32::MAX)))
        .collect())
}

fn applied(row: &QueryResult) -> std::result::Result<Applied, sea_orm::DbErr> {
    Ok(Applied {
        set: row.try_get("", "set_name")?,
        version: row.try_get("", "version")?,
        name: row.try_get("", "name")?,
        checksum: row.try_get("", "checksum")?,
        oldest_reader: row.try_get("", "oldest_reader")?,
        at: Timestamp::from_micros(row.try_get("", "applied_at")?),
    })
}

async fn query(scope: &mut Scope<'_>, sql: String) -> Result<Vec<QueryResult>> {
    let connection = scope.connection()?;
    let query = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(query).await.or_database_error()
}

pub(super) async fn execute(scope: &mut Scope<'_>, sql: &str) -> Result<()> {
    let done = scope.connection()?.execute_unprepared(sql).await;
    done.map(drop).or_database_error()
}

fn row(set: &str, version: u32, name: &str, checksum: &str, oldest_reader: u32) -> InsertStatement {
    let mut insert = Query::insert();
    insert
        .into_table(TABLE)
        .columns([
            "set_name",
            "version",
            "name",
            "checksum",
            "oldest_reader",
            "applied_at",
        ])
        .values_panic([
            set.into(),
            i64::from(version).into(),
            name.into(),
            checksum.into(),
            i64::from(oldest_reader).into(),
            Timestamp::now().as_micros().into(),
        ]);
    insert
}

fn insertion(step: &Step) -> InsertStatement {
    let Step {
        set,
        name,
        checksum,
        ..
    } = step;
    row(set, step.version, name, checksum, step.oldest_reader)
}

/// What writes a step down, as a text for somebody who applies it by hand.
pub(super) fn insertion_sql(step: &Step, backend: DbBackend) -> String {
    let insert = insertion(step);
    match backend {
        DbBackend::MySql => insert.to_string(sea_orm::sea_query::MysqlQueryBuilder),
        DbBackend::Sqlite => insert.to_string(sea_orm::sea_query::SqliteQueryBuilder),
        _ => insert.to_string(sea_orm::sea_query::PostgresQueryBuilder),
    }
}

pub(super) async fn write(scope: &mut Scope<'_>, step: &Step) -> Result<()> {
    let done = scope.connection()?.execute(&insertion(step)).await;
    done.map(drop).or_database_error()
}

pub(super) async fn remove(scope: &mut Scope<'_>, step: &Step) -> Result<()> {
    let mut delete = Query::delete();
    delete
        .from_table(TABLE)
        .and_where(Expr::col("set_name").eq(step.set))
        .and_where(Expr::col("version").eq(i64::from(step.version)));
    let done = scope.connection()?.execute(&delete).await;
    done.map(drop).or_database_error()
}

/// Writes a row that is nobody's, for somebody who undoes it.
pub(crate) async fn write_probe(scope: &mut Scope<'_>) -> Result<()> {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let insert = row("health probe", 1, "", &unique, 1);
    let done = scope.connection()?.execute(&insert).await;
    done.map(drop).or_database_error()
}
