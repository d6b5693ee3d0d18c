//! The training is reproducible: the same prompts, patterns and settings give the same bytes.

use lattice_lock_analyzer::training::{Folds, Sample, Settings, cross_validate, train};
use lattice_lock_analyzer::{Model, PatternSet};

/// The fingerprint of the model that the project's own prompts make, on every machine. A change of the patterns, the
/// prompts or the training changes it; the shipped weights are then made anew, as `docs/analyzer.md` says.
const OWN: u64 = 0xb238_2c89_768a_d6d0;

fn own_prompts() -> Vec<Sample> {
    let sample = |line: &str| {
        let object: serde_json::Value = serde_json::from_str(line).expect("a line is an object");
        let text = |key: &str| object[key].as_str().expect("a field is a text").to_owned();
        let task = text("expected_primary").parse().expect("a task type");
        Sample::new(text("prompt"), task, text("source"))
    };
    include_str!("../data/prompts.jsonl")
        .lines()
        .map(sample)
        .collect()
}

#[test]
fn the_projects_own_prompts_always_make_the_same_model() {
    let model = train(&own_prompts(), &PatternSet::builtin(), &Settings::default())
        .expect("there are prompts for each task type");
    assert_eq!(model.fingerprint(), OWN, "{:016x}", model.fingerprint());
}

#[test]
fn half_of_the_own_prompts_teach_the_other_half() {
    let report = cross_validate(
        &own_prompts(),
        &PatternSet::builtin(),
        &Settings::default(),
        Folds::Plain(2),
    )
    .expect("there are two folds");
    assert!(report.accuracy() >= 0.75, "{report}");
    assert!(report.macro_f1() >= 0.75, "{report}");
    assert!(report.calibration_error() <= 0.08, "{report}");
}

#[cfg(feature = "learned")]
#[test]
fn the_shipped_model_says_what_it_is() {
    let model = Model::builtin();
    let card = model.card().expect("the model is in the binary");
    assert!(model.as_bytes().len() <= 256 << 10);
    assert!(card.samples as usize >= own_prompts().len());
    assert!(
        card.plain_accuracy >= 0.82 && card.family_accuracy >= 0.55,
        "{card:?}"
    );
    assert!(
        card.plain_macro_f1 >= 0.82 && card.family_macro_f1 >= 0.55,
        "{card:?}"
    );
    assert!(card.plain_calibration_error <= 0.08, "{card:?}");
}

#[test]
fn another_seed_makes_another_model() {
    let samples: Vec<Sample> = own_prompts().into_iter().step_by(7).collect();
    let of = |seed| {
        let settings = Settings::default().seed(seed).epochs(1);
        train(&samples, &PatternSet::builtin(), &settings).map(|model| model.fingerprint())
    };
    assert_eq!(of(1).ok(), of(1).ok());
    assert_ne!(of(1).ok(), of(2).ok());
}

#[test]
fn a_model_survives_the_way_through_a_file_and_damage_is_found() {
    let model = Model::builtin();
    if model.as_bytes().is_empty() {
        return;
    }
    let again = Model::from_bytes(model.as_bytes().to_vec()).expect("it is whole");
    assert_eq!(again.fingerprint(), model.fingerprint());
    for at in [0, 4, 9, 20, 200, model.as_bytes().len() - 1] {
        let mut damaged = model.as_bytes().to_vec();
        damaged[at] ^= 1;
        assert!(Model::from_bytes(damaged).is_err(), "byte {at}");
    }
    assert!(Model::from_bytes(model.as_bytes()[..500].to_vec()).is_err());
}
