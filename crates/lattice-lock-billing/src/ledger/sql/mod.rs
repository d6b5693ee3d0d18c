mod common;
mod entry_table;
mod head;
mod intent_table;
mod reading;
mod schema;
mod statement;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::codes::UNIQUE_VIOLATION;
use lattice_lock_repository::{Database, Isolation, Scope, Timestamp, TransactionOptions, Work};
use lattice_lock_runtime::RetryPolicy;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use self::head::Head;
use self::statement::{MOST_KEYS, OrOurs, Sql, parts, run_each};
use super::books::{Books, Changes, Item};
use super::store::{Ack, Caller, Settled, Verdict};
use super::{Archive, Booking};
use crate::codes::{LEDGER_CORRUPT, LEDGER_FOREIGN};
use crate::entry::Subject;
use crate::{AttemptId, InstanceId, Intent, Outcome};

pub(super) use schema::MIGRATIONS;

/// Entries in the tables of a database.
pub(super) struct Tables {
    database: Database,
    /// When instances were last said to be alive.
    renewed: Mutex<HashMap<InstanceId, Timestamp>>,
    /// Whether the last batch had entries that were there already.
    doubled: AtomicBool,
}

/// How entries that are there already are found among those to be written. They hardly ever come, and then many at once,
/// from a spool that is replayed or a caller that tries again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubles {
    /// By looking for them first.
    Read,
    /// By their keys, which are unique: the database refuses the batch.
    Refused,
}

/// Writes of one transaction.
#[derive(Clone)]
struct Batch {
    caller: Caller,
    items: Arc<[Arc<Item>]>,
    /// Whether this process has attempts under way.
    is_alive: bool,
    /// When instances were last said to be alive.
    known: HashMap<InstanceId, Timestamp>,
    doubles: Doubles,
}

/// What came of a batch.
struct Booked {
    outcomes: Vec<Result<Ack>>,
    renewed: Vec<(InstanceId, Timestamp)>,
    doubled: bool,
}

impl Tables {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database,
            renewed: Mutex::default(),
            doubled: AtomicBool::default(),
        }
    }

    /// Runs work that writes, as the only one that does. Each write bears repetition.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'_>) -> Work<'s, T> + Send + Sync,
        T: Send,
    {
        // Whoever waits here keeps others waiting, and what cannot be written now can wait elsewhere.
        let retry = RetryPolicy::new()
            .max_attempts(3)
            .base_delay(Duration::from_millis(10));
        let options = TransactionOptions::default()
            .isolation(Isolation::ReadCommitted)
            .retry(retry);
        self.database.transaction_with(options, work).await
    }

    /// Does writes in one transaction, and says what became of each. Those that the books refuse do not harm the others.
    ///
    /// [`UNIQUE_VIOLATION`] where some are there already that were taken for new: the next time, that is looked for first.
    pub(super) async fn book(
        &self,
        caller: &Caller,
        items: &Arc<[Arc<Item>]>,
        is_alive: bool,
    ) -> Result<Vec<Result<Ack>>> {
        let batch = Batch {
            caller: caller.clone(),
            items: Arc::clone(items),
            is_alive,
            known: self.renewed().clone(),
            doubles: if self.doubled.load(Ordering::Relaxed) {
                Doubles::Read
            } else {
                Doubles::Refused
            },
        };
        let booked = self
            .write(|scope| {
                let batch = batch.clone();
                Box::pin(async move { book(scope, batch).await })
            })
            .await;
        if matches!(&booked, Err(refused) if refused.code() == UNIQUE_VIOLATION) {
            self.doubled.store(true, Ordering::Relaxed);
        }
        let booked = booked?;
        self.doubled.store(booked.doubled, Ordering::Relaxed);
        self.renewed().extend(booked.renewed);
        Ok(booked.outcomes)
    }

    fn renewed(&self) -> std::sync::MutexGuard<'_, HashMap<InstanceId, Timestamp>> {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn settle(
        &self,
        caller: &Caller,
        verdicts: Arc<[Verdict]>,
    ) -> Result<Vec<Settled>> {
        self.write(|scope| {
            let (caller, verdicts) = (caller.clone(), Arc::clone(&verdicts));
            Box::pin(async move { settle(scope, &caller, &verdicts).await })
        })
        .await
    }

    pub(super) async fn archive(&self, archive: &Archive) -> Result<()> {
        self.write(|scope| {
            let archive = archive.clone();
            Box::pin(async move { reading::archive(scope, &archive).await })
        })
        .await
    }
}

