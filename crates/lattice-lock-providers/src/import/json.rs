//! JSON that is read piece by piece, so that each fault has its line and its path.

use std::borrow::Cow;
use std::fmt;

use lattice_lock_errors::{Error, Result};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::codes::CATALOGUE_MALFORMED;

/// A file's text, to tell the line of any piece of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a>(&'a str);

/// A piece of a file with the way to it.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    document: Document<'a>,
    raw: &'a RawValue,
    path: String,
}

/// An object's fields in their order.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Document<'a> {
    pub(super) fn read(text: &'a str) -> Result<Piece<'a>> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
            Error::new(CATALOGUE_MALFORMED, "malformed JSON")
                .with("line", error.line())
                .with("column", error.column())
                .with("path", "the file")
        })?;
        Ok(Piece {
            document: Document(text),
            raw,
            path: String::new(),
        })
    }

    fn line(self, piece: &str) -> usize {
        let offset = piece.as_ptr().addr().saturating_sub(self.0.as_ptr().addr());
        let before = self.0.get(..offset).unwrap_or_default();
        1 + before.matches('\n').count()
    }
}

impl<'a> Piece<'a> {
    /// The fault of this piece.
    pub(super) fn refused(&self, why: &'static str) -> Error {
        Error::new(CATALOGUE_MALFORMED, why)
            .with("line", self.document.line(self.raw.get()))
            .with(
                "path",
                if self.path.is_empty() {
                    "the file"
                } else {
                    &self.path
                },
            )
    }

    /// The text as it stands.
    pub(super) fn text(&self) -> &'a str {
        self.raw.get()
    }

    pub(super) fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }

    pub(super) fn is_list(&self) -> bool {
        self.text().starts_with('[')
    }

    pub(super) fn is_number(&self) -> bool {
        let digit = |first: char| first.is_ascii_digit() || first == '-';
        self.text().starts_with(digit)
    }

    /// The fields of an object; a field that stands twice is a fault.
    pub(super) fn fields(&self) -> Result<Vec<(Cow<'a, str>, Piece<'a>)>> {
        let fields: Fields<'a> =
            serde_json::from_str(self.text()).map_err(|_| self.refused("not an object"))?;
        let mut names: Vec<&str> = fields.0.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(self.refused("a field stands twice").with("field", pair[0]));
        }
        Ok(fields
            .0
            .into_iter()
            .map(|(name, raw)| {
                let piece = self.inner(&name, raw);
                (name, piece)
            })
            .collect())
    }

    pub(super) fn list(&self) -> Result<Vec<Piece<'a>>> {
        let items: Vec<&RawValue> =
            serde_json::from_str(self.text()).map_err(|_| self.refused("not a list"))?;
        let piece = |(at, raw): (usize, _)| self.inner(&at.to_string(), raw);
        Ok(items.into_iter().enumerate().map(piece).collect())
    }

    fn inner(&self, name: &str, raw: &'a RawValue) -> Piece<'a> {
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            outer => format!("{outer}.{name}"),
        };
        Piece {
            document: self.document,
            raw,
            path,
        }
    }

    /// A number as it is written, or a string with one, as some write prices.
    pub(super) fn number(&self) -> Result<Cow<'a, str>> {
        if self.is_number() {
            return Ok(Cow::Borrowed(self.text()));
        }
        self.parse::<String>("not a number").map(Cow::Owned)
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, why: &'static str) -> Result<T> {
        serde_json::from_str(self.text()).map_err(|_| self.refused(why))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Name(name), raw)) = map.next_entry()? {
            fields.push((name, raw));
        }
        Ok(Fields(fields))
    }
}

/// A field's name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
