use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::sync::{Mutex, oneshot};

use super::BATCH;
use crate::codes::{SPOOL_FAILED, WRITE_INTERRUPTED};
use crate::ledger::Booking;
use crate::ledger::books::{Done, Item};
use crate::ledger::spool::{Spool, full};
use crate::ledger::store::Ack;

/// Acknowledged writes that are not in the database yet, the oldest first.
pub(super) struct Backlog {
    /// Withdrawals of what may have been committed although its caller was told that it is not noted. They come before all
    /// others, for the same may be asked for once more.
    regrets: VecDeque<Item>,
    kept: Kept,
    known: Arc<Known>,
}

/// What is known of what is kept, whoever waits for its disk or does not.
#[derive(Default)]
struct Known {
    /// How much is in the spool.
    bytes: AtomicU64,
    /// What was refused and is forgotten by now, for whoever reports it.
    aside: std::sync::Mutex<Vec<Refused>>,
}

/// A write, and the code of what is wrong with it.
pub(super) type Refused = (Item, String);

impl Known {
    // Nothing can panic while it is locked.
    fn aside(&self) -> MutexGuard<'_, Vec<Refused>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Kept {
    Memory {
        items: VecDeque<Item>,
        capacity: usize,
    },
    Spool(Disk),
}

/// Some of the oldest writes, and the place behind them.
pub(super) struct Oldest {
    pub(super) items: Vec<Item>,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Regrets(usize),
    Memory(usize),
    Spool(u64),
}

impl Backlog {
    pub(super) fn new(spool: Option<Spool>, capacity: usize, patience: Duration) -> Self {
        let items = VecDeque::new();
        let known = Arc::new(Known::default());
        Self {
            regrets: VecDeque::new(),
            kept: match spool {
                Some(spool) => Kept::Spool(Disk::new(spool, patience, Arc::clone(&known))),
                None => Kept::Memory { items, capacity },
            },
            known,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.spooled_bytes() == 0
    }

    /// How many writes are in memory.
    pub(super) fn waiting(&self) -> usize {
        self.regrets.len()
            + match &self.kept {
                Kept::Memory { items, .. } => items.len(),
                Kept::Spool(_) => 0,
            }
    }

    pub(super) fn spooled_bytes(&self) -> u64 {
        self.known.bytes.load(Ordering::Acquire)
    }

    /// What was refused and is forgotten, once.
    pub(super) fn set_aside(&self) -> Vec<Refused> {
        std::mem::take(&mut self.known.aside())
    }

    pub(super) fn booking(&self) -> Booking {
        match self.kept {
            Kept::Memory { .. } => Booking::Memory,
            Kept::Spool(_) => Booking::Spooled,
        }
    }

    /// What of a write may wait. A lease cannot be renewed later, and without a spool nothing may be sent whose intent is
    /// only in memory; what was sent already may always wait.
    pub(super) fn for_later(&self, item: &Item) -> Option<Item> {
        match (&self.kept, item) {
            (_, Item::Renew) | (Kept::Memory { .. }, Item::Intend(_)) => None,
            (Kept::Memory { .. }, Item::Record { entry, .. }) => Some(Item::Record {
                entry: entry.clone(),
                next: None,
            }),
            (Kept::Memory { .. }, Item::Withdraw { attempt, .. }) => Some(Item::Withdraw {
                attempt: *attempt,
                next: None,
            }),
            (_, item) => Some(item.clone()),
        }
    }

    /// Keeps what can be kept of these, and says for each whether it is.
    pub(super) async fn keep(&mut self, items: &[Item]) -> Vec<Result<()>> {
        match &mut self.kept {
            Kept::Memory {
                items: kept,
                capacity,
            } => {
                let fit = capacity.saturating_sub(kept.len()).min(items.len());
                kept.extend(items[..fit].iter().cloned());
                let outcome = |at| if at < fit { Ok(()) } else { Err(full()) };
                (0..items.len()).map(outcome).collect()
            }
            Kept::Spool(disk) => disk.keep(items).await,
        }
    }

    /// Sees to it that what nobody was told of does not stay.
    pub(super) fn regret(&mut self, withdrawal: Item) {
        self.regrets.push_back(withdrawal);
    }

    /// What was to follow is there by itself: it was acknowledged too, and may be under way.
    pub(super) async fn peek(&mut self) -> Result<Oldest> {
        let first = |items: &VecDeque<Item>| items.iter().take(BATCH).cloned().collect();
        let (items, place): (Vec<Item>, _) = match &mut self.kept {
            _ if !self.regrets.is_empty() => {
                let items: Vec<_> = first(&self.regrets);
                let place = Place::Regrets(items.len());
                (items, place)
            }
            Kept::Memory { items, .. } => {
                let items: Vec<_> = first(items);
                let place = Place::Memory(items.len());
                (items, place)
            }
            Kept::Spool(disk) => {
                let (items, place) = disk.run(|spool| spool.peek(BATCH), |_, _| ()).await?;
                (items, Place::Spool(place))
            }
        };
        let apart = items.into_iter().flat_map(Item::apart).flatten();
        Ok(Oldest {
            items: apart.collect(),
            place,
        })
    }

    /// Forgets the oldest writes. Those that were refused are kept apart first, and [set aside](Self::set_aside), also where
    /// nobody waits for that any more.
    pub(super) async fn forget(&mut self, oldest: &Oldest, rejected: Vec<Refused>) -> Result<()> {
        let known = Arc::clone(&self.known);
        match (oldest.place, &mut self.kept) {
            (Place::Regrets(many), _) => {
                self.regrets.drain(..many);
                known.aside().extend(rejected);
            }
            (Place::Memory(many), Kept::Memory { items, .. }) => {
                items.drain(..many);
                known.aside().extend(rejected);
            }
            (Place::Spool(place), Kept::Spool(disk)) => {
                let forget = move |spool: &mut Spool| {
                    if !rejected.is_empty() {
                        spool.reject(&rejected)?;
                    }
                    spool.replayed(place)?;
                    known.aside().extend(rejected);
                    Ok(())
                };
                disk.run(forget, |_, _| ()).await?;
            }
            (Place::Memory(_), Kept::Spool(_)) | (Place::Spool(_), Kept::Memory { .. }) => {}
        }
        Ok(())
    }
}

/// A spool, whose file is worked with where that may take its time.
struct Disk {
    spool: Arc<Mutex<Spool>>,
    known: Arc<Known>,
    /// How long it may take to answer.
    patience: Duration,
    /// Whether it took longer, and still does.
    is_silent: bool,
}

impl Disk {
    fn new(spool: Spool, patience: Duration, known: Arc<Known>) -> Self {
        known.bytes.store(spool.bytes(), Ordering::Release);
        Self {
            known,
            spool: Arc::new(Mutex::new(spool)),
            patience,
            is_silent: false,
        }
    }

