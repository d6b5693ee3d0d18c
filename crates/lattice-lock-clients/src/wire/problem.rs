//! What the body of an error says, whoever wrote it.
//!
//! | written by | shape |
//! |---|---|
//! | `OpenAI`, Azure, DIAL, Groq, `DeepSeek` | `{"error": {"message", "type", "param", "code"}}`, at Azure with `innererror.code` |
//! | xAI | `{"code", "error"}`, both texts |
//! | Anthropic | `{"type": "error", "error": {"type", "message"}, "request_id"}` |
//! | Google | `{"error": {"code", "message", "status", "details": [{"reason"}, {"retryDelay"}]}}`, in a stream within a list |
//! | Ollama | `{"error": "text"}` |
//! | AWS | `{"message"}`, with the name of the exception in a header |
//! | Azure's gateway | `{"statusCode", "message"}` |
//!
//! Only `code`, `type`, `status`, `reason` and a status in the body decide anything. The message is shown to
//! people, without our keys and cut at a bound, and no text in it is ever looked for.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::value::RawValue;

use super::json;

/// The typed fields of an error's body, whoever wrote it.
///
/// The wires agree on an object `error`; among the servers that speak them, some put its fields one level up, write
/// the error as a text, the status as its code, or all of it into a list. Google tells the reason and the wait in
/// `details`, Azure the filter's word in `innererror`.
///
/// A body that is no JSON, such as a proxy's page, makes an empty one: then the status is all there is, and no word
/// of the page is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What went wrong, in words of the wire, the most telling first.
    words: Vec<String>,
    /// The same for people. It is shown, and never decides.
    pub(crate) message: Option<String>,
    /// How long to stay away, where the body says so.
    pub(crate) wait: Option<Duration>,
    /// The code, where it is a number: then it is a status.
    status: Option<u16>,
}

impl Problem {
    /// What can be read of `body`: nothing, if it is no JSON.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(body) = str::from_utf8(body) else {
            return Self::default();
        };
        let body = match body.trim_ascii_start().as_bytes() {
            [b'[', ..] => first(body),
            _ => body,
        };
        let wanted = ["error", "code", "type", "message", "status", "statusCode"];
        let Ok([error, outer @ ..]) = json::fields(body, wanted) else {
            return Self::default();
        };
        let as_text = json::text(error);
        let fields = ["code", "type", "message", "status", "statusCode"];
        let [code, kind, message, state, number] = match error {
            Some(_) if as_text.is_none() => json::inner(error, fields),
            _ => outer,
        };
        let [details, cause] = json::inner(error, ["details", "innererror"]);
        let details = json::items(details);
        let mut words: Vec<String> = details.iter().filter_map(|it| reason(it)).collect();
        let [cause] = json::inner(cause, ["code"]);
        words.extend(
            [cause, code, kind, state]
                .into_iter()
                .filter_map(json::text),
        );
        Self {
            words,
            message: as_text.or_else(|| json::text(message)),
            wait: details.iter().find_map(|it| retry_delay(it)),
            status: json::read(code).or_else(|| json::read(number)),
        }
    }

    /// A problem that one word tells.
    pub(crate) fn named(mut self, word: &str) -> Self {
        self.words.insert(0, word.to_owned());
        self
    }

    /// The status that the error means: its own, where an error came with a good one.
    ///
    /// A gateway that answers 200 and writes `"code": 429` means 429; one that answers 429 and writes 400 means 429.
    pub(crate) fn status_over(&self, status: StatusCode) -> StatusCode {
        let own = self.status.and_then(|own| StatusCode::from_u16(own).ok());
        match own.filter(|own| own.is_client_error() || own.is_server_error()) {
            Some(own) if status.is_success() => own,
            _ => status,
        }
    }

    /// The words, the most telling first.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }
}

/// The first item of a list: Google wraps the error of a stream in one.
fn first(body: &str) -> &str {
    let items: Vec<&RawValue> = serde_json::from_str(body).unwrap_or_default();
    items.first().map_or("", |item| item.get())
}

/// `API_KEY_INVALID` and the like, of Google's `ErrorInfo`.
fn reason(detail: &RawValue) -> Option<String> {
    let [reason] = json::inner(Some(detail), ["reason"]);
    json::text(reason)
}

/// Seconds, of Google's `RetryInfo`: `34s` or `34.07s`.
fn retry_delay(detail: &RawValue) -> Option<Duration> {
    let [delay] = json::inner(Some(detail), ["retryDelay"]);
    let delay = json::borrowed(delay)?;
    let (seconds, rest) = delay
        .strip_suffix('s')?
        .split_once('.')
        .unwrap_or((delay.strip_suffix('s')?, ""));
    let seconds: u32 = seconds.parse().ok()?;
    // A wait that is too long by less than a second harms nobody, one that is too short asks again in vain.
    Some(Duration::from_secs(
        u64::from(seconds) + u64::from(!rest.is_empty()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, words: &[&str], message: Option<&str>) {
        let problem = Problem::read(body.as_bytes());
        assert_eq!(problem.words().collect::<Vec<_>>(), words, "{body}");
        assert_eq!(problem.message.as_deref(), message, "{body}");
    }

    #[test]
    fn the_shapes_of_errors_are_read() {
        check(
            r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#,
            &["c", "t"],
            Some("m"),
        );
        check(
            r#"{"type":"error","error":{"type":"t","message":"m"}}"#,
            &["t"],
            Some("m"),
        );
        check(r#"{"code":"c","error":"m"}"#, &["c"], Some("m"));
        check(
            r#"{"object":"error","message":"m","code":404}"#,
            &[],
            Some("m"),
        );
        check(r#"{"error":{"code":429}}"#, &[], None);
        check(
            r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"@type":"x","reason":"API_KEY_INVALID"}]}}]"#,
            &["API_KEY_INVALID", "INVALID_ARGUMENT"],
            Some("m"),
        );
        check(
            r#"{"error":{"code":"content_filter","message":"m","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            &["ResponsibleAIPolicyViolation", "content_filter"],
            Some("m"),
        );
        check(r#"{"statusCode":401,"message":"m"}"#, &[], Some("m"));
        check("<html>", &[], None);
        check("[7]", &[], None);
        check("", &[], None);
    }

    #[test]
    fn a_wait_in_the_body_is_read() {
        let check = |delay: &str, seconds: Option<u64>| {
            let body = format!(r#"{{"error":{{"details":[{{"retryDelay":"{delay}"}}]}}}}"#);
            let wait = Problem::read(body.as_bytes()).wait;
            assert_eq!(wait, seconds.map(Duration::from_secs), "{delay}");
        };
        check("34s", Some(34));
        check("34.07s", Some(35));
        check("soon", None);
        check("-1s", None);
        check("99999999999999s", None);
    }

    #[test]
    fn a_status_in_the_body_counts_only_over_a_good_one() {
        let problem = Problem::read(br#"{"error":{"code":429}}"#);
        let over = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            problem.status_over(status).as_u16()
        };
        assert_eq!((over(200), over(500)), (429, 500));
        let odd = Problem::read(br#"{"error":{"code":200}}"#);
        assert_eq!(odd.status_over(StatusCode::OK), StatusCode::OK);
    }
}
