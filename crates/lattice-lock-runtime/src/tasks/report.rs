use std::borrow::Cow;
use std::time::Duration;

/// What a shutdown did: what finished, what was cut, and how long it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How long it took.
    pub took: Duration,
    /// How many tasks came to their own end meanwhile, in whatever way.
    pub finished: u64,
    /// Every task that did not, by name.
    pub leftovers: Vec<LeftoverTask>,
}

impl ShutdownReport {
    /// Whether everything came to its own end.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.leftovers.is_empty()
    }
}

/// A task that did not come to its own end before the deadline of a shutdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftoverTask {
    /// Its name; those of scopes before it, separated by slashes.
    pub name: Cow<'static, str>,
    /// What became of it.
    pub ending: Ending,
}

/// What became of a task at the deadline of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// It never got a slot, and was dropped before it began.
    NeverStarted,
    /// It was dropped where it waited.
    Cut,
    /// It was told to end and has not yet: it blocks its thread, and goes on until it lets go of it.
    Stuck,
}
