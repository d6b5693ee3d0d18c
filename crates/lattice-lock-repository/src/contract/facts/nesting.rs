use super::{Note, ON_PURPOSE, Result, Subject, on_purpose, polled, refused};
use crate::Scope;
use crate::codes::UNIQUE_VIOLATION;

async fn put(on: &Subject, scope: &mut Scope<'_>, title: &str) -> Result<()> {
    on.notes.create(scope, Note::new(title, 1)).await.map(drop)
}

pub async fn a_nested_part_is_undone_by_itself(on: Subject) -> Result<()> {
    let work = on.database.transaction(|scope| {
        Box::pin(async {
            put(&on, scope, "a").await?;
            let undone = scope.nested(|scope| {
                Box::pin(async {
                    put(&on, scope, "b").await?;
                    Err::<(), _>(on_purpose())
                })
            });
            refused(undone.await, ON_PURPOSE);
            scope.nested(|scope| Box::pin(put(&on, scope, "c"))).await?;
            put(&on, scope, "d").await
        })
    });
    work.await?;
    assert_eq!(on.titles().await?, ["a", "c", "d"]);
    Ok(())
}

pub async fn a_nested_part_in_a_nested_part_is_undone_with_it(on: Subject) -> Result<()> {
    let work = on.database.transaction(|scope| {
        Box::pin(async {
            let outer = scope.nested(|scope| {
                Box::pin(async {
                    put(&on, scope, "a").await?;
                    scope.nested(|scope| Box::pin(put(&on, scope, "b"))).await?;
                    Err::<(), _>(on_purpose())
                })
            });
            refused(outer.await, ON_PURPOSE);
            let outer = scope.nested(|scope| {
                Box::pin(async {
                    let inner = scope.nested(|scope| {
                        Box::pin(async {
                            put(&on, scope, "c").await?;
                            Err::<(), _>(on_purpose())
                        })
                    });
                    refused(inner.await, ON_PURPOSE);
                    put(&on, scope, "d").await
                })
            });
            outer.await
        })
    });
    work.await?;
    assert_eq!(on.titles().await?, ["d"]);
    Ok(())
}

pub async fn a_nested_part_that_is_dropped_is_undone(on: Subject) -> Result<()> {
    for polls in 0..200 {
        let work = on.database.transaction(|scope| {
            Box::pin(async {
                put(&on, scope, &format!("before {polls}")).await?;
                let part = scope.nested(|scope| {
                    Box::pin(async {
                        put(&on, scope, &format!("one {polls}")).await?;
                        tokio::task::yield_now().await;
                        put(&on, scope, &format!("two {polls}")).await
                    })
                });
                let ended = {
                    let mut part = Box::pin(part);
                    polled(part.as_mut(), polls).await
                };
                put(&on, scope, &format!("after {polls}")).await?;
                Ok(ended)
            })
        });
        let ended = work.await?;
        let titles = on.titles().await?;
        let has = |word: &str| titles.contains(&format!("{word} {polls}"));
        assert!(has("before") && has("after"), "after {polls} polls");
        assert_eq!(has("one"), has("two"), "after {polls} polls");
        if ended {
            assert!(has("one"));
            return Ok(());
        }
    }
    panic!("it never ended");
}

pub async fn a_failure_inside_a_nested_part_does_not_spoil_the_rest(on: Subject) -> Result<()> {
    let work = on.database.transaction(|scope| {
        Box::pin(async {
            put(&on, scope, "a").await?;
            let clash = scope.nested(|scope| Box::pin(put(&on, scope, "a")));
            refused(clash.await, UNIQUE_VIOLATION);
            put(&on, scope, "b").await
        })
    });
    work.await?;
    assert_eq!(on.titles().await?, ["a", "b"]);
    Ok(())
}
