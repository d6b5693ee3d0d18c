use std::fmt;
use std::future::Future;
use std::sync::Arc;

use lattice_lock_errors::{Code, Result};

use super::Note;
use crate::{Database, EntityId, Page, Repository, Scope, Stored, Work};

/// One thing that every store promises.
pub type Fact = fn(Subject) -> Work<'static, ()>;

/// An empty store that the contract is held against.
#[derive(Clone)]
pub struct Subject {
    pub(super) database: Database,
    pub(super) notes: Arc<dyn Repository<Note>>,
}

impl Subject {
    /// A database, and the repository whose notes are in it.
    #[must_use]
    pub fn new(database: Database, notes: Arc<dyn Repository<Note>>) -> Self {
        Self { database, notes }
    }

    /// Holds a fact against the store, and disposes of the database.
    ///
    /// # Panics
    ///
    /// When the fact does not hold, after the database was disposed of.
    pub async fn hold(self, fact: Fact) {
        let database = self.database.clone();
        let held = tokio::spawn(fact(self)).await;
        database.dispose().await;
        match held {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{error:?}"),
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(stopped) => panic!("{stopped}"),
            },
        }
    }

    pub(super) fn writer(&self) -> Result<Scope<'_>> {
        self.database.writer()
    }

    pub(super) fn reader(&self) -> Result<Scope<'_>> {
        self.database.reader()
    }

    pub(super) async fn create(&self, title: &str, rank: i64) -> Result<Stored<Note>> {
        self.notes
            .create(&mut self.writer()?, Note::new(title, rank))
            .await
    }

    pub(super) async fn get(&self, id: EntityId) -> Result<Stored<Note>> {
        self.notes.get_or_raise(&mut self.reader()?, id).await
    }

    pub(super) async fn count(&self) -> Result<u64> {
        self.notes.count(&mut self.reader()?).await
    }

    /// The first thousand notes.
    pub(super) async fn all(&self) -> Result<Vec<Stored<Note>>> {
        self.notes
            .list(&mut self.reader()?, Page::first(1000)?)
            .await
    }

    pub(super) async fn titles(&self) -> Result<Vec<String>> {
        let all = self.all().await?.into_iter();
        Ok(all.map(|note| note.entity.title).collect())
    }

    pub(super) async fn sum(&self) -> Result<i64> {
        Ok(self.all().await?.iter().map(|note| note.entity.rank).sum())
    }

    /// Starts so many tasks at once, each with its number, and gives what they return.
    pub(super) fn at_once<T, Fut, F>(
        &self,
        tasks: i64,
        task: F,
    ) -> impl Future<Output = Result<Vec<T>>> + Send + use<T, Fut, F>
    where
        F: Fn(Self, i64) -> Fut,
        T: Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let tasks: Vec<_> = (0..tasks)
            .map(|number| tokio::spawn(task(self.clone(), number)))
            .collect();
        async move {
            let mut results = Vec::new();
            for task in tasks {
                match task.await {
                    Ok(result) => results.push(result?),
                    Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
                }
            }
            Ok(results)
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// Checks that something was refused with this code.
#[track_caller]
pub(super) fn refused<T: fmt::Debug>(result: Result<T>, code: Code) {
    match result {
        Ok(value) => panic!("not refused with {code}: {value:?}"),
        Err(error) => assert_eq!(error.code(), code, "{error:?}"),
    }
}
