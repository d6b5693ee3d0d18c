use std::collections::VecDeque;
use std::fmt;

use lattice_lock_errors::Result;

use crate::{Entity, Page, Repository, Scope, Stored};

/// All entities of a repository, one after the other, a page of them in memory at a time.
///
/// ```
/// # use lattice_lock_repository::{Database, Entity, ListAll, MemoryRepository, Page, Repository};
/// # #[derive(Clone)]
/// # struct Note(usize);
/// # impl Entity for Note { const NAME: &'static str = "note"; }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let (database, notes) = (Database::in_memory(), MemoryRepository::new());
/// notes.create_many(&mut database.writer()?, (0..25).map(Note).collect()).await?;
///
/// let (mut sum, mut all) = (0, notes.list_all(Page::first(10)?));
/// while let Some(note) = all.next(&mut database.reader()?).await? {
///     sum += note.entity.0;
/// }
/// assert_eq!(sum, 300);
/// # Ok(())
/// # }
/// ```
pub struct Listing<'a, R: ?Sized, E> {
    repository: &'a R,
    page: Page,
    read: VecDeque<Stored<E>>,
    ended: bool,
}

impl<R: Repository<E> + ?Sized, E: Entity> Listing<'_, R, E> {
    /// The next entity; none at the end. The scope is free for other work in between.
    ///
    /// Outside of a transaction, what is created meanwhile may or may not be among them.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::list`]; calling again then repeats the page.
    pub async fn next(&mut self, scope: &mut Scope<'_>) -> Result<Option<Stored<E>>> {
        if self.read.is_empty() && !self.ended {
            let page = self.repository.list(scope, self.page).await?;
            self.ended = page.len() < self.page.limit();
            if let Some(last) = page.last() {
                self.page = self.page.after(last.id());
            }
            self.read = page.into();
        }
        Ok(self.read.pop_front())
    }
}

impl<R: ?Sized, E> fmt::Debug for Listing<'_, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

/// Goes through all entities of any [`Repository`].
pub trait ListAll<E: Entity>: Repository<E> {
    /// All entities from this page on, so many at a time.
    fn list_all(&self, page: Page) -> Listing<'_, Self, E> {
        Listing {
            repository: self,
            page,
            read: VecDeque::new(),
            ended: false,
        }
    }
}

impl<R: Repository<E> + ?Sized, E: Entity> ListAll<E> for R {}
