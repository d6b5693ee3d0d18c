//! Statements of many rows, whose text our own code makes: it is the same for all three engines but for the
//! placeholders.

use std::fmt::Write;

use lattice_lock_errors::Result;
use lattice_lock_repository::{Scope, database_error};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};

/// A statement in the making.
pub(super) struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(super) fn new(backend: DbBackend, text: &str) -> Self {
        Self {
            backend,
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.push(value.into());
        self
    }

    fn push(&mut self, value: Value) {
        self.values.push(value);
        if self.backend == DbBackend::Postgres {
            // Writing to a string does not fail.
            let _ = write!(self.text, "${}", self.values.len());
        } else {
            self.text.push('?');
        }
    }

    /// Values in brackets, separated by commas.
    pub(super) fn list(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.push_list(values);
        self
    }

    fn push_list(&mut self, values: impl IntoIterator<Item = Value>) {
        let mut separator = '(';
        for value in values {
            self.text.push(separator);
            self.push(value);
            separator = ',';
        }
        self.text.push(')');
    }

    /// `INSERT INTO … VALUES` with these rows.
    pub(super) fn insert<const N: usize>(
        backend: DbBackend,
        table: &str,
        columns: &[&str; N],
        rows: impl Iterator<Item = [Value; N]>,
    ) -> Self {
        let columns = columns.join(",");
        let mut sql = Self::new(backend, &format!("INSERT INTO {table} ({columns}) VALUES "));
        for (at, row) in rows.enumerate() {
            if at > 0 {
                sql.text.push(',');
            }
            sql.push_list(row);
        }
        sql
    }

    /// Lets a row be whose key is there already.
    pub(super) fn or_nothing(self, key: &str) -> Self {
        match self.backend {
            DbBackend::MySql => self.text(&format!(" ON DUPLICATE KEY UPDATE {key} = {key}")),
            _ => self.text(" ON CONFLICT DO NOTHING"),
        }
    }

    fn statement(self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text, self.values)
    }

    /// Does it, and says how many rows it changed.
    pub(super) async fn run(self, scope: &mut Scope<'_>) -> Result<u64> {
        let done = scope.connection()?.execute_raw(self.statement()).await;
        Ok(done.or_ours()?.rows_affected())
    }

    pub(super) async fn rows(self, scope: &mut Scope<'_>) -> Result<Vec<QueryResult>> {
        let rows = scope.connection()?.query_all_raw(self.statement()).await;
        rows.or_ours()
    }
}

pub(super) trait OrOurs<T> {
    fn or_ours(self) -> Result<T>;
}

impl<T> OrOurs<T> for std::result::Result<T, DbErr> {
    fn or_ours(self) -> Result<T> {
        self.map_err(|error| database_error(&error))
    }
}
