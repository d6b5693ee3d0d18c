//! A usage as it was reported, and what becomes of it.
//!
//! What a provider writes is kept as it was written, up to a bound, beside the buckets that it comes to: the buckets are for
//! pricing, the original for whoever must prove them. A report that contradicts itself gives no buckets, since half of one
//! would be priced as if it were the whole; the finding says what is wrong.

use lattice_lock_providers::TokenUsage;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::counts::Counts;
use super::json;
use super::layout::Layout;
use crate::UsageFinding;

/// The longest usage that is kept as it was written, in bytes.
const LONGEST_RAW: usize = 64 * 1024;

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
    /// What was written, sorted into buckets as the layout has them.
    ///
    /// Where one figure is nonsense the whole usage is absent: half of a report that cannot be trusted would
    /// be priced as if it were all of it.
    pub(super) fn of(written: &Written, layout: &Layout) -> Self {
        match written {
            Written::Nothing => Self::default(),
            Written::Unreadable => Self {
                finding: Some(UsageFinding::NotACount { field: "usage" }),
                ..Self::default()
            },
            Written::Usage(raw) => Self::sorted(raw, layout),
        }
    }

    fn sorted(raw: &Value, layout: &Layout) -> Self {
        let (usage, finding) = Counts::new(raw, "usage")
            .and_then(|counts| layout.sort(counts))
            .unwrap_or_else(|finding| (TokenUsage::new(), Some(finding)));
        Self {
            usage,
            raw: Some(raw.clone()),
            finding,
        }
    }

    /// Adds counts that the report has beside its own, each to its bucket. A report that cannot be trusted stays
    /// absent, and becomes so where these cannot be.
    pub(super) fn add(&mut self, counts: &Value, layout: &Layout) {
        let more = Self::sorted(counts, layout);
        if self.usage.is_absent() || more.usage.is_absent() {
            self.usage = TokenUsage::new();
        } else {
            for (bucket, count) in more.usage.reported() {
                let before = self.usage.get(bucket).reported().unwrap_or(0);
                self.usage = self.usage.with(bucket, before.saturating_add(count));
            }
        }
        self.finding = self.finding.or(more.finding);
    }

    /// Counts tokens that the report has beside its own, and that have no bucket here: they make a total that the
    /// buckets do not come to.
    pub(super) fn miss(&mut self, counts: &Value, layout: &Layout, field: &'static str) {
        let more = Self::sorted(counts, layout);
        let (Some(known), Some(beside)) = (self.usage.tokens(), more.usage.tokens()) else {
            self.finding = self.finding.or(more.finding);
            return;
        };
        if beside == 0 {
            return;
        }
        let total = self.usage.total().reported().unwrap_or(known);
        let total = total.saturating_add(beside);
        self.usage = self.usage.with_total(total);
        self.finding = Some(UsageFinding::Mismatch {
            whole: field,
            residual: i128::from(total) - i128::from(known),
        });
    }
}

/// The usage as the provider wrote it last.
#[derive(Clone, Debug, Default)]
pub(super) enum Written {
    /// It wrote none.
    #[default]
    Nothing,
    /// It wrote something that is too long to keep, or no JSON.
    Unreadable,
    /// This.
    Usage(Value),
}

impl Written {
    /// Takes a snapshot in the place of any before it: a later word counts, it is neither added nor maximised.
    pub(super) fn replace(&mut self, raw: Option<&RawValue>) {
        if let Some(raw) = raw {
            *self = Self::read(raw);
        }
    }

    /// Takes a snapshot that says only what has changed: each of its fields replaces the one before it.
    pub(super) fn update(&mut self, raw: Option<&RawValue>) {
        let Some(raw) = raw else { return };
        match (&mut *self, Self::read(raw)) {
            (Self::Usage(Value::Object(known)), Self::Usage(Value::Object(changed))) => {
                let said = changed.into_iter().filter(|(_, value)| !value.is_null());
                known.extend(said);
            }
            (_, read) => *self = read,
        }
    }

    /// Takes one figure, for wires that have no object of them.
    pub(super) fn set(&mut self, name: &str, figure: Value) {
        if !matches!(self, Self::Usage(Value::Object(_))) {
            *self = Self::Usage(Value::Object(Map::new()));
        }
        if let Self::Usage(Value::Object(known)) = self {
            known.insert(name.to_owned(), figure);
        }
    }

    fn read(raw: &RawValue) -> Self {
        let bounded = Some(raw).filter(|raw| raw.get().len() <= LONGEST_RAW);
        json::read(bounded).map_or(Self::Unreadable, Self::Usage)
    }

    /// Whether anything was written.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing)
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
