use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::{Attribution, PrincipalKind};
use lattice_lock_providers::{
    Bucket, Count, FailureClass, ModelRef, PriceVersion, ProviderId, TokenUsage,
};
use lattice_lock_repository::Timestamp;
use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::corrupt;
use crate::entry::Fact;
use crate::{AttemptId, Cost, Entry, EntryId, Money, OperationId, Outcome, Unpriced};

/// One row of `lattice_entries`.
#[expect(
    clippy::struct_field_names,
    reason = "sea-orm wants the struct to be called `Model`"
)]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lattice_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    pub idempotency_key: String,
    pub payload_hash: String,
    pub operation_id: Uuid,
    pub turn: i64,
    pub attempt: i64,
    pub principal_id: String,
    pub principal_kind: String,
    pub attribution: String,
    pub provider: String,
    pub requested_model: String,
    pub served_model: Option<String>,
    pub provider_request_id: Option<String>,
    pub task_type: Option<String>,
    pub input_tokens: Option<i64>,
    pub cache_read_tokens: Option<i64>,
    #[sea_orm(column_name = "cache_write_5m_tokens")]
    pub cache_write_5m_tokens: Option<i64>,
    #[sea_orm(column_name = "cache_write_1h_tokens")]
    pub cache_write_1h_tokens: Option<i64>,
    pub input_audio_tokens: Option<i64>,
    pub cache_read_audio_tokens: Option<i64>,
    pub input_image_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
    pub output_audio_tokens: Option<i64>,
    pub web_searches: Option<i64>,
    pub requests: Option<i64>,
    pub provider_total: Option<i64>,
    pub cost_nanos: Option<i64>,
    pub cost_state: String,
    pub price_version: Option<String>,
    pub outcome: String,
    pub latency_us: i64,
    pub occurred_at: i64,
    pub recorded_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What stands in `cost_state` for a known cost; the others are those of [`Unpriced`].
const PRICED: &str = "priced";

impl From<&Entry> for ActiveModel {
    fn from(entry: &Entry) -> Self {
        let fact = &entry.fact;
        // Counts beyond the column's range never get into an entry.
        let count = |bucket| Set(column(fact.usage.get(bucket)));
        let (cost_nanos, cost_state, price_version) = match &fact.cost {
            Cost::Priced { amount, version } => (
                Some(amount.nanos()),
                PRICED,
                Some(version.as_str().to_owned()),
            ),
            Cost::Unpriced(why) => (None, why.as_str(), None),
        };
        Self {
            entry_id: Set(*entry.id.as_uuid()),
            idempotency_key: Set(entry.idempotency_key()),
            payload_hash: Set(entry.payload_hash()),
            operation_id: Set(*fact.attempt.operation().as_uuid()),
            turn: Set(fact.attempt.turn().into()),
            attempt: Set(fact.attempt.attempt().into()),
            principal_id: Set(fact.principal.as_str().to_owned()),
            principal_kind: Set(fact.principal_kind.as_str().to_owned()),
            // Plain maps of strings always have a JSON form.
            attribution: Set(serde_json::to_string(&fact.attribution).unwrap_or_default()),
            provider: Set(fact.requested.provider().as_str().to_owned()),
            requested_model: Set(fact.requested.name().as_str().to_owned()),
            served_model: Set(fact.served.as_ref().map(|name| name.as_str().to_owned())),
            provider_request_id: Set(fact.provider_request_id.clone()),
            task_type: Set(fact.task_type.clone()),
            input_tokens: count(Bucket::Input),
            cache_read_tokens: count(Bucket::CacheRead),
            cache_write_5m_tokens: count(Bucket::CacheWrite5m),
            cache_write_1h_tokens: count(Bucket::CacheWrite1h),
            input_audio_tokens: count(Bucket::InputAudio),
            cache_read_audio_tokens: count(Bucket::CacheReadAudio),
            input_image_tokens: count(Bucket::InputImage),
            output_tokens: count(Bucket::Output),
            reasoning_tokens: count(Bucket::Reasoning),
            output_audio_tokens: count(Bucket::OutputAudio),
            web_searches: count(Bucket::WebSearches),
            requests: count(Bucket::Requests),
            provider_total: Set(column(fact.usage.total())),
            cost_nanos: Set(cost_nanos),
            cost_state: Set(cost_state.to_owned()),
            price_version: Set(price_version),
            outcome: Set(fact.outcome.as_str().to_owned()),
            latency_us: Set(fact.latency_us),
            occurred_at: Set(fact.occurred_at.as_micros()),
            recorded_at: Set(entry.recorded_at.as_micros()),
        }
    }
}

