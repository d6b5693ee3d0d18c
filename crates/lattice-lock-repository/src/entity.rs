use std::fmt;

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::codes::{ENTITY_NOT_FOUND, PAGE_SIZE_INVALID};

/// The most entities of one page.
const LARGEST_PAGE: usize = 1000;

/// An entity's key: a UUID of version 7, so that keys sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityId(Uuid);

impl EntityId {
    /// A new key, larger than those that this process made before.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The key with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Something that a [`Repository`](crate::Repository) keeps.
pub trait Entity: Clone + Send + Sync + 'static {
    /// What it is called in errors, such as `user`.
    const NAME: &'static str;

    /// The values no two entities may share, each with the key's name. None by default.
    fn unique_keys(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// An entity as it is kept: with its key and the version that a change must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<E> {
    id: EntityId,
    version: u64,
    /// The entity itself.
    pub entity: E,
}

impl<E> Stored<E> {
    /// An entity as a repository read or wrote it: for those who implement one.
    #[must_use]
    pub fn new(id: EntityId, version: u64, entity: E) -> Self {
        Self {
            id,
            version,
            entity,
        }
    }

    /// The same key and version with another entity: what [`update`](crate::Repository::update) takes.
    #[must_use]
    pub fn with(self, entity: E) -> Self {
        Self { entity, ..self }
    }

    /// Its key.
    #[must_use]
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// How often it was written, from 1.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// Which part of a list is wanted: what comes after a key, and how many.
///
/// Pages follow the keys, so that what is created meanwhile neither shifts nor repeats an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    after: Option<EntityId>,
    limit: usize,
}

impl Page {
    /// The first entities, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`PAGE_SIZE_INVALID`] unless `limit` is between 1 and 1000.
    pub fn first(limit: usize) -> Result<Self> {
        if (1..=LARGEST_PAGE).contains(&limit) {
            return Ok(Self { after: None, limit });
        }
        Err(Error::new(PAGE_SIZE_INVALID, "page size out of range").with("limit", limit))
    }

    /// The entities after this one.
    #[must_use]
    pub fn after(mut self, id: EntityId) -> Self {
        self.after = Some(id);
        self
    }

    /// The key after which it begins; none for the first page.
    #[must_use]
    pub fn start(&self) -> Option<EntityId> {
        self.after
    }

    /// How many entities it has at most.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// No entity has this key: the typed cause of [`ENTITY_NOT_FOUND`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {entity} {id}")]
pub struct EntityNotFoundError {
    /// What sort of entity.
    pub entity: &'static str,
    /// The key.
    pub id: EntityId,
}

impl EntityNotFoundError {
    pub(crate) fn raise<E: Entity>(id: EntityId) -> Error {
        let cause = Self {
            entity: E::NAME,
            id,
        };
        Error::new(ENTITY_NOT_FOUND, "not found")
            .with("entity", E::NAME)
            .with("id", id)
            .with_source(cause)
    }
}
