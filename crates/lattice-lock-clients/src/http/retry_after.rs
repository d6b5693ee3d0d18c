//! How long a provider asks to stay away.
//!
//! | header | form | written by |
//! |---|---|---|
//! | `retry-after-ms` | milliseconds | `OpenAI`, Azure |
//! | `retry-after` | seconds, or a date | all of them |
//! | `x-ratelimit-reset-…`, `anthropic-ratelimit-…-reset` | a span, or a date | `OpenAI` and its like, Anthropic |
//!
//! Google writes the wait into the body instead, which the wire reads. What is longer than a day is a day.
//!
//! Source: RFC 9110, section 10.2.3, and section 5.6.7 for the three forms of a date, of which two are obsolete and
//! have to be read. A date is held against the reply's own `Date`, so that a clock that is wrong here makes no wait
//! longer or shorter.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use lattice_lock_providers::FailureClass;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::RateLimits;

/// The longest wait that is passed on: a provider that asks for more is as good as gone, and a wait without
/// end would overflow the clock of whoever adds it to now.
pub(super) const LONGEST: Duration = Duration::from_hours(24);

/// How long the provider asks to stay away, at most a day.
///
/// The finest form wins: milliseconds, seconds, a date. A date is measured against the reply's own, so that a
/// clock that is wrong here does not matter. Who asks to slow down and does not say for how long may say when a
/// limit of which nothing is left is there again.
pub(super) fn wait(headers: &HeaderMap, class: FailureClass) -> Option<Duration> {
    let limits = || RateLimits::read(headers, || now(headers)).wait();
    let is_limited = class == FailureClass::RateLimited;
    let wait = asked(headers).or_else(|| is_limited.then(limits).flatten());
    wait.map(|wait| wait.min(LONGEST))
}

/// Now, by the clock of whoever replied.
pub(super) fn now(headers: &HeaderMap) -> Timestamp {
    date(headers, &DATE).unwrap_or_else(Timestamp::now)
}

fn asked(headers: &HeaderMap) -> Option<Duration> {
    let millis = number(headers, &HeaderName::from_static("retry-after-ms"));
    let wait = match (millis, number(headers, &RETRY_AFTER)) {
        (Some(millis), _) => Duration::from_millis(millis),
        (None, Some(seconds)) => Duration::from_secs(seconds),
        (None, None) => {
            let wait = date(headers, &RETRY_AFTER)?.duration_since(now(headers));
            // A date that has passed asks for no wait.
            Duration::try_from(wait).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Digits that do not fit are a long time, not nonsense.
    is_digits.then(|| text.parse().unwrap_or(u64::MAX))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    let date = rfc2822::parse(text).map(|date| date.timestamp());
    date.ok().or_else(|| obsolete(text))
}

/// A date as HTTP no longer writes and still has to read it: RFC 850's form, or that of C's `asctime`.
fn obsolete(text: &str) -> Option<Timestamp> {
    let forms = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let date = forms
        .iter()
        .find_map(|form| strtime::parse(form, text).ok())?;
    let date = date.to_datetime().ok()?.to_zoned(TimeZone::UTC);
    Some(date.ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], expected: Option<u64>) {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    value.parse().expect("a header"),
                )
            })
            .collect();
        assert_eq!(
            wait(&map, FailureClass::RateLimited),
            expected.map(Duration::from_millis),
            "{headers:?}"
        );
    }

    const NOON: (&str, &str) = ("date", "Sun, 22 Nov 2026 12:00:00 GMT");

    #[test]
    fn seconds_milliseconds_and_dates_are_read() {
        check(&[], None);
        check(&[("retry-after", "20")], Some(20_000));
        check(&[("retry-after", " 0 ")], Some(0));
        check(
            &[("retry-after", "1"), ("retry-after-ms", "250")],
            Some(250),
        );
        check(
            &[NOON, ("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT")],
            Some(30_000),
        );
        check(
            &[NOON, ("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT")],
            Some(0),
        );
    }

    #[test]
    fn every_form_of_a_date_that_http_has_is_read() {
        for date in [
            "Sun, 22 Nov 2026 12:00:30 GMT",
            "Sunday, 22-Nov-26 12:00:30 GMT",
            "Sun Nov 22 12:00:30 2026",
        ] {
            check(&[NOON, ("retry-after", date)], Some(30_000));
        }
        let single = ("retry-after", "Tue Dec  1 12:00:00 2026");
        let before = ("date", "Tue, 01 Dec 2026 11:59:00 GMT");
        check(&[before, single], Some(60_000));
    }

    #[test]
    fn a_limit_of_which_nothing_is_left_is_waited_for() {
        check(
            &[
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "3s"),
            ],
            Some(3_000),
        );
        check(
            &[
                ("x-ratelimit-remaining-tokens", "5"),
                ("x-ratelimit-reset-tokens", "3s"),
            ],
            None,
        );
    }

    #[test]
    fn nonsense_is_no_wait_and_an_age_is_a_day() {
        for text in ["", "soon", "-1", "1e3", "+5", "Sun, 99 Nov 2026"] {
            check(&[("retry-after", text)], None);
        }
        check(
            &[("retry-after", "99999999999999999999999")],
            Some(86_400_000),
        );
        check(&[("retry-after", "18446744073709551615")], Some(86_400_000));
        check(
            &[NOON, ("retry-after", "Fri, 22 Nov 2999 12:00:00 GMT")],
            Some(86_400_000),
        );
    }
}
