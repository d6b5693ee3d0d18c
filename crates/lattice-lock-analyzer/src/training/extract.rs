//! What the analyzer sees in a sample: the rules' points and the features of the learned layer.

use std::collections::{BTreeMap, BTreeSet};

use super::Sample;
use crate::Input;
use crate::engine;
use crate::learned::norm;
use crate::patterns::Compiled;
use crate::scan::Learner;
use crate::task::TASKS;

/// A sample as the training sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) task: usize,
    pub(crate) family: usize,
    pub(crate) bytes: usize,
    /// The rules' points, in tens.
    pub(crate) rules: [f64; TASKS],
    /// The different features, in ascending order.
    pub(crate) features: Vec<u64>,
    /// What the votes are divided by.
    pub(crate) norm: f64,
}

struct Recorder(Vec<u64>);

impl Learner for Recorder {
    fn feature(&mut self, feature: u64) {
        self.0.push(feature);
    }

    fn was_context(&mut self) {
        self.0.clear();
    }
}

/// Looks at every sample; families are numbered in alphabetical order.
pub(crate) fn extract(samples: &[Sample], set: &Compiled) -> Vec<Seen> {
    let names: BTreeSet<&str> = samples.iter().map(Sample::family).collect();
    let families: BTreeMap<&str, usize> = names.into_iter().zip(0..).collect();
    samples
        .iter()
        .map(|sample| see(sample, families[sample.family()], set))
        .collect()
}

fn see(sample: &Sample, family: usize, set: &Compiled) -> Seen {
    let read = engine::read(set, &Input::prompt(sample.prompt()), Recorder(Vec::new()));
    let mut features = read.scan.learner.0;
    let norm = f64::from(norm(u32::try_from(features.len()).unwrap_or(u32::MAX)));
    features.sort_unstable();
    features.dedup();
    Seen {
        task: sample.task().index(),
        family,
        bytes: sample.prompt().len(),
        rules: read
            .points
            .map(|points| f64::from(points) / f64::from(engine::TEN_POINTS)),
        features,
        norm,
    }
}
