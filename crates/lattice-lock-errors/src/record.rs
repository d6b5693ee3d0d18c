use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Kind, Severity, TraceId};

/// An [`Error`](crate::Error) as plain data: what an API replies and a structured log keeps.
///
/// Causes are left out on purpose: they describe our insides, and belong in
/// [`report`](crate::Error::report).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorRecord {
    /// The stable code, such as `LL-BIL-004`.
    pub code: Cow<'static, str>,
    /// What sort of failure it is.
    pub kind: Kind,
    /// How severe it is.
    pub severity: Severity,
    /// The static message.
    pub message: Cow<'static, str>,
    /// Redacted values that help to find the fault; of a key that was added twice, the last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<Cow<'static, str>, String>,
    /// What to do about it.
    pub remedy: Cow<'static, str>,
    /// How long to wait before a retry, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The trace it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
}
