use std::sync::Arc;
use std::time::{Duration, Instant};

use lattice_lock_analyzer::TaskAnalysis;
use lattice_lock_billing::{
    AttemptId, Booking, Cost, Entry, Intent, OperationId, Outcome, Tariff, Unpriced,
    UsageAccumulator, prove,
};
use lattice_lock_clients::ChatReply;
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Catalogue, Count, ModelRef, ProviderUnavailableError, TokenUsage};
use lattice_lock_repository::Timestamp;
use lattice_lock_runtime::log_event;

use crate::codes::{ATTEMPTS_EXHAUSTED, NO_CANDIDATE};
use crate::keys::{Admission, Credentials};
use crate::telemetry::observed;
use crate::{Call, ChatOutcome, Parts, Selection};

/// How many rejected models an error names.
const NAMED_IN_ERRORS: usize = 4;

/// One call of the application on its way.
pub(crate) struct Operation {
    pub(crate) id: OperationId,
    pub(crate) parts: Arc<Parts>,
    /// The catalogue that it began with: prices may be replaced meanwhile.
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) call: Call,
    pub(crate) analysis: Arc<TaskAnalysis>,
    pub(crate) selection: Selection,
    pub(crate) credentials: Credentials,
}

/// What the operation has come to: the attempts so far, as their replies told.
struct Progress {
    returned: UsageAccumulator,
    /// The least safe of the acknowledgements, and what was acknowledged.
    booking: Option<Booking>,
    booked: Vec<Entry>,
}

impl Operation {
    pub(crate) async fn run(self) -> Result<ChatOutcome> {
        let mut candidates = self.candidates();
        let mut model = candidates.next().ok_or_else(|| self.nobody())?;
        log_event!(Selection, %model, task = %self.analysis.primary(), candidates = self.selection.candidates.len(), "a model was chosen");
        let mut attempt = AttemptId::first(self.id);
        let mut progress = Progress {
            returned: UsageAccumulator::default(),
            booking: None,
            booked: Vec::new(),
        };
        self.parts
            .ledger
            .intend(self.intent(attempt, &model))
            .await?;
        loop {
            let sent = Instant::now();
            let (ended, has_another_key) = self.attempt(attempt, &model).await;
            match ended {
                Ok(reply) => {
                    let entry = self.replied(attempt, &model, &reply)?;
                    let said = said(&reply, &entry);
                    self.book(&mut progress, &said, entry, None).await?;
                    return self.settle(&progress, &model, reply).await;
                }
                Err(error) => {
                    let next = if has_another_key {
                        Some(model.clone())
                    } else {
                        self.next_after(&error, &model, &mut candidates)
                    };
                    let intent = next
                        .as_ref()
                        .map(|next| self.intent(attempt.next_attempt(), next));
                    let failed = Failed {
                        attempt,
                        error: &error,
                        took: sent.elapsed(),
                    };
                    self.failed(&mut progress, failed, &model, intent).await?;
                    model = next.ok_or_else(|| given_up(attempt, error))?;
                    attempt = attempt.next_attempt();
                }
            }
        }
    }

    fn candidates(&self) -> impl Iterator<Item = ModelRef> + use<> {
        let models: Vec<_> = self
            .selection
            .candidates
            .iter()
            .map(|candidate| candidate.model.clone())
            .collect();
        models.into_iter()
    }

    /// Whom to ask after a failure: the next one that may be called, if another one may help at all. A provider
    /// that just failed by its own fault is not asked for its other models either.
    fn next_after(
        &self,
        error: &Error,
        model: &ModelRef,
        candidates: &mut impl Iterator<Item = ModelRef>,
    ) -> Option<ModelRef> {
        let failure = error.find::<ProviderUnavailableError>()?;
        let (registry, now) = (&self.parts.registry, Timestamp::now().as_micros());
        let class = failure.class();
        let mut others = candidates.filter(|next| {
            let is_elsewhere = !class.is_providers_fault() || next.provider() != model.provider();
            is_elsewhere && registry.model_availability(next, now).permits_call()
        });
        let next = class.permits_fallback().then(|| others.next())??;
        log_event!(Failover, %model, %class, code = %error.code(), %next, "trying the next candidate");
        Some(next)
    }

