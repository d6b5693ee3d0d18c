use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use lattice_lock_errors::Result;
use rust_decimal::Decimal;

use super::fields::Meaning;
use super::json::{Document, Piece};
use super::number;
use super::report::{ImportReport, Imported};
use crate::catalogue::Facts;
use crate::{
    Bucket, Capability, ContextTier, Modality, Model, ModelName, ModelRef, Price, PriceHistory,
    PriceList, Prices, ProviderId, ServiceTier,
};

/// Entries that are no models: an example, and rules for models that are not in the list.
const PSEUDO: [&str; 2] = ["sample_spec", "fallback_generalizations"];

const FIRST_DAY: Date = date(1970, 1, 1);

pub(super) fn read(text: &str, edition: &str) -> Result<(Vec<Model>, ImportReport)> {
    let (mut models, mut report) = (Vec::new(), ImportReport::default());
    for (name, piece) in Document::read(text)?.fields()? {
        if PSEUDO.contains(&name.as_ref()) {
            report.skipped.push((name.into_owned(), "no model"));
            continue;
        }
        let entry = Entry::read(&piece)?;
        if let Some(why) = entry.is_no_chat(&name) {
            report.skipped.push((name.into_owned(), why));
            continue;
        }
        let Some(reference) = entry.reference(&name) else {
            report
                .skipped
                .push((name.into_owned(), "its name or its provider's is none"));
            continue;
        };
        entry.noted_in(&mut report);
        if report.models.contains_key(&reference) {
            report.skipped.push((
                name.into_owned(),
                "it stands twice, in two spellings; the first counts",
            ));
            continue;
        }
        let (prices, became) = entry.prices(&reference);
        report.models.insert(reference.clone(), became);
        models.push(Model {
            reference,
            prices: PriceHistory::with_services(
                edition,
                prices.into_iter().map(|lists| (FIRST_DAY, lists)),
            ),
            facts: entry.into_facts(edition),
        });
    }
    Ok((models, report))
}

type Table = BTreeMap<(ServiceTier, Option<u64>), BTreeMap<Bucket, Price>>;

/// One entry of the file, as far as it is understood.
#[derive(Default)]
struct Entry {
    provider: String,
    mode: String,
    table: Table,
    problems: BTreeSet<String>,
    facts: Facts,
    abilities: Vec<Capability>,
    sessions: bool,
    ignored: Vec<(String, &'static str)>,
    unknown: Vec<String>,
    smoothed: usize,
}

impl Entry {
    fn read(piece: &Piece<'_>) -> Result<Self> {
        let mut entry = Self::default();
        for (name, value) in piece.fields()? {
            if value.text() == "null" {
                continue;
            }
            match Meaning::of(&name) {
                Meaning::Price {
                    bucket,
                    above,
                    tier,
                } => entry.price(&value, (tier, above), bucket)?,
                Meaning::Homeless(what) => entry.homeless(&value, what)?,
                Meaning::Fact => entry.fact(&name, &value)?,
                Meaning::Ignored(reason) => {
                    entry.ignored.push((name.into_owned(), reason));
                }
                Meaning::Unknown => {
                    entry.problems.insert(format!("unknown field {name}"));
                    entry.unknown.push(name.into_owned());
                }
            }
        }
        Ok(entry)
    }

    fn price(
        &mut self,
        value: &Piece<'_>,
        place: (ServiceTier, Option<u64>),
        bucket: Bucket,
    ) -> Result<()> {
        let number = value.number()?;
        if number.starts_with('-') {
            return Err(value.refused("a negative price"));
        }
        match number::price(&number, 0) {
            Some(read) => {
                self.smoothed += usize::from(read.smoothed);
                self.table
                    .entry(place)
                    .or_default()
                    .insert(bucket, read.price);
            }
            None => {
                self.problems.insert(format!(
                    "a price of {bucket} is finer than exact arithmetic allows"
                ));
            }
        }
        Ok(())
    }

    fn homeless(&mut self, value: &Piece<'_>, what: &str) -> Result<()> {
        if value.is_object() || value.is_list() || !is_zero(&value.number()?) {
            self.problems.insert(format!("priced apart: {what}"));
        }
        Ok(())
    }

