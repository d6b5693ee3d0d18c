use lattice_lock_providers::TokenUsage;
use serde_json::Value;
use serde_json::value::RawValue;

use super::counts::Counts;
use super::json;
use crate::UsageFinding;

/// The longest usage that is kept as it was written, in bytes.
const LONGEST_RAW: usize = 16 * 1024;

/// A usage as it was reported, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ReportedUsage {
    /// The buckets; none if the report cannot be trusted.
    pub(super) usage: TokenUsage,
    /// The report as it was written, trusted or not, unless it is too long to keep or no JSON.
    pub(super) raw: Option<Value>,
    /// What is wrong with it.
    pub(super) finding: Option<UsageFinding>,
}

/// The buckets of a wire's counts, and a finding that leaves them standing.
pub(super) type Sorted = Result<(TokenUsage, Option<UsageFinding>), UsageFinding>;

impl ReportedUsage {
    /// What `raw` says, sorted into buckets by `sort`.
    ///
    /// Where one figure is nonsense the whole usage is absent: half of a report that cannot be trusted would
    /// be priced as if it were all of it.
    pub(super) fn read(raw: Option<&RawValue>, sort: impl FnOnce(Counts<'_>) -> Sorted) -> Self {
        let Some(raw) = raw else {
            return Self::default();
        };
        let bounded = Some(raw).filter(|raw| raw.get().len() <= LONGEST_RAW);
        let Some(raw) = json::read::<Value>(bounded) else {
            return Self {
                finding: Some(UsageFinding::NotACount { field: "usage" }),
                ..Self::default()
            };
        };
        let (usage, finding) = Counts::new(&raw, "usage")
            .and_then(sort)
            .unwrap_or_else(|finding| (TokenUsage::new(), Some(finding)));
        Self {
            usage,
            raw: Some(raw),
            finding,
        }
    }
}

/// What is wrong with the provider's total, if it gave one: nothing, where the buckets add up to it.
pub(super) fn against_total(usage: &TokenUsage, field: &'static str) -> Option<UsageFinding> {
    let total = i128::from(usage.total().reported()?);
    let sum = i128::from(usage.tokens().unwrap_or(0));
    (total != sum).then_some(UsageFinding::Mismatch {
        whole: field,
        residual: total - sum,
    })
}
