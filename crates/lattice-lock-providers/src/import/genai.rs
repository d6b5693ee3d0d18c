use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use lattice_lock_errors::Result;

use super::json::{Document, Piece};
use super::number;
use super::report::{ImportReport, Imported};
use crate::catalogue::Facts;
use crate::{
    Bucket, ContextTier, MatchRule, Model, ModelName, ModelRef, Price, PriceHistory, PriceList,
    ProviderId,
};

const FIRST_DAY: Date = date(1970, 1, 1);

/// The prices that a bucket counts, with the power of ten of the units that each is for.
const PRICES: [(&str, Bucket, u32); 13] = [
    ("input_mtok", Bucket::Input, 6),
    ("output_mtok", Bucket::Output, 6),
    ("cache_read_mtok", Bucket::CacheRead, 6),
    ("cache_write_mtok", Bucket::CacheWrite5m, 6),
    ("cache_write_5m_mtok", Bucket::CacheWrite5m, 6),
    ("cache_write_1h_mtok", Bucket::CacheWrite1h, 6),
    ("input_audio_mtok", Bucket::InputAudio, 6),
    ("cache_audio_read_mtok", Bucket::CacheReadAudio, 6),
    ("output_audio_mtok", Bucket::OutputAudio, 6),
    ("input_image_mtok", Bucket::InputImage, 6),
    ("output_reasoning_mtok", Bucket::Reasoning, 6),
    ("web_searches_kcount", Bucket::WebSearches, 3),
    ("requests_kcount", Bucket::Requests, 3),
];

const IGNORED: [(&str, &str); 12] = [
    ("name", "it describes the model or its provider"),
    ("description", "it describes the model or its provider"),
    ("price_comments", "it describes the model or its provider"),
    ("pricing_urls", "it describes the model or its provider"),
    ("prices_checked", "it describes the model or its provider"),
    ("collapse", "it describes the model or its provider"),
    ("api_pattern", "providers are told by their id"),
    ("provider_match", "providers are told by their id"),
    ("model_match", "providers are told by their id"),
    (
        "extractors",
        "usage is read by the clients, each its own wire",
    ),
    (
        "fallback_model_providers",
        "a model is priced at the provider that served it, or not at all",
    ),
    ("tiers_mode", "a prompt's length reprices the whole request"),
];

pub(super) fn read(text: &str, edition: &str) -> Result<(Vec<Model>, ImportReport)> {
    let (mut models, mut report) = (Vec::new(), ImportReport::default());
    for provider in Document::read(text)?.list()? {
        read_provider(&provider, edition, &mut models, &mut report)?;
    }
    Ok((models, report))
}

