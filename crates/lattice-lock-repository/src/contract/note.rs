use crate::{Entity, Timestamp};

/// The entity that the contract keeps: no two have the same title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Unique, compared byte by byte, at most 200 characters.
    pub title: String,
    /// Text of any length up to a megabyte.
    pub body: String,
    /// Any 64-bit number.
    pub rank: i64,
    /// A moment, to the microsecond.
    pub at: Timestamp,
}

impl Note {
    /// A note with this title, and a rank.
    #[must_use]
    pub fn new(title: impl Into<String>, rank: i64) -> Self {
        Self {
            title: title.into(),
            body: String::new(),
            rank,
            at: Timestamp::from_micros(1_795_000_000_123_457),
        }
    }
}

impl Entity for Note {
    const NAME: &'static str = "note";

    fn unique_keys(&self) -> Vec<(&'static str, String)> {
        vec![("title", self.title.clone())]
    }
}

#[cfg(feature = "__sql")]
pub use table::{Entity as NoteTable, NOTES};

#[cfg(feature = "__sql")]
mod table {
    use lattice_lock_errors::Result;
    use sea_orm::ActiveValue::NotSet;
    use sea_orm::Set;
    use sea_orm::entity::prelude::*;

    use super::Note;
    use crate::{Engine, Migration, MigrationSet, Table, Timestamp};

    /// The table of the contract's notes.
    pub const NOTES: &[MigrationSet] = &[MigrationSet {
        name: "contract",
        migrations: &[Migration::new(1, "notes", |engine| vec![create(engine)])
            .down(|_| vec!["DROP TABLE IF EXISTS lattice_contract_notes".into()])
            .verify(|_| vec!["SELECT id FROM lattice_contract_notes WHERE 1 = 0".into()])],
    }];

    fn create(engine: Engine) -> String {
        let (uuid, text, integer) = match engine {
            Engine::Mysql => ("BINARY(16)", "LONGTEXT", "BIGINT"),
            Engine::Postgres => ("UUID", "TEXT", "BIGINT"),
            Engine::Memory | Engine::Sqlite => ("BLOB", "TEXT", "INTEGER"),
        };
        let options = engine.table_options();
        let title = if engine == Engine::Sqlite {
            "TEXT"
        } else {
            "VARCHAR(200)"
        };
        format!(
            "CREATE TABLE IF NOT EXISTS lattice_contract_notes (
    id {uuid} NOT NULL PRIMARY KEY,
    version {integer} NOT NULL,
    title {title} NOT NULL UNIQUE,
    body {text} NOT NULL,
    rank_of {integer} NOT NULL,
    happened_at {integer} NOT NULL
) {options}"
        )
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lattice_contract_notes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub version: i64,
        pub title: String,
        pub body: String,
        pub rank_of: i64,
        pub happened_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    impl Table for Entity {
        type Kept = Note;
        const KEY: Column = Column::Id;
        const VERSION: Column = Column::Version;

        fn row(note: Note) -> ActiveModel {
            ActiveModel {
                id: NotSet,
                version: NotSet,
                title: Set(note.title),
                body: Set(note.body),
                rank_of: Set(note.rank),
                happened_at: Set(note.at.as_micros()),
            }
        }

        fn kept(row: Model) -> Result<Note> {
            Ok(Note {
                title: row.title,
                body: row.body,
                rank: row.rank_of,
                at: Timestamp::from_micros(row.happened_at),
            })
        }
    }
}
