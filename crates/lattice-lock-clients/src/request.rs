use std::collections::BTreeMap;

use lattice_lock_errors::Secret;
use lattice_lock_providers::ServiceTier;
use serde_json::{Map, Value};

#[cfg(doc)]
use crate::FinishReason;

mod check;
mod message;
mod tool;

pub(crate) use check::{refuse, unsupported};
pub use message::{CacheLife, Image, Message, Part, Reasoning, Role, ToolCall, ToolResult};
pub(crate) use message::{ImageSource, joined};
pub use tool::{Format, Thinking, Tool, ToolChoice};

/// What JSON output asks of the model in words, since one wire has no field for it and the other refuses the
/// field when no message speaks of JSON.
const JSON_INSTRUCTION: &str =
    "Answer with one JSON value and nothing else: no explanation and no code fence.";

/// What a model is asked: a conversation, and how to answer it.
///
/// What the wire of a provider cannot say is refused before the call, with the field's name; nothing is dropped in
/// silence. [`extra_body`](Self::extra_body) says what has no field here.
///
/// | | chat completions | responses | Anthropic | Gemini | Ollama | Bedrock |
/// |---|---|---|---|---|---|---|
/// | `system` | a message | `instructions` | `system` | `systemInstruction` | a message | `system` |
/// | `max_tokens` | `max_completion_tokens`; elsewhere than at `OpenAI` and Azure `max_tokens` | `max_output_tokens` | `max_tokens` | `maxOutputTokens` | `num_predict` | `maxTokens` |
/// | `stop` | yes | refused | yes | yes | yes | yes |
/// | `seed` | yes | refused | refused | yes | yes | refused |
/// | `parallel_tools` | yes | yes | yes | refused | refused | refused |
/// | `tool_choice` | yes | yes | yes | yes | [`Auto`](ToolChoice::Auto) only | not [`None`](ToolChoice::None) |
/// | `thinking` | a degree | a degree | a degree or a budget | a degree or a budget | a degree | refused |
/// | `cache_key` | yes | yes | refused | refused | refused | refused |
/// | `cached_content` | refused | refused | refused | yes | refused | refused |
/// | `service_tier` | yes | yes | standard, priority | yes | refused | yes |
/// | `user` | yes | yes | `metadata.user_id` | refused | refused | refused |
/// | `metadata` | yes | yes | refused | refused | refused | `requestMetadata` |
/// | images by address | yes | yes | yes | yes | refused | refused |
///
/// Every wire takes `temperature`, `top_p`, tools, images by their bytes, and JSON of a schema. The cache hints
/// [`cache_system`](Self::cache_system) and [`Message::cached`] are Anthropic's and Bedrock's; the others cache by themselves, and
/// the hints are the only fields that are left out there instead of refused.
///
/// Before anything is sent a request is checked for what every provider would refuse
/// ([`REQUEST_INVALID`](crate::codes::REQUEST_INVALID), with the field): a blank message or system prompt, nothing to answer, a
/// part that its role cannot say, two tools of one name, a choice of a tool that is not there, a limit of 0, a temperature
/// below 0 or a `top_p` outside 0 to 1, an empty stop text.
///
/// ```
/// use lattice_lock_clients::{ChatRequest, Message, Role, Thinking, Tool};
/// use serde_json::json;
///
/// let request = ChatRequest::new("Who wrote Faust?")
///     .message(Role::Assistant, "Goethe.")
///     .message(Role::User, "When?")
///     .system("Be brief.")
///     .tool(Tool::new("search", json!({ "type": "object", "properties": { "q": { "type": "string" } } })))
///     .thinking(Thinking::Low)
///     .extra_body("logprobs", true)
///     .max_tokens(100);
/// assert_eq!(request.messages().len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    pub(crate) system: Option<String>,
    pub(crate) system_cache: Option<CacheLife>,
    pub(crate) messages: Vec<Message>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: Option<ToolChoice>,
    pub(crate) parallel_tools: Option<bool>,
    pub(crate) format: Format,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) stop: Vec<String>,
    pub(crate) seed: Option<i64>,
    pub(crate) thinking: Option<Thinking>,
    pub(crate) cache_key: Option<String>,
    pub(crate) cached_content: Option<String>,
    pub(crate) service_tier: Option<ServiceTier>,
    pub(crate) user: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) extra_body: Map<String, Value>,
    pub(crate) extra_headers: Vec<(String, Secret<String>)>,
    pub(crate) keeps_raw: bool,
}

impl ChatRequest {
    /// A user's prompt and nothing else.
    #[must_use]
    pub fn new(prompt: impl Into<String>) -> Self {
        Self::of([Message::user(prompt)])
    }

