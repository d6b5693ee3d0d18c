//! The rows, and what they stand for. Times are seconds in the library and microseconds in the tables.

use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::Permissions;
use lattice_lock_repository::EntityId;
use lattice_lock_repository::codes::ROW_INVALID;
use sea_orm::Set;

use crate::User;
use crate::audit::AuditEntry;
use crate::keys::ApiKey;
use crate::lockout::{GateState, Pseudonym};
use crate::store::Session;
use crate::tokens::Id;

const MICROS: i64 = 1_000_000;

pub(super) fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(MICROS)
}

pub(super) fn seconds(micros: i64) -> u64 {
    u64::try_from(micros / MICROS).unwrap_or(0)
}

pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64, column: &'static str) -> Result<u64> {
    u64::try_from(number).map_err(|_| invalid(column))
}

fn invalid(column: &'static str) -> Error {
    Error::new(ROW_INVALID, "a row makes no sense").with("column", column)
}

fn written(scopes: &Permissions) -> Result<String> {
    serde_json::to_string(scopes).map_err(|_| invalid("scopes"))
}

fn read(scopes: &str) -> Result<Permissions> {
    serde_json::from_str(scopes).map_err(|_| invalid("scopes"))
}

/// A table of its own module, since sea-orm gives each the same names.
macro_rules! table {
    ($name:ident, $table:literal, $key:ident: $key_type:ty { $($column:ident: $type:ty,)* }) => {
        pub(super) mod $name {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub(crate) struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub $key: $key_type,
                $(pub $column: $type,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub(crate) enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table!(users, "lattice_auth_users", id: Uuid {
    version: i64, name: String, role: String, disabled: i64, epoch: i64, ended_at: i64, created_at: i64,
    password_hash: String,
});
table!(marks, "lattice_auth_marks", name: String { set_at: i64, });
table!(sessions, "lattice_auth_sessions", id: Uuid {
    user_id: Uuid, token_id: Uuid, generation: i64, epoch: i64, scopes: Option<String>, created_at: i64, rotated_at: i64,
    expires_at: i64, ended_at: Option<i64>,
});
table!(revocations, "lattice_auth_revocations", token_id: Uuid { expires_at: i64, });
table!(keys, "lattice_auth_keys", id: String {
    hash: String, owner_id: Uuid, name: String, scopes: String, created_at: i64, expires_at: Option<i64>,
    last_used_at: Option<i64>,
});
table!(gates, "lattice_auth_gates", id: String {
    failures: i64, closed_since: i64, closed_until: i64, touched_at: i64, trusted_until: i64, opened_at: i64,
});
table!(audit, "lattice_auth_audit", sequence: i64 {
    happened_at: i64, action: String, actor: String, target: String, source: String, outcome: String, key_id: String,
    digest: String, mac: String,
});

impl From<&User> for users::ActiveModel {
    fn from(user: &User) -> Self {
        Self {
            id: Set(*user.id.as_uuid()),
            version: Set(count(user.version)),
            name: Set(user.name.as_str().to_owned()),
            role: Set(user.role.as_str().to_owned()),
            disabled: Set(user.disabled.into()),
            epoch: Set(count(user.epoch)),
            ended_at: Set(micros(user.ended_at)),
            created_at: Set(micros(user.created_at)),
            password_hash: Set(user.password.as_str().to_owned()),
        }
    }
}

impl TryFrom<users::Model> for User {
    type Error = Error;

    fn try_from(row: users::Model) -> Result<Self> {
        Ok(Self {
            id: EntityId::from_uuid(row.id),
            version: unsigned(row.version, "version")?,
            name: row.name.parse().map_err(|_| invalid("name"))?,
            role: row.role.parse().map_err(|_| invalid("role"))?,
            disabled: row.disabled != 0,
            epoch: unsigned(row.epoch, "epoch")?,
            ended_at: seconds(row.ended_at),
            created_at: seconds(row.created_at),
            password: row.password_hash.parse()?,
        })
    }
}

impl TryFrom<&Session> for sessions::ActiveModel {
    type Error = Error;

    fn try_from(session: &Session) -> Result<Self> {
        Ok(Self {
            id: Set(*session.id.as_uuid()),
            user_id: Set(*session.user.as_uuid()),
            token_id: Set(*session.token.as_uuid()),
            generation: Set(count(session.generation)),
            epoch: Set(count(session.epoch)),
            scopes: Set(session.scopes.as_ref().map(written).transpose()?),
            created_at: Set(micros(session.created_at)),
            rotated_at: Set(micros(session.rotated_at)),
            expires_at: Set(micros(session.expires_at)),
            ended_at: Set(session.ended_at.map(micros)),
        })
    }
}

impl TryFrom<sessions::Model> for Session {
    type Error = Error;

    fn try_from(row: sessions::Model) -> Result<Self> {
        Ok(Self {
            id: Id::from_uuid(row.id),
            user: EntityId::from_uuid(row.user_id),
            token: Id::from_uuid(row.token_id),
            generation: unsigned(row.generation, "generation")?,
            epoch: unsigned(row.epoch, "epoch")?,
            scopes: row.scopes.as_deref().map(read).transpose()?,
            created_at: seconds(row.created_at),
            rotated_at: seconds(row.rotated_at),
            expires_at: seconds(row.expires_at),
            ended_at: row.ended_at.map(seconds),
        })
    }
}

impl TryFrom<&ApiKey> for keys::ActiveModel {
    type Error = Error;

    fn try_from(key: &ApiKey) -> Result<Self> {
        Ok(Self {
            id: Set(key.id.as_str().to_owned()),
            hash: Set(crate::tokens::encode(key.hash)),
            owner_id: Set(*key.owner.as_uuid()),
            name: Set(key.name.clone()),
            scopes: Set(written(&key.scopes)?),
            created_at: Set(micros(key.created_at)),
            expires_at: Set(key.expires_at.map(micros)),
            last_used_at: Set(key.last_used_at.map(micros)),
        })
    }
}

impl TryFrom<keys::Model> for ApiKey {
    type Error = Error;

    fn try_from(row: keys::Model) -> Result<Self> {
        let hash = crate::tokens::decode(&row.hash).and_then(|hash| hash.try_into().ok());
        Ok(Self {
            id: row.id.parse().map_err(|_| invalid("id"))?,
            hash: hash.ok_or_else(|| invalid("hash"))?,
            owner: EntityId::from_uuid(row.owner_id),
            name: row.name,
            scopes: read(&row.scopes)?,
            created_at: seconds(row.created_at),
            expires_at: row.expires_at.map(seconds),
            last_used_at: row.last_used_at.map(seconds),
        })
    }
}

impl From<&GateState> for gates::ActiveModel {
    fn from(gate: &GateState) -> Self {
        Self {
            id: Set(gate.key.as_str().to_owned()),
            failures: Set(count(gate.failures)),
            closed_since: Set(micros(gate.closed_since)),
            closed_until: Set(micros(gate.closed_until)),
            touched_at: Set(micros(gate.touched_at)),
            trusted_until: Set(micros(gate.trusted_until)),
            opened_at: Set(micros(gate.opened_at)),
        }
    }
}

impl From<gates::Model> for GateState {
    fn from(row: gates::Model) -> Self {
        Self {
            key: Pseudonym::kept(&row.id),
            failures: row.failures.unsigned_abs(),
            closed_since: seconds(row.closed_since),
            closed_until: seconds(row.closed_until),
            touched_at: seconds(row.touched_at),
            trusted_until: seconds(row.trusted_until),
            opened_at: seconds(row.opened_at),
        }
    }
}

impl From<&AuditEntry> for audit::ActiveModel {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            sequence: Set(count(entry.sequence)),
            happened_at: Set(micros(entry.at)),
            action: Set(entry.action.clone()),
            actor: Set(entry.actor.clone()),
            target: Set(entry.target.clone()),
            source: Set(entry.source.clone()),
            outcome: Set(entry.outcome.clone()),
            key_id: Set(entry.key_id.clone()),
            digest: Set(entry.digest.clone()),
            mac: Set(entry.mac.clone()),
        }
    }
}

impl TryFrom<audit::Model> for AuditEntry {
    type Error = Error;

    fn try_from(row: audit::Model) -> Result<Self> {
        Ok(Self {
            sequence: unsigned(row.sequence, "sequence")?,
            at: seconds(row.happened_at),
            action: row.action,
            actor: row.actor,
            target: row.target,
            source: row.source,
            outcome: row.outcome,
            key_id: row.key_id,
            digest: row.digest,
            mac: row.mac,
        })
    }
}
