use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::FailureClass;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::AttemptId;
use crate::codes::CHARGE_KEY_INVALID;

/// What sort of fact an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryKind {
    /// What an attempt used.
    Usage,
    /// What an entry should have said: a whole new statement, with the revision that it is.
    Correction,
    /// That nothing is owed for an entry.
    Void,
    /// Something that a provider charges for and that is no attempt, such as a file that it keeps.
    Charge,
}

impl EntryKind {
    /// The name kept in the ledger, such as `correction`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Correction => "correction",
            Self::Void => "void",
            Self::Charge => "charge",
        }
    }

    #[cfg(feature = "__sql")]
    pub(crate) const ALL: [Self; 4] = [Self::Usage, Self::Correction, Self::Void, Self::Charge];
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// With a reply.
    Replied,
    /// With a failure that the provider may charge for.
    Failed(FailureClass),
    /// Nobody knows: whoever sent it is gone. If its outcome becomes known after all, that is a correction.
    Unknown,
    /// It was no attempt but another charge.
    Charged,
}

impl Outcome {
    /// The name kept in the ledger: `replied`, `unknown`, `charged`, or that of the failure's class.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "replied",
            Self::Failed(class) => class.as_str(),
            Self::Unknown => "unknown",
            Self::Charged => "charged",
        }
    }

    /// The outcome of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let failed = FailureClass::ALL.into_iter().map(Self::Failed);
        [Self::Replied, Self::Unknown, Self::Charged]
            .into_iter()
            .chain(failed)
            .find(|outcome| outcome.as_str() == name)
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom("unknown outcome"))
    }
}

/// An entry's key: a UUID of version 7, made anew each time that somebody tries to book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(Uuid);

impl EntryId {
    pub(crate) fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// That of an entry which is not recorded.
    pub(crate) const NONE: Self = Self(Uuid::nil());

    /// The key with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where an entry stands in its ledger: those that were committed later stand further back, whoever wrote them.
///
/// Positions grow; they may have gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub(crate) i64);

impl Position {
    /// The position of this number, such as one that a reader wrote down.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// What makes a [charge](crate::Entry::charge) one of a kind: 1 to 128 characters, no control characters, such as an
/// invoice's number and line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChargeKey(String);

impl ChargeKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChargeKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fits = text.chars().count() <= 128 && !text.chars().any(char::is_control);
        if fits && !text.trim().is_empty() {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(CHARGE_KEY_INVALID, "not a charge's key"))
    }
}

impl TryFrom<String> for ChargeKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ChargeKey> for String {
    fn from(key: ChargeKey) -> Self {
        key.0
    }
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    Attempt(AttemptId),
    Charge(ChargeKey),
}

impl Subject {
    /// The unique key of a revision.
    pub(crate) fn key(&self, revision: u16) -> String {
        match (self, revision) {
            (Self::Attempt(attempt), 0) => attempt.to_string(),
            (Self::Attempt(attempt), revision) => format!("{attempt}#{revision}"),
            (Self::Charge(key), 0) => format!("charge:{}", key.as_str()),
            // The caller's part stands last, so that it cannot look like a revision.
            (Self::Charge(key), revision) => format!("charge#{revision}:{}", key.as_str()),
        }
    }
}
