//! The codes of this crate: `LL-TSK-…`.

use lattice_lock_errors::codes;

codes! {
    /// A background task panicked; the panic went no further.
    TASK_PANICKED = "LL-TSK-001", Internal, "find the panic by the task's name and fix it; the other tasks go on";
    /// A background task took longer than it may.
    TASK_TIMED_OUT = "LL-TSK-002", Timeout, "raise the task's timeout, or find what it waits for";
    /// A background task was cancelled: by its handle, by its scope, by a shutdown, or with its runtime.
    TASK_CANCELLED = "LL-TSK-003", Cancelled, "nothing, if a shutdown or a cancellation was meant";
    /// The task was refused because the shutdown of its owner has begun.
    SHUTTING_DOWN = "LL-TSK-004", Cancelled, "send the work to another process, or start it before the shutdown";
    /// The task was refused because as many as may wait are waiting already.
    QUEUE_FULL = "LL-TSK-005", Busy, "slow down, raise the limits, or wait for room with spawn_when_ready";
    /// The task was refused because it was not spawned from within a tokio runtime.
    NO_RUNTIME = "LL-TSK-006", Misconfigured, "call it from within a tokio runtime";
    /// The deadline of all attempts together passed before one succeeded.
    DEADLINE_EXCEEDED = "LL-TSK-010", Timeout, "raise the total deadline, or look at the cause of the last attempt";
}
