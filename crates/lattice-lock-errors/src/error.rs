use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::tame::{in_line, tamed_field};
use crate::{Code, ErrorRecord, Foreign, Kind, Report, Severity, TraceId};

/// How many causes are followed: an error whose `source` is itself must not hang a report.
pub(crate) const DEEPEST_CAUSE: usize = 32;

/// What went wrong, in one machine word.
///
/// An error has a stable [`Code`], a static message, context values, and perhaps a cause. Making one has no
/// effect: whoever handles it logs it, once. Every text that enters is passed through [`redact`](fn@crate::redact),
/// and a [`Secret`](crate::Secret) cannot enter at all because it has no `Display`. `Display` prints the
/// code, the message and the context on one line, never the cause; a value that could be taken for more than
/// one stands in quotes. [`report`](Self::report) prints everything, and so does `Debug`.
///
/// ```
/// use lattice_lock_errors::{Error, codes};
///
/// codes! {
///     /// The model is in no catalogue.
///     MODEL_UNKNOWN = "LL-PRV-003", NotFound, "check the name, or declare the model";
/// }
///
/// let error = Error::new(MODEL_UNKNOWN, "unknown model").with("model", "gpt-9-foo");
/// assert_eq!(error.to_string(), "LL-PRV-003: unknown model (model: gpt-9-foo)");
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Arc<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
struct Inner {
    code: Code,
    message: &'static str,
    context: Vec<(&'static str, String)>,
    source: Option<Source>,
    retry_after: Option<Duration>,
    trace_id: Option<TraceId>,
}

impl Error {
    /// An error with nothing but its code and a message: static, lower-case, without a full stop.
    #[must_use]
    pub fn new(code: Code, message: &'static str) -> Self {
        Self(Box::new(Inner {
            code,
            message,
            context: Vec::new(),
            source: None,
            retry_after: None,
            trace_id: None,
        }))
    }

    /// Adds a value that helps to find the fault.
    ///
    /// Secrets in it are redacted, the whole value if `key` tells that it is one (`password`, `api_key`). Then
    /// it is cut after 1 KiB. Of what prints more than 64 KiB, the rest is not even looked at.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, tamed_field(key, value)));
        self
    }

    /// Sets the cause: a small typed struct of ours, or an [`Error`], that [`find`](Self::find) gives back.
    ///
    /// It is kept as it is and must not hold a secret; only what [`report`](Self::report) prints of it is redacted.
    /// Errors of other crates go through [`with_foreign`](Self::with_foreign), which strips them. A cause that
    /// was set before is replaced.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Sets the cause to the redacted text of an error that is not ours, with the causes behind it.
    ///
    /// Only text is kept: a foreign error may hold a URL with credentials in a field that its own
    /// `Debug` or `source` would show.
    #[must_use]
    pub fn with_foreign(self, foreign: &(dyn std::error::Error + 'static)) -> Self {
        self.with_source(Foreign::new(foreign))
    }

    /// Says when a retry makes sense, as the other side told (`Retry-After`).
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Says which trace it belongs to.
    #[must_use]
    pub fn with_trace_id(mut self, id: TraceId) -> Self {
        self.0.trace_id = Some(id);
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.code.kind()
    }

    /// How severe it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.0.code.severity()
    }

    /// Whether the same call may succeed when made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.code.is_retryable()
    }

    /// How long to wait before a retry, if the other side said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.0.message
    }

    /// One sentence on what to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        self.0.code.remedy()
    }

    /// The trace it belongs to, if known.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.0.trace_id
    }

    /// The context values, in the order they were added.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .context
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
    }

    /// The first cause of type `T`, also behind a cause that is an [`Error`] itself; 32 causes are followed.
    ///
    /// ```
    /// use lattice_lock_errors::{Error, codes};
    ///
    /// codes! {
    ///     /// The entity does not exist.
    ///     ENTITY_MISSING = "LL-ANA-900", NotFound, "check the id";
    /// }
    ///
    /// #[derive(Debug)]
    /// struct EntityNotFoundError { id: u64 }
    /// impl std::fmt::Display for EntityNotFoundError {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         write!(f, "no entity {}", self.id)
    ///     }
    /// }
    /// impl std::error::Error for EntityNotFoundError {}
    ///
    /// let error = Error::new(ENTITY_MISSING, "not found").with_source(EntityNotFoundError { id: 7 });
    /// assert_eq!(error.find::<EntityNotFoundError>().map(|e| e.id), Some(7));
    /// ```
    #[must_use]
    pub fn find<T: std::error::Error + 'static>(&self) -> Option<&T> {
        self.causes().find_map(|cause| cause.downcast_ref())
    }

    /// Everything about the error on several lines: message, code, context, causes and remedy.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }

    /// The error as plain data, for an API's reply or a structured log.
    #[must_use]
    pub fn record(&self) -> ErrorRecord {
        ErrorRecord {
            code: Cow::Borrowed(self.code().as_str()),
            kind: self.kind(),
            severity: self.severity(),
            message: Cow::Borrowed(self.message()),
            context: self.owned_context(),
            remedy: Cow::Borrowed(self.remedy()),
            retry_after_ms: self
                .retry_after()
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            trace_id: self.trace_id(),
        }
    }

    pub(crate) fn causes(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        std::iter::successors(std::error::Error::source(self), |cause| cause.source())
            .take(DEEPEST_CAUSE)
    }

    fn owned_context(&self) -> BTreeMap<Cow<'static, str>, String> {
        self.0
            .context
            .iter()
            .map(|(key, value)| (Cow::Borrowed(*key), value.clone()))
            .collect()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.message())?;
        for (at, (key, value)) in self.context().enumerate() {
            f.write_str(if at == 0 { " (" } else { ", " })?;
            write!(f, "{key}: {}", in_line(value))?;
        }
        f.write_str(if self.0.context.is_empty() { "" } else { ")" })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.report(), f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
