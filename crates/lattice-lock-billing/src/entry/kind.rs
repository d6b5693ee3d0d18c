use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::FailureClass;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::AttemptId;
use crate::codes::CHARGE_KEY_INVALID;

/// What sort of fact an entry is.
///
/// Of one attempt, or one charge, there is one [`Usage`](Self::Usage) or [`Charge`](Self::Charge) and then corrections,
/// each with the next [revision](crate::Entry::revision); what was voided may be corrected again.
///
/// ```
/// use lattice_lock_billing::{AttemptId, Entry, EntryKind, OperationId, Outcome};
/// use lattice_lock_principal::Principal;
///
/// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
/// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
/// let kinds = [entry.kind(), entry.corrected("a typo").kind(), entry.voided("never sent").kind()];
/// assert_eq!(kinds, [EntryKind::Usage, EntryKind::Correction, EntryKind::Void]);
/// assert_eq!(EntryKind::Correction.as_str(), "correction");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryKind {
    /// What an attempt used, also where that is not known.
    Usage,
    /// What an entry should have said: a whole new statement, with the revision that it is. It takes the place of the
    /// one before in every sum.
    Correction,
    /// That nothing is owed for an entry. An attempt of which this is the last word is in no sum of attempts.
    Void,
    /// Something that a provider charges for and that is no attempt, such as a file that it keeps. It is in the
    /// ledger's [total](crate::Ledger::total), and in no sum of attempts.
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
///
/// It says nothing of the cost: a reply may be [unpriced](crate::Unpriced), and an attempt that failed may have been
/// billed.
///
/// ```
/// use lattice_lock_billing::Outcome;
/// use lattice_lock_providers::FailureClass;
///
/// assert_eq!(Outcome::Replied.as_str(), "replied");
/// let timeout = Outcome::Failed(FailureClass::Timeout);
/// assert_eq!(timeout.as_str(), "timeout");
/// // Nobody could be reached: that was not billed, and is withdrawn instead of booked.
/// assert!(FailureClass::Timeout.may_be_billed() && !FailureClass::Connect.may_be_billed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// With a reply.
    Replied,
    /// With a failure that the provider [may charge for](FailureClass::may_be_billed). What it certainly does not
    /// charge for is no entry: it is [withdrawn](crate::Ledger::withdraw).
    Failed(FailureClass),
    /// Nobody knows: whoever sent it is gone. If its outcome becomes known after all, that is a correction.
    /// [`Intent::unknown`](crate::Intent::unknown) makes such an entry.
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
///
/// So two tries to record the same entry have two ids, and the one that is kept is in
/// [`Recorded::entry`](crate::Recorded::entry). To ask whether something is booked, take
/// [`Entry::idempotency_key`](crate::Entry::idempotency_key).
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
/// Positions grow; they may have gaps, such as where entries were archived. The default comes before all of them.
///
/// ```
/// use lattice_lock_billing::Position;
///
/// // A reader wrote down how far it came, and goes on from there.
/// let after = Position::new(1_204);
/// assert_eq!(after.get(), 1_204);
/// assert!(Position::default() < after);
/// ```
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
/// invoice's number and line. Blanks alone are none; [`CHARGE_KEY_INVALID`] otherwise.
///
/// It is kept as it is: another case, or a blank at its end, makes another key.
///
/// ```
/// use lattice_lock_billing::{ChargeKey, codes};
///
/// let key: ChargeKey = "invoice 2026-11/17".parse()?;
/// assert_eq!(key.as_str(), "invoice 2026-11/17");
/// assert_ne!("a ".parse::<ChargeKey>()?, "a".parse::<ChargeKey>()?);
/// for text in ["", " ", "line\nbreak", &"x".repeat(129)] {
///     assert_eq!(text.parse::<ChargeKey>().unwrap_err().code(), codes::CHARGE_KEY_INVALID);
/// }
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
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
