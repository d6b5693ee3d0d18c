//! What should hold and does not.

use lattice_lock_principal::Principal;
use lattice_lock_repository::Database;
use tempfile::TempDir;

use super::*;
use crate::{InstanceId, Ledger};

async fn committer(folder: &TempDir, spool: Option<Spool>) -> Committer {
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

fn intend(committer: &Committer, attempt: AttemptId) -> Item {
    let who = Principal::external("user-17").unwrap();
    let mut intent = Intent::new(attempt, &who, "openai/gpt-5".parse().unwrap());
    intent.instance = Some(committer.0.caller.instance);
    Item::Intend(intent)
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
    let committer = committer(&folder, None).await;
    let caller = committer.0.caller.clone();
    let attempt = AttemptId::first(OperationId::generate());
    // Without a spool it is refused, so that nothing waits for the database.
    goes_away(&committer, intend(&committer, attempt), false).await;
    let done = committer.submit(&caller, intend(&committer, attempt)).await;
    assert_eq!(done.unwrap().booking, super::super::Booking::Durable);
    committer.flush(Duration::from_mins(1)).await.unwrap();
    assert_eq!(committer.status().away, None);
}

#[tokio::test]
async fn a_spool_that_is_not_needed_any_more_is_not_called_ill() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool");
    let spool = Spool::open(&path, 1 << 20).unwrap();
    let committer = committer(&folder, Some(spool)).await;
    let caller = committer.0.caller.clone();
    let attempt = AttemptId::first(OperationId::generate());
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    std::fs::create_dir(&path).unwrap();
    goes_away(&committer, intend(&committer, attempt), false).await;
    assert!(committer.status().spool.is_some());
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(folder.path().join("elsewhere"), &path).unwrap();
    committer
        .submit(&caller, intend(&committer, attempt))
        .await
        .unwrap();
    committer.flush(Duration::from_mins(1)).await.unwrap();
    let status = committer.status();
    assert_eq!((status.spool, status.away), (None, None));
}

#[tokio::test]
async fn what_another_process_noted_is_not_taken_back_with_what_this_one_was_refused() {
    let folder = TempDir::new().unwrap();
    let (sibling, ours) = (
        committer(&folder, None).await,
        committer(&folder, None).await,
    );
    let attempt = AttemptId::first(OperationId::generate());
    let caller = sibling.0.caller.clone();
    sibling
        .submit(&caller, intend(&sibling, attempt))
        .await
        .unwrap();
    // The same operation comes here too, such as from a queue that delivers twice.
    goes_away(&ours, intend(&ours, attempt), true).await;
    ours.0.wake();
    ours.flush(Duration::from_mins(1)).await.unwrap();
    let open = sibling.open_intents().await.unwrap();
    assert_eq!(open.len(), 1, "the live intent of a sibling was withdrawn");
}
