//! What becomes of writes while the database is away, and when it is back.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::codes::DATABASE_UNREACHABLE;
use lattice_lock_runtime::{log_error, log_event};

use super::backlog::{Backlog, Oldest};
use super::queue::Job;
use super::{Away, PAUSES, Shared, is_disposed};
use crate::AttemptId;
use crate::codes::{BACKLOG_FULL, LEDGER_UNAVAILABLE};
use crate::ledger::Booking;
use crate::ledger::books::Item;
use crate::ledger::store::Ack;

impl Shared {
    /// Keeps for later what may wait, and refuses the rest.
    pub(super) async fn put_off(
        self: &Arc<Self>,
        jobs: Vec<Job>,
        why: &Away,
        backlog: &mut Backlog,
    ) {
        let outcomes = self.keep_later(&jobs, why, backlog).await;
        if why.is_unsure {
            let refused = jobs.iter().zip(&outcomes).filter(|(_, it)| it.is_err());
            refused.for_each(|(job, _)| self.regret(&job.item, backlog));
        }
        // The status says so before whoever asked knows it.
        self.note(backlog);
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            self.answer(job, outcome);
        }
        self.keep();
        self.changed.notify_waiters();
    }

    /// Takes back what may have been committed, although whoever asked for it is told that it is not noted: unless it was
    /// noted before.
    fn regret(&self, item: &Item, backlog: &mut Backlog) {
        let noted = |attempt: &AttemptId| self.queue().open.contains(attempt);
        let begun = item.begins().map(|intent| intent.attempt);
        if let Some(attempt) = begun.filter(|attempt| !noted(attempt)) {
            let instance = self.caller.instance;
            backlog.regret(Item::TakeBack { attempt, instance });
        }
    }

    /// Keeps for later what may wait, and says of each write what its caller is to be told.
    async fn keep_later(
        &self,
        jobs: &[Job],
        why: &Away,
        backlog: &mut Backlog,
    ) -> Vec<Result<Ack>> {
        let later: Vec<_> = jobs.iter().map(|it| backlog.for_later(&it.item)).collect();
        let items: Vec<_> = later.iter().flatten().cloned().collect();
        let (kept, booking) = (backlog.keep(&items).await, backlog.booking());
        if booking == Booking::Spooled && !items.is_empty() {
            let fails = kept.iter().find_map(|kept| kept.as_ref().err());
            let fails = fails.filter(|error| error.code() != BACKLOG_FULL);
            self.queue().keeping_fails = fails.map(|error| error.code().as_str());
        }
        let mut kept = kept.into_iter();
        let mut outcome = |job: &Job, later: Option<Item>| {
            // What may not wait was not kept.
            let later = later.ok_or_else(|| unavailable(&why.error))?;
            kept.next().unwrap_or(Ok(()))?;
            if later != *job.item {
                // What is to be sent next was not noted, and the caller has to know.
                return Err(unavailable(&why.error));
            }
            Ok(later.put_off(booking))
        };
        let each = jobs.iter().zip(later);
        each.map(|(job, later)| outcome(job, later)).collect()
    }

    /// Says that the database is away, and logs it once.
    pub(super) fn is_away(&self, away: &Error) {
        let code = Some(away.code().as_str());
        if std::mem::replace(&mut self.queue().status.away, code).is_none() {
            log_event!(Spooled, code = %away.code(), "the database is away");
        }
    }

    /// Brings what was put off into the database. As long as that does not work, what comes meanwhile is put off too; as
    /// soon as it does, it waits for its turn, so that it cannot come faster than it goes. An error only when the database
    /// was closed by this process.
    pub(super) async fn catch_up(self: &Arc<Self>, backlog: &mut Backlog) -> Result<()> {
        let mut pause = PAUSES.0;
        while !backlog.is_empty() {
            match self.replay(backlog).await {
                Ok(()) => pause = PAUSES.0,
                Err(disposed) if is_disposed(&disposed) => return Err(disposed),
                Err(_) => {
                    self.meanwhile(tokio::time::sleep(pause), backlog).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
            self.note(backlog);
        }
        Ok(())
    }

    /// Brings the oldest of what was put off into the database, and forgets it here.
    async fn replay(self: &Arc<Self>, backlog: &mut Backlog) -> Result<()> {
        let oldest = backlog.peek().await;
        let oldest = oldest.inspect_err(|error| self.spool_fails(error))?;
        let attempt = self.book_late(oldest.items.iter().cloned().map(Arc::new).collect());
        let is_ill = self.queue().is_ill();
        let booked = if is_ill {
            self.meanwhile(attempt, backlog).await
        } else {
            attempt.await
        };
        let outcomes = booked.inspect_err(|away| self.is_away(away))?;
        self.queue().status.away = None;
        let forgotten = backlog.forget(&oldest, rejected(&oldest, &outcomes)).await;
        forgotten.inspect_err(|error| self.spool_fails(error))?;
        self.queue().replay_fails = None;
        self.caught_up(&oldest, &outcomes);
        self.keep();
        Ok(())
    }

    fn spool_fails(&self, error: &Error) {
        let code = Some(error.code().as_str());
        if std::mem::replace(&mut self.queue().replay_fails, code) != code {
            log_error(error);
        }
    }

    fn caught_up(&self, oldest: &Oldest, outcomes: &[Result<Ack>]) {
        let mut queue = self.queue();
        for (item, outcome) in oldest.items.iter().zip(outcomes) {
            if let Ok(ack) = outcome {
                queue.follow(item, &ack.done, self.caller.instance);
            }
        }
    }

    /// What was acknowledged and then refused. Nobody waits for the answer, so that it is kept, or where nothing keeps it
    /// logged with all that it says; and nobody will book the attempt, so that it is given up.
    pub(super) fn rejected(self: &Arc<Self>, backlog: &Backlog) {
        let is_kept = backlog.booking() == Booking::Spooled;
        for (item, code) in backlog.set_aside() {
            self.queue().status.rejected += 1;
            let text = if is_kept {
                Ok(String::new())
            } else {
                serde_json::to_string(&item)
            };
            let write = text.unwrap_or_default();
            log_event!(BillingIntegrity, %code, %write, "a write that was put off was refused");
            if let Some(attempt) = item.books() {
                self.abandon(attempt);
            }
        }
    }

    /// Puts off what comes while something takes its time.
    async fn meanwhile<T>(
        self: &Arc<Self>,
        work: impl Future<Output = T>,
        backlog: &mut Backlog,
    ) -> T {
        tokio::pin!(work);
        loop {
            // In every round: writers who come back at once must not keep it from going on.
            if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
                return done;
            }
            let jobs = self.take();
            if !jobs.is_empty() {
                let error = Error::new(DATABASE_UNREACHABLE, "the database is away");
                let is_unsure = false;
                self.put_off(jobs, &Away { error, is_unsure }, backlog)
                    .await;
                continue;
            }
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.arrived.notified() => {}
            }
        }
    }

    /// Ends the task where the database was closed by this process. What was put off stays where it is, and what may still
    /// be put off on the disk is; memory would be no better place than the caller's.
    pub(super) async fn give_up(self: &Arc<Self>, disposed: Error, backlog: &mut Backlog) {
        let away = Away {
            error: disposed,
            is_unsure: false,
        };
        loop {
            let jobs = self.take();
            if jobs.is_empty() && self.stop() {
                break;
            }
            self.without_database(jobs, &away, backlog).await;
        }
        self.changed.notify_waiters();
    }

    /// Where it was closed by this process.
    pub(super) async fn without_database(
        self: &Arc<Self>,
        jobs: Vec<Job>,
        disposed: &Away,
        backlog: &mut Backlog,
    ) {
        if backlog.booking() == Booking::Spooled {
            self.is_away(&disposed.error);
            return self.put_off(jobs, disposed, backlog).await;
        }
        for job in jobs {
            self.answer(job, Err(disposed.error.clone()));
        }
    }
}

fn rejected(oldest: &Oldest, outcomes: &[Result<Ack>]) -> Vec<(Item, String)> {
    let refused = oldest.items.iter().zip(outcomes);
    let refused = refused.filter_map(|(item, outcome)| {
        let code = outcome.as_ref().err()?.code();
        Some((item.clone(), code.as_str().to_owned()))
    });
    refused.collect()
}

fn unavailable(away: &Error) -> Error {
    Error::new(LEDGER_UNAVAILABLE, "the database is away").with_source(away.clone())
}
