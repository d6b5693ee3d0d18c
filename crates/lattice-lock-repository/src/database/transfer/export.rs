use std::io::Write;

use lattice_lock_errors::{Error, Result};
use lattice_lock_runtime::RetryPolicy;
use serde::Serialize;
use tokio::sync::Mutex;

use super::check::Check;
use super::shape::{Shape, shapes};
use super::{FORMAT, Head, Line, PAGE};
use crate::codes::{NO_TABLES, TRANSFER_INTERRUPTED};
use crate::database::migration::applied_versions;
use crate::{Database, Engine, Isolation, Scope, TransactionOptions};

/// What was exported or imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Exported {
    /// How many tables.
    pub tables: u64,
    /// How many rows in all of them.
    pub rows: u64,
}

impl Database {
    /// Writes every table whose name begins with `lattice_`, as it is at one moment, as lines of JSON: the same from every
    /// engine, with a count and a check of each table. Nobody who writes meanwhile has to wait. The output is written to
    /// as it comes, so it should not block for long.
    ///
    /// # Errors
    ///
    /// [`NO_TABLES`] in memory; [`TRANSFER_INTERRUPTED`] when the output fails;
    /// [`TRANSFER_REFUSED`](crate::codes::TRANSFER_REFUSED) for a column of a type that these tables do not use.
    pub async fn export(&self, output: impl Write + Send) -> Result<Exported> {
        if self.engine() == Engine::Memory {
            return Err(Error::new(NO_TABLES, "the database is in memory"));
        }
        let output = Mutex::new(output);
        // Half of it may be written already when it would have to run again.
        let once = TransactionOptions::default()
            .isolation(Isolation::Snapshot)
            .read_only()
            .retry(RetryPolicy::never());
        let work = self.transaction_with(once, |scope| {
            Box::pin(async {
                let mut output = output.lock().await;
                export(scope, &mut *output).await
            })
        });
        work.await
    }
}

async fn export(scope: &mut Scope<'_>, output: &mut (impl Write + Send)) -> Result<Exported> {
    let head = Head {
        format: FORMAT,
        migrations: applied_versions(scope).await?,
    };
    write(output, &head)?;
    let mut exported = Exported::default();
    for shape in shapes(scope).await? {
        exported.rows += table(scope, &shape, output).await?;
        exported.tables += 1;
    }
    let tables = exported.tables;
    write(output, &Line::End { tables })?;
    output.flush().map_err(|error| interrupted(&error))?;
    Ok(exported)
}

async fn table(
    scope: &mut Scope<'_>,
    shape: &Shape,
    output: &mut (impl Write + Send),
) -> Result<u64> {
    let begin = Line::Table {
        name: shape.name.clone(),
        columns: shape.names(),
    };
    write(output, &begin)?;
    let (mut check, mut last) = (Check::default(), None);
    loop {
        let page = shape.page(scope, last.as_deref()).await?;
        let is_last = page.len() < PAGE;
        for row in page {
            check.add(&row);
            last = Some(row.clone());
            write(output, &Line::Row(row))?;
        }
        if is_last {
            break;
        }
    }
    let end = Line::TableEnd {
        rows: check.rows,
        check: check.text(),
    };
    write(output, &end)?;
    Ok(check.rows)
}

fn write(output: &mut impl Write, line: &impl Serialize) -> Result<()> {
    let written = serde_json::to_writer(&mut *output, line).map_err(std::io::Error::from);
    let written = written.and_then(|()| output.write_all(b"\n"));
    written.map_err(|error| interrupted(&error))
}

pub(super) fn interrupted(error: &std::io::Error) -> Error {
    Error::new(TRANSFER_INTERRUPTED, "reading or writing the lines failed").with_foreign(error)
}
