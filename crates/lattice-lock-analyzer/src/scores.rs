use std::fmt;

use serde::{Serialize, Serializer};

use crate::TaskType;
use crate::task::TASKS;

/// How likely each task type is; the scores add up to 1.
#[derive(Clone, Copy, PartialEq, Default)]
pub struct Scores([f32; TASKS]);

impl Scores {
    /// The scores for these log-odds, in the order of [`TaskType::ALL`].
    pub(crate) fn softmax(logits: &[f32; TASKS]) -> Self {
        let highest = logits.iter().copied().fold(f32::MIN, f32::max);
        let powers = logits.map(|logit| (logit - highest).exp());
        let sum: f32 = powers.iter().sum();
        Self(powers.map(|power| power / sum))
    }

    /// The score of one task type, from 0 to 1.
    #[must_use]
    pub fn of(&self, task: TaskType) -> f32 {
        self.0[task.index()]
    }

    /// All scores, in the order of [`TaskType::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (TaskType, f32)> {
        TaskType::ALL.into_iter().zip(self.0)
    }

    /// The task types, the likeliest first; equal scores keep the order of [`TaskType::ALL`].
    pub(crate) fn ranked(&self) -> [TaskType; TASKS] {
        let mut ranked = TaskType::ALL;
        ranked.sort_by(|a, b| self.of(*b).total_cmp(&self.of(*a)));
        ranked
    }

    pub(crate) fn values(&self) -> &[f32; TASKS] {
        &self.0
    }
}

impl fmt::Debug for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Scores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(task, score)| (task.as_str(), score)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_add_up_to_one_and_keep_the_order_of_the_logits() {
        let mut logits = [0.0; TASKS];
        logits[TaskType::Vision.index()] = 3.0;
        logits[TaskType::Testing.index()] = 1.0;
        let scores = Scores::softmax(&logits);
        assert!((scores.0.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(scores.ranked()[..2], [TaskType::Vision, TaskType::Testing]);
    }

    #[test]
    fn extreme_logits_do_not_overflow() {
        let mut logits = [-1e30; TASKS];
        logits[3] = 1e30;
        assert!((Scores::softmax(&logits).0[3] - 1.0).abs() < f32::EPSILON);
    }
}
