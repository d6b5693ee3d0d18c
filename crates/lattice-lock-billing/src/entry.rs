use std::fmt;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_principal::{Attribution, Principal, PrincipalId, PrincipalKind};
use lattice_lock_providers::{
    Count, FailureClass, ModelName, ModelRef, PriceList, PriceVersion, ProviderId, TokenUsage,
};
use lattice_lock_repository::Timestamp;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{AttemptId, Cost, Unpriced};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// With a reply.
    Replied,
    /// With a failure that the provider may charge for.
    Failed(FailureClass),
}

impl Outcome {
    /// The name kept in the ledger: `replied`, or that of the failure's class.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "replied",
            Self::Failed(class) => class.as_str(),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An entry's key: a UUID of version 7, made anew each time that somebody tries to book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EntryId(Uuid);

impl EntryId {
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

/// One immutable billing fact: an attempt that was, or may have been, billed.
///
/// It holds no prompt and no person: ids are the caller's pseudonyms. Made with [`Entry::new`] and the
/// setters, and never changed after it is [recorded](crate::Ledger::record).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub(crate) id: EntryId,
    pub(crate) recorded_at: Timestamp,
    #[serde(flatten)]
    pub(crate) fact: Fact,
}

/// What an entry says; its hash tells a replay from a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fact {
    pub(crate) attempt: AttemptId,
    pub(crate) principal: PrincipalId,
    pub(crate) principal_kind: PrincipalKind,
    pub(crate) attribution: Arc<Attribution>,
    pub(crate) requested: ModelRef,
    pub(crate) served: Option<ModelName>,
    pub(crate) provider_request_id: Option<String>,
    pub(crate) task_type: Option<String>,
    pub(crate) usage: TokenUsage,
    pub(crate) cost: Cost,
    pub(crate) outcome: Outcome,
    pub(crate) latency_us: i64,
    pub(crate) occurred_at: Timestamp,
}

/// The longest foreign text that is kept, in characters.
const LONGEST_TEXT: usize = 128;

impl Entry {
    /// An attempt at a model, for a principal, with nothing known of its usage yet.
    ///
    /// # Errors
    ///
    /// When a label of the principal broke the rules: see
    /// [`Principal::attribution`](lattice_lock_principal::Principal::attribution).
    pub fn new(
        attempt: AttemptId,
        principal: &Principal,
        requested: ModelRef,
        outcome: Outcome,
    ) -> Result<Self> {
        let now = Timestamp::now();
        Ok(Self {
            id: EntryId(Uuid::now_v7()),
            recorded_at: now,
            fact: Fact {
                attempt,
                principal: principal.id().clone(),
                principal_kind: principal.kind(),
                attribution: Arc::clone(principal.attribution()?),
                requested,
                served: None,
                provider_request_id: None,
                task_type: None,
                usage: TokenUsage::new(),
                cost: Cost::Unpriced(Unpriced::NoUsage),
                outcome,
                latency_us: 0,
                occurred_at: now,
            },
        })
    }

    /// Sets what was used, and prices it. Figures beyond what can be kept make the cost
    /// [implausible](Unpriced::Implausible), and are themselves left out.
    #[must_use]
    pub fn used(mut self, usage: TokenUsage, prices: Option<(&PriceVersion, &PriceList)>) -> Self {
        let cost = Cost::of(&usage, prices)
            .ok()
            .filter(|_| is_keepable(&usage));
        (self.fact.usage, self.fact.cost) = match cost {
            Some(cost) => (usage, cost),
            None => (TokenUsage::new(), Cost::Unpriced(Unpriced::Implausible)),
        };
        self
    }

    /// Sets what was used as far as the provider said, and leaves it unpriced: what it did not say would otherwise
    /// count as nothing. Figures beyond what can be kept are left out, as by [`used`](Self::used).
    #[must_use]
    pub fn used_in_part(self, usage: TokenUsage) -> Self {
        let mut entry = self.used(usage, None);
        if entry.fact.cost == Cost::Unpriced(Unpriced::NoPrice) {
            entry.fact.cost = Cost::Unpriced(Unpriced::PartialUsage);
        }
        entry
    }

    /// Sets the model that the provider said it served.
    #[must_use]
    pub fn served(mut self, model: ModelName) -> Self {
        self.fact.served = Some(model);
        self
    }

    /// Sets the provider's own id of the request: its first 128 characters, without control characters.
    #[must_use]
    pub fn provider_request_id(mut self, id: &str) -> Self {
        self.fact.provider_request_id = keepable(id);
        self
    }

    /// Sets what sort of task the prompt was, such as `translation`: its first 128 characters, without control
    /// characters.
    #[must_use]
    pub fn task_type(mut self, task: &str) -> Self {
        self.fact.task_type = keepable(task);
        self
    }

