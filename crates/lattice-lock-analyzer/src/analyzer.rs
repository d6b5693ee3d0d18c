use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::cache::{Cache, CacheStats};
use crate::conclude::conclude;
use crate::engine;
use crate::keyed::Key;
use crate::learned::Votes;
use crate::patterns::PatternSet;
use crate::{Input, Model, ModelCard, TaskAnalysis};

/// Reads prompts. All methods take `&self`; share it in an `Arc`.
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
    /// Raised with every change of the patterns: what was cached before is not found any more.
    generation: AtomicU64,
    model: Model,
    cache: Cache,
    key: Key,
    ask_below: f32,
}

/// Sets up an [`Analyzer`].
#[derive(Clone, Debug)]
pub struct AnalyzerBuilder {
    patterns: Option<PatternSet>,
    model: Option<Model>,
    cache_size: usize,
    ask_below: f32,
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

    /// How many analyses are kept, about 1 KiB each; defaults to 1024, 0 turns the cache off.
    #[must_use]
    pub fn cache_size(mut self, entries: usize) -> Self {
        self.cache_size = entries;
        self
    }

    /// The confidence below which [`Analyzer::consult`] asks for a second opinion; defaults to 0.5.
    #[must_use]
    pub fn ask_below(mut self, confidence: f32) -> Self {
        self.ask_below = confidence;
        self
    }

    /// The analyzer.
    #[must_use]
    pub fn build(self) -> Analyzer {
        Analyzer {
            patterns: RwLock::new(self.patterns.unwrap_or_else(PatternSet::builtin)),
            generation: AtomicU64::new(0),
            model: self.model.unwrap_or_else(Model::builtin),
            cache: Cache::new(self.cache_size),
            key: Key::random(),
            ask_below: self.ask_below,
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
        AnalyzerBuilder {
            patterns: None,
            model: None,
            cache_size: 1024,
            ask_below: 0.5,
        }
    }

    /// What the input asks for and needs. Never fails: any text has an answer, of whatever length.
    ///
    /// The same input gives the same shared result while it is cached.
    #[must_use]
    pub fn analyze<'a>(&self, input: impl Into<Input<'a>>) -> Arc<TaskAnalysis> {
        let input = input.into();
        if self.cache.is_off() {
            return Arc::new(self.read(&input, &self.patterns()));
        }
        let generation = self.generation.load(Ordering::Acquire);
        let key = self.key.of(&input, generation);
        if let Some(analysis) = self.cache.get(key) {
            return analysis;
        }
        // The patterns are at least as new as the generation; if they are newer, the key is not asked for again.
        let analysis = Arc::new(self.read(&input, &self.patterns()));
        self.cache.put(key, &analysis);
        analysis
    }

    /// Replaces the signals. Analyses under way finish with the old ones; cached ones are forgotten.
    pub fn replace_patterns(&self, patterns: PatternSet) {
        *self
            .patterns
            .write()
            .unwrap_or_else(PoisonError::into_inner) = patterns;
        self.generation.fetch_add(1, Ordering::Release);
        self.cache.reset();
    }

    /// The signals in use. Cheap to clone.
    #[must_use]
    pub fn patterns(&self) -> PatternSet {
        self.patterns
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the learned layer says about itself; nothing without one.
    #[must_use]
    pub fn model_card(&self) -> Option<&ModelCard> {
        self.model.card()
    }

    /// How the cache is doing.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// Forgets all cached analyses and the statistics.
    pub fn reset_cache(&self) {
        self.cache.reset();
    }

    pub(crate) fn ask_below(&self) -> f32 {
        self.ask_below
    }

    fn read(&self, input: &Input<'_>, patterns: &PatternSet) -> TaskAnalysis {
        let set = patterns.compiled();
        conclude(
            engine::read(set, input, Votes::new(&self.model)),
            input,
            set,
            &self.model.fusion,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskType;

    #[test]
    fn replaced_patterns_are_used_at_once_and_for_what_was_cached() {
        let analyzer = Analyzer::builder().model(Model::none()).build();
        assert_ne!(
            analyzer.analyze("frobnicate it").primary(),
            TaskType::Vision
        );
        let text = "lattice-lock patterns 1\n[mine] vision+80\nfrobnicate\n";
        analyzer.replace_patterns(PatternSet::parse(text).unwrap());
        assert_eq!(
            analyzer.analyze("frobnicate it").primary(),
            TaskType::Vision
        );
    }

    #[test]
    fn a_malformed_file_leaves_the_old_set_in_place() {
        let analyzer = Analyzer::new();
        let before = analyzer.patterns().signals().count();
        let error = analyzer
            .patterns()
            .extended("lattice-lock patterns 1\n[a] nonsense+1\n")
            .unwrap_err();
        assert_eq!(error.code(), crate::codes::PATTERNS_INVALID);
        assert_eq!(analyzer.patterns().signals().count(), before);
        assert_eq!(
            analyzer.analyze("translate this into German").primary(),
            TaskType::Translation
        );
    }

    #[test]
    fn without_a_learned_layer_the_rules_decide() {
        let analyzer = Analyzer::builder().model(Model::none()).build();
        assert_eq!(
            analyzer.analyze("write unit tests for this").primary(),
            TaskType::Testing
        );
        assert!(analyzer.model_card().is_none());
    }
}
