//! What a test writes: exchanges, as data.
//!
//! An [`Exchange`] knows no wire and no socket. The desk asks it what is charged and said, the wire puts that into
//! the provider's words, and the server sends these as fast, as slowly or as far as the exchange has it.

use std::time::Duration;

use serde_json::Value;

use crate::{Gate, Usage};

/// One scripted exchange: what the server does with one request.
///
/// The same exchange serves every wire, whole and streaming: what is said is put into the words of whichever is
/// asked. Faults can be combined, such as a slow reply that breaks off; of two that change the body, or of two that
/// end it, the last one counts.
///
/// ```
/// use std::time::Duration;
/// use lattice_lock_testkit::{Exchange, Usage};
///
/// let slow = Exchange::reply("Done.").usage(Usage::new().input(12).output(2)).delay(Duration::from_secs(2));
/// let limited = Exchange::error(429).retry_after(20);
/// let lost = Exchange::reply("Nobody reads this, but it is charged.").then_reset();
/// ```
///
/// Later calls of one setter replace earlier ones, except [`tool_call`](Self::tool_call) and
/// [`header`](Self::header), which add; of two headers with one name the last counts. What takes effect in which
/// order: the [model](Self::only_model), then the charge, then [gate](Self::gate) and [delay](Self::delay), then
/// the bytes.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(crate) answer: Answer,
    pub(crate) only_model: Option<String>,
    pub(crate) served_model: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) reported: Reported,
    pub(crate) placement: Placement,
    pub(crate) reasoning: Option<String>,
    pub(crate) calls: Vec<(String, Value)>,
    pub(crate) is_refusal: bool,
    pub(crate) finish: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) delay: Duration,
    pub(crate) gate: Option<Gate>,
    pub(crate) ending: Ending,
    pub(crate) mangle: Option<Mangle>,
    pub(crate) drip: Option<(usize, Duration)>,
}

/// What is said.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A text made from the prompt.
    Derived,
    Text(String),
    /// The error that the provider really sends with this status.
    Failure {
        status: u16,
        message: Option<String>,
    },
    /// Anything at all.
    Raw {
        status: u16,
        content_type: String,
        body: Vec<u8>,
    },
}

/// What the reply says about usage.
#[derive(Clone, Debug)]
pub(crate) enum Reported {
    AsCharged,
    Nothing,
    Verbatim(Value),
}

/// How the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// An orderly end after so many bytes; after half of them, if nothing is said.
    Truncated(Option<usize>),
    /// A reset after so many bytes of the body; before the reply, if nothing is said.
    Reset(Option<usize>),
    /// Silence after so many bytes.
    Stalled(usize),
}

/// Where the usage stands in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Where the provider puts it.
    Usual,
    /// On a piece that comes before that, and nowhere else.
    Early,
    /// On both.
    Twice,
    /// Wrong on the first, right on the second.
    Corrected(Usage),
}

/// What becomes of the bytes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mangle {
    /// One in the middle is no UTF-8.
    InvalidUtf8,
    /// They end early, in an orderly message.
    Cut,
    /// A line of so many more stands before them.
    LongLine(usize),
}

impl Exchange {
    fn new(answer: Answer) -> Self {
        Self {
            answer,
            only_model: None,
            served_model: None,
            usage: None,
            reported: Reported::AsCharged,
            placement: Placement::Usual,
            reasoning: None,
            calls: Vec::new(),
            is_refusal: false,
            finish: None,
            headers: Vec::new(),
            delay: Duration::ZERO,
            gate: None,
            ending: Ending::Whole,
            mangle: None,
            drip: None,
        }
    }

