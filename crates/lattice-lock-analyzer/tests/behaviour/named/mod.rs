//! Each prompt here was written by hand for the behaviour that its name states.

mod architecture;
mod code;
mod creative;
mod data;
mod debugging;
mod documentation;
mod general;
mod reasoning;
mod security;
mod testing;
mod translation;
mod vision;

use std::sync::LazyLock;

use lattice_lock_analyzer::{Analyzer, TaskType};

static ANALYZER: LazyLock<Analyzer> = LazyLock::new(Analyzer::new);

pub(crate) fn check(prompt: &str, task: TaskType) {
    let analysis = ANALYZER.analyze(prompt);
    assert_eq!(analysis.primary(), task, "{prompt}\n{}", analysis.explain());
}

const ALL: [&[&str]; TaskType::ALL.len()] = [
    code::PROMPTS,
    debugging::PROMPTS,
    architecture::PROMPTS,
    documentation::PROMPTS,
    testing::PROMPTS,
    data::PROMPTS,
    general::PROMPTS,
    reasoning::PROMPTS,
    vision::PROMPTS,
    security::PROMPTS,
    creative::PROMPTS,
    translation::PROMPTS,
];

#[test]
fn every_task_type_has_at_least_25_behaviours() {
    for (task, prompts) in TaskType::ALL.into_iter().zip(ALL) {
        assert!(prompts.len() >= 25, "{task}: {}", prompts.len());
    }
}

#[test]
fn no_behaviour_was_trained_on() {
    let trained: Vec<serde_json::Value> = include_str!("../../../data/prompts.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for prompt in ALL.iter().copied().flatten() {
        let is_trained = |line: &serde_json::Value| {
            line["prompt"]
                .as_str()
                .is_some_and(|seen| seen.eq_ignore_ascii_case(prompt))
        };
        assert!(!trained.iter().any(is_trained), "{prompt}");
    }
}