    /// Sets how long the provider took; kept in microseconds.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.fact.latency_us = i64::try_from(latency.as_micros()).unwrap_or(i64::MAX);
        self
    }

    /// Sets when it happened; the moment of [`new`](Self::new) by default.
    #[must_use]
    pub fn occurred_at(mut self, at: Timestamp) -> Self {
        self.fact.occurred_at = at;
        self
    }

    /// Its key in the ledger. Recording gives it, so that before that it names nothing: take that of
    /// [`Recorded::entry`](crate::Recorded::entry).
    #[must_use]
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// Which attempt it books.
    #[must_use]
    pub fn attempt(&self) -> AttemptId {
        self.fact.attempt
    }

    /// Who the attempt was for.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.fact.principal
    }

    /// Whom its cost is attributed to.
    #[must_use]
    pub fn attribution(&self) -> &Attribution {
        &self.fact.attribution
    }

    /// Which provider it went to.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        self.fact.requested.provider()
    }

    /// Which model was asked for.
    #[must_use]
    pub fn requested_model(&self) -> &ModelRef {
        &self.fact.requested
    }

    /// Which model the provider said it served.
    #[must_use]
    pub fn served_model(&self) -> Option<&ModelName> {
        self.fact.served.as_ref()
    }

    /// What was used.
    #[must_use]
    pub fn usage(&self) -> &TokenUsage {
        &self.fact.usage
    }

    /// What it cost.
    #[must_use]
    pub fn cost(&self) -> &Cost {
        &self.fact.cost
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.fact.outcome
    }

    /// When it happened.
    #[must_use]
    pub fn happened_at(&self) -> Timestamp {
        self.fact.occurred_at
    }

    /// When it was written into the ledger.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// The entry as it is tried to be written now. Its key is new, so that a row that has it is the one of this
    /// try and no other, also when the same entry is recorded twice.
    pub(crate) fn stamped(mut self) -> Self {
        self.id = EntryId(Uuid::now_v7());
        self.recorded_at = Timestamp::now();
        self
    }

    /// What is unique about it: which attempt of which turn of which operation.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        self.fact.attempt.to_string()
    }

    /// SHA-256 of all that it says, in hexadecimal.
    #[must_use]
    pub fn payload_hash(&self) -> String {
        // Serialising plain data of strings and integers into memory does not fail.
        let text = serde_json::to_vec(&self.fact).unwrap_or_default();
        let digest = Sha256::digest(&text);
        digest
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }
}

/// What every engine can keep of a text that somebody else wrote: `PostgreSQL` refuses NUL, and a booking must not
/// fail for it.
fn keepable(text: &str) -> Option<String> {
    let plain = text.chars().filter(|c| !c.is_control());
    let kept: String = plain.take(LONGEST_TEXT).collect();
    (!kept.is_empty()).then_some(kept)
}

fn is_keepable(usage: &TokenUsage) -> bool {
    let fits = |count: u64| i64::try_from(count).is_ok();
    usage.reported().all(|(_, count)| fits(count))
        && match usage.total() {
            Count::Reported(total) => fits(total),
            Count::Absent => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OperationId;
    use lattice_lock_providers::Bucket;

    fn entry(operation: OperationId) -> Entry {
        let who = Principal::external("user-17").unwrap();
        let model = "openai/gpt-5-mini".parse().unwrap();
        Entry::new(AttemptId::first(operation), &who, model, Outcome::Replied)
            .unwrap()
            .occurred_at(Timestamp::from_micros(7))
    }

    #[test]
    fn the_hash_covers_what_happened_and_not_who_wrote_it_down_when() {
        let operation = OperationId::generate();
        let (one, two) = (entry(operation), entry(operation));
        assert_ne!(one.id(), two.id());
        assert_eq!(one.payload_hash(), two.payload_hash());
        let more = two.used(TokenUsage::new().with(Bucket::Input, 1), None);
        assert_ne!(one.payload_hash(), more.payload_hash());
    }

    /// Rows are checked against their hash for as long as they are kept: whatever changes these texts makes every
    /// row that was written before unreadable.
    #[test]
    fn the_hash_of_a_written_entry_never_changes() {
        let operation = OperationId::from_uuid(Uuid::from_u128(17));
        let plain = entry(operation);
        let list = PriceList::new([(Bucket::Input, "0.25")].map(|(bucket, usd)| {
            (
                bucket,
                lattice_lock_providers::Price::per_million(usd).unwrap(),
            )
        }));
        let usage = TokenUsage::new().with(Bucket::Input, 7).with_total(7);
        let full = entry(operation)
            .used(usage, Some((&PriceVersion::new("v"), &list)))
            .served("gpt-5-mini-2025-08-07".parse().unwrap())
            .provider_request_id("req-1")
            .task_type("translation")
            .latency(Duration::from_micros(9));
        let hashes = [plain, full].map(|entry| entry.payload_hash());
        assert_eq!(
            hashes,
            [
                "e6e00c572ffb4755bc35544ae3c0f99e869619c736246482d9fa653da17d0273",
                "c35101e211fcd78599ce0107eb224c31410ad9086665a0105f2179fccec6d03c",
            ]
        );
    }

    #[test]
    fn figures_that_cannot_be_kept_are_implausible_and_not_zero() {
        for usage in [
            TokenUsage::new().with(Bucket::Input, u64::MAX),
            TokenUsage::new().with_total(u64::MAX),
        ] {
            let booked = entry(OperationId::generate()).used(usage, None);
            assert_eq!(booked.cost(), &Cost::Unpriced(Unpriced::Implausible));
            assert!(booked.usage().is_absent());
        }
    }

    #[test]
    fn half_a_report_is_kept_and_not_priced() {
        let half = TokenUsage::new().with(Bucket::Input, 7);
        let booked = entry(OperationId::generate()).used_in_part(half);
        assert_eq!(booked.cost(), &Cost::Unpriced(Unpriced::PartialUsage));
        assert_eq!(booked.usage(), &half);
        let absurd = TokenUsage::new().with(Bucket::Input, u64::MAX);
        let booked = entry(OperationId::generate()).used_in_part(absurd);
        assert_eq!(booked.cost(), &Cost::Unpriced(Unpriced::Implausible));
    }

    #[test]
    fn a_bad_label_is_found_before_anything_is_booked() {
        let who = Principal::external("user-17").unwrap().team("\n");
        let model = "openai/gpt-5-mini".parse().unwrap();
        let attempt = AttemptId::first(OperationId::generate());
        assert!(Entry::new(attempt, &who, model, Outcome::Replied).is_err());
    }
}
