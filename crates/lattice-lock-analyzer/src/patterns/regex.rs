//! Regular expressions of a pattern file: only the user's own, and only with the feature `regex`.

use lattice_lock_errors::Error;

/// A regular expression as the file has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'s> {
    pub(crate) line: usize,
    pub(crate) signal: u16,
    pub(crate) text: &'s str,
}

/// The compiled expressions of a set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regexes {
    #[cfg(feature = "regex")]
    compiled: Vec<(u16, regex::Regex)>,
}

#[cfg(feature = "regex")]
impl Regexes {
    /// The most memory that one expression may compile to, in bytes: it bounds the time of a match too.
    const LARGEST: usize = 1 << 18;

    pub(crate) fn compile(sources: &[Source<'_>]) -> Result<Self, Error> {
        let (mut compiled, mut wrong) = (Vec::new(), Vec::new());
        for source in sources {
            let built = regex::RegexBuilder::new(source.text)
                .case_insensitive(true)
                .size_limit(Self::LARGEST)
                .dfa_size_limit(Self::LARGEST)
                .build();
            match built {
                Ok(regex) => compiled.push((source.signal, regex)),
                Err(error) => {
                    let reason = error.to_string();
                    let reason = reason.lines().last().unwrap_or_default().trim().to_owned();
                    wrong.push(super::LineError::new(source.line, reason));
                }
            }
        }
        if wrong.is_empty() {
            Ok(Self { compiled })
        } else {
            Err(super::parse::invalid(wrong))
        }
    }

    /// Calls `hit` with the signal of every expression that matches `text`.
    pub(crate) fn each_match(&self, text: &str, mut hit: impl FnMut(u16)) {
        for (signal, regex) in &self.compiled {
            if regex.is_match(text) {
                hit(*signal);
            }
        }
    }
}

#[cfg(not(feature = "regex"))]
impl Regexes {
    pub(crate) fn compile(sources: &[Source<'_>]) -> Result<Self, Error> {
        match sources.first() {
            None => Ok(Self::default()),
            Some(source) => Err(Error::new(
                crate::codes::REGEX_UNSUPPORTED,
                "regular expressions are not in this build",
            )
            .with("line", source.line)
            .with("signal", source.signal)
            .with("length", source.text.len())),
        }
    }

    #[expect(clippy::unused_self, reason = "the same signature as with the feature")]
    pub(crate) fn each_match(&self, _: &str, _: impl FnMut(u16)) {}
}
