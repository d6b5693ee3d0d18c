/// How many tasks are in which state, and how many ended in which way, since the start.
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
    /// Cut by their handle, their scope, a shutdown or the end of the runtime.
    pub cancelled: u64,
}

impl TaskCounters {
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
}
