//! From what was read to what follows from it.

use std::sync::Arc;

use crate::analysis::Evidence;
use crate::complexity::Facts;
use crate::engine::{Read, TEN_POINTS};
use crate::learned::{Fusion, Votes};
use crate::math::softmax;
use crate::patterns::Compiled;
use crate::scan::Scan;
use crate::task::TASKS;
use crate::{
    Attachment, Features, Input, Need, Priority, PromptLanguage, Scores, Set, TaskAnalysis,
    TaskType, TokenEstimate, window,
};

/// Draws the conclusions.
pub(crate) fn conclude(
    mut read: Read<'_, Votes<'_>>,
    input: &Input<'_>,
    set: &Arc<Compiled>,
    fusion: &Fusion,
) -> TaskAnalysis {
    let votes = read.scan.learner.total();
    let scores = scores(&read.points, &votes, fusion);
    let (ranked, secondary) = TaskAnalysis::rank(&scores);
    let scan = &read.scan;
    let asked = asked(scan, set, input, &read);
    let language = scan.language();
    let tokens = TokenEstimate::of(&scan.counts, read.total, read.messages, language);
    let facts = Facts {
        tokens: tokens.expected(),
        items: scan.items,
        code_lines: scan.code_lines,
        marks: scan.marks,
        needs: asked.needs,
        hard: asked.hard,
        easy: asked.easy,
        primary: ranked[0],
        secondary: usize::from(secondary),
        messages: read.messages,
    };
    let (complexity, reasons) = facts.judge();
    TaskAnalysis {
        scores,
        ranked,
        secondary,
        features: features(scan, read.attachments, language),
        needs: asked.needs,
        priority: asked.priority,
        complexity,
        reasons,
        tokens,
        min_context_window: window::smallest(
            tokens,
            answer(input, ranked[0], asked.needs),
            read.attachments,
        ),
        evidence: Evidence {
            set: Arc::clone(set),
            hits: scan.tally.hits,
            scale: fusion.sharpness * fusion.rules,
            learned: votes.map(|vote| vote * fusion.unit * fusion.sharpness * 10.0),
            start: fusion.bias.map(|bias| bias * fusion.sharpness * 10.0),
            opinion: None,
        },
    }
}

fn scores(points: &[i32; TASKS], votes: &[f32; TASKS], fusion: &Fusion) -> Scores {
    let logits: [f64; TASKS] = std::array::from_fn(|task| {
        let rules = f64::from(points[task]) / f64::from(TEN_POINTS) * f64::from(fusion.rules);
        let learned = f64::from(fusion.unit) * f64::from(votes[task]);
        f64::from(fusion.sharpness) * (f64::from(fusion.bias[task]) + rules + learned)
    });
    Scores::new(softmax(&logits))
}

/// What the words ask for beside the task.
struct Asked {
    needs: Set<Need>,
    priority: Priority,
    hard: u32,
    easy: u32,
}

fn asked(
    scan: &Scan<'_, Votes<'_>>,
    set: &Compiled,
    input: &Input<'_>,
    read: &Read<'_, Votes<'_>>,
) -> Asked {
    let mut asked = Asked {
        needs: input.needs,
        priority: Priority::Balanced,
        hard: 0,
        easy: 0,
    };
    let mut said = input.priority;
    for hit in scan.tally.hits().iter().filter(|hit| hit.strength > 1) {
        let head = &set.signals[hit.signal as usize].head;
        if let Some(need) = head.need {
            asked.needs.insert(need);
        }
        said = said.or(head.priority);
        match head.hard {
            Some(true) => asked.hard += u32::from(hit.count),
            Some(false) => asked.easy += u32::from(hit.count),
            None => {}
        }
    }
    let is_seen = |attachment| read.attachments.contains(attachment);
    if is_seen(Attachment::Image) || is_seen(Attachment::Video) {
        asked.needs.insert(Need::Vision);
    }
    if read.messages > 2 {
        asked.needs.insert(Need::Turns);
    }
    asked.priority = said.unwrap_or_default();
    asked
}

fn features(
    scan: &Scan<'_, Votes<'_>>,
    attachments: Set<Attachment>,
    language: PromptLanguage,
) -> Features {
    Features {
        marks: scan.marks,
        code_blocks: scan.code_blocks,
        code_languages: scan.code_languages,
        trace_language: scan.trace_language,
        language,
        attachments,
    }
}

/// How many tokens the answer may take: what the caller allows, else what such tasks usually take.
fn answer(input: &Input<'_>, task: TaskType, needs: Set<Need>) -> u64 {
    if let Some(tokens) = input.max_output {
        return u64::from(tokens);
    }
    if needs.contains(Need::LongOutput) {
        return 8192;
    }
    match task {
        TaskType::General | TaskType::Translation | TaskType::Vision => 1024,
        TaskType::DataAnalysis | TaskType::Reasoning => 2048,
        TaskType::CodeGeneration
        | TaskType::Debugging
        | TaskType::ArchitecturalDesign
        | TaskType::Documentation
        | TaskType::Testing
        | TaskType::SecurityAudit
        | TaskType::CreativeWriting => 4096,
    }
}
