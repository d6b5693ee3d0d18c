use std::io::BufRead;

use lattice_lock_errors::{Error, Result};
use lattice_lock_runtime::RetryPolicy;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, Query};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::cell::Cell;
use super::check::Check;
use super::export::{Exported, interrupted};
use super::shape::{Shape, misfit, shapes};
use super::{FORMAT, Head, Line, PAGE};
use crate::codes::{NO_TABLES, TRANSFER_REFUSED};
use crate::database::error::OrDatabaseError;
use crate::database::migration::applied_versions;
use crate::{Database, Engine, Scope, TransactionOptions};

impl Database {
    /// Reads what [`export`](Self::export) wrote, from whatever engine, into empty tables at the same migrations: in one
    /// transaction, after which each table is read back and compared with its count and check.
    ///
    /// # Errors
    ///
    /// [`TRANSFER_REFUSED`] when the lines are not whole, the tables not empty or at other migrations, or what was
    /// read back is not what was written; nothing changes then.
    /// [`TRANSFER_INTERRUPTED`](crate::codes::TRANSFER_INTERRUPTED) when the input fails.
    pub async fn import(&self, input: impl BufRead + Send) -> Result<Exported> {
        if self.engine() == Engine::Memory {
            return Err(Error::new(NO_TABLES, "the database is in memory"));
        }
        let input = Mutex::new(input);
        let once = TransactionOptions::default().retry(RetryPolicy::never());
        let work = self.transaction_with(once, |scope| {
            Box::pin(async {
                let mut input = input.lock().await;
                import(scope, &mut *input).await
            })
        });
        work.await
    }
}

fn refused(fault: &'static str) -> Error {
    Error::new(TRANSFER_REFUSED, "not imported").with("fault", fault)
}

async fn import(scope: &mut Scope<'_>, input: &mut (impl BufRead + Send)) -> Result<Exported> {
    let head: Head = read(input)?;
    if head.format != FORMAT {
        return Err(refused("the format is another one"));
    }
    if head.migrations != applied_versions(scope).await? {
        return Err(refused("the tables are at other migrations"));
    }
    let (shapes, mut imported) = (shapes(scope).await?, Exported::default());
    loop {
        match read(input)? {
            Line::Table { name, columns } => {
                let shape = shapes.iter().find(|shape| shape.name == name);
                let shape = shape
                    .filter(|shape| shape.names() == columns)
                    .ok_or_else(|| refused("a table is missing or looks otherwise"))?;
                imported.rows += table(scope, shape, input).await?;
                imported.tables += 1;
            }
            Line::End { tables } if tables == imported.tables && tables == shapes.len() as u64 => {
                return Ok(imported);
            }
            Line::End { .. } => return Err(refused("a table is missing")),
            Line::Row(_) | Line::TableEnd { .. } => return Err(refused("a row without its table")),
        }
    }
}

async fn table(
    scope: &mut Scope<'_>,
    shape: &Shape,
    input: &mut (impl BufRead + Send),
) -> Result<u64> {
    if shape.check(scope).await?.rows > 0 {
        return Err(refused("the tables are not empty"));
    }
    let (mut check, mut rows) = (Check::default(), Vec::new());
    loop {
        match read(input)? {
            Line::Row(row) => {
                check.add(&row);
                rows.push(row);
                if rows.len() == PAGE {
                    insert(scope, shape, std::mem::take(&mut rows)).await?;
                }
            }
            Line::TableEnd {
                rows: count,
                check: sum,
            } => {
                insert(scope, shape, rows).await?;
                if (check.rows, check.text()) != (count, sum) {
                    return Err(refused("rows were changed or are missing"));
                }
                if shape.check(scope).await? != check {
                    return Err(refused(
                        "the database keeps something else than was written",
                    ));
                }
                return Ok(check.rows);
            }
            Line::Table { .. } | Line::End { .. } => return Err(refused("a table does not end")),
        }
    }
}

async fn insert(scope: &mut Scope<'_>, shape: &Shape, rows: Vec<Vec<Cell>>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new(&shape.name))
        .columns(shape.columns.iter().map(|(name, _)| Alias::new(name)));
    for row in rows {
        if row.len() != shape.columns.len() {
            return Err(refused("a row has too few or too many values"));
        }
        let values = row.into_iter().zip(&shape.columns);
        let values = values.map(|(cell, (column, kind))| {
            let value = cell.value(*kind).map(Expr::value);
            value.ok_or_else(|| misfit(&shape.name, column))
        });
        insert.values_panic(values.collect::<Result<Vec<_>>>()?);
    }
    let done = scope.connection()?.execute(&insert).await;
    done.map(drop).or_database_error()
}

/// The next line. What it says wrongly is not repeated: it is somebody's data.
fn read<T: DeserializeOwned>(input: &mut impl BufRead) -> Result<T> {
    let mut line = String::new();
    let read = input
        .read_line(&mut line)
        .map_err(|error| interrupted(&error))?;
    if read == 0 {
        return Err(refused("the end is missing"));
    }
    serde_json::from_str(&line).map_err(|_| refused("a line cannot be read"))
}
