//! What is asked: the one request that every wire is made from.
//!
//! A [`ChatRequest`] knows no wire. What it holds is checked here for what every provider would refuse; each wire
//! then refuses what it has no word for and writes down the rest. Nothing between these two changes a request, so
//! that the same one may be sent to several providers, one after the other.

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
/// [`cache_system`](Self::cache_system) and [`Message::cached`] are Anthropic's and Bedrock's; the others cache by
/// themselves, and the hints are the only fields that are left out there instead of refused.
///
/// Before anything is sent a request is checked for what every provider would refuse
/// ([`REQUEST_INVALID`](crate::codes::REQUEST_INVALID), with the field): a blank message or system prompt, nothing
/// to answer, a part that its role cannot say, two tools of one name, a choice of a tool that is not there, a limit
/// of 0, a temperature below 0 or a `top_p` outside 0 to 1, an empty stop text.
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
    ///
    /// Every other field is the provider's own default. A blank prompt can be made, and is
    /// [`REQUEST_INVALID`](crate::codes::REQUEST_INVALID) when it is asked; so is everything else that is wrong
    /// with a request, since its setters cannot fail.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Role};
    ///
    /// let request = ChatRequest::new("Who wrote Faust?");
    /// assert_eq!(request.texts().collect::<Vec<_>>(), [(Role::User, "Who wrote Faust?")]);
    /// assert_eq!(request, "Who wrote Faust?".into());
    /// ```
    #[must_use]
    pub fn new(prompt: impl Into<String>) -> Self {
        Self::of([Message::user(prompt)])
    }

    /// A conversation.
    ///
    /// Providers want it to end with whoever asks, and most want the roles to take turns; neither is checked here,
    /// since the rules differ per model. One that is empty, or has nothing but system messages, is refused before
    /// the call.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Message};
    ///
    /// let kept = [("user", "Who wrote Faust?"), ("model", "Goethe."), ("user", "When?")];
    /// let messages = kept.map(|(who, said)| match who {
    ///     "model" => Message::assistant(said),
    ///     _ => Message::user(said),
    /// });
    /// assert_eq!(ChatRequest::of(messages).messages().len(), 3);
    /// ```
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
    ///
    /// A wire with one system prompt gets these joined to it, in their order and with an empty line between:
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients, Message};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::of([Message::system("Today is Monday."), Message::user("What day is it?")])
    ///     .system("Be brief.");
    /// client.chat(&"claude-haiku-4-5".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["system"], "Be brief.\n\nToday is Monday.");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Has the provider keep the tools and the system prompt, as [`Message::cached`] does for a conversation.
    ///
    /// Without a system prompt the tools are kept, on Anthropic's wire. Providers keep a beginning only from some
    /// length on (Anthropic: 1,024 tokens, some models more) and charge for writing it; what was written and read
    /// is told by the usage.
    ///
    /// Worth it where the same beginning is sent again within its life: writing it costs more than plain input,
    /// reading it a tenth of that (Anthropic's price list). On Bedrock a request without a system prompt has
    /// nothing that is kept.
    ///
    /// ```
    /// # use lattice_lock_clients::{CacheLife, ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// # let handbook = "Once upon a time.";
    /// let request = ChatRequest::new("May I work from home?").system(handbook).cache_system(CacheLife::Hour);
    /// client.chat(&"claude-haiku-4-5".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["system"][0]["cache_control"]["ttl"], "1h");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cache_system(mut self, life: CacheLife) -> Self {
        self.system_cache = Some(life);
        self
    }

    /// Adds a message of words at the end.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Role};
    ///
    /// // An example before the question shows a small model what is wanted.
    /// let request = ChatRequest::new("Colour of the sky?")
    ///     .message(Role::Assistant, "blue")
    ///     .message(Role::User, "Colour of grass?");
    /// assert_eq!(request.messages()[1].role(), Role::Assistant);
    /// ```
    #[must_use]
    pub fn message(self, role: Role, text: impl Into<String>) -> Self {
        self.push(Message::new(role).part(Part::Text(text.into())))
    }

    /// Adds a message at the end.
    ///
    /// It is how a conversation goes on: with the model's [reply](crate::ChatReply::to_message), the results of
    /// tools, and what is asked next. The whole conversation is sent and charged with every call.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, ChatRequest, Message};
    ///
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.");
    /// let request = ChatRequest::new("Who wrote Faust?").push(reply.to_message()).push(Message::user("When?"));
    /// assert_eq!(request.messages().len(), 3);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn push(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds a tool that may be called; none by default.
    ///
    /// Every tool is sent with each call and charged as input. Two of one name, one without a name, or a schema
    /// that is no object are refused before the call. Tools that a provider runs itself, such as a web search, go
    /// into [`extra_body`](Self::extra_body), which replaces the list of these.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Tool};
    /// use lattice_lock_providers::Capability;
    ///
    /// let request = ChatRequest::new("What time is it?").tool(Tool::without_arguments("clock"));
    /// assert_eq!(request.tools()[0].name(), "clock");
    /// assert!(request.needs().contains(Capability::Tools));
    /// ```
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Says whether tools are to be called; by default the model decides.
    ///
    /// A choice that cannot be met is refused before the call: a tool that is not there, or any where there is none.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Client, ScriptedClient, Tool, ToolChoice};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let request = ChatRequest::new("What time is it?")
    ///     .tool(Tool::without_arguments("clock"))
    ///     .tool_choice(ToolChoice::Named("calendar".to_string()));
    /// let client = ScriptedClient::new("openai".parse()?);
    /// let error = client.chat(&"gpt-5-mini".parse()?, &request).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-050");
    /// assert!(error.context().any(|it| it == ("field", "tool_choice")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Says whether several tools may be called in one turn; the provider's own default otherwise, which is that
    /// they may. Gemini, Ollama and Bedrock have no word for it.
    ///
    /// Say `false` where one call must see what another did, such as two bookings of one seat. Models may call one
    /// tool several times in a turn, too.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Tool};
    ///
    /// let request = ChatRequest::new("Two tickets, please.")
    ///     .tool(Tool::without_arguments("book_seat"))
    ///     .parallel_tools(false);
    /// assert_eq!(request.needs().iter().count(), 1); // tools, and not several at once
    /// ```
    #[must_use]
    pub fn parallel_tools(mut self, allowed: bool) -> Self {
        self.parallel_tools = Some(allowed);
        self
    }

    /// Asks for JSON and nothing else; any text by default.
    ///
    /// An instruction is added to the system prompt, and where the wire has a JSON mode, that is turned on.
    /// What comes is the model's: it is not checked here.
    ///
    /// Prefer [`json_schema`](Self::json_schema) where the model can: only that is held against a schema by the
    /// provider. The reply is a text that is best read at once, since models put a code fence around it all the
    /// same:
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, ChatRequest, Client, ScriptedClient};
    /// use serde_json::Value;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = ScriptedClient::new("openai".parse()?);
    /// # client.reply(ChatReply::new("gpt-5-mini".parse()?, r#"{"author":"Goethe"}"#));
    /// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?").json()).await?;
    /// let answer: Value = serde_json::from_str(reply.text())?;
    /// assert_eq!(answer["author"], "Goethe");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn json(self) -> Self {
        self.format(Format::Json)
    }

    /// Asks for JSON of a schema. The provider holds the reply against it, and refuses schemas with words that it
    /// does not know: `OpenAI`'s strict mode wants every property `required` and `additionalProperties` false.
    ///
    /// A reply that came to its [limit](FinishReason::Length) or was [refused](FinishReason::Refused) is no JSON
    /// all the same.
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
    ///
    /// [`json`](Self::json) and [`json_schema`](Self::json_schema) say the same in fewer words; this one is for a
    /// format that comes from elsewhere. A later one replaces an earlier one.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Format};
    ///
    /// let request = ChatRequest::new("Who wrote Faust?").json().format(Format::Text);
    /// assert!(!request.is_json());
    /// ```
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Limits the reply to this many tokens, reasoning included.
    ///
    /// By default the provider's own limit counts; Anthropic has none, and gets
    /// [`DEFAULT_MAX_TOKENS`](crate::DEFAULT_MAX_TOKENS).
    ///
    /// A reply that comes to it ends in the middle, with [`Length`](FinishReason::Length), and is charged. It is
    /// the only bound on what a reply may cost that is known before the call. 0 is refused before the call; one
    /// that is larger than the model's own is refused by the provider, or by clients that
    /// [know](crate::HttpClients::knowing) the model.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, FinishReason, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # server.script(Exchange::reply("Faust was wri").finish("length"));
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Who wrote Faust?").max_tokens(4);
    /// let reply = client.chat(&"gpt-5-mini".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["max_completion_tokens"], 4);
    /// assert_eq!(reply.finish_reason(), FinishReason::Length);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Sets the temperature, sent as it is given; the provider's own by default. Models that reason take none, and
    /// their provider says so with a 400; Anthropic's takes 0 to 1, the others 0 to 2.
    ///
    /// 0 makes a reply as likely as it can be, which is not the same as repeatable. Below 0, infinite or no number
    /// is refused before the call; what else is too high, the provider refuses.
    ///
    /// ```
    /// use lattice_lock_clients::ChatRequest;
    ///
    /// let request = ChatRequest::new("Name a colour.").temperature(0.2);
    /// assert_eq!(request.sampling_temperature(), Some(0.2));
    /// ```
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets the share of likely tokens that are chosen from, from 0 to 1; the provider's own by default. Providers
    /// advise to set this or the temperature, and Anthropic's newer models refuse both at once.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// // Only the likeliest tokens that make up nine tenths.
    /// let request = ChatRequest::new("Name a colour.").top_p(0.9);
    /// client.chat(&"gpt-4.1".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["top_p"], 0.9);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn top_p(mut self, share: f64) -> Self {
        self.top_p = Some(share);
        self
    }

    /// Adds a text at which the reply stops; none by default. The text itself is not in the reply, and the reason is
    /// [`Stop`](crate::FinishReason::Stop). `OpenAI` takes four of them, Gemini five, Anthropic and Bedrock more.
    ///
    /// Some of `OpenAI`'s reasoning models refuse it. An empty text is
    /// refused before the call, since it would stop every reply.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # use serde_json::json;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::google().api_key("AIza-4711".to_string()).at(&format!("{}/v1beta", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Q: Who wrote Faust?\nA:").stop("\n").stop("Q:");
    /// client.chat(&"gemini-2.5-flash".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["generationConfig"]["stopSequences"], json!(["\n", "Q:"]));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.stop.push(text.into());
        self
    }

    /// Sets the seed, for replies that can be repeated as far as the provider can; none by default. No provider
    /// promises it.
    ///
    /// A wire without a word for it refuses the request and does not leave it out: whoever asks for the same reply
    /// twice should know that they do not get it.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Name a colour.").seed(7);
    /// let error = client.chat(&"claude-haiku-4-5".parse()?, &request).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-056");
    /// assert!(server.received().is_empty()); // nothing was sent
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn seed(mut self, seed: i64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Says how much to think; the model's own way by default.
    ///
    /// What is thought counts against [`max_tokens`](Self::max_tokens) and is charged as output, shown or not, so
    /// that a small limit may be used up before the first word. Models that cannot think refuse it with a 400.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Thinking};
    /// use lattice_lock_providers::Capability;
    ///
    /// let request = ChatRequest::new("Is 4,711 a prime?").thinking(Thinking::High).max_tokens(8_000);
    /// assert!(request.needs().contains(Capability::Reasoning));
    /// assert!(!request.thinking(Thinking::Off).needs().contains(Capability::Reasoning));
    /// ```
    #[must_use]
    pub fn thinking(mut self, thinking: Thinking) -> Self {
        self.thinking = Some(thinking);
        self
    }

    /// Names the prompt's beginning for `OpenAI`'s cache, so that like prompts come to the same machine. Give one per
    /// conversation or per long system prompt; about fifteen calls a minute of one key come to one machine.
    ///
    /// It is a hint and promises nothing. The provider sees the name, so that it should tell nothing about anybody.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let conversation = 4_711;
    /// let request = ChatRequest::new("And when?").cache_key(format!("conversation-{conversation}"));
    /// client.chat(&"gpt-5-mini".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["prompt_cache_key"], "conversation-4711");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cache_key(mut self, key: impl Into<String>) -> Self {
        self.cache_key = Some(key.into());
        self
    }

    /// Names content that Gemini keeps, such as `cachedContents/4711`. It is made and paid for elsewhere, by the
    /// hour; what was read of it is [`CacheRead`](lattice_lock_providers::Bucket::CacheRead) in the usage.
    ///
    /// What is kept has a model, a system prompt and tools of its own, and the provider refuses a request that sets
    /// these again.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::google().api_key("AIza-4711".to_string()).at(&format!("{}/v1beta", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Who is the murderer?").cached_content("cachedContents/4711");
    /// client.chat(&"gemini-2.5-flash".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["cachedContent"], "cachedContents/4711");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cached_content(mut self, name: impl Into<String>) -> Self {
        self.cached_content = Some(name.into());
        self
    }

    /// Asks for a tier of service, which has its own price; the account's own by default.
    ///
    /// What was served may be another: [`ChatReply::service_tier`](crate::ChatReply::service_tier) says which, and
    /// that is the one that is charged. Batches are not calls, and are refused.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::{Provider, ServiceTier};
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// // Cheaper, and slower or refused where there is no room: nobody waits for this one.
    /// let request = ChatRequest::new("Sum up last night's logs.").service_tier(ServiceTier::Flex);
    /// client.chat(&"gpt-5-mini".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["service_tier"], "flex");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn service_tier(mut self, tier: ServiceTier) -> Self {
        self.service_tier = Some(tier);
        self
    }

    /// Says, by an opaque id, who the reply is for; nobody by default. Providers find abuse by it: give a hash or a
    /// number, never a name or an address.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Hi").user("u-5f2c9a");
    /// client.chat(&"claude-haiku-4-5".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["metadata"]["user_id"], "u-5f2c9a");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Adds a label that the provider keeps with the call; none by default. `OpenAI` takes sixteen of 64 and 512
    /// characters, and shows them in its dashboard: no secret belongs into one.
    ///
    /// A second one of the same name replaces the first.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Hi").metadata("feature", "search").metadata("release", "2026-11");
    /// client.chat(&"gpt-5-mini".parse()?, &request).await?;
    /// assert_eq!(server.received()[0].json()["metadata"]["feature"], "search");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Puts a field into the body as it stands, in place of one of ours with its name. Objects are merged, lists
    /// replaced.
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
    /// What it asks for is charged like anything else: more than one choice (`n`) is in the usage, and only the
    /// first is read.
    ///
    /// Nothing of it is checked. `stream` does not belong here: whether a reply comes in pieces is said by
    /// [`Client::stream`](crate::Client::stream), and a stream that was not expected is a malformed reply. How it
    /// is merged:
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # use serde_json::json;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::google().api_key("AIza-4711".to_string()).at(&format!("{}/v1beta", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let request = ChatRequest::new("Hi")
    ///     .temperature(0.5)
    ///     .extra_body("generationConfig", json!({ "topK": 40 }));
    /// client.chat(&"gemini-2.5-flash".parse()?, &request).await?;
    /// let sent = server.received()[0].json();
    /// assert_eq!(sent["generationConfig"], json!({ "temperature": 0.5, "topK": 40 }));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn extra_body(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra_body.insert(field.into(), value.into());
        self
    }

    /// Adds a header, whose value is in no `Debug`. It replaces none of ours: the key's header, the type's and the
    /// version's are refused with [`REQUEST_INVALID`](crate::codes::REQUEST_INVALID), as is a name or a value that
    /// HTTP does not allow. `anthropic-beta` and `OpenAI-Organization` go here.
    ///
    /// A name may be given once. Nothing is known of what a header turns on: one that changes what is charged is
    /// not seen here.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let model = "gpt-5-mini".parse()?;
    /// let request = ChatRequest::new("Hi").extra_header("OpenAI-Organization", "org-4711");
    /// client.chat(&model, &request).await?;
    /// assert_eq!(server.received()[0].header("openai-organization"), Some("org-4711"));
    ///
    /// let error = client.chat(&model, &request.extra_header("Authorization", "Bearer x")).await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "LL-PRV-050");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn extra_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let value = Secret::new(value.into());
        self.extra_headers.push((name.into(), value));
        self
    }

    /// Keeps what comes as it came, for [`ChatReply::raw`](crate::ChatReply::raw); it is not kept by default.
    ///
    /// For what a reply has and this crate does not read, such as how likely each token was, and for proofs. It
    /// costs as much memory as the body is long.
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::ScriptedServer;
    /// # use serde_json::Value;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = ScriptedServer::start().await?;
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Hi").keep_raw()).await?;
    /// let body: Value = serde_json::from_slice(reply.raw().expect("it is kept"))?;
    /// assert_eq!(body["object"], "chat.completion");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keep_raw(mut self) -> Self {
        self.keeps_raw = true;
        self
    }

    /// The system prompt, if one is set; without the system messages of the conversation.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Message};
    ///
    /// let request = ChatRequest::of([Message::system("Today is Monday."), Message::user("Hi")]);
    /// assert_eq!(request.system_prompt(), None);
    /// assert_eq!(request.system("Be brief.").system_prompt(), Some("Be brief."));
    /// ```
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
    ///
    /// Whoever looks through what is sent, for a filter or an estimate of its length, has it all with the
    /// [system prompt](Self::system_prompt); the results of tools are not among them.
    ///
    /// ```
    /// use lattice_lock_clients::{ChatRequest, Role};
    ///
    /// let request = ChatRequest::new("Who wrote Faust?").system("Be brief.");
    /// let letters: usize = request.texts().map(|(_, text)| text.len()).sum();
    /// assert_eq!(letters + request.system_prompt().map_or(0, str::len), 25);
    /// ```
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
    ///
    /// What the setter [`max_tokens`](Self::max_tokens) set. None means the provider's own, and on Anthropic's wire
    /// [`DEFAULT_MAX_TOKENS`](crate::DEFAULT_MAX_TOKENS).
    #[must_use]
    pub fn token_limit(&self) -> Option<u32> {
        self.max_tokens
    }

    /// The temperature, if one is set.
    ///
    /// What the setter [`temperature`](Self::temperature) set.
    #[must_use]
    pub fn sampling_temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// Whether JSON is asked for.
    ///
    /// With a schema or without one.
    ///
    /// ```
    /// use lattice_lock_clients::ChatRequest;
    ///
    /// assert!(ChatRequest::new("List three colours.").json().is_json());
    /// assert!(!ChatRequest::new("List three colours in JSON.").is_json());
    /// ```
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

/// A user's prompt, as [`ChatRequest::new`].
impl From<&str> for ChatRequest {
    fn from(prompt: &str) -> Self {
        Self::new(prompt)
    }
}

/// A user's prompt, as [`ChatRequest::new`].
impl From<String> for ChatRequest {
    fn from(prompt: String) -> Self {
        Self::new(prompt)
    }
}

/// A conversation of one message, for a first one that has more than words:
///
/// ```
/// use lattice_lock_clients::{ChatRequest, Image, Message};
///
/// let request = ChatRequest::from(Message::user("What is on it?").image(Image::url("https://example.org/cat.png")));
/// assert_eq!(request.messages().len(), 1);
/// ```
impl From<Message> for ChatRequest {
    fn from(message: Message) -> Self {
        Self::of([message])
    }
}
