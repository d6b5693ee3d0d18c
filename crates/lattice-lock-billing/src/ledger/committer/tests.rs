use std::future::Future;

use lattice_lock_principal::Principal;
use lattice_lock_providers::FailureClass;
use lattice_lock_repository::Database;
use tempfile::TempDir;

use super::*;
use crate::ledger::books::Stamped;
use crate::{Entry, InstanceId, Ledger};

async fn committer(folder: &TempDir) -> Committer {
    spooling(folder, None).await
}

async fn spooling(folder: &TempDir, spool: Option<Spool>) -> Committer {
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let database = Database::open(&url).await.unwrap();
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let caller = Caller {
        instance: InstanceId::generate(),
        lease: Duration::from_mins(1),
        clock: None,
    };
    Committer::new(Tables::new(database), caller, 8, spool)
}

fn intend(committer: &Committer) -> Item {
    intend_of(committer, AttemptId::first(OperationId::generate()))
}

fn intend_of(committer: &Committer, attempt: AttemptId) -> Item {
    let who = Principal::external("user-17").unwrap();
    let mut intent = Intent::new(attempt, &who, "openai/gpt-5".parse().unwrap());
    intent.instance = Some(committer.0.caller.instance);
    Item::Intend(intent)
}

/// Whether the lease is renewed, once all that was begun has ended.
async fn keeps(committer: &Committer) -> bool {
    committer.flush(Duration::from_mins(1)).await.unwrap();
    committer.0.queue().keeping
}

#[tokio::test]
async fn an_intent_whose_caller_went_away_has_a_lease_that_is_renewed() {
    let folder = TempDir::new().unwrap();
    let committer = committer(&folder).await;
    let item = intend(&committer);
    let caller = committer.0.caller.clone();
    let mut begun = Box::pin(committer.submit(&caller, item));
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    assert!(begun.as_mut().poll(&mut context).is_pending());
    drop(begun);
    assert!(keeps(&committer).await);
    assert_eq!(committer.open_intents().await.unwrap().len(), 1);
}

#[test]
fn the_lease_is_renewed_on_where_its_runtime_is_gone() {
    let folder = TempDir::new().unwrap();
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let last = runtime();
    let committer = last.block_on(committer(&folder));
    let (first, caller) = (runtime(), committer.0.caller.clone());
    first
        .block_on(committer.submit(&caller, intend(&committer)))
        .unwrap();
    assert!(first.block_on(keeps(&committer)));
    first.shutdown_timeout(Duration::from_mins(1));
    assert!(!last.block_on(keeps(&committer)));
    // Any write will do, also one that opens nothing.
    let attempt = AttemptId::first(OperationId::generate());
    let withdrawal = Item::Withdraw {
        attempt,
        next: None,
    };
    last.block_on(committer.submit(&caller, withdrawal))
        .unwrap();
    assert!(last.block_on(keeps(&committer)));
}

#[tokio::test]
async fn the_last_attempt_that_ends_ends_the_renewal_without_leaving_a_live_one_behind() {
    let folder = TempDir::new().unwrap();
    let committer = committer(&folder).await;
    let (item, caller) = (intend(&committer), committer.0.caller.clone());
    let attempt = item.begins().map(|intent| intent.attempt).unwrap();
    committer.submit(&caller, item).await.unwrap();
    let ended = Item::Withdraw {
        attempt,
        next: None,
    };
    committer.submit(&caller, ended).await.unwrap();
    assert!(committer.0.queue().open.is_empty());
    // The renewing task notices at its next turn; what is opened before is renewed by the same one.
    let next = intend(&committer);
    committer.submit(&caller, next).await.unwrap();
    assert!(keeps(&committer).await);
    assert_eq!(committer.0.queue().open.len(), 1);
}

/// What `commit` does where the database goes away under this write.
async fn goes_away(committer: &Committer, item: Item, is_unsure: bool) {
    let error = Error::new(DATABASE_UNREACHABLE, "the database is away");
    let away = Away { error, is_unsure };
    let mut backlog = committer.0.backlog.lock().await;
    committer.0.is_away(&away.error);
    let jobs = vec![Job::own(item)];
    committer.0.put_off(jobs, &away, &mut backlog).await;
}

