//! What providers say of their limits, in the headers of every reply.
//!
//! Sources: `OpenAI`'s guide of rate limits (`x-ratelimit-…`, spans such as `6m0s`), which Azure, xAI, Groq and
//! others follow, and Anthropic's reference of rate limits (`anthropic-ratelimit-…`, dates of RFC 3339). A header
//! that cannot be read is as good as none.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

/// What a provider says of its limits in the headers of a reply. Nothing said is `None`.
///
/// | | headers |
/// |---|---|
/// | `OpenAI`, Azure, xAI, Groq and others | `x-ratelimit-limit-requests`, `x-ratelimit-remaining-tokens`, `x-ratelimit-reset-tokens` |
/// | Anthropic | `anthropic-ratelimit-requests-limit`, `anthropic-ratelimit-input-tokens-remaining`, `…-reset` |
///
/// They count for the account or the project, not for this process, and are a moment old when they are read. A
/// [`Retry-After`](lattice_lock_errors::Error::retry_after) of a refused call goes before them.
///
/// Whoever shares an account among several processes can slow down before it is refused:
///
/// ```
/// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
/// # use lattice_lock_providers::Provider;
/// # use lattice_lock_testkit::{Exchange, ScriptedServer};
/// # use std::time::Duration;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # let exchange = Exchange::reply("Hi.").header("x-ratelimit-remaining-tokens", "150");
/// # server.script(exchange.header("x-ratelimit-reset-tokens", "6m0s"));
/// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
/// # let client = HttpClients::new()?.client(&provider);
/// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi")).await?;
/// let tokens = reply.rate_limits().tokens;
/// if tokens.remaining.is_some_and(|left| left < 1_000) {
///     assert_eq!(tokens.reset, Some(Duration::from_secs(360)));
/// }
/// assert_eq!(reply.rate_limits().requests.limit, None); // it said nothing of these
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimits {
    /// Calls.
    pub requests: RateLimit,
    /// Tokens of prompts and replies together.
    pub tokens: RateLimit,
    /// Tokens of prompts, where they are limited apart.
    pub input_tokens: RateLimit,
    /// Tokens of replies, where they are limited apart.
    pub output_tokens: RateLimit,
}

/// One limit.
///
/// Each field is there if its header was. What a period is, a minute mostly, is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How much there is in the provider's period.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// In how long all of it is there again, from when the reply was written. Read from a span (`6m0s`), from
    /// seconds, or from a date, which is held against the reply's own so that a clock that is wrong here does not
    /// matter.
    pub reset: Option<Duration>,
}

