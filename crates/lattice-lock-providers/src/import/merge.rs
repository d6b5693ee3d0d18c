use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use lattice_lock_errors::Result;

use super::Import;
use crate::{
    Bucket, Catalogue, ContextTier, MatchRule, Model, ModelRef, PriceHistory, PriceList,
    ServiceTier,
};

/// Where two sources name different prices for the same thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Disagreement {
    /// For which model.
    pub model: ModelRef,
    /// What each of them says.
    pub about: String,
    /// Whether the first one decides; otherwise it says what the other one said before its last change.
    pub has_followed: bool,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.model, self.about)
    }
}

impl Import {
    /// One catalogue of two imports, and where they disagree about the prices of a day.
    ///
    /// `facts` is the one with windows, capabilities and service tiers (`LiteLLM`'s map); `dated` the one with match
    /// rules and prices that begin on a day (`genai-prices`).
    ///
    /// 1. A model that only one of them knows is taken from it, unless it is retired on the day, or the other one says
    ///    that it is no chat model.
    /// 2. Where both name the same prices for the prompt, the reply and the cache, what only one of them has is added:
    ///    service tiers, longer prompts, other buckets, earlier days.
    /// 3. Where they name different prices, `facts` decides, which should be the newer one; but if what it says is what
    ///    `dated` said before its last change, it has only not followed yet, and `dated` decides. The service tiers of
    ///    `facts`, which were made from its other prices, are left out then: unpriced rather than wrong. The disagreement
    ///    is reported.
    ///
    /// # Errors
    ///
    /// [`CATALOGUE_MALFORMED`](crate::codes::CATALOGUE_MALFORMED) for a model that stands twice.
    pub fn merged(
        facts: &Self,
        dated: &Self,
        edition: &str,
        day: Date,
    ) -> Result<(Catalogue, Vec<Disagreement>)> {
        let merge = Merge {
            facts,
            dated,
            edition,
            day,
        };
        let mut disagreements = Vec::new();
        let models = merge.models(&mut disagreements);
        disagreements.sort();
        Ok((Catalogue::of(edition, models)?, disagreements))
    }
}

struct Merge<'a> {
    facts: &'a Import,
    dated: &'a Import,
    edition: &'a str,
    day: Date,
}

type Lists = BTreeMap<ServiceTier, PriceList>;

