use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::patterns::Compiled;
use crate::scan::{Hit, Hits};
use crate::task::TASKS;
use crate::{
    Complexity, ComplexityReason, Explanation, Features, Need, Priority, Scores, Set, TaskType,
    TokenEstimate,
};

/// The most secondary task types.
const MOST_SECONDARY: usize = 3;

/// What a prompt asks for and what it needs.
///
/// Serialised as `{primary, secondary, scores, confidence, features, needs, priority, complexity, tokens,
/// min_context_window}`.
#[derive(Clone, Debug)]
pub struct TaskAnalysis {
    pub(crate) scores: Scores,
    pub(crate) ranked: [TaskType; MOST_SECONDARY + 1],
    pub(crate) secondary: u8,
    pub(crate) features: Features,
    pub(crate) needs: Set<Need>,
    pub(crate) priority: Priority,
    pub(crate) complexity: Complexity,
    pub(crate) reasons: Set<ComplexityReason>,
    pub(crate) tokens: TokenEstimate,
    pub(crate) min_context_window: u64,
    pub(crate) evidence: Evidence,
}

/// What the conclusions were drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) set: Arc<Compiled>,
    pub(crate) hits: Hits,
    /// What one point of the pattern file counts in the end.
    pub(crate) scale: f32,
    /// The learned layer's votes, in points that count in the end.
    pub(crate) learned: [f32; TASKS],
    /// The points before anything was read.
    pub(crate) start: [f32; TASKS],
    /// The second opinion, if one was asked and answered.
    pub(crate) opinion: Option<TaskType>,
}

impl Evidence {
    pub(crate) fn hits(&self) -> &[Hit] {
        self.hits.all()
    }
}

impl TaskAnalysis {
    /// The task type with the highest score.
    #[must_use]
    pub fn primary(&self) -> TaskType {
        self.ranked[0]
    }

    /// Up to three other task types that the prompt may also ask for, the likeliest first.
    #[must_use]
    pub fn secondary(&self) -> &[TaskType] {
        &self.ranked[1..=usize::from(self.secondary)]
    }

    /// How likely each task type is.
    #[must_use]
    pub fn scores(&self) -> &Scores {
        &self.scores
    }

    /// How likely the primary task type is right, from 0 to 1. It is calibrated: of many analyses with a
    /// confidence of 0.7, about 70 % are right.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.scores.of(self.primary())
    }

    /// What the prompt is made of.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// What the answering model must be able to do.
    #[must_use]
    pub fn needs(&self) -> Set<Need> {
        self.needs
    }

    /// What matters most, as the caller or the prompt said.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// How much work an answer is.
    #[must_use]
    pub fn complexity(&self) -> Complexity {
        self.complexity
    }

    /// Why it is as complex.
    #[must_use]
    pub fn complexity_reasons(&self) -> Set<ComplexityReason> {
        self.reasons
    }

    /// How many tokens the whole input has.
    #[must_use]
    pub fn tokens(&self) -> TokenEstimate {
        self.tokens
    }

    /// The smallest usual context window, in tokens, that holds the input (its upper estimate) and a usual answer.
    #[must_use]
    pub fn min_context_window(&self) -> u64 {
        self.min_context_window
    }

    /// Which signals spoke, for what, and with which weight.
    #[must_use]
    pub fn explain(&self) -> Explanation<'_> {
        Explanation::new(self)
    }

    /// The same analysis with a second opinion that has this share of the score.
    pub(crate) fn with_opinion(&self, task: TaskType, share: f32) -> Self {
        let scores = self.scores.shifted(task, share);
        let (ranked, secondary) = Self::rank(&scores);
        let evidence = Evidence {
            opinion: Some(task),
            ..self.evidence.clone()
        };
        Self {
            scores,
            ranked,
            secondary,
            evidence,
            ..self.clone()
        }
    }

    /// Puts the task types in order, once the scores are known.
    pub(crate) fn rank(scores: &Scores) -> ([TaskType; MOST_SECONDARY + 1], u8) {
        let ranked = scores.ranked();
        let first = scores.of(ranked[0]);
        let is_likely = |task: &&TaskType| scores.of(**task) >= 0.08_f32.max(first / 6.0);
        let secondary = ranked[1..=MOST_SECONDARY]
            .iter()
            .take_while(is_likely)
            .count();
        let mut top = [ranked[0]; MOST_SECONDARY + 1];
        top.copy_from_slice(&ranked[..=MOST_SECONDARY]);
        (top, u8::try_from(secondary).unwrap_or(0))
    }
}

#[derive(Serialize)]
struct ComplexityReport {
    level: Complexity,
    reasons: Set<ComplexityReason>,
}

impl Serialize for TaskAnalysis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("TaskAnalysis", 10)?;
        map.serialize_field("primary", &self.primary())?;
        map.serialize_field("secondary", self.secondary())?;
        map.serialize_field("scores", &self.scores)?;
        map.serialize_field("confidence", &self.confidence())?;
        map.serialize_field("features", &self.features)?;
        map.serialize_field("needs", &self.needs)?;
        map.serialize_field("priority", &self.priority)?;
        let complexity = ComplexityReport {
            level: self.complexity,
            reasons: self.reasons,
        };
        map.serialize_field("complexity", &complexity)?;
        map.serialize_field("tokens", &self.tokens)?;
        map.serialize_field("min_context_window", &self.min_context_window)?;
        map.end()
    }
}
