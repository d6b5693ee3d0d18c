use lattice_lock_errors::{Error, Result};

use crate::codes::REQUEST_INVALID;

/// What JSON output asks of the model in words, since one wire has no field for it and the other refuses the
/// field when no message speaks of JSON.
const JSON_INSTRUCTION: &str =
    "Answer with one JSON value and nothing else: no explanation and no code fence.";

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The application, which sets the rules.
    System,
    /// Whoever asks.
    User,
    /// The model, earlier in the conversation.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) text: String,
}

/// What a model is asked: a conversation, and how to answer it.
///
/// ```
/// use lattice_lock_clients::{ChatRequest, Role};
///
/// let request = ChatRequest::new("Who wrote Faust?")
///     .message(Role::Assistant, "Goethe.")
///     .message(Role::User, "When?")
///     .system("Be brief.")
///     .max_tokens(100);
/// assert_eq!(request.messages().count(), 3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    system: Option<String>,
    messages: Vec<Message>,
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    is_json: bool,
}

impl ChatRequest {
    /// A user's prompt and nothing else.
    #[must_use]
    pub fn new(prompt: impl Into<String>) -> Self {
        let request = Self {
            system: None,
            messages: Vec::new(),
            max_tokens: None,
            temperature: None,
            is_json: false,
        };
        request.message(Role::User, prompt)
    }

    /// Sets the system prompt; none by default.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Adds a message at the end.
    ///
    /// Anthropic's wire has one system prompt: there, system messages are added to it in their order.
    #[must_use]
    pub fn message(mut self, role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        self.messages.push(Message { role, text });
        self
    }

    /// Limits the reply to this many tokens, reasoning included.
    ///
    /// By default the provider's own limit counts; Anthropic has none, and gets
    /// [`DEFAULT_MAX_TOKENS`](crate::DEFAULT_MAX_TOKENS).
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the temperature, sent as it is given; the provider's own by default.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Asks for JSON and nothing else; any text by default.
    ///
    /// An instruction is added to the system prompt, and where the wire has a JSON mode, that is turned on.
    /// What comes is the model's: it is not checked here.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.is_json = true;
        self
    }

    /// The system prompt, if one is set.
    #[must_use]
    pub fn system_prompt(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = (Role, &str)> {
        self.messages
            .iter()
            .map(|message| (message.role, message.text.as_str()))
    }

    /// The limit of the reply in tokens, if one is set.
    #[must_use]
    pub fn token_limit(&self) -> Option<u32> {
        self.max_tokens
    }

    /// The temperature, if one is set.
    #[must_use]
    pub fn sampling_temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// Whether JSON is asked for.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Everything that a model is to know before the conversation.
    pub(crate) fn preamble(&self) -> Option<String> {
        let json = self.is_json.then_some(JSON_INSTRUCTION);
        let parts: Vec<&str> = self.system.as_deref().into_iter().chain(json).collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }

    /// Refuses what every provider would refuse, before it is sent.
    pub(crate) fn check(&self) -> Result<()> {
        let refused = |field, why| Err(Error::new(REQUEST_INVALID, why).with("field", field));
        let is_blank = |text: &str| text.trim().is_empty();
        if self.messages().any(|(_, text)| is_blank(text)) {
            return refused("message", "a message is blank");
        }
        if self.system.as_deref().is_some_and(is_blank) {
            return refused("system", "the system prompt is blank");
        }
        if self.messages().all(|(role, _)| role == Role::System) {
            return refused("message", "there is nothing to answer");
        }
        if self.max_tokens == Some(0) {
            return refused("max_tokens", "a reply of no tokens is asked for");
        }
        match self.temperature {
            Some(heat) if !heat.is_finite() || heat < 0.0 => {
                refused("temperature", "the temperature is not a number from 0")
            }
            _ => Ok(()),
        }
    }
}

impl From<&str> for ChatRequest {
    fn from(prompt: &str) -> Self {
        Self::new(prompt)
    }
}

impl From<String> for ChatRequest {
    fn from(prompt: String) -> Self {
        Self::new(prompt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: &ChatRequest, refused: Option<&str>) {
        let error = request.check().err();
        let field = error
            .as_ref()
            .and_then(|error| error.context().next())
            .map(|(_, value)| value);
        assert_eq!(field, refused, "{request:?}");
    }

    #[test]
    fn what_no_provider_takes_is_refused_before_it_is_sent() {
        let fine = || ChatRequest::new("Hi");
        check(&fine(), None);
        check(&fine().temperature(0.0).max_tokens(1).system("Be."), None);
        check(&ChatRequest::new(""), Some("message"));
        check(&ChatRequest::new(" \n\t"), Some("message"));
        check(&fine().message(Role::User, ""), Some("message"));
        check(&fine().system(" "), Some("system"));
        check(&fine().max_tokens(0), Some("max_tokens"));
        check(&fine().temperature(f64::NAN), Some("temperature"));
        check(&fine().temperature(f64::INFINITY), Some("temperature"));
        check(&fine().temperature(-0.1), Some("temperature"));
    }

    #[test]
    fn json_is_asked_for_after_the_system_prompt() {
        assert_eq!(ChatRequest::new("Hi").preamble(), None);
        let preamble = ChatRequest::new("Hi").system("Be brief.").json().preamble();
        let preamble = preamble.unwrap();
        assert!(preamble.starts_with("Be brief.\n\n") && preamble.contains("JSON"));
    }
}