#[tokio::test]
async fn a_database_that_takes_writes_again_is_not_called_away() {
    let folder = TempDir::new().unwrap();
    let committer = committer(&folder).await;
    let caller = committer.0.caller.clone();
    let attempt = AttemptId::first(OperationId::generate());
    // Without a spool it is refused, so that nothing waits for the database.
    goes_away(&committer, intend_of(&committer, attempt), false).await;
    let done = committer
        .submit(&caller, intend_of(&committer, attempt))
        .await;
    assert_eq!(done.unwrap().booking, crate::ledger::Booking::Durable);
    committer.flush(Duration::from_mins(1)).await.unwrap();
    assert_eq!(committer.status().away, None);
}

#[tokio::test]
async fn a_spool_that_is_not_needed_any_more_is_not_called_ill() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool");
    let spool = Spool::open(&path, 1 << 20).unwrap();
    let committer = spooling(&folder, Some(spool)).await;
    let caller = committer.0.caller.clone();
    let attempt = AttemptId::first(OperationId::generate());
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    std::fs::create_dir(&path).unwrap();
    goes_away(&committer, intend_of(&committer, attempt), false).await;
    assert!(committer.status().spool.is_some());
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(folder.path().join("elsewhere"), &path).unwrap();
    committer
        .submit(&caller, intend_of(&committer, attempt))
        .await
        .unwrap();
    committer.flush(Duration::from_mins(1)).await.unwrap();
    let status = committer.status();
    assert_eq!((status.spool, status.away), (None, None));
}

#[tokio::test]
async fn what_another_process_noted_is_not_taken_back_with_what_this_one_was_refused() {
    let folder = TempDir::new().unwrap();
    let (sibling, ours) = (committer(&folder).await, committer(&folder).await);
    let attempt = AttemptId::first(OperationId::generate());
    let caller = sibling.0.caller.clone();
    sibling
        .submit(&caller, intend_of(&sibling, attempt))
        .await
        .unwrap();
    // The same operation comes here too, such as from a queue that delivers twice.
    goes_away(&ours, intend_of(&ours, attempt), true).await;
    ours.0.wake(None);
    ours.flush(Duration::from_mins(1)).await.unwrap();
    let open = sibling.open_intents().await.unwrap();
    assert_eq!(open.len(), 1, "the live intent of a sibling was withdrawn");
}

/// What waits is an entry, and the database takes all but entries.
async fn with_an_entry_that_is_not_taken(folder: &TempDir) -> (Committer, Entry) {
    let committer = committer(folder).await;
    let who = Principal::external("user-17").unwrap();
    let attempt = AttemptId::first(OperationId::generate());
    let model = "openai/gpt-5".parse().unwrap();
    let entry = Entry::new(attempt, &who, model, crate::Outcome::Replied).unwrap();
    committer.0.queue().open.insert(attempt);
    let item = Item::Record {
        entry: Box::new(Stamped::new(entry.clone())),
        next: None,
    };
    goes_away(&committer, item, false).await;
    execute(folder, "CREATE TRIGGER ill BEFORE INSERT ON lattice_entries BEGIN INSERT INTO missing VALUES (1); END").await;
    (committer, entry)
}

