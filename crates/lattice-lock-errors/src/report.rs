use std::fmt;

use crate::Error;
use crate::tame::{in_block, tamed};

/// An [`Error`] on several lines: code and message, context, causes, remedy. Nothing in it is secret.
///
/// Places begin two blanks in. Further lines of a value begin four blanks in, and its control characters are
/// escaped, so that no value can pose as another place or disturb a terminal.
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
            write!(f, "\n  {key}: {}", in_block(value))?;
        }
        for cause in error.causes() {
            write!(f, "\n  cause: {}", in_block(&tamed(cause)))?;
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

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