    fn fact(&mut self, name: &str, value: &Piece<'_>) -> Result<()> {
        match name {
            "litellm_provider" => self.provider = value.parse("not a provider")?,
            "mode" => self.mode = value.parse("not a mode")?,
            "max_input_tokens" => self.facts.context_window = count(value)?,
            "max_output_tokens" => self.facts.output_limit = count(value)?,
            "deprecation_date" => self.facts.retires = Some(value.parse("not a date")?),
            "search_context_cost_per_query" => self.searches(value)?,
            "provider_specific_entry" => self.surcharges(value)?,
            "tiered_pricing" | "off_peak_pricing" => {
                self.problems
                    .insert(format!("prices by {}", name.replace('_', " ")));
            }
            "code_interpreter_cost_per_session" => self.sessions = true,
            "supported_modalities" => self.facts.input = modalities(value)?,
            "supported_output_modalities" => self.facts.output = modalities(value)?,
            multiplier if multiplier.contains("_uplift_multiplier") => {
                let place = multiplier
                    .rsplit('_')
                    .next()
                    .filter(|place| *place != "multiplier");
                self.surcharge(place.unwrap_or("regional"), value)?;
            }
            ability => self.ability(ability, value)?,
        }
        Ok(())
    }

    /// The price of one search, if it does not depend on how much a search brings along.
    fn searches(&mut self, value: &Piece<'_>) -> Result<()> {
        let mut prices = BTreeSet::new();
        for (_, price) in value.fields()? {
            prices.insert(number::price(&price.number()?, 0).map(|read| read.price));
        }
        match (prices.len(), prices.first().copied().flatten()) {
            (1, Some(price)) => {
                let standard = self.table.entry((ServiceTier::Standard, None)).or_default();
                standard.insert(Bucket::WebSearches, price);
            }
            _ => {
                self.problems
                    .insert("searches are priced by their size".to_owned());
            }
        }
        Ok(())
    }

    fn surcharges(&mut self, value: &Piece<'_>) -> Result<()> {
        for (name, factor) in value.fields()? {
            // What is no number is a setting of the provider's.
            if factor.is_number() {
                self.surcharge(&name, &factor)?;
            }
        }
        Ok(())
    }

    fn surcharge(&mut self, name: &str, value: &Piece<'_>) -> Result<()> {
        let factor = Decimal::from_str_exact(&value.number()?);
        let factor = factor.map_err(|_| value.refused("not a factor"))?;
        self.facts
            .surcharges
            .insert(name.to_owned(), factor.normalize());
        Ok(())
    }

    fn ability(&mut self, name: &str, value: &Piece<'_>) -> Result<()> {
        let ability = match name {
            "supports_function_calling" => Capability::Tools,
            "supports_parallel_function_calling" => Capability::ParallelTools,
            "supports_vision" => Capability::Vision,
            "supports_audio_input" | "supports_audio_output" => Capability::Audio,
            "supports_response_schema" => Capability::JsonSchema,
            "supports_reasoning" => Capability::Reasoning,
            "supports_prompt_caching" => Capability::Caching,
            "supports_native_streaming" => Capability::Streaming,
            _ => return Ok(()),
        };
        if value.parse::<bool>("not true or false")? {
            self.abilities.push(ability);
        }
        Ok(())
    }

    fn noted_in(&self, report: &mut ImportReport) {
        report.ignored.extend(self.ignored.iter().cloned());
        report.unknown.extend(self.unknown.iter().cloned());
        report.smoothed += self.smoothed;
    }

    fn is_no_chat(&self, name: &str) -> Option<&'static str> {
        if !matches!(self.mode.as_str(), "chat" | "responses" | "completion") {
            Some("no chat model")
        } else if name.contains("-month-commitment/") {
            Some("a plan that is billed by the hour, not a model")
        } else if self.sessions && self.table.is_empty() {
            Some("a tool that is billed by the session, not a model")
        } else {
            None
        }
    }

    fn reference(&self, name: &str) -> Option<ModelRef> {
        let provider = match self.provider.as_str() {
            "gemini" => "google",
            "bedrock_converse" => "bedrock",
            "ollama" => "local",
            "text-completion-openai" => "openai",
            other => other,
        };
        let spelled = match self.provider.as_str() {
            "bedrock_converse" => "bedrock",
            other => other,
        };
        let prefix = name
            .split_once('/')
            .filter(|(prefix, _)| *prefix == spelled);
        let name = prefix.map_or(name, |(_, rest)| rest);
        let provider: ProviderId = provider.parse().ok()?;
        let name: ModelName = name.parse().ok()?;
        Some(ModelRef::new(provider, name))
    }

