use std::time::Duration;

use serde_json::Value;

use crate::{Gate, Usage};

/// One scripted exchange: what the server does with one request.
///
/// The same exchange serves every wire, whole and streaming: what is said is put into the words of whichever is asked. Faults can
/// be combined, such as a slow reply that breaks off; of two that change the body, or of two that end it, the last one counts.
///
/// ```
/// use std::time::Duration;
/// use lattice_lock_testkit::{Exchange, Usage};
///
/// let slow = Exchange::reply("Done.").usage(Usage::new().input(12).output(2)).delay(Duration::from_secs(2));
/// let limited = Exchange::error(429).retry_after(20);
/// let lost = Exchange::reply("Nobody reads this, but it is charged.").then_reset();
/// ```
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
    #[must_use]
    pub fn derived() -> Self {
        Self::new(Answer::Derived)
    }

    /// Answers with `text`.
    #[must_use]
    pub fn reply(text: impl Into<String>) -> Self {
        Self::new(Answer::Text(text.into()))
    }

    /// Fails with `status` and the body that the provider really sends with it; not charged, unless
    /// [`usage`](Self::usage) says so. The error's type is the wire's for this status: `rate_limit_error` of Anthropic's 429,
    /// `RESOURCE_EXHAUSTED` of Google's, `ThrottlingException` in the header of Amazon's.
    #[must_use]
    pub fn error(status: u16) -> Self {
        Self::new(Answer::Failure {
            status,
            message: None,
        })
    }

    /// Sends these bytes, whatever they are; not charged, unless [`usage`](Self::usage) says so. The length is announced, and
    /// nothing of them is looked at: it is the way to a recorded reply, a page of a proxy, or an event that no wire has.
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

    /// Resets the connection before any work is done; not charged, unless [`usage`](Self::usage) says so. For a caller it is
    /// the same as [`then_reset`](Self::then_reset), which is charged: only the account tells them apart.
    #[must_use]
    pub fn reset() -> Self {
        Self::error(500).then_reset()
    }

    /// Replaces the message of an [`error`](Self::error); the provider's own by default.
    #[must_use]
    pub fn message(mut self, text: impl Into<String>) -> Self {
        if let Answer::Failure { message, .. } = &mut self.answer {
            *message = Some(text.into());
        }
        self
    }

    /// Keeps the exchange for a request for exactly this model; any request by default. It makes a script of several models
    /// independent of who asks first.
    #[must_use]
    pub fn only_model(mut self, model: impl Into<String>) -> Self {
        self.only_model = Some(model.into());
        self
    }

    /// Sets the model's name in the reply; by default the dated name of an alias that the server knows, or
    /// the name that was asked for.
    #[must_use]
    pub fn served_model(mut self, model: impl Into<String>) -> Self {
        self.served_model = Some(model.into());
        self
    }

    /// Sets what is charged, and reported; by default a token for every four bytes of prompt and reply, at least one each.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Leaves the usage out of the reply; it is charged all the same. A stream on OpenAI's wire leaves it out by itself, unless
    /// it is asked for with `stream_options.include_usage`.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.reported = Reported::Nothing;
        self
    }

    /// Puts `usage` into the reply as it stands, true or not; what is charged stays as it is. It is in the wire's own words,
    /// and may be anything: `null`, a text, negative or huge counts, a total that differs.
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
    #[must_use]
    pub fn finish(mut self, reason: impl Into<String>) -> Self {
        self.finish = Some(reason.into());
        self
    }

    /// Adds a header to the reply, in place of one of the server's with its name. One that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a `Retry-After` of so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header("retry-after", seconds.to_string())
    }

    /// Waits before it replies, by the server's own clock, which a paused one of the test's does not stop; not at all by
    /// default. A [gate](Self::gate) needs no clock.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits before it replies until `gate` is open. The request is taken and charged by then.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Puts what the model thought before the text; nothing by default. A wire that shows no thoughts leaves it out.
    #[must_use]
    pub fn reasoning(mut self, text: impl Into<String>) -> Self {
        self.reasoning = Some(text.into());
        self
    }

    /// Adds a call of a tool with these arguments; none by default.
    #[must_use]
    pub fn tool_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.calls.push((name.into(), arguments));
        self
    }

    /// Has the text be a refusal, where the wire tells refusals apart.
    #[must_use]
    pub fn refusal(mut self) -> Self {
        self.is_refusal = true;
        self
    }

    /// Streams the usage earlier than the provider does, and not where it does. Whole replies have it in their place.
    #[must_use]
    pub fn usage_early(mut self) -> Self {
        self.placement = Placement::Early;
        self
    }

    /// Streams the usage twice.
    #[must_use]
    pub fn usage_twice(mut self) -> Self {
        self.placement = Placement::Twice;
        self
    }

    /// Streams `wrong` as the usage first, and corrects it at the end: neither the sum nor the larger of the two is right.
    #[must_use]
    pub fn usage_corrected(mut self, wrong: Usage) -> Self {
        self.placement = Placement::Corrected(wrong);
        self
    }

    /// Announces the whole body, sends half of it, and closes the connection. A stream announces no length: its end is as
    /// orderly as any, and only the wire's last word is missing.
    #[must_use]
    pub fn then_truncate(mut self) -> Self {
        self.ending = Ending::Truncated(None);
        self
    }

    /// Sends so many bytes of the body, and closes the connection.
    #[must_use]
    pub fn truncate_at(mut self, byte: usize) -> Self {
        self.ending = Ending::Truncated(Some(byte));
        self
    }

    /// Does the work, charges for it, and resets the connection instead of replying.
    #[must_use]
    pub fn then_reset(mut self) -> Self {
        self.ending = Ending::Reset(None);
        self
    }

    /// Sends so many bytes of the body, and resets the connection.
    #[must_use]
    pub fn reset_at(mut self, byte: usize) -> Self {
        self.ending = Ending::Reset(Some(byte));
        self
    }

    /// Sends so many bytes of the body and nothing more, for as long as the caller waits; with 0, the head of the reply alone.
    #[must_use]
    pub fn stall_at(mut self, byte: usize) -> Self {
        self.ending = Ending::Stalled(byte);
        self
    }

    /// Sends the body in pieces of so many bytes, with a pause after each.
    #[must_use]
    pub fn drip(mut self, bytes: usize, pause: Duration) -> Self {
        self.drip = Some((bytes.max(1), pause));
        self
    }

    /// Puts a byte that is no UTF-8 into the middle of the body.
    #[must_use]
    pub fn invalid_utf8(mut self) -> Self {
        self.mangle = Some(Mangle::InvalidUtf8);
        self
    }

    /// Leaves out the second half of the body, in an orderly message: what is left is JSON that ends too early.
    #[must_use]
    pub fn cut_json(mut self) -> Self {
        self.mangle = Some(Mangle::Cut);
        self
    }

    /// Puts a line of so many bytes before the body, without its end. The bytes are shared and sent piece by piece, so that a
    /// gibibyte costs the server no memory.
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