fn read_provider(
    piece: &Piece<'_>,
    edition: &str,
    models: &mut Vec<Model>,
    report: &mut ImportReport,
) -> Result<()> {
    let fields = piece.fields()?;
    let field = |wanted: &str| {
        fields
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let id = field("id").ok_or_else(|| piece.refused("a provider without an id"))?;
    let id = provider_id(id)?;
    for (name, value) in &fields {
        match name.as_ref() {
            "id" => {}
            "models" => {
                for model in value.list()? {
                    read_model(&model, &id, edition, models, report)?;
                }
            }
            other => {
                note(other, report);
            }
        }
    }
    Ok(())
}

fn provider_id(piece: &Piece<'_>) -> Result<ProviderId> {
    let id: String = piece.parse("not a provider's id")?;
    let ours = match id.as_str() {
        "x-ai" => "xai",
        "aws" => "bedrock",
        other => other,
    };
    ours.parse()
        .map_err(|_| piece.refused("not a provider's id"))
}

/// Remembers a field that is not read, and says whether it is known.
fn note(field: &str, report: &mut ImportReport) -> bool {
    let known = IGNORED.iter().find(|(name, _)| *name == field);
    match known {
        Some((name, reason)) => drop(report.ignored.insert((*name).to_owned(), reason)),
        None => drop(report.unknown.insert(field.to_owned())),
    }
    known.is_some()
}

fn read_model(
    piece: &Piece<'_>,
    provider: &ProviderId,
    edition: &str,
    models: &mut Vec<Model>,
    report: &mut ImportReport,
) -> Result<()> {
    let mut entry = Entry::default();
    let mut name = None;
    for (field, value) in piece.fields()? {
        match field.as_ref() {
            "id" => name = Some(value.parse::<ModelName>("not a model's name")?),
            "match" => entry.facts.rules = rules(&value)?,
            "context_window" => entry.facts.context_window = Some(value.parse("not a count")?),
            "deprecated" => entry.facts.deprecated = value.parse("not true or false")?,
            "prices" => entry.read_prices(&value, report)?,
            other if note(other, report) => {}
            other => {
                entry.problems.insert(format!("unknown field {other}"));
            }
        }
    }
    let name = name.ok_or_else(|| piece.refused("a model without an id"))?;
    if entry.is_no_chat() {
        let why = "no price for the reply's tokens, so no chat model";
        report.skipped.push((format!("{provider}/{name}"), why));
        return Ok(());
    }
    let reference = ModelRef::new(provider.clone(), name);
    entry.facts.source = Some(edition.to_owned());
    if report
        .models
        .insert(reference.clone(), entry.became())
        .is_some()
    {
        return Err(piece.refused("a model stands twice"));
    }
    models.push(Model {
        reference,
        facts: entry.facts,
        prices: PriceHistory::new(edition, entry.lists),
    });
    Ok(())
}

/// An `or` is several rules; whatever else stays one.
fn rules(piece: &Piece<'_>) -> Result<Vec<MatchRule>> {
    let fields = piece.fields()?;
    let [(kind, value)] = fields.as_slice() else {
        return Err(piece.refused("not a match clause"));
    };
    let text = || value.parse::<String>("not a text");
    let rule = match kind.as_ref() {
        "or" => {
            let nested: Result<Vec<_>> = value.list()?.iter().map(rules).collect();
            return Ok(nested?.into_iter().flatten().collect());
        }
        "and" => MatchRule::All(value.list()?.iter().map(one_rule).collect::<Result<_>>()?),
        "equals" => MatchRule::Exact(text()?),
        "starts_with" => MatchRule::Prefix(text()?),
        "ends_with" => MatchRule::Suffix(text()?),
        "contains" => MatchRule::Contains(text()?),
        "regex" => MatchRule::Regex(text()?),
        _ => return Err(value.refused("an unknown match clause")),
    };
    Ok(vec![rule])
}

/// Within an `and`, an `or` would need rules of its own kind; the published files have none.
fn one_rule(piece: &Piece<'_>) -> Result<MatchRule> {
    let [rule] = <[MatchRule; 1]>::try_from(rules(piece)?)
        .map_err(|_| piece.refused("alternatives within a conjunction"))?;
    Ok(rule)
}

#[derive(Default)]
struct Entry {
    facts: Facts,
    lists: BTreeMap<Date, PriceList>,
    problems: BTreeSet<String>,
}

impl Entry {
    fn is_no_chat(&self) -> bool {
        let mut lists = self.lists.values();
        !self.lists.is_empty() && lists.all(|list| list.price(Bucket::Output).is_none())
    }

    fn became(&self) -> Imported {
        let priced = self.lists.values().next_back();
        let has = |bucket| priced.is_some_and(|list| list.price(bucket).is_some());
        if !has(Bucket::Input) && !has(Bucket::Output) {
            let mut why: Vec<_> = self.problems.iter().map(String::as_str).collect();
            why.insert(0, "no price for tokens");
            Imported::Unpriced(why.join("; "))
        } else if self.problems.is_empty() {
            Imported::Exact
        } else {
            Imported::Inexact(self.problems.iter().cloned().collect())
        }
    }

    /// Of several lists the last one that is in force counts.
    fn read_prices(&mut self, piece: &Piece<'_>, report: &mut ImportReport) -> Result<()> {
        if piece.is_object() {
            return self.read_list(FIRST_DAY, piece, report);
        }
        for conditional in piece.list()? {
            let (mut from, mut prices) = (Some(FIRST_DAY), None);
            for (field, value) in conditional.fields()? {
                match field.as_ref() {
                    "prices" => prices = Some(value),
                    "constraint" => from = self.first_day(&value)?,
                    _ => return Err(value.refused("an unknown field")),
                }
            }
            let prices = prices.ok_or_else(|| conditional.refused("a condition without prices"))?;
            if let Some(from) = from {
                self.lists.retain(|day, _| *day < from);
                self.read_list(from, &prices, report)?;
            }
        }
        Ok(())
    }

    /// From which day on; none for a time of the day, by which nothing is priced here.
    fn first_day(&mut self, piece: &Piece<'_>) -> Result<Option<Date>> {
        if piece.text() == "null" {
            return Ok(Some(FIRST_DAY));
        }
        for (field, value) in piece.fields()? {
            if field == "start_date" {
                return value.parse("not a date").map(Some);
            }
        }
        self.problems
            .insert("prices by the time of the day".to_owned());
        Ok(None)
    }

    fn read_list(
        &mut self,
        from: Date,
        piece: &Piece<'_>,
        report: &mut ImportReport,
    ) -> Result<()> {
        let mut base = BTreeMap::new();
        let mut above: BTreeMap<u64, BTreeMap<Bucket, Price>> = BTreeMap::new();
        for (field, value) in piece.fields()? {
            let Some((_, bucket, power)) = PRICES.iter().find(|(name, ..)| *name == field) else {
                self.problems.insert(format!(
                    "priced apart: {}",
                    field.trim_end_matches("_mtok").replace('_', " ")
                ));
                continue;
            };
            let tiered = Tiered::read(&value)?;
            for (start, number) in tiered.prices {
                let Some(read) = number::price(&number, *power) else {
                    self.problems.insert(format!(
                        "a price of {bucket} is finer than exact arithmetic allows"
                    ));
                    continue;
                };
                report.smoothed += usize::from(read.smoothed);
                match start {
                    None => base.insert(*bucket, read.price),
                    Some(start) => above.entry(start).or_default().insert(*bucket, read.price),
                };
            }
        }
        let tiers = above.into_iter().map(|(above, long)| {
            let mut prices = base.clone();
            prices.extend(long);
            let usd_per_million = prices.into_iter().collect();
            ContextTier {
                above,
                at_least: false,
                usd_per_million,
            }
        });
        let tiers: Vec<_> = tiers.collect();
        if !base.is_empty() {
            self.lists
                .insert(from, PriceList::new(base).with_tiers(tiers));
        }
        Ok(())
    }
}

/// A price, or one for each length of the prompt.
struct Tiered<'a> {
    prices: Vec<(Option<u64>, std::borrow::Cow<'a, str>)>,
}

impl<'a> Tiered<'a> {
    fn read(piece: &Piece<'a>) -> Result<Self> {
        if !piece.is_object() {
            return Ok(Self {
                prices: vec![(None, unsigned(piece)?)],
            });
        }
        let mut prices = Vec::new();
        for (field, value) in piece.fields()? {
            match field.as_ref() {
                "base" => prices.push((None, unsigned(&value)?)),
                "tiers" => {
                    for tier in value.list()? {
                        prices.push(Self::tier(&tier)?);
                    }
                }
                _ => return Err(value.refused("an unknown field")),
            }
        }
        Ok(Self { prices })
    }

    fn tier(piece: &Piece<'a>) -> Result<(Option<u64>, std::borrow::Cow<'a, str>)> {
        let (mut start, mut price) = (None, None);
        for (field, value) in piece.fields()? {
            match field.as_ref() {
                "start" => start = Some(value.parse("not a count")?),
                "price" => price = Some(unsigned(&value)?),
                _ => return Err(value.refused("an unknown field")),
            }
        }
        match (start, price) {
            (Some(start), Some(price)) => Ok((Some(start), price)),
            _ => Err(piece.refused("a tier needs a start and a price")),
        }
    }
}

fn unsigned<'a>(piece: &Piece<'a>) -> Result<std::borrow::Cow<'a, str>> {
    let number = piece.number()?;
    if number.starts_with('-') {
        return Err(piece.refused("a negative price"));
    }
    Ok(number)
}

#[cfg(test)]
mod tests;
