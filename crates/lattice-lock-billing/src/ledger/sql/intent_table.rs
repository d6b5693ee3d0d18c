use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{ModelRef, ProviderId};
use lattice_lock_repository::Timestamp;
use sea_orm::entity::prelude::*;

use super::common::{Common, attempt, kind_named, of_intent};
use super::statement::Cell;
use crate::{InstanceId, Intent};

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
    pub instance_id: Option<Uuid>,
    pub held: i64,
    pub principal_id: String,
    pub principal_kind: String,
    pub team: Option<String>,
    pub project: Option<String>,
    pub tags: Option<String>,
    pub conversation: Option<String>,
    pub provider: String,
    pub requested_model: String,
    pub task_type: Option<String>,
    pub service_tier: String,
    pub opened_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The columns, in the order of [`row`].
pub(super) const COLUMNS: [&str; 17] = [
    "attempt_key",
    "operation_id",
    "turn",
    "attempt",
    "instance_id",
    "held",
    "principal_id",
    "principal_kind",
    "team",
    "project",
    "tags",
    "conversation",
    "provider",
    "requested_model",
    "task_type",
    "service_tier",
    "opened_at",
];

/// The values of an intent's row.
pub(super) fn row(intent: &Intent) -> [Cell<'_>; 17] {
    let [
        id,
        kind,
        team,
        project,
        tags,
        conversation,
        provider,
        model,
        task,
        tier,
    ] = of_intent(intent);
    [
        intent.attempt.to_string().into(),
        (*intent.attempt.operation().as_uuid()).into(),
        i64::from(intent.attempt.turn()).into(),
        i64::from(intent.attempt.attempt()).into(),
        intent.instance.map(|instance| *instance.as_uuid()).into(),
        i64::from(intent.held).into(),
        id,
        kind,
        team,
        project,
        tags,
        conversation,
        provider,
        model,
        task,
        tier,
        intent.opened_at.as_micros().into(),
    ]
}

impl TryFrom<Model> for Intent {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let common = Common {
            principal_id: row.principal_id,
            principal_kind: row.principal_kind,
            team: row.team,
            project: row.project,
            tags: row.tags,
            conversation: row.conversation,
            provider: row.provider,
            requested_model: row.requested_model,
            task_type: row.task_type,
            service_tier: row.service_tier,
        };
        let provider: ProviderId = common.provider.parse()?;
        Ok(Self {
            attempt: attempt(row.operation_id, row.turn, row.attempt)?,
            instance: row.instance_id.map(InstanceId::from_uuid),
            principal: common.principal_id.parse()?,
            principal_kind: kind_named(&common.principal_kind)?,
            attribution: Arc::new(common.attribution()?),
            service_tier: common.tier()?,
            conversation: common.conversation,
            requested: ModelRef::new(provider, common.requested_model.parse()?),
            task_type: common.task_type,
            opened_at: Timestamp::from_micros(row.opened_at),
            held: row.held != 0,
        })
    }
}
