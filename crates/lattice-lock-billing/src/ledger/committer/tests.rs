use std::future::Future;

use lattice_lock_principal::Principal;
use lattice_lock_repository::Database;
use tempfile::TempDir;

use super::*;
use crate::{InstanceId, Ledger};

async fn committer(folder: &TempDir) -> Committer {
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let database = Database::open(&url).await.unwrap();
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let caller = Caller {
        instance: InstanceId::generate(),
        lease: Duration::from_mins(1),
        clock: None,
    };
    Committer::new(Tables::new(database), caller, 8, None)
}

fn intend(committer: &Committer) -> Item {
    let who = Principal::external("user-17").unwrap();
    let attempt = AttemptId::first(OperationId::generate());
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
    let attempt = item.begins().unwrap();
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
