use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{
    Bucket, Count, ModelName, ModelRef, PriceVersion, ProviderId, TokenUsage,
};
use lattice_lock_repository::{Scope, Timestamp};
use sea_orm::entity::prelude::*;
use sea_orm::{DbBackend, FromQueryResult, QueryResult};

use super::common::{Common, kind_named, of_fact, small};
use super::statement::{Cell, OrOurs, Sql};
use super::{corrupt, newer};
use crate::entry::{Effect, Fact, Subject, is_known};
use crate::{Cost, Discount, Entry, EntryId, EntryKind, Money, Outcome, Position, Unpriced};

/// One row of `lattice_entries`.
#[expect(
    clippy::struct_field_names,
    reason = "sea-orm wants the struct to be called `Model`"
)]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lattice_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    pub entry_id: Uuid,
    pub idempotency_key: String,
    pub payload_hash: String,
    pub kind: String,
    pub operation_id: Option<Uuid>,
    pub turn: Option<i64>,
    pub attempt: Option<i64>,
    pub charge_key: Option<String>,
    pub revision: i64,
    pub reason: Option<String>,
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
    pub served_model: Option<String>,
    pub provider_request_id: Option<String>,
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
    pub discount: i64,
    pub cost_nanos: Option<i64>,
    pub cost_state: String,
    pub price_version: Option<String>,
    pub foreign_amount: Option<String>,
    pub effect_nanos: i64,
    pub effect_unpriced: i64,
    pub outcome: String,
    pub latency_us: Option<i64>,
    pub occurred_at: i64,
    pub recorded_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The columns, in the order of [`row`].
pub(super) const COLUMNS: [&str; 47] = [
    "position",
    "entry_id",
    "idempotency_key",
    "payload_hash",
    "kind",
    "operation_id",
    "turn",
    "attempt",
    "charge_key",
    "revision",
    "reason",
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
    "served_model",
    "provider_request_id",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cache_read_audio_tokens",
    "input_image_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "web_searches",
    "requests",
    "provider_total",
    "discount",
    "cost_nanos",
    "cost_state",
    "price_version",
    "foreign_amount",
    "effect_nanos",
    "effect_unpriced",
    "outcome",
    "latency_us",
    "occurred_at",
    "recorded_at",
];

/// Those of the keys that are there: mostly none, and to be told of all columns for that takes longer than to look.
pub(super) async fn known(
    scope: &mut Scope<'_>,
    backend: DbBackend,
    keys: &[String],
) -> Result<Vec<String>> {
    let sql = "SELECT idempotency_key FROM lattice_entries WHERE idempotency_key";
    let rows = Sql::new(backend, sql).among(keys).rows(scope).await?;
    let key = |row: &QueryResult| row.try_get_by_index(0).or_ours();
    rows.iter().map(key).collect()
}

/// The entries of these keys.
pub(super) async fn read(
    scope: &mut Scope<'_>,
    backend: DbBackend,
    keys: &[String],
) -> Result<Vec<Entry>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let columns = COLUMNS.join(",");
    let sql = format!("SELECT {columns} FROM lattice_entries WHERE idempotency_key");
    let rows = Sql::new(backend, &sql).among(keys).rows(scope).await?;
    let entry = |row| Model::from_query_result(row, "").or_ours()?.try_into();
    rows.iter().map(entry).collect()
}

/// The values of an entry's row. Counts beyond a column's range never get into an entry.
pub(super) fn row<'a>(entry: &'a Entry, hash: &'a str) -> [Cell<'a>; 47] {
    let fact = &entry.fact;
    let (attempt, charge) = match &fact.subject {
        Subject::Attempt(attempt) => (Some(*attempt), None),
        Subject::Charge(key) => (None, Some(key.as_str())),
    };
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
    ] = of_fact(fact);
    let count = |bucket| Cell::from(column(fact.usage.get(bucket)));
    // Plain data always has a JSON form.
    let foreign = fact
        .foreign
        .as_ref()
        .map(|foreign| serde_json::to_string(foreign).unwrap_or_default());
    [
        entry.position.unwrap_or_default().get().into(),
        (*entry.id.as_uuid()).into(),
        entry.idempotency_key().into(),
        hash.into(),
        fact.kind.as_str().into(),
        attempt.map(|it| *it.operation().as_uuid()).into(),
        attempt.map(|it| i64::from(it.turn())).into(),
        attempt.map(|it| i64::from(it.attempt())).into(),
        charge.into(),
        i64::from(fact.revision).into(),
        fact.reason.as_deref().into(),
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
        fact.served.as_ref().map(ModelName::as_str).into(),
        fact.provider_request_id.as_deref().into(),
        count(Bucket::Input),
        count(Bucket::CacheRead),
        count(Bucket::CacheWrite5m),
        count(Bucket::CacheWrite1h),
        count(Bucket::InputAudio),
        count(Bucket::CacheReadAudio),
        count(Bucket::InputImage),
        count(Bucket::Output),
        count(Bucket::Reasoning),
        count(Bucket::OutputAudio),
        count(Bucket::WebSearches),
        count(Bucket::Requests),
        column(fact.usage.total()).into(),
        i64::from(fact.discount.millionths()).into(),
        fact.cost.amount().map(Money::nanos).into(),
        fact.cost.state().into(),
        fact.cost.version().map(PriceVersion::as_str).into(),
        foreign.into(),
        fact.effect.amount.nanos().into(),
        i64::from(fact.effect.unpriced).into(),
        fact.outcome.as_str().into(),
        fact.latency_us.into(),
        fact.occurred_at.as_micros().into(),
        entry.recorded_at.as_micros().into(),
    ]
}

