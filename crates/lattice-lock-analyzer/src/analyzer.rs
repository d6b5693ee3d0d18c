use std::sync::{Arc, PoisonError, RwLock};

use crate::conclude::conclude;
use crate::engine;
use crate::learned::Votes;
use crate::patterns::PatternSet;
use crate::{Input, Model, ModelCard, TaskAnalysis};

/// Reads prompts. Cheap to share: all methods take `&self`.
///
/// ```
/// use lattice_lock_analyzer::{Analyzer, Need};
///
/// let analyzer = Analyzer::new();
/// let analysis = analyzer.analyze("List the planets as a JSON array.");
/// assert!(analysis.needs().contains(Need::Json));
/// ```
#[derive(Debug)]
pub struct Analyzer {
    patterns: RwLock<PatternSet>,
    model: Model,
}

/// Sets up an [`Analyzer`].
#[derive(Debug, Default)]
pub struct AnalyzerBuilder {
    patterns: Option<PatternSet>,
    model: Option<Model>,
}

impl AnalyzerBuilder {
    /// The hand-written signals; defaults to [`PatternSet::builtin`].
    #[must_use]
    pub fn patterns(mut self, patterns: PatternSet) -> Self {
        self.patterns = Some(patterns);
        self
    }

    /// The learned layer; defaults to [`Model::builtin`].
    #[must_use]
    pub fn model(mut self, model: Model) -> Self {
        self.model = Some(model);
        self
    }

    /// The analyzer.
    #[must_use]
    pub fn build(self) -> Analyzer {
        Analyzer {
            patterns: RwLock::new(self.patterns.unwrap_or_else(PatternSet::builtin)),
            model: self.model.unwrap_or_else(Model::builtin),
        }
    }
}

impl Default for Analyzer {
    fn default() -> Self {
        Self::new()
    }
}

impl Analyzer {
    /// An analyzer with the built-in signals and everything at its default.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up an analyzer.
    #[must_use]
    pub fn builder() -> AnalyzerBuilder {
        AnalyzerBuilder::default()
    }

    /// What the input asks for and needs. Never fails: any text has an answer, of whatever length.
    #[must_use]
    pub fn analyze<'a>(&self, input: impl Into<Input<'a>>) -> Arc<TaskAnalysis> {
        Arc::new(self.analyze_uncached(&input.into()))
    }

    /// Replaces the signals; analyses under way finish with the old ones.
    pub fn replace_patterns(&self, patterns: PatternSet) {
        *self
            .patterns
            .write()
            .unwrap_or_else(PoisonError::into_inner) = patterns;
    }

    /// What the learned layer says about itself; nothing without one.
    #[must_use]
    pub fn model_card(&self) -> Option<&ModelCard> {
        self.model.card()
    }

    fn analyze_uncached(&self, input: &Input<'_>) -> TaskAnalysis {
        let patterns = self
            .patterns
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let set = patterns.compiled();
        let read = engine::read(set, input, Votes::new(&self.model));
        conclude(read, input, set, &self.model.fusion)
    }
}
