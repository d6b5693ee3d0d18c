//! Tools, and what else shapes a reply: which may be called, what it looks like, how long is thought.
//!
//! Each type has the union of what the wires can say; the tables on them tell who refuses what.

use serde_json::{Value, json};

/// A tool that a model may call.
///
/// ```
/// use lattice_lock_clients::Tool;
/// use serde_json::json;
///
/// let weather = Tool::new("weather", json!({
///     "type": "object",
///     "properties": { "city": { "type": "string" } },
///     "required": ["city"],
/// })).description("What the weather is like now.");
/// assert_eq!(weather.name(), "weather");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) schema: Value,
    pub(crate) strict: bool,
}

impl Tool {
    /// A tool whose arguments are described by a JSON schema, which is an object of type `object`. Providers take
    /// names of letters, digits, `_` and `-`, 64 characters at most.
    ///
    /// The schema goes to the provider as it is, and each knows a part of JSON schema of its own. A description on
    /// a property is worth as much as the tool's.
    ///
    /// ```
    /// use lattice_lock_clients::Tool;
    /// use serde_json::json;
    ///
    /// let search = Tool::new("search", json!({
    ///     "type": "object",
    ///     "properties": {
    ///         "query": { "type": "string", "description": "A few words." },
    ///         "most": { "type": "integer", "minimum": 1 },
    ///     },
    ///     "required": ["query"],
    /// }));
    /// assert_eq!(search.name(), "search");
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, schema: Value) -> Self {
        Self {
            name: name.into(),
            description: None,
            schema,
            strict: false,
        }
    }

    /// A tool that takes no arguments.
    ///
    /// The model's call of it has the empty object.
    ///
    /// ```
    /// use lattice_lock_clients::Tool;
    /// use serde_json::json;
    ///
    /// let empty = json!({ "type": "object", "properties": {} });
    /// assert_eq!(Tool::without_arguments("clock"), Tool::new("clock", empty));
    /// ```
    #[must_use]
    pub fn without_arguments(name: impl Into<String>) -> Self {
        Self::new(name, json!({ "type": "object", "properties": {} }))
    }

    /// Says what it does and when to call it; nothing by default. The model knows nothing else of it, and the text is
    /// charged as input with every call.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Has the provider hold the arguments against the schema, where it can (`OpenAI` and Anthropic); not by default.
    /// `OpenAI` then wants every property required and no further ones.
    ///
    /// The other wires have no word for it, and leave it out: there the arguments are to be checked in any case.
    ///
    /// ```
    /// use lattice_lock_clients::Tool;
    /// use serde_json::json;
    ///
    /// let weather = Tool::new("weather", json!({
    ///     "type": "object",
    ///     "properties": { "city": { "type": "string" }, "unit": { "type": ["string", "null"] } },
    ///     "required": ["city", "unit"],
    ///     "additionalProperties": false,
    /// })).strict();
    /// ```
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Whether tools are to be called.
///
/// | | `OpenAI` | Anthropic | Gemini | Bedrock |
/// |---|---|---|---|---|
/// | `Auto` | `auto` | `auto` | `AUTO` | `auto` |
/// | `None` | `none` | `none` | `NONE` | refused: leave the tools out |
/// | `Required` | `required` | `any` | `ANY` | `any` |
/// | `Named` | `function` | `tool` | `ANY` of one | `tool` |
///
/// Ollama knows nothing but `Auto`. Anthropic's models that think take `Auto` and `None` only.
///
/// ```
/// use lattice_lock_clients::{ChatRequest, Tool, ToolChoice};
///
/// // The last word of a conversation: the tools stay, since what they answered is in it, and none is called again.
/// let request = ChatRequest::new("Now answer.")
///     .tool(Tool::without_arguments("clock"))
///     .tool_choice(ToolChoice::None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// None may be called.
    None,
    /// At least one must be called.
    Required,
    /// This one must be called.
    Named(String),
}

/// What a reply is to look like.
///
/// ```
/// use lattice_lock_clients::{ChatRequest, Format};
/// use serde_json::json;
///
/// let yes_or_no = Format::Schema {
///     name: "verdict".to_string(),
///     schema: json!({
///         "type": "object",
///         "properties": { "yes": { "type": "boolean" } },
///         "required": ["yes"],
///         "additionalProperties": false,
///     }),
/// };
/// assert!(ChatRequest::new("Is 4,711 a prime?").format(yes_or_no).is_json());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// Any text.
    #[default]
    Text,
    /// Some JSON value. `OpenAI`, Gemini and Ollama have a mode for it; everywhere it is asked for in words as
    /// well, since `OpenAI` refuses its mode when no message speaks of JSON.
    Json,
    /// A JSON value of this schema.
    Schema {
        /// What the schema is called, for `OpenAI` and Bedrock: letters, digits, `_` and `-`.
        name: String,
        /// The schema, sent as it is: each provider takes a part of JSON schema.
        schema: Value,
    },
}

/// How much a model is to think before it answers. Thoughts are charged as output, shown or not.
///
/// | | `OpenAI` | Anthropic | Gemini | Ollama |
/// |---|---|---|---|---|
/// | `Off` | `none` | `disabled` | a budget of 0 | `false` |
/// | `Minimal` | `minimal` | refused | `minimal` | refused |
/// | `Low`, `Medium`, `High` | the word | `adaptive`, with the effort | `thinkingLevel` | the word |
/// | `Budget` | refused | `budget_tokens` | `thinkingBudget` | refused |
///
/// Which of them a model takes is the model's: an older one of Gemini's knows budgets only, a newer one degrees. On
/// Bedrock each model has words of its own, which go as `extra_body("additionalModelRequestFields", …)`.
///
/// A degree that a wire has no word for is refused before the call, so that a request never costs another amount
/// than was meant:
///
/// ```
/// use lattice_lock_clients::{ChatRequest, HttpClients, Thinking};
/// use lattice_lock_providers::Provider;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// let client = HttpClients::new()?.client(&Provider::local()); // chat completions
/// let request = ChatRequest::new("Is 4,711 a prime?").thinking(Thinking::Budget(2_000));
/// let error = client.chat(&"qwen3".parse()?, &request).await.unwrap_err();
/// assert_eq!(error.code().as_str(), "LL-PRV-056");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Thinking {
    /// Not at all.
    Off,
    /// As little as there is.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// A lot.
    High,
    /// At most so many tokens, within the reply's limit; Anthropic wants 1,024 at least.
    Budget(u32),
}

impl Thinking {
    /// The word for it, where it is no number.
    pub(crate) const fn effort(self) -> Option<&'static str> {
        match self {
            Self::Off => Some("none"),
            Self::Minimal => Some("minimal"),
            Self::Low => Some("low"),
            Self::Medium => Some("medium"),
            Self::High => Some("high"),
            Self::Budget(_) => None,
        }
    }
}
