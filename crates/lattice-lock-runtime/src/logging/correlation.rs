use std::future::Future;
use std::sync::Arc;

use lattice_lock_errors::{Error, Result, TraceId};
use tracing::{Instrument, Span};

/// What ties together the spans, log lines and errors of one operation: its id and its trace's.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use lattice_lock_runtime::{Correlation, Error, codes};
///
/// let operation = Correlation::new("op-7");
/// let failed = operation.run(async { Err::<(), _>(Error::new(codes::TOO_BUSY, "too busy")) });
/// let error = failed.await.unwrap_err();
/// assert_eq!(error.trace_id(), Some(operation.trace_id()));
/// assert_eq!(error.to_string(), "LL-TSK-012: too busy (operation_id: op-7)");
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correlation {
    operation: Arc<str>,
    trace: TraceId,
}

/// The name of the operation's id in spans and errors.
const OPERATION_ID: &str = "operation_id";

impl Correlation {
    /// An operation with this id, in a trace of its own.
    #[must_use]
    pub fn new(operation: impl Into<Arc<str>>) -> Self {
        Self {
            operation: operation.into(),
            trace: random_trace(),
        }
    }

    /// Puts the operation in a trace that exists: that of the request that caused it, say.
    #[must_use]
    pub fn trace(mut self, trace: TraceId) -> Self {
        self.trace = trace;
        self
    }

    /// The operation's id.
    #[must_use]
    pub fn operation_id(&self) -> &str {
        &self.operation
    }

    /// The trace's id.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace
    }

    /// A span with both ids, below the current one. Whatever is logged within it carries them.
    #[must_use]
    pub fn span(&self) -> Span {
        tracing::info_span!("operation", operation_id = &*self.operation, trace_id = %self.trace)
    }

    /// Adds both ids to an error, unless it has its own.
    #[must_use]
    pub fn tag(&self, error: Error) -> Error {
        let traced = match error.trace_id() {
            Some(_) => error,
            None => error.with_trace_id(self.trace),
        };
        if traced.context().any(|(key, _)| key == OPERATION_ID) {
            return traced;
        }
        traced.with(OPERATION_ID, &self.operation)
    }

    /// Runs a future in the operation's span and adds the ids to its error.
    ///
    /// # Errors
    ///
    /// Whatever the future fails with.
    pub async fn run<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        future
            .instrument(self.span())
            .await
            .map_err(|error| self.tag(error))
    }
}

fn random_trace() -> TraceId {
    loop {
        if let Some(trace) = TraceId::new(fastrand::u128(..)) {
            return trace;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::TOO_BUSY;

    #[test]
    fn an_error_keeps_the_ids_it_has() {
        let (outer, inner) = (Correlation::new("outer"), Correlation::new("inner"));
        let error = outer.tag(inner.tag(Error::new(TOO_BUSY, "too busy")));
        assert_eq!(error.trace_id(), Some(inner.trace_id()));
        assert_eq!(
            error.context().collect::<Vec<_>>(),
            [(OPERATION_ID, "inner")]
        );
    }

    #[test]
    fn traces_differ_unless_they_are_given() {
        let first = Correlation::new("a");
        assert_ne!(first.trace_id(), Correlation::new("a").trace_id());
        assert_eq!(
            Correlation::new("b").trace(first.trace_id()).trace_id(),
            first.trace_id()
        );
    }
}
