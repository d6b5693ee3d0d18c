//! What a conversation is made of, the same on every wire.
//!
//! What has no type here, such as a search that a provider made, goes back to its own wire only and is left out on
//! any other; which wire takes which thoughts is said at [`Part::Reasoning`]. `Debug` of these types shows what was
//! said, so that none of them belongs into a log; of a picture's bytes it shows the number.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use lattice_lock_providers::Wire;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Who says a message.
///
/// There is none for tools: what they answer is a [part](Part::ToolResult) of what a user says, and goes into
/// whichever role the wire has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The application, which sets the rules. In the middle of a conversation `OpenAI`'s wires and Ollama's keep it
    /// where it stands; the others have one system prompt, and get it added to that.
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
/// Anything else is refused before the call. Wires that have one message for each result of a tool get them so,
/// before the words of the same message; Anthropic's and Bedrock's get the results first in theirs.
///
/// ```
/// use lattice_lock_clients::{Image, Message};
///
/// let question = Message::user("What is on it?").image(Image::url("https://example.org/cat.png"));
/// assert_eq!(question.parts().len(), 2);
/// assert_eq!(question.text(), "What is on it?");
/// ```
///
/// A message of another kind is built part by part:
///
/// ```
/// use lattice_lock_clients::{Message, Part, Role, ToolResult};
///
/// let results = Message::new(Role::User)
///     .part(Part::ToolResult(ToolResult::of_id("call_1", "18 degrees")))
///     .part(Part::ToolResult(ToolResult::of_id("call_2", "no such city").failed()))
///     .part(Part::Text("Answer in one sentence.".to_string()));
/// assert_eq!(results.text(), "Answer in one sentence.");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    role: Role,
    parts: Vec<Part>,
    cache: Option<CacheLife>,
}

/// What a message or a reply is made of.
///
/// A reply's parts are read like this:
///
/// ```
/// use lattice_lock_clients::{ChatReply, Part, ToolCall};
///
/// let said = vec![
///     Part::Text("Let me look.".to_string()),
///     Part::ToolCall(ToolCall::new("call_1", "weather", r#"{"city":"Rome"}"#)),
/// ];
/// let reply = ChatReply::of("gpt-5-mini".parse()?, said);
/// for part in reply.parts() {
///     match part {
///         Part::Text(words) => assert_eq!(words, "Let me look."),
///         Part::ToolCall(call) => assert_eq!(call.name(), "weather"),
///         Part::Reasoning(thought) => println!("{}", thought.text()),
///         _ => {} // what this wire has and others have not
///     }
/// }
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
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
    /// What the model thought before it answered. It goes back as it came, since some providers check its
    /// signature, and only on the wire that it came on: the responses take what has an id and a sealed form,
    /// Gemini's and Ollama's all of it, chat completions nothing. Anthropic's and Bedrock's take what is signed or
    /// sealed, of each other too. Elsewhere it is left out, and a message of nothing else with it. Another provider
    /// on the same wire may refuse it.
    Reasoning(Reasoning),
    /// Something of one wire that has no type here, such as a search that the provider made, code that it ran, or sound
    /// that a model said. It is sent back to that wire as it came, and left out on any other.
    Opaque(Wire, Value),
}

/// A picture, by its address or its bytes.
///
/// Providers take PNG, JPEG, GIF and WebP, each up to a size of its own; the whole request is bounded by
/// [`request_limit`](crate::HttpClientsBuilder::request_limit). What a picture costs is in the usage, as input.
///
/// ```
/// use lattice_lock_clients::Image;
///
/// let drawn = Image::bytes("image/png", vec![0x89, b'P', b'N', b'G']);
/// assert_eq!(format!("{drawn:?}"), r#"Image("image/png", 4 bytes)"#);
/// ```
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
/// It carries the signature with which Gemini seals a thought to it, and is best sent back as it came: made anew
/// from its id, name and arguments, Gemini's newer models refuse it.
///
/// Two calls are equal when their arguments are, as JSON.
///
/// ```
/// use lattice_lock_clients::ToolCall;
///
/// let call = ToolCall::new("call_1", "weather", r#"{"city":"Rome","days":3}"#);
/// assert_eq!(call, ToolCall::new("call_1", "weather", r#"{ "days": 3, "city": "Rome" }"#));
/// ```
#[derive(Clone, Debug)]
pub struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
    pub(crate) signature: Option<String>,
}

