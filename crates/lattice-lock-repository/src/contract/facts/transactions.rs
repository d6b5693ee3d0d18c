use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Note, ON_PURPOSE, Result, Subject, on_purpose, refused};
use crate::codes::{
    DATABASE_DISPOSED, READ_ONLY, STALE_VERSION, TRANSACTION_CONTENDED, TRANSACTION_FAILED,
    UNIQUE_VIOLATION,
};
use crate::{Database, Isolation, TransactionError, TransactionOptions};
use lattice_lock_errors::Error;
use lattice_lock_runtime::RetryPolicy;

pub async fn a_transaction_that_succeeds_is_committed_as_a_whole(on: Subject) -> Result<()> {
    for isolation in [Isolation::Serializable, Isolation::ReadCommitted] {
        let options = TransactionOptions::default().isolation(isolation);
        let work = on.database.transaction_with(options, |scope| {
            Box::pin(async {
                let first = on
                    .notes
                    .create(scope, Note::new(format!("{isolation:?}"), 1))
                    .await?;
                let seen = on.notes.get_or_raise(scope, first.id()).await?;
                on.notes
                    .update(
                        scope,
                        seen.with(Note::new(format!("{isolation:?} again"), 2)),
                    )
                    .await
            })
        });
        let note = work.await?;
        assert_eq!(on.get(note.id()).await?, note);
    }
    assert_eq!(on.count().await?, 2);
    Ok(())
}

pub async fn an_error_undoes_the_whole_transaction(on: Subject) -> Result<()> {
    let (kept, gone) = (on.create("kept", 1).await?, on.create("deleted", 2).await?);
    let work = on.database.transaction(|scope| {
        Box::pin(async {
            on.notes.create(scope, Note::new("new", 3)).await?;
            on.notes
                .update(scope, kept.clone().with(Note::new("changed", 4)))
                .await?;
            on.notes.delete(scope, gone.id()).await?;
            assert_eq!(on.notes.count(scope).await?, 2);
            Err::<(), _>(on_purpose())
        })
    });
    refused(work.await, ON_PURPOSE);
    assert_eq!(on.all().await?, [kept, gone]);
    on.create("new", 5).await.map(drop)
}

pub async fn a_panic_undoes_the_whole_transaction(on: Subject) -> Result<()> {
    for _ in 0..3 {
        let panicking = on.clone();
        let task = tokio::spawn(async move {
            let work = panicking.database.transaction::<(), _>(|scope| {
                Box::pin(async {
                    panicking.notes.create(scope, Note::new("a", 1)).await?;
                    // Not a panic of the test's own, which would be printed.
                    std::panic::resume_unwind(Box::new("on purpose"))
                })
            });
            work.await
        });
        assert!(task.await.is_err_and(|stopped| stopped.is_panic()));
    }
    assert_eq!(on.count().await?, 0);
    on.create("a", 1).await.map(drop)
}

pub async fn what_a_method_refuses_leaves_the_transaction_usable(on: Subject) -> Result<()> {
    let old = on.create("a", 1).await?;
    let work = on.database.transaction(|scope| {
        Box::pin(async {
            let new = on
                .notes
                .update(scope, old.clone().with(Note::new("b", 2)))
                .await?;
            refused(on.notes.update(scope, old.clone()).await, STALE_VERSION);
            on.notes.create(scope, Note::new("c", 3)).await?;
            Ok(new)
        })
    });
    let new = work.await?;
    assert_eq!((on.count().await?, on.get(old.id()).await?), (2, new));
    Ok(())
}

pub async fn a_failed_statement_cannot_be_committed(on: Subject) -> Result<()> {
    on.create("a", 1).await?;
    let work = on.database.transaction(|scope| {
        Box::pin(async {
            on.notes.create(scope, Note::new("b", 2)).await?;
            refused(
                on.notes.create(scope, Note::new("a", 3)).await,
                UNIQUE_VIOLATION,
            );
            refused(on.notes.count(scope).await, TRANSACTION_FAILED);
            refused(
                on.notes.create(scope, Note::new("c", 3)).await,
                TRANSACTION_FAILED,
            );
            Ok(())
        })
    });
    refused(work.await, TRANSACTION_FAILED);
    assert_eq!(on.titles().await?, ["a"]);
    Ok(())
}

pub async fn reading_scopes_refuse_to_write(on: Subject) -> Result<()> {
    let note = on.create("a", 1).await?;
    let (scope, notes) = (&mut on.reader()?, &on.notes);
    refused(notes.create(scope, Note::new("b", 2)).await, READ_ONLY);
    refused(notes.create_many(scope, vec![]).await, READ_ONLY);
    refused(notes.update(scope, note.clone()).await, READ_ONLY);
    refused(notes.delete(scope, note.id()).await, READ_ONLY);
    let report = on
        .database
        .transaction_with(TransactionOptions::default().read_only(), |scope| {
            Box::pin(async {
                refused(on.notes.delete(scope, note.id()).await, READ_ONLY);
                on.notes.get_or_raise(scope, note.id()).await
            })
        });
    assert_eq!(report.await?, note);
    Ok(())
}

/// How often work runs that always fails with this error, and what comes of it.
async fn failing(on: &Database, error: Error) -> (u32, Error) {
    let policy = RetryPolicy::new()
        .max_attempts(4)
        .base_delay(Duration::from_millis(1));
    let runs = AtomicU32::new(0);
    let work = on.transaction_with(TransactionOptions::default().retry(policy), |_| {
        runs.fetch_add(1, Ordering::Relaxed);
        let error = error.clone();
        Box::pin(async { Err::<(), _>(error) })
    });
    let Err(error) = work.await else {
        panic!("it was committed");
    };
    (runs.into_inner(), error)
}

pub async fn contention_is_retried_so_often_and_no_more(on: Subject) -> Result<()> {
    let contended = Error::new(TRANSACTION_CONTENDED, "busy");
    let (runs, error) = failing(&on.database, contended).await;
    assert_eq!((runs, error.code()), (4, TRANSACTION_CONTENDED));
    let attempts = error.find::<TransactionError>().map(|cause| cause.attempts);
    assert_eq!(attempts, Some(4));
    Ok(())
}

pub async fn other_errors_are_not_retried(on: Subject) -> Result<()> {
    let unreachable = Error::new(crate::codes::DATABASE_UNREACHABLE, "gone");
    assert!(unreachable.is_retryable());
    for error in [unreachable, on_purpose()] {
        let (runs, returned) = failing(&on.database, error.clone()).await;
        assert_eq!((runs, returned.code()), (1, error.code()));
    }
    Ok(())
}

pub async fn a_database_that_was_reset_is_empty_and_usable(on: Subject) -> Result<()> {
    on.create("a", 1).await?;
    on.database.reset().await?;
    assert_eq!(on.count().await?, 0);
    on.create("a", 1).await.map(drop)
}

pub async fn a_database_that_was_disposed_of_says_so(on: Subject) -> Result<()> {
    on.create("a", 1).await?;
    on.database.dispose().await;
    on.database.dispose().await;
    refused(on.database.reader().map(drop), DATABASE_DISPOSED);
    refused(on.database.writer().map(drop), DATABASE_DISPOSED);
    let work = on
        .database
        .transaction(|scope| Box::pin(on.notes.count(scope)));
    refused(work.await, DATABASE_DISPOSED);
    Ok(())
}