    async fn keep(&mut self, items: &[Item]) -> Vec<Result<()>> {
        let texts: Vec<_> = items.iter().map(Spool::text).collect();
        let whole: Vec<_> = texts
            .iter()
            .filter_map(|text| text.as_ref().ok().cloned())
            .collect();
        let appended = self.run(move |it| it.append(&whole), Spool::take_back);
        let appended = appended.await;
        let mut at = 0;
        let outcome = |text: Result<Vec<u8>>| {
            text?;
            at += 1;
            match &appended {
                Ok(fit) if at > *fit => Err(full()),
                Ok(_) => Ok(()),
                Err(error) => Err(error.clone()),
            }
        };
        texts.into_iter().map(outcome).collect()
    }

    /// Works with the spool. If nobody waits for the answer any more, `unheard` is told how many bytes there were before.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Spool) -> Result<T> + Send + 'static,
        unheard: fn(&mut Spool, u64),
    ) -> Result<T> {
        // It is not waited for twice.
        let patience = if self.is_silent {
            Duration::ZERO
        } else {
            self.patience
        };
        let locked = tokio::time::timeout(patience, Arc::clone(&self.spool).lock_owned()).await;
        let Ok(mut spool) = locked else {
            self.is_silent = true;
            return Err(silent());
        };
        let (answer, mut answered) = oneshot::channel();
        let known = Arc::clone(&self.known);
        tokio::task::spawn_blocking(move || {
            let before = spool.bytes();
            let done = work(&mut spool);
            let is_done = done.is_ok();
            known.bytes.store(spool.bytes(), Ordering::Release);
            if answer.send(done).is_err() && is_done {
                unheard(&mut spool, before);
                known.bytes.store(spool.bytes(), Ordering::Release);
            }
        });
        let in_time = tokio::time::timeout(self.patience, &mut answered).await;
        self.is_silent = in_time.is_err();
        let told = in_time.map_or_else(
            |_| {
                answered.close();
                answered.try_recv().map_err(|_| silent())
            },
            |told| told.map_err(|_| interrupted()),
        );
        told?
    }
}

fn silent() -> Error {
    Error::new(SPOOL_FAILED, "the spool's disk does not answer")
}

fn interrupted() -> Error {
    Error::new(WRITE_INTERRUPTED, "the spool was left in the middle")
}