async fn book(scope: &mut Scope<'_>, batch: Batch) -> Result<Booked> {
    let Batch { caller, items, .. } = &batch;
    let head = Head::lock(scope).await?;
    let mut books = load(scope, &head, items.iter().map(AsRef::as_ref), batch.doubles).await?;
    let doubled = batch.doubles == Doubles::Read && !books.entries.is_empty();
    let outcomes: Vec<_> = items.iter().map(|item| books.apply(item)).collect();
    let mut alive: BTreeSet<_> = books
        .intents
        .values()
        .filter_map(Intent::instance)
        .collect();
    // Whoever asks for it wants to see something written.
    let renews = items.iter().any(|item| **item == Item::Renew);
    if batch.is_alive || renews {
        alive.insert(caller.instance);
    }
    let now = caller.now_or(|| head.now);
    let mut renewed = Vec::new();
    for instance in alive {
        let is_due = batch
            .known
            .get(&instance)
            .is_none_or(|last| *last + caller.lease / 3 <= now || *last > now);
        if is_due || renews {
            head.renew(scope, instance, now + caller.lease).await?;
            renewed.push((instance, now));
        }
    }
    save(scope, &head, books).await?;
    let booking = if head.is_durable {
        Booking::Durable
    } else {
        Booking::Memory
    };
    let ack = |outcome: Result<_>| outcome.map(|done| Ack { done, booking });
    Ok(Booked {
        outcomes: outcomes.into_iter().map(ack).collect(),
        renewed,
        doubled,
    })
}

/// Reads what is known of the entries that writes are about.
async fn load(
    scope: &mut Scope<'_>,
    head: &Head,
    items: impl Iterator<Item = &Item>,
    doubles: Doubles,
) -> Result<Books> {
    let mut keys = Keys::default();
    for item in items {
        keys.add(item);
    }
    let mut books = Books {
        position: head.position,
        ..Books::default()
    };
    let mut asked = keys.others;
    if doubles == Doubles::Read || !head.checks_keys {
        asked.append(&mut keys.new);
    }
    asked.sort_unstable();
    asked.dedup();
    read(scope, head, &mut books, &asked).await?;
    let corrections = read_corrections(scope, head, &mut books).await?;
    if head.has_archives {
        asked.extend(keys.new);
        asked.extend(corrections);
        for part in asked.chunks(MOST_KEYS) {
            let sql = Sql::new(
                head.backend,
                "SELECT idempotency_key, payload_hash FROM lattice_archived_keys WHERE idempotency_key",
            );
            for row in sql.among(part).rows(scope).await? {
                let text = |column: &str| row.try_get::<String>("", column).or_ours();
                let (key, hash) = (text("idempotency_key")?, text("payload_hash")?);
                books.archived.insert(key, hash);
            }
        }
    }
    Ok(books)
}

/// What writes are about.
#[derive(Default)]
struct Keys {
    /// What is to be written and follows nothing, so that it only matters whether it is there already.
    new: Vec<String>,
    others: Vec<String>,
}

impl Keys {
    fn add(&mut self, item: &Item) {
        let next = match item {
            Item::Renew | Item::Abandon { .. } | Item::TakeBack { .. } => None,
            Item::Intend(intent) => Some(intent),
            Item::Withdraw { next, .. } => next.as_ref(),
            Item::Record { entry, next } => {
                let (subject, revision) = (&entry.fact.subject, entry.fact.revision);
                let key = subject.key(revision);
                match revision.checked_sub(1) {
                    None => self.new.push(key),
                    Some(before) => self.others.extend([key, subject.key(before)]),
                }
                next.as_ref()
            }
        };
        let next = next.map(|intent| Subject::Attempt(intent.attempt).key(0));
        self.others.extend(next);
    }
}

async fn read(
    scope: &mut Scope<'_>,
    head: &Head,
    books: &mut Books,
    keys: &[String],
) -> Result<()> {
    for part in keys.chunks(MOST_KEYS) {
        let known = entry_table::known(scope, head.backend, part).await?;
        for entry in entry_table::read(scope, head.backend, &known).await? {
            let revision = (entry.fact.subject.clone(), entry.fact.revision);
            books.entries.insert(revision, Arc::new(entry));
        }
    }
    Ok(())
}

/// Reads by what the assumptions among these entries were corrected since, and returns the keys of what may follow.
async fn read_corrections(
    scope: &mut Scope<'_>,
    head: &Head,
    books: &mut Books,
) -> Result<Vec<String>> {
    let assumed = books.entries.values();
    let assumed = assumed.filter(|entry| entry.outcome() == Outcome::Unknown);
    let mut last: BTreeMap<_, u16> = assumed
        .map(|entry| (entry.fact.subject.clone(), 0))
        .collect();
    let mut unread = last.clone();
    while !unread.is_empty() {
        let keys = unread.iter().map(|(subject, last)| subject.key(last + 1));
        let keys: Vec<_> = keys.collect();
        read(scope, head, books, &keys).await?;
        unread.retain(|subject, last| {
            *last += 1;
            let is_there = books.entries.contains_key(&(subject.clone(), *last));
            is_there && *last < u16::MAX
        });
        last.extend(unread.clone());
    }
    let next = |(subject, last): (Subject, u16)| subject.key(last.saturating_add(1));
    Ok(last.into_iter().map(next).collect())
}

