//! Tokens as the server counts them: the truth that a reply may or may not tell.

/// Tokens in buckets that do not overlap: what the server charges for one request.
///
/// The wires put them together again as each provider does:
///
/// | | OpenAI | Anthropic | Gemini | Ollama | Bedrock |
/// |---|---|---|---|---|---|
/// | [`input`](field@Self::input) | in [`prompt`](Self::prompt) | apart | in `promptTokenCount` | in `prompt_eval_count` | apart |
/// | [`cache_read`](field@Self::cache_read) | in the prompt, and told | apart | in the prompt, and told | in the prompt | apart |
/// | [`cache_write_5m`](field@Self::cache_write_5m), [`…_1h`](field@Self::cache_write_1h) | in the prompt, and told; their lives by the responses only | apart, with their lives | in the prompt | in the prompt | apart, with their lives |
/// | [`output`](field@Self::output) | in [`completion`](Self::completion) | in `output_tokens` | apart | in `eval_count` | in `outputTokens` |
/// | [`reasoning`](field@Self::reasoning) | in the completion, and told | in the output | apart | in the count | in the output |
/// | [`total`](Self::total) | told | – | told | – | told |
///
/// A wire that does not tell a bucket apart cannot be priced by it: for such a wire give the bucket that contains
/// it, or rates that are the same for both.
///
/// ```
/// use lattice_lock_testkit::Usage;
///
/// let usage = Usage::new().input(80).cache_read(20).output(30).reasoning(10);
/// assert_eq!((usage.prompt(), usage.completion(), usage.total()), (100, 40, 140));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// Prompt tokens that came from no cache and went into none.
    pub input: u32,
    /// Prompt tokens read from a cache.
    pub cache_read: u32,
    /// Prompt tokens written to a cache for five minutes, or for half an hour at OpenAI.
    pub cache_write_5m: u32,
    /// Prompt tokens written to a cache for an hour, or for twelve at OpenAI; its chat completions do not tell them
    /// from the others.
    pub cache_write_1h: u32,
    /// Visible tokens of the reply.
    pub output: u32,
    /// Hidden tokens of the reply.
    pub reasoning: u32,
}

impl Usage {
    /// No tokens at all.
    ///
    /// ```
    /// use lattice_lock_testkit::Usage;
    ///
    /// assert_eq!(Usage::new().total(), 0);
    /// assert_eq!(Usage::new(), Usage::default());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the uncached prompt tokens; 0 by default.
    ///
    /// What was cached is not in it, whichever way the wire counts.
    #[must_use]
    pub fn input(mut self, tokens: u32) -> Self {
        self.input = tokens;
        self
    }

    /// Sets the prompt tokens read from a cache; 0 by default.
    ///
    /// ```
    /// use lattice_lock_testkit::Usage;
    ///
    /// let usage = Usage::new().input(80).cache_read(20);
    /// assert_eq!(usage.prompt(), 100); // what OpenAI writes as `prompt_tokens`, and Anthropic nowhere
    /// ```
    #[must_use]
    pub fn cache_read(mut self, tokens: u32) -> Self {
        self.cache_read = tokens;
        self
    }

    /// Sets the prompt tokens written to a cache for five minutes; 0 by default.
    ///
    /// Gemini's and Ollama's wires have no word for it: there it is a part of the prompt and nothing else.
    #[must_use]
    pub fn cache_write_5m(mut self, tokens: u32) -> Self {
        self.cache_write_5m = tokens;
        self
    }

    /// Sets the prompt tokens written to a cache for an hour; 0 by default.
    ///
    /// ```
    /// use lattice_lock_testkit::Usage;
    ///
    /// let usage = Usage::new().input(5).cache_write_5m(2_000).cache_write_1h(8_000).output(40);
    /// assert_eq!((usage.prompt(), usage.total()), (10_005, 10_045));
    /// ```
    #[must_use]
    pub fn cache_write_1h(mut self, tokens: u32) -> Self {
        self.cache_write_1h = tokens;
        self
    }

    /// Sets the visible tokens of the reply; 0 by default.
    ///
    /// What was thought is not in it.
    #[must_use]
    pub fn output(mut self, tokens: u32) -> Self {
        self.output = tokens;
        self
    }

    /// Sets the hidden tokens of the reply; 0 by default.
    ///
    /// ```
    /// use lattice_lock_testkit::Usage;
    ///
    /// let usage = Usage::new().output(2).reasoning(30);
    /// assert_eq!(usage.completion(), 32); // what most wires write as the output
    /// ```
    #[must_use]
    pub fn reasoning(mut self, tokens: u32) -> Self {
        self.reasoning = tokens;
        self
    }

    /// Every token of the prompt, cached or not.
    ///
    /// The sum of the input and of the three cached buckets.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        self.cache_write() + u64::from(self.input) + u64::from(self.cache_read)
    }

    /// Every token of the reply, visible or not.
    #[must_use]
    pub fn completion(&self) -> u64 {
        u64::from(self.output) + u64::from(self.reasoning)
    }

    /// Every token.
    ///
    /// The sum of all six buckets, which cannot overflow.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.prompt() + self.completion()
    }

    pub(crate) fn cache_write(&self) -> u64 {
        u64::from(self.cache_write_5m) + u64::from(self.cache_write_1h)
    }

    /// What a prompt and a reply of these texts plausibly cost: a token for every four bytes begun.
    pub(crate) fn derived(prompt: &str, reply: &str) -> Self {
        Self::new()
            .input(tokens_in(prompt))
            .output(tokens_in(reply))
    }
}

/// At least one: no provider charges nothing for a message, however short.
fn tokens_in(text: &str) -> u32 {
    u32::try_from(text.len().div_ceil(4))
        .unwrap_or(u32::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_the_largest_buckets_do_not_overflow() {
        let most = u32::MAX;
        let usage = Usage::new()
            .input(most)
            .cache_read(most)
            .cache_write_5m(most)
            .cache_write_1h(most)
            .output(most)
            .reasoning(most);
        assert_eq!(usage.total(), 6 * u64::from(most));
    }

    #[test]
    fn an_empty_prompt_costs_a_token() {
        assert_eq!(Usage::derived("", "12345"), Usage::new().input(1).output(2));
    }
}
