use std::collections::BTreeMap;
use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::file::Entry;
use super::{Catalogue, Model, malformed};
use crate::codes::CATALOGUE_MALFORMED;
use crate::{ContextTier, ModelRef, Price, PriceHistory, PriceList, ProviderId};

/// A user's own figures, to be laid over a catalogue: contract prices, discounts, models of one's own, and names of
/// deployments.
///
/// Whole models replace those of the same name, then discounts apply to everything that is not replaced, then the
/// aliases are added. The edition's name becomes `catalogue+overrides`, so that a ledger can tell the prices apart.
///
/// ```
/// use lattice_lock_providers::{Bucket, Catalogue, Overrides};
///
/// let catalogue = Catalogue::from_json(r#"{"version": "v1", "sources": [], "models": [
///     {"provider": "azure", "name": "m", "prices": [{"from": "1970-01-01", "usd_per_million": {"input": "2"}}]}
/// ]}"#)?;
/// let contract = Overrides::from_json(r#"{
///     "version": "contract-7",
///     "discounts": [{"provider": "azure", "factor": "0.85"}],
///     "aliases": {"azure/our-deployment": "azure/m"}
/// }"#)?;
/// let ours = catalogue.overridden(contract)?;
/// let model = ours.find(&"azure/our-deployment".parse()?).expect("the alias");
/// let (version, list) = model.prices().on(jiff::civil::date(2026, 11, 1)).expect("a price");
/// assert_eq!(list.price(Bucket::Input).expect("a price").per_unit().to_string(), "0.0000017");
/// assert_eq!(version.as_str(), "v1+contract-7@1970-01-01");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    version: String,
    #[serde(default)]
    models: Vec<Entry>,
    #[serde(default)]
    discounts: Vec<Discount>,
    #[serde(default)]
    aliases: BTreeMap<ModelRef, ModelRef>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Discount {
    provider: ProviderId,
    #[serde(default)]
    model: Option<String>,
    factor: String,
}

impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Overrides");
        shown
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Overrides {
    /// Reads overrides; malformed ones are refused whole.
    ///
    /// # Errors
    ///
    /// [`CATALOGUE_MALFORMED`] with line and column.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| malformed(&error))
    }
}

impl Catalogue {
    /// This catalogue with overrides laid over it. It stays as it is itself.
    ///
    /// # Errors
    ///
    /// [`CATALOGUE_MALFORMED`] for a model that stands twice, or a discount that is no number or whose product cannot
    /// be held exactly; [`MODEL_UNKNOWN`](crate::codes::MODEL_UNKNOWN) for an alias of nobody.
    pub fn overridden(&self, overrides: Overrides) -> Result<Self> {
        let edition = format!("{}+{}", self.version, overrides.version);
        let discounts: Vec<_> = overrides
            .discounts
            .iter()
            .map(|discount| Ok((discount, discount.factor()?)))
            .collect::<Result<_>>()?;
        let own: Vec<_> = overrides
            .models
            .into_iter()
            .map(|entry| entry.into_model(&edition))
            .collect::<Result<_>>()?;
        let replaced =
            |model: &&Arc<Model>| !own.iter().any(|own| own.reference == model.reference);
        let kept: Vec<_> = self
            .models
            .iter()
            .filter(replaced)
            .map(|model| discounted(model, &edition, &discounts))
            .collect::<Result<_>>()?;
        // One's own come first, so that their rules do.
        let mut layered = Self::of(&edition, own.into_iter().chain(kept))?;
        (layered.stale_after, layered.sources) = (self.stale_after, self.sources.clone());
        for (alias, model) in &overrides.aliases {
            layered = layered.with_alias(alias, model)?;
        }
        Ok(layered)
    }
}

impl Discount {
    fn factor(&self) -> Result<Decimal> {
        let factor = Decimal::from_str_exact(&self.factor).ok();
        let factor = factor.filter(|factor| *factor >= Decimal::ZERO);
        factor.ok_or_else(|| {
            Error::new(CATALOGUE_MALFORMED, "a discount is no number").with("factor", &self.factor)
        })
    }

    fn concerns(&self, model: &ModelRef) -> bool {
        let named = self.model.as_ref();
        self.provider == *model.provider() && named.is_none_or(|name| name == model.name().as_str())
    }
}

/// The model by another edition's name, and with every discount that concerns it.
fn discounted(model: &Model, edition: &str, discounts: &[(&Discount, Decimal)]) -> Result<Model> {
    let concerned = discounts
        .iter()
        .filter(|(discount, _)| discount.concerns(&model.reference));
    let factor = concerned.fold(Decimal::ONE, |product, (_, factor)| product * factor);
    let times = |price: Price| {
        price.times(factor).map_err(|_| {
            Error::new(
                CATALOGUE_MALFORMED,
                "a discounted price cannot be held exactly",
            )
            .with("model", &model.reference)
            .with("factor", factor)
        })
    };
    let periods = model.prices.periods().map(|(from, lists)| {
        let lists = lists.map(|(tier, list)| Ok((tier, scaled(list, times)?)));
        Ok((from, lists.collect::<Result<_>>()?))
    });
    let periods: Vec<_> = periods.collect::<Result<_>>()?;
    Ok(Model {
        prices: PriceHistory::with_services(edition, periods),
        ..model.clone()
    })
}

fn scaled(list: &PriceList, times: impl Fn(Price) -> Result<Price>) -> Result<PriceList> {
    let base = list.base().try_map(|_, price| times(price))?;
    let tiers = list.tiers().iter().map(|tier| {
        Ok(ContextTier {
            usd_per_million: tier.usd_per_million.try_map(|_, price| times(price))?,
            ..tier.clone()
        })
    });
    let tiers: Vec<_> = tiers.collect::<Result<_>>()?;
    Ok(PriceList::new(base.iter()).with_tiers(tiers))
}
