//! Requests as they came in, for tests of what is sent.

use std::fmt;

use hyper::body::Bytes;
use serde_json::Value;

/// Headers whose values `Debug` does not show.
const SECRET_HEADERS: [&str; 6] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-amz-security-token",
    "cookie",
];

/// One request as it came in. `Debug` shows neither credentials nor the body, so that a failing test does not
/// print them; [`header`](Self::header) and [`body`](Self::body) do, for a test that must know what was sent.
///
/// ```
/// use lattice_lock_testkit::ScriptedServer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
/// let server = ScriptedServer::start().await?;
/// ask(server.url(), "/v1/messages?beta=true", r#"{"model":"claude-haiku-4-5"}"#);
/// let received = &server.received()[0]; // it was refused, and is here all the same
/// assert_eq!((received.path(), received.query()), ("/v1/messages", Some("beta=true")));
/// assert_eq!(received.header("host"), Some("x"));
/// assert!(format!("{received:?}").contains("28 bytes"));
/// # Ok(())
/// # }
/// # fn ask(url: &str, path: &str, body: &str) -> String {
/// #     use std::io::{Read as _, Write as _};
/// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
/// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
/// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
/// #     let mut reply = Vec::new();
/// #     let _ = stream.read_to_end(&mut reply);
/// #     String::from_utf8_lossy(&reply).into_owned()
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Received {
    pub(crate) fn new(parts: &hyper::http::request::Parts, body: Bytes) -> Self {
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        };
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.iter().map(header).collect(),
            body,
        }
    }

    /// The method, such as `POST`.
    ///
    /// In capital letters, as HTTP has it.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path without the query.
    ///
    /// As it was sent: what was escaped is escaped.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What stands behind the question mark, if there is one.
    ///
    /// Azure's `api-version` and Gemini's `alt=sse` stand here; a key never should.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The names and values of all headers; credentials are not redacted.
    ///
    /// Names are in lower case. A value that is no UTF-8 has marks of replacement in it. To look for a secret that
    /// should not have been sent:
    ///
    /// ```
    /// use lattice_lock_testkit::ScriptedServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// ask(server.url(), "/v1/chat/completions", "{}");
    /// let received = &server.received()[0];
    /// assert!(received.headers().all(|(_, value)| !value.contains("sk-live-4711")));
    /// # Ok(())
    /// # }
    /// # fn ask(url: &str, path: &str, body: &str) -> String {
    /// #     use std::io::{Read as _, Write as _};
    /// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    /// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
    /// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
    /// #     let mut reply = Vec::new();
    /// #     let _ = stream.read_to_end(&mut reply);
    /// #     String::from_utf8_lossy(&reply).into_owned()
    /// # }
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of a header, whose name is in lower case; credentials are not redacted.
    ///
    /// A name with capital letters finds nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body, as it was sent.
    ///
    /// Empty where there was none, and where it was longer than 32 MiB or did not come in time.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON; `null` if it is none.
    ///
    /// Fields of it can be asked for without a check, since a field of `null` is `null` again:
    /// `received.json()["stream"] == true`.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &(String, String)| {
            let is_secret = SECRET_HEADERS.contains(&name.as_str());
            (
                name.clone(),
                if is_secret {
                    "[redacted]".to_owned()
                } else {
                    value.clone()
                },
            )
        };
        f.debug_struct("Received")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field(
                "headers",
                &self.headers.iter().map(shown).collect::<Vec<_>>(),
            )
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}
