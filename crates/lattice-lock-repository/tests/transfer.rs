//! Export and import, from every engine to every other.
#![cfg(all(feature = "contract", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod server;

use lattice_lock_errors::Code;
use lattice_lock_repository::contract::{NOTES, Note, NoteTable};
use lattice_lock_repository::{
    Database, Page, Repository, Stored, TableRepository, Timestamp, codes,
};

const NOTE_TABLE: TableRepository<NoteTable> = TableRepository::new();

/// Notes that are hard to carry: more than a page, with texts that engines sort differently.
async fn filled(database: &Database) -> Vec<u8> {
    database.migrate(NOTES).await.unwrap();
    let mut notes: Vec<_> = (0..1200)
        .map(|n| Note::new(format!("ß Z a {n}"), n))
        .collect();
    for (n, text) in ["", "\"\\\n", "🦀 日本", "{\"hex\":\"00\"}"]
        .into_iter()
        .enumerate()
    {
        notes.push(Note {
            title: format!("hard {n}"),
            body: text.into(),
            rank: if n % 2 == 0 { i64::MIN } else { i64::MAX },
            at: Timestamp::from_micros(-1),
        });
    }
    NOTE_TABLE
        .create_many(&mut database.writer().unwrap(), notes)
        .await
        .unwrap();
    exported(database).await
}

async fn exported(database: &Database) -> Vec<u8> {
    let mut lines = Vec::new();
    let exported = database.export(&mut lines).await.unwrap();
    assert_eq!((exported.tables, exported.rows), (1, 1204));
    lines
}

async fn all(database: &Database) -> Vec<Stored<Note>> {
    let scope = &mut database.reader().unwrap();
    NOTE_TABLE
        .list(scope, Page::first(1000).unwrap())
        .await
        .unwrap()
}

async fn empty() -> Database {
    let database = Database::sqlite_in_memory().await.unwrap();
    database.migrate(NOTES).await.unwrap();
    database
}

/// Out of this database into `SQLite`, and back into it.
async fn there_and_back(database: Database) {
    let lines = filled(&database).await;
    let other = empty().await;
    assert_eq!(other.import(&*lines).await.unwrap().rows, 1204);
    assert_eq!(all(&other).await, all(&database).await);
    let lines = exported(&other).await;
    database.migrate_down(NOTES, 1).await.unwrap();
    database.migrate(NOTES).await.unwrap();
    assert_eq!(database.import(&*lines).await.unwrap().rows, 1204);
    assert_eq!(all(&database).await, all(&other).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_goes_to_sqlite_and_back() {
    there_and_back(Database::sqlite_in_memory().await.unwrap()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn postgres_goes_to_sqlite_and_back() {
    server::POSTGRES.run(there_and_back).await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn mysql_goes_to_sqlite_and_back() {
    server::MYSQL.run(there_and_back).await;
}

async fn check(lines: &str, into: &Database, code: Code) {
    let refused = into.import(lines.as_bytes()).await.unwrap_err();
    assert_eq!(refused.code(), code, "{refused:?}");
    assert_eq!(all(into).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_whole_changes_nothing() {
    let source = Database::sqlite_in_memory().await.unwrap();
    let lines = String::from_utf8(filled(&source).await).unwrap();
    let target = empty().await;
    let whole: Vec<_> = lines.lines().collect();
    for cut in [0, 1, 2, 700, whole.len() - 2, whole.len() - 1] {
        check(&whole[..cut].join("\n"), &target, codes::TRANSFER_REFUSED).await;
    }
    for (from, to) in [
        ("ß Z a 7\"", "ß Z a 7x\""),
        ("\"format\":1", "\"format\":2"),
        ("\"contract\"", "\"another\""),
        ("\"rank_of\"", "\"rank\""),
    ] {
        assert!(lines.contains(from));
        check(
            &lines.replacen(from, to, 1),
            &target,
            codes::TRANSFER_REFUSED,
        )
        .await;
    }
    let twice = source.import(lines.as_bytes()).await.unwrap_err();
    assert_eq!(twice.code(), codes::TRANSFER_REFUSED);
    assert_eq!(all(&source).await.len(), 1000);
    let bare = Database::sqlite_in_memory().await.unwrap();
    let unmigrated = bare.import(lines.as_bytes()).await.unwrap_err();
    assert_eq!(unmigrated.code(), codes::TRANSFER_REFUSED);
    target.import(lines.as_bytes()).await.unwrap();
}
