use super::Engine;

/// One step from one state of the tables to the next. A step that was released never changes.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Where it stands in its set, from 1.
    pub version: u32,
    /// What it does, in a few words.
    pub name: &'static str,
    /// Its statements for an engine. On MySQL each must bear repetition: there DDL is not transactional.
    pub statements: fn(Engine) -> Vec<String>,
}

/// The migrations of one crate, in order.
#[derive(Clone, Copy, Debug)]
pub struct MigrationSet {
    /// Whose tables they are, such as `billing`.
    pub name: &'static str,
    /// The steps, versions rising.
    pub migrations: &'static [Migration],
}

#[cfg(feature = "__sql")]
mod run {
    use std::fmt::Write;

    use lattice_lock_errors::{Error, Result};
    use sea_orm::{ConnectionTrait, Statement};
    use sha2::{Digest, Sha256};

    use super::{Migration, MigrationSet};
    use crate::Timestamp;
    use crate::codes::{
        DATABASE_UNREACHABLE, MIGRATION_CHANGED, MIGRATION_NEEDED, STATEMENT_FAILED,
        TRANSACTION_CONTENDED,
    };
    use crate::database::error::OrDatabaseError;
    use crate::database::{Database, Engine, Isolation, Scope, TransactionOptions};

    /// Where it is written which migrations were applied.
    const MIGRATIONS_TABLE: &str = "lattice_migrations";

    /// The number of the lock that keeps two migrating processes apart on PostgreSQL.
    const LOCK: i64 = 0x6c61_7474_6963_6501;

    /// The name of the lock on MySQL, as SQL: locks belong to the server there, and these tables to a database.
    const SESSION_LOCK: &str = "CONCAT('lattice_', MD5(DATABASE()))";

    /// How long one try for the lock on MySQL waits; a transaction makes five.
    const LOCK_SECONDS: u32 = 12;

    impl Database {
        /// Brings the tables of these sets to the newest state, and says how many steps that took.
        ///
        /// Several processes may do so at once: they wait for each other. In memory there is nothing to do.
        ///
        /// # Errors
        ///
        /// [`MIGRATION_CHANGED`] when an applied step differs from the one given; [`TRANSACTION_CONTENDED`] when
        /// another process migrates for longer than a minute.
        pub async fn migrate(&self, sets: &'static [MigrationSet]) -> Result<usize> {
            if self.engine() == Engine::Memory {
                return Ok(0);
            }
            // In a task of its own: a caller that goes away must not leave MySQL's lock to a pooled session.
            let database = self.clone();
            let migration = async move {
                let options = TransactionOptions {
                    isolation: Isolation::ReadCommitted,
                    tolerant: true,
                    ..TransactionOptions::default()
                };
                database
                    .transaction_with(options, |scope| Box::pin(migrate(scope, sets)))
                    .await
            };
            tokio::spawn(migration).await.unwrap_or_else(|stopped| {
                Err(Error::new(DATABASE_UNREACHABLE, "the runtime stopped").with_foreign(&stopped))
            })
        }

        /// Refuses tables that are not at the newest state, without changing anything.
        ///
        /// # Errors
        ///
        /// [`MIGRATION_NEEDED`] with the first missing step; [`MIGRATION_CHANGED`].
        pub async fn require_migrated(&self, sets: &'static [MigrationSet]) -> Result<()> {
            if self.engine() == Engine::Memory {
                return Ok(());
            }
            let mut scope = self.reader()?;
            let applied = match applied(&mut scope).await {
                // Nothing was ever applied: the table itself is missing.
                Err(error) if error.code() == STATEMENT_FAILED => Vec::new(),
                read => read?,
            };
            match pending(&applied, sets, self.engine())?.first() {
                None => Ok(()),
                Some(step) => Err(
                    Error::new(MIGRATION_NEEDED, "the tables are not up to date")
                        .with("missing", &step.id),
                ),
            }
        }
    }

    struct Step {
        id: String,
        checksum: String,
        statements: Vec<String>,
    }

    impl Step {
        fn new(set: &MigrationSet, migration: &Migration, engine: Engine) -> Self {
            let statements = (migration.statements)(engine);
            Self {
                id: format!("{}-{:04}-{}", set.name, migration.version, migration.name),
                checksum: checksum(&statements),
                statements,
            }
        }
    }

