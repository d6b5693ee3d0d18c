use std::borrow::Cow;

use lattice_lock_errors::{Error, Secret};
use lattice_lock_providers::{FailureClass, Provider, ProviderUnavailableError};
use reqwest::StatusCode;

use super::answer::{Answer, Unread};
use super::retry_after;
use crate::codes::ADDRESS_UNUSABLE;
use crate::wire::{Problem, Protocol, Unreadable};

/// A failed attempt at `provider`, as the error that every client returns.
fn failed(provider: &Provider, class: FailureClass, status: Option<StatusCode>) -> Error {
    let failure = ProviderUnavailableError::new(provider.id().clone(), class);
    match status {
        Some(status) => failure.with_status(status.as_u16()),
        None => failure,
    }
    .into_error()
}

/// No answer came.
pub(super) fn unanswered(provider: &Provider, error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_builder() {
        let unusable = Error::new(ADDRESS_UNUSABLE, "the provider's address cannot be called");
        return unusable
            .with("provider", provider.id())
            .with_foreign(&error);
    }
    // A connection that did not come about in time has carried nothing, so that comes first. One that broke
    // later may have carried the whole request.
    let class = match (error.is_connect(), error.is_timeout()) {
        (true, _) => FailureClass::Connect,
        (false, true) => FailureClass::Timeout,
        (false, false) => FailureClass::CutStream,
    };
    failed(provider, class, None).with("cause", Chain(&error))
}

/// An answer began and could not be read to its end.
pub(super) fn unread(provider: &Provider, status: StatusCode, unread: &Unread) -> Error {
    let error = failed(provider, unread.class, Some(status));
    match &unread.cause {
        Some(cause) => error.with("cause", Chain(cause)),
        None => error.with("cause", "the reply is longer than a client reads"),
    }
}

/// The answer's status says that the attempt failed.
pub(super) fn refused(provider: &Provider, protocol: &dyn Protocol, answer: &Answer) -> Error {
    let problem = Problem::read(&answer.body);
    with_problem(provider, protocol, answer, &problem)
}

/// The status says that all is well, and the body is no reply.
pub(super) fn unreadable(
    provider: &Provider,
    protocol: &dyn Protocol,
    answer: &Answer,
    why: &Unreadable,
) -> Error {
    let (class, cause) = match why {
        Unreadable::Problem(problem) => return with_problem(provider, protocol, answer, problem),
        Unreadable::Cut => (FailureClass::CutStream, "the JSON ends too early"),
        Unreadable::Malformed(cause) => (FailureClass::MalformedReply, *cause),
    };
    let content_type = answer.headers.get(reqwest::header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let error = failed(provider, class, Some(answer.status));
    identified(error, provider, protocol, answer)
        .with("cause", cause)
        .with(
            "content_type",
            without(content_type.unwrap_or("none"), provider.key()),
        )
        .with("bytes", answer.body.len())
}

fn with_problem(
    provider: &Provider,
    protocol: &dyn Protocol,
    answer: &Answer,
    problem: &Problem,
) -> Error {
    let class = protocol
        .class(problem)
        .unwrap_or_else(|| class_of(problem.status_over(answer.status)));
    let error = failed(provider, class, Some(answer.status));
    let error = identified(error, provider, protocol, answer);
    let error = match retry_after::wait(&answer.headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    };
    // Who refuses a key quotes it, its ends in clear; the class says all that such a text does.
    match &problem.message {
        Some(message) if class != FailureClass::InvalidKey => {
            error.with("message", without(message, provider.key()))
        }
        _ => error,
    }
}

fn identified(
    error: Error,
    provider: &Provider,
    protocol: &dyn Protocol,
    answer: &Answer,
) -> Error {
    match answer.request_id(protocol.request_id_header()) {
        Some(id) => error.with("request_id", without(&id, provider.key())),
        None => error,
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

/// A provider's text without our key, should it have quoted it.
fn without<'a>(text: &'a str, key: Option<&Secret<String>>) -> Cow<'a, str> {
    match key.map(|key| key.expose().trim()) {
        Some(key) if !key.is_empty() && text.contains(key) => {
            Cow::Owned(text.replace(key, "[redacted]"))
        }
        _ => Cow::Borrowed(text),
    }
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
        let key = Secret::new("sk-4711".to_string());
        assert_eq!(without("bad sk-4711!", Some(&key)), "bad [redacted]!");
        assert_eq!(without("bad", Some(&Secret::new(String::new()))), "bad");
        assert_eq!(without("bad", None), "bad");
    }
}