    /// The lists of each service tier, and what is to be said of them.
    fn prices(&self, reference: &ModelRef) -> (Option<BTreeMap<ServiceTier, PriceList>>, Imported) {
        let standard = self.table.get(&(ServiceTier::Standard, None));
        let of = |bucket| standard.and_then(|standard| standard.get(&bucket));
        let is_free = |bucket| of(bucket).is_some_and(|price| price.per_unit().is_zero());
        let is_local = reference.provider().as_str() == "local";
        if !is_local && is_free(Bucket::Input) && is_free(Bucket::Output) {
            let why = "zero, which this list also writes for what it has no price for";
            return (None, Imported::Unpriced(why.to_owned()));
        }
        let (Some(_), Some(_)) = (of(Bucket::Input), of(Bucket::Output)) else {
            let mut why: Vec<_> = self.problems.iter().map(String::as_str).collect();
            why.insert(0, "no price for the prompt's or the reply's tokens");
            return (None, Imported::Unpriced(why.join("; ")));
        };
        let at_least = reference.provider().as_str() == "xai";
        let tiers: BTreeSet<_> = self.table.keys().map(|(tier, _)| *tier).collect();
        let lists = tiers.into_iter();
        let lists = lists.filter_map(|tier| Some((tier, self.list(tier, at_least)?)));
        let lists = lists.collect();
        let became = if self.problems.is_empty() {
            Imported::Exact
        } else {
            Imported::Inexact(self.problems.iter().cloned().collect())
        };
        (Some(lists), became)
    }

    /// The prices of a service tier. What it has no price of its own for costs as in the standard one. Where only the
    /// standard one has a price for long prompts, nobody says what such a prompt costs, and it has no price at all.
    fn list(&self, tier: ServiceTier, at_least: bool) -> Option<PriceList> {
        let mut base = self.own(ServiceTier::Standard, None)?.clone();
        overlay(&mut base, self.own(tier, None));
        let concerned = |of: ServiceTier| of == tier || of == ServiceTier::Standard;
        let keys = self.table.keys().filter(|(of, _)| concerned(*of));
        let thresholds: BTreeSet<u64> = keys.filter_map(|(_, above)| *above).collect();
        let tiers = thresholds.into_iter().map(|above| ContextTier {
            above,
            at_least,
            usd_per_million: self.long(tier, above, &base).unwrap_or_default(),
        });
        let tiers: Vec<_> = tiers.collect();
        Some(PriceList::new(base).with_tiers(tiers))
    }

    fn long(
        &self,
        tier: ServiceTier,
        above: u64,
        base: &BTreeMap<Bucket, Price>,
    ) -> Option<Prices> {
        let has = |above, bucket| {
            self.own(tier, above)
                .is_some_and(|own| own.contains_key(bucket))
        };
        let standard = self.own(ServiceTier::Standard, Some(above));
        let is_unknown = |bucket| has(None, bucket) && !has(Some(above), bucket);
        if standard.is_some_and(|standard| standard.keys().any(is_unknown)) {
            return None;
        }
        let mut prices = base.clone();
        overlay(&mut prices, standard);
        overlay(&mut prices, self.own(tier, Some(above)));
        Some(prices.into_iter().collect())
    }

    fn own(&self, tier: ServiceTier, above: Option<u64>) -> Option<&BTreeMap<Bucket, Price>> {
        self.table.get(&(tier, above))
    }

    fn into_facts(self, edition: &str) -> Facts {
        Facts {
            capabilities: self.abilities.into_iter().collect(),
            source: Some(edition.to_owned()),
            ..self.facts
        }
    }
}

/// Puts more special prices over general ones. Reasoning is output: where that has a price of its own and reasoning has none,
/// the general price of reasoning says nothing any more.
fn overlay(prices: &mut BTreeMap<Bucket, Price>, own: Option<&BTreeMap<Bucket, Price>>) {
    let Some(own) = own else {
        return;
    };
    if own.contains_key(&Bucket::Output) {
        prices.remove(&Bucket::Reasoning);
    }
    prices.extend(own);
}

fn is_zero(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// A count of tokens. Some are written as `8192.0` or as text; one that is no count is no fact.
fn count(value: &Piece<'_>) -> Result<Option<u64>> {
    let number = value.number()?;
    let whole = number.strip_suffix(".0").unwrap_or(&number);
    Ok(whole.parse().ok().filter(|count| *count > 0))
}

fn modalities(value: &Piece<'_>) -> Result<crate::Modalities> {
    let names: Vec<String> = value.parse("not a list of modalities")?;
    let known = names.iter().filter_map(|name| match name.as_str() {
        "text" => Some(Modality::Text),
        "image" => Some(Modality::Image),
        "audio" => Some(Modality::Audio),
        "video" => Some(Modality::Video),
        "pdf" | "document" | "file" => Some(Modality::Document),
        _ => None,
    });
    Ok(known.collect())
}

#[cfg(test)]
mod tests;
