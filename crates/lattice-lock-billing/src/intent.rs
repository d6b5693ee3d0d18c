use std::sync::Arc;

use lattice_lock_principal::{Attribution, Principal, PrincipalId, PrincipalKind};
use lattice_lock_providers::{ModelRef, ServiceTier, TokenUsage};
use lattice_lock_repository::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::{Effect, Fact, Subject, keepable};
use crate::{AttemptId, Cost, Discount, Entry, EntryId, EntryKind, InstanceId, Outcome, Unpriced};

/// That an attempt is about to be sent: written down before, and removed by the entry that books it.
///
/// What is left of them after a crash are the attempts whose outcome nobody knows. They say all that it takes to book
/// those: see [`Ledger::recover`](crate::Ledger::recover).
///
/// An intent is no entry: it costs nothing, and no total counts it. It holds no prompt.
///
/// ```
/// use lattice_lock_billing::{AttemptId, Entry, Intent, Ledger, OperationId, Outcome};
/// use lattice_lock_principal::Principal;
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let ledger = Ledger::new(&Database::in_memory());
/// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
/// ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?).task_type("translation")).await?;
/// assert_eq!((ledger.open_intents().await?.len(), ledger.total().await?.entries), (1, 0));
///
/// // The request is sent here; its reply is booked, and with that the intent is gone.
/// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
/// ledger.record(entry.reported_cost("0.02".parse()?), None).await?;
/// assert_eq!((ledger.open_intents().await?.len(), ledger.total().await?.entries), (0, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub(crate) attempt: AttemptId,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) principal: PrincipalId,
    pub(crate) principal_kind: PrincipalKind,
    pub(crate) attribution: Arc<Attribution>,
    pub(crate) conversation: Option<String>,
    pub(crate) requested: ModelRef,
    pub(crate) task_type: Option<String>,
    pub(crate) service_tier: ServiceTier,
    pub(crate) opened_at: Timestamp,
    pub(crate) held: bool,
}

impl Intent {
    /// The intent to send this attempt to this model, for this principal, with nothing else known and for standard
    /// service. Labels of the principal that break the rules are left out here, all of them: the entry refuses them.
    #[must_use]
    pub fn new(attempt: AttemptId, principal: &Principal, requested: ModelRef) -> Self {
        Self {
            attempt,
            instance: None,
            principal: principal.id().clone(),
            principal_kind: principal.kind(),
            attribution: principal.attribution().cloned().unwrap_or_default(),
            conversation: None,
            requested,
            task_type: None,
            service_tier: ServiceTier::Standard,
            opened_at: Timestamp::now(),
            held: false,
        }
    }

    /// Sets the conversation that it is part of: its first 128 characters, without control characters; none by default,
    /// and where nothing is left of it.
    #[must_use]
    pub fn in_conversation(mut self, conversation: &str) -> Self {
        self.conversation = keepable(conversation);
        self
    }

    /// Sets what sort of task the prompt is: its first 128 characters, without control characters; none by default, and
    /// where nothing is left of it.
    #[must_use]
    pub fn task_type(mut self, task: &str) -> Self {
        self.task_type = keepable(task);
        self
    }

    /// Sets how urgently it is to be served; standard by default. The entry of an [unknown](Self::unknown) outcome
    /// keeps it.
    #[must_use]
    pub fn service_tier(mut self, tier: ServiceTier) -> Self {
        self.service_tier = tier;
        self
    }

    /// Which attempt.
    #[must_use]
    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// Which process wrote it down; none before that, and none once it was [given up](crate::Ledger::abandon).
    #[must_use]
    pub fn instance(&self) -> Option<InstanceId> {
        self.instance
    }

    /// Who it is for.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// Whom its cost is attributed to.
    #[must_use]
    pub fn attribution(&self) -> &Attribution {
        &self.attribution
    }

    /// Which model it goes to.
    #[must_use]
    pub fn requested_model(&self) -> &ModelRef {
        &self.requested
    }

    /// When it was [made](Self::new), by the clock of the machine that made it: the moment at which the entry of an
    /// [unknown](Self::unknown) outcome is dated.
    #[must_use]
    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// Whether its outcome is unknown and somebody is to find out: no recovery touches it again. Recording or
    /// [withdrawing](crate::Ledger::withdraw) the attempt ends it. Until then no period that ends after it was
    /// [opened](Self::opened_at) can be [archived](crate::Ledger::archive).
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Intent, Ledger, Money, OperationId, Resolution};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
    /// ledger.abandon(attempt).await?;
    /// ledger.recover(|_| Resolution::Hold).await?;
    /// let held = ledger.open_intents().await?.remove(0);
    /// assert!(held.is_held());
    ///
    /// // The provider's invoice has it.
    /// ledger.record(held.unknown().reported_cost(Money::cents(2)), None).await?;
    /// assert!(ledger.open_intents().await?.is_empty());
    /// assert_eq!(ledger.total().await?.total_usd.to_string(), "0.02");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// The entry of an attempt of which nobody knows the outcome: its usage is absent, its cost unknown. What is known
    /// may be added, such as an [estimate](Entry::estimated).
    ///
    /// It is dated when the intent was [made](Self::opened_at), and so falls into the period in which the request was
    /// sent. Should its outcome become known after all, what is recorded then is booked as a correction of this and is
    /// dated as this is.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Intent, OperationId, Outcome, Tariff};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
    ///
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let intent = Intent::new(attempt, &who, "openai/gpt-5".parse()?);
    /// let entry = intent.unknown();
    /// assert_eq!((entry.outcome(), entry.cost().to_string()), (Outcome::Unknown, "unpriced (no usage)".into()));
    /// assert_eq!(entry.happened_at(), intent.opened_at());
    ///
    /// // The prompt was counted before it was sent, so that it is at least as dear as that.
    /// let (version, list) = (PriceVersion::new("v"), PriceList::new([(Bucket::Input, Price::per_million("1.25")?)]));
    /// let prompt = TokenUsage::new().with(Bucket::Input, 4_000);
    /// let entry = entry.estimated(prompt, Some(&Tariff::new(&version, &list)));
    /// assert_eq!(entry.cost().to_string(), "$0.005 (estimated)");
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn unknown(&self) -> Entry {
        let cost = Cost::Unpriced(Unpriced::NoUsage);
        Entry {
            id: EntryId::NONE,
            recorded_at: self.opened_at,
            position: None,
            fact: Fact {
                subject: Subject::Attempt(self.attempt),
                kind: EntryKind::Usage,
                revision: 0,
                reason: None,
                principal: self.principal.clone(),
                principal_kind: self.principal_kind,
                attribution: Arc::clone(&self.attribution),
                conversation: self.conversation.clone(),
                requested: self.requested.clone(),
                served: None,
                provider_request_id: None,
                task_type: self.task_type.clone(),
                service_tier: self.service_tier,
                usage: TokenUsage::new(),
                discount: Discount::NONE,
                effect: Effect::of(&cost),
                cost,
                foreign: None,
                outcome: Outcome::Unknown,
                latency_us: None,
                occurred_at: self.opened_at,
            },
        }
    }
}
