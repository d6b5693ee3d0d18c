//! Statements of many rows, whose text our own code makes. There are few texts, because drivers and servers keep what they
//! made of each: to read one with thousands of placeholders anew takes longer than to write its rows. `PostgreSQL` takes an
//! array of each column; for the others the numbers of rows and keys are powers of two.

use std::borrow::Cow;
use std::fmt::Write;

use lattice_lock_errors::Result;
use lattice_lock_repository::{Scope, database_error};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

/// The most keys of one statement.
pub(super) const MOST_KEYS: usize = 256;

/// The most rows of one statement: the next is made while this one runs. The driver leaves Nagle's algorithm on: where a
/// statement does not go out in one piece, of 16 KiB with TLS and 64 KiB to the same machine without, the server waits up to
/// 40 ms for its end.
fn most_rows(backend: DbBackend) -> usize {
    match backend {
        DbBackend::Postgres => 32,
        _ => 64,
    }
}

/// Rows in parts of the sizes that statements have.
pub(super) fn parts<T>(backend: DbBackend, mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let most = rest.len().min(most_rows(backend));
        let power_of_two = 1 << most.checked_ilog2()?;
        let size = match backend {
            DbBackend::Postgres => most,
            _ => power_of_two,
        };
        let (part, behind) = rest.split_at(size);
        rest = behind;
        Some(part)
    })
}

/// Runs statements one after another, each of which is made while the one before it runs.
pub(super) async fn run_each(
    scope: &mut Scope<'_>,
    mut statements: impl Iterator<Item = Sql>,
) -> Result<()> {
    let mut next = statements.next();
    while let Some(sql) = next {
        let (done, following) = tokio::join!(sql.run(scope), async { statements.next() });
        done?;
        next = following;
    }
    Ok(())
}

/// A value of a row, of one of the types that columns have.
pub(super) enum Cell<'a> {
    Integer(Option<i64>),
    Id(Option<Uuid>),
    Text(Option<Cow<'a, str>>),
}

impl Cell<'_> {
    fn is_null(&self) -> bool {
        matches!(
            self,
            Self::Integer(None) | Self::Id(None) | Self::Text(None)
        )
    }
}

/// In which columns there are values: the others need not be named. A few rows name all, so that the texts stay few.
fn used<const N: usize>(backend: DbBackend, rows: &[[Cell<'_>; N]]) -> [bool; N] {
    let all = backend == DbBackend::Postgres || rows.len() < 16;
    std::array::from_fn(|at| all || rows.iter().any(|row| !row[at].is_null()))
}

/// The text of an array of a column's values. NULLs at its end are left out: of several arrays, `UNNEST` fills up the
/// shorter ones with them.
struct Array {
    kind: &'static str,
    text: String,
    nulls: usize,
}

impl Array {
    const fn new() -> Self {
        Self {
            kind: "",
            text: String::new(),
            nulls: 0,
        }
    }

    fn push(&mut self, cell: &Cell<'_>) {
        self.kind = match cell {
            Cell::Integer(_) => "BIGINT[]",
            Cell::Id(_) => "UUID[]",
            Cell::Text(_) => "TEXT[]",
        };
        if cell.is_null() {
            self.nulls += 1;
            return;
        }
        for _ in 0..std::mem::take(&mut self.nulls) {
            self.next();
            self.text.push_str("NULL");
        }
        self.next();
        // Writing to a string does not fail.
        let _ = match cell {
            Cell::Integer(number) => write!(self.text, "{}", number.unwrap_or_default()),
            Cell::Id(id) => write!(self.text, "{}", id.unwrap_or_default()),
            Cell::Text(text) => {
                quote(text.as_deref().unwrap_or_default(), &mut self.text);
                Ok(())
            }
        };
    }

    fn next(&mut self) {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
    }

    fn text(self) -> String {
        let mut text = self.text;
        if text.is_empty() {
            text.push('{');
        }
        text.push('}');
        text
    }
}

/// Writes a text as an array's text has it.
fn quote(text: &str, array: &mut String) {
    array.push('"');
    for part in text.split_inclusive(['"', '\\']) {
        let plain = part.strip_suffix(['"', '\\']);
        array.push_str(plain.unwrap_or(part));
        if let Some(plain) = plain {
            array.push('\\');
            array.push_str(&part[plain.len()..]);
        }
    }
    array.push('"');
}

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Integer(number) => number.into(),
            Cell::Id(id) => id.into(),
            Cell::Text(text) => text.map(Cow::into_owned).into(),
        }
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i64>> for Cell<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<Uuid> for Cell<'_> {
    fn from(id: Uuid) -> Self {
        Self::Id(Some(id))
    }
}

