use std::fmt;

/// What is wrong with one line of a pattern file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    line: usize,
    message: String,
}

impl LineError {
    pub(crate) fn new(line: usize, message: String) -> Self {
        Self { line, message }
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong with it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Everything that is wrong with a pattern file: the source of an error with
/// [`PATTERNS_INVALID`](crate::codes::PATTERNS_INVALID), found with `error.find::<PatternsError>()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternsError {
    lines: Vec<LineError>,
}

impl PatternsError {
    pub(crate) fn new(lines: Vec<LineError>) -> Self {
        Self { lines }
    }

    /// The faults, in the file's order.
    #[must_use]
    pub fn lines(&self) -> &[LineError] {
        &self.lines
    }
}

impl fmt::Display for PatternsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "; " })?;
            write!(f, "line {}: {}", line.line, line.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for PatternsError {}
