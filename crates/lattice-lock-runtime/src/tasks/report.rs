use std::borrow::Cow;
use std::fmt;

/// A task that did not come to its own end before the deadline of a shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftoverTask {
    /// Its name, after those of its scopes and a slash for each.
    pub name: Cow<'static, str>,
    /// What became of it.
    pub ending: Ending,
}

impl LeftoverTask {
    /// The task of this name in the scope of this path, which is empty for none.
    pub(crate) fn new(path: &str, name: Cow<'static, str>, ending: Ending) -> Self {
        Self {
            name: joined(path, name),
            ending,
        }
    }
}

/// `name` below `path`, which is empty at the root.
pub(crate) fn joined(path: &str, name: Cow<'static, str>) -> Cow<'static, str> {
    if path.is_empty() {
        name
    } else {
        format!("{path}/{name}").into()
    }
}

impl fmt::Display for LeftoverTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.ending)
    }
}

/// What became of a task at the deadline of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// It never got a slot, and was dropped before it began.
    NeverStarted,
    /// It was dropped where it waited.
    Cut,
    /// It was told to end and had not yet when the report was made: it blocks its thread, or no time was left.
    Stuck,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverStarted => "never started",
            Self::Cut => "cut",
            Self::Stuck => "stuck",
        })
    }
}
