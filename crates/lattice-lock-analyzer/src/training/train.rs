use lattice_lock_errors::Error;

use super::descent::{Weights, descend};
use super::extract::{Seen, extract};
use super::select::Rows;
use super::{Report, Sample, Settings};
use crate::codes::TRAINING_DATA;
use crate::learned::{FNV, Fusion, MOST_ROWS, encode, fnv, row_and_tag};
use crate::math::softmax;
use crate::task::TASKS;
use crate::{Model, ModelCard, PatternSet, TaskType};

/// What was measured and goes into the model file.
#[derive(Clone, Debug)]
pub struct Figures<'r> {
    /// Plain cross-validation; its sharpness is used for the model.
    pub plain: &'r Report,
    /// Cross-validation with whole families left out.
    pub families: &'r Report,
}

/// Trains a model whose figures are unknown.
///
/// # Errors
///
/// [`TRAINING_DATA`] if a task type has fewer than two samples.
pub fn train(
    samples: &[Sample],
    patterns: &PatternSet,
    settings: &Settings,
) -> Result<Model, Error> {
    finish(samples, patterns, settings, None)
}

/// Trains a model and writes its figures into it.
///
/// # Errors
///
/// [`TRAINING_DATA`] if a task type has fewer than two samples.
pub fn train_with_figures(
    samples: &[Sample],
    patterns: &PatternSet,
    settings: &Settings,
    figures: &Figures<'_>,
) -> Result<Model, Error> {
    finish(samples, patterns, settings, Some(figures))
}

fn finish(
    samples: &[Sample],
    patterns: &PatternSet,
    settings: &Settings,
    figures: Option<&Figures<'_>>,
) -> Result<Model, Error> {
    check(samples)?;
    let seen = extract(samples, patterns.compiled());
    let all: Vec<&Seen> = seen.iter().collect();
    let mut trained = Trained::new(&all, settings);
    let measure = |pick: fn(&Figures<'_>) -> f64| figures.map_or(0.0, pick);
    trained.sharpness = figures.map_or(1.0, |figures| figures.plain.sharpness());
    let card = ModelCard {
        version: 0,
        seed: settings.seed,
        data_hash: data_hash(samples),
        samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        rows: MOST_ROWS,
        plain_accuracy: narrow(measure(|f| f.plain.accuracy())),
        plain_macro_f1: narrow(measure(|f| f.plain.macro_f1())),
        plain_calibration_error: narrow(measure(|f| f.plain.calibration_error())),
        family_accuracy: narrow(measure(|f| f.families.accuracy())),
        family_macro_f1: narrow(measure(|f| f.families.macro_f1())),
    };
    Model::from_bytes(encode(&card, &trained.fusion(), &trained.bytes()))
}

fn check(samples: &[Sample]) -> Result<(), Error> {
    for task in TaskType::ALL {
        if samples
            .iter()
            .filter(|sample| sample.task() == task)
            .count()
            < 2
        {
            return Err(Error::new(TRAINING_DATA, "too few samples").with("task", task));
        }
    }
    Ok(())
}

/// A hash of the samples, in order.
#[must_use]
pub fn data_hash(samples: &[Sample]) -> u64 {
    samples.iter().fold(FNV, |hash, sample| {
        let hash = fnv(hash, sample.prompt().as_bytes());
        let hash = fnv(hash, sample.task().as_str().as_bytes());
        fnv(hash, sample.family().as_bytes())
    })
}

/// A model that can be asked about samples that were looked at already.
#[derive(Clone, Debug)]
pub(crate) struct Trained {
    rows: Rows,
    weights: Vec<[i8; TASKS]>,
    unit: f64,
    bias: [f64; TASKS],
    rules: f64,
    pub(crate) sharpness: f64,
}

impl Trained {
    pub(crate) fn new(samples: &[&Seen], settings: &Settings) -> Self {
        let rows = Rows::select(samples, MOST_ROWS);
        let weights = descend(samples, &rows, settings);
        let unit = unit(&weights);
        Self {
            rows,
            weights: weights
                .rows
                .iter()
                .map(|row| row.map(|weight| round(weight / unit)))
                .collect(),
            unit,
            bias: weights.bias,
            rules: settings.rules,
            sharpness: 1.0,
        }
    }

    /// The log-odds of a sample, before they are sharpened.
    pub(crate) fn logits(&self, sample: &Seen) -> [f64; TASKS] {
        let mut sums = [0_i32; TASKS];
        for row in self.rows.of(sample) {
            for (sum, weight) in sums.iter_mut().zip(self.weights[row]) {
                *sum += i32::from(weight);
            }
        }
        std::array::from_fn(|task| {
            self.bias[task]
                + self.rules * sample.rules[task]
                + self.unit * f64::from(sums[task]) / sample.norm
        })
    }

    fn fusion(&self) -> Fusion {
        Fusion {
            rules: narrow(self.rules),
            unit: narrow(self.unit),
            sharpness: narrow(self.sharpness),
            bias: self.bias.map(narrow),
        }
    }

    /// The rows as the model file has them: all tags, then all weights.
    fn bytes(&self) -> Vec<u8> {
        let count = self.rows.owners.len() as u64;
        let tag = |owner: &Option<u64>| owner.map_or(0, |feature| row_and_tag(feature, count).1);
        let tags = self.rows.owners.iter().map(tag);
        let weights = self
            .weights
            .iter()
            .flatten()
            .map(|weight| weight.cast_unsigned());
        tags.chain(weights).collect()
    }
}

/// The weight that becomes 1: nearly all weights fit into an int8 then, the largest are cut.
fn unit(weights: &Weights) -> f64 {
    let mut sizes: Vec<f64> = weights
        .rows
        .iter()
        .flatten()
        .map(|weight| weight.abs())
        .filter(|w| *w > 0.0)
        .collect();
    sizes.sort_by(f64::total_cmp);
    let largest = sizes
        .get(sizes.len() - sizes.len() / 2000 - 1)
        .copied()
        .unwrap_or(1.0);
    largest / 127.0
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to the range of an int8 before"
)]
fn round(value: f64) -> i8 {
    value.round().clamp(-127.0, 127.0) as i8
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an f32 is exact enough here, and rounding is the same everywhere"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// The probabilities for log-odds.
pub(crate) fn probabilities(logits: &[f64; TASKS], sharpness: f64) -> [f64; TASKS] {
    softmax(&logits.map(|logit| logit * sharpness))
}
