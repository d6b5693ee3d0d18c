use super::{Note, Result, Subject};
use crate::codes::{STALE_VERSION, TRANSACTION_CONTENDED};
use crate::{Page, Stored};

pub async fn uncommitted_changes_are_seen_by_nobody_else(on: Subject) -> Result<()> {
    let writes = on.at_once(4, |on, n| async move {
        for k in 0..10 {
            let work = on.database.transaction(|scope| {
                Box::pin(async {
                    on.notes
                        .create(scope, Note::new(format!("{n} {k} one"), 1))
                        .await?;
                    tokio::task::yield_now().await;
                    on.notes
                        .create(scope, Note::new(format!("{n} {k} two"), -1))
                        .await
                })
            });
            work.await?;
        }
        Ok(())
    });
    let reads = on.at_once(4, |on, _| async move {
        for _ in 0..30 {
            assert_eq!(on.sum().await?, 0);
        }
        Ok(())
    });
    writes.await?;
    reads.await?;
    assert_eq!(on.count().await?, 80);
    Ok(())
}

pub async fn of_many_writers_of_one_version_exactly_one_wins(on: Subject) -> Result<()> {
    let note = on.create("a", 0).await?;
    let writers = on.at_once(16, move |on, n| {
        let changed = note.clone().with(Note::new("a", n));
        async move {
            let written = on.notes.update(&mut on.writer()?, changed).await;
            match written {
                Ok(_) => Ok(1),
                Err(error) if is_lost_race(&error) => Ok(0),
                Err(error) => Err(error),
            }
        }
    });
    assert_eq!(writers.await?.into_iter().sum::<i32>(), 1);
    Ok(())
}

fn is_lost_race(error: &lattice_lock_errors::Error) -> bool {
    [STALE_VERSION, TRANSACTION_CONTENDED].contains(&error.code())
}

fn raised(note: Stored<Note>) -> Stored<Note> {
    let rank = note.entity.rank + 1;
    note.with(Note::new("counter", rank))
}

pub async fn no_update_is_lost_with_versions(on: Subject) -> Result<()> {
    let id = on.create("counter", 0).await?.id();
    let writers = on.at_once(8, move |on, _| async move {
        let mut raises = 0;
        while raises < 5 {
            let note = on.get(id).await?;
            match on.notes.update(&mut on.writer()?, raised(note)).await {
                Ok(_) => raises += 1,
                Err(error) if is_lost_race(&error) => tokio::task::yield_now().await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    });
    writers.await?;
    let counter = on.get(id).await?;
    assert_eq!((counter.entity.rank, counter.version()), (40, 41));
    Ok(())
}

pub async fn no_update_is_lost_in_transactions(on: Subject) -> Result<()> {
    let id = on.create("counter", 0).await?.id();
    let writers = on.at_once(8, move |on, _| async move {
        let mut raises = 0;
        while raises < 5 {
            let work = on.database.transaction(|scope| {
                Box::pin(async {
                    let note = on.notes.get_or_raise(scope, id).await?;
                    tokio::task::yield_now().await;
                    on.notes.update(scope, raised(note)).await
                })
            });
            match work.await {
                Ok(_) => raises += 1,
                Err(error) if is_lost_race(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    });
    writers.await?;
    assert_eq!(on.get(id).await?.entity.rank, 40);
    Ok(())
}

/// Of two on call one may leave, if the other stays: whoever looks and then leaves must not do so beside another.
pub async fn serialisable_transactions_have_no_write_skew(on: Subject) -> Result<()> {
    for round in 0..10 {
        let pair = [1, 2]
            .map(|n| Note::new(format!("{round} {n}"), round))
            .to_vec();
        let pair = on.notes.create_many(&mut on.writer()?, pair).await?;
        let left = on.at_once(2, move |on, n| {
            let own = pair[usize::from(n == 1)].id();
            async move {
                let work = on.database.transaction(|scope| {
                    Box::pin(async {
                        let all = on.notes.list(scope, Page::first(1000)?).await?;
                        let here = all.iter().filter(|note| note.entity.rank == round);
                        if here.count() < 2 {
                            return Ok(false);
                        }
                        tokio::task::yield_now().await;
                        on.notes.delete(scope, own).await
                    })
                });
                match work.await {
                    Err(error) if error.code() == TRANSACTION_CONTENDED => Ok(false),
                    done => done,
                }
            }
        });
        let left = left.await?.into_iter().filter(|left| *left).count();
        assert!(left < 2, "both left in round {round}");
    }
    Ok(())
}

pub async fn sixty_four_writers_all_get_their_entities_in(on: Subject) -> Result<()> {
    let writers = on.at_once(64, |on, n| async move {
        let work = on.database.transaction(|scope| {
            Box::pin(async { on.notes.create(scope, Note::new(n.to_string(), n)).await })
        });
        work.await
    });
    let written = writers.await?;
    assert_eq!((written.len(), on.count().await?), (64, 64));
    assert_eq!(on.sum().await?, (0..64).sum::<i64>());
    Ok(())
}
