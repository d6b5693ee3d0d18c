use super::{Note, Result, Subject, refused};
use crate::codes::{ENTITY_NOT_FOUND, STALE_VERSION, UNIQUE_VIOLATION};
use crate::{EntityId, EntityNotFoundError, Timestamp};

pub async fn what_is_created_reads_back(on: Subject) -> Result<()> {
    let created = on.create("a", 7).await?;
    assert_eq!(created.version(), 1);
    assert_eq!(on.get(created.id()).await?, created);
    let changed = created.with(Note::new("b", 8));
    let updated = on.notes.update(&mut on.writer()?, changed).await?;
    assert_eq!((updated.version(), updated.entity.rank), (2, 8));
    assert_eq!(on.get(updated.id()).await?, updated);
    assert_eq!(on.all().await?, [updated]);
    Ok(())
}

pub async fn extreme_and_foreign_values_survive(on: Subject) -> Result<()> {
    let texts = [
        "",
        " ",
        "'; DROP TABLE notes; --",
        "日本語 ᚠᛇᚻ 🦀👩‍👩‍👧 e\u{301}",
        "\t\r\n\\\"%_",
        "\u{10ffff}",
    ];
    let long = "🦀".repeat(50_000);
    for (text, rank) in texts.into_iter().chain([long.as_str()]).zip([
        0,
        i64::MIN,
        i64::MAX,
        -1,
        1,
        255,
        i64::MAX - 1,
    ]) {
        let note = Note {
            title: text.chars().take(200).collect(),
            body: text.into(),
            rank,
            at: Timestamp::from_micros(rank),
        };
        let created = on.notes.create(&mut on.writer()?, note.clone()).await?;
        assert_eq!(on.get(created.id()).await?.entity, note);
    }
    Ok(())
}

pub async fn what_is_missing_is_not_found(on: Subject) -> Result<()> {
    let (gone, id) = (on.create("a", 1).await?, EntityId::generate());
    let (scope, notes) = (&mut on.writer()?, &on.notes);
    assert!(notes.delete(scope, gone.id()).await?);
    assert_eq!(notes.get_by_id(scope, id).await?, None);
    assert!(!notes.exists(scope, id).await?);
    assert!(!notes.delete(scope, id).await?);
    refused(notes.update(scope, gone).await, ENTITY_NOT_FOUND);
    let Err(error) = notes.get_or_raise(scope, id).await else {
        panic!("it was found");
    };
    assert_eq!(error.code(), ENTITY_NOT_FOUND);
    let cause = EntityNotFoundError { entity: "note", id };
    assert_eq!(error.find::<EntityNotFoundError>(), Some(&cause));
    Ok(())
}

pub async fn an_update_of_an_old_version_is_refused_and_changes_nothing(on: Subject) -> Result<()> {
    let old = on.create("a", 1).await?;
    let (scope, notes) = (&mut on.writer()?, &on.notes);
    let new = notes
        .update(scope, old.clone().with(Note::new("b", 2)))
        .await?;
    let late = old.clone().with(Note::new("c", 3));
    refused(notes.update(scope, late).await, STALE_VERSION);
    // Nor one that writes just what it read.
    refused(notes.update(scope, old).await, STALE_VERSION);
    assert_eq!(on.all().await?, [new]);
    Ok(())
}

pub async fn a_unique_value_is_refused_and_free_again_afterwards(on: Subject) -> Result<()> {
    let first = on.create("a", 1).await?;
    refused(on.create("a", 2).await, UNIQUE_VIOLATION);
    let second = on.create("b", 2).await?;
    let (scope, notes) = (&mut on.writer()?, &on.notes);
    let same = second.clone().with(Note::new("a", 2));
    refused(notes.update(scope, same).await, UNIQUE_VIOLATION);
    assert_eq!(on.all().await?, [first.clone(), second]);
    notes.update(scope, first.with(Note::new("c", 1))).await?;
    let third = on.create("a", 3).await?;
    assert!(notes.delete(scope, third.id()).await?);
    on.create("a", 4).await?;
    Ok(())
}

pub async fn unique_values_differ_when_their_bytes_do(on: Subject) -> Result<()> {
    let titles = ["a", "A", "ä", "a\u{308}", "a ", "ß", "ss"];
    for title in titles {
        on.create(title, 1).await?;
    }
    assert_eq!(on.titles().await?, titles);
    Ok(())
}

pub async fn what_is_deleted_is_gone(on: Subject) -> Result<()> {
    let (first, second) = (on.create("a", 1).await?, on.create("b", 2).await?);
    let (scope, notes) = (&mut on.writer()?, &on.notes);
    assert!(notes.exists(scope, first.id()).await?);
    assert!(notes.delete(scope, first.id()).await?);
    assert!(!notes.delete(scope, first.id()).await?);
    assert!(!notes.exists(scope, first.id()).await?);
    assert_eq!(
        (notes.count(scope).await?, on.all().await?),
        (1, vec![second])
    );
    Ok(())
}

pub async fn many_are_created_together_or_not_at_all(on: Subject) -> Result<()> {
    let (scope, notes) = (&mut on.writer()?, &on.notes);
    assert_eq!(notes.create_many(scope, Vec::new()).await?, []);
    let titles = ["c", "a", "b"];
    let many = titles.map(|title| Note::new(title, 1)).to_vec();
    let created = notes.create_many(scope, many).await?;
    assert_eq!(on.all().await?, created);
    assert_eq!(on.titles().await?, titles);
    for clash in [["d", "a"], ["e", "e"]] {
        let many = clash.map(|title| Note::new(title, 2)).to_vec();
        refused(notes.create_many(scope, many).await, UNIQUE_VIOLATION);
    }
    assert_eq!(on.titles().await?, titles);
    Ok(())
}

pub async fn more_than_fit_into_a_statement_are_created_together(on: Subject) -> Result<()> {
    let many = |last: &str| {
        let mut many: Vec<_> = (0..2500).map(|n| Note::new(n.to_string(), n)).collect();
        many.push(Note::new(last, -1));
        many
    };
    let (scope, notes) = (&mut on.writer()?, &on.notes);
    refused(notes.create_many(scope, many("7")).await, UNIQUE_VIOLATION);
    assert_eq!(on.count().await?, 0);
    let created = notes.create_many(scope, many("last")).await?;
    assert_eq!((created.len(), on.count().await?), (2501, 2501));
    on.database
        .transaction(|scope| Box::pin(async { on.notes.create_many(scope, vec![]).await }))
        .await?;
    assert_eq!(on.all().await?[..], created[..1000]);
    Ok(())
}

pub async fn keys_follow_the_order_of_creation(on: Subject) -> Result<()> {
    let mut titles = Vec::new();
    for n in 0..300 {
        titles.push(on.create(&format!("{n}"), n).await?.entity.title);
    }
    assert_eq!(on.titles().await?, titles);
    Ok(())
}
