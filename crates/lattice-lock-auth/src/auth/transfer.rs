use std::fmt;
use std::sync::atomic::Ordering;

use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::EntityId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Auth;
use crate::audit::{Action, Event};
use crate::codes::{IMPORT_INVALID, USERNAME_TAKEN};
use crate::store::Change;
use crate::{Role, Source, User};

/// How many users are read at once.
const PAGE: usize = 500;

/// A user on the way from one place to another, with the password's hash: as [`Auth::export_users`] writes it, or as
/// the original in Python does (`username`, `hashed_password`, `role`, `is_active`). `Debug` does not show the hash.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserRecord {
    /// Kept where it is given; others get a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(alias = "name")]
    username: String,
    #[serde(alias = "hashed_password")]
    password_hash: String,
    #[serde(default = "viewer")]
    role: String,
    #[serde(default = "yes")]
    is_active: bool,
}

fn viewer() -> String {
    Role::Viewer.as_str().to_owned()
}

const fn yes() -> bool {
    true
}

impl fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRecord")
            .field("username", &self.username)
            .field("role", &self.role)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

/// What became of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportedUsers {
    /// How many are new.
    pub added: usize,
    /// How many names were there already; those users are as they were.
    pub skipped: usize,
}

impl Auth {
    /// Every user, with the hashes: a file of them is to be guarded like the database itself.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn export_users(&self) -> Result<Vec<UserRecord>> {
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let page = self.0.store.users(after, PAGE).await?;
            after = page.last().map(|user| user.id);
            let is_last = page.len() < PAGE;
            records.extend(page.into_iter().map(UserRecord::from));
            if is_last {
                return Ok(records);
            }
        }
    }

    /// Takes over users with the passwords that they have: hashes of argon2id and bcrypt, the latter replaced at the
    /// first login; until the last one is, every login takes a hash of each scheme, so that nobody learns from the work
    /// who was taken over. All records are checked before the first user is made; doing it again skips those that are
    /// there.
    ///
    /// # Errors
    ///
    /// [`IMPORT_INVALID`] with the record's number, from 0 on; those of the store.
    pub async fn import_users(&self, records: &[UserRecord]) -> Result<ImportedUsers> {
        let now = self.now();
        let read = |(at, record): (usize, &UserRecord)| {
            self.read(record, now).map_err(|fault| {
                Error::new(IMPORT_INVALID, "a user cannot be read")
                    .with("record", at)
                    .with_source(fault)
            })
        };
        let users = records
            .iter()
            .enumerate()
            .map(read)
            .collect::<Result<Vec<_>>>()?;
        let (mut imported, source) = (ImportedUsers::default(), Source::unknown());
        for user in users {
            let target = user.id.to_string();
            let event = Event::new(Action::ImportUser, None, &target, &source);
            let change = Change::AddUser { user, first: false };
            match self.commit(event, change).await {
                Ok(()) => imported.added += 1,
                Err(error) if error.code() == USERNAME_TAKEN => imported.skipped += 1,
                Err(error) => return Err(error),
            }
        }
        // How much work a login is now depends on their hashes.
        self.0.imported.due_at.store(0, Ordering::Release);
        Ok(imported)
    }

    fn read(&self, record: &UserRecord, now: u64) -> Result<User> {
        let role = record.role.parse()?;
        self.0.roles.require_known(&role)?;
        Ok(User {
            id: record
                .id
                .map_or_else(EntityId::generate, EntityId::from_uuid),
            version: 1,
            name: record.username.parse()?,
            role,
            disabled: !record.is_active,
            epoch: 0,
            ended_at: 0,
            created_at: now,
            password: record.password_hash.parse()?,
        })
    }
}

impl From<User> for UserRecord {
    fn from(user: User) -> Self {
        Self {
            id: Some(*user.id.as_uuid()),
            username: user.name.as_str().to_owned(),
            password_hash: user.password.as_str().to_owned(),
            role: user.role.as_str().to_owned(),
            is_active: !user.disabled,
        }
    }
}
