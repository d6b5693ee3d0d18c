mod compile;
mod error;
mod inflect;
mod parse;
mod regex;
mod table;

use std::sync::Arc;

use lattice_lock_errors::Error;

pub(crate) use compile::{Compiled, MOST_GAPS, MOST_SIGNALS, WIDEST_GAP};
pub use error::{LineError, PatternsError};
pub(crate) use parse::When;
pub(crate) use table::{Action, LANGUAGE_SETS, LONGEST_PHRASE, Table};

use compile::compile;
use parse::{Section, parse};

const BUILTIN: &str = include_str!("../../data/patterns.txt");

/// The hand-written signals: words, phrases, leading verbs and structures, and what each of them votes for.
///
/// A set is read from text, is checked as a whole and does not change afterwards. The format is described in
/// the built-in file, which [`PatternSet::BUILTIN`] holds.
///
/// ```
/// use lattice_lock_analyzer::{Analyzer, PatternSet, TaskType};
///
/// let patterns = PatternSet::builtin().extended("lattice-lock patterns 1
/// [house.tickets] debugging+60
/// kaput, gone fishing
/// ")?;
/// let analyzer = Analyzer::builder().patterns(patterns).build();
/// assert_eq!(analyzer.analyze("the printer is kaput").primary(), TaskType::Debugging);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PatternSet {
    sections: Arc<[Section]>,
    compiled: Arc<Compiled>,
}

impl PatternSet {
    /// The text of the built-in set.
    pub const BUILTIN: &str = BUILTIN;

    /// The built-in set.
    ///
    /// # Panics
    ///
    /// Never: the built-in file is read by a test.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).expect("the built-in pattern file is well-formed, as a test proves")
    }

    /// Reads a set that stands alone.
    ///
    /// # Errors
    ///
    /// [`PATTERNS_INVALID`](crate::codes::PATTERNS_INVALID) with a [`PatternsError`] that lists every faulty line;
    /// [`REGEX_UNSUPPORTED`](crate::codes::REGEX_UNSUPPORTED) if the text has a `regex:` line and the feature
    /// `regex` is off.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::of(parse(text)?)
    }

    /// This set and the sections of `text`. A section with a name that is there already replaces it.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse).
    pub fn extended(&self, text: &str) -> Result<Self, Error> {
        let added = parse(text)?;
        let is_replaced = |old: &&Section| {
            !added
                .iter()
                .any(|new| new.name == old.name && new.head.is_class == old.head.is_class)
        };
        let mut sections: Vec<Section> =
            self.sections.iter().filter(is_replaced).cloned().collect();
        sections.extend(added);
        Self::of(sections)
    }

    fn of(sections: Vec<Section>) -> Result<Self, Error> {
        let compiled = compile(&sections)?;
        Ok(Self {
            sections: sections.into(),
            compiled: Arc::new(compiled),
        })
    }

    /// The names of the signals, in the order of the file.
    pub fn signals(&self) -> impl Iterator<Item = &str> {
        self.compiled.signals.iter().map(|signal| &*signal.name)
    }

    /// The patterns as the file has them, in its order.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        let phrases = self.sections.iter().flat_map(|section| &section.phrases);
        phrases.map(|phrase| phrase.text.as_str())
    }

    pub(crate) fn compiled(&self) -> &Arc<Compiled> {
        &self.compiled
    }
}
