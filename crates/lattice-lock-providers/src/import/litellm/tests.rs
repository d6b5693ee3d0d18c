use crate::codes::CATALOGUE_MALFORMED;
use crate::{Bucket, Import, Imported, Price, PriceList, ServiceTier, TokenUsage};
use jiff::civil::date;

fn import(fields: &str) -> Import {
    let text = format!(r#"{{"m": {{"litellm_provider": "openai", "mode": "chat", {fields}}}}}"#);
    Import::litellm(&text, "test").unwrap()
}

fn became(fields: &str) -> Imported {
    let import = import(fields);
    import.report().models().values().next().unwrap().clone()
}

fn list(import: &Import, tier: ServiceTier) -> Option<PriceList> {
    let model = &import.catalogue().models()[0];
    let found = model.prices().on_tier(date(2026, 11, 1), tier);
    found.map(|(_, list)| list.clone())
}

const BOTH: &str = r#""input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06"#;

#[test]
fn zero_and_half_a_price_are_no_price() {
    for fields in [
        r#""input_cost_per_token": 0, "output_cost_per_token": 0.0"#,
        r#""input_cost_per_token": 1e-06"#,
        r#""max_input_tokens": 5"#,
    ] {
        assert!(matches!(became(fields), Imported::Unpriced(_)), "{fields}");
        assert!(import(fields).catalogue().models()[0].prices().is_empty());
    }
}

#[test]
fn a_price_that_no_bucket_counts_is_said() {
    let check = |field: &str, exact: bool| {
        let became = became(&format!("{BOTH}, {field}"));
        assert_eq!(became == Imported::Exact, exact, "{field} {became:?}");
    };
    check(r#""input_cost_per_second": 0.1"#, false);
    check(r#""input_cost_per_second": 0.0"#, true);
    check(r#""input_cost_per_smell": 0.1"#, false);
    check(r#""tiered_pricing": []"#, false);
    check(r#""rpm": 5"#, true);
    check(r#""cache_read_input_token_cost": null"#, true);
    check(
        r#""input_cost_per_audio_token": 3.3333333333333335e-05"#,
        false,
    );
    check(
        r#""search_context_cost_per_query": {"a": 0.01, "b": 0.02}"#,
        false,
    );
    check(
        r#""search_context_cost_per_query": {"a": 0.01, "b": 0.01}"#,
        true,
    );
}

#[test]
fn long_prompts_and_service_tiers_have_their_prices() {
    let import = import(&format!(
        r#"{BOTH}, "cache_read_input_token_cost": 1e-07, "input_cost_per_token_above_200k_tokens": 2e-06,
        "input_cost_per_token_batches": 5e-07, "input_cost_per_token_above_200k_tokens_batches": 1e-06,
        "input_cost_per_token_flex": 5e-07"#
    ));
    let price = |tier, input: u64, bucket| {
        let list = list(&import, tier)?;
        list.prices_for(&TokenUsage::new().with(Bucket::Input, input))
            .price(bucket)
    };
    let usd = |text| Some(Price::per_million(text).unwrap());
    assert_eq!(
        price(ServiceTier::Standard, 200_000, Bucket::Input),
        usd("1")
    );
    assert_eq!(
        price(ServiceTier::Standard, 200_001, Bucket::Input),
        usd("2")
    );
    assert_eq!(
        price(ServiceTier::Standard, 200_001, Bucket::CacheRead),
        usd("0.1")
    );
    assert_eq!(price(ServiceTier::Batch, 1, Bucket::Input), usd("0.5"));
    assert_eq!(price(ServiceTier::Batch, 1, Bucket::Output), usd("4"));
    assert_eq!(price(ServiceTier::Batch, 200_001, Bucket::Input), usd("1"));
    assert_eq!(price(ServiceTier::Flex, 200_000, Bucket::Input), usd("0.5"));
    let long = |bucket| price(ServiceTier::Flex, 200_001, bucket);
    assert_eq!(
        long(Bucket::Input),
        None,
        "nobody says what a long one costs"
    );
    assert_eq!(long(Bucket::Output), None, "half a price is none");
    assert_eq!(import.report().exact(), 1);
}

#[test]
fn reasoning_costs_what_output_does_where_only_output_has_a_price_of_its_own() {
    let import = import(&format!(
        r#"{BOTH}, "output_cost_per_reasoning_token": 3e-06, "output_cost_per_token_flex": 1e-06,
        "output_cost_per_token_priority": 8e-06, "output_cost_per_reasoning_token_priority": 7e-06,
        "output_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens_flex": 5e-06"#
    ));
    let check = |tier, input: u64, usd| {
        let list = list(&import, tier).unwrap();
        let prices = list.prices_for(&TokenUsage::new().with(Bucket::Input, input));
        let usd = Price::per_million(usd).unwrap();
        assert_eq!(prices.price(Bucket::Reasoning), Some(usd), "{tier} {input}");
    };
    check(ServiceTier::Standard, 1, "3");
    check(ServiceTier::Flex, 1, "1");
    check(ServiceTier::Priority, 1, "7");
    check(ServiceTier::Standard, 200_001, "6");
    check(ServiceTier::Flex, 200_001, "5");
}

#[test]
fn xai_counts_the_length_itself_as_long() {
    let fields = format!(r#"{BOTH}, "input_cost_per_token_above_128k_tokens": 2e-06"#);
    let text = format!(r#"{{"xai/m": {{"litellm_provider": "xai", "mode": "chat", {fields}}}}}"#);
    let import = Import::litellm(&text, "test").unwrap();
    assert_eq!(
        import.catalogue().models()[0].reference().to_string(),
        "xai/m"
    );
    let list = list(&import, ServiceTier::Standard).unwrap();
    let prices = list.prices_for(&TokenUsage::new().with(Bucket::Input, 128_000));
    assert_eq!(
        prices.price(Bucket::Input),
        Some(Price::per_million("2").unwrap())
    );
}

#[test]
fn a_malformed_file_is_refused_with_line_and_path() {
    let check = |text: &str, line: &str, path: &str| {
        let error = Import::litellm(text, "test").unwrap_err();
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
    check("{", "1", "the file");
    check("[]", "1", "the file");
    check("{\n\"m\": 5}", "2", "m");
    check("{\n\"m\": {\n\"mode\": 5}}", "3", "m.mode");
    check(
        "{\"m\": {\n\n\"input_cost_per_token\": true}}",
        "3",
        "m.input_cost_per_token",
    );
    check(
        "{\"m\": {\"input_cost_per_token\":\n-1}}",
        "2",
        "m.input_cost_per_token",
    );
    check(
        "{\"m\": {\"deprecation_date\": \"soon\"}}",
        "1",
        "m.deprecation_date",
    );
    check("{\"m\": {\"mode\": \"a\", \"mode\": \"b\"}}", "1", "m");
    check("{\"m\": {}, \"m\": {}}", "1", "the file");
}
