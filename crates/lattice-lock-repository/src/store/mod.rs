mod memory;

use async_trait::async_trait;
use lattice_lock_errors::Result;

pub use memory::MemoryRepository;

use crate::entity::EntityNotFoundError;
use crate::{Entity, EntityId, Page, Stored};

/// What services keep their entities in, whatever is behind it.
///
/// Object-safe: a service holds an `Arc<dyn Repository<User>>`. An implementation keeps each promise of each
/// method also under concurrent callers.
#[async_trait]
pub trait Repository<E: Entity>: Send + Sync {
    /// Keeps a new entity, under a key of its own.
    ///
    /// # Errors
    ///
    /// [`UNIQUE_VIOLATION`](crate::codes::UNIQUE_VIOLATION) when another entity has one of its unique values.
    async fn create(&self, entity: E) -> Result<Stored<E>>;

    /// The entity with this key, if there is one.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn get_by_id(&self, id: EntityId) -> Result<Option<Stored<E>>>;

    /// Replaces an entity if nobody changed it since it was read.
    ///
    /// # Errors
    ///
    /// [`STALE_VERSION`](crate::codes::STALE_VERSION) when somebody did,
    /// [`ENTITY_NOT_FOUND`](crate::codes::ENTITY_NOT_FOUND) when it is gone, and
    /// [`UNIQUE_VIOLATION`](crate::codes::UNIQUE_VIOLATION).
    async fn update(&self, entity: Stored<E>) -> Result<Stored<E>>;

    /// Removes an entity; true if it existed.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn delete(&self, id: EntityId) -> Result<bool>;

    /// A part of the entities, in the order of their keys.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn list(&self, page: Page) -> Result<Vec<Stored<E>>>;

    /// How many there are.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn count(&self) -> Result<u64>;

    /// The entity with this key, or an error.
    ///
    /// # Errors
    ///
    /// [`ENTITY_NOT_FOUND`](crate::codes::ENTITY_NOT_FOUND), with [`EntityNotFoundError`] as its cause.
    async fn get_or_raise(&self, id: EntityId) -> Result<Stored<E>> {
        let found = self.get_by_id(id).await?;
        found.ok_or_else(|| EntityNotFoundError::raise::<E>(id))
    }

    /// Whether there is one with this key.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn exists(&self, id: EntityId) -> Result<bool> {
        Ok(self.get_by_id(id).await?.is_some())
    }
}
