use crate::codes::CATALOGUE_MALFORMED;
use crate::{Bucket, Import, Imported, Price, TokenUsage};
use jiff::civil::{Date, date};

fn import(model: &str) -> Import {
    let text = format!(
        r#"[{{"id": "x-ai", "models": [{{"id": "m", "match": {{"equals": "m"}}, {model}}}]}}]"#
    );
    Import::genai_prices(&text, "test").unwrap()
}

fn price(import: &Import, day: Date, input: u64) -> Option<Price> {
    let model = import.catalogue().find(&"xai/m".parse().unwrap()).unwrap();
    let (_, list) = model.prices().on(day)?;
    list.prices_for(&TokenUsage::new().with(Bucket::Input, input))
        .price(Bucket::Input)
}

fn usd(text: &str) -> Price {
    Price::per_million(text).unwrap()
}

#[test]
fn prices_begin_on_their_days_and_grow_with_the_prompt() {
    let import = import(
        r#""prices": [{"prices": {"input_mtok": 2, "output_mtok": 4}},
        {"constraint": {"start_date": "2026-09-01"}, "prices": {
            "input_mtok": {"base": 3.5, "tiers": [{"start": 200000, "price": 7}]}, "output_mtok": 4}}]"#,
    );
    assert_eq!(price(&import, date(2026, 8, 31), 200_001), Some(usd("2")));
    assert_eq!(price(&import, date(2026, 9, 1), 200_000), Some(usd("3.5")));
    assert_eq!(price(&import, date(2026, 9, 1), 200_001), Some(usd("7")));
    assert_eq!(import.report().exact(), 1);
}

#[test]
fn the_last_list_that_is_in_force_counts() {
    let import = import(
        r#""prices": [{"constraint": {"start_date": "2026-09-01"}, "prices": {"input_mtok": 2, "output_mtok": 2}},
        {"prices": {"input_mtok": 5, "output_mtok": 2}}]"#,
    );
    assert_eq!(price(&import, date(2026, 10, 1), 1), Some(usd("5")));
}

#[test]
fn what_cannot_be_held_is_said() {
    let became = |model: &str| {
        import(model)
            .report()
            .models()
            .values()
            .next()
            .unwrap()
            .clone()
    };
    let inexact = |model: &str| assert!(matches!(became(model), Imported::Inexact(_)), "{model}");
    inexact(r#""prices": {"input_mtok": 1, "output_mtok": 1, "output_video_mtok": 2}"#);
    inexact(
        r#""prices": [{"prices": {"input_mtok": 1, "output_mtok": 1}}, {"constraint": {"start_time": "00:00", "end_time": "01:00"}, "prices": {"input_mtok": 2}}]"#,
    );
    assert!(matches!(became(r#""prices": {}"#), Imported::Unpriced(_)));
    let embedding = import(r#""prices": {"input_mtok": 1}"#);
    assert_eq!(embedding.report().skipped().len(), 1);
}

#[test]
fn clauses_become_rules() {
    let text = r#"[{"id": "p", "models": [{"id": "m", "prices": {"input_mtok": 1, "output_mtok": 1}, "match": {"or": [
        {"starts_with": "begin"}, {"ends_with": "end"}, {"contains": "middle"}, {"regex": "^r\\d$"},
        {"and": [{"contains": "this"}, {"contains": "that"}]}]}}]}]"#;
    let import = Import::genai_prices(text, "test").unwrap();
    let check = |name: &str, found: bool| {
        let model = format!("p/{name}").parse().unwrap();
        assert_eq!(import.catalogue().find(&model).is_some(), found, "{name}");
    };
    check("beginning", true);
    check("the-end", true);
    check("a-middle-b", true);
    check("r5", true);
    check("r55", false);
    check("this-and-that", true);
    check("this", false);
}

#[test]
fn a_malformed_file_is_refused_with_line_and_path() {
    let check = |text: &str, line: &str, path: &str| {
        let error = Import::genai_prices(text, "test").unwrap_err();
        assert_eq!(error.code(), CATALOGUE_MALFORMED);
        let of = |key| {
            error
                .context()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.to_string())
        };
        assert_eq!(of("line").as_deref(), Some(line), "{error}");
        assert_eq!(of("path").as_deref(), Some(path), "{error}");
    };
    check("[", "1", "the file");
    check("{}", "1", "the file");
    check("[{}]", "1", "0");
    check(
        "[{\"id\": \"p\",\n\"models\": [{\"id\": 5}]}]",
        "2",
        "0.models.0.id",
    );
    check(
        "[{\"id\": \"p\", \"models\": [{\"id\": \"m\", \"match\":\n\n{\"like\": \"m\"}}]}]",
        "3",
        "0.models.0.match.like",
    );
    check(
        "[{\"id\": \"p\", \"models\": [{\"id\": \"m\", \"prices\":{\"input_mtok\":\n-1}}]}]",
        "2",
        "0.models.0.prices.input_mtok",
    );
}
