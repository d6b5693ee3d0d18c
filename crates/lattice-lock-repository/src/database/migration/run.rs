use lattice_lock_errors::{Error, Result};
use serde::Serialize;

use super::MigrationSet;
use super::history::{self, Applied, execute};
use super::lock::{lock, unlock};
use super::step::{Step, steps};
use crate::codes::{
    DATABASE_UNREACHABLE, MIGRATION_CHANGED, MIGRATION_NEEDED, NO_WAY_BACK, READER_TOO_OLD,
};
use crate::database::Source;
use crate::{Database, Engine, Isolation, MigrationState, Scope, Timestamp, TransactionOptions};

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// Its set.
    pub set: String,
    /// Its place in the set.
    pub version: u32,
    /// What it does.
    pub name: String,
    /// When it was applied; absent if it was not.
    pub applied_at: Option<Timestamp>,
    /// Whether this build has it: a newer one may have applied more.
    pub known: bool,
}

impl Database {
    /// Brings the tables of these sets to the newest state, and says how many steps that took.
    ///
    /// Each step is verified, and the whole is one transaction where the engine allows; on MySQL a step that fails
    /// half-way is done again the next time. Several processes may migrate at once: they wait for each other. In
    /// memory there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`MIGRATION_CHANGED`] when an applied step differs from the one given; [`READER_TOO_OLD`];
    /// [`TRANSACTION_CONTENDED`](crate::codes::TRANSACTION_CONTENDED) when another process migrates for longer than
    /// a minute; [`MIGRATIONS_INVALID`](crate::codes::MIGRATIONS_INVALID).
    pub async fn migrate(&self, sets: &'static [MigrationSet]) -> Result<usize> {
        self.know(sets);
        self.change(sets, Change::Up).await
    }

    /// Takes back the last so many steps of these sets, and says how many that were.
    ///
    /// # Errors
    ///
    /// [`NO_WAY_BACK`] when one of them has none: then nothing changes. Otherwise those of
    /// [`migrate`](Self::migrate).
    pub async fn migrate_down(&self, sets: &'static [MigrationSet], steps: usize) -> Result<usize> {
        self.know(sets);
        self.change(sets, Change::Down(steps)).await
    }

    /// Refuses tables that are not at the newest state, without changing anything. A newer state is accepted if the
    /// version that made it says that this one can work with it.
    ///
    /// # Errors
    ///
    /// [`MIGRATION_NEEDED`] with the first missing step; [`MIGRATION_CHANGED`]; [`READER_TOO_OLD`].
    pub async fn require_migrated(&self, sets: &'static [MigrationSet]) -> Result<()> {
        if self.engine() == Engine::Memory {
            return Ok(());
        }
        self.know(sets);
        let steps = steps(sets, self.engine())?;
        let applied = self.applied().await?.unwrap_or_default();
        match pending(&applied, &steps)?.first() {
            None => Ok(()),
            Some(step) => Err(
                Error::new(MIGRATION_NEEDED, "the tables are not up to date")
                    .with("missing", step.id()),
            ),
        }
    }

    /// Each step of these sets, and those that a newer version applied.
    ///
    /// # Errors
    ///
    /// [`MIGRATIONS_INVALID`](crate::codes::MIGRATIONS_INVALID); those of the database.
    pub async fn migration_status(
        &self,
        sets: &'static [MigrationSet],
    ) -> Result<Vec<MigrationStatus>> {
        if self.engine() == Engine::Memory {
            return Ok(Vec::new());
        }
        let steps = steps(sets, self.engine())?;
        let applied = self.applied().await?.unwrap_or_default();
        let known = steps.iter().map(|step| MigrationStatus {
            set: step.set.into(),
            version: step.version,
            name: step.name.into(),
            applied_at: applied.iter().find(|row| row.is(step)).map(|row| row.at),
            known: true,
        });
        let newer = applied.iter().filter(|row| is_newer(row, &steps));
        let newer = newer.map(|row| MigrationStatus {
            set: row.set.clone(),
            version: u32::try_from(row.version).unwrap_or(u32::MAX),
            name: row.name.clone(),
            applied_at: Some(row.at),
            known: false,
        });
        Ok(known.chain(newer).collect())
    }

    /// The statements that [`migrate`](Self::migrate) would run, for a dry run, or for somebody who runs them by hand:
    /// in order, those that write the history included. They change nothing.
    ///
    /// # Errors
    ///
    /// Those of [`migrate`](Self::migrate).
    pub async fn migration_sql(&self, sets: &'static [MigrationSet]) -> Result<Vec<String>> {
        if self.engine() == Engine::Memory {
            return Ok(Vec::new());
        }
        let steps = steps(sets, self.engine())?;
        let applied = self.applied().await?;
        let mut statements: Vec<_> = match applied {
            None => vec![history::create()],
            Some(_) => Vec::new(),
        };
        let applied = applied.unwrap_or_default();
        let mut scope = self.reader()?;
        let backend = sea_orm::ConnectionTrait::get_database_backend(scope.connection()?);
        for step in pending(&applied, &steps)? {
            statements.extend(step.up.iter().cloned());
            statements.push(history::insertion_sql(step, backend));
        }
        Ok(statements)
    }

