use std::cmp::Ordering;
use std::fmt;

use jiff::civil::Date;
use lattice_lock_analyzer::{Complexity, Need, Priority, TaskAnalysis, TaskType};
use lattice_lock_billing::{Cost, Money, Tariff};
use lattice_lock_providers::{
    Availability, Bucket, Capabilities, Capability, Model, ModelRef, Registry, TokenUsage,
};
use lattice_lock_repository::Timestamp;
use serde::Serialize;

/// How long a reply is taken to be when costs are compared, in tokens. It does not limit anything.
const ASSUMED_OUTPUT: u64 = 512;

/// Why a model stands where it stands among the candidates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The caller named it.
    Named,
    /// It reasons, and the task asks for that.
    Reasons,
    /// The task is plain, and it does not spend tokens on reasoning.
    Direct,
    /// What the call is expected to cost.
    EstimatedCost(Money),
    /// No price is known, so that it stands behind those with one.
    PriceUnknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named => f.write_str("named by the caller"),
            Self::Reasons => f.write_str("reasons, as the task asks"),
            Self::Direct => f.write_str("answers without reasoning"),
            Self::EstimatedCost(cost) => write!(f, "about {cost:#}"),
            Self::PriceUnknown => f.write_str("price unknown"),
        }
    }
}

/// Why a model is no candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rejection {
    /// Its provider lacks something that a call needs, such as a key.
    Unconfigured,
    /// Its provider asked to be left alone for a while.
    Cooling,
    /// Its provider no longer serves it.
    Retired,
    /// The prompt does not fit its context window.
    TooSmall,
    /// It lacks what the prompt needs.
    Lacks(Capabilities),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unconfigured => f.write_str("its provider is not configured"),
            Self::Cooling => f.write_str("its provider asked for a pause"),
            Self::Retired => f.write_str("its provider no longer serves it"),
            Self::TooSmall => f.write_str("the prompt does not fit its context window"),
            Self::Lacks(missing) => write!(f, "it lacks {missing:?}"),
        }
    }
}

/// A model that may answer, with what speaks for and against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Which model.
    pub model: ModelRef,
    /// Why it stands here.
    pub reasons: Vec<Reason>,
}

/// The models that may answer a prompt, the best first, and those that may not.
///
/// No public figures for quality are in the catalogue yet, so that price and what a model can do decide:
/// tasks that ask for thought prefer models that reason, others those that do not, and among equals the
/// cheaper comes first (the dearer, when the prompt asks for quality).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Selection {
    /// Who may answer, the best first.
    pub candidates: Vec<Candidate>,
    /// Who may not, and why, in the catalogue's order.
    pub rejected: Vec<(ModelRef, Rejection)>,
}

impl Selection {
    /// The one model that the caller named, whatever is known of it.
    #[must_use]
    pub fn named(model: ModelRef) -> Self {
        Self {
            candidates: vec![Candidate {
                model,
                reasons: vec![Reason::Named],
            }],
            rejected: Vec::new(),
        }
    }

    /// Everyone in the catalogue who may be chosen unasked, held against what the prompt needs, at a moment.
    #[must_use]
    pub fn of(registry: &Registry, analysis: &TaskAnalysis, now: Timestamp) -> Self {
        let needed = Needed::of(analysis);
        let day = day_of(now);
        let mut selection = Self::default();
        let mut ranked = Vec::new();
        let catalogue = registry.catalogue();
        let offered = catalogue
            .models()
            .iter()
            .filter(|model| !model.is_named_only());
        for model in offered {
            match needed.rejection(registry, model, now, day) {
                Some(why) => selection.rejected.push((model.reference().clone(), why)),
                None => ranked.push(needed.rank(model, day)),
            }
        }
        ranked.sort_by(|left, right| needed.compare(left, right));
        selection.candidates = ranked.into_iter().map(|ranked| ranked.candidate).collect();
        selection
    }
}

/// The day (UTC) of a moment; the first that there is for one before it.
pub(crate) fn day_of(now: Timestamp) -> Date {
    jiff::Timestamp::from_microsecond(now.as_micros())
        .unwrap_or(jiff::Timestamp::MIN)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
}

/// What a prompt asks of a model.
struct Needed {
    window: u64,
    capabilities: Capabilities,
    thought: bool,
    dearest_first: bool,
    input: u64,
}

struct Ranked {
    candidate: Candidate,
    suits: bool,
    cost: Option<Money>,
}

impl Needed {
    fn of(analysis: &TaskAnalysis) -> Self {
        let vision = analysis.needs().contains(Need::Vision);
        let hard = matches!(
            analysis.primary(),
            TaskType::Reasoning | TaskType::ArchitecturalDesign | TaskType::SecurityAudit
        );
        Self {
            window: analysis.min_context_window(),
            capabilities: vision.then_some(Capability::Vision).into_iter().collect(),
            thought: hard || analysis.complexity() == Complexity::Complex,
            dearest_first: analysis.priority() == Priority::Quality,
            input: analysis.tokens().expected(),
        }
    }

    fn rejection(
        &self,
        registry: &Registry,
        model: &Model,
        now: Timestamp,
        day: Date,
    ) -> Option<Rejection> {
        match registry.model_availability(model.reference(), now.as_micros()) {
            state if state.permits_call() => {}
            Availability::Cooling { .. } | Availability::Open { .. } => {
                return Some(Rejection::Cooling);
            }
            _ => return Some(Rejection::Unconfigured),
        }
        let missing = model.capabilities().missing(self.capabilities);
        if model.retires().is_some_and(|last| last <= day) {
            Some(Rejection::Retired)
        } else if model
            .context_window()
            .is_none_or(|window| window < self.window)
        {
            Some(Rejection::TooSmall)
        } else if missing.is_empty() {
            None
        } else {
            Some(Rejection::Lacks(missing))
        }
    }