fn column(count: Count) -> Option<i64> {
    count.reported().and_then(|count| i64::try_from(count).ok())
}

impl TryFrom<Model> for Entry {
    type Error = Error;

    /// Reads a row back, and refuses one whose hash is not that of its columns, or that a newer version wrote: whoever
    /// reads must not miss it.
    fn try_from(row: Model) -> Result<Self> {
        let (hash, key) = (row.payload_hash.clone(), row.idempotency_key.clone());
        let entry = Self {
            id: EntryId::from_uuid(row.entry_id),
            recorded_at: Timestamp::from_micros(row.recorded_at),
            position: Some(Position::new(row.position)),
            fact: row.into_fact()?,
        };
        let version = hash
            .split_once(':')
            .map(|(version, _)| version.parse::<u16>());
        if !is_known(&hash) && matches!(version, Some(Ok(_))) {
            return Err(newer("payload_hash").with("entry", entry.id));
        }
        if !is_known(&hash) || entry.payload_hash() != hash || entry.idempotency_key() != key {
            return Err(corrupt("payload_hash").with("entry", entry.id));
        }
        Ok(entry)
    }
}

impl Model {
    fn into_fact(self) -> Result<Fact> {
        let subject = self.subject()?;
        let usage = self.usage()?;
        let cost = self.cost()?;
        let outcome = Outcome::named(&self.outcome);
        let kind = EntryKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.kind);
        let discount = u32::try_from(self.discount).ok();
        let discount = discount.and_then(|it| Discount::try_from(it).ok());
        let foreign = self
            .foreign_amount
            .map(|foreign| serde_json::from_str(&foreign))
            .transpose();
        let common = Common {
            principal_id: self.principal_id,
            principal_kind: self.principal_kind,
            team: self.team,
            project: self.project,
            tags: self.tags,
            conversation: self.conversation,
            provider: self.provider,
            requested_model: self.requested_model,
            task_type: self.task_type,
            service_tier: self.service_tier,
        };
        let provider: ProviderId = common.provider.parse()?;
        Ok(Fact {
            subject,
            kind: kind.ok_or_else(|| newer("kind"))?,
            revision: small(self.revision, "revision")?,
            reason: self.reason,
            principal: common.principal_id.parse()?,
            principal_kind: kind_named(&common.principal_kind)?,
            attribution: Arc::new(common.attribution()?),
            service_tier: common.tier()?,
            conversation: common.conversation,
            requested: ModelRef::new(provider, common.requested_model.parse()?),
            served: self.served_model.map(|name| name.parse()).transpose()?,
            provider_request_id: self.provider_request_id,
            task_type: common.task_type,
            usage,
            discount: discount.ok_or_else(|| corrupt("discount"))?,
            cost,
            foreign: foreign.map_err(|_| corrupt("foreign_amount"))?,
            effect: Effect {
                amount: Money::from_nanos(self.effect_nanos),
                unpriced: i8::try_from(self.effect_unpriced)
                    .map_err(|_| corrupt("effect_unpriced"))?,
            },
            outcome: outcome.ok_or_else(|| newer("outcome"))?,
            latency_us: self.latency_us,
            occurred_at: Timestamp::from_micros(self.occurred_at),
        })
    }

    fn subject(&self) -> Result<Subject> {
        match (self.operation_id, self.turn, self.attempt, &self.charge_key) {
            (Some(operation), Some(turn), Some(attempt), None) => {
                super::common::attempt(operation, turn, attempt).map(Subject::Attempt)
            }
            (None, None, None, Some(key)) => Ok(Subject::Charge(key.parse()?)),
            _ => Err(corrupt("operation_id")),
        }
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
        let amount = self.cost_nanos.map(Money::from_nanos);
        let version = self.price_version.as_deref().map(PriceVersion::new);
        match (self.cost_state.as_str(), amount, version) {
            ("priced", Some(amount), Some(version)) => Ok(Cost::Priced { amount, version }),
            ("estimated", Some(amount), Some(version)) => Ok(Cost::Estimated { amount, version }),
            ("provider_reported", Some(amount), None) => Ok(Cost::ProviderReported { amount }),
            ("void", Some(Money::ZERO), None) => Ok(Cost::Void),
            ("priced" | "estimated" | "provider_reported" | "void", ..) => {
                Err(corrupt("cost_state"))
            }
            (state, amount, version) => {
                let why = Unpriced::ALL.into_iter().find(|why| why.as_str() == state);
                let why = why.ok_or_else(|| newer("cost_state"))?;
                if amount.is_some() || version.is_some() {
                    return Err(corrupt("cost_state"));
                }
                Ok(Cost::Unpriced(why))
            }
        }
    }
}
