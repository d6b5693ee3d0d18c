use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{ModelRef, ProviderId};
use lattice_lock_repository::Timestamp;
use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::entry_table::attempt;
use crate::Intent;

/// One row of `lattice_intents`.
#[expect(
    clippy::struct_field_names,
    reason = "sea-orm wants the struct to be called `Model`"
)]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lattice_intents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub attempt_key: String,
    pub operation_id: Uuid,
    pub turn: i64,
    pub attempt: i64,
    pub principal_id: String,
    pub provider: String,
    pub requested_model: String,
    pub opened_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Intent> for ActiveModel {
    fn from(intent: Intent) -> Self {
        Self {
            attempt_key: Set(intent.attempt.to_string()),
            operation_id: Set(*intent.attempt.operation().as_uuid()),
            turn: Set(intent.attempt.turn().into()),
            attempt: Set(intent.attempt.attempt().into()),
            principal_id: Set(intent.principal.as_str().to_owned()),
            provider: Set(intent.requested.provider().as_str().to_owned()),
            requested_model: Set(intent.requested.name().as_str().to_owned()),
            opened_at: Set(intent.opened_at.as_micros()),
        }
    }
}

impl TryFrom<Model> for Intent {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let provider: ProviderId = row.provider.parse()?;
        Ok(Self {
            attempt: attempt(row.operation_id, row.turn, row.attempt)?,
            principal: row.principal_id.parse()?,
            requested: ModelRef::new(provider, row.requested_model.parse()?),
            opened_at: Timestamp::from_micros(row.opened_at),
        })
    }
}
