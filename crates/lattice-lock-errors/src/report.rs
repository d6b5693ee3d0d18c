use std::fmt;

use crate::Error;
use crate::error::tamed;

/// An [`Error`] on several lines: code and message, context, causes, remedy. Nothing in it is secret.
///
/// ```text
/// LL-PRV-010: no answer in time
///   provider: openai
///   cause: operation timed out
///   remedy: raise the timeout, or allow a fallback
/// ```
#[derive(Clone, Copy)]
pub struct Report<'a>(&'a Error);

impl<'a> Report<'a> {
    pub(crate) fn new(error: &'a Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        write!(f, "{}: {}", error.code(), error.message())?;
        for (key, value) in error.context() {
            write!(f, "\n  {key}: {}", indented(value))?;
        }
        for cause in error.causes() {
            write!(f, "\n  cause: {}", indented(&tamed(&cause.to_string())))?;
        }
        if let Some(wait) = error.retry_after() {
            write!(f, "\n  retry after: {wait:?}")?;
        }
        if let Some(id) = error.trace_id() {
            write!(f, "\n  trace: {id}")?;
        }
        write!(f, "\n  remedy: {}", error.remedy())
    }
}

/// Keeps a value of several lines inside its place, so that it cannot pose as another field.
fn indented(value: &str) -> String {
    value.replace('\n', "\n    ")
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
