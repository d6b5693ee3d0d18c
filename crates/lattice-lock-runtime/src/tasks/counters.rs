use std::ops::AddAssign;

/// How many tasks are in which state, and how many ended in which way, since the start. Scopes are included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskCounters {
    /// Being executed now.
    pub running: u64,
    /// Accepted, and waiting for a slot.
    pub queued: u64,
    /// Ended with a value.
    pub completed: u64,
    /// Ended with an error of their own.
    pub failed: u64,
    /// Ended by a panic.
    pub panicked: u64,
    /// Cut by their timeout.
    pub timed_out: u64,
    /// Cut by their handle, their scope, a shutdown or the end of the runtime, or ended by an error that says so.
    pub cancelled: u64,
}

impl TaskCounters {
    pub(crate) const ZERO: Self = Self {
        running: 0,
        queued: 0,
        completed: 0,
        failed: 0,
        panicked: 0,
        timed_out: 0,
        cancelled: 0,
    };

    /// How many tasks were ever accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.live() + self.ended()
    }

    /// How many are queued or running.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.running + self.queued
    }

    /// How many ended, in whatever way.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.completed + self.failed + self.panicked + self.timed_out + self.cancelled
    }

    pub(crate) fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Completed => &mut self.completed,
            Outcome::Failed => &mut self.failed,
            Outcome::Panicked => &mut self.panicked,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::Cancelled => &mut self.cancelled,
        }
    }
}

impl AddAssign for TaskCounters {
    fn add_assign(&mut self, other: Self) {
        self.running += other.running;
        self.queued += other.queued;
        self.completed += other.completed;
        self.failed += other.failed;
        self.panicked += other.panicked;
        self.timed_out += other.timed_out;
        self.cancelled += other.cancelled;
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    Failed,
    Panicked,
    TimedOut,
    Cancelled,
}

#[cfg(feature = "metrics")]
impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }
}
