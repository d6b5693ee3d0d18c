//! The error codes that this crate raises.

lattice_lock_errors::codes! {
    /// No task type has this name.
    TASK_UNKNOWN = "LL-ANA-001", Invalid, "use one of the twelve names in snake case, such as code_generation";
    /// A pattern file is malformed; nothing of it was taken.
    PATTERNS_INVALID = "LL-ANA-002", Invalid, "correct the lines that the error lists; the patterns in use are unchanged";
    /// A pattern file holds a regular expression and this build has no engine for it.
    REGEX_UNSUPPORTED = "LL-ANA-003", Unsupported, "enable the feature `regex` of lattice-lock-analyzer, or use words and phrases";
    /// A model file is damaged, or is not a model file.
    MODEL_INVALID = "LL-ANA-004", Invalid, "train the model again with the train_analyzer example";
    /// A model file was made for another version of the analyzer.
    MODEL_VERSION = "LL-ANA-005", Unsupported, "train the model again with this version of the analyzer";
    /// There is too little training data, or none for some task type.
    TRAINING_DATA = "LL-ANA-006", Invalid, "give at least two prompts of every task type";
    /// The second opinion failed; the analysis stands without it.
    OPINION_FAILED = "LL-ANA-007", Unavailable, "look at the cause; the analyzer's own answer was used";
}
