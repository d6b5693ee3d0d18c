//! What a prompt needs, in microseconds, without I/O.
//!
//! An [`Analyzer`] reads a prompt or a conversation once and says which of twelve kinds of work it asks for, how
//! sure that is, what the answering model must be able to do, how complex the work is and how many tokens the
//! input has. Hand-written signals and a small learned layer vote in the same pass; every vote can be
//! [explained](TaskAnalysis::explain). The crate is pure: no network, no files, no clock, no global state.
//!
//! ```
//! use lattice_lock_analyzer::{Analyzer, TaskType};
//!
//! let analyzer = Analyzer::new();
//! let analysis = analyzer.analyze("Why does this loop never end? Please fix it.");
//! assert_eq!(analysis.primary(), TaskType::Debugging);
//! println!("{}", analysis.explain());
//! ```

mod analysis;
mod analyzer;
mod cache;
pub mod codes;
mod complexity;
mod conclude;
mod engine;
mod explain;
mod features;
mod input;
mod keyed;
mod language;
mod learned;
mod math;
mod named;
mod needs;
mod opinion;
mod patterns;
mod scan;
mod scores;
mod set;
mod task;
mod tokens;
pub mod training;
mod window;

pub use analysis::TaskAnalysis;
pub use analyzer::{Analyzer, AnalyzerBuilder};
pub use cache::CacheStats;
pub use codes::CODES;
pub use explain::{Explanation, Spoken};
pub use features::{Features, Mark};
pub use input::{Attachment, Input, Message, Role};
pub use language::{CodeLanguage, PromptLanguage};
pub use learned::{Model, ModelCard};
pub use needs::{Complexity, ComplexityReason, Need, Priority};
pub use opinion::{Consulted, OpinionFuture, Outcome, Question, SecondOpinion};
pub use patterns::{LineError, PatternSet, PatternsError};
pub use scores::Scores;
pub use set::{Member, Set};
pub use task::TaskType;
pub use tokens::TokenEstimate;
