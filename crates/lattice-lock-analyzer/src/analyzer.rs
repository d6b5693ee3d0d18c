use std::sync::{Arc, PoisonError, RwLock};

use crate::analysis::Evidence;
use crate::input::Content;
use crate::patterns::{PatternSet, When};
use crate::scan::{Learner, Scan, Window, pieces};
use crate::task::TASKS;
use crate::{
    Complexity, Features, Input, Need, Priority, Role, Scores, Set, TaskAnalysis, TaskType,
    TokenEstimate,
};

/// Reads prompts. Cheap to share: all methods take `&self`.
///
/// ```
/// use lattice_lock_analyzer::{Analyzer, Need};
///
/// let analyzer = Analyzer::new();
/// let analysis = analyzer.analyze("List the planets as a JSON array.");
/// assert!(analysis.needs().contains(Need::Json));
/// ```
#[derive(Debug)]
pub struct Analyzer {
    patterns: RwLock<PatternSet>,
}

/// Sets up an [`Analyzer`].
#[derive(Debug, Default)]
pub struct AnalyzerBuilder {
    patterns: Option<PatternSet>,
}

impl AnalyzerBuilder {
    /// The hand-written signals; defaults to [`PatternSet::builtin`].
    #[must_use]
    pub fn patterns(mut self, patterns: PatternSet) -> Self {
        self.patterns = Some(patterns);
        self
    }

    /// The analyzer.
    #[must_use]
    pub fn build(self) -> Analyzer {
        Analyzer {
            patterns: RwLock::new(self.patterns.unwrap_or_else(PatternSet::builtin)),
        }
    }
}

struct Nothing;

impl Learner for Nothing {
    fn feature(&mut self, _: u64) {}
}

impl Default for Analyzer {
    fn default() -> Self {
        Self::new()
    }
}

impl Analyzer {
    /// An analyzer with the built-in signals and everything at its default.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up an analyzer.
    #[must_use]
    pub fn builder() -> AnalyzerBuilder {
        AnalyzerBuilder::default()
    }

    /// What the input asks for and needs. Never fails: any text has an answer, of whatever length.
    #[must_use]
    pub fn analyze<'a>(&self, input: impl Into<Input<'a>>) -> Arc<TaskAnalysis> {
        Arc::new(self.analyze_uncached(&input.into()))
    }

    /// Replaces the signals; analyses under way finish with the old ones.
    pub fn replace_patterns(&self, patterns: PatternSet) {
        *self
            .patterns
            .write()
            .unwrap_or_else(PoisonError::into_inner) = patterns;
    }

    fn analyze_uncached(&self, input: &Input<'_>) -> TaskAnalysis {
        let patterns = self
            .patterns
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let set = patterns.compiled();
        let mut scan = Scan::new(set, Nothing);
        let mut total = 0_u64;
        let mut attachments = input.attachments;
        match input.content {
            Content::Prompt(text) => read(&mut scan, text, Window::MAIN, false, &mut total),
            Content::Messages(messages) => {
                let last = messages
                    .iter()
                    .rposition(|m| m.role == Role::User)
                    .unwrap_or(messages.len());
                for (at, message) in messages.iter().enumerate() {
                    attachments = attachments.union(message.attachments);
                    if at != last {
                        read(&mut scan, message.text, Window::CONTEXT, true, &mut total);
                    }
                }
                if let Some(message) = messages.get(last) {
                    read(&mut scan, message.text, Window::MAIN, false, &mut total);
                }
            }
        }
        scan.finish();
        let mut needs = input.needs;
        let mut priority = input.priority;
        for (at, signal) in set.signals.iter().enumerate() {
            let holds = match signal.head.when {
                Some(When::Mark(mark)) => scan.marks.contains(mark),
                Some(When::Attachment(attachment)) => attachments.contains(attachment),
                None => false,
            };
            if holds {
                scan.tally.add(at as u16, 4);
            }
        }
        let mut points = [0_i32; TASKS];
        points[TaskType::General.index()] = 8 * 16;
        for hit in scan.tally.hits() {
            let head = &set.signals[hit.signal as usize].head;
            for (sum, vote) in points.iter_mut().zip(head.votes) {
                *sum += hit.vote(vote);
            }
            if hit.strength > 0 {
                if let Some(need) = head.need {
                    needs.insert(need);
                }
                priority = priority.or(head.priority);
            }
        }
        let scores = Scores::softmax(&points.map(|p| p as f32 / 160.0));
        let (ranked, secondary) = TaskAnalysis::rank(&scores);
        if attachments.contains(crate::Attachment::Image) {
            needs.insert(Need::Vision);
        }
        let tokens = TokenEstimate::of(&scan.counts, total);
        TaskAnalysis {
            scores,
            ranked,
            secondary,
            features: Features {
                marks: scan.marks,
                code_blocks: scan.code_blocks,
                code_languages: scan.code_languages,
                trace_language: scan.trace_language,
                language: crate::PromptLanguage::Unknown,
                attachments,
            },
            needs,
            priority: priority.unwrap_or(Priority::Balanced),
            complexity: Complexity::Simple,
            reasons: Set::new(),
            tokens,
            min_context_window: (tokens.upper + 2048).next_power_of_two().max(4096),
            evidence: Evidence {
                set: Arc::clone(set),
                tally: scan.tally.clone(),
                learned: [0.0; TASKS],
            },
        }
    }
}

fn read<L: Learner>(
    scan: &mut Scan<'_, L>,
    text: &str,
    window: Window,
    weak: bool,
    total: &mut u64,
) {
    *total += text.len() as u64;
    scan.begin(weak);
    for (at, piece) in pieces(text, window).enumerate() {
        if at > 0 {
            scan.gap();
        }
        scan.counts.bytes += piece.len() as u32;
        crate::scan::lex(piece, scan);
    }
}
