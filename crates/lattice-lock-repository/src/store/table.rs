use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, Iterable, ModelTrait, QueryFilter, QueryOrder,
    QuerySelect, Value,
};

use super::Repository;
use super::memory::stale;
use crate::codes::ROW_INVALID;
use crate::database::error::OrDatabaseError;
use crate::entity::EntityNotFoundError;
use crate::{Entity, EntityId, Page, Scope, Stored};

/// The most values of one statement: `SQLite` takes 32,766, the servers twice as many.
const MOST_VALUES: usize = 32_000;

/// The most rows of one statement.
const MOST_ROWS: usize = 1000;

/// A table that entities are kept in: all that a [`TableRepository`] has to know.
///
/// It is implemented for the table's sea-orm entity, which has a column for the key (a UUID), one for the version (a
/// 64-bit integer), and whatever the entity needs.
///
/// ```
/// use lattice_lock_errors::Result;
/// use lattice_lock_repository::{Entity as Kept, Table, TableRepository};
/// use sea_orm::entity::prelude::*;
/// use sea_orm::{ActiveValue::NotSet, Set};
///
/// #[derive(Clone)]
/// pub struct Note { title: String }
/// impl Kept for Note {
///     const NAME: &'static str = "note";
/// }
///
/// #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #[sea_orm(table_name = "notes")]
/// pub struct Model {
///     #[sea_orm(primary_key, auto_increment = false)]
///     pub id: Uuid,
///     pub version: i64,
///     pub title: String,
/// }
/// # #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// # pub enum Relation {}
/// # impl ActiveModelBehavior for ActiveModel {}
///
/// impl Table for Entity {
///     type Kept = Note;
///     const KEY: Column = Column::Id;
///     const VERSION: Column = Column::Version;
///     fn row(note: Note) -> ActiveModel {
///         ActiveModel { id: NotSet, version: NotSet, title: Set(note.title) }
///     }
///     fn kept(row: Model) -> Result<Note> {
///         Ok(Note { title: row.title })
///     }
/// }
/// let notes = TableRepository::<Entity>::new();
/// # let _ = notes;
/// ```
pub trait Table: EntityTrait {
    /// What is kept in it.
    type Kept: Entity;

    /// The column of the key, the primary key of the table.
    const KEY: Self::Column;

    /// The column of the version.
    const VERSION: Self::Column;

    /// The row of an entity. The key and the version are filled in afterwards.
    fn row(entity: Self::Kept) -> Self::ActiveModel;

    /// The entity of a row.
    ///
    /// # Errors
    ///
    /// When the row was written by somebody else, and makes no sense.
    fn kept(row: Self::Model) -> Result<Self::Kept>;
}

/// Entities in a table of any engine. It has no state: whichever database the scope is of, that is where they are.
pub struct TableRepository<T>(PhantomData<fn() -> T>);

impl<T: Table> TableRepository<T> {
    /// The entities in this table.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    fn new_rows(entities: Vec<T::Kept>) -> Vec<Stored<T::Kept>> {
        entities
            .into_iter()
            .map(|entity| Stored::new(EntityId::generate(), 1, entity))
            .collect()
    }

    fn row(stored: &Stored<T::Kept>) -> Result<T::ActiveModel> {
        let mut row = T::row(stored.entity.clone());
        row.set(T::KEY, key(stored.id()));
        row.set(T::VERSION, Value::BigInt(Some(signed(stored.version())?)));
        Ok(row)
    }

    fn stored(row: T::Model) -> Result<Stored<T::Kept>> {
        let (id, version) = (row.get(T::KEY), row.get(T::VERSION));
        let (Value::Uuid(Some(id)), Value::BigInt(Some(version))) = (id, version) else {
            return Err(invalid::<T>());
        };
        let version = u64::try_from(version).map_err(|_| invalid::<T>())?;
        Ok(Stored::new(EntityId::from_uuid(id), version, T::kept(row)?))
    }

    /// Inserts rows that fit into one statement.
    async fn insert(scope: &mut Scope<'_>, rows: &[Stored<T::Kept>]) -> Result<()>
    where
        T::ActiveModel: Send,
    {
        let rows = rows.iter().map(Self::row).collect::<Result<Vec<_>>>()?;
        let inserted = T::insert_many(rows)
            .exec_without_returning(scope.sql()?)
            .await;
        inserted.or_database_error().map(drop)
    }

    async fn insert_all(
        scope: &mut Scope<'_>,
        rows: &[Stored<T::Kept>],
        at_once: usize,
    ) -> Result<()>
    where
        T::ActiveModel: Send,
    {
        for chunk in rows.chunks(at_once) {
            Self::insert(scope, chunk).await?;
        }
        Ok(())
    }
}