/// The headers of a limit, of what it is, what is left and when it is there again: each as `OpenAI` writes it, and as
/// Anthropic does.
type Names = [[&'static str; 2]; 3];

macro_rules! names {
    ($kind:literal) => {
        [
            names!($kind, "limit"),
            names!($kind, "remaining"),
            names!($kind, "reset"),
        ]
    };
    ($kind:literal, $figure:literal) => {
        [
            concat!("x-ratelimit-", $figure, "-", $kind),
            concat!("anthropic-ratelimit-", $kind, "-", $figure),
        ]
    };
}

const REQUESTS: Names = names!("requests");
const TOKENS: Names = names!("tokens");
const INPUT_TOKENS: Names = names!("input-tokens");
const OUTPUT_TOKENS: Names = names!("output-tokens");

impl RateLimits {
    /// What the headers say, as `OpenAI` (`x-ratelimit-remaining-tokens`) or Anthropic
    /// (`anthropic-ratelimit-tokens-remaining`) writes them; `now` is what dates are held against.
    pub(crate) fn read(headers: &HeaderMap, now: impl Fn() -> Timestamp) -> Self {
        let is_limit = |name: &str| name.contains("ratelimit-");
        if !headers.keys().any(|name| is_limit(name.as_str())) {
            return Self::default();
        }
        let text = |names: [&str; 2]| {
            let value = names.iter().find_map(|name| headers.get(*name))?;
            value.to_str().ok().map(str::trim)
        };
        let read = |[limit, remaining, until]: Names| RateLimit {
            limit: text(limit).and_then(number),
            remaining: text(remaining).and_then(number),
            reset: text(until).and_then(|text| reset(text, &now)),
        };
        Self {
            requests: read(REQUESTS),
            tokens: read(TOKENS),
            input_tokens: read(INPUT_TOKENS),
            output_tokens: read(OUTPUT_TOKENS),
        }
    }

    /// When what is used up is there again: the longest wait among the limits of which nothing is left.
    pub(crate) fn wait(&self) -> Option<Duration> {
        [
            self.requests,
            self.tokens,
            self.input_tokens,
            self.output_tokens,
        ]
        .into_iter()
        .filter(|limit| limit.remaining == Some(0))
        .filter_map(|limit| limit.reset)
        .max()
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// `1s`, `6m0s`, `250ms`, `2h3m`, a bare number of seconds, or a date.
fn reset(text: &str, now: &impl Fn() -> Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    if let Ok(date) = text.parse::<Timestamp>() {
        // A date that has passed asks for no wait.
        return Some(Duration::try_from(date.duration_since(now())).unwrap_or_default());
    }
    span(text)
}

fn span(mut text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (figure, rest) = text.split_at(digits);
        let unit = rest.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, rest) = rest.split_at(unit.unwrap_or(rest.len()));
        let micros = match unit {
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            _ => return None,
        };
        sum = sum.checked_add(scaled(figure, micros)?)?;
        text = rest;
    }
    Some(sum)
}

/// So many units of this length, with at most six decimal places.
fn scaled(figure: &str, micros: u64) -> Option<Duration> {
    let (whole, places) = figure.split_once('.').unwrap_or((figure, ""));
    let whole: u64 = whole.parse().ok()?;
    let places = format!("{places:0<6}");
    let fraction: u64 = places.get(..6)?.parse().ok()?;
    let whole = whole.checked_mul(micros)?;
    let fraction = fraction.checked_mul(micros)? / 1_000_000;
    Some(Duration::from_micros(whole.checked_add(fraction)?))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn read(headers: &[(&'static str, &str)]) -> RateLimits {
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        });
        RateLimits::read(&headers.collect(), now)
    }

    #[test]
    fn openais_headers_are_read() {
        let limits = read(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0.5s"),
        ]);
        assert_eq!(limits.requests.limit, Some(60));
        assert_eq!(limits.tokens.remaining, Some(149_984));
        assert_eq!(limits.tokens.reset, Some(Duration::from_millis(360_500)));
        assert_eq!(limits.input_tokens, RateLimit::default());
        assert_eq!(limits.wait(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn anthropics_headers_are_read() {
        let limits = read(&[
            ("anthropic-ratelimit-input-tokens-limit", "10000"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            (
                "anthropic-ratelimit-input-tokens-reset",
                "2026-11-22T12:00:30Z",
            ),
        ]);
        assert_eq!(limits.input_tokens.limit, Some(10_000));
        assert_eq!(limits.wait(), Some(Duration::from_secs(30)));
        let past = [("anthropic-ratelimit-tokens-reset", "2026-11-22T11:00:00Z")];
        assert_eq!(read(&past).tokens.reset, Some(Duration::ZERO));
    }

    #[test]
    fn spans_are_read_and_nonsense_is_nothing() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(
                reset(text, &now),
                millis.map(Duration::from_millis),
                "{text}"
            );
        };
        check("20ms", Some(20));
        check("1h2m3s", Some(3_723_000));
        check("7", Some(7_000));
        check("7.66s", Some(7_660));
        check("", None);
        check("soon", None);
        check("1d", None);
        check("-1s", None);
        check("99999999999999999999s", None);
        check("s", None);
    }

    #[test]
    fn no_header_is_no_limit() {
        assert_eq!(read(&[("content-type", "x")]), RateLimits::default());
        assert_eq!(RateLimits::default().wait(), None);
    }
}
