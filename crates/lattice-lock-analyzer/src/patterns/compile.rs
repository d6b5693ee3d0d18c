//! Turns the sections of a pattern file into a table of hashes.

use std::collections::BTreeMap;
use std::fmt;

use lattice_lock_errors::Error;

use super::inflect::forms;
use super::parse::{Head, Phrase, Role, Section, When, invalid};
use super::table::{Action, Draft, LONGEST_PHRASE, MOST_ENTRIES, Table};
use super::{LineError, regex};
use crate::scan::{Sink, Word, join, lex};

/// The most signals a set can have.
pub(crate) const MOST_SIGNALS: usize = 1024;
/// The most first parts of phrases in two parts.
pub(crate) const MOST_GAPS: usize = 128;
/// How many words lie between the two parts of a phrase at most.
pub(crate) const WIDEST_GAP: u32 = 12;
/// The most phrases that one pattern may stand for.
const MOST_FORMS: usize = 512;
/// Keeps the features of signals apart from those of words.
const SIGNAL_SALT: u64 = 0x5349_474E_414C_0001;

/// One signal of a set: what it is called and what it means.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    pub(crate) name: Box<str>,
    pub(crate) head: Head,
    /// The feature by which the learned layer knows it.
    pub(crate) feature: u64,
}

/// How a signal's words count where they stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) lead: bool,
    pub(crate) firm: bool,
    pub(crate) anywhere: bool,
}

impl Rule {
    fn of(signal: &Signal) -> Self {
        let Head {
            lead,
            firm,
            anywhere,
            ..
        } = signal.head;
        Self {
            lead,
            firm,
            anywhere,
        }
    }
}

/// A compiled pattern set.
#[derive(Clone)]
pub(crate) struct Compiled {
    pub(crate) table: Table,
    pub(crate) signals: Vec<Signal>,
    /// What the scan must know of each signal, close together.
    pub(crate) rules: Vec<Rule>,
    /// The signals that listen to the structure, and to what of it.
    pub(crate) structural: Vec<(u16, When)>,
    pub(crate) regexes: regex::Regexes,
}

/// Its size alone: every analysis holds it, and nobody reads a megabyte of table in a log.
impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled")
            .field("signals", &self.signals.len())
            .finish_non_exhaustive()
    }
}

/// Compiles `sections`.
///
/// # Errors
///
/// `PATTERNS_INVALID` with every faulty line, `REGEX_UNSUPPORTED` without the feature `regex`.
pub(crate) fn compile(sections: &[Section]) -> Result<Compiled, Error> {
    let mut compiler = Compiler::new(sections);
    for section in sections.iter().filter(|section| !section.head.is_class) {
        compiler.section(section);
    }
    if compiler.draft.len() > MOST_ENTRIES {
        compiler.wrong.push(LineError::new(
            1,
            format!("more than {MOST_ENTRIES} words and phrases"),
        ));
    }
    if !compiler.wrong.is_empty() {
        return Err(invalid(compiler.wrong));
    }
    let regexes = regex::Regexes::compile(&compiler.regexes)?;
    Ok(Compiled {
        table: compiler.draft.build(),
        rules: compiler.signals.iter().map(Rule::of).collect(),
        structural: structural(&compiler.signals),
        signals: compiler.signals,
        regexes,
    })
}

fn structural(signals: &[Signal]) -> Vec<(u16, When)> {
    (0..)
        .zip(signals)
        .filter_map(|(at, signal)| Some((at, signal.head.when?)))
        .collect()
}

struct Compiler<'s> {
    classes: BTreeMap<&'s str, Vec<&'s str>>,
    gaps: BTreeMap<u64, u8>,
    draft: Draft,
    signals: Vec<Signal>,
    regexes: Vec<regex::Source<'s>>,
    wrong: Vec<LineError>,
}

impl<'s> Compiler<'s> {
    fn new(sections: &'s [Section]) -> Self {
        let classes = sections
            .iter()
            .filter(|section| section.head.is_class)
            .map(|section| {
                (
                    section.name.as_str(),
                    section.phrases.iter().map(|p| p.text.as_str()).collect(),
                )
            })
            .collect();
        Self {
            classes,
            gaps: BTreeMap::new(),
            draft: Draft::default(),
            signals: Vec::new(),
            regexes: Vec::new(),
            wrong: Vec::new(),
        }
    }

    fn section(&mut self, section: &'s Section) {
        let signal = match section.head.role {
            Role::Signal => self.signal(section),
            Role::Filler | Role::Negator => 0,
        };
        for phrase in &section.phrases {
            if phrase.is_regex {
                self.regexes.push(regex::Source {
                    line: phrase.line,
                    signal,
                    text: &phrase.text,
                });
            } else if let Err(message) = self.phrase(signal, &section.head, phrase) {
                self.wrong.push(LineError::new(phrase.line, message));
            }
        }
    }