impl Item {
    /// The acknowledgement of a write that waits.
    pub(super) fn put_off(&self, booking: Booking) -> Ack {
        let done = match self {
            Self::Record { entry, .. } => Done::Recorded {
                entry: Arc::new((***entry).clone()),
                replayed: false,
                is_over: false,
            },
            _ => Done::Noted,
        };
        Ack { done, booking }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{AttemptId, OperationId};

    fn withdrawal(number: u16) -> Item {
        let operation = OperationId::from_uuid(uuid::Uuid::from_u128(7));
        Item::Withdraw {
            attempt: AttemptId::new(operation, 1, number),
            next: None,
        }
    }

    #[tokio::test]
    async fn a_disk_that_does_not_answer_is_given_up_and_what_it_wrote_is_taken_back() {
        let folder = TempDir::new().unwrap();
        let spool = Spool::open(&folder.path().join("spool"), 1 << 20).unwrap();
        let mut disk = Disk::new(spool, Duration::from_millis(20), Arc::default());
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let texts = [Spool::text(&withdrawal(1)).unwrap()];
        let slow = move |spool: &mut Spool| {
            let appended = spool.append(&texts);
            let _ = gone.recv();
            appended
        };
        let refused = disk.run(slow, Spool::take_back).await.unwrap_err();
        assert_eq!(refused.code(), SPOOL_FAILED);
        // Nobody waits for it again.
        disk.patience = Duration::from_hours(1);
        let kept = disk.keep(&[withdrawal(2)]).await;
        assert_eq!(kept[0].as_ref().unwrap_err().code(), SPOOL_FAILED);
        drop(go);
        // It answers again as soon as it has let go of the file.
        drop(disk.spool.lock().await);
        assert!(disk.keep(&[withdrawal(3)]).await[0].is_ok());
        let (items, _) = disk.run(|spool| spool.peek(9), |_, _| ()).await.unwrap();
        assert_eq!(items, [withdrawal(3)]);
    }

    #[tokio::test]
    async fn one_that_cannot_be_written_keeps_no_other_from_being_kept() {
        let folder = TempDir::new().unwrap();
        let spool = Spool::open(&folder.path().join("spool"), 1 << 20).unwrap();
        let mut backlog = Backlog::new(Some(spool), 1, Duration::from_mins(1));
        let who = lattice_lock_principal::Principal::external("user-17").unwrap();
        let attempt = AttemptId::first(OperationId::generate());
        let mut huge = crate::Intent::new(attempt, &who, "openai/gpt-5".parse().unwrap());
        huge.conversation = Some("x".repeat(2 << 20));
        let items = [withdrawal(1), Item::Intend(huge), withdrawal(2)];
        let kept = backlog.keep(&items).await;
        let kept: Vec<_> = kept.iter().map(Result::is_ok).collect();
        assert_eq!(kept, [true, false, true]);
        assert_eq!(
            backlog.peek().await.unwrap().items,
            [withdrawal(1), withdrawal(2)]
        );
    }

    /// One in the spool that the ledger refuses, on a disk that is waited for this long.
    async fn refused_on_a_slow_disk(patience: Duration) -> (TempDir, Backlog, Oldest) {
        let folder = TempDir::new().unwrap();
        let spool = Spool::open(&folder.path().join("spool"), 1 << 20).unwrap();
        let mut backlog = Backlog::new(Some(spool), 1, Duration::from_mins(1));
        assert!(backlog.keep(&[withdrawal(1)]).await[0].is_ok());
        let oldest = backlog.peek().await.unwrap();
        // A disk answers before it lets go of the file, and one that still holds it would not be asked.
        drop(disk(&backlog).lock().await);
        if let Kept::Spool(disk) = &mut backlog.kept {
            disk.patience = patience;
        }
        (folder, backlog, oldest)
    }

    fn disk(backlog: &Backlog) -> Arc<Mutex<Spool>> {
        match &backlog.kept {
            Kept::Spool(disk) => Arc::clone(&disk.spool),
            Kept::Memory { .. } => panic!("there is a spool"),
        }
    }

    #[tokio::test]
    async fn what_is_set_aside_after_nobody_waits_any_more_is_still_told_of() {
        let (folder, mut backlog, oldest) = refused_on_a_slow_disk(Duration::ZERO).await;
        let refused = vec![(withdrawal(1), "LL-BIL-004".to_owned())];
        // Whether it was in time or not, the disk has done it as soon as it lets go of the file.
        let _ = backlog.forget(&oldest, refused.clone()).await;
        drop(disk(&backlog).lock().await);
        assert!(backlog.is_empty());
        assert_eq!(backlog.set_aside(), refused);
        assert!(backlog.set_aside().is_empty());
        assert!(folder.path().join("spool.rejected").exists());
    }

    #[tokio::test]
    async fn how_much_is_in_the_spool_is_known_where_the_task_that_asked_was_dropped() {
        let (_folder, mut backlog, oldest) = refused_on_a_slow_disk(Duration::from_mins(1)).await;
        let mut forgotten = Box::pin(backlog.forget(&oldest, Vec::new()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        // A quick disk is done by then; of a slower one nobody hears any more.
        let _ = forgotten.as_mut().poll(&mut context);
        drop(forgotten);
        drop(disk(&backlog).lock().await);
        assert_eq!((backlog.spooled_bytes(), backlog.is_empty()), (0, true));
    }
}