/// What a tool answered: a text, JSON or not. Each call of a turn wants one, in the next message; `OpenAI`,
/// Anthropic and Bedrock refuse a conversation in which one is missing.
///
/// [`Message::tool`] makes a message of one; a message may have several, in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    pub(crate) call: String,
    pub(crate) name: Option<String>,
    pub(crate) content: String,
    pub(crate) is_error: bool,
}

/// What a model thought, or a sealed form of it. It can only come from a reply: nobody else can sign it.
///
/// `OpenAI`'s responses show a summary and seal the rest where [`thinking`](crate::ChatRequest::thinking) was asked
/// for; Anthropic's and Bedrock's models sign their thoughts, Gemini's sign parts of a reply; on chat completions
/// and Ollama's wire they are words and nothing else.
///
/// It goes back only on the wire that it came on, for nobody else can check its signature; Claude's hold at Anthropic
/// and on Bedrock alike ([extended thinking](https://platform.claude.com/docs/en/build-with-claude/extended-thinking)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasoning {
    pub(crate) wire: Wire,
    pub(crate) id: Option<String>,
    pub(crate) text: String,
    pub(crate) signature: Option<String>,
    pub(crate) is_sealed: bool,
}

/// How long the provider is to keep a prompt's beginning.
///
/// What is read again is a tenth of the input's price (Anthropic's price list of prompt caching; Bedrock's are the
/// model's own). What was written with which life stands apart in the usage, as
/// [`CacheWrite5m`](lattice_lock_providers::Bucket::CacheWrite5m) and
/// [`CacheWrite1h`](lattice_lock_providers::Bucket::CacheWrite1h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheLife {
    /// Five minutes, the providers' own default. Each reading begins them anew. Writing costs a quarter more than
    /// input.
    FiveMinutes,
    /// An hour. Writing costs twice the input.
    Hour,
}

