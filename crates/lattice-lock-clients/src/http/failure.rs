//! What an attempt that failed is told as.
//!
//! A class comes from the wire's own words first (`error.type`, `error.code`, Google's `reason`, AWS's exception),
//! then from the status. The error carries the provider, the status, the request's id, the provider's message
//! without our keys, and what the network said without the address.
//!
//! | where it fails | class | may have been charged |
//! |---|---|---|
//! | no connection, or none in time | connect | no |
//! | the connection breaks before an answer | cut stream | yes |
//! | no answer in time, or nothing more of one | timeout | yes |
//! | a status that is no success | by the body's words, else by the status | as the class says |
//! | an error in the place of a reply, with a good status | the same | as the class says |
//! | an error after the first word of a stream | cut stream, with its own class in the context | yes |
//! | a body that ends too early | cut stream | yes |
//! | a body that is no reply, or too long | malformed reply | yes |
//!
//! No text of a provider decides anything, and none is shown where the key was refused, since such a text quotes
//! the key's ends.

use std::borrow::Cow;
use std::time::Duration;

use lattice_lock_errors::{Error, Secret};
use lattice_lock_providers::{FailureClass, Provider, ProviderUnavailableError};
use reqwest::StatusCode;

use super::answer::{Head, Unread};
use super::retry_after;
use crate::codes::ADDRESS_UNUSABLE;
use crate::wire::{Problem, Protocol, Unreadable};

/// Whose attempt failed: what its error tells, and what it hides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness<'a> {
    pub(super) provider: &'a Provider,
    pub(super) protocol: &'a dyn Protocol,
    /// The caller's own key, where one was used.
    pub(super) own: Option<&'a Secret<String>>,
}

/// A failed attempt at `provider`, as the error that every client returns.
fn failed(provider: &Provider, class: FailureClass, status: Option<StatusCode>) -> Error {
    let failure = ProviderUnavailableError::new(provider.id().clone(), class);
    match status {
        Some(status) => failure.with_status(status.as_u16()),
        None => failure,
    }
    .into_error()
}

impl Witness<'_> {
    /// No answer came.
    pub(super) fn unanswered(&self, error: reqwest::Error) -> Error {
        let error = error.without_url();
        if error.is_builder() {
            let unusable = Error::new(ADDRESS_UNUSABLE, "the provider's address cannot be called");
            return unusable
                .with("provider", self.provider.id())
                .with_foreign(&error);
        }
        // A connection that did not come about in time has carried nothing, so that comes first. One that broke
        // later may have carried the whole request.
        let class = match (error.is_connect(), error.is_timeout()) {
            (true, _) => FailureClass::Connect,
            (false, true) => FailureClass::Timeout,
            (false, false) => FailureClass::CutStream,
        };
        failed(self.provider, class, None).with("cause", Chain(&error))
    }

    /// No answer, or nothing more of one, came in time.
    pub(super) fn late(&self, head: Option<&Head>, what: &'static str, limit: Duration) -> Error {
        let status = head.map(|head| head.status);
        let error = failed(self.provider, FailureClass::Timeout, status).with("cause", what);
        self.identified(error, head)
            .with("limit", format_args!("{limit:?}"))
    }

    /// An answer began and could not be read to its end.
    pub(super) fn unread(&self, head: &Head, unread: &Unread) -> Error {
        let error = failed(self.provider, unread.class, Some(head.status));
        let error = self.identified(error, Some(head));
        match &unread.cause {
            Some(cause) => error.with("cause", Chain(cause)),
            None => error.with("cause", "the reply is longer than a client reads"),
        }
    }

    /// The answer's status says that the attempt failed.
    pub(super) fn refused(&self, head: &Head, body: &[u8]) -> Error {
        let problem = Problem::read(body);
        let problem = match head.text("x-amzn-errortype") {
            Some(word) => problem.named(word.split(':').next().unwrap_or(word)),
            None => problem,
        };
        self.with_problem(head, &problem)
    }

    /// The status says that all is well, and the body is no reply. `has_begun` says that a part of it was one: then
    /// an error of the provider's is a reply that was cut, and may have been billed.
    pub(super) fn unreadable(
        &self,
        head: &Head,
        bytes: usize,
        why: &Unreadable,
        has_begun: bool,
    ) -> Error {
        let (class, cause) = match why {
            Unreadable::Problem(problem) if !has_begun => return self.with_problem(head, problem),
            Unreadable::Problem(_) => (FailureClass::CutStream, "the provider failed on its way"),
            Unreadable::Cut => (FailureClass::CutStream, "the reply ends too early"),
            Unreadable::Malformed(cause) => (FailureClass::MalformedReply, *cause),
        };
        let content_type = head.text("content-type").unwrap_or("none");
        let error = failed(self.provider, class, Some(head.status));
        let error = self
            .identified(error, Some(head))
            .with("cause", cause)
            .with("content_type", self.hidden(content_type))
            .with("bytes", bytes);
        match why {
            Unreadable::Problem(problem) => {
                let told = self.class(problem, head);
                self.quoting(error.with("class", told), problem, told)
            }
            _ => error,
        }
    }

    fn class(&self, problem: &Problem, head: &Head) -> FailureClass {
        let told = self.protocol.class(problem);
        told.unwrap_or_else(|| class_of(problem.status_over(head.status)))
    }

    fn with_problem(&self, head: &Head, problem: &Problem) -> Error {
        let class = self.class(problem, head);
        let error = failed(self.provider, class, Some(head.status));
        let error = self.identified(error, Some(head));
        let wait = retry_after::wait(&head.headers, class).or(problem.wait);
        let error = match wait {
            Some(wait) => error.with_retry_after(wait.min(retry_after::LONGEST)),
            None => error,
        };
        self.quoting(error, problem, class)
    }

    /// Who refuses a key quotes it, its ends in clear; the class says all that such a text does.
    fn quoting(&self, error: Error, problem: &Problem, class: FailureClass) -> Error {
        match &problem.message {
            Some(message) if class != FailureClass::InvalidKey => {
                error.with("message", self.hidden(message))
            }
            _ => error,
        }
    }

    fn identified(&self, error: Error, head: Option<&Head>) -> Error {
        let header = self.protocol.request_id_header();
        match head.and_then(|head| head.request_id(header)) {
            Some(id) => error.with("request_id", self.hidden(&id)),
            None => error,
        }
    }

    /// A provider's text without our keys, should it have quoted one.
    fn hidden<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let keys = self.provider.keys().iter().chain(self.own);
        keys.fold(Cow::Borrowed(text), |text, key| match without(&text, key) {
            Some(hidden) => Cow::Owned(hidden),
            None => text,
        })
    }
}

