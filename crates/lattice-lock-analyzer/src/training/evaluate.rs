use std::collections::BTreeSet;

use lattice_lock_errors::Error;

use super::descent::Random;
use super::extract::{Seen, extract};
use super::report::{Answer, Report};
use super::train::{Trained, probabilities};
use super::{Sample, Settings};
use crate::PatternSet;
use crate::codes::TRAINING_DATA;
use crate::task::TASKS;

/// How the samples are divided: each part is answered by a model that was trained on the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Folds {
    /// So many parts at random, at least two.
    Plain(u32),
    /// One part per family of sources: how well the model does on what it has not seen the like of.
    Families,
}

/// Trains once per fold and answers every sample by a model that has not seen it.
///
/// # Errors
///
/// [`TRAINING_DATA`] if there are fewer than two folds or a fold leaves nothing to train on.
pub fn cross_validate(
    samples: &[Sample],
    patterns: &PatternSet,
    settings: &Settings,
    folds: Folds,
) -> Result<Report, Error> {
    let seen = extract(samples, patterns.compiled());
    let parts = parts(&seen, settings.seed, folds);
    let count = parts.iter().collect::<BTreeSet<_>>().len();
    if count < 2 {
        return Err(Error::new(TRAINING_DATA, "fewer than two folds").with("folds", count));
    }
    let mut logits = vec![[0.0; TASKS]; seen.len()];
    for part in parts.iter().copied().collect::<BTreeSet<_>>() {
        let rest: Vec<&Seen> = others(&seen, &parts, part).collect();
        let trained = Trained::new(&rest, settings);
        for (at, sample) in seen.iter().enumerate().filter(|(at, _)| parts[*at] == part) {
            logits[at] = trained.logits(sample);
        }
    }
    Ok(judge(samples, &seen, &parts, &logits))
}

fn others<'s>(seen: &'s [Seen], parts: &'s [usize], part: usize) -> impl Iterator<Item = &'s Seen> {
    seen.iter()
        .zip(parts)
        .filter(move |(_, of)| **of != part)
        .map(|(sample, _)| sample)
}

fn parts(seen: &[Seen], start: u64, folds: Folds) -> Vec<usize> {
    match folds {
        Folds::Families => seen.iter().map(|sample| sample.family).collect(),
        Folds::Plain(count) => {
            let count = count.max(2) as usize;
            let mut parts: Vec<usize> = (0..seen.len()).map(|at| at % count).collect();
            Random(start ^ 0xF01D_F01D_F01D_F01D).shuffle(&mut parts);
            parts
        }
    }
}

/// Every sample's confidence is sharpened as the other folds' answers ask for, so the calibration is not flattered.
fn judge(samples: &[Sample], seen: &[Seen], parts: &[usize], logits: &[[f64; TASKS]]) -> Report {
    let mut answers = Vec::with_capacity(seen.len());
    for part in parts.iter().copied().collect::<BTreeSet<_>>() {
        let sharpness = sharpen(seen, logits, |at| parts[at] != part);
        for at in (0..seen.len()).filter(|at| parts[*at] == part) {
            let scores = probabilities(&logits[at], sharpness);
            answers.push(Answer::new(&seen[at], samples[at].family(), &scores));
        }
    }
    Report::new(&answers, sharpen(seen, logits, |_| true))
}

/// The factor that makes the answers' scores most likely (least squares over the right and wrong ones).
fn sharpen(seen: &[Seen], logits: &[[f64; TASKS]], counts: impl Fn(usize) -> bool) -> f64 {
    let loss = |sharpness: f64| -> f64 {
        let of = |at: usize| {
            let scores = probabilities(&logits[at], sharpness);
            (0..TASKS)
                .map(|task| {
                    let truth = f64::from(u8::from(task == seen[at].task));
                    (scores[task] - truth) * (scores[task] - truth)
                })
                .sum::<f64>()
        };
        (0..seen.len()).filter(|at| counts(*at)).map(of).sum()
    };
    let candidates = (4..=60).map(|twentieths| f64::from(twentieths) / 20.0);
    let best = candidates
        .map(|sharpness| (loss(sharpness), sharpness))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(1.0, |(_, sharpness)| sharpness)
}