impl<T: Table> Default for TableRepository<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TableRepository<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableRepository")
            .field(&type_name::<T>())
            .finish()
    }
}

#[async_trait]
impl<T> Repository<T::Kept> for TableRepository<T>
where
    T: Table<Model: Send + Sync, ActiveModel: Send>,
{
    async fn create(&self, scope: &mut Scope<'_>, entity: T::Kept) -> Result<Stored<T::Kept>> {
        scope.require_writes()?;
        let new = Stored::new(EntityId::generate(), 1, entity);
        Self::insert(scope, std::slice::from_ref(&new)).await?;
        Ok(new)
    }

    async fn create_many(
        &self,
        scope: &mut Scope<'_>,
        entities: Vec<T::Kept>,
    ) -> Result<Vec<Stored<T::Kept>>> {
        scope.require_writes()?;
        let new = Self::new_rows(entities);
        let at_once = (MOST_VALUES / T::Column::iter().count().max(1)).clamp(1, MOST_ROWS);
        if new.len() <= at_once {
            Self::insert_all(scope, &new, at_once).await?;
            return Ok(new);
        }
        let whole = scope.whole().await?;
        let inserted = match &whole {
            None => Self::insert_all(scope, &new, at_once).await,
            Some(transaction) => {
                Self::insert_all(&mut transaction.scope(scope), &new, at_once).await
            }
        };
        if let Some(transaction) = whole {
            transaction.end(&inserted).await?;
        }
        inserted.map(|()| new)
    }

    async fn get_by_id(
        &self,
        scope: &mut Scope<'_>,
        id: EntityId,
    ) -> Result<Option<Stored<T::Kept>>> {
        let find = T::find().filter(T::KEY.eq(*id.as_uuid()));
        let row = find.one(scope.sql()?).await.or_database_error()?;
        row.map(Self::stored).transpose()
    }

    async fn update(
        &self,
        scope: &mut Scope<'_>,
        entity: Stored<T::Kept>,
    ) -> Result<Stored<T::Kept>> {
        scope.require_writes()?;
        let (id, old) = (entity.id(), signed(entity.version())?);
        let new = Stored::new(id, entity.version() + 1, entity.entity);
        let mut row = Self::row(&new)?;
        row.not_set(T::KEY);
        let update = T::update_many()
            .set(row)
            .filter(T::KEY.eq(*id.as_uuid()))
            .filter(T::VERSION.eq(old));
        let updated = update.exec(scope.sql()?).await.or_database_error()?;
        if updated.rows_affected > 0 {
            return Ok(new);
        }
        if self.exists(scope, id).await? {
            return Err(stale::<T::Kept>(id));
        }
        Err(EntityNotFoundError::raise::<T::Kept>(id))
    }

    async fn delete(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<bool> {
        scope.require_writes()?;
        let delete = T::delete_many().filter(T::KEY.eq(*id.as_uuid()));
        let deleted = delete.exec(scope.sql()?).await.or_database_error()?;
        Ok(deleted.rows_affected > 0)
    }

    async fn list(&self, scope: &mut Scope<'_>, page: Page) -> Result<Vec<Stored<T::Kept>>> {
        let mut find = T::find();
        if let Some(after) = page.start() {
            find = find.filter(T::KEY.gt(*after.as_uuid()));
        }
        let find = find.order_by_asc(T::KEY).limit(page.limit() as u64);
        let rows = find.all(scope.sql()?).await.or_database_error()?;
        rows.into_iter().map(Self::stored).collect()
    }

    async fn count(&self, scope: &mut Scope<'_>) -> Result<u64> {
        let count = T::find()
            .select_only()
            .column_as(T::KEY.count(), "n")
            .into_tuple::<i64>();
        let counted = count.one(scope.sql()?).await.or_database_error()?;
        Ok(counted.unwrap_or_default().unsigned_abs())
    }

    async fn exists(&self, scope: &mut Scope<'_>, id: EntityId) -> Result<bool> {
        let find = T::find()
            .select_only()
            .column(T::KEY)
            .filter(T::KEY.eq(*id.as_uuid()))
            .into_tuple::<uuid::Uuid>();
        let found = find.one(scope.sql()?).await.or_database_error()?;
        Ok(found.is_some())
    }
}

fn key(id: EntityId) -> Value {
    Value::Uuid(Some(*id.as_uuid()))
}

fn signed(version: u64) -> Result<i64> {
    i64::try_from(version)
        .map_err(|_| Error::new(ROW_INVALID, "no such version").with("version", version))
}

fn invalid<T: Table>() -> Error {
    Error::new(ROW_INVALID, "a row makes no sense").with("entity", T::Kept::NAME)
}