    fn rank(&self, model: &Model, day: Date) -> Ranked {
        let reasons_itself = model.capabilities().contains(Capability::Reasoning);
        let suits = reasons_itself == self.thought;
        let usage = TokenUsage::new().with(Bucket::Input, self.input).with(
            Bucket::Output,
            ASSUMED_OUTPUT.min(model.output_limit().unwrap_or(u64::MAX)),
        );
        let tariff = model.prices().on(day).map(Tariff::from);
        let cost = Cost::of(&usage, tariff.as_ref())
            .ok()
            .and_then(|cost| cost.amount());
        let suitability = match (suits, self.thought) {
            (false, _) => None,
            (true, true) => Some(Reason::Reasons),
            (true, false) => Some(Reason::Direct),
        };
        let price = cost.map_or(Reason::PriceUnknown, Reason::EstimatedCost);
        Ranked {
            candidate: Candidate {
                model: model.reference().clone(),
                reasons: suitability.into_iter().chain([price]).collect(),
            },
            suits,
            cost,
        }
    }

    fn compare(&self, left: &Ranked, right: &Ranked) -> Ordering {
        let cheaper = match (left.cost, right.cost) {
            (Some(left), Some(right)) if self.dearest_first => right.cmp(&left),
            (Some(left), Some(right)) => left.cmp(&right),
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        right
            .suits
            .cmp(&left.suits)
            .then(cheaper)
            .then_with(|| left.candidate.model.cmp(&right.candidate.model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lattice_lock_analyzer::Analyzer;
    use lattice_lock_providers::{Catalogue, FailureClass, Heard, Provider};

    const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

    fn registry() -> Registry {
        let openai = Provider::openai().api_key("k".to_string());
        let catalogue = r#"{"version": "v", "sources": [], "models": [
            {"provider": "openai", "name": "plain", "context_window": 100000, "output_limit": 1000,
             "prices": [{"from": "2020-01-01", "usd_per_million": {"input": "1", "output": "4"}}]},
            {"provider": "openai", "name": "thinker", "context_window": 1000000, "output_limit": 1000,
             "capabilities": ["reasoning", "vision"],
             "prices": [{"from": "2020-01-01", "usd_per_million": {"input": "0.5", "output": "2"}}]},
            {"provider": "openai", "name": "unpriced", "context_window": 100000, "output_limit": 1000, "prices": []},
            {"provider": "openai", "name": "gone", "context_window": 100000, "output_limit": 1000,
             "retires": "2026-01-01", "prices": []},
            {"provider": "anthropic", "name": "keyless", "context_window": 100000, "output_limit": 1000, "prices": []}
        ]}"#;
        Registry::new(
            Catalogue::from_json(catalogue).unwrap(),
            [openai, Provider::anthropic()],
        )
    }

    fn names(selection: &Selection) -> Vec<&str> {
        selection
            .candidates
            .iter()
            .map(|candidate| candidate.model.name().as_str())
            .collect()
    }

    fn rejection(selection: &Selection, name: &str) -> Option<String> {
        let found = selection
            .rejected
            .iter()
            .find(|(model, _)| model.name().as_str() == name);
        found.map(|(_, why)| why.to_string())
    }

    #[test]
    fn a_plain_task_prefers_plain_models_and_a_hard_one_those_that_reason() {
        let analyzer = Analyzer::new();
        let plain = analyzer.analyze("Translate to French: good morning");
        assert_eq!(
            names(&Selection::of(&registry(), &plain, NOW)),
            ["plain", "unpriced", "thinker"]
        );
        let hard = analyzer.analyze("Prove step by step that the square root of two is irrational");
        assert_eq!(hard.primary(), TaskType::Reasoning);
        assert_eq!(names(&Selection::of(&registry(), &hard, NOW))[0], "thinker");
    }

    #[test]
    fn whoever_may_not_answer_is_listed_with_the_reason() {
        let analysis = Analyzer::new().analyze("Hello");
        let selection = Selection::of(&registry(), &analysis, NOW);
        assert_eq!(
            rejection(&selection, "gone").unwrap(),
            "its provider no longer serves it"
        );
        assert_eq!(
            rejection(&selection, "keyless").unwrap(),
            "its provider is not configured"
        );
    }

    #[test]
    fn a_prompt_that_does_not_fit_leaves_the_larger_models() {
        let analysis = Analyzer::new().analyze("word ".repeat(120_000).as_str());
        let selection = Selection::of(&registry(), &analysis, NOW);
        assert_eq!(names(&selection), ["thinker"]);
        assert!(
            rejection(&selection, "plain")
                .unwrap()
                .contains("context window")
        );
    }

    #[test]
    fn a_cooling_model_is_no_candidate() {
        let registry = registry();
        let slow_down = Heard::Failed {
            class: FailureClass::RateLimited,
            retry_after: None,
        };
        registry
            .observe(&"openai/plain".parse().unwrap(), slow_down, NOW.as_micros())
            .unwrap();
        let selection = Selection::of(&registry, &Analyzer::new().analyze("Hello"), NOW);
        assert!(!names(&selection).contains(&"plain"));
        assert_eq!(
            rejection(&selection, "plain").unwrap(),
            "its provider asked for a pause"
        );
    }
}
