//! What entries and intents have in common: for whom, and of what.

use lattice_lock_errors::Result;
use lattice_lock_principal::{Attribution, PrincipalKind};
use lattice_lock_providers::ServiceTier;
use sea_orm::Value;
use uuid::Uuid;

use super::{corrupt, newer};
use crate::entry::Fact;
use crate::{AttemptId, Intent, OperationId};

pub(super) struct Common {
    pub(super) principal_id: String,
    pub(super) principal_kind: String,
    pub(super) team: Option<String>,
    pub(super) project: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) conversation: Option<String>,
    pub(super) provider: String,
    pub(super) requested_model: String,
    pub(super) task_type: Option<String>,
    pub(super) service_tier: String,
}

impl Common {
    pub(super) fn of_fact(fact: &Fact) -> Self {
        let (team, project, tags) = labels(&fact.attribution);
        Self {
            principal_id: fact.principal.as_str().to_owned(),
            principal_kind: fact.principal_kind.as_str().to_owned(),
            team,
            project,
            tags,
            conversation: fact.conversation.clone(),
            provider: fact.requested.provider().as_str().to_owned(),
            requested_model: fact.requested.name().as_str().to_owned(),
            task_type: fact.task_type.clone(),
            service_tier: fact.service_tier.as_str().to_owned(),
        }
    }

    pub(super) fn of_intent(intent: &Intent) -> Self {
        let (team, project, tags) = labels(&intent.attribution);
        Self {
            principal_id: intent.principal.as_str().to_owned(),
            principal_kind: intent.principal_kind.as_str().to_owned(),
            team,
            project,
            tags,
            conversation: intent.conversation.clone(),
            provider: intent.requested.provider().as_str().to_owned(),
            requested_model: intent.requested.name().as_str().to_owned(),
            task_type: intent.task_type.clone(),
            service_tier: intent.service_tier.as_str().to_owned(),
        }
    }

    /// In the order of the columns.
    pub(super) fn values(self) -> [Value; 10] {
        [
            self.principal_id.into(),
            self.principal_kind.into(),
            self.team.into(),
            self.project.into(),
            self.tags.into(),
            self.conversation.into(),
            self.provider.into(),
            self.requested_model.into(),
            self.task_type.into(),
            self.service_tier.into(),
        ]
    }

    pub(super) fn attribution(&self) -> Result<Attribution> {
        let mut labels = serde_json::Map::new();
        for (name, label) in [("team", &self.team), ("project", &self.project)] {
            if let Some(label) = label {
                labels.insert(name.into(), label.as_str().into());
            }
        }
        if let Some(tags) = &self.tags {
            let tags = serde_json::from_str(tags).map_err(|_| corrupt("tags"))?;
            labels.insert("tags".into(), tags);
        }
        serde_json::from_value(labels.into()).map_err(|_| corrupt("team"))
    }

    pub(super) fn tier(&self) -> Result<ServiceTier> {
        tiers()
            .find(|tier| tier.as_str() == self.service_tier)
            .ok_or_else(|| newer("service_tier"))
    }
}

/// The service tiers that are known here.
pub(super) fn tiers() -> impl Iterator<Item = ServiceTier> {
    ServiceTier::SPECIAL
        .into_iter()
        .chain([ServiceTier::Standard])
}

/// The kinds of principals that are known here.
pub(super) const KINDS: [PrincipalKind; 4] = [
    PrincipalKind::User,
    PrincipalKind::ApiKey,
    PrincipalKind::Service,
    PrincipalKind::External,
];

fn labels(attribution: &Attribution) -> (Option<String>, Option<String>, Option<String>) {
    let tags = attribution.tags();
    // Plain maps of strings always have a JSON form.
    let tags = (!tags.is_empty()).then(|| serde_json::to_string(tags).unwrap_or_default());
    let owned = |label: Option<&str>| label.map(str::to_owned);
    (
        owned(attribution.team()),
        owned(attribution.project()),
        tags,
    )
}

pub(super) fn attempt(operation: Uuid, turn: i64, attempt: i64) -> Result<AttemptId> {
    let operation = OperationId::from_uuid(operation);
    let (turn, attempt) = (small(turn, "turn")?, small(attempt, "attempt")?);
    Ok(AttemptId::new(operation, turn, attempt))
}

pub(super) fn small(number: i64, column: &'static str) -> Result<u16> {
    u16::try_from(number).map_err(|_| corrupt(column))
}

pub(super) fn kind_named(name: &str) -> Result<PrincipalKind> {
    KINDS
        .into_iter()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| newer("principal_kind"))
}