/// What a status means where the body says nothing typed.
fn class_of(status: StatusCode) -> FailureClass {
    match status.as_u16() {
        401 => FailureClass::InvalidKey,
        402 => FailureClass::QuotaExhausted,
        403 => FailureClass::Forbidden,
        404 => FailureClass::ModelNotFound,
        408 | 504 => FailureClass::Timeout,
        413 => FailureClass::ContextTooLong,
        425 | 429 => FailureClass::RateLimited,
        503 | 529 => FailureClass::Overloaded,
        400..=499 => FailureClass::BadRequest,
        // A redirect is not followed, and an address that redirects is not the provider's.
        100..=199 | 300..=399 => FailureClass::MalformedReply,
        _ => FailureClass::ServerError,
    }
}

/// `text` with the key taken out, if it stands there.
fn without(text: &str, key: &Secret<String>) -> Option<String> {
    let key = key.expose().trim();
    let is_quoted = !key.is_empty() && text.contains(key);
    is_quoted.then(|| text.replace(key, "[redacted]"))
}

/// An error with the causes behind it on one line: the outer one alone says "error sending request".
struct Chain<'a>(&'a reqwest::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(inner) = cause {
            write!(f, ": {inner}")?;
            cause = inner.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_alone_has_a_class() {
        let check = |status: u16, class| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(class_of(status), class, "{status}");
        };
        check(301, FailureClass::MalformedReply);
        check(400, FailureClass::BadRequest);
        check(401, FailureClass::InvalidKey);
        check(402, FailureClass::QuotaExhausted);
        check(403, FailureClass::Forbidden);
        check(404, FailureClass::ModelNotFound);
        check(408, FailureClass::Timeout);
        check(413, FailureClass::ContextTooLong);
        check(422, FailureClass::BadRequest);
        check(429, FailureClass::RateLimited);
        check(500, FailureClass::ServerError);
        check(503, FailureClass::Overloaded);
        check(504, FailureClass::Timeout);
        check(529, FailureClass::Overloaded);
        check(999, FailureClass::ServerError);
    }

    #[test]
    fn a_quoted_key_is_taken_out() {
        let check = |text, key: &str, hidden: Option<&str>| {
            let key = Secret::new(key.to_owned());
            assert_eq!(without(text, &key).as_deref(), hidden, "{text}");
        };
        check("bad sk-4711!", "sk-4711", Some("bad [redacted]!"));
        check("bad sk-4711!", " sk-4711 ", Some("bad [redacted]!"));
        check("bad", "", None);
        check("bad", "sk-4711", None);
    }
}
