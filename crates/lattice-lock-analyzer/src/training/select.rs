//! Which feature gets which row: where several want the same, the one that says most about the task type.

use std::collections::BTreeMap;

use super::extract::Seen;
use crate::learned::row_and_tag;
use crate::task::TASKS;

/// The rows of a model before they have weights.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The feature of every row; nothing for a row that no feature won.
    pub(crate) owners: Vec<Option<u64>>,
}

/// A feature must occur in so many samples.
const RAREST: u32 = 2;

impl Rows {
    /// Gives the rows to the features of these samples.
    pub(crate) fn select(samples: &[&Seen], rows: u32) -> Self {
        let mut counts: BTreeMap<u64, [u32; TASKS]> = BTreeMap::new();
        let mut tasks = [0_u32; TASKS];
        for sample in samples {
            tasks[sample.task] += 1;
            for feature in &sample.features {
                counts.entry(*feature).or_insert([0; TASKS])[sample.task] += 1;
            }
        }
        let mut best = vec![(0.0_f64, None); rows as usize];
        for (feature, count) in counts {
            let total: u32 = count.iter().sum();
            if total < RAREST {
                continue;
            }
            let score = surprise(&count, total, &tasks);
            let (row, _) = row_and_tag(feature, u64::from(rows));
            if score > best[row].0 {
                best[row] = (score, Some(feature));
            }
        }
        Self {
            owners: best.into_iter().map(|(_, owner)| owner).collect(),
        }
    }

    /// The rows that a sample's features own.
    pub(crate) fn of(&self, sample: &Seen) -> Vec<usize> {
        let count = self.owners.len() as u64;
        sample
            .features
            .iter()
            .filter_map(|feature| {
                let (row, tag) = row_and_tag(*feature, count);
                let owner = self.owners[row]?;
                (row_and_tag(owner, count).1 == tag).then_some(row)
            })
            .collect()
    }
}

/// How far the feature's task types are from those of all samples (chi squared).
fn surprise(count: &[u32; TASKS], total: u32, tasks: &[u32; TASKS]) -> f64 {
    let all: u32 = tasks.iter().sum();
    (0..TASKS)
        .filter(|task| tasks[*task] > 0)
        .map(|task| {
            let expected = f64::from(total) * f64::from(tasks[task]) / f64::from(all);
            let difference = f64::from(count[task]) - expected;
            difference * difference / expected
        })
        .sum()
}
