//! Reads a pattern file: sections of words and phrases, each with the votes they cast.

use std::fmt;

use lattice_lock_errors::Error;

use super::{LineError, PatternsError};
use crate::codes::PATTERNS_INVALID;
use crate::task::TASKS;
use crate::{Attachment, Mark, Need, Priority, PromptLanguage, TaskType};

/// The first line of every pattern file.
pub(crate) const FIRST_LINE: &str = "lattice-lock patterns 1";

/// The most lines, and the longest line, that a file may have.
const MOST_BYTES: usize = 1 << 20;
/// The strongest vote, in points.
const STRONGEST: i16 = 100;

/// One section of a pattern file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) head: Head,
    pub(crate) phrases: Vec<Phrase>,
}

/// One pattern and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) is_regex: bool,
}

/// What a section's first line says.
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings that do not depend on each other"
)]
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Head {
    pub(crate) line: usize,
    pub(crate) is_class: bool,
    pub(crate) votes: [i16; TASKS],
    pub(crate) lead: bool,
    pub(crate) firm: bool,
    pub(crate) anywhere: bool,
    pub(crate) role: Role,
    pub(crate) need: Option<Need>,
    pub(crate) priority: Option<Priority>,
    pub(crate) hard: Option<bool>,
    pub(crate) language: Option<PromptLanguage>,
    pub(crate) when: Option<When>,
}

/// What a section's words are, if they are not a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Role {
    #[default]
    Signal,
    Filler,
    Negator,
}

/// A condition on the structure, instead of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Mark(Mark),
    Attachment(Attachment),
}

/// Reads all sections, or says what is wrong with every line that is.
///
/// # Errors
///
/// [`PATTERNS_INVALID`], with a [`PatternsError`] as its source.
pub(crate) fn parse(text: &str) -> Result<Vec<Section>, Error> {
    let mut parser = Parser::default();
    if text.len() > MOST_BYTES {
        parser.wrong(1, "the file is longer than 1 MiB");
        return Err(parser.error());
    }
    for (at, line) in text.lines().enumerate() {
        parser.line(at + 1, line.trim());
    }
    if !parser.began {
        parser.wrong(1, format_args!("the first line must be `{FIRST_LINE}`"));
    }
    if parser.wrong.is_empty() {
        Ok(parser.sections)
    } else {
        Err(parser.error())
    }
}

#[derive(Default)]
struct Parser {
    began: bool,
    sections: Vec<Section>,
    wrong: Vec<LineError>,
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if !self.began {
            self.began = true;
            if line != FIRST_LINE {
                self.wrong(
                    number,
                    format_args!("the first line must be `{FIRST_LINE}`"),
                );
            }
            return;
        }
        if line.starts_with('[') {
            self.section(number, line);
        } else {
            self.phrases(number, line);
        }
    }

    fn section(&mut self, number: usize, line: &str) {
        let Some((name, rest)) = line[1..].split_once(']') else {
            return self.wrong(number, "a section's name ends with `]`");
        };
        let (name, is_class) = match name.strip_prefix("class ") {
            Some(class) => (class.trim(), true),
            None => (name.trim(), false),
        };
        if !is_name(name) {
            return self.wrong(
                number,
                "a name has small letters, digits, dots, `-` and `_`",
            );
        }
        if self
            .sections
            .iter()
            .any(|s| s.name == name && s.head.is_class == is_class)
        {
            return self.wrong(number, format_args!("`{name}` is there already"));
        }
        let mut head = Head {
            line: number,
            is_class,
            ..Head::default()
        };
        for item in rest.split_whitespace() {
            if let Err(message) = head.item(item) {
                self.wrong(number, message);
            }
        }
        self.sections.push(Section {
            name: name.to_owned(),
            head,
            phrases: Vec::new(),
        });
    }

    fn phrases(&mut self, number: usize, line: &str) {
        let Some(section) = self.sections.last_mut() else {
            return self.wrong(number, "a pattern stands before the first section");
        };
        if let Some(regex) = line.strip_prefix("regex:") {
            let text = regex.trim().to_owned();
            section.phrases.push(Phrase {
                line: number,
                text,
                is_regex: true,
            });
            return;
        }
        for phrase in line
            .split(',')
            .map(str::trim)
            .filter(|phrase| !phrase.is_empty())
        {
            let text = phrase.to_owned();
            section.phrases.push(Phrase {
                line: number,
                text,
                is_regex: false,
            });
        }
    }

    fn wrong(&mut self, line: usize, message: impl fmt::Display) {
        self.wrong.push(LineError::new(line, message.to_string()));
    }

    fn error(self) -> Error {
        invalid(self.wrong)
    }
}

/// The error for a file with these faults.
pub(crate) fn invalid(wrong: Vec<LineError>) -> Error {
    let source = PatternsError::new(wrong);
    Error::new(PATTERNS_INVALID, "malformed pattern file")
        .with("lines", &source)
        .with_source(source)
}

fn is_name(name: &str) -> bool {
    let fits =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    !name.is_empty() && name.bytes().all(fits)
}

impl Head {
    fn item(&mut self, item: &str) -> Result<(), String> {
        match item {
            "@lead" => self.lead = true,
            "@firm" => self.firm = true,
            "@anywhere" => self.anywhere = true,
            _ => match item.split_once('=') {
                Some((key, value)) => self.setting(key, value)?,
                None => self.vote(item)?,
            },
        }
        Ok(())
    }

    fn setting(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "need" => self.need = Some(named(Need::ALL, value)?),
            "priority" => self.priority = Some(named(Priority::ALL, value)?),
            "language" => self.language = Some(named(PromptLanguage::ALL, value)?),
            "complexity" => self.hard = Some(choice(value, "hard", "easy")?),
            "role" => {
                let filler = choice(value, "filler", "negator")?;
                self.role = if filler { Role::Filler } else { Role::Negator };
            }
            "when" => self.when = Some(condition(value)?),
            _ => return Err(format!("unknown setting `{key}`")),
        }
        Ok(())
    }

    fn vote(&mut self, item: &str) -> Result<(), String> {
        let at = item
            .find(['+', '-'])
            .ok_or_else(|| format!("`{item}` is no vote: write `testing+20`"))?;
        let task: TaskType = item[..at]
            .parse()
            .map_err(|_| format!("unknown task `{}`", &item[..at]))?;
        let points: i16 = item[at..]
            .parse()
            .map_err(|_| format!("`{}` is no number", &item[at..]))?;
        if points.abs() > STRONGEST {
            return Err(format!("a vote is at most {STRONGEST} points"));
        }
        self.votes[task.index()] = points;
        Ok(())
    }
}

fn condition(value: &str) -> Result<When, String> {
    match value.strip_prefix("attachment.") {
        Some(attachment) => Ok(When::Attachment(named(Attachment::ALL, attachment)?)),
        None => Ok(When::Mark(named(Mark::ALL, value)?)),
    }
}

fn named<T: crate::Member>(all: &[T], value: &str) -> Result<T, String> {
    all.iter()
        .copied()
        .find(|member| member.name() == value)
        .ok_or_else(|| format!("unknown value `{value}`"))
}

fn choice(value: &str, yes: &str, no: &str) -> Result<bool, String> {
    if value == yes {
        Ok(true)
    } else if value == no {
        Ok(false)
    } else {
        Err(format!("`{value}` is neither `{yes}` nor `{no}`"))
    }
}
