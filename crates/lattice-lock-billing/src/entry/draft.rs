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

/// How an entry is made: [`new`](Self::new) for an attempt or [`charge`](Self::charge) for anything else, then the
/// setters, then [`Ledger::record`](crate::Ledger::record). One of `used`, `rated`, `estimated`, `used_in_part`,
/// `reported_cost` and `reported_foreign_cost` sets the cost; of several the last one holds.
impl Entry {
    /// An attempt at a model, for a principal, with nothing known of its usage yet: it is [unpriced](Unpriced::NoUsage)
    /// until a setter says more.
    ///
    /// It is dated now, and when it happened is part of what it says. Whoever records again, such as after an error,
    /// records the same entry or a clone of it: one that is made anew a moment later says something else, which is a
    /// [conflict](crate::codes::ENTRY_CONFLICT) unless it is [dated](Self::occurred_at) as the first one was.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome, Tariff};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
    /// use std::time::Duration;
    ///
    /// let (version, list) = (
    ///     PriceVersion::new("contract-7"),
    ///     PriceList::new([(Bucket::Input, Price::per_million("0.25")?), (Bucket::Output, Price::per_million("2")?)]),
    /// );
    /// let attempt = AttemptId::first(OperationId::generate());
    /// let who = Principal::external("user-17")?.team("search");
    /// let usage = TokenUsage::new().with(Bucket::Input, 1_000).with(Bucket::Output, 100);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5-mini".parse()?, Outcome::Replied)?
    ///     .served("gpt-5-mini-2025-08-07".parse()?)
    ///     .provider_request_id("req-1")
    ///     .latency(Duration::from_millis(830))
    ///     .rated(usage, Some(&Tariff::new(&version, &list)));
    /// assert_eq!(entry.cost().to_string(), "$0.00045");
    /// assert_eq!((entry.attribution().team(), entry.latency_micros()), (Some("search"), Some(830_000)));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a label of the principal broke the rules, [`LABEL_INVALID`](lattice_lock_principal::codes::LABEL_INVALID)
    /// or [`TOO_MANY_TAGS`](lattice_lock_principal::codes::TOO_MANY_TAGS): see
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
    /// The amount is exact and known. It is in the ledger's [total](crate::Ledger::total); it belongs to no operation,
    /// and so is found by [`list`](crate::Ledger::list) and not by [`of_operation`](crate::Ledger::of_operation). An
    /// import that may run twice [dates](Self::occurred_at) its charges by the invoice, so that the second run books
    /// nothing new:
    ///
    /// ```
    /// use lattice_lock_billing::{Entry, Ledger, Money};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::{Database, Timestamp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (who, dated) = (Principal::service("invoices")?, Timestamp::from_micros(1_793_491_200_000_000));
    /// for replayed in [false, true] {
    ///     let charge = Entry::charge("2026-11/17".parse()?, &who, "openai/file_storage".parse()?, Money::cents(120))?;
    ///     let recorded = ledger.record(charge.occurred_at(dated), None).await?;
    ///     assert_eq!(recorded.replayed, replayed);
    /// }
    /// assert_eq!(ledger.total().await?.total_usd.to_string(), "1.20");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A credit is a charge below zero. One in another currency takes
    /// [`reported_foreign_cost`](Self::reported_foreign_cost) on top, which replaces the amount.
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
    ///
    /// Nothing is taken back: both stay in the ledger, and the later one holds. Recording it changes the total by the
    /// [difference](Self::effect). It stays in the period of what it corrects, unless it is [dated](Self::occurred_at)
    /// anew. Take the entry as the ledger gave it, by [`Recorded::entry`](crate::Recorded::entry) or by reading it: a
    /// correction of one that is not in the ledger, or not its last revision, is refused.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, Money, OperationId, Outcome, codes};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let draft = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let draft = draft.reported_cost(Money::cents(5));
    /// let early = ledger.record(draft.corrected("too early"), None).await.unwrap_err();
    /// assert_eq!(early.code(), codes::NOTHING_TO_CORRECT);
    ///
    /// let kept = ledger.record(draft, None).await?.entry;
    /// ledger.record(kept.corrected("invoice 4").reported_cost(Money::cents(4)), None).await?;
    /// // Somebody else has the same revision in hand, and has to read again.
    /// let other = ledger.record(kept.corrected("invoice 5").reported_cost(Money::cents(3)), None).await.unwrap_err();
    /// assert_eq!(other.code(), codes::ENTRY_CONFLICT);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn corrected(&self, reason: &str) -> Self {
        let mut entry = self.clone();
        entry.position = None;
        entry.fact.kind = EntryKind::Correction;
        entry.fact.revision = self.fact.revision.saturating_add(1);
        entry.fact.reason = keepable(reason);
        entry
    }

    /// That nothing is owed for this entry, which must be the last revision: it used and cost nothing. The total
    /// becomes less by what it cost, and an attempt whose cost was not known is not counted as unpriced any more.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Cost, Entry, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let kept = ledger.record(entry, None).await?.entry;
    /// assert_eq!(ledger.total().await?.unpriced, 1);
    /// let void = ledger.record(kept.voided("the provider never had it"), None).await?.entry;
    /// assert_eq!((void.cost(), void.usage().is_absent()), (&Cost::Void, true));
    /// assert_eq!((ledger.total().await?.unpriced, ledger.total().await?.entries), (0, 2));
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// The prices are for standard service and without a discount, and the entry says so, whatever it said before:
    /// [`rated`](Self::rated) takes a tariff with both. Without prices it is [unpriced](Unpriced::NoPrice), and its
    /// usage is kept.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Cost, Entry, OperationId, Outcome, Unpriced};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let unpriced = entry.clone().used(TokenUsage::new().with(Bucket::Input, 7), None);
    /// assert_eq!((unpriced.cost(), unpriced.usage().tokens()), (&Cost::Unpriced(Unpriced::NoPrice), Some(7)));
    /// // More than 2⁶³ − 1 of anything is no count.
    /// let absurd = entry.used(TokenUsage::new().with(Bucket::Input, u64::MAX), None);
    /// assert_eq!((absurd.cost(), absurd.usage().tokens()), (&Cost::Unpriced(Unpriced::Implausible), None));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn used(self, usage: TokenUsage, prices: Option<(&PriceVersion, &PriceList)>) -> Self {
        self.rated(usage, prices.map(Tariff::from).as_ref())
    }

    /// [`used`](Self::used) by a tariff, whose service tier and discount are kept too. Without a tariff those stay as
    /// they are, and the cost is [not known](Unpriced::NoPrice).
    ///
    /// This is what takes the answer of [`Tariff::find`]: where no price was found, the usage is kept, and a
    /// [repricing](crate::Ledger::reprice) prices it later.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Discount, Entry, OperationId, Outcome, Tariff};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
    ///
    /// let (version, list) = (PriceVersion::new("v"), PriceList::new([(Bucket::Input, Price::per_million("1")?)]));
    /// let tariff = Tariff::new(&version, &list).discounted(Discount::percent("10")?);
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?
    ///     .rated(TokenUsage::new().with(Bucket::Input, 1_000), Some(&tariff));
    /// assert_eq!((entry.cost().to_string(), entry.discount().to_string()), ("$0.0009".into(), "10 %".into()));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
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

    /// [`rated`](Self::rated), of a usage that nobody reported: the cost is an estimate and says so. It is in every
    /// sum, which counts it as estimated; the usage is summed as a reported one is. Without prices, it is unpriced as
    /// that of [`used`](Self::used) is.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome, Tariff, UsageAccumulator};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, FailureClass, Price, PriceList, PriceVersion, TokenUsage};
    ///
    /// let (version, list) = (PriceVersion::new("v"), PriceList::new([(Bucket::Input, Price::per_million("1.25")?)]));
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let timeout = Outcome::Failed(FailureClass::Timeout);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, timeout)?
    ///     .estimated(TokenUsage::new().with(Bucket::Input, 4_000), Some(&Tariff::new(&version, &list)));
    /// assert_eq!(entry.cost().to_string(), "$0.005 (estimated)");
    /// let sum = UsageAccumulator::of_entries([&entry])?;
    /// assert_eq!((sum.estimated(), sum.unpriced(), sum.cost().to_string()), (1, 0, "0.005".into()));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn estimated(self, usage: TokenUsage, tariff: Option<&Tariff<'_>>) -> Self {
        let entry = self.rated(usage, tariff);
        let cost = entry.fact.cost.clone().into_estimate();
        entry.costing(cost)
    }

    /// Sets what was used as far as the provider said, and leaves it unpriced: what it did not say would otherwise
    /// count as nothing. Figures beyond what can be kept are left out, as by [`used`](Self::used). Where it said
    /// nothing at all, the reason is [`NoUsage`](Unpriced::NoUsage).
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Cost, Entry, OperationId, Outcome, Unpriced};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// // The stream was cut before the provider counted its reply.
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?
    ///     .used_in_part(TokenUsage::new().with(Bucket::Input, 700));
    /// assert_eq!((entry.cost(), entry.usage().tokens()), (&Cost::Unpriced(Unpriced::PartialUsage), Some(700)));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn used_in_part(self, usage: TokenUsage) -> Self {
        let entry = self.rated(usage, None);
        if entry.fact.cost == Cost::Unpriced(Unpriced::NoPrice) {
            return entry.costing(Cost::Unpriced(Unpriced::PartialUsage));
        }
        entry
    }

    /// Sets the cost to what the provider itself said that it charges; the usage stays as it is. A discount that was
    /// set before is dropped: what the provider says is what it charges. No repricing changes it.
    ///
    /// Not for an amount that somebody computed: that one should say its prices, by [`rated`](Self::rated).
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openrouter/auto".parse()?, Outcome::Replied)?
    ///     .used(TokenUsage::new().with(Bucket::Input, 700), None)
    ///     .reported_cost("0.0042".parse()?);
    /// assert_eq!(entry.cost().to_string(), "$0.0042 (by the provider)");
    /// assert_eq!((entry.usage().tokens(), entry.cost().version()), (Some(700), None));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn reported_cost(mut self, amount: Money) -> Self {
        self.fact.foreign = None;
        self.fact.discount = Discount::NONE;
        self.costing(Cost::ProviderReported { amount })
    }

    /// [`reported_cost`](Self::reported_cost) in another currency, by a rate that is kept with it. The dollars are
    /// rounded half-even once, and are what every sum takes.
    ///
    /// ```
    /// use lattice_lock_billing::{Entry, ForeignAmount, Money};
    /// use lattice_lock_principal::Principal;
    ///
    /// let who = Principal::service("invoices")?;
    /// let fee = ForeignAmount::new("EUR".parse()?, "10.00", "1.0825", "ECB 2026-11-20")?;
    /// let charge = Entry::charge("2026-11/18".parse()?, &who, "mistral/file_storage".parse()?, Money::ZERO)?
    ///     .reported_foreign_cost(fee.clone())?;
    /// assert_eq!(charge.cost().to_string(), "$10.825 (by the provider)");
    /// assert_eq!(charge.foreign_amount(), Some(&fee));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`](crate::codes::OUT_OF_RANGE) when the amount is beyond ± 9.2 billion dollars, or the exact
    /// product has too many digits.
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

    /// Sets the model that the provider said it served; absent by default. A [repricing](crate::Ledger::reprice) looks
    /// for its prices first.
    #[must_use]
    pub fn served(mut self, model: ModelName) -> Self {
        self.fact.served = Some(model);
        self
    }

    /// Sets the provider's own id of the request: its first 128 characters, without control characters. Absent by
    /// default, and where nothing is left of it.
    #[must_use]
    pub fn provider_request_id(mut self, id: &str) -> Self {
        self.fact.provider_request_id = keepable(id);
        self
    }

    /// Sets what sort of task the prompt was, such as `translation`: its first 128 characters, without control
    /// characters. Absent by default. It is a label for reports, and no place for the prompt.
    ///
    /// A booking must not fail for what somebody else calls things, so that a text is cut and never refused:
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// assert_eq!(entry.clone().task_type("trans\nlation\0").task(), Some("translation"));
    /// assert_eq!(entry.clone().task_type(&"ü".repeat(500)).task(), Some("ü".repeat(128).as_str()));
    /// assert_eq!(entry.task_type("\0").task(), None);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn task_type(mut self, task: &str) -> Self {
        self.fact.task_type = keepable(task);
        self
    }

    /// Sets the conversation that it is part of, by a pseudonym: its first 128 characters, without control characters.
    /// Absent by default.
    #[must_use]
    pub fn in_conversation(mut self, conversation: &str) -> Self {
        self.fact.conversation = keepable(conversation);
        self
    }

    /// Sets how urgently it was served. Standard by default. It changes no cost, and [`rated`](Self::rated) and
    /// [`used`](Self::used) with prices set it to that of those, so that it is needed only where the cost is set by
    /// something else.
    #[must_use]
    pub fn service_tier(mut self, tier: ServiceTier) -> Self {
        self.fact.service_tier = tier;
        self
    }

    /// Sets how long the provider took; kept in whole microseconds, absent by default.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.fact.latency_us = Some(i64::try_from(latency.as_micros()).unwrap_or(i64::MAX));
        self
    }

    /// Sets when it happened; the moment of [`new`](Self::new) by default. It decides to which [period](crate::Period)
    /// it belongs and by the prices of which day it is repriced. That it is not in the future is not looked at.
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