    fn nobody(&self) -> Error {
        let mut error = Error::new(NO_CANDIDATE, "no model may answer this prompt now");
        for (model, why) in self.selection.rejected.iter().take(NAMED_IN_ERRORS) {
            error = error.with("rejected", format_args!("{model}: {why}"));
        }
        error
    }

    fn intent(&self, attempt: AttemptId, model: &ModelRef) -> Intent {
        Intent::new(attempt, &self.call.principal, model.clone())
            .task_type(self.analysis.primary().as_str())
    }

    /// Makes one attempt, and says whether another of the application's keys may help where it failed.
    async fn attempt(&self, attempt: AttemptId, model: &ModelRef) -> (Result<ChatReply>, bool) {
        match self.admitted(attempt, model).await {
            Ok(ended) => ended,
            Err(error) => (Err(error), false),
        }
    }

    async fn admitted(
        &self,
        attempt: AttemptId,
        model: &ModelRef,
    ) -> Result<(Result<ChatReply>, bool)> {
        let client = self.parts.client(model.provider())?;
        tracing::debug!(attempt = attempt.attempt(), %model, "asking a model");
        let (request, who) = (&self.call.request, &self.call.principal);
        let admission = Admission::ask(&self.parts.registry, &self.credentials, who, model).await?;
        let asked = client.chat_with(admission.key(), model.name(), request);
        let ended = observed(model, request, asked).await;
        let has_another_key = admission.ended(ended.as_ref().err());
        if has_another_key {
            log_event!(Failover, %model, "trying another key");
        }
        Ok((ended, has_another_key))
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
    /// that was asked for. The prices are those of the day that the entry says, so that they can be found again.
    fn priced(&self, entry: Entry, model: &ModelRef, reply: &ChatReply) -> Entry {
        if is_half_a_report(reply.usage()) {
            return entry.used_in_part(*reply.usage());
        }
        let tariff = Tariff::find(
            &self.catalogue,
            model,
            Some(reply.served_model()),
            entry.happened_at(),
            entry.tier(),
        );
        entry.rated(*reply.usage(), tariff.as_ref())
    }

    /// Books a failed attempt if the provider may charge for it, and withdraws its intent if not.
    async fn failed(
        &self,
        progress: &mut Progress,
        failed: Failed<'_>,
        model: &ModelRef,
        next: Option<Intent>,
    ) -> Result<()> {
        let Failed {
            attempt,
            error,
            took,
        } = failed;
        let failure = error.find::<ProviderUnavailableError>();
        let billed = failure
            .map(ProviderUnavailableError::class)
            .filter(|class| class.may_be_billed());
        let Some(class) = billed else {
            return self.parts.ledger.withdraw(attempt, next).await.map(drop);
        };
        let said = TokenUsage::new();
        let entry = self
            .entry(attempt, model, Outcome::Failed(class))?
            .latency(took);
        let entry = match request_id(error) {
            Some(id) => entry.provider_request_id(id),
            None => entry,
        };
        self.book(progress, &said, entry.used(said, None), next)
            .await
    }

    /// Books an entry, and adds up what was said, from which the entry was made, to be proved later.
    async fn book(
        &self,
        progress: &mut Progress,
        said: &TokenUsage,
        entry: Entry,
        next: Option<Intent>,
    ) -> Result<()> {
        let cost = entry.cost().clone();
        let recorded = self.parts.ledger.record(entry, next).await?;
        let least = progress
            .booking
            .map_or(recorded.booking, |least| least.min(recorded.booking));
        progress.booking = Some(least);
        progress.booked.push(recorded.entry);
        progress.returned.add(said, &cost)
    }

    /// Reads the operation back from the ledger and proves it against what the replies said.
    async fn settle(
        self,
        progress: &Progress,
        model: &ModelRef,
        reply: ChatReply,
    ) -> Result<ChatOutcome> {
        let entries = match self.parts.ledger.of_operation(self.id).await {
            Ok(entries) if entries.len() >= progress.booked.len() => entries,
            // While the database is away, what waits for it was acknowledged and is not there yet.
            Ok(_) | Err(_) if progress.booking.is_some_and(|it| it != Booking::Durable) => {
                progress.booked.clone()
            }
            read => read?,
        };
        prove(self.id, &progress.returned, &entries).inspect_err(
            |error| log_event!(BillingIntegrity, %error, "the ledger disagrees with the replies"),
        )?;
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
}

/// An attempt that failed, and after which time.
struct Failed<'a> {
    attempt: AttemptId,
    error: &'a Error,
    took: Duration,
}

/// The provider's own id of a request that failed, which the client notes in the error.
fn request_id(error: &Error) -> Option<&str> {
    let mut context = error.context();
    context.find_map(|(key, value)| (key == "request_id").then_some(value))
}

fn given_up(last_attempt: AttemptId, last: Error) -> Error {
    if last_attempt.attempt() == 1 {
        return last;
    }
    Error::new(ATTEMPTS_EXHAUSTED, "every attempt failed")
        .with("attempts", last_attempt.attempt())
        .with_source(last)
}

/// Whether the provider counted something, such as searches, but not both the prompt and the reply, and gave no total
/// from which the rest would follow. A chat always uses both.
fn is_half_a_report(usage: &TokenUsage) -> bool {
    let sides = [true, false].map(|of_prompt| {
        let mut tokens = usage.reported().filter(|(bucket, _)| bucket.is_tokens());
        tokens.any(|(bucket, _)| bucket.is_prompt() == of_prompt)
    });
    let is_whole = sides[0] && sides[1];
    !is_whole && usage.total() == Count::Absent && !usage.is_absent()
}

/// What the provider says it used, as far as the entry can hold it: nothing of an implausible report.
fn said(reply: &ChatReply, entry: &Entry) -> TokenUsage {
    match entry.cost() {
        Cost::Unpriced(Unpriced::Implausible) => TokenUsage::new(),
        _ => *reply.usage(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lattice_lock_analyzer::Analyzer;
    use lattice_lock_billing::Ledger;
    use lattice_lock_clients::ChatRequest;
    use lattice_lock_principal::Principal;
    use lattice_lock_providers::{Bucket, Provider, Registry};
    use lattice_lock_repository::Database;

    const CATALOGUE: &str = r#"{"version": "v", "sources": [], "models": [
        {"provider": "openai", "name": "m", "context_window": 9, "output_limit": 9, "prices": [
            {"from": "1970-01-01", "usd_per_million": {"input": "1"}},
            {"from": "1970-01-02", "usd_per_million": {"input": "2"}}]}
    ]}"#;

    fn operation() -> Operation {
        let catalogue = Catalogue::from_json(CATALOGUE).unwrap();
        let analyzer = Analyzer::new();
        let model = "openai/m".parse().unwrap();
        let registry = Registry::new(catalogue, [Provider::openai()]);
        Operation {
            id: OperationId::generate(),
            analysis: analyzer.analyze("Hello"),
            catalogue: registry.catalogue(),
            parts: Arc::new(Parts {
                analyzer,
                registry,
                clients: std::collections::BTreeMap::new(),
                ledger: Ledger::new(&Database::in_memory()),
            }),
            call: Call {
                request: ChatRequest::new("Hello"),
                principal: Principal::external("user-17").unwrap(),
                model: None,
                trace: None,
            },
            selection: Selection::named(model),
            credentials: Credentials::default(),
        }
    }

    fn check(micros: i64, version: &str, nanos: i64) {
        let (operation, model) = (operation(), "openai/m".parse().unwrap());
        let usage = TokenUsage::new()
            .with(Bucket::Input, 1)
            .with(Bucket::Output, 0);
        let reply = ChatReply::new("m".parse().unwrap(), "Hello!").with_usage(usage);
        let attempt = AttemptId::first(operation.id);
        let entry = operation.entry(attempt, &model, Outcome::Replied).unwrap();
        let entry = entry.occurred_at(Timestamp::from_micros(micros));
        let expected = Cost::Priced {
            amount: lattice_lock_billing::Money::from_nanos(nanos),
            version: lattice_lock_providers::PriceVersion::new(version),
        };
        assert_eq!(operation.priced(entry, &model, &reply).cost(), &expected);
    }

    #[test]
    fn the_prices_are_those_of_the_moment_that_the_entry_says() {
        check(86_399_999_999, "v@1970-01-01", 1000);
        check(86_400_000_000, "v@1970-01-02", 2000);
    }
}
