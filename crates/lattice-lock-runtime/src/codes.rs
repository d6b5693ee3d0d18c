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
    /// It was called from outside of a tokio runtime.
    NO_RUNTIME = "LL-TSK-006", Misconfigured, "call it from within a tokio runtime";
    /// A limit or a setting makes no sense, such as room for no task at all.
    INVALID_LIMIT = "LL-TSK-007", Invalid, "correct the setting that the error names";
    /// The deadline of all attempts together passed before one succeeded.
    DEADLINE_EXCEEDED = "LL-TSK-010", Timeout, "raise the total deadline, or look at the cause of the last attempt";
    /// One attempt took longer than it may.
    ATTEMPT_TIMED_OUT = "LL-TSK-011", Timeout, "raise the timeout of an attempt, or find what it waits for";
    /// The call was refused because as many as may run at a time are running.
    TOO_BUSY = "LL-TSK-012", Busy, "slow down, or raise the concurrency limit";
    /// A phase of the shutdown panicked; the phases after it ran all the same.
    PHASE_PANICKED = "LL-TSK-020", Internal, "find the panic by the phase's name and fix it";
    /// The process's signals cannot be listened to.
    SIGNALS_UNAVAILABLE = "LL-TSK-021", Misconfigured, "call it from within a tokio runtime with I/O enabled, or call shutdown from the host's own handler";
    /// A health probe did not answer by its deadline.
    PROBE_TIMED_OUT = "LL-TSK-030", Timeout, "look at the component, or raise the probe's deadline";
    /// A health probe panicked.
    PROBE_PANICKED = "LL-TSK-031", Internal, "find the panic by the component's name and fix it";
    /// The process has a tracing subscriber already.
    SUBSCRIBER_EXISTS = "LL-TSK-040", Conflict, "keep the host's subscriber and do not call init_tracing";
    /// The log filter cannot be parsed.
    INVALID_FILTER = "LL-TSK-041", Invalid, "write a level, or target=level pairs separated by commas";
}
