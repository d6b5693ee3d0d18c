//! What entries and intents have in common: for whom, and of what.

use lattice_lock_errors::Result;
use lattice_lock_principal::{Attribution, PrincipalId, PrincipalKind};
use lattice_lock_providers::{ModelRef, ServiceTier};
use uuid::Uuid;

use super::statement::Cell;
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

pub(super) fn of_fact(fact: &Fact) -> [Cell<'_>; 10] {
    cells(
        (&fact.principal, fact.principal_kind),
        &fact.attribution,
        fact.conversation.as_deref(),
        &fact.requested,
        fact.task_type.as_deref(),
        fact.service_tier,
    )
}

pub(super) fn of_intent(intent: &Intent) -> [Cell<'_>; 10] {
    cells(
        (&intent.principal, intent.principal_kind),
        &intent.attribution,
        intent.conversation.as_deref(),
        &intent.requested,
        intent.task_type.as_deref(),
        intent.service_tier,
    )
}

/// In the order of the columns.
fn cells<'a>(
    (principal, kind): (&'a PrincipalId, PrincipalKind),
    attribution: &'a Attribution,
    conversation: Option<&'a str>,
    requested: &'a ModelRef,
    task_type: Option<&'a str>,
    service_tier: ServiceTier,
) -> [Cell<'a>; 10] {
    let tags = attribution.tags();
    // Plain maps of strings always have a JSON form.
    let tags = (!tags.is_empty()).then(|| serde_json::to_string(tags).unwrap_or_default());
    [
        principal.as_str().into(),
        kind.as_str().into(),
        attribution.team().into(),
        attribution.project().into(),
        tags.into(),
        conversation.into(),
        requested.provider().as_str().into(),
        requested.name().as_str().into(),
        task_type.into(),
        service_tier.as_str().into(),
    ]
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
