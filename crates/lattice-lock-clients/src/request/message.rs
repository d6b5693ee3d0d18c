use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use lattice_lock_providers::Wire;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The application, which sets the rules. In the middle of a conversation `OpenAI`'s wires and Ollama's keep it where it
    /// stands; the others have one system prompt, and get it added to that.
    System,
    /// Whoever asks, and the tools that answer the model's calls.
    User,
    /// The model, earlier in the conversation.
    Assistant,
}

/// One message of a conversation, made of parts.
///
/// | role | may say |
/// |---|---|
/// | [`System`](Role::System) | words |
/// | [`User`](Role::User) | words, pictures, results of tools |
/// | [`Assistant`](Role::Assistant) | words, calls, thoughts, and what has no type here |
///
/// Anything else is refused before the call. Wires that have one message for each result of a tool get them so, before the
/// words of the same message; Anthropic's and Bedrock's get the results first in theirs.
///
/// ```
/// use lattice_lock_clients::{Image, Message};
///
/// let question = Message::user("What is on it?").image(Image::url("https://example.org/cat.png"));
/// assert_eq!(question.parts().len(), 2);
/// assert_eq!(question.text(), "What is on it?");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    role: Role,
    parts: Vec<Part>,
    cache: Option<CacheLife>,
}

/// What a message or a reply is made of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture.
    Image(Image),
    /// The model wants a tool to be called.
    ToolCall(ToolCall),
    /// What a tool answered.
    ToolResult(ToolResult),
    /// What the model thought before it answered. Sent back as it came, since some providers check its signature; to a
    /// provider that signs none, or on another wire than the one that it came from, it is not sent.
    Reasoning(Reasoning),
    /// Something of one wire that has no type here, such as a search that the provider made, code that it ran, or sound
    /// that a model said. It is sent back to that wire as it came, and left out on any other.
    Opaque(Wire, Value),
}

/// A picture, by its address or its bytes.
///
/// Providers take PNG, JPEG, GIF and WebP, each up to a size of its own; the whole request is bounded by
/// [`request_limit`](crate::HttpClientsBuilder::request_limit). What a picture costs is in the usage, as input.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    pub(crate) source: ImageSource,
}

/// Where a picture is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ImageSource {
    Url(String),
    Bytes(String, Arc<[u8]>),
}

/// A call of a tool, as the model wrote it.
///
/// It carries the signature with which Gemini seals a thought to it, and is best sent back as it came: made anew from its
/// id, name and arguments, Gemini's newer models refuse it.
///
/// Two calls are equal when their arguments are, as JSON.
#[derive(Clone, Debug)]
pub struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
    pub(crate) signature: Option<String>,
}

/// What a tool answered: a text, JSON or not. Each call of a turn wants one, in the next message; `OpenAI`, Anthropic and
/// Bedrock refuse a conversation in which one is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    pub(crate) call: String,
    pub(crate) name: Option<String>,
    pub(crate) content: String,
    pub(crate) is_error: bool,
}

/// What a model thought, or a sealed form of it. It can only come from a reply: nobody else can sign it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    pub(crate) id: Option<String>,
    pub(crate) text: String,
    pub(crate) signature: Option<String>,
    pub(crate) is_sealed: bool,
}

/// How long the provider is to keep a prompt's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheLife {
    /// Five minutes, the providers' own default. Each reading begins them anew. Writing costs a quarter more than input.
    FiveMinutes,
    /// An hour. Writing costs twice the input.
    Hour,
}

impl Message {
    /// A message without parts.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            parts: Vec::new(),
            cache: None,
        }
    }

    /// What the application says. Wires with one system prompt get it added to that, in order.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System).part(Part::Text(text.into()))
    }

    /// What whoever asks says.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User).part(Part::Text(text.into()))
    }

    /// What the model said; [`ChatReply::to_message`](crate::ChatReply::to_message) makes it with everything else
    /// that it said.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant).part(Part::Text(text.into()))
    }

    /// What a tool answered to a call.
    #[must_use]
    pub fn tool(call: &ToolCall, content: impl Into<String>) -> Self {
        Self::new(Role::User).part(Part::ToolResult(ToolResult::new(call, content)))
    }

    /// Adds a picture.
    #[must_use]
    pub fn image(self, image: Image) -> Self {
        self.part(Part::Image(image))
    }

    /// Adds a part at the end.
    #[must_use]
    pub fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// Has everything up to this message kept by the provider, where the wire lets a caller say so: Anthropic's and
    /// Bedrock's. The others cache by themselves, and the hint is no field of theirs.
    ///
    /// Put it on the last message that stays the same in the next call. Four marks are taken in all, the
    /// [system prompt's](crate::ChatRequest::cache_system) included, and a longer life must come before a shorter one.
    #[must_use]
    pub fn cached(mut self, life: CacheLife) -> Self {
        self.cache = Some(life);
        self
    }

    /// Who says it.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// What it is made of.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How long the conversation up to here is to be kept, if at all.
    #[must_use]
    pub fn cache(&self) -> Option<CacheLife> {
        self.cache
    }

    /// Its words, one part after the other.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        joined(&self.parts)
    }
}