    /// A conversation.
    #[must_use]
    pub fn of(messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            system: None,
            system_cache: None,
            messages: messages.into_iter().collect(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tools: None,
            format: Format::Text,
            max_tokens: None,
            temperature: None,
            top_p: None,
            stop: Vec::new(),
            seed: None,
            thinking: None,
            cache_key: None,
            cached_content: None,
            service_tier: None,
            user: None,
            metadata: BTreeMap::new(),
            extra_body: Map::new(),
            extra_headers: Vec::new(),
            keeps_raw: false,
        }
    }

    /// Sets the system prompt; none by default. A second call replaces the first: several texts are
    /// [messages](Message::system) of the application's.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Has the provider keep the tools and the system prompt, as [`Message::cached`] does for a conversation.
    ///
    /// Without a system prompt the tools are kept, on Anthropic's wire. Providers keep a beginning only from some length
    /// on (Anthropic: 1,024 tokens, some models more) and charge for writing it; what was written and read is told by the
    /// usage.
    #[must_use]
    pub fn cache_system(mut self, life: CacheLife) -> Self {
        self.system_cache = Some(life);
        self
    }

    /// Adds a message of words at the end.
    #[must_use]
    pub fn message(self, role: Role, text: impl Into<String>) -> Self {
        self.push(Message::new(role).part(Part::Text(text.into())))
    }

    /// Adds a message at the end.
    #[must_use]
    pub fn push(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds a tool that may be called; none by default.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Says whether tools are to be called; by default the model decides.
    #[must_use]
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Says whether several tools may be called in one turn; the provider's own default otherwise, which is that they may.
    /// Gemini, Ollama and Bedrock have no word for it.
    #[must_use]
    pub fn parallel_tools(mut self, allowed: bool) -> Self {
        self.parallel_tools = Some(allowed);
        self
    }

    /// Asks for JSON and nothing else; any text by default.
    ///
    /// An instruction is added to the system prompt, and where the wire has a JSON mode, that is turned on.
    /// What comes is the model's: it is not checked here.
    #[must_use]
    pub fn json(self) -> Self {
        self.format(Format::Json)
    }

    /// Asks for JSON of a schema. The provider holds the reply against it, and refuses schemas with words that it does not
    /// know: `OpenAI`'s strict mode wants every property `required` and `additionalProperties` false.
    ///
    /// A reply that came to its [limit](FinishReason::Length) or was [refused](FinishReason::Refused) is no JSON all the same.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Image, Message};
    /// use serde_json::json;
    ///
    /// let question = Message::user("What is on it?")
    ///     .image(Image::bytes("image/png", vec![0x89, b'P', b'N', b'G']))
    ///     .image(Image::url("https://example.org/cat.png"));
    /// let request = ChatRequest::from(question).json_schema("animals", json!({
    ///     "type": "object",
    ///     "properties": { "animals": { "type": "array", "items": { "type": "string" } } },
    ///     "required": ["animals"],
    ///     "additionalProperties": false,
    /// }));
    /// assert!(request.is_json());
    /// assert_eq!(request.needs().iter().count(), 2); // sight, and JSON of a schema
    /// ```
    #[must_use]
    pub fn json_schema(self, name: impl Into<String>, schema: Value) -> Self {
        let name = name.into();
        self.format(Format::Schema { name, schema })
    }

    /// Says what the reply is to look like; any text by default.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
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

    /// Sets the temperature, sent as it is given; the provider's own by default. Models that reason take none, and their
    /// provider says so with a 400; Anthropic's takes 0 to 1, the others 0 to 2.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets the share of likely tokens that are chosen from, from 0 to 1; the provider's own by default. Providers advise
    /// to set this or the temperature, and Anthropic's newer models refuse both at once.
    #[must_use]
    pub fn top_p(mut self, share: f64) -> Self {
        self.top_p = Some(share);
        self
    }

    /// Adds a text at which the reply stops; none by default. The text itself is not in the reply, and the reason is
    /// [`Stop`](crate::FinishReason::Stop). `OpenAI` takes four of them, Gemini five, Anthropic and Bedrock more.
    #[must_use]
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.stop.push(text.into());
        self
    }

