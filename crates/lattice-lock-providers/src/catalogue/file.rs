//! The catalogue's own format.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lattice_lock_errors::{Error, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::model::Facts;
use crate::codes::CATALOGUE_MALFORMED;
use crate::{
    Capabilities, ContextTier, Figure, MatchRule, Modalities, Model, ModelName, ModelRef,
    PriceHistory, PriceList, Prices, ProviderId, Quality, ServiceTier,
};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stale_after: Option<Date>,
    pub(super) sources: Vec<String>,
    pub(super) models: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    provider: ProviderId,
    name: ModelName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_name: Option<ModelName>,
    #[serde(rename = "match", default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<MatchRule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context_window: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_limit: Option<u64>,
    #[serde(default, skip_serializing_if = "Modalities::is_empty")]
    input: Modalities,
    #[serde(default, skip_serializing_if = "Modalities::is_empty")]
    output: Modalities,
    #[serde(default, skip_serializing_if = "is_no_capability")]
    capabilities: Capabilities,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    quality: BTreeMap<Quality, Figure>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deprecated: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    named_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retires: Option<Date>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    surcharges: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    prices: Vec<DatedPrices>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_no_capability(set: &Capabilities) -> bool {
    set.is_empty()
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DatedPrices {
    from: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usd_per_million: Option<Prices>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    above: Vec<ContextTier>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    services: BTreeMap<ServiceTier, ServicePrices>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ServicePrices {
    usd_per_million: Prices,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    above: Vec<ContextTier>,
}

impl Entry {
    /// The model, with prices of this edition.
    pub(super) fn into_model(self, edition: &str) -> Result<Model> {
        let reference = ModelRef::new(self.provider, self.name);
        let refused = |message| Error::new(CATALOGUE_MALFORMED, message).with("model", &reference);
        check_days(&self.prices)
            .map_err(|day| refused("two price lists begin on the same day").with("from", day))?;
        if self
            .quality
            .iter()
            .any(|(of, figure)| figure.value > of.largest())
        {
            return Err(refused("a quality figure is too large"));
        }
        let surcharges = self.surcharges.into_iter().map(|(name, factor)| {
            let factor = Decimal::from_str_exact(&factor)
                .map_err(|_| refused("a surcharge is no number"))?;
            Ok((name, factor))
        });
        let facts = Facts {
            api_name: self.api_name,
            rules: self.rules,
            context_window: self.context_window,
            output_limit: self.output_limit,
            input: self.input,
            output: self.output,
            capabilities: self.capabilities,
            quality: self.quality,
            deprecated: self.deprecated,
            named_only: self.named_only,
            retires: self.retires,
            surcharges: surcharges.collect::<Result<_>>()?,
            source: self.source,
        };
        let periods = self.prices.into_iter().map(DatedPrices::into_period);
        let prices = PriceHistory::with_services(edition, periods);
        Ok(Model {
            reference,
            facts,
            prices,
        })
    }

    pub(super) fn of(model: &Model) -> Self {
        let facts = model.facts.clone();
        let factors = facts.surcharges.into_iter();
        Self {
            provider: model.reference.provider().clone(),
            name: model.reference.name().clone(),
            api_name: facts.api_name,
            rules: facts.rules,
            context_window: facts.context_window,
            output_limit: facts.output_limit,
            input: facts.input,
            output: facts.output,
            capabilities: facts.capabilities,
            quality: facts.quality,
            deprecated: facts.deprecated,
            named_only: facts.named_only,
            retires: facts.retires,
            surcharges: factors
                .map(|(name, factor)| (name, factor.to_string()))
                .collect(),
            source: facts.source,
            prices: model.prices.periods().map(DatedPrices::of).collect(),
        }
    }
}

/// A day names a version of the prices, so that it cannot begin two of them.
fn check_days(prices: &[DatedPrices]) -> std::result::Result<(), Date> {
    let mut days: Vec<_> = prices.iter().map(|dated| dated.from).collect();
    days.sort_unstable();
    let twice = days.windows(2).find(|pair| pair[0] == pair[1]);
    twice.map_or(Ok(()), |pair| Err(pair[0]))
}

impl DatedPrices {
    fn into_period(self) -> (Date, BTreeMap<ServiceTier, PriceList>) {
        let list = |prices: Prices, above| PriceList::new(prices.iter()).with_tiers(above);
        let services = self.services.into_iter();
        let mut lists: BTreeMap<_, _> = services
            .map(|(tier, service)| (tier, list(service.usd_per_million, service.above)))
            .collect();
        if let Some(standard) = self.usd_per_million {
            lists.insert(ServiceTier::Standard, list(standard, self.above));
        }
        (self.from, lists)
    }

    fn of<'a>((from, lists): (Date, impl Iterator<Item = (ServiceTier, &'a PriceList)>)) -> Self {
        let mut dated = Self {
            from,
            usd_per_million: None,
            above: Vec::new(),
            services: BTreeMap::new(),
        };
        for (tier, list) in lists {
            let (usd_per_million, above) = (list.base().clone(), list.tiers().to_vec());
            if tier == ServiceTier::Standard {
                (dated.usd_per_million, dated.above) = (Some(usd_per_million), above);
            } else {
                let prices = ServicePrices {
                    usd_per_million,
                    above,
                };
                dated.services.insert(tier, prices);
            }
        }
        dated
    }
}
