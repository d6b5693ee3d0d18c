use std::collections::HashSet;
use std::fmt;

use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::EntityId;
use serde::de::IgnoredAny;
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
/// the original in Python does (`username`, `hashed_password`, `role`, `is_active`). One with any other member but
/// `email` is refused: what is not understood might be what turns a user off. `Debug` does not show the hash.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Records have it elsewhere; nothing here sends mail.
    #[serde(default, rename = "email", skip_serializing)]
    _email: IgnoredAny,
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
    /// Every user, with the hashes: a file of them is to be guarded like the database itself. The audit says that they
    /// were read.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn export_users(&self) -> Result<Vec<UserRecord>> {
        let source = Source::unknown();
        let event = Event::new(Action::ExportUsers, None, "", &source);
        self.commit(event, Change::Nothing).await?;
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
    /// who was taken over. Whatever was issued to a user of the same id before is called back. All records are checked
    /// before the first user is made; doing it again skips those that are there.
    ///
    /// # Errors
    ///
    /// [`IMPORT_INVALID`] with the record's number, from 0 on, also for the second one of a name or an id; those of the
    /// store.
    pub async fn import_users(&self, records: &[UserRecord]) -> Result<ImportedUsers> {
        let now = self.now();
        let (mut names, mut ids) = (HashSet::new(), HashSet::new());
        let read = |(at, record): (usize, &UserRecord)| {
            let invalid = || Error::new(IMPORT_INVALID, "a user cannot be read").with("record", at);
            let user = self.read(record, now);
            let user = user.map_err(|fault| invalid().with_source(fault))?;
            if !names.insert(user.name.clone()) || !ids.insert(user.id) {
                return Err(invalid().with("fault", "another record has the same name or id"));
            }
            Ok(user)
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
            // Another one than any that a user of this id had before.
            epoch: now,
            ended_at: now,
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
            _email: IgnoredAny,
        }
    }
}
