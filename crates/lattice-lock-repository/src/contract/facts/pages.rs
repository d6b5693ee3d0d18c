use std::collections::BTreeSet;

use super::{Note, Result, Subject, refused};
use crate::codes::PAGE_SIZE_INVALID;
use crate::{ListAll, Page};

pub async fn pages_neither_shift_nor_repeat_when_entities_come(on: Subject) -> Result<()> {
    for n in 0..5 {
        on.create(&n.to_string(), n).await?;
    }
    let (scope, notes) = (&mut on.reader()?, &on.notes);
    let first = notes.list(scope, Page::first(3)?).await?;
    on.create("late", 9).await?;
    assert!(notes.delete(&mut on.writer()?, first[0].id()).await?);
    let rest = Page::first(9)?.after(first[2].id());
    let rest = notes.list(scope, rest).await?;
    let titles: Vec<_> = rest.iter().map(|note| note.entity.title.as_str()).collect();
    assert_eq!(titles, ["3", "4", "late"]);
    let end = Page::first(9)?.after(rest[2].id());
    assert_eq!(notes.list(scope, end).await?, []);
    for size in [0, 1001] {
        refused(Page::first(size), PAGE_SIZE_INVALID);
    }
    Ok(())
}

pub async fn a_listing_goes_through_all_and_leaves_the_scope_free(on: Subject) -> Result<()> {
    let many = (0..25).map(|n| Note::new(n.to_string(), n)).collect();
    on.notes.create_many(&mut on.writer()?, many).await?;
    for size in [1, 5, 24, 25, 26] {
        let (scope, mut seen) = (&mut on.reader()?, 0);
        let mut all = on.notes.list_all(Page::first(size)?);
        while let Some(note) = all.next(scope).await? {
            assert!(on.notes.exists(scope, note.id()).await?);
            seen += 1;
        }
        assert_eq!((seen, all.next(scope).await?), (25, None));
    }
    let (scope, mut all) = (&mut on.writer()?, on.notes.list_all(Page::first(10)?));
    while let Some(note) = all.next(scope).await? {
        assert!(on.notes.delete(scope, note.id()).await?);
    }
    assert_eq!(on.count().await?, 0);
    Ok(())
}

pub async fn pages_under_concurrent_inserts_repeat_nothing(on: Subject) -> Result<()> {
    let before = (0..40).map(|n| Note::new(n.to_string(), n)).collect();
    let before = on.notes.create_many(&mut on.writer()?, before).await?;
    let inserts = on.at_once(8, |on, n| async move {
        for k in 0..10 {
            on.create(&format!("{n}-{k}"), k).await?;
        }
        Ok(())
    });
    let reads = on.at_once(4, |on, _| async move {
        let (mut seen, mut all) = (Vec::new(), on.notes.list_all(Page::first(7)?));
        while let Some(note) = all.next(&mut on.reader()?).await? {
            seen.push(note.id());
        }
        Ok(seen)
    });
    inserts.await?;
    for seen in reads.await? {
        let set: BTreeSet<_> = seen.iter().copied().collect();
        assert_eq!(set.len(), seen.len(), "one was repeated");
        assert!(before.iter().all(|note| set.contains(&note.id())));
    }
    Ok(())
}