    /// Answers with a text made from the prompt, as the server does when its script is at its end.
    ///
    /// For everything else that can be set on an exchange where the words do not matter:
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::derived().usage(Usage::new().input(1_000_000).output(100_000)));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi there"}]}"#;
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains("a prompt of 2 words"));
    /// assert_eq!(server.account().tokens(), 1_100_000);
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
    #[must_use]
    pub fn derived() -> Self {
        Self::new(Answer::Derived)
    }

    /// Answers with `text`.
    ///
    /// A stream says it word by word. An empty text is a reply without words, for one that only calls tools.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Goethe."));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Who wrote Faust?"}]}"#;
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains(r#""content":"Goethe.""#));
    /// // The script is at its end.
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains("Scripted answer"));
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
    #[must_use]
    pub fn reply(text: impl Into<String>) -> Self {
        Self::new(Answer::Text(text.into()))
    }

    /// Fails with `status` and the body that the provider really sends with it; not charged, unless
    /// [`usage`](Self::usage) says so. The error's type is the wire's for this status: `rate_limit_error` of
    /// Anthropic's 429, `RESOURCE_EXHAUSTED` of Google's, `ThrottlingException` in the header of Amazon's.
    ///
    /// A status that the wire has no error for gets that of a wrong request, from 500 on that of a server that
    /// failed. A good status can be given, too, for a server that is wrong about itself.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::error(429).retry_after(20));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// let refused = ask(server.url(), "/v1/chat/completions", body);
    /// assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("retry-after: 20"));
    /// assert!(refused.contains(r#""code":"rate_limit_exceeded""#)); // OpenAI's own body
    /// assert!(server.account().charges().is_empty());
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
    ///
    /// Which word a status has:
    ///
    /// | status | OpenAI | Azure | Anthropic | Gemini | Bedrock |
    /// |---|---|---|---|---|---|
    /// | 401 | `invalid_api_key` | `401` | `authentication_error` | `UNAUTHENTICATED` | `MissingAuthenticationTokenException` |
    /// | 403 | `unsupported_country_region_territory` | `BadRequest` | `permission_error` | `PERMISSION_DENIED` | `AccessDeniedException` |
    /// | 404 | `model_not_found` | `DeploymentNotFound` | `not_found_error` | `NOT_FOUND` | `ResourceNotFoundException` |
    /// | 408 | `invalid_request_error` | `BadRequest` | `invalid_request_error` | `INVALID_ARGUMENT` | `ModelTimeoutException` |
    /// | 413 | `invalid_request_error` | `BadRequest` | `request_too_large` | `INVALID_ARGUMENT` | `ValidationException` |
    /// | 429 | `rate_limit_exceeded` | `429` | `rate_limit_error` | `RESOURCE_EXHAUSTED` | `ThrottlingException` |
    /// | others below 500 | `invalid_request_error` | `BadRequest` | `invalid_request_error` | `INVALID_ARGUMENT` | `ValidationException` |
    /// | 503 | `server_error` | `InternalServerError` | `api_error` | `UNAVAILABLE` | `ServiceUnavailableException` |
    /// | 504 | `server_error` | `InternalServerError` | `api_error` | `DEADLINE_EXCEEDED` | `InternalServerException` |
    /// | 529 | `server_error` | `InternalServerError` | `overloaded_error` | `INTERNAL` | `InternalServerException` |
    /// | others from 500 on | `server_error` | `InternalServerError` | `api_error` | `INTERNAL` | `InternalServerException` |
    ///
    /// OpenAI's responses have OpenAI's words, and Ollama has a text alone. For a word that is not here, such as
    /// `insufficient_quota`, send the body with [`raw`](Self::raw).
    #[must_use]
    pub fn error(status: u16) -> Self {
        Self::new(Answer::Failure {
            status,
            message: None,
        })
    }

    /// Sends these bytes, whatever they are; not charged, unless [`usage`](Self::usage) says so. The length is
    /// announced, and nothing of them is looked at: it is the way to a recorded reply, a page of a proxy, or an
    /// event that no wire has.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, aws_event};
    /// use serde_json::json;
    ///
    /// let page = Exchange::raw(502, "text/html", "<html>Bad gateway</html>");
    /// let usage = json!({ "inputTokens": 5, "outputTokens": 1, "totalTokens": 6 });
    /// let stream = [
    ///     aws_event("messageStart", &json!({ "role": "assistant" })),
    ///     aws_event("messageStop", &json!({ "stopReason": "end_turn" })),
    ///     aws_event("metadata", &json!({ "usage": usage, "metrics": { "latencyMs": 7 } })),
    /// ];
    /// let silent = Exchange::raw(200, "application/vnd.amazon.eventstream", stream.concat());
    /// ```
    #[must_use]
    pub fn raw(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let (content_type, body) = (content_type.into(), body.into());
        Self::new(Answer::Raw {
            status,
            content_type,
            body,
        })
    }

    /// Resets the connection before any work is done; not charged, unless [`usage`](Self::usage) says so. For a
    /// caller it is the same as [`then_reset`](Self::then_reset), which is charged: only the account tells them
    /// apart.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reset());
    /// server.script(Exchange::reply("Nobody reads this.").then_reset());
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// for _ in 0..2 {
    ///     assert_eq!(ask(server.url(), "/v1/chat/completions", body), "");
    /// }
    /// assert_eq!(server.account().charges().len(), 1);
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
    #[must_use]
    pub fn reset() -> Self {
        Self::error(500).then_reset()
    }

    /// Replaces the message of an [`error`](Self::error); the provider's own by default.
    ///
    /// Of an exchange that is no error it changes nothing. A message that quotes a key shows whether a client hides it:
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::error(400).message("The key sk-live-4711 may not do this."));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains("The key sk-live-4711 may not"));
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
    #[must_use]
    pub fn message(mut self, text: impl Into<String>) -> Self {
        if let Answer::Failure { message, .. } = &mut self.answer {
            *message = Some(text.into());
        }
        self
    }

    /// Keeps the exchange for a request for exactly this model; any request by default. It makes a script of
    /// several models independent of who asks first.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::error(503).only_model("gpt-5"));
    /// server.script(Exchange::reply("Hi.").only_model("gpt-5-mini"));
    /// let ask = |model: &str| {
    ///     let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hi"}}]}}"#);
    ///     ask(server.url(), "/v1/chat/completions", &body)
    /// };
    /// assert!(ask("gpt-5-mini").starts_with("HTTP/1.1 200")); // passes over the first one
    /// assert!(ask("gpt-5").starts_with("HTTP/1.1 503"));
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
    #[must_use]
    pub fn only_model(mut self, model: impl Into<String>) -> Self {
        self.only_model = Some(model.into());
        self
    }

    /// Sets the model's name in the reply; by default the dated name of an alias that the server knows, or
    /// the name that was asked for.
    ///
    /// It is the one that is [charged](crate::Charge::served_model): a router or a deployment that answers with
    /// another model is scripted by it. Vectors are always served by the model that was asked, or its dated name.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Hi.").served_model("gpt-5-nano-2025-08-07"));
    /// ask(server.url(), "/v1/chat/completions", r#"{"model":"router","messages":[{"role":"user","content":"Hi"}]}"#);
    /// let account = server.account();
    /// let charge = &account.charges()[0];
    /// assert_eq!((&*charge.requested_model, &*charge.served_model), ("router", "gpt-5-nano-2025-08-07"));
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
    #[must_use]
    pub fn served_model(mut self, model: impl Into<String>) -> Self {
        self.served_model = Some(model.into());
        self
    }

    /// Sets what is charged, and reported; by default a token for every four bytes of prompt and reply, at least
    /// one each.
    ///
    /// What an error, a reset or raw bytes are charged for is set here as well: a provider that worked and failed.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::error(500).usage(Usage::new().input(800)));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// assert!(ask(server.url(), "/v1/chat/completions", body).starts_with("HTTP/1.1 500"));
    /// assert_eq!(server.account().tokens(), 800);
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
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Leaves the usage out of the reply; it is charged all the same. A stream on OpenAI's wire leaves it out by
    /// itself, unless it is asked for with `stream_options.include_usage`.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Hi.").usage(Usage::new().input(9).output(2)).without_usage());
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// assert!(!ask(server.url(), "/v1/chat/completions", body).contains("prompt_tokens"));
    /// assert_eq!(server.account().tokens(), 11); // which a ledger cannot know, and must not book as 0
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
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.reported = Reported::Nothing;
        self
    }

    /// Puts `usage` into the reply as it stands, true or not; what is charged stays as it is. It is in the wire's
    /// own words, and may be anything: `null`, a text, negative or huge counts, a total that differs.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, Usage};
    /// use serde_json::json;
    ///
    /// let lying = Exchange::reply("Hi.")
    ///     .usage(Usage::new().input(10).output(2))
    ///     .reporting(json!({ "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 99 }));
    /// ```
    #[must_use]
    pub fn reporting(mut self, usage: Value) -> Self {
        self.reported = Reported::Verbatim(usage);
        self
    }

    /// Sets `finish_reason` or `stop_reason`, in the wire's own words; `stop` or `end_turn` by default.
    ///
    /// On OpenAI's responses anything but `completed` makes the response `incomplete`, with this for a reason. A
    /// reply with calls or a [refusal](Self::refusal) has the wire's own word for it by default, where it has one.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Faust was wri").finish("length")); // Anthropic: max_tokens, Gemini: MAX_TOKENS
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Who wrote Faust?"}]}"#;
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains(r#""finish_reason":"length""#));
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
    #[must_use]
    pub fn finish(mut self, reason: impl Into<String>) -> Self {
        self.finish = Some(reason.into());
        self
    }

    /// Adds a header to the reply, in place of one of the server's with its name. One that HTTP does not allow is
    /// left out.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Hi.").header("x-ratelimit-remaining-requests", "1"));
    /// server.script(Exchange::raw(302, "text/plain", "").header("location", "http://127.0.0.1:9/"));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains("x-ratelimit-remaining-requests: 1"));
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains("location: http://127.0.0.1:9/"));
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
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a `Retry-After` of so many seconds.
    ///
    /// It may stand on a good reply, too, where a client should not look for it.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header("retry-after", seconds.to_string())
    }

    /// Waits before it replies, by the server's own clock, which a paused one of the test's does not stop; not at
    /// all by default. A [gate](Self::gate) needs no clock.
    ///
    /// It is before the reply's head, so that a client that waits for the first byte waits for it.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits before it replies until `gate` is open. The request is taken and charged by then.
    ///
    /// A gate that nobody opens holds it until the caller gives up or the server is dropped. With a
    /// [delay](Self::delay), that begins when the gate is open.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Puts what the model thought before the text; nothing by default. A wire that shows no thoughts leaves it out.
    ///
    /// It is charged only if the usage says so: words of it are not counted. Anthropic's and Bedrock's are signed,
    /// those of OpenAI's responses sealed, as a caller must send them back.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// let thought = Exchange::reply("No.").reasoning("It is 7 times 673.");
    /// server.script(thought.usage(Usage::new().input(9).output(2).reasoning(30)));
    /// let body = r#"{"model":"deepseek-r1","messages":[{"role":"user","content":"Is 4,711 a prime?"}]}"#;
    /// let reply = ask(server.url(), "/v1/chat/completions", body);
    /// assert!(reply.contains(r#""reasoning_content":"It is 7 times 673.""#));
    /// assert!(reply.contains(r#""completion_tokens":32"#));
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
    #[must_use]
    pub fn reasoning(mut self, text: impl Into<String>) -> Self {
        self.reasoning = Some(text.into());
        self
    }

    /// Adds a call of a tool with these arguments; none by default.
    ///
    /// Calls stand behind the text, in the order in which they were added, with ids of the server's; Gemini's and
    /// Ollama's have none. Arguments come as JSON text in two pieces where the wire streams them so. They need not
    /// be an object.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// let both = Exchange::reply("Let me look.").tool_call("weather", json!({ "city": "Rome" }));
    /// server.script(both.tool_call("weather", json!({ "city": "Oslo" })));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Rome or Oslo?"}]}"#;
    /// let reply = ask(server.url(), "/v1/chat/completions", body);
    /// assert_eq!(reply.matches(r#""name":"weather""#).count(), 2);
    /// assert!(reply.contains(r#""finish_reason":"tool_calls""#));
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
    #[must_use]
    pub fn tool_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.calls.push((name.into(), arguments));
        self
    }

    /// Has the text be a refusal, where the wire tells refusals apart.
    ///
    /// OpenAI's wires have the text in a field of its own, Anthropic's the reason `refusal`, Gemini's the reason
    /// `SAFETY`; Ollama and Bedrock say the words as any others.
    #[must_use]
    pub fn refusal(mut self) -> Self {
        self.is_refusal = true;
        self
    }

    /// Streams the usage earlier than the provider does, and not where it does. Whole replies have it in their place.
    ///
    /// On OpenAI's wire it stands on the first piece, on Anthropic's in `message_start` alone, on Bedrock's in a
    /// `metadata` before the words. A client that asked for no usage gets none.
    #[must_use]
    pub fn usage_early(mut self) -> Self {
        self.placement = Placement::Early;
        self
    }

    /// Streams the usage twice.
    ///
    /// Who adds them up charges twice.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Hi.").usage(Usage::new().input(9).output(2)).usage_twice());
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}],"stream":true,
    ///     "stream_options":{"include_usage":true}}"#;
    /// let reply = ask(server.url(), "/v1/chat/completions", body);
    /// assert_eq!(reply.matches(r#""prompt_tokens":9"#).count(), 2);
    /// assert_eq!(server.account().tokens(), 11);
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
    #[must_use]
    pub fn usage_twice(mut self) -> Self {
        self.placement = Placement::Twice;
        self
    }

    /// Streams `wrong` as the usage first, and corrects it at the end: neither the sum nor the larger of the two is
    /// right.
    ///
    /// Charged is what is right.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// let (right, wrong) = (Usage::new().input(90).output(5), Usage::new().input(100).output(1));
    /// server.script(Exchange::reply("Hi.").usage(right).usage_corrected(wrong));
    /// let body = r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;
    /// let reply = ask(server.url(), "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", body);
    /// let (first, last) = (reply.find(r#""promptTokenCount":100"#), reply.find(r#""promptTokenCount":90"#));
    /// assert!(first.is_some() && first < last);
    /// assert_eq!(server.account().tokens(), 95);
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
    #[must_use]
    pub fn usage_corrected(mut self, wrong: Usage) -> Self {
        self.placement = Placement::Corrected(wrong);
        self
    }

    /// Announces the whole body, sends half of it, and closes the connection. A stream announces no length: its end
    /// is as orderly as any, and only the wire's last word is missing.
    ///
    /// It is charged in full.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Goethe.").then_truncate());
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Who wrote Faust?"}]}"#;
    /// let reply = ask(server.url(), "/v1/chat/completions", body);
    /// let announced = reply.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    /// let (_, came) = reply.split_once("\r\n\r\n").expect("a head and a body");
    /// assert!(came.len() < announced.parse().expect("a number"));
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
    #[must_use]
    pub fn then_truncate(mut self) -> Self {
        self.ending = Ending::Truncated(None);
        self
    }

    /// Sends so many bytes of the body, and closes the connection.
    ///
    /// Bytes are counted from the beginning of the body, without the head and without what HTTP puts around the
    /// pieces of a stream. From the body's length on, all of it comes, and then the connection closes.
    #[must_use]
    pub fn truncate_at(mut self, byte: usize) -> Self {
        self.ending = Ending::Truncated(Some(byte));
        self
    }

    /// Does the work, charges for it, and resets the connection instead of replying.
    ///
    /// The caller cannot know whether it was charged, which is what makes it worth a test.
    #[must_use]
    pub fn then_reset(mut self) -> Self {
        self.ending = Ending::Reset(None);
        self
    }

    /// Sends so many bytes of the body, and resets the connection.
    ///
    /// The bytes are written before the reset. With 0 the head of the reply comes and nothing of its body.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Goethe, and at length.").reset_at(100));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Who wrote Faust?"}]}"#;
    /// let reply = ask(server.url(), "/v1/chat/completions", body);
    /// let (_, came) = reply.split_once("\r\n\r\n").expect("the head comes whole");
    /// assert_eq!(came.len(), 100);
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
    #[must_use]
    pub fn reset_at(mut self, byte: usize) -> Self {
        self.ending = Ending::Reset(Some(byte));
        self
    }

    /// Sends so many bytes of the body and nothing more, for as long as the caller waits; with 0, the head of the
    /// reply alone.
    ///
    /// The connection stays open: only the caller's own timeout, or the end of the server, ends it.
    ///
    /// ```
    /// use lattice_lock_testkit::Exchange;
    ///
    /// // A client that waits for less than forever says so in time; one without a timeout hangs, and its test with it.
    /// let silent = Exchange::reply("Goethe, and at length.").stall_at(400);
    /// ```
    #[must_use]
    pub fn stall_at(mut self, byte: usize) -> Self {
        self.ending = Ending::Stalled(byte);
        self
    }

    /// Sends the body in pieces of so many bytes, with a pause after each.
    ///
    /// Pieces are cut without regard to events or letters; 0 bytes are taken for 1. Of a reply whose bytes come one
    /// by one nothing may depend on how they were cut:
    ///
    /// ```
    /// use std::time::Duration;
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Grüße").drip(1, Duration::ZERO));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// assert!(ask(server.url(), "/v1/chat/completions", body).contains(r#""content":"Grüße""#));
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
    #[must_use]
    pub fn drip(mut self, bytes: usize, pause: Duration) -> Self {
        self.drip = Some((bytes.max(1), pause));
        self
    }

    /// Puts a byte that is no UTF-8 into the middle of the body.
    ///
    /// It takes the place of a letter, so that the JSON around it stays as it was.
    #[must_use]
    pub fn invalid_utf8(mut self) -> Self {
        self.mangle = Some(Mangle::InvalidUtf8);
        self
    }

    /// Leaves out the second half of the body, in an orderly message: what is left is JSON that ends too early.
    ///
    /// The length that is announced is that of what comes, so that HTTP has nothing to complain about; that tells
    /// it from [`then_truncate`](Self::then_truncate).
    #[must_use]
    pub fn cut_json(mut self) -> Self {
        self.mangle = Some(Mangle::Cut);
        self
    }

    /// Puts a line of so many bytes before the body, without its end. The bytes are shared and sent piece by piece,
    /// so that a gibibyte costs the server no memory.
    ///
    /// So many, rounded up to whole pieces of 64 KiB. A client that keeps a line until its end runs out of memory;
    /// one with a bound gives up.
    ///
    /// ```
    /// use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
    /// let server = ScriptedServer::start().await?;
    /// server.script(Exchange::reply("Hi.").long_line(1 << 20));
    /// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
    /// let reply = ask(server.url(), "/v1/chat/completions", body);
    /// assert!(reply.len() > 1 << 20);
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
    #[must_use]
    pub fn long_line(mut self, bytes: usize) -> Self {
        self.mangle = Some(Mangle::LongLine(bytes));
        self
    }

    /// The text of the reply and what is charged for it, if it is charged.
    pub(crate) fn charge(&self, prompt: &str) -> Option<(String, Usage)> {
        let text = match &self.answer {
            Answer::Derived => derived_reply(prompt),
            Answer::Text(text) => text.clone(),
            Answer::Failure { .. } | Answer::Raw { .. } => {
                return Some((String::new(), self.usage?));
            }
        };
        let usage = self.usage.unwrap_or_else(|| Usage::derived(prompt, &text));
        Some((text, usage))
    }
}

/// Says something about the prompt that is the same every time.
fn derived_reply(prompt: &str) -> String {
    let words = prompt.split_whitespace().count();
    let start: Vec<&str> = prompt.split_whitespace().take(8).collect();
    match words {
        0 => "There was nothing to answer.".to_owned(),
        _ => format!(
            "Scripted answer to a prompt of {words} words that begins: {}",
            start.join(" ")
        ),
    }
}
