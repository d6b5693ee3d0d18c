use crate::TaskType;

/// One labelled prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub(crate) prompt: String,
    pub(crate) task: TaskType,
    pub(crate) family: String,
}

impl Sample {
    /// A prompt, what it asks for, and the family of sources that it comes from.
    #[must_use]
    pub fn new(prompt: impl Into<String>, task: TaskType, family: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            task,
            family: family.into(),
        }
    }

    /// The prompt.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// What it asks for.
    #[must_use]
    pub fn task(&self) -> TaskType {
        self.task
    }

    /// The family of sources that it comes from.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.family
    }
}

/// How the learned layer is trained. The defaults are those of the shipped weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub(crate) seed: u64,
    pub(crate) epochs: u32,
    pub(crate) rate: f64,
    pub(crate) decay: f64,
    pub(crate) rules: f64,
    pub(crate) family_power: f64,
    pub(crate) class_power: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            epochs: 8,
            rate: 0.3,
            decay: 1e-3,
            rules: 1.2,
            family_power: 0.0,
            class_power: 0.5,
        }
    }
}

impl Settings {
    /// Where the order of the samples begins; defaults to 1.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How often every sample is looked at; defaults to 8.
    #[must_use]
    pub const fn epochs(mut self, epochs: u32) -> Self {
        self.epochs = epochs;
        self
    }

    /// How far one step goes.
    #[must_use]
    pub const fn rate(mut self, rate: f64) -> Self {
        self.rate = rate;
        self
    }

    /// How much a weight shrinks with every step that touches it.
    #[must_use]
    pub const fn decay(mut self, decay: f64) -> Self {
        self.decay = decay;
        self
    }

    /// The log-odds of ten points of the rules; more makes the rules count more against the words.
    #[must_use]
    pub const fn rules(mut self, rules: f64) -> Self {
        self.rules = rules;
        self
    }

    /// How much large families are held back, from 0 (not at all) to 1 (every family counts the same).
    #[must_use]
    pub const fn family_power(mut self, power: f64) -> Self {
        self.family_power = power;
        self
    }

    /// How much frequent task types are held back, from 0 to 1.
    #[must_use]
    pub const fn class_power(mut self, power: f64) -> Self {
        self.class_power = power;
        self
    }
}