/// Writes what was changed.
async fn save(scope: &mut Scope<'_>, head: &Head, books: Books) -> Result<()> {
    let Changes {
        fresh,
        closed,
        taken_back,
        opened,
        abandoned,
    } = &books.changes;
    let closed: Vec<_> = closed.iter().map(AttemptId::to_string).collect();
    let closings = closed.chunks(MOST_KEYS).map(|part| {
        let delete = "DELETE FROM lattice_intents WHERE attempt_key";
        Sql::new(head.backend, delete).among(part)
    });
    let takings_back = taken_back
        .iter()
        .map(|own| of_own_intent(head, "DELETE FROM lattice_intents", *own));
    // Before what is opened: that was given up afterwards, and is written so, or is opened behind that.
    let abandon = "UPDATE lattice_intents SET instance_id = NULL";
    let abandonings = abandoned
        .iter()
        .map(|own| of_own_intent(head, abandon, *own));
    let opened = opened.iter().filter_map(|it| books.intents.get(it));
    let opened: Vec<_> = opened.collect();
    let openings = parts(head.backend, &opened).map(|part| {
        let rows = part.iter().map(|intent| intent_table::row(intent));
        let (table, columns) = ("lattice_intents", &intent_table::COLUMNS);
        Sql::insert(head.backend, table, columns, rows).or_nothing("attempt_key")
    });
    let entries = parts(head.backend, fresh).map(|part| {
        let rows = part.iter().map(|(entry, hash)| {
            entry_table::row(entry, hash.get_or_init(|| entry.payload_hash()))
        });
        Sql::insert(head.backend, "lattice_entries", &entry_table::COLUMNS, rows)
    });
    let statements = closings
        .chain(takings_back)
        .chain(abandonings)
        .chain(openings)
        .chain(entries)
        .chain(head.advance(books.position));
    run_each(scope, statements).await
}

/// A statement on the intent of an attempt, if it is of this instance.
fn of_own_intent(head: &Head, change: &str, (attempt, instance): (AttemptId, InstanceId)) -> Sql {
    Sql::new(head.backend, change)
        .text(" WHERE attempt_key = ")
        .bind(attempt.to_string())
        .text(" AND instance_id = ")
        .bind(*instance.as_uuid())
}

/// Does what was decided about the intents that are still open and whose processes are still gone.
async fn settle(
    scope: &mut Scope<'_>,
    caller: &Caller,
    verdicts: &[Verdict],
) -> Result<Vec<Settled>> {
    let head = Head::lock(scope).await?;
    let now = caller.now_or(|| head.now);
    let keys = verdicts.iter().map(|it| it.intent.attempt.to_string());
    let still = reading::expired_intents(scope, caller, now, Some(keys.collect())).await?;
    let items = verdicts.iter().filter_map(|it| it.item.as_ref());
    let mut books = load(scope, &head, items, Doubles::Read).await?;
    let (mut outcomes, mut kept) = (Vec::with_capacity(verdicts.len()), Vec::new());
    for verdict in verdicts {
        outcomes.push(match &verdict.item {
            _ if !still.contains(&verdict.intent) => Settled::Elsewhere,
            Some(item) => Settled::of(books.apply(item)),
            None => {
                kept.push(verdict.intent.attempt.to_string());
                Settled::Done
            }
        });
    }
    save(scope, &head, books).await?;
    if !kept.is_empty() {
        intent_table::Entity::update_many()
            .col_expr(intent_table::Column::Held, Expr::value(1_i64))
            .filter(intent_table::Column::AttemptKey.is_in(kept))
            .exec(scope.connection()?)
            .await
            .or_ours()?;
    }
    // Nobody needs to know any more when these were last heard of.
    Sql::new(
        head.backend,
        "DELETE FROM lattice_instances WHERE instance_id NOT IN \
         (SELECT instance_id FROM lattice_intents WHERE instance_id IS NOT NULL) AND lease_until < ",
    )
    .bind(now.as_micros())
    .run(scope)
    .await?;
    Ok(outcomes)
}

/// A row that our own code did not write.
fn corrupt(column: &'static str) -> Error {
    Error::new(LEDGER_CORRUPT, "a row of the ledger makes no sense").with("column", column)
}

/// A row that this version did not write, for it does not know what stands there.
fn newer(column: &'static str) -> Error {
    Error::new(LEDGER_FOREIGN, "a row of the ledger is of another version").with("column", column)
}
