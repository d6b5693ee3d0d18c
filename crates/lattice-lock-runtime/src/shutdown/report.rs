use std::fmt;
use std::time::Duration;

use lattice_lock_errors::Error;

use crate::LeftoverTask;

/// What a shutdown did: what finished, what was cut, and how long each part took.
///
/// `Display` writes it on several lines, for the host's log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How long all of it took.
    pub took: Duration,
    /// How many tasks came to their own end meanwhile, in whatever way.
    pub finished: u64,
    /// Every task that did not, by name.
    pub leftovers: Vec<LeftoverTask>,
    /// The phases, in order; empty for the shutdown of [`BackgroundTasks`](crate::BackgroundTasks) alone.
    pub phases: Vec<PhaseReport>,
    /// Whether it was forced to end at once.
    pub forced: bool,
}

impl ShutdownReport {
    pub(crate) const fn new() -> Self {
        Self {
            took: Duration::ZERO,
            finished: 0,
            leftovers: Vec::new(),
            phases: Vec::new(),
            forced: false,
        }
    }

    pub(crate) fn of_tasks(took: Duration, finished: u64, leftovers: Vec<LeftoverTask>) -> Self {
        Self {
            took,
            finished,
            leftovers,
            ..Self::new()
        }
    }

    /// Whether everything came to its own end: every phase finished, no task was left, nothing was forced.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let finished = |phase: &PhaseReport| matches!(phase.outcome, PhaseOutcome::Finished);
        !self.forced && self.leftovers.is_empty() && self.phases.iter().all(finished)
    }

    /// What the process should exit with: 0 if the shutdown ran its course, even if it had to cut something
    /// that it names; 1 if it was forced.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        if self.forced { 1 } else { 0 }
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forced = if self.forced { ", forced" } else { "" };
        let (finished, left) = (self.finished, self.leftovers.len());
        write!(
            f,
            "shutdown took {:?}{forced}: {finished} tasks finished, {left} left",
            self.took
        )?;
        for phase in &self.phases {
            write!(f, "\n  phase {phase}")?;
        }
        for task in &self.leftovers {
            write!(f, "\n  task {task}")?;
        }
        Ok(())
    }
}

/// What became of one phase of a shutdown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhaseReport {
    /// Its name.
    pub name: &'static str,
    /// How it ended.
    pub outcome: PhaseOutcome,
    /// How long it had.
    pub allowed: Duration,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for PhaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} after {:?} of {:?}",
            self.name, self.outcome, self.took, self.allowed
        )
    }
}

/// How a phase of a shutdown ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PhaseOutcome {
    /// It did what it had to.
    Finished,
    /// It failed, or panicked ([`PHASE_PANICKED`](crate::codes::PHASE_PANICKED)). The next one began all the same.
    Failed(Error),
    /// Its time was up, and its future was dropped.
    Cut,
    /// It did not begin, because the shutdown was forced or its runtime ended.
    Skipped,
}

impl PhaseOutcome {
    /// The name used in logs and metrics, such as `finished`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
            Self::Cut => "cut",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for PhaseOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Failed(error) => write!(f, " ({error})"),
            Self::Finished | Self::Cut | Self::Skipped => Ok(()),
        }
    }
}
