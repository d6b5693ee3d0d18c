use std::sync::Arc;

use lattice_lock_analyzer::TaskAnalysis;
use lattice_lock_billing::{
    AttemptId, Booking, Entry, Intent, OperationId, Outcome, UsageAccumulator, prove,
};
use lattice_lock_clients::ChatReply;
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{ModelRef, ProviderUnavailableError, TokenUsage};
use lattice_lock_repository::Timestamp;

use crate::codes::{ATTEMPTS_EXHAUSTED, NO_CANDIDATE};
use crate::selection::day_of;
use crate::{Call, ChatOutcome, Parts, Selection};

/// How many candidates an operation asks at most.
const MOST_ATTEMPTS: usize = 4;

/// One call of the application on its way.
pub(crate) struct Operation {
    pub(crate) id: OperationId,
    pub(crate) parts: Arc<Parts>,
    pub(crate) call: Call,
    pub(crate) analysis: Arc<TaskAnalysis>,
    pub(crate) selection: Selection,
}

/// What the operation has come to: the attempts so far, as their replies told.
struct Progress {
    returned: UsageAccumulator,
    booking: Option<Booking>,
}

impl Operation {
    pub(crate) async fn run(self) -> Result<ChatOutcome> {
        let models: Vec<ModelRef> = self.candidates()?;
        let mut attempt = AttemptId::first(self.id);
        let mut progress = Progress {
            returned: UsageAccumulator::default(),
            booking: None,
        };
        self.parts
            .ledger
            .intend(self.intent(attempt, &models[0]))
            .await?;
        for (at, model) in models.iter().enumerate() {
            let next = models.get(at + 1);
            match self.attempt(attempt, model).await {
                Ok(reply) => {
                    self.book(&mut progress, self.replied(attempt, model, &reply)?, None)
                        .await?;
                    return self.settle(&progress, model, reply).await;
                }
                Err(error) => {
                    let next = next.filter(|_| permits_fallback(&error));
                    let intent = next.map(|next| self.intent(attempt.next_attempt(), next));
                    self.failed(&mut progress, attempt, model, &error, intent)
                        .await?;
                    if next.is_none() {
                        return Err(self.given_up(at + 1, error));
                    }
                    attempt = attempt.next_attempt();
                }
            }
        }
        // `candidates` refuses an empty list, and the last candidate has no next.
        Err(self.nobody())
    }

    fn candidates(&self) -> Result<Vec<ModelRef>> {
        let models: Vec<_> = self
            .selection
            .candidates
            .iter()
            .map(|candidate| candidate.model.clone())
            .collect();
        match models.len() {
            0 => Err(self.nobody()),
            _ => Ok(models.into_iter().take(MOST_ATTEMPTS).collect()),
        }
    }

    fn nobody(&self) -> Error {
        let mut error = Error::new(NO_CANDIDATE, "no model may answer this prompt now");
        for (model, why) in self.selection.rejected.iter().take(MOST_ATTEMPTS) {
            error = error.with("rejected", format_args!("{model}: {why}"));
        }
        error
    }

    fn intent(&self, attempt: AttemptId, model: &ModelRef) -> Intent {
        Intent::new(attempt, &self.call.principal, model.clone())
    }

    async fn attempt(&self, attempt: AttemptId, model: &ModelRef) -> Result<ChatReply> {
        tracing::info!(operation = %attempt.operation(), attempt = attempt.attempt(), model = %model, "asking a model");
        self.parts
            .client(model.provider())?
            .chat(model.name(), &self.call.request)
            .await
    }

    fn entry(&self, attempt: AttemptId, model: &ModelRef, outcome: Outcome) -> Result<Entry> {
        let entry = Entry::new(attempt, &self.call.principal, model.clone(), outcome)?;
        Ok(entry.task_type(self.analysis.primary().as_str()))
    }

    fn replied(&self, attempt: AttemptId, model: &ModelRef, reply: &ChatReply) -> Result<Entry> {
        let entry = self
            .entry(attempt, model, Outcome::Replied)?
            .served(reply.served_model().clone())
            .latency(reply.latency());
        let entry = match reply.request_id() {
            Some(id) => entry.provider_request_id(id),
            None => entry,
        };
        Ok(self.priced(entry, model, reply))
    }

    /// Prices by the model that the provider served; where the catalogue does not know that one, by the model
    /// that was asked for.
    fn priced(&self, entry: Entry, model: &ModelRef, reply: &ChatReply) -> Entry {
        let served = ModelRef::new(model.provider().clone(), reply.served_model().clone());
        let registry = &self.parts.registry;
        let known = registry.model(&served).or_else(|| registry.model(model));
        let day = day_of(Timestamp::now());
        entry.used(
            *reply.usage(),
            known.and_then(|known| known.prices().on(day)),
        )
    }

    /// Books a failed attempt if the provider may charge for it, and withdraws its intent if not.
    async fn failed(
        &self,
        progress: &mut Progress,
        attempt: AttemptId,
        model: &ModelRef,
        error: &Error,
        next: Option<Intent>,
    ) -> Result<()> {
        let Some(failure) = error.find::<ProviderUnavailableError>() else {
            return self.parts.ledger.withdraw(attempt, next).await;
        };
        let class = failure.class();
        tracing::warn!(operation = %self.id, model = %model, class = %class, code = %error.code(), "an attempt failed");
        let now = Timestamp::now().as_micros();
        self.parts
            .registry
            .observe(model.provider(), class, error.retry_after(), now)?;
        if !class.may_be_billed() {
            return self.parts.ledger.withdraw(attempt, next).await;
        }
        let entry = self.entry(attempt, model, Outcome::Failed(class))?;
        self.book(progress, entry.used(TokenUsage::new(), None), next)
            .await
    }

    async fn book(
        &self,
        progress: &mut Progress,
        entry: Entry,
        next: Option<Intent>,
    ) -> Result<()> {
        progress.returned.add(entry.usage(), entry.cost())?;
        let recorded = self.parts.ledger.record(entry, next).await?;
        progress.booking = Some(recorded.booking);
        Ok(())
    }

    /// Reads the operation back from the ledger and proves it against what the replies said.
    async fn settle(
        self,
        progress: &Progress,
        model: &ModelRef,
        reply: ChatReply,
    ) -> Result<ChatOutcome> {
        let entries = self.parts.ledger.of_operation(self.id).await?;
        prove(self.id, &progress.returned, &UsageAccumulator::of_entries(&entries)?)
            .inspect_err(|error| tracing::error!(critical = true, operation = %self.id, %error, "billing integrity"))?;
        Ok(ChatOutcome {
            operation: self.id,
            analysis: self.analysis,
            selection: self.selection,
            model: model.clone(),
            reply,
            entries,
            sum: progress.returned,
            booking: progress.booking.unwrap_or(Booking::Memory),
        })
    }

    fn given_up(&self, attempts: usize, last: Error) -> Error {
        if attempts == 1 {
            return last.with("operation", self.id);
        }
        Error::new(ATTEMPTS_EXHAUSTED, "every attempt failed")
            .with("operation", self.id)
            .with("attempts", attempts)
            .with_source(last)
    }
}

fn permits_fallback(error: &Error) -> bool {
    let failure = error.find::<ProviderUnavailableError>();
    failure.is_some_and(|failure| failure.class().permits_fallback())
}
