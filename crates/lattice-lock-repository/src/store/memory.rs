use std::any::type_name;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Bound;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};

use super::Repository;
use crate::codes::{STALE_VERSION, STORE_FULL, UNIQUE_VIOLATION};
use crate::entity::EntityNotFoundError;
use crate::scope::{Tables, Undo};
use crate::{Entity, EntityId, Page, Scope, Stored};

/// Entities in this process's memory, gone with it: those of one type in a [`Database`](crate::Database) in memory.
///
/// Whoever writes is alone with the database, so its transactions are serialisable. It grows with what it is given:
/// [`at_most`](Self::at_most) sets a limit.
///
/// ```
/// use lattice_lock_repository::{Database, Entity, MemoryRepository, Repository};
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
/// let (database, users) = (Database::in_memory(), MemoryRepository::new().at_most(1000));
/// let scope = &mut database.writer()?;
/// let ada = users.create(scope, User { name: "ada".into() }).await?;
/// assert!(users.create(scope, User { name: "ada".into() }).await.is_err());
/// assert_eq!(users.get_or_raise(scope, ada.id()).await?.entity.name, "ada");
/// # Ok(())
/// # }
/// ```
pub struct MemoryRepository<E> {
    most: usize,
    entities: PhantomData<fn() -> E>,
}

impl<E> MemoryRepository<E> {
    /// The entities of this type.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            most: usize::MAX,
            entities: PhantomData,
        }
    }

    /// Refuses more entities than this; as many as there is memory for by default.
    #[must_use]
    pub const fn at_most(mut self, entities: usize) -> Self {
        self.most = entities;
        self
    }
}

impl<E> Default for MemoryRepository<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for MemoryRepository<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRepository")
            .field("of", &type_name::<E>())
            .finish_non_exhaustive()
    }
}

/// The entities of one type, and who has which unique value.
struct Rows<E> {
    rows: BTreeMap<EntityId, Stored<E>>,
    owners: HashMap<(&'static str, String), EntityId>,
}

impl<E> Default for Rows<E> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            owners: HashMap::new(),
        }
    }
}

impl<E: Entity> Rows<E> {
    /// Checks first and changes afterwards, so that a panic leaves nothing half done. Returns what was there.
    fn put(&mut self, row: Stored<E>) -> Result<Option<Stored<E>>> {
        let keys = row.entity.unique_keys();
        let taken = |key: &(&'static str, String)| {
            self.owners.get(key).is_some_and(|owner| *owner != row.id())
        };
        if let Some((key, _)) = keys.iter().find(|key| taken(key)) {
            return Err(Error::new(UNIQUE_VIOLATION, "another one has the same key")
                .with("entity", E::NAME)
                .with("key", key));
        }
        let old = self.remove(row.id());
        self.owners
            .extend(keys.into_iter().map(|key| (key, row.id())));
        self.rows.insert(row.id(), row);
        Ok(old)
    }

    fn remove(&mut self, id: EntityId) -> Option<Stored<E>> {
        let keys = self.rows.get(&id)?.entity.unique_keys();
        for key in keys {
            self.owners.remove(&key);
        }
        self.rows.remove(&id)
    }

    fn require_version(&self, wanted: &Stored<E>) -> Result<()> {
        match self.rows.get(&wanted.id()) {
            None => Err(EntityNotFoundError::raise::<E>(wanted.id())),
            Some(row) if row.version() == wanted.version() => Ok(()),
            Some(_) => Err(stale::<E>(wanted.id())),
        }
    }
}

/// Brings back what was there under this key.
fn back<E: Entity>(id: EntityId, old: Option<Stored<E>>) -> Undo {
    Box::new(move |tables| {
        let Some(rows) = tables.get_mut::<Rows<E>>() else {
            return;
        };
        rows.remove(id);
        // It was there before, so nothing is in its way: what came after it is undone already.
        if let Some(old) = old {
            let _ = rows.put(old);
        }
    })
}

fn rows<E: Entity>(tables: &mut Tables) -> Result<&mut Rows<E>> {
    let rows = tables.get_mut::<Rows<E>>();
    rows.ok_or_else(|| Error::new(STORE_FULL, "no room for the table"))
}

pub(super) fn stale<E: Entity>(id: EntityId) -> Error {
    Error::new(STALE_VERSION, "changed meanwhile")
        .with("entity", E::NAME)
        .with("id", id)
}

#[async_trait]
impl<E: Entity> Repository<E> for MemoryRepository<E> {
    async fn create(&self, scope: &mut Scope<'_>, entity: E) -> Result<Stored<E>> {
        let created = self.create_many(scope, vec![entity]).await?;
        let first = created.into_iter().next();
        first.ok_or_else(|| Error::new(STORE_FULL, "nothing was kept"))
    }

    async fn create_many(&self, scope: &mut Scope<'_>, entities: Vec<E>) -> Result<Vec<Stored<E>>> {
        scope.require_writes()?;
        let most = self.most;
        let new: Vec<_> = entities
            .into_iter()
            .map(|entity| Stored::new(EntityId::generate(), 1, entity))
            .collect();
        let write = move |tables: &mut Tables, undo: &mut Vec<Undo>| {
            let rows = rows::<E>(tables)?;
            if most.saturating_sub(rows.rows.len()) < new.len() {
                let error = Error::new(STORE_FULL, "as many as it may hold");
                return Err(error.with("entity", E::NAME).with("limit", most));
            }
            for row in &new {
                let (id, old) = (row.id(), rows.put(row.clone())?);
                undo.push(back(id, old));
            }
            Ok(new)
        };
        scope.memory()?.write(write).await
    }

    async fn get_by_id(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<Option<Stored<E>>> {
        let read = move |tables: &Tables| tables.get::<Rows<E>>()?.rows.get(&id).cloned();
        scope.memory()?.read(read).await
    }

    async fn update(&self, scope: &mut Scope<'_>, entity: Stored<E>) -> Result<Stored<E>> {
        scope.require_writes()?;
        let write = move |tables: &mut Tables, undo: &mut Vec<Undo>| {
            let rows = rows::<E>(tables)?;
            rows.require_version(&entity)?;
            let (id, version) = (entity.id(), entity.version() + 1);
            let new = Stored::new(id, version, entity.entity);
            undo.push(back(id, rows.put(new.clone())?));
            Ok(new)
        };
        scope.memory()?.write(write).await
    }

    async fn delete(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<bool> {
        scope.require_writes()?;
        let write = move |tables: &mut Tables, undo: &mut Vec<Undo>| {
            let old = rows::<E>(tables)?.remove(id);
            let existed = old.is_some();
            undo.push(back(id, old));
            Ok(existed)
        };
        scope.memory()?.write(write).await
    }

    async fn list(&self, scope: &mut Scope<'_>, page: Page) -> Result<Vec<Stored<E>>> {
        let from = page.start().map_or(Bound::Unbounded, Bound::Excluded);
        let read = move |tables: &Tables| {
            let rows = &tables.get::<Rows<E>>()?.rows;
            let range = rows.range((from, Bound::Unbounded));
            Some(
                range
                    .take(page.limit())
                    .map(|(_, row)| row.clone())
                    .collect(),
            )
        };
        Ok(scope.memory()?.read(read).await?.unwrap_or_default())
    }

    async fn count(&self, scope: &mut Scope<'_>) -> Result<u64> {
        let read = |tables: &Tables| tables.get::<Rows<E>>().map_or(0, |rows| rows.rows.len());
        Ok(scope.memory()?.read(read).await? as u64)
    }
}
