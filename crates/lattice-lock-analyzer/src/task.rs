use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::Error;
use serde::{Deserialize, Serialize};

use crate::codes::TASK_UNKNOWN;

/// How many task types there are.
pub(crate) const TASKS: usize = 12;

/// What kind of work a prompt asks for.
///
/// The names are stable: they appear in serialised analyses, pattern files and model files.
///
/// ```
/// use lattice_lock_analyzer::TaskType;
///
/// assert_eq!(TaskType::CodeGeneration.as_str(), "code_generation");
/// assert_eq!("debugging".parse::<TaskType>()?, TaskType::Debugging);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskType {
    /// Write, change, complete or port code.
    CodeGeneration,
    /// Find out why something fails, and repair it.
    Debugging,
    /// Decide how a system is built: components, boundaries, trade-offs.
    ArchitecturalDesign,
    /// Write or improve text about code or a product: comments, guides, changelogs.
    Documentation,
    /// Write, run or plan tests.
    Testing,
    /// Answer a question from data: queries, statistics, charts, tables.
    DataAnalysis,
    /// Conversation, facts, errands: whatever is none of the others.
    General,
    /// Mathematics, logic, puzzles, planning: an answer that must be derived.
    Reasoning,
    /// Look at an image, a chart, a page or a video.
    Vision,
    /// Find, judge or prevent attacks and weaknesses.
    SecurityAudit,
    /// Stories, poems, dialogue, slogans.
    CreativeWriting,
    /// Say the same in another natural language.
    Translation,
}

impl TaskType {
    /// Every task type, in declaration order.
    pub const ALL: [Self; TASKS] = [
        Self::CodeGeneration,
        Self::Debugging,
        Self::ArchitecturalDesign,
        Self::Documentation,
        Self::Testing,
        Self::DataAnalysis,
        Self::General,
        Self::Reasoning,
        Self::Vision,
        Self::SecurityAudit,
        Self::CreativeWriting,
        Self::Translation,
    ];

    /// The name in snake case, such as `code_generation`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CodeGeneration => "code_generation",
            Self::Debugging => "debugging",
            Self::ArchitecturalDesign => "architectural_design",
            Self::Documentation => "documentation",
            Self::Testing => "testing",
            Self::DataAnalysis => "data_analysis",
            Self::General => "general",
            Self::Reasoning => "reasoning",
            Self::Vision => "vision",
            Self::SecurityAudit => "security_audit",
            Self::CreativeWriting => "creative_writing",
            Self::Translation => "translation",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for TaskType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TaskType {
    type Err = Error;

    /// Reads a name in snake case; capitals are accepted.
    ///
    /// # Errors
    ///
    /// [`TASK_UNKNOWN`] when no task type has that name.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|task| task.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::new(TASK_UNKNOWN, "unknown task type").with("name", name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_with_the_serialised_form_and_parse_back() {
        for (at, task) in TaskType::ALL.into_iter().enumerate() {
            assert_eq!(task.index(), at);
            assert_eq!(serde_json::to_value(task).unwrap(), task.as_str());
            assert_eq!(task.as_str().parse::<TaskType>().unwrap(), task);
            assert_eq!(
                task.as_str().to_uppercase().parse::<TaskType>().unwrap(),
                task
            );
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_its_code() {
        let error = "cooking".parse::<TaskType>().unwrap_err();
        assert_eq!(error.code(), TASK_UNKNOWN);
    }
}
