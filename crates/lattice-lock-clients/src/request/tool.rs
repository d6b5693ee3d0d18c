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
    /// A tool whose arguments are described by a JSON schema.
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
    #[must_use]
    pub fn without_arguments(name: impl Into<String>) -> Self {
        Self::new(name, json!({ "type": "object", "properties": {} }))
    }

    /// Says what it does and when to call it; nothing by default.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Has the provider hold the arguments against the schema, where it can; not by default.
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
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// Any text.
    #[default]
    Text,
    /// Some JSON value.
    Json,
    /// A JSON value of this schema.
    Schema {
        /// What the schema is called.
        name: String,
        /// The schema.
        schema: Value,
    },
}

/// How much a model is to think before it answers.
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
    /// At most so many tokens.
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
