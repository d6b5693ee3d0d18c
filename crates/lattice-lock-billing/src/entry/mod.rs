mod draft;
mod fact;
mod kind;

use lattice_lock_principal::{Attribution, PrincipalId, PrincipalKind};
use lattice_lock_providers::{ModelName, ModelRef, ProviderId, ServiceTier, TokenUsage};
use lattice_lock_repository::Timestamp;
use serde::Serialize;

use crate::{AttemptId, Cost, Discount, ForeignAmount, Money};

pub(crate) use draft::keepable;
#[cfg(feature = "__sql")]
pub(crate) use fact::is_known;
pub(crate) use fact::{Effect, Fact};
pub(crate) use kind::Subject;
pub use kind::{ChargeKey, EntryId, EntryKind, Outcome, Position};

/// One immutable billing fact: what an attempt used that was, or may have been, billed; a correction of it; or another
/// charge.
///
/// It holds no prompt and no person: ids are the caller's pseudonyms. Made with [`Entry::new`] and the setters, and
/// never changed after it is [recorded](crate::Ledger::record).
///
/// What was wrong is corrected by a new entry, made from the last revision with [`corrected`](Self::corrected) or
/// [`voided`](Self::voided):
///
/// ```
/// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome};
/// use lattice_lock_principal::Principal;
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let ledger = Ledger::new(&Database::in_memory());
/// let attempt = AttemptId::first(OperationId::generate());
/// let who = Principal::external("user-17")?;
/// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
/// let kept = ledger.record(entry.reported_cost("0.02".parse()?), None).await?.entry;
///
/// let cheaper = kept.corrected("credit note 12").reported_cost("0.01".parse()?);
/// let cheaper = ledger.record(cheaper, None).await?.entry;
/// assert_eq!((cheaper.revision(), cheaper.effect().to_string()), (1, "-0.01".into()));
/// assert_eq!(ledger.total().await?.total_usd.to_string(), "0.01");
/// # Ok(())
/// # }
/// ```
///
/// What a setter is not told is absent and not zero: the usage, the cost, the latency, the served model. Amounts are in
/// nano-USD and were rounded once; moments are microseconds since 1970 (UTC), the latency is in microseconds. In JSON,
/// such as that of an [export](crate::Ledger::export), amounts are text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub(crate) id: EntryId,
    pub(crate) recorded_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<Position>,
    #[serde(flatten)]
    pub(crate) fact: Fact,
}

