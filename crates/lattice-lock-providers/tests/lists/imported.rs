use std::collections::BTreeMap;

use jiff::civil::date;
use lattice_lock_providers::{Bucket, Catalogue, Imported, ModelRef, TokenUsage};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{GENAI, LITELLM, genai, generate, litellm};

#[test]
fn every_field_is_understood_or_ignored_with_a_reason() {
    for import in [litellm(), genai()] {
        assert_eq!(import.report().unknown_fields().iter().next(), None);
        assert!(
            import
                .report()
                .ignored_fields()
                .values()
                .all(|reason| !reason.is_empty())
        );
    }
}

#[test]
fn every_chat_model_of_the_map_is_priced_or_has_a_reason() {
    let import = litellm();
    let entries: BTreeMap<String, Value> = serde_json::from_str(LITELLM).unwrap();
    let skipped = import.report().skipped().len();
    assert_eq!(import.report().models().len() + skipped, entries.len());
    let chat = entries.values().filter(|entry| {
        matches!(
            entry["mode"].as_str(),
            Some("chat" | "responses" | "completion")
        )
    });
    let no_chat = import
        .report()
        .skipped()
        .iter()
        .filter(|(_, why)| *why == "no chat model")
        .count();
    // The example at the head of the file has a mode that is none.
    assert_eq!(chat.count() + no_chat + 1, entries.len());
    let reasons = import
        .report()
        .models()
        .values()
        .filter_map(|became| match became {
            Imported::Unpriced(why) => Some(why.as_str()),
            _ => None,
        });
    assert!(reasons.into_iter().all(|why| !why.is_empty()));
}

#[test]
fn almost_every_chat_model_that_has_a_price_is_priced_exactly() {
    let map = litellm();
    let no_chat = generate::no_chat(&map);
    for import in [&map, &genai()] {
        let (mut exact, mut partly) = (0, 0);
        for (model, became) in import.report().models() {
            match became {
                _ if no_chat.contains(model.name().as_str()) => {}
                Imported::Exact => exact += 1,
                Imported::Inexact(_) => partly += 1,
                _ => {}
            }
        }
        let priced = exact + partly;
        assert!(priced > 200, "only {priced} have a price");
        assert!(exact * 100 >= priced * 98, "{exact} of {priced}");
    }
}

/// Parses a price of the map as a person would: mantissa and power of ten, by another way than the importer.
fn by_hand(number: &str) -> Decimal {
    Decimal::from_scientific(number)
        .or_else(|_| number.parse())
        .unwrap()
        .normalize()
}

#[test]
fn what_the_map_says_of_text_is_what_a_call_costs() {
    let import = litellm();
    let entries: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(LITELLM).unwrap();
    let mut compared = 0;
    for model in import.catalogue().models() {
        let Some((_, list)) = model.prices().on(date(2026, 9, 15)) else {
            continue;
        };
        let name = model.reference().name().as_str();
        let spelled = [
            "", "gemini/", "xai/", "azure/", "bedrock/", "ollama/", "openai/",
        ];
        let entry = spelled.iter().find_map(|prefix| {
            let entry = entries.get(&format!("{prefix}{name}"))?;
            let provider = entry["litellm_provider"].as_str()?;
            let ours = match provider {
                "gemini" => "google",
                "bedrock_converse" => "bedrock",
                "ollama" => "local",
                "text-completion-openai" => "openai",
                other => other,
            };
            (ours == model.reference().provider().as_str()).then_some(entry)
        });
        let Some(entry) = entry else {
            panic!("{}", model.reference());
        };
        for (field, bucket) in [
            ("input_cost_per_token", Bucket::Input),
            ("output_cost_per_token", Bucket::Output),
            ("cache_read_input_token_cost", Bucket::CacheRead),
        ] {
            if let Some(said) = entry.get(field).filter(|said| said.is_number()) {
                let price = list.price(bucket).unwrap().per_unit();
                assert_eq!(
                    price,
                    by_hand(&said.to_string()),
                    "{} {field}",
                    model.reference()
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 2_000, "{compared}");
}

#[test]
fn what_the_dated_list_says_of_text_is_what_a_call_costs() {
    let import = genai();
    let providers: Vec<Value> = serde_json::from_str(GENAI).unwrap();
    let mut compared = 0;
    for provider in &providers {
        let id = match provider["id"].as_str().unwrap() {
            "x-ai" => "xai",
            "aws" => "bedrock",
            id => id,
        };
        for model in provider["models"].as_array().unwrap() {
            let reference: ModelRef = format!("{id}/{}", model["id"].as_str().unwrap())
                .parse()
                .unwrap();
            let Some(said) = model["prices"]["input_mtok"].as_number() else {
                continue;
            };
            if !import.report().models().contains_key(&reference) {
                continue;
            }
            let found = import
                .catalogue()
                .models()
                .iter()
                .find(|model| *model.reference() == reference)
                .unwrap();
            let (_, list) = found.prices().on(date(2026, 9, 15)).unwrap();
            let usage = TokenUsage::new().with(Bucket::Input, 1);
            let price = list.prices_for(&usage).price(Bucket::Input).unwrap();
            assert_eq!(
                price.per_unit() * Decimal::from(1_000_000),
                by_hand(&said.to_string()),
                "{reference}"
            );
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn the_shipped_catalogue_and_its_page_are_what_the_lists_make() {
    let made = generate::generate(LITELLM, GENAI).unwrap();
    assert!(
        made.catalogue.to_json() == include_str!("../../data/catalogue.json"),
        "run the example `catalogue`"
    );
    assert!(
        made.page == include_str!("../../../../docs/catalogue.md"),
        "run the example `catalogue`"
    );
}

#[test]
fn every_model_that_a_router_may_choose_is_known_and_priced() {
    let made = generate::generate(LITELLM, GENAI).unwrap().catalogue;
    let offered: Vec<_> = made
        .models()
        .iter()
        .filter(|model| !model.is_named_only())
        .collect();
    assert_eq!(offered.len(), generate::OFFERED.len());
    for model in offered {
        assert!(
            model.prices().on(date(2026, 11, 1)).is_some(),
            "{}",
            model.reference()
        );
        let (window, limit) = (model.context_window(), model.output_limit());
        assert!(window.is_some() && limit.is_some(), "{}", model.reference());
    }
}

#[test]
fn what_is_shipped_is_read_as_it_was_made() {
    let made = generate::generate(LITELLM, GENAI).unwrap().catalogue;
    let read = Catalogue::from_json(&made.to_json()).unwrap();
    assert!(read.models() == made.models());
}