impl Message {
    /// A message without parts.
    ///
    /// One that is sent without any is refused before the call.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            parts: Vec::new(),
            cache: None,
        }
    }

    /// What the application says. Wires with one system prompt get it added to that, in order.
    ///
    /// Prefer [`ChatRequest::system`](crate::ChatRequest::system) for what holds from the beginning on; this one is
    /// for what comes up on the way.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Message};
    ///
    /// let request = ChatRequest::new("Who wrote Faust?")
    ///     .push(Message::assistant("Goethe."))
    ///     .push(Message::system("From here on answer in German."))
    ///     .push(Message::user("When?"));
    /// assert_eq!(request.system_prompt(), None);
    /// ```
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System).part(Part::Text(text.into()))
    }

    /// What whoever asks says.
    ///
    /// Words that are only white space are refused before the call, also beside a picture: for a picture without
    /// words, begin with [`Message::new`].
    ///
    /// ```
    /// use lattice_lock_clients::{Image, Message, Role};
    ///
    /// let asked = Message::user("What is on it?");
    /// let shown = Message::new(Role::User).image(Image::url("https://example.org/cat.png"));
    /// assert_eq!((asked.text().as_ref(), shown.text().as_ref()), ("What is on it?", ""));
    /// ```
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User).part(Part::Text(text.into()))
    }

    /// What the model said; [`ChatReply::to_message`](crate::ChatReply::to_message) makes it with everything else
    /// that it said.
    ///
    /// For a conversation that was kept as words, or an example of how to answer.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant).part(Part::Text(text.into()))
    }

    /// What a tool answered to a call.
    ///
    /// It carries the call's id and the tool's name, so that every wire can find what it answers.
    ///
    /// ```
    /// use lattice_lock_clients::{Message, Role, ToolCall};
    ///
    /// let call = ToolCall::new("call_1", "weather", r#"{"city":"Rome"}"#);
    /// let answered = Message::tool(&call, "18 degrees");
    /// assert_eq!((answered.role(), answered.parts().len()), (Role::User, 1));
    /// ```
    #[must_use]
    pub fn tool(call: &ToolCall, content: impl Into<String>) -> Self {
        Self::new(Role::User).part(Part::ToolResult(ToolResult::new(call, content)))
    }

    /// Adds a picture.
    ///
    /// Only a user shows pictures. Where it stands among the words is kept, except on Ollama's wire, which has
    /// pictures beside them.
    #[must_use]
    pub fn image(self, image: Image) -> Self {
        self.part(Part::Image(image))
    }

    /// Adds a part at the end.
    ///
    /// A part that its role cannot say is refused when the request is sent, not here.
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
    ///
    /// ```
    /// # use lattice_lock_clients::{CacheLife, ChatRequest, Client, HttpClients, Message};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// # let book = "Once upon a time.";
    /// let request = ChatRequest::of([
    ///     Message::user(book).cached(CacheLife::FiveMinutes),
    ///     Message::assistant("I have read it."),
    ///     Message::user("Who is the murderer?"),
    /// ]);
    /// client.chat(&"claude-haiku-4-5".parse()?, &request).await?;
    /// let sent = server.received()[0].json();
    /// assert_eq!(sent["messages"][0]["content"][0]["cache_control"]["type"], "ephemeral");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// Without anything between them, as a provider would read them; empty where there are none. It is borrowed
    /// where one part has all the words.
    ///
    /// ```
    /// use lattice_lock_clients::{Message, Part};
    ///
    /// let message = Message::assistant("Faust was ").part(Part::Text("written by Goethe.".to_string()));
    /// assert_eq!(message.text(), "Faust was written by Goethe.");
    /// ```
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
    ///
    /// Thoughts are not words of it.
    ///
    /// ```
    /// use lattice_lock_clients::{Part, ToolCall};
    ///
    /// assert_eq!(Part::Text("Hi".to_string()).as_text(), Some("Hi"));
    /// assert_eq!(Part::ToolCall(ToolCall::new("call_1", "clock", "{}")).as_text(), None);
    /// ```
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
    /// sent ([`ADDRESS_FORBIDDEN`](crate::codes::ADDRESS_FORBIDDEN)): by default https and a public name, neither
    /// an IP address nor a name of a private network, without a user in it. Ollama and Bedrock take bytes only.
    ///
    /// The provider may keep what it fetched, and charges for it as input. An address of `data:` is none: give the
    /// bytes.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, HttpClients, Image, Message};
    /// use lattice_lock_providers::Provider;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let client = HttpClients::new()?.client(&Provider::local());
    /// let inside = Message::user("What is on it?").image(Image::url("https://10.0.0.7/cat.png"));
    /// let error = client.chat(&"llava".parse()?, &inside.into()).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-058"); // nothing was sent
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn url(url: impl Into<String>) -> Self {
        Self {
            source: ImageSource::Url(url.into()),
        }
    }

    /// A picture that is sent along, such as an `image/png`. A clone shares the bytes; they are put into base64 for
    /// each call, a third longer.
    ///
    /// The bytes are not looked at: a type that does not fit them is for the provider to refuse.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use lattice_lock_clients::{Image, Message};
    ///
    /// let png: Arc<[u8]> = Arc::from([0x89, b'P', b'N', b'G']);
    /// let questions = ["What is on it?", "Is it a cat?"];
    /// let messages = questions.map(|it| Message::user(it).image(Image::bytes("image/png", Arc::clone(&png))));
    /// assert_eq!(messages.len(), 2); // and the picture is in memory once
    /// ```
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
    ///
    /// For tests, and for conversations that were kept. Nothing is checked here; Anthropic's, Gemini's, Ollama's
    /// and Bedrock's wires take nothing but an object for arguments, and refuse a request whose calls have none
    /// ([`REQUEST_INVALID`](crate::codes::REQUEST_INVALID)).
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
    ///
    /// Made ones are `call_0`, `call_1` and so on: unique within a reply, and not within a conversation.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tool's name.
    ///
    /// A model may name one that was not declared; it is told so best by the result of a
    /// [failed](ToolResult::failed) call.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments as the model wrote them, which need not be JSON: a reply that came to its limit may end within
    /// them.
    ///
    /// Of a reply they are never empty: where the model gave none, they are the empty object.
    ///
    /// ```
    /// use lattice_lock_clients::ToolCall;
    ///
    /// let cut_short = ToolCall::new("call_1", "weather", r#"{"city":"Ro"#);
    /// assert!(cut_short.parse::<serde_json::Value>().is_err());
    /// assert_eq!(cut_short.arguments(), r#"{"city":"Ro"#);
    /// ```
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The arguments as a type of the application's. A model may leave out what the schema requires, or add to it,
    /// unless the tool is [strict](crate::Tool::strict): what is wrong with them is best told to it as the result
    /// of a [failed](ToolResult::failed) tool.
    ///
    /// ```
    /// use lattice_lock_clients::{Message, ToolCall, Part, Role, ToolResult};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Place {
    ///     city: String,
    /// }
    ///
    /// let answer = |call: &ToolCall| match call.parse::<Place>() {
    ///     Ok(place) => Message::tool(call, format!("18 degrees in {}", place.city)),
    ///     Err(error) => {
    ///         let wrong = ToolResult::new(call, error.to_string()).failed();
    ///         Message::new(Role::User).part(Part::ToolResult(wrong))
    ///     }
    /// };
    /// let answered = answer(&ToolCall::new("call_1", "weather", r#"{"city":"Rome"}"#));
    /// let told = answer(&ToolCall::new("call_2", "weather", r#"{"town":"Rome"}"#)); // what was wrong with it
    /// assert_eq!((answered.parts().len(), told.parts().len()), (1, 1));
    /// ```
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
    ///
    /// An empty text is sent as it is; some models take it for a tool that hangs, so that `done` or `nothing found`
    /// is better.
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
    ///
    /// Those refuse it with [`REQUEST_INVALID`](crate::codes::REQUEST_INVALID); the others find the call by its id.
    #[must_use]
    pub fn of_id(call: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            call: call.into(),
            name: None,
            content: content.into(),
            is_error: false,
        }
    }

    /// Says that the tool failed; it did not by default. Anthropic's, Gemini's and Bedrock's wires say so; on the
    /// others only the content does.
    ///
    /// A model that is told what went wrong tries again or says so, which is better than a conversation that ends
    /// in an error. The words are the model's to read: no secret and no path belongs into them.
    ///
    /// ```
    /// use lattice_lock_clients::{Message, Part, Role, ToolCall, ToolResult};
    ///
    /// let call = ToolCall::new("call_1", "weather", r#"{"city":"Atlantis"}"#);
    /// let result = ToolResult::new(&call, "there is no such city").failed();
    /// let message = Message::new(Role::User).part(Part::ToolResult(result));
    /// assert_eq!(message.parts().len(), 1);
    /// ```
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.is_error = true;
        self
    }
}

impl Reasoning {
    /// The wires on which Claude's thoughts come, with signatures that hold on both.
    pub(crate) const CLAUDES: [Wire; 2] = [Wire::AnthropicMessages, Wire::BedrockConverse];

    /// A thought that begins on this wire.
    pub(crate) fn on(wire: Wire) -> Self {
        Self {
            wire,
            id: None,
            text: String::new(),
            signature: None,
            is_sealed: false,
        }
    }

    /// Whether it came on one of these wires.
    pub(crate) fn is_on(&self, wires: &[Wire]) -> bool {
        wires.contains(&self.wire)
    }

    /// What the model thought, empty where the provider keeps it to itself.
    ///
    /// A summary, where the provider shows no more: what was charged is more than what stands here.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether only a sealed form is there, which the provider alone can read.
    ///
    /// Anthropic's `redacted_thinking` and Bedrock's `redactedContent` are; a thought that is signed beside its
    /// words is not.
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
