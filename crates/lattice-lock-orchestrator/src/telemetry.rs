use lattice_lock_clients::{ChatReply, ChatRequest};
use lattice_lock_errors::Result;
use lattice_lock_providers::{Availability, Bucket, ModelRef, TokenUsage, Transition};
#[cfg(feature = "metrics")]
use lattice_lock_runtime::InferenceMetrics;
use lattice_lock_runtime::{InferenceSpan, InferenceUsage, log_event, names};
use tracing::Instrument;

/// What is done, by OpenTelemetry's name.
const CHAT: &str = "chat";

/// Runs one attempt in its span, and records how it ended.
pub(crate) async fn observed(
    model: &ModelRef,
    request: &ChatRequest,
    attempt: impl Future<Output = Result<ChatReply>>,
) -> Result<ChatReply> {
    #[cfg(feature = "metrics")]
    let start = std::time::Instant::now();
    let span = begin(model, request);
    let ended = attempt.instrument(span.span().clone()).await;
    #[cfg(feature = "metrics")]
    record(model, start.elapsed(), &ended);
    let _ended = match &ended {
        Ok(reply) => replied(span, reply),
        Err(error) => span.failed(error),
    };
    ended
}

/// Writes down that somebody is no longer asked, or asked again.
pub(crate) fn availability_changed(change: &Transition) {
    let subject = &change.subject;
    match (change.from, change.to) {
        (_, Availability::Open { .. }) => {
            let cause = change.cause.map(tracing::field::display);
            log_event!(BreakerOpened, %subject, cause, "no longer asked");
        }
        (Availability::Open { .. } | Availability::HalfOpen, Availability::Available) => {
            log_event!(BreakerClosed, %subject, "asked again");
        }
        (from, to) => {
            tracing::debug!(%subject, from = from.as_str(), to = to.as_str(), "availability changed");
        }
    }
}

fn begin(model: &ModelRef, request: &ChatRequest) -> InferenceSpan {
    let provider = names::provider(model.provider().as_str());
    let span = InferenceSpan::new(CHAT, provider, model.name().as_str()).stream(false);
    let span = match request.token_limit() {
        Some(tokens) => span.max_tokens(tokens.into()),
        None => span,
    };
    match request.sampling_temperature() {
        Some(temperature) => span.temperature(temperature),
        None => span,
    }
}

fn replied(span: InferenceSpan, reply: &ChatReply) -> InferenceSpan {
    span.responded(reply.request_id(), reply.served_model().as_str())
        .finished(reply.finish_reason().as_str())
        .used(&usage(reply.usage()))
}

#[cfg(feature = "metrics")]
fn record(model: &ModelRef, took: std::time::Duration, ended: &Result<ChatReply>) {
    let provider = names::provider(model.provider().as_str());
    let metrics = InferenceMetrics::new(CHAT, provider, model.name().as_str());
    metrics.ended(took, ended.as_ref().err());
    if let Ok(reply) = ended {
        metrics.used("text", &usage(reply.usage()));
    }
}

/// Our disjoint buckets as OpenTelemetry's sums, which contain one another.
fn usage(usage: &TokenUsage) -> InferenceUsage {
    let sum = |counts: fn(Bucket) -> bool| {
        let reported = usage.reported().filter(|(bucket, _)| counts(*bucket));
        reported.fold(None, |sum: Option<u64>, (_, tokens)| {
            Some(sum.unwrap_or_default().saturating_add(tokens))
        })
    };
    InferenceUsage {
        input: sum(Bucket::is_prompt),
        output: sum(|bucket| bucket.is_tokens() && !bucket.is_prompt()),
        cache_read: sum(|bucket| bucket == Bucket::CacheRead),
        cache_write: sum(|bucket| matches!(bucket, Bucket::CacheWrite5m | Bucket::CacheWrite1h)),
        reasoning: sum(|bucket| bucket == Bucket::Reasoning),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_contain_their_parts_and_what_is_absent_stays_so() {
        let reported = TokenUsage::new()
            .with(Bucket::Input, 5)
            .with(Bucket::CacheRead, 7)
            .with(Bucket::Output, 3)
            .with(Bucket::Reasoning, 2);
        let expected = InferenceUsage {
            input: Some(12),
            output: Some(5),
            cache_read: Some(7),
            cache_write: None,
            reasoning: Some(2),
        };
        assert_eq!(usage(&reported), expected);
        assert_eq!(usage(&TokenUsage::new()), InferenceUsage::default());
    }
}
