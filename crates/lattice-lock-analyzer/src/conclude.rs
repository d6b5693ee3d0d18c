//! From what was read to what follows from it.

use std::sync::Arc;

use crate::analysis::Evidence;
use crate::engine::{Read, TEN_POINTS};
use crate::learned::{Fusion, Votes};
use crate::math::softmax;
use crate::patterns::Compiled;
use crate::task::TASKS;
use crate::{
    Complexity, Features, Input, Need, Priority, PromptLanguage, Scores, Set, TaskAnalysis,
    TokenEstimate,
};

/// Draws the conclusions.
pub(crate) fn conclude(
    mut read: Read<'_, Votes<'_>>,
    input: &Input<'_>,
    set: &Arc<Compiled>,
    fusion: &Fusion,
) -> TaskAnalysis {
    let votes = read.scan.learner.total();
    let logits: [f64; TASKS] = std::array::from_fn(|task| {
        let rules = f64::from(read.points[task]) / f64::from(TEN_POINTS) * f64::from(fusion.rules);
        f64::from(fusion.sharpness)
            * (f64::from(fusion.bias[task]) + rules + f64::from(fusion.unit * votes[task]))
    });
    let scores = Scores::new(softmax(&logits));
    let (ranked, secondary) = TaskAnalysis::rank(&scores);
    let scan = &read.scan;
    let mut needs: Set<Need> = input.needs;
    let mut priority = input.priority;
    for hit in scan.tally.hits().iter().filter(|hit| hit.strength > 0) {
        let head = &set.signals[hit.signal as usize].head;
        if let Some(need) = head.need {
            needs.insert(need);
        }
        priority = priority.or(head.priority);
    }
    let tokens = TokenEstimate::of(&scan.counts, read.total);
    TaskAnalysis {
        scores,
        ranked,
        secondary,
        features: Features {
            marks: scan.marks,
            code_blocks: scan.code_blocks,
            code_languages: scan.code_languages,
            trace_language: scan.trace_language,
            language: PromptLanguage::Unknown,
            attachments: read.attachments,
        },
        needs,
        priority: priority.unwrap_or(Priority::Balanced),
        complexity: Complexity::Simple,
        reasons: Set::new(),
        tokens,
        min_context_window: (tokens.upper + 2048).next_power_of_two().max(4096),
        evidence: Evidence {
            set: Arc::clone(set),
            hits: scan.tally.hits,
            learned: votes.map(|vote| vote * fusion.unit * 10.0),
        },
    }
}
