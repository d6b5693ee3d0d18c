use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_principal::Principal;
use lattice_lock_providers::{
    Count, ModelName, ModelRef, PriceList, PriceVersion, ServiceTier, TokenUsage,
};
use lattice_lock_repository::Timestamp;

use super::kind::{ChargeKey, EntryId, EntryKind, Outcome, Subject};
use super::{Effect, Entry, Fact};
use crate::{AttemptId, Cost, Discount, ForeignAmount, Money, Tariff, Unpriced};

/// The longest foreign text that is kept, in characters.
const LONGEST_TEXT: usize = 128;

/// How an entry is made.
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
        let subject = Subject::Attempt(attempt);
        Self::about(subject, EntryKind::Usage, principal, requested, outcome)
    }

    /// Something that a provider charges for and that is no attempt: under a key that makes it one of a kind, what it
    /// is, such as `openai/file_storage`, and how much.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn charge(
        key: ChargeKey,
        principal: &Principal,
        what: ModelRef,
        amount: Money,
    ) -> Result<Self> {
        let (subject, kind) = (Subject::Charge(key), EntryKind::Charge);
        let entry = Self::about(subject, kind, principal, what, Outcome::Charged)?;
        Ok(entry.reported_cost(amount))
    }

    fn about(
        subject: Subject,
        kind: EntryKind,
        principal: &Principal,
        requested: ModelRef,
        outcome: Outcome,
    ) -> Result<Self> {
        let now = Timestamp::now();
        let cost = Cost::Unpriced(Unpriced::NoUsage);
        Ok(Self {
            id: EntryId::NONE,
            recorded_at: now,
            position: None,
            fact: Fact {
                subject,
                kind,
                revision: 0,
                reason: None,
                principal: principal.id().clone(),
                principal_kind: principal.kind(),
                attribution: Arc::clone(principal.attribution()?),
                conversation: None,
                requested,
                served: None,
                provider_request_id: None,
                task_type: None,
                service_tier: ServiceTier::Standard,
                usage: TokenUsage::new(),
                discount: Discount::NONE,
                effect: Effect::of(&cost),
                cost,
                foreign: None,
                outcome,
                latency_us: None,
                occurred_at: now,
            },
        })
    }

    /// A correction of this entry, which must be the last revision: the same statement once more, of which the setters
    /// change what was wrong. Of the reason the first 128 characters are kept, without control characters.
    #[must_use]
    pub fn corrected(&self, reason: &str) -> Self {
        let mut entry = self.clone();
        entry.position = None;
        entry.fact.kind = EntryKind::Correction;
        entry.fact.revision = self.fact.revision.saturating_add(1);
        entry.fact.reason = keepable(reason);
        entry
    }

    /// That nothing is owed for this entry, which must be the last revision: it used and cost nothing.
    #[must_use]
    pub fn voided(&self, reason: &str) -> Self {
        let mut entry = self.corrected(reason);
        entry.fact.kind = EntryKind::Void;
        entry.fact.usage = TokenUsage::new();
        entry.fact.foreign = None;
        entry.costing(Cost::Void)
    }

    /// Sets what was used, and prices it. A cost beyond what can be kept is [implausible](Unpriced::Implausible); so is
    /// that of counts beyond it, which are themselves left out.
    #[must_use]
    pub fn used(self, usage: TokenUsage, prices: Option<(&PriceVersion, &PriceList)>) -> Self {
        self.rated(usage, prices.map(Tariff::from).as_ref())
    }

    /// [`used`](Self::used) by a tariff, whose service tier and discount are kept too.
    #[must_use]
    pub fn rated(mut self, usage: TokenUsage, tariff: Option<&Tariff<'_>>) -> Self {
        if let Some(tariff) = tariff {
            self.fact.service_tier = tariff.tier;
            self.fact.discount = tariff.discount;
        }
        self.fact.foreign = None;
        let implausible = Cost::Unpriced(Unpriced::Implausible);
        if !is_keepable(&usage) {
            self.fact.usage = TokenUsage::new();
            return self.costing(implausible);
        }
        self.fact.usage = usage;
        self.costing(Cost::of(&usage, tariff).unwrap_or(implausible))
    }

    /// [`rated`](Self::rated), of a usage that nobody reported: the cost is an estimate and says so.
    #[must_use]
    pub fn estimated(self, usage: TokenUsage, tariff: Option<&Tariff<'_>>) -> Self {
        let entry = self.rated(usage, tariff);
        let cost = entry.fact.cost.clone().into_estimate();
        entry.costing(cost)
    }

    /// Sets what was used as far as the provider said, and leaves it unpriced: what it did not say would otherwise
    /// count as nothing. Figures beyond what can be kept are left out, as by [`used`](Self::used).
    #[must_use]
    pub fn used_in_part(self, usage: TokenUsage) -> Self {
        let entry = self.rated(usage, None);
        if entry.fact.cost == Cost::Unpriced(Unpriced::NoPrice) {
            return entry.costing(Cost::Unpriced(Unpriced::PartialUsage));
        }
        entry
    }

    /// Sets the cost to what the provider itself said that it charges; the usage stays as it is.
    #[must_use]
    pub fn reported_cost(mut self, amount: Money) -> Self {
        self.fact.foreign = None;
        self.fact.discount = Discount::NONE;
        self.costing(Cost::ProviderReported { amount })
    }

    /// [`reported_cost`](Self::reported_cost) in another currency, by a rate that is kept with it.
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`](crate::codes::OUT_OF_RANGE) when the amount is beyond ± 9.2 billion dollars.
    pub fn reported_foreign_cost(self, amount: ForeignAmount) -> Result<Self> {
        let mut entry = self.reported_cost(amount.to_usd()?);
        entry.fact.foreign = Some(amount);
        Ok(entry)
    }

    fn costing(mut self, cost: Cost) -> Self {
        self.fact.effect = Effect::of(&cost);
        self.fact.cost = cost;
        self
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

    /// Sets the conversation that it is part of, by a pseudonym: its first 128 characters, without control characters.
    #[must_use]
    pub fn in_conversation(mut self, conversation: &str) -> Self {
        self.fact.conversation = keepable(conversation);
        self
    }

    /// Sets how urgently it was served; [`rated`](Self::rated) sets that of its tariff. Standard by default.
    #[must_use]
    pub fn service_tier(mut self, tier: ServiceTier) -> Self {
        self.fact.service_tier = tier;
        self
    }

    /// Sets how long the provider took; kept in microseconds, absent by default.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.fact.latency_us = Some(i64::try_from(latency.as_micros()).unwrap_or(i64::MAX));
        self
    }

    /// Sets when it happened; the moment of [`new`](Self::new) by default.
    #[must_use]
    pub fn occurred_at(mut self, at: Timestamp) -> Self {
        self.fact.occurred_at = at;
        self
    }

    /// The entry as it is tried to be written now. Its key is new, so that a row that has it is the one of this
    /// try and no other, also when the same entry is recorded twice.
    pub(crate) fn stamped(mut self, now: Timestamp) -> Self {
        self.id = EntryId::generate();
        self.recorded_at = now;
        self.position = None;
        self
    }
}

/// What every engine can keep of a text that somebody else wrote: `PostgreSQL` refuses NUL, and a booking must not
/// fail for it.
pub(crate) fn keepable(text: &str) -> Option<String> {
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
        let recorded = |at| entry(operation).stamped(Timestamp::from_micros(at));
        let (one, two) = (recorded(8), recorded(9));
        assert_ne!(one.id(), two.id());
        assert_eq!(one.payload_hash(), two.payload_hash());
        let more = two.used(TokenUsage::new().with(Bucket::Input, 1), None);
        assert_ne!(one.payload_hash(), more.payload_hash());
    }

    /// Rows are checked against their hash for as long as they are kept: whatever changes these texts makes every
    /// row that was written before unreadable.
    #[test]
    fn the_hash_of_a_written_entry_never_changes() {
        let operation = OperationId::from_uuid(uuid::Uuid::from_u128(17));
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
                "1:d12e6647a1cbef4e324488d487718e2ce2162ef05e7527ba2ef3fce2bc3dde90",
                "1:fef8224634394bb6afc696765171892bc310d7b5e2316f67bb8223da514d0623",
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
    fn a_usage_that_can_be_kept_is_kept_where_its_cost_cannot() {
        let dear = lattice_lock_providers::Price::per_million("1000000").unwrap();
        let list = PriceList::new([(Bucket::Input, dear)]);
        let usage = TokenUsage::new().with(Bucket::Input, 10_000_000_000);
        let version = PriceVersion::new("v");
        let booked = entry(OperationId::generate()).used(usage, Some((&version, &list)));
        assert_eq!(booked.usage(), &usage);
        assert_eq!(booked.cost(), &Cost::Unpriced(Unpriced::Implausible));
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