impl Entry {
    /// Its key in the ledger. Recording gives it, so that before that it is nil and names nothing: take that of
    /// [`Recorded::entry`](crate::Recorded::entry). What tells a replay is not this but the
    /// [key](Self::idempotency_key).
    #[must_use]
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// Where it stands in the ledger; none before it is in one, and so none in the acknowledgement of an entry that
    /// waits for the database.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// What sort of fact it is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.fact.kind
    }

    /// Which revision of what it says: 0, and one more for each correction. The last one holds.
    #[must_use]
    pub fn revision(&self) -> u16 {
        self.fact.revision
    }

    /// Why it was corrected or voided: what [`corrected`](Self::corrected) and [`voided`](Self::voided) were given,
    /// `repriced` for a [repricing](crate::Ledger::reprice), and `late` for an outcome that came after its attempt was
    /// given up. None of a first statement.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// assert_eq!(entry.reason(), None);
    /// assert_eq!(entry.voided("credit note 12").reason(), Some("credit note 12"));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.fact.reason.as_deref()
    }

    /// Whether nothing is owed for it any more. An entry that was voided later does not say so: its last revision does.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.fact.kind == EntryKind::Void
    }

    /// Which attempt it books or corrects; none for a charge that is no attempt.
    #[must_use]
    pub fn attempt(&self) -> Option<AttemptId> {
        match &self.fact.subject {
            Subject::Attempt(attempt) => Some(*attempt),
            Subject::Charge(_) => None,
        }
    }

    /// Who the attempt was for.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.fact.principal
    }

    /// What sort of caller that is.
    #[must_use]
    pub fn principal_kind(&self) -> PrincipalKind {
        self.fact.principal_kind
    }

    /// Whom its cost is attributed to: the labels that the principal had when the entry was made, whatever it has now.
    #[must_use]
    pub fn attribution(&self) -> &Attribution {
        &self.fact.attribution
    }

    /// The conversation that it is part of, by the host's pseudonym.
    #[must_use]
    pub fn conversation(&self) -> Option<&str> {
        self.fact.conversation.as_deref()
    }

    /// Which provider it went to: that of the [requested model](Self::requested_model).
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        self.fact.requested.provider()
    }

    /// Which model was asked for; of a charge, what is charged.
    #[must_use]
    pub fn requested_model(&self) -> &ModelRef {
        &self.fact.requested
    }

    /// Which model the provider said it served, such as a dated name; none where it said nothing.
    #[must_use]
    pub fn served_model(&self) -> Option<&ModelName> {
        self.fact.served.as_ref()
    }

    /// The provider's own id of the request, to find it on its invoice or to ask its support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.fact.provider_request_id.as_deref()
    }

    /// What sort of task the prompt was.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.fact.task_type.as_deref()
    }

    /// How urgently it was served.
    #[must_use]
    pub fn tier(&self) -> ServiceTier {
        self.fact.service_tier
    }

    /// What was used, in buckets that never overlap, beside the provider's own total; [absent](TokenUsage::is_absent)
    /// where nobody knows, and of what is void.
    #[must_use]
    pub fn usage(&self) -> &TokenUsage {
        &self.fact.usage
    }

    /// How many tokens the provider counted in its total and in no bucket: a flag where it is not zero. A priced cost
    /// has them in it, at the dearer of the two text rates: see [`CostBreakdown`](crate::CostBreakdown).
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let usage = TokenUsage::new().with(Bucket::Input, 80).with(Bucket::Output, 10).with_total(100);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?.used(usage, None);
    /// assert_eq!(entry.residual(), 10);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn residual(&self) -> u64 {
        crate::cost::unexplained(&self.fact.usage).unwrap_or(0)
    }

    /// What was taken off the price: it is in the cost already. None for what the provider itself said that it charges.
    #[must_use]
    pub fn discount(&self) -> Discount {
        self.fact.discount
    }

    /// What it cost in all, as this revision says. To add up entries, take [`effect`](Self::effect) of all of them, or
    /// the cost of each last revision as [`UsageAccumulator::of_entries`](crate::UsageAccumulator::of_entries) does;
    /// the costs of all revisions together count a corrected attempt more than once.
    #[must_use]
    pub fn cost(&self) -> &Cost {
        &self.fact.cost
    }

    /// What was charged in another currency, and by which rate that was made dollars. The [cost](Self::cost) is those
    /// dollars.
    #[must_use]
    pub fn foreign_amount(&self) -> Option<&ForeignAmount> {
        self.fact.foreign.as_ref()
    }

    /// By how much it changes the total: its cost if that is known, and of a correction the difference from the
    /// revision before. The sum over all entries is that over all last revisions, so that a report adds this up and
    /// leaves nothing out. A cost that is not known is zero here, and counted beside it, by
    /// [`LedgerTotal::unpriced`](crate::LedgerTotal::unpriced).
    ///
    /// Recording makes the difference. Of a correction that is not recorded yet, or whose acknowledgement says that it
    /// waits for the database, it is not that: read the entry back from the ledger.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, Money, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let kept = ledger.record(entry.reported_cost(Money::cents(5)), None).await?.entry;
    /// ledger.record(kept.corrected("invoice 4").reported_cost(Money::cents(7)), None).await?;
    ///
    /// let entries = ledger.list(None, 100).await?;
    /// let effects: Vec<_> = entries.iter().map(|entry| entry.effect()).collect();
    /// assert_eq!(effects, [Money::cents(5), Money::cents(2)]);
    /// assert_eq!(ledger.total().await?.total_usd, effects.into_iter().sum());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn effect(&self) -> Money {
        self.fact.effect.amount
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.fact.outcome
    }

    /// How long the provider took, in microseconds, if somebody measured it.
    #[must_use]
    pub fn latency_micros(&self) -> Option<u64> {
        self.fact.latency_us.and_then(|us| u64::try_from(us).ok())
    }

    /// When it happened: the moment by which it belongs to a [period](crate::Period), and to a day of the prices. A
    /// correction has that of what it corrects, unless it is given another.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Timestamp;
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let day = Timestamp::from_micros(1_793_491_200_000_000); // 2026-11-01
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?.occurred_at(day);
    /// assert_eq!(entry.corrected("credit note 12").happened_at(), day);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn happened_at(&self) -> Timestamp {
        self.fact.occurred_at
    }

    /// When it was given to [`record`](crate::Ledger::record), by that process's clock; of one that waited for the
    /// database still that moment. It is not part of what makes two entries the same.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// What is unique about it: which attempt of which turn of which operation, or which charge, and which revision.
    ///
    /// The ledger has each key once. It is `operation/turn/attempt`, or `charge:` and the charge's own key; a revision
    /// is behind a `#`.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Money, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    ///
    /// let (operation, who) = (OperationId::generate(), Principal::external("user-17")?);
    /// let entry = Entry::new(AttemptId::new(operation, 1, 2), &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// assert_eq!(entry.idempotency_key(), format!("{operation}/1/2"));
    /// assert_eq!(entry.corrected("a typo").idempotency_key(), format!("{operation}/1/2#1"));
    /// let charge = Entry::charge("invoice 7/1".parse()?, &who, "openai/file_storage".parse()?, Money::cents(5))?;
    /// assert_eq!(charge.idempotency_key(), "charge:invoice 7/1");
    /// assert_eq!(charge.voided("not ours").idempotency_key(), "charge#1:invoice 7/1");
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        self.fact.subject.key(self.fact.revision)
    }

    /// The version of the hash, a colon, and the SHA-256 of all that it says, in hexadecimal.
    ///
    /// The ledger keeps it beside the entry, and checks it whenever a row is read, so that a row that somebody changed
    /// is noticed. What is the same with the same figures has the same hash: neither the [id](Self::id) nor the
    /// [position](Self::position) nor when it was recorded is part of it.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let kept = ledger.record(entry.clone(), None).await?.entry;
    /// assert_ne!(entry.id(), kept.id());
    /// assert_eq!(entry.payload_hash(), kept.payload_hash());
    /// assert!(kept.payload_hash().starts_with("1:"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn payload_hash(&self) -> String {
        self.fact.hash()
    }
}