    fn signal(&mut self, section: &Section) -> u16 {
        if self.signals.len() >= MOST_SIGNALS {
            let message = format!("more than {MOST_SIGNALS} sections");
            self.wrong.push(LineError::new(section.head.line, message));
            return 0;
        }
        self.signals.push(Signal {
            name: section.name.as_str().into(),
            head: section.head.clone(),
            feature: hashes(&section.name).into_iter().fold(SIGNAL_SALT, join),
        });
        u16::try_from(self.signals.len() - 1).unwrap_or(0)
    }

    fn phrase(&mut self, signal: u16, head: &Head, phrase: &Phrase) -> Result<(), String> {
        let (first, second) = match phrase.text.split_once("..") {
            Some((first, second)) => (Some(first.trim()), second.trim()),
            None => (None, phrase.text.as_str()),
        };
        let gap = match first {
            Some(first) => Some(self.gap(first)?),
            None => None,
        };
        for words in self.expand(second)? {
            let action = match (head.role, gap) {
                (Role::Filler, _) => Action::Filler,
                (Role::Negator, _) => Action::Negator,
                (Role::Signal, Some(gap)) => Action::After { signal, gap },
                (Role::Signal, None) => match head.language {
                    Some(language) => Action::Language(language as u8),
                    None => Action::Signal {
                        signal,
                        words: u8::try_from(words.len()).unwrap_or(u8::MAX),
                    },
                },
            };
            self.add(&words, action);
        }
        Ok(())
    }

    /// The number of the gap that `first` opens.
    fn gap(&mut self, first: &str) -> Result<u8, String> {
        let variants = self.expand(first)?;
        let key = variants
            .iter()
            .flatten()
            .fold(variants.len() as u64, |key, word| join(key, *word));
        if let Some(gap) = self.gaps.get(&key) {
            return Ok(*gap);
        }
        if self.gaps.len() >= MOST_GAPS {
            return Err(format!("more than {MOST_GAPS} different first parts"));
        }
        let gap = u8::try_from(self.gaps.len()).unwrap_or(0);
        self.gaps.insert(key, gap);
        for words in variants {
            self.add(&words, Action::Opens { gap });
        }
        Ok(gap)
    }

    fn add(&mut self, words: &[u64], action: Action) {
        let Some((first, rest)) = words.split_first() else {
            return;
        };
        if let [.., before, last] = words {
            self.draft.ends(*last, join(*before, *last), words.len());
        }
        let hash = rest.iter().fold(*first, |hash, word| join(hash, *word));
        self.draft.add(hash, action);
    }

    /// Every phrase that a pattern stands for, as the hashes of its words.
    fn expand(&self, pattern: &str) -> Result<Vec<Vec<u64>>, String> {
        let mut phrases = vec![Vec::new()];
        for part in pattern.split_whitespace() {
            let variants = self.variants(part)?;
            phrases = phrases
                .iter()
                .flat_map(|phrase| {
                    variants
                        .iter()
                        .map(move |variant| [phrase.as_slice(), variant].concat())
                })
                .collect();
            if phrases.len() > MOST_FORMS {
                return Err(format!(
                    "`{pattern}` stands for more than {MOST_FORMS} phrases"
                ));
            }
        }
        if phrases.iter().any(Vec::is_empty) {
            return Err(format!("`{pattern}` has no word in it"));
        }
        if phrases.iter().any(|phrase| phrase.len() > LONGEST_PHRASE) {
            return Err(format!("`{pattern}` has more than {LONGEST_PHRASE} words"));
        }
        Ok(phrases)
    }

    fn variants(&self, part: &str) -> Result<Vec<Vec<u64>>, String> {
        let words: Vec<&str> = match part
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(class) => self
                .classes
                .get(class)
                .cloned()
                .ok_or_else(|| format!("no class `{class}`"))?,
            None => vec![part],
        };
        Ok(words
            .into_iter()
            .flat_map(forms)
            .map(|form| hashes(&form))
            .collect())
    }
}

/// The hashes of the words of `text`, as the scan will see them.
pub(crate) fn hashes(text: &str) -> Vec<u64> {
    struct Words(Vec<u64>);
    impl Sink for Words {
        fn word(&mut self, word: Word) {
            self.0.push(word.hash);
        }
        fn punctuation(&mut self, _: u8, _: u8) {}
        fn symbol(&mut self, _: char) {}
        fn line(&mut self, _: &[u8]) {}
    }
    let mut words = Words(Vec::new());
    lex(text, &mut words);
    words.0
}
