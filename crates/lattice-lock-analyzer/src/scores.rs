use std::fmt;

use serde::{Serialize, Serializer};

use crate::TaskType;
use crate::task::TASKS;

/// How likely each task type is; the scores add up to 1.
#[derive(Clone, Copy, PartialEq, Default)]
pub struct Scores([f32; TASKS]);

impl Scores {
    /// Scores that add up to 1, in the order of [`TaskType::ALL`].
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a score needs no more digits"
    )]
    pub(crate) fn new(scores: [f64; TASKS]) -> Self {
        Self(scores.map(|score| score as f32))
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

    /// The same scores, of which `share` goes to one task type.
    pub(crate) fn shifted(&self, task: TaskType, share: f32) -> Self {
        let mut scores = self.0.map(|score| score * (1.0 - share));
        scores[task.index()] += share;
        Self(scores)
    }

    /// The task types, the likeliest first; equal scores keep the order of [`TaskType::ALL`].
    pub(crate) fn ranked(&self) -> [TaskType; TASKS] {
        let mut ranked = TaskType::ALL;
        ranked.sort_by(|a, b| self.of(*b).total_cmp(&self.of(*a)));
        ranked
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
    fn scores_are_ranked_with_the_highest_first() {
        let mut scores = [0.0; TASKS];
        scores[TaskType::Vision.index()] = 0.7;
        scores[TaskType::Testing.index()] = 0.3;
        let scores = Scores::new(scores);
        assert_eq!(
            scores.ranked()[..3],
            [
                TaskType::Vision,
                TaskType::Testing,
                TaskType::CodeGeneration
            ]
        );
    }
}
