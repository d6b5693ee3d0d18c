use super::{Note, Result, Subject, polled};

/// Drops a transaction after each number of polls until it ends by itself.
pub async fn a_transaction_dropped_at_any_point_is_whole_or_absent(on: Subject) -> Result<()> {
    let mut ended = false;
    for polls in 0..400 {
        let mut work = Box::pin(on.database.transaction(|scope| {
            Box::pin(async {
                on.notes
                    .create(scope, Note::new(format!("{polls} one"), 1))
                    .await?;
                tokio::task::yield_now().await;
                on.notes
                    .create(scope, Note::new(format!("{polls} two"), -1))
                    .await
            })
        }));
        ended = polled(work.as_mut(), polls).await;
        drop(work);
        if ended {
            break;
        }
    }
    assert!(ended, "it never ended");
    usable_and_whole(&on).await
}

/// Drops a statement outside of a transaction.
pub async fn an_operation_dropped_at_any_point_is_whole_or_absent(on: Subject) -> Result<()> {
    let mut ended = false;
    for polls in 0..400 {
        let many = vec![
            Note::new(format!("{polls} one"), 1),
            Note::new(format!("{polls} two"), -1),
        ];
        let scope = &mut on.writer()?;
        let mut work = Box::pin(on.notes.create_many(scope, many));
        ended = polled(work.as_mut(), polls).await;
        drop(work);
        if ended {
            break;
        }
    }
    assert!(ended, "it never ended");
    usable_and_whole(&on).await
}

/// Every connection is free again, and no pair was kept by half.
async fn usable_and_whole(on: &Subject) -> Result<()> {
    let after = on.at_once(32, |on, n| async move {
        let work = on.database.transaction(|scope| {
            Box::pin(async {
                on.notes
                    .create(scope, Note::new(format!("after {n}"), 0))
                    .await
            })
        });
        work.await
    });
    assert_eq!(after.await?.len(), 32);
    assert_eq!(on.sum().await?, 0);
    Ok(())
}