fn column(count: Count) -> Option<i64> {
    count.reported().and_then(|count| i64::try_from(count).ok())
}

impl TryFrom<Model> for Entry {
    type Error = Error;

    /// Reads a row back, and refuses one whose hash is not that of its columns.
    fn try_from(row: Model) -> Result<Self> {
        let hash = row.payload_hash.clone();
        let entry = Self {
            id: EntryId::from_uuid(row.entry_id),
            recorded_at: Timestamp::from_micros(row.recorded_at),
            fact: row.into_fact()?,
        };
        if entry.payload_hash() != hash {
            return Err(corrupt("payload_hash").with("entry", entry.id));
        }
        Ok(entry)
    }
}

impl Model {
    fn into_fact(self) -> Result<Fact> {
        let usage = self.usage()?;
        let cost = self.cost()?;
        let outcome = outcome(&self.outcome)?;
        let attribution: Attribution =
            serde_json::from_str(&self.attribution).map_err(|_| corrupt("attribution"))?;
        let provider: ProviderId = self.provider.parse()?;
        Ok(Fact {
            attempt: attempt(self.operation_id, self.turn, self.attempt)?,
            principal: self.principal_id.parse()?,
            principal_kind: kind(&self.principal_kind)?,
            attribution: Arc::new(attribution),
            requested: ModelRef::new(provider, self.requested_model.parse()?),
            served: self.served_model.map(|name| name.parse()).transpose()?,
            provider_request_id: self.provider_request_id,
            task_type: self.task_type,
            usage,
            cost,
            outcome,
            latency_us: self.latency_us,
            occurred_at: Timestamp::from_micros(self.occurred_at),
        })
    }

    fn usage(&self) -> Result<TokenUsage> {
        let columns = [
            self.input_tokens,
            self.cache_read_tokens,
            self.cache_write_5m_tokens,
            self.cache_write_1h_tokens,
            self.input_audio_tokens,
            self.cache_read_audio_tokens,
            self.input_image_tokens,
            self.output_tokens,
            self.reasoning_tokens,
            self.output_audio_tokens,
            self.web_searches,
            self.requests,
        ];
        let count = |column: Option<i64>| {
            let count = column.map(u64::try_from).transpose();
            count.map(Count::from).map_err(|_| corrupt("usage"))
        };
        let mut usage = TokenUsage::new().with_total(count(self.provider_total)?);
        for (bucket, column) in Bucket::ALL.into_iter().zip(columns) {
            usage = usage.with(bucket, count(column)?);
        }
        Ok(usage)
    }

    fn cost(&self) -> Result<Cost> {
        match (self.cost_nanos, &self.price_version) {
            (Some(nanos), Some(version)) if self.cost_state == PRICED => Ok(Cost::Priced {
                amount: Money::from_nanos(nanos),
                version: PriceVersion::new(version),
            }),
            (None, None) => Unpriced::ALL
                .into_iter()
                .find(|why| why.as_str() == self.cost_state)
                .map(Cost::Unpriced)
                .ok_or_else(|| corrupt("cost_state")),
            _ => Err(corrupt("cost_state")),
        }
    }
}

pub(super) fn attempt(operation: Uuid, turn: i64, attempt: i64) -> Result<AttemptId> {
    let small = |number: i64| u16::try_from(number).map_err(|_| corrupt("attempt"));
    let operation = OperationId::from_uuid(operation);
    Ok(AttemptId::new(operation, small(turn)?, small(attempt)?))
}

fn kind(name: &str) -> Result<PrincipalKind> {
    let kinds = [
        PrincipalKind::User,
        PrincipalKind::ApiKey,
        PrincipalKind::Service,
        PrincipalKind::External,
    ];
    kinds
        .into_iter()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| corrupt("principal_kind"))
}

fn outcome(name: &str) -> Result<Outcome> {
    let failed = FailureClass::ALL.into_iter().map(Outcome::Failed);
    std::iter::once(Outcome::Replied)
        .chain(failed)
        .find(|outcome| outcome.as_str() == name)
        .ok_or_else(|| corrupt("outcome"))
}
