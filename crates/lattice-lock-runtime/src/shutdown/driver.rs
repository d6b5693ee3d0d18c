use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::task::{JoinError, yield_now};
use tokio::time::{Instant, timeout};

use crate::codes::PHASE_PANICKED;
use crate::panics::{self, Contained};
use crate::shutdown::builder::{Hook, Phase, Work};
use crate::shutdown::phases::Inner;
use crate::{BackgroundTasks, PhaseOutcome, PhaseReport, ShutdownReport, log_event};

/// How long a phase that is cut may take to let go of what it holds.
const LONGEST_DROP: Duration = Duration::from_millis(100);

/// How often a phase without any time left is let run before it is cut.
const TURNS: usize = 64;

/// How the task of a phase ended: stopped by us, by a panic, or with the phase's own result.
type Joined = std::result::Result<std::result::Result<Result<()>, String>, JoinError>;

/// Runs the phases. Dropping it, which the end of its runtime does too, publishes what was done until then.
pub(crate) struct Driver {
    inner: Arc<Inner>,
    phases: VecDeque<Phase>,
    start: Instant,
    total: Duration,
    report: ShutdownReport,
}

impl Driver {
    pub(crate) fn new(inner: Arc<Inner>, phases: Vec<Phase>, total: Duration) -> Self {
        let report = ShutdownReport::new();
        Self {
            inner,
            phases: phases.into(),
            start: Instant::now(),
            total,
            report,
        }
    }

    pub(crate) async fn run(mut self) {
        loop {
            let rest = self.phases.iter().map(|phase| phase.deadline);
            let rest = rest.fold(Duration::ZERO, Duration::saturating_add);
            let Some(phase) = self.phases.pop_front() else {
                return;
            };
            let left = self.total.saturating_sub(self.start.elapsed());
            self.run_phase(phase, share(left, rest)).await;
        }
    }

    async fn run_phase(&mut self, phase: Phase, share: Share) {
        let allowed = share.of(phase.deadline);
        let at = self.report.phases.len();
        // Until the phase has said otherwise, it was cut: this future may be dropped.
        self.report
            .phases
            .push(entry(&phase, PhaseOutcome::Cut, allowed));
        let start = Instant::now();
        let outcome = match phase.work {
            Work::Hook(hook) => self.run_hook(hook, allowed).await,
            Work::Tasks(tasks) => self.stop(&tasks, allowed).await,
        };
        let report = &mut self.report.phases[at];
        report.took = start.elapsed();
        report.outcome = outcome;
        let (phase, outcome, took) = (report.name, report.outcome.as_str(), report.took);
        log_event!(
            ShutdownPhase,
            phase,
            outcome,
            ?took,
            "a phase of the shutdown ended"
        );
        #[cfg(feature = "metrics")]
        crate::telemetry::phase_ended(phase, outcome, took);
    }

    /// The phase runs in a task of its own: one that blocks its thread is left behind when its time is up.
    async fn run_hook(&mut self, hook: Hook, allowed: Duration) -> PhaseOutcome {
        if self.inner.forced.is_cancelled() {
            return PhaseOutcome::Skipped;
        }
        let mut work = tokio::spawn(Contained::new(async move { hook(allowed).await }));
        let ended = self
            .inner
            .forced
            .run_until_cancelled(timeout(allowed, &mut work))
            .await;
        if let Some(Ok(joined)) = ended {
            return outcome(joined);
        }
        // Even without any time left, what needs none is done.
        for _ in 0..TURNS {
            if work.is_finished() || self.inner.forced.is_cancelled() {
                break;
            }
            yield_now().await;
        }
        work.abort();
        // What the phase held is dropped before the next one begins, unless it blocks.
        match timeout(LONGEST_DROP, work).await {
            Ok(joined) => outcome(joined),
            Err(_) => PhaseOutcome::Cut,
        }
    }

    async fn stop(&mut self, tasks: &BackgroundTasks, allowed: Duration) -> PhaseOutcome {
        let report = match self
            .inner
            .forced
            .run_until_cancelled(tasks.shutdown(allowed))
            .await
        {
            Some(report) => report,
            None => tasks.shutdown(Duration::ZERO).await,
        };
        let clean = report.leftovers.is_empty();
        self.report.finished += report.finished;
        self.report.leftovers.extend(report.leftovers);
        if clean {
            PhaseOutcome::Finished
        } else {
            PhaseOutcome::Cut
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut report = std::mem::replace(&mut self.report, ShutdownReport::new());
        report.took = self.start.elapsed();
        report.forced = self.inner.forced.is_cancelled();
        let skipped = self
            .phases
            .iter()
            .map(|phase| entry(phase, PhaseOutcome::Skipped, Duration::ZERO));
        report.phases.extend(skipped);
        self.inner.report.send_replace(Some(Arc::new(report)));
    }
}

fn entry(phase: &Phase, outcome: PhaseOutcome, allowed: Duration) -> PhaseReport {
    PhaseReport {
        name: phase.name,
        outcome,
        allowed,
        took: Duration::ZERO,
    }
}

fn outcome(joined: Joined) -> PhaseOutcome {
    match joined {
        Ok(Ok(Ok(()))) => PhaseOutcome::Finished,
        Ok(Ok(Err(error))) => PhaseOutcome::Failed(error),
        Ok(Err(panic)) => panicked(panic),
        Err(stopped) => stopped
            .try_into_panic()
            .map_or(PhaseOutcome::Cut, |panic| panicked(panics::message(panic))),
    }
}

fn panicked(message: String) -> PhaseOutcome {
    let error = Error::new(PHASE_PANICKED, "shutdown phase panicked");
    PhaseOutcome::Failed(error.with("panic", message))
}

/// Which part of its own deadline each phase gets: all of it, or in proportion if there is not enough left.
#[derive(Clone, Copy, Debug)]
struct Share {
    left: u128,
    rest: u128,
}

/// Beyond 146 years, times are the same: so a product of two fits.
const LONGEST: u128 = 1 << 62;

fn share(left: Duration, rest: Duration) -> Share {
    Share {
        left: left.as_nanos().min(LONGEST),
        rest: rest.as_nanos().min(LONGEST),
    }
}

impl Share {
    fn of(self, deadline: Duration) -> Duration {
        if self.rest <= self.left {
            return deadline;
        }
        let nanos = deadline.as_nanos().min(LONGEST) * self.left / self.rest;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: u64, rest: &[u64], expected: u64) {
        let total = rest.iter().map(|secs| Duration::from_secs(*secs));
        let rest_sum = total.fold(Duration::ZERO, Duration::saturating_add);
        let allowed = share(Duration::from_secs(left), rest_sum).of(Duration::from_secs(rest[0]));
        assert_eq!(allowed, Duration::from_secs(expected));
    }

    #[test]
    fn a_short_total_is_shared_in_proportion() {
        check(10, &[5, 5], 5);
        check(100, &[5, 5], 5);
        check(4, &[6, 2], 3);
        check(0, &[6, 2], 0);
        check(3, &[0, 2], 0);
        check(0, &[0], 0);
    }

    #[test]
    fn endless_times_do_not_overflow() {
        check(u64::MAX, &[u64::MAX, u64::MAX], u64::MAX);
        let half = share(Duration::from_secs(10), Duration::MAX).of(Duration::MAX);
        assert_eq!(half, Duration::from_secs(10));
    }
}
