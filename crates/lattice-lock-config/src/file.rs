//! The layer that a TOML file gives.
//!
//! The parser is the `toml` crate's, used for its tree and its spans alone: the text of its errors quotes the
//! line at fault, with whatever secret stands there.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use lattice_lock_errors::Secret;
use toml::Spanned;
use toml::de::{DeInteger, DeString, DeTable, DeValue};

use crate::Origin;
use crate::problem::Problem;
use crate::reading::Reading;
use crate::setting::{sections, with_key};
use crate::value::Raw;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 256 << 10;

/// Reads the file into its layer; whatever is wrong with it becomes a problem.
pub(crate) fn load(path: &Path, reading: &mut Reading) {
    let path: Arc<Path> = Arc::from(path);
    reading.file = Some(Arc::clone(&path));
    match text_of(&path) {
        Ok(text) => Document::new(&path, text.expose()).load(reading),
        Err(rule) => {
            reading.is_incomplete = true;
            reading.problem(Problem::unreadable(&path, rule));
        }
    }
}

/// The whole text, which may hold secrets. The limit also ends a device that never ends.
fn text_of(path: &Path) -> Result<Secret<String>, &'static str> {
    let read = |path| {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read(path).map_err(|error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "must exist",
        ErrorKind::PermissionDenied => "must be readable by this process",
        _ => "must be a readable file",
    })?;
    if bytes.len() as u64 > LONGEST {
        return Err("must not be longer than 256 KiB");
    }
    String::from_utf8(bytes)
        .map(Secret::new)
        .map_err(|_| "must be UTF-8 text")
}

/// A file's text, where its lines begin, and on which of them it is not TOML.
struct Document<'a> {
    path: &'a Arc<Path>,
    text: &'a str,
    lines: Vec<usize>,
    broken: BTreeSet<usize>,
}

impl<'a> Document<'a> {
    fn new(path: &'a Arc<Path>, text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        Self {
            path,
            text,
            lines: std::iter::once(0).chain(ends).collect(),
            broken: BTreeSet::new(),
        }
    }

    /// Reports what is not TOML, then gives what could be read all the same.
    fn load(mut self, reading: &mut Reading) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        // The messages and snippets of these errors quote the file, so only their places are used.
        let mut starts: Vec<_> = errors
            .iter()
            .map(|error| error.span().map_or(self.text.len(), |span| span.start))
            .collect();
        starts.sort_unstable();
        for start in starts {
            // One mistake often makes the parser stumble over the rest of its line too.
            let line = self.line(start);
            if self.broken.insert(line) {
                reading.problem(Problem::malformed(self.path, line, self.column(start)));
            }
        }
        reading.is_incomplete |= !self.broken.is_empty();
        self.section("", table.get_ref(), reading);
    }

    /// Reads the keys of a section in the order of the file.
    fn section(&self, prefix: &str, table: &DeTable<'_>, reading: &mut Reading) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            self.entry(&format!("{prefix}{}", name.get_ref()), name, value, reading);
        }
    }

    /// Gives a known key's value, goes into a known section, and reports anything else.
    fn entry(
        &self,
        key: &str,
        name: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        reading: &mut Reading,
    ) {
        let line = self.line(name.span().start);
        let origin = Origin::File(Arc::clone(self.path), line);
        // A dot in a quoted name belongs to the name, and no name has one.
        let known = !name.get_ref().contains('.');
        match (with_key(key), value.get_ref()) {
            (Some(setting), value) if known => {
                if !self.broken.contains(&line) {
                    reading.give(setting, raw(value), origin);
                }
            }
            (None, DeValue::Table(table)) if known && is_section(key) => {
                self.section(&format!("{key}."), table, reading);
            }
            // What the parser makes of the rest of a broken file need not be what was meant.
            _ if !self.broken.is_empty() => {}
            _ if known && is_section(key) => reading.problem(Problem::section(key, &origin)),
            _ => reading.unknown(key, &origin),
        }
    }

    /// The number of the line at this byte, from 1.
    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// The number of the character in its line, from 1.
    fn column(&self, at: usize) -> usize {
        let start = self.lines.get(self.line(at) - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or("");
        before.chars().count() + 1
    }
}

/// Whether keys stand below this path.
fn is_section(key: &str) -> bool {
    sections().any(|section| section == key)
}

/// The value as its setting will read it. What is no value of any setting is refused there, with its rule.
fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::text(text.clone().into_owned()),
        DeValue::Integer(integer) => whole(integer),
        DeValue::Float(float) => float.as_str().parse().map_or(Raw::Other, Raw::Number),
        DeValue::Boolean(switch) => Raw::Switch(*switch),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => Raw::Other,
    }
}

/// TOML has hexadecimal, octal and binary numbers too.
fn whole(integer: &DeInteger<'_>) -> Raw {
    i128::from_str_radix(integer.as_str(), integer.radix()).map_or(Raw::Other, Raw::Whole)
}