impl Merge<'_> {
    /// Those with match rules come first and in their order, because the first rule that fits decides.
    fn models(&self, disagreements: &mut Vec<Disagreement>) -> Vec<Model> {
        let known = self.facts.catalogue.models();
        let facts: BTreeMap<&ModelRef, &Model> = known
            .iter()
            .map(|model| (model.reference(), &**model))
            .collect();
        let dated = self.dated.catalogue.models();
        let mut taken = BTreeSet::new();
        let mut models = Vec::new();
        for dated in dated {
            let model = facts.get(dated.reference()).copied();
            taken.insert(dated.reference());
            models.extend(self.one(model, Some(dated), disagreements));
        }
        let named = self.named();
        for model in known
            .iter()
            .filter(|model| !taken.contains(model.reference()))
        {
            let dated = named.get(model.reference()).copied();
            // The rules stay with the model that they were written for.
            let dated = dated.map(|dated| Model {
                facts: crate::catalogue::Facts {
                    rules: Vec::new(),
                    ..dated.facts.clone()
                },
                ..dated.clone()
            });
            models.extend(self.one(Some(model), dated.as_ref(), disagreements));
        }
        models
    }

    /// The models of `dated` by the very names that their rules list.
    fn named(&self) -> BTreeMap<ModelRef, &Model> {
        let mut named = BTreeMap::new();
        for model in self.dated.catalogue.models() {
            for rule in model.rules() {
                if let MatchRule::Exact(name) = rule
                    && let Ok(name) = name.parse()
                {
                    let reference = ModelRef::new(model.reference().provider().clone(), name);
                    named.entry(reference).or_insert(&**model);
                }
            }
        }
        named
    }

    fn one(
        &self,
        model: Option<&Model>,
        dated: Option<&Model>,
        disagreements: &mut Vec<Disagreement>,
    ) -> Option<Model> {
        let mut merged = match (model, dated) {
            (Some(model), Some(dated)) => self.both(model, dated, disagreements),
            (Some(model), None) => model.clone(),
            (None, Some(dated)) if self.is_chat(dated) => dated.clone(),
            (None, _) => return None,
        };
        if merged
            .facts
            .retires
            .is_some_and(|retires| retires <= self.day)
        {
            return None;
        }
        // The edition of the prices is that of the whole, whichever they come from.
        let periods = merged.prices.periods();
        let periods: Vec<_> = periods
            .map(|(from, lists)| {
                (
                    from,
                    lists
                        .map(|(tier, list)| (tier, list.clone()))
                        .collect::<Lists>(),
                )
            })
            .collect();
        merged.prices = PriceHistory::with_services(self.edition, periods);
        Some(merged)
    }

    fn is_chat(&self, dated: &Model) -> bool {
        let name = dated.reference().name().as_str();
        let said = self.facts.report.skipped.iter();
        let mut said = said.filter(|(skipped, _)| skipped.rsplit('/').next() == Some(name));
        let priced = dated.prices.on(self.day);
        said.next().is_none()
            && priced.is_some_and(|(_, list)| list.price(Bucket::Output).is_some())
    }

    fn both(&self, model: &Model, dated: &Model, disagreements: &mut Vec<Disagreement>) -> Model {
        let mut merged = model.clone();
        merged.facts.rules.clone_from(&dated.facts.rules);
        merged.facts.deprecated |= dated.facts.deprecated;
        merged.facts.context_window = model.facts.context_window.or(dated.facts.context_window);
        let (Some((_, theirs)), Some((_, ours))) =
            (dated.prices.on(self.day), model.prices.on(self.day))
        else {
            if model.prices.is_empty() {
                (merged.prices, merged.facts.source) =
                    (dated.prices.clone(), dated.facts.source.clone());
            }
            return merged;
        };
        let differences = differences(ours, theirs);
        if differences.is_empty() {
            merged.prices = self.joined(model, dated, ours, theirs);
        } else {
            let (model, about) = (model.reference.clone(), differences.join(", "));
            let has_followed = !self.was_before(dated, ours);
            disagreements.push(Disagreement {
                model,
                about,
                has_followed,
            });
            if !has_followed {
                (merged.prices, merged.facts.source) =
                    (dated.prices.clone(), dated.facts.source.clone());
            }
        }
        merged
    }

    /// Whether a list is what another source had before the one in force.
    fn was_before(&self, dated: &Model, list: &PriceList) -> bool {
        let mut earlier = dated.prices.periods().filter(|(from, _)| *from <= self.day);
        earlier
            .any(|(_, mut lists)| lists.any(|(_, earlier)| differences(list, earlier).is_empty()))
    }

    /// The earlier days of `dated`, and for the list in force what both say of it.
    fn joined(
        &self,
        model: &Model,
        dated: &Model,
        ours: &PriceList,
        theirs: &PriceList,
    ) -> PriceHistory {
        let periods = dated.prices.periods().map(|(from, lists)| {
            let lists: Lists = lists.map(|(tier, list)| (tier, list.clone())).collect();
            let in_force = lists.get(&ServiceTier::Standard) == Some(theirs);
            (
                from,
                if in_force {
                    self.lists(model, ours, theirs)
                } else {
                    lists
                },
            )
        });
        PriceHistory::with_services(self.edition, periods.collect::<Vec<_>>())
    }

    fn lists(&self, model: &Model, ours: &PriceList, theirs: &PriceList) -> Lists {
        let tiers = ServiceTier::SPECIAL.into_iter();
        let special = tiers.filter_map(|tier| {
            let (_, list) = model.prices.on_tier(self.day, tier)?;
            // Only the standard tier is known to have a price for long prompts, so that nobody knows this one's.
            let is_known = !list.tiers().is_empty() || theirs.tiers().is_empty();
            is_known.then(|| (tier, completed(list, theirs)))
        });
        let standard = (ServiceTier::Standard, completed(ours, theirs));
        special.chain([standard]).collect()
    }
}

/// What the lists name different prices for. A price that only one of them has is no difference.
fn differences(ours: &PriceList, theirs: &PriceList) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |place: &str, ours: &crate::Prices, theirs: &crate::Prices| {
        for (bucket, price) in theirs.iter() {
            if let Some(own) = ours.own(bucket).filter(|own| *own != price) {
                let shown = |price: crate::Price| {
                    (price.per_unit() * rust_decimal::Decimal::from(1_000_000)).normalize()
                };
                differences.push(format!(
                    "{bucket}{place} {} against {}",
                    shown(own),
                    shown(price)
                ));
            }
        }
    };
    compare("", ours.base(), theirs.base());
    for tier in theirs.tiers() {
        if let Some(own) = ours.tiers().iter().find(|own| own.above == tier.above) {
            let place = format!(" above {}", tier.above);
            compare(&place, &own.usd_per_million, &tier.usd_per_million);
        }
    }
    let lengths = |list: &PriceList| {
        list.tiers()
            .iter()
            .map(|tier| tier.above)
            .collect::<Vec<_>>()
    };
    let (own, other) = (lengths(ours), lengths(theirs));
    if !own.is_empty() && !other.is_empty() && own != other {
        differences.push(format!("long prompts begin at {own:?} against {other:?}"));
    }
    differences
}

/// `ours` with what only `theirs` has.
fn completed(ours: &PriceList, theirs: &PriceList) -> PriceList {
    let add = |ours: &crate::Prices, theirs: &crate::Prices| -> crate::Prices {
        theirs.iter().chain(ours.iter()).collect()
    };
    let base = add(ours.base(), theirs.base());
    let tiers: Vec<ContextTier> = if ours.tiers().is_empty() {
        theirs.tiers().to_vec()
    } else {
        let tiers = ours.tiers().iter();
        let complete = |tier: &ContextTier| {
            let same = theirs
                .tiers()
                .iter()
                .find(|theirs| theirs.above == tier.above);
            let theirs = same.map_or(theirs.base(), |same| &same.usd_per_million);
            ContextTier {
                usd_per_million: add(&tier.usd_per_million, theirs),
                ..tier.clone()
            }
        };
        tiers.map(complete).collect()
    };
    PriceList::new(base.iter()).with_tiers(tiers)
}
