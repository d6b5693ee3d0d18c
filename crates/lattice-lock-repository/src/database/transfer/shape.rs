use lattice_lock_errors::{Error, Result};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::cell::{Cell, Kind};
use super::{PAGE, check::Check};
use crate::codes::TRANSFER_REFUSED;
use crate::database::error::OrDatabaseError;
use crate::{Engine, Scope};

/// A table: its columns in order, and which of them are its key.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) columns: Vec<(String, Kind)>,
    key: Vec<usize>,
}

/// All tables of ours but the history, by name.
pub(super) async fn shapes(scope: &mut Scope<'_>) -> Result<Vec<Shape>> {
    let sql = match scope.engine() {
        Engine::Postgres => {
            "SELECT c.table_name::text AS t, c.column_name::text AS c, c.data_type::text AS d, \
             COUNT(k.column_name) AS k FROM information_schema.columns c \
             LEFT JOIN (information_schema.key_column_usage k JOIN information_schema.table_constraints p \
             ON p.constraint_name = k.constraint_name AND p.table_schema = k.table_schema \
             AND p.table_name = k.table_name AND p.constraint_type = 'PRIMARY KEY') \
             ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name \
             WHERE c.table_schema = current_schema() AND c.table_name LIKE 'lattice\\_%' \
             GROUP BY c.table_name, c.column_name, c.data_type, c.ordinal_position \
             ORDER BY c.table_name, c.ordinal_position"
        }
        Engine::Mysql => {
            "SELECT CAST(table_name AS CHAR) AS t, CAST(column_name AS CHAR) AS c, \
             CAST(data_type AS CHAR) AS d, CAST(column_key = 'PRI' AS SIGNED) AS k \
             FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name LIKE 'lattice\\_%' ORDER BY table_name, ordinal_position"
        }
        Engine::Memory | Engine::Sqlite => {
            "SELECT m.name AS t, i.name AS c, i.type AS d, i.pk AS k FROM sqlite_master m \
             JOIN pragma_table_info(m.name) i WHERE m.type = 'table' AND m.name LIKE 'lattice\\_%' ESCAPE '\\' \
             ORDER BY m.name, i.cid"
        }
    };
    let mut shapes: Vec<Shape> = Vec::new();
    for row in query(scope, sql, Vec::new()).await? {
        let text = |column: &str| row.try_get::<String>("", column).or_database_error();
        let (table, column, kind) = (text("t")?, text("c")?, text("d")?);
        let is_key = row.try_get::<i64>("", "k").or_database_error()? > 0;
        let kind = kind_of(&kind).ok_or_else(|| {
            let error = Error::new(TRANSFER_REFUSED, "a column of no known type");
            error.with("table", &table).with("column", &column)
        })?;
        if shapes.last().is_none_or(|shape| shape.name != table) {
            shapes.push(Shape {
                name: table,
                columns: Vec::new(),
                key: Vec::new(),
            });
        }
        if let Some(shape) = shapes.last_mut() {
            if is_key {
                shape.key.push(shape.columns.len());
            }
            shape.columns.push((column, kind));
        }
    }
    shapes.retain(|shape| shape.name != "lattice_migrations");
    match shapes.iter().find(|shape| shape.key.is_empty()) {
        None => Ok(shapes),
        Some(shape) => {
            Err(Error::new(TRANSFER_REFUSED, "a table without a key").with("table", &shape.name))
        }
    }
}

/// Removes every row.
#[cfg(feature = "contract")]
pub(crate) async fn empty(scope: &mut Scope<'_>) -> Result<()> {
    for shape in shapes(scope).await? {
        let sql = format!("DELETE FROM {}", quoted(scope.engine(), &shape.name));
        let done = scope.connection()?.execute_unprepared(&sql).await;
        done.or_database_error()?;
    }
    Ok(())
}

fn kind_of(name: &str) -> Option<Kind> {
    let name = name.to_ascii_lowercase();
    match name.split('(').next()?.trim() {
        "integer" | "bigint" | "int" | "smallint" => Some(Kind::Integer),
        "text" | "varchar" | "character varying" | "longtext" | "mediumtext" => Some(Kind::Text),
        "uuid" => Some(Kind::Uuid),
        "blob" | "binary" | "varbinary" | "bytea" | "longblob" => Some(Kind::Bytes),
        _ => None,
    }
}

async fn query(scope: &mut Scope<'_>, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
    let connection = scope.connection()?;
    let backend = connection.get_database_backend();
    let query = Statement::from_sql_and_values(backend, sql, values);
    connection.query_all_raw(query).await.or_database_error()
}

impl Shape {
    pub(super) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A page of rows, those after this one, in the order of the key.
    pub(super) async fn page(
        &self,
        scope: &mut Scope<'_>,
        after: Option<&[Cell]>,
    ) -> Result<Vec<Vec<Cell>>> {
        let engine = scope.engine();
        let values = after.map(|row| self.key_of(row)).transpose()?;
        let sql = self.select(engine, values.as_ref().map_or(0, Vec::len));
        let rows = query(scope, &sql, values.unwrap_or_default()).await?;
        rows.iter().map(|row| self.read(row)).collect()
    }

    /// What the rows of the table add up to.
    pub(super) async fn check(&self, scope: &mut Scope<'_>) -> Result<Check> {
        let (mut check, mut last) = (Check::default(), None::<Vec<Cell>>);
        loop {
            let mut page = self.page(scope, last.as_deref()).await?;
            for row in &page {
                check.add(row);
            }
            last = page.pop();
            if page.len() + 1 < PAGE {
                return Ok(check);
            }
        }
    }

    fn read(&self, row: &QueryResult) -> Result<Vec<Cell>> {
        let kinds = self.columns.iter().map(|(_, kind)| *kind).enumerate();
        kinds
            .map(|(at, kind)| Cell::read(row, at, kind).or_database_error())
            .collect()
    }

    fn key_of(&self, row: &[Cell]) -> Result<Vec<Value>> {
        let key = self.key.iter().map(|at| {
            let (name, kind) = &self.columns[*at];
            let value = row.get(*at).cloned().and_then(|cell| cell.value(*kind));
            value.ok_or_else(|| misfit(&self.name, name))
        });
        key.collect()
    }

    fn select(&self, engine: Engine, bound: usize) -> String {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|(name, kind)| match (kind, engine) {
                (Kind::Integer, Engine::Postgres) => {
                    format!("CAST({} AS BIGINT)", quoted(engine, name))
                }
                (Kind::Integer, Engine::Mysql) => {
                    format!("CAST({} AS SIGNED)", quoted(engine, name))
                }
                _ => quoted(engine, name),
            })
            .collect();
        let key: Vec<_> = self
            .key
            .iter()
            .map(|at| quoted(engine, &self.columns[*at].0))
            .collect();
        let key = key.join(", ");
        let after = match (bound, engine) {
            (0, _) => String::new(),
            (_, Engine::Postgres) => {
                let places: Vec<_> = (1..=bound).map(|place| format!("${place}")).collect();
                format!("WHERE ({key}) > ({})", places.join(", "))
            }
            _ => format!("WHERE ({key}) > ({})", vec!["?"; bound].join(", ")),
        };
        let (columns, table) = (columns.join(", "), quoted(engine, &self.name));
        format!("SELECT {columns} FROM {table} {after} ORDER BY {key} LIMIT {PAGE}")
    }
}

fn quoted(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Mysql => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

pub(super) fn misfit(table: &str, column: &str) -> Error {
    Error::new(TRANSFER_REFUSED, "a value does not fit its column")
        .with("table", table)
        .with("column", column)
}