/// The words of some parts: borrowed where there is one.
pub(crate) fn joined(parts: &[Part]) -> Cow<'_, str> {
    let mut texts = parts.iter().filter_map(Part::as_text);
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(one), None) => Cow::Borrowed(one),
        (Some(one), Some(two)) => Cow::Owned([one, two].into_iter().chain(texts).collect()),
    }
}

impl Part {
    /// The words, if it is made of words.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The call, if it is one.
    #[must_use]
    pub fn as_tool_call(&self) -> Option<&ToolCall> {
        match self {
            Self::ToolCall(call) => Some(call),
            _ => None,
        }
    }
}

impl Image {
    /// A picture that the provider fetches. The address is checked against the client's allow-list before it is
    /// sent ([`ADDRESS_FORBIDDEN`](crate::codes::ADDRESS_FORBIDDEN)): by default https and a public name, neither an IP address
    /// nor a name of a private network, without a user in it. Ollama and Bedrock take bytes only.
    #[must_use]
    pub fn url(url: impl Into<String>) -> Self {
        Self {
            source: ImageSource::Url(url.into()),
        }
    }

    /// A picture that is sent along, such as an `image/png`. A clone shares the bytes; they are put into base64 for each
    /// call, a third longer.
    #[must_use]
    pub fn bytes(media_type: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            source: ImageSource::Bytes(media_type.into(), bytes.into()),
        }
    }
}

/// Shows how large it is and not what is on it.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            ImageSource::Url(url) => f.debug_tuple("Image").field(url).finish(),
            ImageSource::Bytes(media_type, bytes) => f
                .debug_tuple("Image")
                .field(media_type)
                .field(&format_args!("{} bytes", bytes.len()))
                .finish(),
        }
    }
}

impl ToolCall {
    /// A call with these arguments, as JSON text.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
            signature: None,
        }
    }

    /// The call's id, which its result carries. Where a wire gives none, the client makes one from the place of the
    /// call in the reply.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tool's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments as the model wrote them, which need not be JSON: a reply that came to its limit may end within
    /// them.
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The arguments as a type of the application's. A model may leave out what the schema requires, or add to it, unless
    /// the tool is [strict](crate::Tool::strict): what is wrong with them is best told to it as the result of a
    /// [failed](ToolResult::failed) tool.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.arguments)
    }
}

impl PartialEq for ToolCall {
    fn eq(&self, other: &Self) -> bool {
        let json = |call: &Self| serde_json::from_str::<Value>(&call.arguments).ok();
        let same_arguments = self.arguments == other.arguments
            || json(self).is_some_and(|value| json(other) == Some(value));
        self.id == other.id
            && self.name == other.name
            && self.signature == other.signature
            && same_arguments
    }
}

impl ToolResult {
    /// The answer to a call.
    #[must_use]
    pub fn new(call: &ToolCall, content: impl Into<String>) -> Self {
        Self {
            call: call.id.clone(),
            name: Some(call.name.clone()),
            content: content.into(),
            is_error: false,
        }
    }

    /// The answer to a call of which only the id is known. Gemini's and Ollama's wires need the tool's name, too.
    #[must_use]
    pub fn of_id(call: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            call: call.into(),
            name: None,
            content: content.into(),
            is_error: false,
        }
    }

    /// Says that the tool failed; it did not by default. Anthropic's, Gemini's and Bedrock's wires say so; on the others only
    /// the content does.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.is_error = true;
        self
    }
}

impl Reasoning {
    /// What the model thought, empty where the provider keeps it to itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether only a sealed form is there, which the provider alone can read.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.is_sealed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_compared_by_what_their_arguments_mean() {
        let call = |arguments: &str| ToolCall::new("1", "f", arguments);
        assert_eq!(call("{\"a\": 1, \"b\": 2}"), call("{\"b\":2,\"a\":1}"));
        assert_ne!(call("{\"a\":1}"), call("{\"a\":2}"));
        assert_eq!(call("{\"a"), call("{\"a"));
        assert_ne!(call("{\"a"), call("{\"b"));
    }

    #[test]
    fn a_pictures_bytes_are_not_shown() {
        let image = Image::bytes("image/png", vec![1, 2, 3]);
        assert_eq!(format!("{image:?}"), "Image(\"image/png\", 3 bytes)");
    }

    #[test]
    fn texts_are_joined_and_one_is_borrowed() {
        let message = Message::user("a").image(Image::url("x"));
        assert!(matches!(message.text(), Cow::Borrowed("a")));
        assert_eq!(message.part(Part::Text("b".into())).text(), "ab");
        assert_eq!(Message::new(Role::User).text(), "");
    }
}
