mod listing;
mod memory;
#[cfg(feature = "__sql")]
mod table;

use async_trait::async_trait;
use lattice_lock_errors::Result;

pub use listing::{ListAll, Listing};
pub use memory::MemoryRepository;
#[cfg(feature = "__sql")]
pub use table::{Table, TableRepository};

use crate::entity::EntityNotFoundError;
use crate::{Entity, EntityId, Page, Scope, Stored};

/// What services keep their entities in, whatever is behind it.
///
/// Object-safe: a service holds an `Arc<dyn Repository<User>>`. Each method works in the transaction of its scope, or
/// is one of its own. An implementation keeps each promise of each method also under concurrent callers, and when the
/// future is dropped: then what it would have done is done as a whole, or not at all.
///
/// After [`UNIQUE_VIOLATION`](crate::codes::UNIQUE_VIOLATION) a transaction can no longer be committed, on any engine,
/// except when the failing part was [nested](Scope::nested). What a method refuses for other reasons changes nothing,
/// and the transaction may go on.
#[async_trait]
pub trait Repository<E: Entity>: Send + Sync {
    /// Keeps a new entity, under a key of its own.
    ///
    /// # Errors
    ///
    /// [`UNIQUE_VIOLATION`](crate::codes::UNIQUE_VIOLATION) when another entity has one of its unique values.
    async fn create(&self, scope: &mut Scope<'_>, entity: E) -> Result<Stored<E>>;

    /// Keeps new entities, all of them or none, and returns them in the order given.
    ///
    /// # Errors
    ///
    /// [`UNIQUE_VIOLATION`](crate::codes::UNIQUE_VIOLATION), also for two of those given.
    async fn create_many(&self, scope: &mut Scope<'_>, entities: Vec<E>) -> Result<Vec<Stored<E>>>;

    /// The entity with this key, if there is one.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn get_by_id(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<Option<Stored<E>>>;

    /// Replaces an entity if nobody changed it since it was read.
    ///
    /// # Errors
    ///
    /// [`STALE_VERSION`](crate::codes::STALE_VERSION) when somebody did,
    /// [`ENTITY_NOT_FOUND`](crate::codes::ENTITY_NOT_FOUND) when it is gone, and
    /// [`UNIQUE_VIOLATION`](crate::codes::UNIQUE_VIOLATION).
    async fn update(&self, scope: &mut Scope<'_>, entity: Stored<E>) -> Result<Stored<E>>;

    /// Removes an entity; true if it existed.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn delete(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<bool>;

    /// A part of the entities, in the order of their keys.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn list(&self, scope: &mut Scope<'_>, page: Page) -> Result<Vec<Stored<E>>>;

    /// How many there are.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn count(&self, scope: &mut Scope<'_>) -> Result<u64>;

    /// The entity with this key, or an error.
    ///
    /// # Errors
    ///
    /// [`ENTITY_NOT_FOUND`](crate::codes::ENTITY_NOT_FOUND), with [`EntityNotFoundError`] as its cause.
    async fn get_or_raise(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<Stored<E>> {
        let found = self.get_by_id(scope, id).await?;
        found.ok_or_else(|| EntityNotFoundError::raise::<E>(id))
    }

    /// Whether there is one with this key.
    ///
    /// # Errors
    ///
    /// Only those of the store itself.
    async fn exists(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<bool> {
        Ok(self.get_by_id(scope, id).await?.is_some())
    }
}
