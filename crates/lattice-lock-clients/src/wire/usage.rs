//! A usage as it was reported, and what becomes of it.
//!
//! What a provider writes is kept as it was written, up to a bound, beside the buckets that it comes to: the
//! buckets are for pricing, the original for whoever must prove them. A report that contradicts itself gives no
//! buckets, since half of one would be priced as if it were the whole; the finding says what is wrong.
//!
//! Three ways of reporting are told apart. Most wires write all of it anew each time, and the last one counts
//! ([`Written::replace`]). Anthropic's streams write later only what has changed ([`Written::update`]). Ollama's
//! has no object of counts, and each figure comes by itself ([`Written::set`]).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use lattice_lock_providers::TokenUsage;
use serde_json::Value;
use serde_json::value::RawValue;

use super::counts::{Counts, Told};
use super::json;
use super::layout::Layout;
use crate::UsageFinding;

/// The longest usage that is kept as it was written, in bytes.
const LONGEST_RAW: usize = 64 * 1024;

/// The most fields of a usage that is put together of several words: no provider has half as many, and a stream has no
/// end that could be relied on.
const MOST_FIELDS: usize = 100;

/// A usage as it was reported, and what is wrong with it.
///
/// Buckets without a finding are as reported and add up; with one they may stand or be absent, as [`UsageFinding`]
/// says; a finding without buckets always has its report beside it, unless that could not be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ReportedUsage {
    /// The buckets; none if the report cannot be trusted.
    pub(super) usage: TokenUsage,
    /// The report as it was written, trusted or not, unless it is too long to keep or no JSON.
    pub(super) raw: Option<RawUsage>,
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
        if !written.is_there() {
            return Self::default();
        }
        let text = written.text();
        let told: Option<Told<'_>> = text.as_deref().and_then(|it| serde_json::from_str(it).ok());
        let unreadable = UsageFinding::NotACount { field: "usage" };
        let (usage, finding) = match &told {
            Some(told) => sorted(told, layout),
            None => (TokenUsage::new(), Some(unreadable)),
        };
        let is_json = told.is_some();
        drop(told);
        Self {
            usage,
            raw: text.filter(|_| is_json).map(RawUsage::from),
            finding,
        }
    }

    /// Adds counts that the report has beside its own, each to its bucket. A report that cannot be trusted stays
    /// absent, and becomes so where these cannot be.
    pub(super) fn add(&mut self, counts: &Told<'_>, layout: &Layout) {
        let (more, finding) = sorted(counts, layout);
        if self.usage.is_absent() || more.is_absent() {
            self.usage = TokenUsage::new();
        } else {
            for (bucket, count) in more.reported() {
                let before = self.usage.get(bucket).reported().unwrap_or(0);
                self.usage = self.usage.with(bucket, before.saturating_add(count));
            }
        }
        self.finding = self.finding.or(finding);
    }

    /// Counts tokens that the report has beside its own, and that have no bucket here: they make a total that the
    /// buckets do not come to.
    pub(super) fn miss(&mut self, counts: &Told<'_>, layout: &Layout, field: &'static str) {
        let (more, finding) = sorted(counts, layout);
        let (Some(known), Some(beside)) = (self.usage.tokens(), more.tokens()) else {
            self.finding = self.finding.or(finding);
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

/// The buckets that the counts come to, none where they contradict each other, and what is wrong with them.
fn sorted(counts: &Told<'_>, layout: &Layout) -> (TokenUsage, Option<UsageFinding>) {
    Counts::new(counts, "usage")
        .and_then(|counts| layout.sort(counts))
        .unwrap_or_else(|finding| (TokenUsage::new(), Some(finding)))
}

/// A usage as it was written, which is read only where somebody asks for it.
#[derive(Clone, Debug)]
pub(crate) struct RawUsage {
    text: Box<str>,
    value: OnceLock<Value>,
}

impl RawUsage {
    pub(crate) fn value(&self) -> &Value {
        let read = || serde_json::from_str(&self.text).unwrap_or_default();
        self.value.get_or_init(read)
    }

    /// These fields, unread.
    pub(super) fn fields<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> [Option<&RawValue>; N] {
        json::fields(&self.text, names).unwrap_or([None; N])
    }
}

impl From<Cow<'_, str>> for RawUsage {
    fn from(text: Cow<'_, str>) -> Self {
        Self {
            text: text.into(),
            value: OnceLock::new(),
        }
    }
}

impl From<Value> for RawUsage {
    fn from(value: Value) -> Self {
        Self {
            text: Box::default(),
            value: value.into(),
        }
    }
}

impl PartialEq for RawUsage {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

/// The usage as the provider wrote it last.
#[derive(Clone, Debug, Default)]
pub(super) enum Written {
    /// It wrote none.
    #[default]
    Nothing,
    /// It wrote something that cannot be kept: it is too long, or no JSON.
    Unreadable,
    /// This, which nobody has looked at: some servers write it again with every piece of a stream.
    Text(Box<str>),
    /// This, put together of several words.
    Fields(BTreeMap<String, Box<RawValue>>),
}

impl Written {
    /// Takes a snapshot in the place of any before it: a later word counts, it is neither added nor maximised.
    pub(super) fn replace(&mut self, raw: Option<&RawValue>) {
        if let Some(raw) = raw {
            *self = match raw.get() {
                text if text.len() <= LONGEST_RAW => Self::Text(text.into()),
                _ => Self::Unreadable,
            };
        }
    }

    /// Takes a snapshot that says only what has changed: each of its fields replaces the one before it. Where one
    /// cannot be read, none can: the rest would be taken for all of it.
    pub(super) fn update(&mut self, raw: Option<&RawValue>) {
        let Some(raw) = raw else { return };
        let known = match std::mem::take(self) {
            Self::Nothing => BTreeMap::new(),
            Self::Fields(fields) => fields,
            Self::Text(_) | Self::Unreadable => return *self = Self::Unreadable,
        };
        let is_short = raw.get().len() <= LONGEST_RAW;
        let changed = serde_json::from_str(raw.get()).ok().filter(|_| is_short);
        *self = changed.map_or(Self::Unreadable, |changed| Self::with(known, changed));
    }

    fn with(
        mut known: BTreeMap<String, Box<RawValue>>,
        changed: BTreeMap<String, Box<RawValue>>,
    ) -> Self {
        for (name, value) in changed {
            // What is `null` says nothing of what was said before.
            if value.get() != "null" || !known.contains_key(&name) {
                known.insert(name, value);
            }
        }
        if known.len() <= MOST_FIELDS {
            Self::Fields(known)
        } else {
            Self::Unreadable
        }
    }

    /// Takes one figure, for wires that have no object of them.
    pub(super) fn set(&mut self, name: &str, figure: &RawValue) {
        if !matches!(self, Self::Fields(_)) {
            *self = Self::Fields(BTreeMap::new());
        }
        if let Self::Fields(known) = self {
            known.insert(name.to_owned(), figure.to_owned());
        }
    }

    /// What was written, if it was kept.
    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Nothing | Self::Unreadable => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Fields(fields) => serde_json::to_string(fields).ok().map(Cow::Owned),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    fn check(words: &[&str], expected: Option<&str>) {
        let mut written = Written::Nothing;
        for word in words {
            written.update(Some(raw(word)));
        }
        assert_eq!(written.text().as_deref(), expected, "{words:?}");
        assert!(written.is_there());
    }

    #[test]
    fn what_has_changed_replaces_what_was_known_and_null_changes_nothing() {
        check(&[r#"{"a":1}"#], Some(r#"{"a":1}"#));
        check(
            &[r#"{"a":1,"b":2}"#, r#"{"b":3,"a":null,"c":null}"#],
            Some(r#"{"a":1,"b":3,"c":null}"#),
        );
        check(&[r#"{"a":1}"#, "7"], None);
        check(&["7", r#"{"a":1}"#], None);
    }

    #[test]
    fn a_usage_without_end_is_given_up() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(LONGEST_RAW));
        check(&[&long], None);
        check(&[&long, r#"{"a":1}"#], None);
        let words: Vec<_> = (0..=MOST_FIELDS)
            .map(|at| format!("{{\"{at}\":1}}"))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        check(&words, None);
    }

    #[test]
    fn what_is_no_json_has_no_counts_and_no_raw_form() {
        let mut written = Written::Nothing;
        written.replace(Some(raw(r#"{"a":1e999}"#)));
        let layout = &Layout {
            figures: &[],
            total: None,
            sum: None,
        };
        let read = ReportedUsage::of(&written, layout);
        assert_eq!((read.usage, read.raw), (TokenUsage::new(), None));
        assert_eq!(
            read.finding,
            Some(UsageFinding::NotACount { field: "usage" })
        );
        written.replace(Some(raw(r#"{"a":1}"#)));
        let read = ReportedUsage::of(&written, layout);
        assert_eq!(read.raw.unwrap().value()["a"], 1);
    }
}