    fn checksum(statements: &[String]) -> String {
        let mut hasher = Sha256::new();
        for statement in statements {
            hasher.update(statement.as_bytes());
            hasher.update([0]);
        }
        hasher
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    async fn migrate(scope: &mut Scope<'_>, sets: &[MigrationSet]) -> Result<usize> {
        lock(scope).await?;
        let outcome = migrate_locked(scope, sets).await;
        let unlocked = unlock(scope).await;
        outcome.and_then(|steps| unlocked.map(|()| steps))
    }

    async fn migrate_locked(scope: &mut Scope<'_>, sets: &[MigrationSet]) -> Result<usize> {
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {MIGRATIONS_TABLE} \
             (id VARCHAR(128) PRIMARY KEY, checksum VARCHAR(64) NOT NULL, applied_at BIGINT NOT NULL)"
        );
        execute(scope, &create).await?;
        let applied = applied(scope).await?;
        let steps = pending(&applied, sets, scope.engine())?;
        for step in &steps {
            apply(scope, step).await?;
        }
        Ok(steps.len())
    }

    async fn execute(scope: &mut Scope<'_>, sql: &str) -> Result<()> {
        let done = scope.connection()?.execute_unprepared(sql).await;
        done.map(drop).or_database_error()
    }

    /// Waits until no other process migrates. A `SQLite` transaction holds the file already, and PostgreSQL's
    /// lock ends with the transaction; on MySQL, whose DDL commits by itself, it belongs to the session.
    async fn lock(scope: &mut Scope<'_>) -> Result<()> {
        match scope.engine() {
            Engine::Postgres => {
                execute(scope, &format!("SELECT pg_advisory_xact_lock({LOCK})")).await
            }
            Engine::Mysql => lock_session(scope).await,
            Engine::Memory | Engine::Sqlite => Ok(()),
        }
    }

    /// Waits a while for MySQL's lock; whoever does not get it in time has to try again.
    async fn lock_session(scope: &mut Scope<'_>) -> Result<()> {
        let connection = scope.connection()?;
        let sql = format!("SELECT GET_LOCK({SESSION_LOCK}, {LOCK_SECONDS}) AS taken");
        let query = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(query).await.or_database_error()?;
        let taken = row.map(|row| row.try_get::<Option<i64>>("", "taken"));
        match taken.transpose().or_database_error()?.flatten() {
            Some(1) => Ok(()),
            _ => Err(Error::new(
                TRANSACTION_CONTENDED,
                "another process is migrating",
            )),
        }
    }

    async fn unlock(scope: &mut Scope<'_>) -> Result<()> {
        match scope.engine() {
            Engine::Mysql => execute(scope, &format!("SELECT RELEASE_LOCK({SESSION_LOCK})")).await,
            Engine::Memory | Engine::Sqlite | Engine::Postgres => Ok(()),
        }
    }

    async fn applied(scope: &mut Scope<'_>) -> Result<Vec<(String, String)>> {
        let connection = scope.connection()?;
        let sql = format!("SELECT id, checksum FROM {MIGRATIONS_TABLE}");
        let query = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(query).await.or_database_error()?;
        rows.iter()
            .map(|row| {
                Ok((
                    row.try_get("", "id").or_database_error()?,
                    row.try_get("", "checksum").or_database_error()?,
                ))
            })
            .collect()
    }

    fn pending(
        applied: &[(String, String)],
        sets: &[MigrationSet],
        engine: Engine,
    ) -> Result<Vec<Step>> {
        let steps = sets.iter().flat_map(|set| {
            set.migrations
                .iter()
                .map(move |step| Step::new(set, step, engine))
        });
        let mut pending = Vec::new();
        for step in steps {
            match applied.iter().find(|(id, _)| *id == step.id) {
                None => pending.push(step),
                Some((_, checksum)) if *checksum == step.checksum => {}
                Some(_) => {
                    return Err(
                        Error::new(MIGRATION_CHANGED, "an applied migration differs")
                            .with("step", &step.id),
                    );
                }
            }
        }
        Ok(pending)
    }

    async fn apply(scope: &mut Scope<'_>, step: &Step) -> Result<()> {
        for statement in &step.statements {
            scope
                .connection()?
                .execute_unprepared(statement)
                .await
                .or_database_error()?;
        }
        let connection = scope.connection()?;
        let backend = connection.get_database_backend();
        let mut insert = sea_orm::sea_query::Query::insert();
        insert
            .into_table(MIGRATIONS_TABLE)
            .columns(["id", "checksum", "applied_at"])
            .values_panic([
                step.id.as_str().into(),
                step.checksum.as_str().into(),
                Timestamp::now().as_micros().into(),
            ]);
        connection
            .execute_raw(backend.build(&insert))
            .await
            .or_database_error()?;
        Ok(())
    }
}
