//! What is found wrong with a usage, as data: for a ledger to decide by, and for people to read.

use std::fmt;

/// What is wrong with the usage that a provider reported. The reply is delivered all the same.
///
/// | finding | the buckets | what to do |
/// |---|---|---|
/// | [`Mismatch`](Self::Mismatch) | as they were reported | price them, and the residual by the total |
/// | [`Excess`](Self::Excess), [`NotACount`](Self::NotACount) | absent | estimate, and look at the raw usage |
///
/// Findings are for people to see: one is a fault of the provider's, of a proxy between, or of a field that this
/// version does not know.
///
/// ```
/// use lattice_lock_clients::UsageFinding;
///
/// let finding = UsageFinding::Mismatch { whole: "total_tokens", residual: -7 };
/// assert_eq!(finding.residual(), Some(-7));
/// assert_eq!(finding.to_string(), "total_tokens differs from the sum of its parts by -7");
/// ```
///
/// A total that its parts do not come to, as it is met in practice:
///
/// ```
/// # use lattice_lock_clients::{ChatRequest, Client, HttpClients, UsageFinding};
/// # use lattice_lock_providers::{Bucket, Count, Provider};
/// # use lattice_lock_testkit::{Exchange, ScriptedServer};
/// # use serde_json::json;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # let odd = json!({ "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 19 });
/// # server.script(Exchange::reply("Goethe.").reporting(odd));
/// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
/// # let client = HttpClients::new()?.client(&provider);
/// // It writes 10 tokens of prompt, 2 of completion, and 19 in total.
/// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
/// let finding = UsageFinding::Mismatch { whole: "total_tokens", residual: 7 };
/// assert_eq!(reply.usage_finding(), Some(finding));
/// assert_eq!(reply.usage().get(Bucket::Output), Count::Reported(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UsageFinding {
    /// A figure differs from the sum of its parts, which stand in the usage as they were reported. A positive
    /// residual is more than the buckets explain; a ledger prices it so that nothing is given away.
    Mismatch {
        /// The wire's name of the figure, such as `total_tokens`.
        whole: &'static str,
        /// The figure less the sum of its parts, in tokens.
        residual: i128,
    },
    /// The parts of a figure are larger than it. Nothing of the report can be trusted: the usage is absent.
    ///
    /// More cached tokens than the prompt has, for example:
    ///
    /// ```
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients, UsageFinding};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer};
    /// # use serde_json::json;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # let odd = json!({ "prompt_tokens": 10, "prompt_tokens_details": { "cached_tokens": 15 } });
    /// # server.script(Exchange::reply("Goethe.").reporting(odd));
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// // It writes 10 tokens of prompt, 15 of them cached.
    /// let reply = client.chat(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
    /// let finding = UsageFinding::Excess { whole: "prompt_tokens", excess: 5 };
    /// assert_eq!(reply.usage_finding(), Some(finding));
    /// assert!(reply.usage().is_absent() && reply.raw_usage().is_some());
    /// # Ok(())
    /// # }
    /// ```
    Excess {
        /// The wire's name of the figure, such as `prompt_tokens`.
        whole: &'static str,
        /// By how many tokens the parts are larger.
        excess: u64,
    },
    /// A figure is negative, fractional, no number, or beyond [`LARGEST_COUNT`](crate::LARGEST_COUNT).
    /// Nothing of the report can be trusted: the usage is absent.
    NotACount {
        /// The wire's name of the figure.
        field: &'static str,
    },
}

impl UsageFinding {
    /// How much larger the provider's figure is than the sum of the buckets, where both are known.
    ///
    /// It can be negative: then the provider's total is less than what it lists. Of a mismatch within the usage,
    /// such as Anthropic's written tokens against their lives, it is the difference of that figure.
    ///
    /// ```
    /// use lattice_lock_clients::UsageFinding;
    ///
    /// let excess = UsageFinding::Excess { whole: "prompt_tokens", excess: 5 };
    /// assert_eq!(excess.residual(), None); // the buckets are absent, and so is what they lack
    /// ```
    #[must_use]
    pub const fn residual(&self) -> Option<i128> {
        match self {
            Self::Mismatch { residual, .. } => Some(*residual),
            Self::Excess { .. } | Self::NotACount { .. } => None,
        }
    }
}

impl fmt::Display for UsageFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { whole, residual } => {
                write!(f, "{whole} differs from the sum of its parts by {residual}")
            }
            Self::Excess { whole, excess } => {
                write!(f, "the parts of {whole} are larger than it by {excess}")
            }
            Self::NotACount { field } => write!(f, "{field} is not a count"),
        }
    }
}