    /// Sets the seed, for replies that can be repeated as far as the provider can; none by default. No provider promises it.
    #[must_use]
    pub fn seed(mut self, seed: i64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Says how much to think; the model's own way by default.
    #[must_use]
    pub fn thinking(mut self, thinking: Thinking) -> Self {
        self.thinking = Some(thinking);
        self
    }

    /// Names the prompt's beginning for `OpenAI`'s cache, so that like prompts come to the same machine. Give one per
    /// conversation or per long system prompt; about fifteen calls a minute of one key come to one machine.
    #[must_use]
    pub fn cache_key(mut self, key: impl Into<String>) -> Self {
        self.cache_key = Some(key.into());
        self
    }

    /// Names content that Gemini keeps, such as `cachedContents/4711`. It is made and paid for elsewhere, by the hour; what
    /// was read of it is [`CacheRead`](lattice_lock_providers::Bucket::CacheRead) in the usage.
    #[must_use]
    pub fn cached_content(mut self, name: impl Into<String>) -> Self {
        self.cached_content = Some(name.into());
        self
    }

    /// Asks for a tier of service, which has its own price; the account's own by default.
    ///
    /// What was served may be another: [`ChatReply::service_tier`](crate::ChatReply::service_tier) says which, and that is the
    /// one that is charged. Batches are not calls, and are refused.
    #[must_use]
    pub fn service_tier(mut self, tier: ServiceTier) -> Self {
        self.service_tier = Some(tier);
        self
    }

    /// Says, by an opaque id, who the reply is for; nobody by default. Providers find abuse by it: give a hash or a number,
    /// never a name or an address.
    #[must_use]
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Adds a label that the provider keeps with the call; none by default. `OpenAI` takes sixteen of 64 and 512 characters,
    /// and shows them in its dashboard: no secret belongs into one.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Puts a field into the body as it stands, in place of one of ours with its name. Objects are merged, lists replaced.
    ///
    /// It is the way to everything that a provider has and this crate has no word for, in the provider's own words:
    ///
    /// ```
    /// use lattice_lock_clients::ChatRequest;
    /// use serde_json::json;
    ///
    /// // OpenAI: how likely each token was. Anthropic: a tool of the provider's. Ollama: a larger window.
    /// let likely = ChatRequest::new("Hi").extra_body("logprobs", true);
    /// let searching = ChatRequest::new("What is new?")
    ///     .extra_body("tools", json!([{ "type": "web_search_20250305", "name": "web_search" }]));
    /// let long = ChatRequest::new("Hi").extra_body("options", json!({ "num_ctx": 32_768 }));
    /// ```
    ///
    /// What it asks for is charged like anything else: more than one choice (`n`) is in the usage, and only the first is read.
    #[must_use]
    pub fn extra_body(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra_body.insert(field.into(), value.into());
        self
    }

    /// Adds a header, whose value is in no `Debug`. It replaces none of ours: the key's header, the type's and the
    /// version's are refused with [`REQUEST_INVALID`](crate::codes::REQUEST_INVALID), as is a name or a value that HTTP does not
    /// allow. `anthropic-beta` and `OpenAI-Organization` go here.
    #[must_use]
    pub fn extra_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = Secret::new(value.into());
        self.extra_headers.push((name.into(), value));
        self
    }

    /// Keeps what comes as it came, for [`ChatReply::raw`](crate::ChatReply::raw); it is not kept by default.
    #[must_use]
    pub fn keep_raw(mut self) -> Self {
        self.keeps_raw = true;
        self
    }

    /// The system prompt, if one is set; without the system messages of the conversation.
    #[must_use]
    pub fn system_prompt(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// The messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The words of the messages with who said them, oldest first.
    pub fn texts(&self) -> impl Iterator<Item = (Role, &str)> {
        self.messages.iter().flat_map(|message| {
            let texts = message.parts().iter().filter_map(Part::as_text);
            texts.map(|text| (message.role(), text))
        })
    }

    /// The tools that may be called.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        &self.tools
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
        self.format != Format::Text
    }

    /// Everything that a model is to know before the conversation.
    pub(crate) fn preamble(&self) -> Option<String> {
        let json = (self.format == Format::Json).then_some(JSON_INSTRUCTION);
        let parts: Vec<&str> = self.system.as_deref().into_iter().chain(json).collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }

    /// The preamble and, after it, every system message: for wires that have one system prompt.
    pub(crate) fn whole_preamble(&self) -> Option<String> {
        let preamble = self.preamble();
        let messages = self.texts().filter(|(role, _)| *role == Role::System);
        let messages = messages.map(|(_, text)| text);
        let parts: Vec<&str> = preamble.as_deref().into_iter().chain(messages).collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    }

    /// The messages without the application's.
    pub(crate) fn conversation(&self) -> impl Iterator<Item = &Message> {
        let messages = self.messages.iter();
        messages.filter(|message| message.role() != Role::System)
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

impl From<Message> for ChatRequest {
    fn from(message: Message) -> Self {
        Self::of([message])
    }
}
