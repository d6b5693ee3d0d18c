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
/// It holds no prompt and no person: ids are the caller's pseudonyms. Made with [`Entry::new`] and the
/// setters, and never changed after it is [recorded](crate::Ledger::record).
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
    /// [`Recorded::entry`](crate::Recorded::entry).
    #[must_use]
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// Where it stands in the ledger; none before it is in one.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// What sort of fact it is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.fact.kind
    }

    /// Which revision of what it says: 0, and one more for each correction.
    #[must_use]
    pub fn revision(&self) -> u16 {
        self.fact.revision
    }

    /// Why it was corrected or voided, or what a charge is for.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.fact.reason.as_deref()
    }

    /// Whether nothing is owed for it any more.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.fact.kind == EntryKind::Void
    }

    /// Which attempt it books; none for a charge that is no attempt.
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

    /// Whom its cost is attributed to.
    #[must_use]
    pub fn attribution(&self) -> &Attribution {
        &self.fact.attribution
    }

    /// The conversation that it is part of.
    #[must_use]
    pub fn conversation(&self) -> Option<&str> {
        self.fact.conversation.as_deref()
    }

    /// Which provider it went to.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        self.fact.requested.provider()
    }

    /// Which model was asked for; of a charge, what is charged.
    #[must_use]
    pub fn requested_model(&self) -> &ModelRef {
        &self.fact.requested
    }

    /// Which model the provider said it served.
    #[must_use]
    pub fn served_model(&self) -> Option<&ModelName> {
        self.fact.served.as_ref()
    }

    /// The provider's own id of the request.
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

    /// What was used.
    #[must_use]
    pub fn usage(&self) -> &TokenUsage {
        &self.fact.usage
    }

    /// How many tokens the provider counted in its total and in no bucket: a flag where it is not zero.
    #[must_use]
    pub fn residual(&self) -> u64 {
        crate::cost::unexplained(&self.fact.usage).unwrap_or(0)
    }

    /// What was taken off the price.
    #[must_use]
    pub fn discount(&self) -> Discount {
        self.fact.discount
    }

    /// What it cost.
    #[must_use]
    pub fn cost(&self) -> &Cost {
        &self.fact.cost
    }

    /// What was charged in another currency, and by which rate that was made dollars.
    #[must_use]
    pub fn foreign_amount(&self) -> Option<&ForeignAmount> {
        self.fact.foreign.as_ref()
    }

    /// By how much it changes the total: its cost if that is known, and of a correction the difference.
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

    /// What is unique about it: which attempt of which turn of which operation, or which charge, and which revision.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        self.fact.subject.key(self.fact.revision)
    }

    /// The version of the hash, a colon, and the SHA-256 of all that it says, in hexadecimal.
    #[must_use]
    pub fn payload_hash(&self) -> String {
        self.fact.hash()
    }
}
