use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};

use super::Repository;
use crate::codes::{STALE_VERSION, UNIQUE_VIOLATION};
use crate::entity::EntityNotFoundError;
use crate::{Entity, EntityId, Page, Stored};

/// Entities in this process's memory: gone with it, and as many as the caller puts there.
///
/// ```
/// use lattice_lock_repository::{Entity, MemoryRepository, Repository};
///
/// #[derive(Clone)]
/// struct User { name: String }
/// impl Entity for User {
///     const NAME: &'static str = "user";
///     fn unique_keys(&self) -> Vec<(&'static str, String)> {
///         vec![("name", self.name.clone())]
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let users = MemoryRepository::default();
/// let ada = users.create(User { name: "ada".into() }).await?;
/// assert!(users.create(User { name: "ada".into() }).await.is_err());
/// assert_eq!(users.get_or_raise(ada.id()).await?.entity.name, "ada");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MemoryRepository<E> {
    state: RwLock<State<E>>,
}

#[derive(Debug)]
struct State<E> {
    rows: BTreeMap<EntityId, Stored<E>>,
    owners: HashMap<(&'static str, String), EntityId>,
}

impl<E> Default for MemoryRepository<E> {
    fn default() -> Self {
        let state = State {
            rows: BTreeMap::new(),
            owners: HashMap::new(),
        };
        Self {
            state: RwLock::new(state),
        }
    }
}

impl<E> MemoryRepository<E> {
    // Each write checks first and changes afterwards, so that a panic leaves nothing half done.
    fn read(&self) -> RwLockReadGuard<'_, State<E>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<E>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Entity> State<E> {
    fn put(&mut self, row: Stored<E>) -> Result<Stored<E>> {
        let keys = row.entity.unique_keys();
        let taken = |key: &(&'static str, String)| {
            self.owners.get(key).is_some_and(|owner| *owner != row.id())
        };
        if let Some((key, _)) = keys.iter().find(|key| taken(key)) {
            return Err(Error::new(UNIQUE_VIOLATION, "another one has the same key")
                .with("entity", E::NAME)
                .with("key", key));
        }
        self.remove(row.id());
        self.owners
            .extend(keys.into_iter().map(|key| (key, row.id())));
        self.rows.insert(row.id(), row.clone());
        Ok(row)
    }

    fn remove(&mut self, id: EntityId) -> bool {
        let Some(row) = self.rows.remove(&id) else {
            return false;
        };
        for key in row.entity.unique_keys() {
            self.owners.remove(&key);
        }
        true
    }
}

#[async_trait]
impl<E: Entity> Repository<E> for MemoryRepository<E> {
    async fn create(&self, entity: E) -> Result<Stored<E>> {
        self.write()
            .put(Stored::new(EntityId::generate(), 1, entity))
    }

    async fn get_by_id(&self, id: EntityId) -> Result<Option<Stored<E>>> {
        Ok(self.read().rows.get(&id).cloned())
    }

    async fn update(&self, entity: Stored<E>) -> Result<Stored<E>> {
        let mut state = self.write();
        let current = state.rows.get(&entity.id()).map(Stored::version);
        match current {
            None => Err(EntityNotFoundError::raise::<E>(entity.id())),
            Some(version) if version != entity.version() => {
                Err(Error::new(STALE_VERSION, "changed meanwhile")
                    .with("entity", E::NAME)
                    .with("id", entity.id()))
            }
            Some(version) => state.put(Stored::new(entity.id(), version + 1, entity.entity)),
        }
    }

    async fn delete(&self, id: EntityId) -> Result<bool> {
        Ok(self.write().remove(id))
    }

    async fn list(&self, page: Page) -> Result<Vec<Stored<E>>> {
        let (after, limit) = page.bounds();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.read();
        let rows = state.rows.range((from, Bound::Unbounded));
        Ok(rows.take(limit).map(|(_, row)| row.clone()).collect())
    }

    async fn count(&self) -> Result<u64> {
        Ok(self.read().rows.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::codes::ENTITY_NOT_FOUND;

    #[derive(Clone, Debug, PartialEq)]
    struct Note(String);

    impl Entity for Note {
        const NAME: &'static str = "note";

        fn unique_keys(&self) -> Vec<(&'static str, String)> {
            vec![("text", self.0.clone())]
        }
    }

    fn note(text: &str) -> Note {
        Note(text.into())
    }

    #[tokio::test]
    async fn an_update_of_an_old_version_is_refused_and_changes_nothing() {
        let notes = MemoryRepository::default();
        let old = notes.create(note("a")).await.unwrap();
        let new = old.clone().with(note("b"));
        assert_eq!(notes.update(new).await.unwrap().version(), 2);
        assert_eq!(
            notes.update(old.clone()).await.unwrap_err().code(),
            STALE_VERSION
        );
        assert_eq!(
            notes.get_or_raise(old.id()).await.unwrap().entity,
            note("b")
        );
    }

    #[tokio::test]
    async fn a_unique_value_is_free_again_after_a_change_or_removal() {
        let notes = MemoryRepository::default();
        let first = notes.create(note("a")).await.unwrap();
        assert_eq!(
            notes.create(note("a")).await.unwrap_err().code(),
            UNIQUE_VIOLATION
        );
        notes.update(first.clone().with(note("b"))).await.unwrap();
        notes.create(note("a")).await.unwrap();
        assert!(notes.delete(first.id()).await.unwrap());
        assert!(!notes.delete(first.id()).await.unwrap());
        notes.create(note("b")).await.unwrap();
    }

    #[tokio::test]
    async fn pages_neither_shift_nor_repeat_when_entities_come() {
        let notes = MemoryRepository::default();
        for n in 0..5 {
            notes.create(note(&n.to_string())).await.unwrap();
        }
        let first = notes.list(Page::first(3).unwrap()).await.unwrap();
        notes.create(note("late")).await.unwrap();
        let rest = notes
            .list(Page::first(9).unwrap().after(first[2].id()))
            .await
            .unwrap();
        let texts: Vec<_> = rest.iter().map(|row| row.entity.0.as_str()).collect();
        assert_eq!(texts, ["3", "4", "late"]);
    }

    #[tokio::test]
    async fn what_is_missing_is_an_error_with_its_key() {
        let notes = MemoryRepository::<Note>::default();
        let id = EntityId::generate();
        let error = notes.get_or_raise(id).await.unwrap_err();
        assert_eq!(error.code(), ENTITY_NOT_FOUND);
        assert_eq!(error.find::<EntityNotFoundError>().unwrap().id, id);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_two_writers_of_one_version_exactly_one_wins() {
        let notes = Arc::new(MemoryRepository::default());
        let row = notes.create(note("a")).await.unwrap();
        let writers: Vec<_> = (0..16)
            .map(|n| {
                let (notes, row) = (Arc::clone(&notes), row.clone());
                let changed = row.with(note(&n.to_string()));
                tokio::spawn(async move { notes.update(changed).await.is_ok() })
            })
            .collect();
        let mut won = 0;
        for writer in writers {
            won += usize::from(writer.await.unwrap());
        }
        assert_eq!(won, 1);
    }
}
