//! The error codes of this crate.

lattice_lock_errors::codes! {
    /// The database's URL has no scheme that is known, or cannot be read.
    DATABASE_URL_INVALID = "LL-DB-001", Misconfigured,
        "write sqlite:path, postgres://host/name or mysql://host/name, or sqlite::memory: for no database";
    /// This build has no support for the database's engine.
    ENGINE_NOT_BUILT = "LL-DB-002", Unsupported, "enable the feature that the error names";
    /// The database cannot be reached, or no connection became free in time.
    DATABASE_UNREACHABLE = "LL-DB-003", Unavailable, "check that the database runs, its address, and the pool's size";
    /// The entity does not exist.
    ENTITY_NOT_FOUND = "LL-DB-004", NotFound, "check the id";
    /// Another row has the same key.
    UNIQUE_VIOLATION = "LL-DB-005", Conflict, "use another key, or read the row that has it";
    /// The entity changed since it was read.
    STALE_VERSION = "LL-DB-006", Conflict, "read the entity again and repeat the change";
    /// Concurrent transactions were in each other's way, and the attempts are used up.
    TRANSACTION_CONTENDED = "LL-DB-007", Busy, "try again, or make the transaction smaller";
    /// The connection was lost while committing: it may or may not have happened.
    COMMIT_UNKNOWN = "LL-DB-008", Ambiguous, "read back what was written before repeating it";
    /// The database refused a statement.
    STATEMENT_FAILED = "LL-DB-009", Internal, "report the error with its causes";
    /// The tables are not at the state that this version needs.
    MIGRATION_NEEDED = "LL-DB-010", Misconfigured, "run the migrations, or ask the builder to";
    /// A migration that was applied differs from the one that this version has.
    MIGRATION_CHANGED = "LL-DB-011", Integrity, "use the version that applied it; applied migrations never change";
    /// The database was disposed of.
    DATABASE_DISPOSED = "LL-DB-012", Cancelled, "open the database again";
    /// The database has no tables: it is in memory.
    NO_TABLES = "LL-DB-013", Unsupported, "open a database with a URL for what needs tables";
    /// A page of a list must have between one and a thousand entities.
    PAGE_SIZE_INVALID = "LL-DB-014", Invalid, "ask for 1 to 1000 entities at a time";
    /// A write where only reading is allowed.
    READ_ONLY = "LL-DB-015", Invalid, "use a writer, or a transaction that is not read-only";
    /// A statement failed before, so the transaction can no longer be committed.
    TRANSACTION_FAILED = "LL-DB-016", Conflict, "return the error, or nest what may fail";
    /// The repository in memory holds as many entities as it may.
    STORE_FULL = "LL-DB-017", Exhausted, "remove entities, raise the limit, or use a database";
    /// The repository keeps its entities elsewhere than this scope reaches.
    STORE_MISMATCH = "LL-DB-018", Invalid, "use a scope of the database that the repository belongs to";
    /// A row was written by somebody else, and makes no sense.
    ROW_INVALID = "LL-DB-019", Integrity, "find out what else writes to the table";
    /// The database does not know the user, the password, or the database of this name.
    DATABASE_REFUSED = "LL-DB-020", Misconfigured, "check the user, the password and the database's name";
    /// The version of the database is too old, or is known to damage files.
    ENGINE_TOO_OLD = "LL-DB-021", Unsupported, "upgrade the database to the version that the error names";
    /// The tables were changed by a newer version, which says that this one is too old for them.
    READER_TOO_OLD = "LL-DB-022", Misconfigured, "run the version that changed the tables, or a newer one";
    /// A migration cannot be undone: it has no way back.
    NO_WAY_BACK = "LL-DB-023", Unsupported, "restore a backup, or write a migration that mends what is wrong";
    /// The migrations of a build are not numbered from 1 on, or two sets have the same name.
    MIGRATIONS_INVALID = "LL-DB-024", Internal, "number the migrations of each set from 1 on, under a name of its own";
    /// Tables cannot be exported, or lines not be imported into these tables.
    TRANSFER_REFUSED = "LL-DB-025", Conflict, "migrate an empty database to the state that was exported, and import the whole file";
    /// Reading or writing the lines of an export failed.
    TRANSFER_INTERRUPTED = "LL-DB-026", Unavailable, "check the file and the space for it, and begin again";
    /// Something between here and PostgreSQL loses prepared statements or mixes them up.
    STATEMENTS_LOST = "LL-DB-027", Misconfigured,
        "use PgBouncer from 1.21 on with max_prepared_statements above 0, its session mode, or PostgreSQL itself";
    /// The database has no room left: its disk, its quota or its memory is used up.
    DATABASE_FULL = "LL-DB-028", Unavailable, "make room for the database";
    /// The database does not take what a statement says: a value or a constraint is in the way, and always will be.
    DATA_REFUSED = "LL-DB-029", Invalid, "correct what is written";
}