async fn execute(folder: &TempDir, sql: &'static str) {
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_refusal_that_passes_although_other_writes_are_taken() {
    let folder = TempDir::new().unwrap();
    let (committer, entry) = with_an_entry_that_is_not_taken(&folder).await;
    committer.0.wake(None);
    while committer.0.queue().doubted < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    execute(&folder, "DROP TRIGGER ill").await;
    committer.flush(Duration::from_mins(1)).await.unwrap();
    let operation = entry.attempt().unwrap().operation();
    assert_eq!(committer.of_operation(operation).await.unwrap().len(), 1);
    let (status, doubted) = (committer.status(), committer.0.queue().doubted);
    assert_eq!((status.rejected, status.away, doubted), (0, None, 0));
}

#[tokio::test]
async fn what_is_refused_again_and_again_is_set_aside_and_given_up_at_last() {
    let folder = TempDir::new().unwrap();
    let (committer, entry) = with_an_entry_that_is_not_taken(&folder).await;
    committer.0.queue().doubted = TRIES - 1;
    committer.0.wake(None);
    committer.flush(Duration::from_mins(1)).await.unwrap();
    assert_eq!(
        (committer.status().rejected, committer.status().waiting),
        (1, 0)
    );
    assert!(!committer.0.queue().open.contains(&entry.attempt().unwrap()));
}

#[tokio::test]
async fn what_is_refused_is_given_up_before_its_caller_knows() {
    let folder = TempDir::new().unwrap();
    let (committer, _) = with_an_entry_that_is_not_taken(&folder).await;
    let committer = Arc::new(committer);
    let attempt = AttemptId::first(OperationId::generate());
    committer.0.queue().open.insert(attempt);
    let who = Principal::external("user-17").unwrap();
    let model = "openai/gpt-5".parse().unwrap();
    let entry = Entry::new(attempt, &who, model, crate::Outcome::Replied).unwrap();
    let (answer, answered) = oneshot::channel();
    let item = Arc::new(Item::Record {
        entry: Box::new(Stamped::new(entry)),
        next: None,
    });
    let job = Job {
        item,
        answer,
        _space: None,
    };
    let mut backlog = Backlog::new(None, 8, PATIENCE);
    let looked = tokio::spawn({
        let committer = Arc::clone(&committer);
        async move {
            let refused = answered.await.unwrap();
            (refused.is_err(), committer.0.queue().jobs.len())
        }
    });
    committer.0.queue().running = true;
    committer.0.commit(vec![job], &mut backlog).await;
    assert_eq!(looked.await.unwrap(), (true, 1));
}

#[tokio::test]
async fn an_attempt_that_is_booked_is_not_under_way_whoever_begins_it() {
    let folder = TempDir::new().unwrap();
    let committer = committer(&folder).await;
    let (caller, attempt) = (
        committer.0.caller.clone(),
        AttemptId::first(OperationId::generate()),
    );
    let who = Principal::external("user-17").unwrap();
    let model = "openai/gpt-5".parse().unwrap();
    let entry = Entry::new(attempt, &who, model, crate::Outcome::Replied).unwrap();
    let record = |entry: &Entry, next| Item::Record {
        entry: Box::new(Stamped::new(entry.clone())),
        next,
    };
    committer
        .submit(&caller, record(&entry, None))
        .await
        .unwrap();
    let intend = intend_of(&committer, attempt);
    let next = intend.begins().cloned();
    let other = AttemptId::first(OperationId::generate());
    let withdraw = Item::Withdraw {
        attempt: other,
        next: next.clone(),
    };
    let model = entry.requested_model().clone();
    let before = Entry::new(other, &who, model, entry.outcome()).unwrap();
    for again in [intend, withdraw, record(&before, next)] {
        committer.submit(&caller, again).await.unwrap();
        assert!(committer.0.queue().open.is_empty());
    }
    assert!(!keeps(&committer).await);
}

/// Waits until what was put off is in the database, which a flush leaves to the disk.
async fn replayed(committer: &Committer) {
    committer.0.wake(None);
    let replayed = async {
        while committer.status().spooled_bytes > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let replayed = tokio::time::timeout(Duration::from_mins(1), replayed).await;
    replayed.unwrap();
}

#[tokio::test]
async fn what_is_under_way_after_a_replay_has_a_lease_that_is_renewed() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&folder.path().join("spool"), 1 << 20).unwrap();
    let committer = spooling(&folder, Some(spool)).await;
    goes_away(&committer, intend(&committer), false).await;
    // As if the renewing task had looked while something that was taken back had just left nothing under way.
    {
        let mut queue = committer.0.queue();
        queue.open.clear();
        queue.keeping = false;
    }
    replayed(&committer).await;
    assert!(keeps(&committer).await);
}

#[tokio::test]
async fn what_was_to_follow_is_noted_where_that_which_carried_it_is_refused_later() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(&folder.path().join("spool"), 1 << 20).unwrap();
    let committer = spooling(&folder, Some(spool)).await;
    let (caller, attempt) = (
        committer.0.caller.clone(),
        AttemptId::first(OperationId::generate()),
    );
    let who = Principal::external("user-17").unwrap();
    let record = |outcome, next| {
        let model = "openai/gpt-5".parse().unwrap();
        let entry = Entry::new(attempt, &who, model, outcome).unwrap();
        let entry = Box::new(Stamped::new(entry));
        Item::Record { entry, next }
    };
    let booked = record(crate::Outcome::Replied, None);
    committer.submit(&caller, booked).await.unwrap();
    let next = intend(&committer).begins().cloned().unwrap();
    let conflict = record(
        crate::Outcome::Failed(FailureClass::Timeout),
        Some(next.clone()),
    );
    goes_away(&committer, conflict, false).await;
    replayed(&committer).await;
    assert_eq!(committer.status().rejected, 1);
    let open = committer.open_intents().await.unwrap();
    let open: Vec<_> = open.iter().map(|intent| intent.attempt).collect();
    assert_eq!(open, [next.attempt]);
    assert!(keeps(&committer).await);
}
