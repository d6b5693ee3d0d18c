//! How much work an answer is, in points, each with its reason.

use crate::{Complexity, ComplexityReason, Mark, Need, Set, TaskType};

/// What complexity is judged from.
pub(crate) struct Facts {
    pub(crate) tokens: u64,
    pub(crate) items: u32,
    pub(crate) code_lines: u32,
    pub(crate) marks: Set<Mark>,
    pub(crate) needs: Set<Need>,
    /// How often words were met that say it is hard, and easy.
    pub(crate) hard: u32,
    pub(crate) easy: u32,
    pub(crate) primary: TaskType,
    pub(crate) secondary: usize,
    pub(crate) messages: usize,
}

impl Facts {
    pub(crate) fn judge(&self) -> (Complexity, Set<ComplexityReason>) {
        let mut sum = 0;
        let mut reasons = Set::new();
        for (reason, points) in self.points() {
            if points != 0 {
                sum += points;
                reasons.insert(reason);
            }
        }
        let level = match sum {
            ..=1 => Complexity::Simple,
            2..=3 => Complexity::Moderate,
            4.. => Complexity::Complex,
        };
        (level, reasons)
    }

    fn points(&self) -> [(ComplexityReason, i32); 12] {
        use ComplexityReason as Reason;
        let has = |mark| self.marks.contains(mark);
        let one = i32::from;
        let traces = has(Mark::StackTrace) || has(Mark::Log);
        let hard_task = matches!(
            self.primary,
            TaskType::ArchitecturalDesign | TaskType::SecurityAudit
        );
        [
            (Reason::LongPrompt, one((300..1500).contains(&self.tokens))),
            (Reason::VeryLongPrompt, 2 * one(self.tokens >= 1500)),
            (
                Reason::ManyRequirements,
                one(self.items >= 4) + one(self.items >= 9),
            ),
            (
                Reason::CodeToRead,
                one(self.code_lines >= 8 || has(Mark::CodeBlock)),
            ),
            (Reason::TraceToRead, one(traces)),
            (Reason::SeveralTasks, one(self.secondary >= 2)),
            (
                Reason::HardWords,
                one(self.hard >= 1) + one(self.hard >= 2) + 2 * one(self.hard >= 4),
            ),
            (Reason::EasyWords, -one(self.easy >= 1)),
            (
                Reason::LongAnswer,
                one(self.needs.contains(Need::LongOutput)),
            ),
            (Reason::HardTask, one(hard_task)),
            (Reason::Mathematics, one(has(Mark::Math))),
            (Reason::History, one(self.messages > 4)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::{Analyzer, Complexity, ComplexityReason};

    fn check(prompt: &str, expected: Complexity) {
        let analysis = Analyzer::new().analyze(prompt);
        assert_eq!(
            analysis.complexity(),
            expected,
            "{prompt}\n{}",
            analysis.explain()
        );
    }

    #[test]
    fn a_short_question_is_simple() {
        check("what is the capital of France?", Complexity::Simple);
        check("write a simple hello world in Python", Complexity::Simple);
        check("", Complexity::Simple);
    }

    #[test]
    fn constraints_and_hard_words_make_it_complex() {
        check(
            "Design a distributed, fault-tolerant, multi-tenant job scheduler with exactly-once semantics:\n\
             - regions\n- quotas\n- audit\n- failover\n- zero-downtime upgrades",
            Complexity::Complex,
        );
        check(
            "Prove rigorously that the algorithm is optimal, then implement it lock-free and optimize it from scratch.",
            Complexity::Complex,
        );
    }

    #[test]
    fn every_level_has_its_reasons() {
        let analysis =
            Analyzer::new().analyze("a simple proof of a theorem about distributed consensus");
        let reasons = analysis.complexity_reasons();
        assert!(reasons.contains(ComplexityReason::HardWords));
        assert!(reasons.contains(ComplexityReason::EasyWords));
    }
}
