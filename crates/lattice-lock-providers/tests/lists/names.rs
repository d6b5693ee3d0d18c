//! Names as providers return them, made from the lists' own rules.

use lattice_lock_providers::{Import, ModelRef};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::{GENAI, genai, litellm};

/// A clause of the dated list, read as its authors describe it and by nothing of ours.
fn fits(clause: &Value, name: &str) -> bool {
    let (kind, value) = clause.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap();
    match kind.as_str() {
        "equals" => name == text(),
        "starts_with" => name.starts_with(text()),
        "ends_with" => name.ends_with(text()),
        "contains" => name.contains(text()),
        "regex" => regex::Regex::new(text()).unwrap().is_match(name),
        "or" => value
            .as_array()
            .unwrap()
            .iter()
            .any(|clause| fits(clause, name)),
        "and" => value
            .as_array()
            .unwrap()
            .iter()
            .all(|clause| fits(clause, name)),
        other => panic!("{other}"),
    }
}

fn leaves<'a>(clause: &'a Value, into: &mut Vec<(&'a str, &'a str)>) {
    let (kind, value) = clause.as_object().unwrap().iter().next().unwrap();
    match value {
        Value::Array(clauses) => clauses.iter().for_each(|clause| leaves(clause, into)),
        value => into.push((kind, value.as_str().unwrap())),
    }
}

/// A name that fits a clause, with something random where the clause leaves room.
fn name(kind: &str, text: &str, noise: &str, digits: &str) -> String {
    match kind {
        "starts_with" => format!("{text}{noise}"),
        "ends_with" => format!("{noise}{text}"),
        "contains" => format!("{noise}{text}{noise}"),
        "regex" => from_expression(text, digits),
        _ => text.to_owned(),
    }
}

/// The expressions of the list are names with a date: `^name-\d{4}-\d{2}-\d{2}$`.
fn from_expression(text: &str, digits: &str) -> String {
    let plain = text
        .trim_start_matches('^')
        .trim_end_matches('$')
        .replace("\\.", ".");
    let filled = [8, 4, 2].iter().fold(plain, |name, count| {
        name.replace(&format!("\\d{{{count}}}"), &digits[..*count])
    });
    filled.replace("\\d", &digits[..1]).replace("o[134]", "o3")
}

struct Dated {
    provider: String,
    models: Vec<(String, Value)>,
}

fn dated(import: &Import) -> Vec<Dated> {
    let providers: Vec<Value> = serde_json::from_str(GENAI).unwrap();
    let ours = |id: &str| match id {
        "x-ai" => "xai".to_owned(),
        "aws" => "bedrock".to_owned(),
        id => id.to_owned(),
    };
    let dated = providers.iter().map(|provider| {
        let id = ours(provider["id"].as_str().unwrap());
        let models = provider["models"].as_array().unwrap().iter();
        let models = models.map(|model| {
            (
                model["id"].as_str().unwrap().to_owned(),
                model["match"].clone(),
            )
        });
        let known = |name: &str| {
            let reference: ModelRef = format!("{id}/{name}").parse().unwrap();
            import.report().models().contains_key(&reference)
        };
        let models = models.filter(|(name, _)| known(name)).collect();
        Dated {
            provider: id,
            models,
        }
    });
    dated.collect()
}

#[test]
fn two_thousand_names_find_the_entry_that_the_lists_own_rules_mean() {
    let import = genai();
    let dated = dated(&import);
    let all: Vec<_> = dated
        .iter()
        .flat_map(|provider| {
            let models = provider.models.iter();
            models.flat_map(move |(id, clause)| {
                let mut found = Vec::new();
                leaves(clause, &mut found);
                found
                    .into_iter()
                    .map(move |(kind, text)| (provider, id, kind, text))
            })
        })
        .collect();
    let mut runner = TestRunner::new(Config {
        cases: 2_000,
        failure_persistence: None,
        ..Config::default()
    });
    let names = (0..all.len(), "(-[a-z]{1,6}){0,2}", "[0-9]{8}");
    let checked = runner.run(&names, |(place, noise, digits)| {
        let (provider, id, kind, text) = all[place];
        let name = name(kind, text, &noise, &digits);
        // The first model of which the rules fit is meant. A name that is written out comes before a rule for many, and
        // nothing of ours decides which of the two it is.
        let exact = |clause: &Value| {
            let mut found = Vec::new();
            leaves(clause, &mut found);
            found.contains(&("equals", name.as_str()))
        };
        let written = provider.models.iter().find(|(id, _)| *id == name);
        let written = written.or_else(|| provider.models.iter().find(|(_, clause)| exact(clause)));
        let meant = written.or_else(|| {
            provider
                .models
                .iter()
                .find(|(_, clause)| fits(clause, &name))
        });
        prop_assert!(meant.is_some(), "{} {} makes {}", id, kind, name);
        let wanted = format!("{}/{name}", provider.provider)
            .parse::<ModelRef>()
            .unwrap();
        let found = import
            .catalogue()
            .find(&wanted)
            .map(|model| model.reference().name().as_str());
        prop_assert_eq!(found, meant.map(|(id, _)| id.as_str()), "{}", name);
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn two_thousand_decorated_names_of_the_map_find_their_entry() {
    let import = litellm();
    let models = import.catalogue().models();
    let mut runner = TestRunner::new(Config {
        cases: 2_000,
        failure_persistence: None,
        ..Config::default()
    });
    let names = (
        0..models.len(),
        0_usize..4,
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]",
    );
    let checked = runner.run(&names, |(place, decoration, day)| {
        let model = &models[place];
        let (provider, name) = (
            model.reference().provider(),
            model.reference().name().as_str(),
        );
        let returned = match decoration {
            0 => name.to_owned(),
            1 => format!("{name}-{day}"),
            2 => format!("{name}-{}", day.replace('-', "")),
            _ => format!("models/{name}"),
        };
        // A region within the name is a part of its path, so that a path before it cannot be told apart.
        prop_assume!(decoration != 3 || !name.contains('/'));
        let wanted = format!("{provider}/{returned}")
            .parse::<ModelRef>()
            .unwrap();
        let exact = models.iter().find(|model| *model.reference() == wanted);
        let found = import.catalogue().find(&wanted);
        prop_assert_eq!(found, exact.or(Some(model)), "{}", returned);
        Ok(())
    });
    checked.unwrap();
}