impl From<Option<Uuid>> for Cell<'_> {
    fn from(id: Option<Uuid>) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text.map(Cow::from))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl From<Option<String>> for Cell<'_> {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(Cow::from))
    }
}

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

    /// Of rows whose key is one of these.
    pub(super) fn among(mut self, keys: &[String]) -> Self {
        if self.backend == DbBackend::Postgres {
            let mut array = Array::new();
            for key in keys {
                array.push(&key.as_str().into());
            }
            self.text.push_str(" = ANY(CAST(");
            self.push(array.text().into());
            return self.text(" AS TEXT[]))");
        }
        // The last is repeated until there are as many as statements have.
        let last = keys.last().into_iter().cycle();
        let size = keys.len().next_power_of_two();
        let keys = keys.iter().chain(last).take(size);
        self.text(" IN ").list(keys.map(Value::from))
    }

    /// `INSERT` with these rows, of which there is one at least.
    pub(super) fn insert<'a, const N: usize>(
        backend: DbBackend,
        table: &str,
        columns: &[&str; N],
        rows: impl Iterator<Item = [Cell<'a>; N]>,
    ) -> Self {
        let rows: Vec<_> = rows.collect();
        let used = used(backend, &rows);
        let columns = columns.iter().zip(used).filter(|(_, is_used)| *is_used);
        let columns: Vec<_> = columns.map(|(column, _)| *column).collect();
        let columns = columns.join(",");
        let sql = Self::new(backend, &format!("INSERT INTO {table} ({columns}) "));
        match backend {
            DbBackend::Postgres => sql.columns(rows),
            _ => sql.values(rows, used),
        }
    }

    fn values<const N: usize>(mut self, rows: Vec<[Cell<'_>; N]>, used: [bool; N]) -> Self {
        let values = rows.len() * used.iter().filter(|is_used| **is_used).count();
        self.values.reserve(values);
        self.text.reserve(2 * values);
        let mut before = "VALUES ";
        for row in rows {
            self.text.push_str(before);
            let cells = row.into_iter().zip(used).filter(|(_, is_used)| *is_used);
            self.push_list(cells.map(|(cell, _)| cell.into()));
            before = ",";
        }
        self
    }

    /// Arrays go as text: those of the driver have no NULL.
    fn columns<const N: usize>(mut self, rows: Vec<[Cell<'_>; N]>) -> Self {
        let mut arrays = [const { Array::new() }; N];
        for row in rows {
            for (array, cell) in arrays.iter_mut().zip(row) {
                array.push(&cell);
            }
        }
        let mut before = "SELECT * FROM UNNEST(CAST(";
        for array in arrays {
            let kind = array.kind;
            self.text.push_str(before);
            self.push(array.text().into());
            self = self.text(" AS ").text(kind);
            before = "),CAST(";
        }
        self.text("))")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn array<'a>(cells: impl IntoIterator<Item = Cell<'a>>) -> String {
        let mut array = Array::new();
        for cell in cells {
            array.push(&cell);
        }
        array.text()
    }

    #[test]
    fn arrays_are_written_as_the_server_reads_them() {
        let texts = ["", "a,b}", r#"say "hi""#, r"C:\n", "\u{e9}\n", "NULL"];
        let expected = r#"{"","a,b}","say \"hi\"","C:\\n",""#;
        let expected = format!("{expected}\u{e9}\n\",\"NULL\"}}");
        assert_eq!(array(texts.map(Cell::from)), expected);
        let numbers = [Some(i64::MIN), None, Some(7), None, None];
        assert_eq!(
            array(numbers.map(Cell::from)),
            "{-9223372036854775808,NULL,7}"
        );
        assert_eq!(array([Cell::Id(None)]), "{}");
    }

    #[test]
    fn columns_without_values_are_not_named_where_rows_are_many() {
        let text = |rows| {
            let row = || [Cell::from(1), Cell::Text(None)];
            let rows = std::iter::repeat_with(row).take(rows);
            Sql::insert(DbBackend::Sqlite, "t", &["a", "b"], rows).text
        };
        assert_eq!(text(2), "INSERT INTO t (a,b) VALUES (?,?),(?,?)");
        assert!(text(16).starts_with("INSERT INTO t (a) VALUES (?),(?),"));
    }

    #[test]
    fn parts_are_whole_and_their_sizes_few() {
        let rows: Vec<_> = (0..343).collect();
        let sizes = |backend| parts(backend, &rows).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(DbBackend::MySql), [64, 64, 64, 64, 64, 16, 4, 2, 1]);
        assert_eq!(sizes(DbBackend::Postgres)[9..], [32, 23]);
        let again: Vec<_> = parts(DbBackend::MySql, &rows).flatten().copied().collect();
        assert_eq!(again, rows);
        assert!(parts(DbBackend::MySql, &rows[..0]).next().is_none());
    }

    #[test]
    fn lists_of_keys_are_filled_up_with_the_last() {
        let keys = ["a", "b", "c"].map(str::to_owned);
        let sql = Sql::new(DbBackend::Sqlite, "key").among(&keys);
        assert_eq!(sql.text, "key IN (?,?,?,?)");
        assert_eq!(sql.values, ["a", "b", "c", "c"].map(Value::from));
        let sql = Sql::new(DbBackend::Postgres, "key").among(&keys);
        assert_eq!(sql.text, "key = ANY(CAST($1 AS TEXT[]))");
        assert_eq!(sql.values, [Value::from(r#"{"a","b","c"}"#)]);
    }
}