    pub(in crate::database) async fn migration_state(&self) -> Result<MigrationState> {
        let Some(applied) = self.applied().await? else {
            return Ok(MigrationState::NotApplied);
        };
        let Some(sets) = self.known() else {
            return Ok(MigrationState::Unknown);
        };
        let steps = steps(sets, self.engine())?;
        Ok(match pending(&applied, &steps) {
            Ok(pending) if pending.is_empty() => MigrationState::UpToDate,
            Ok(_) => MigrationState::Pending,
            Err(_) => MigrationState::Incompatible,
        })
    }

    /// Remembers the sets for whoever asks about the database's health.
    fn know(&self, sets: &'static [MigrationSet]) {
        if let Source::Sql(pools) = &self.source {
            pools.know(sets);
        }
    }

    fn known(&self) -> Option<&'static [MigrationSet]> {
        match &self.source {
            Source::Memory(_) => None,
            Source::Sql(pools) => pools.known(),
        }
    }

    /// The applied steps; none if there is no history.
    async fn applied(&self) -> Result<Option<Vec<Applied>>> {
        let mut scope = self.reader()?;
        if history::exists(&mut scope).await? {
            return history::read(&mut scope).await.map(Some);
        }
        Ok(None)
    }

    async fn change(&self, sets: &'static [MigrationSet], change: Change) -> Result<usize> {
        if self.engine() == Engine::Memory {
            return Ok(0);
        }
        let options = TransactionOptions {
            isolation: Isolation::ReadCommitted,
            // MySQL's lock has to be given back also after a failure.
            tolerant: true,
            ..TransactionOptions::default()
        };
        // In a task of its own: a caller that goes away must not leave MySQL's lock to a pooled session.
        let database = self.clone();
        let migration = async move {
            database
                .transaction_with(options, |scope| Box::pin(run(scope, sets, change)))
                .await
        };
        tokio::spawn(migration).await.unwrap_or_else(|stopped| {
            Err(Error::new(DATABASE_UNREACHABLE, "the runtime stopped").with_foreign(&stopped))
        })
    }
}

#[derive(Clone, Copy)]
enum Change {
    Up,
    Down(usize),
}

async fn run(scope: &mut Scope<'_>, sets: &[MigrationSet], change: Change) -> Result<usize> {
    let steps = steps(sets, scope.engine())?;
    lock(scope).await?;
    let outcome = match change {
        Change::Up => up(scope, &steps).await,
        Change::Down(most) => down(scope, &steps, most).await,
    };
    let unlocked = unlock(scope).await;
    outcome.and_then(|steps| unlocked.map(|()| steps))
}

async fn up(scope: &mut Scope<'_>, steps: &[Step]) -> Result<usize> {
    execute(scope, &history::create()).await?;
    let applied = history::read(scope).await?;
    let pending = pending(&applied, steps)?;
    for step in &pending {
        for statement in step.up.iter().chain(&step.verify) {
            let done = execute(scope, statement).await;
            done.map_err(|error| error.with("step", step.id()))?;
        }
        history::write(scope, step).await?;
    }
    Ok(pending.len())
}

async fn down(scope: &mut Scope<'_>, steps: &[Step], most: usize) -> Result<usize> {
    if !history::exists(scope).await? {
        return Ok(0);
    }
    let applied = history::read(scope).await?;
    pending(&applied, steps)?;
    let last = steps.iter().rev();
    let last: Vec<_> = last
        .filter(|step| applied.iter().any(|row| row.is(step)))
        .take(most)
        .collect();
    let ways = last.iter().map(|step| way_back(step, &applied, steps));
    for (step, way) in last.iter().zip(ways.collect::<Result<Vec<_>>>()?) {
        for statement in way {
            let done = execute(scope, statement).await;
            done.map_err(|error| error.with("step", step.id()))?;
        }
        history::remove(scope, step).await?;
    }
    Ok(last.len())
}

/// The statements that undo a step. Under what a newer version built on it, it is not pulled away.
fn way_back<'a>(step: &'a Step, applied: &[Applied], steps: &[Step]) -> Result<&'a [String]> {
    let is_built_on = applied
        .iter()
        .any(|row| row.set == step.set && is_newer(row, steps));
    match &step.down {
        Some(down) if !is_built_on => Ok(down),
        _ => Err(Error::new(NO_WAY_BACK, "the migration cannot be undone").with("step", step.id())),
    }
}

/// The steps that are not applied, if what is applied fits.
fn pending<'a>(applied: &[Applied], steps: &'a [Step]) -> Result<Vec<&'a Step>> {
    for newer in applied.iter().filter(|row| is_newer(row, steps)) {
        let own = steps.iter().filter(|step| step.set == newer.set);
        let own = own.map(|step| i64::from(step.version)).max();
        if own.is_some_and(|own| own < newer.oldest_reader) {
            return Err(Error::new(READER_TOO_OLD, "the tables are too new")
                .with("set", &newer.set)
                .with("version", newer.version));
        }
    }
    let mut pending = Vec::new();
    for step in steps {
        match applied.iter().find(|row| row.is(step)) {
            None => pending.push(step),
            Some(row) if row.checksum == step.checksum => {}
            Some(_) => {
                return Err(
                    Error::new(MIGRATION_CHANGED, "an applied migration differs")
                        .with("step", step.id()),
                );
            }
        }
    }
    Ok(pending)
}

/// Whether a newer version of one of the sets applied it.
fn is_newer(row: &Applied, steps: &[Step]) -> bool {
    steps.iter().any(|step| step.set == row.set) && !steps.iter().any(|step| row.is(step))
}
