//! What each field of `LiteLLM`'s map means.

use crate::{Bucket, ServiceTier};

/// What a field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The price of a bucket, for prompts above so many tokens, in a service tier.
    Price {
        bucket: Bucket,
        above: Option<u64>,
        tier: ServiceTier,
    },
    /// A price of something that usage has no bucket for: the model is not exact while this is not zero.
    Homeless(&'static str),
    /// A fact that is read by name.
    Fact,
    /// It changes no price of a chat.
    Ignored(&'static str),
    Unknown,
}

/// The cache that lasts longest is the one-hour bucket's, whether it lasts an hour or twelve: no provider sells both.
const TOKENS: [(&str, Bucket); 11] = [
    (
        "cache_creation_input_token_cost_above_12hr",
        Bucket::CacheWrite1h,
    ),
    ("input_cost_per_token", Bucket::Input),
    ("output_cost_per_token", Bucket::Output),
    ("cache_read_input_token_cost", Bucket::CacheRead),
    (
        "cache_creation_input_token_cost_above_1hr",
        Bucket::CacheWrite1h,
    ),
    ("cache_creation_input_token_cost", Bucket::CacheWrite5m),
    ("output_cost_per_reasoning_token", Bucket::Reasoning),
    ("input_cost_per_audio_token", Bucket::InputAudio),
    ("cache_read_input_audio_token_cost", Bucket::CacheReadAudio),
    ("output_cost_per_audio_token", Bucket::OutputAudio),
    ("input_cost_per_image_token", Bucket::InputImage),
];

const FACTS: [&str; 28] = [
    "litellm_provider",
    "mode",
    "max_input_tokens",
    "max_output_tokens",
    "max_tokens",
    "deprecation_date",
    "search_context_cost_per_query",
    "provider_specific_entry",
    "regional_processing_uplift_multiplier_eu",
    "regional_processing_uplift_multiplier_us",
    "regional_endpoint_uplift_multiplier",
    "tiered_pricing",
    "off_peak_pricing",
    "code_interpreter_cost_per_session",
    "supported_modalities",
    "supported_output_modalities",
    "supports_function_calling",
    "supports_parallel_function_calling",
    "supports_vision",
    "supports_audio_input",
    "supports_audio_output",
    "supports_response_schema",
    "supports_reasoning",
    "supports_prompt_caching",
    "supports_native_streaming",
    "supports_pdf_input",
    "supports_video_input",
    "supports_image_input",
];

/// Beginnings of the names of prices that no bucket counts.
const HOMELESS: [(&str, &str); 18] = [
    (
        "cache_read_input_image_token_cost",
        "images read from a cache",
    ),
    (
        "cache_creation_input_audio_token_cost",
        "sound written to a cache",
    ),
    ("output_cost_per_image", "images in the reply"),
    ("output_cost_per_video", "video in the reply"),
    ("output_cost_per_second", "replies by the second"),
    ("output_cost_per_character", "replies by the character"),
    ("output_cost_per_pixel", "replies by the pixel"),
    ("input_cost_per_image", "images by number"),
    ("input_cost_per_video", "video"),
    ("input_cost_per_audio_per_second", "sound by the second"),
    ("input_cost_per_second", "prompts by the second"),
    ("input_cost_per_character", "prompts by the character"),
    ("input_cost_per_pixel", "prompts by the pixel"),
    ("input_cost_per_query", "queries"),
    ("input_cost_per_request", "requests"),
    ("input_cost_per_text_message", "messages"),
    ("cost_per_second", "time"),
    ("input_dbu_cost", "another currency"),
];

const TOOL: &str =
    "a tool that is billed apart and that no bucket counts; it is not part of a chat's tokens";
const DESCRIPTION: &str = "it describes the model or its documentation";
const LIMIT: &str = "a limit of the provider's rates, not a price";
const ABILITY: &str = "a detail of the provider's API";
const TOKENIZER: &str = "how tokens are counted before a call; the provider's own count is billed";
const ALLOWANCE: &str =
    "an allowance of the account: a call alone cannot know whether it is used up";

const IGNORED: [(&str, &str); 33] = [
    ("source", DESCRIPTION),
    ("comment", DESCRIPTION),
    ("metadata", DESCRIPTION),
    ("supported_endpoints", DESCRIPTION),
    ("supported_regions", DESCRIPTION),
    ("supported_resolutions", DESCRIPTION),
    ("display_name", DESCRIPTION),
    ("model_vendor", DESCRIPTION),
    ("model_version", DESCRIPTION),
    ("rpm", LIMIT),
    ("tpm", LIMIT),
    ("rpd", LIMIT),
    ("max_images_per_prompt", LIMIT),
    ("prompt_cache_min_tokens", LIMIT),
    ("max_video_length", LIMIT),
    ("max_audio_per_prompt", LIMIT),
    ("max_audio_length_hours", LIMIT),
    ("max_videos_per_prompt", LIMIT),
    ("max_pdf_size_mb", LIMIT),
    ("token_count_", TOKENIZER),
    ("tool_use_system_prompt_tokens", TOKENIZER),
    ("search_free_requests", ALLOWANCE),
    (
        "web_search_billing_unit",
        "it says what a search is, and searches are counted as the provider counts them",
    ),
    ("google_maps_grounding_cost_per_query", TOOL),
    ("file_search_cost", TOOL),
    ("vector_store_cost", TOOL),
    ("computer_use_", TOOL),
    ("annotation_cost_per_page", TOOL),
    ("ocr_cost", TOOL),
    ("reasoning_", ABILITY),
    ("default_reasoning_effort", ABILITY),
    ("thinking_always_on", ABILITY),
    ("bedrock_", ABILITY),
];

impl Meaning {
    pub(super) fn of(field: &str) -> Self {
        if FACTS.contains(&field) {
            return Self::Fact;
        }
        if let Some(price) = price(field) {
            return price;
        }
        if let Some((_, what)) = HOMELESS.iter().find(|(start, _)| field.starts_with(start)) {
            return Self::Homeless(what);
        }
        let ignored = IGNORED.iter().find(|(start, _)| field.starts_with(start));
        match ignored {
            Some((_, reason)) => Self::Ignored(reason),
            None if field.starts_with("supports_") => Self::Ignored(ABILITY),
            None => Self::Unknown,
        }
    }
}

/// `base`, then perhaps `_above_200k_tokens`, then perhaps `_batches`.
fn price(field: &str) -> Option<Meaning> {
    const SUFFIXES: [(&str, ServiceTier); 5] = [
        ("_batches", ServiceTier::Batch),
        ("_flex", ServiceTier::Flex),
        ("_priority", ServiceTier::Priority),
        ("_ultrafast", ServiceTier::Ultrafast),
        ("_decisions", ServiceTier::Decisions),
    ];
    let (start, bucket) = TOKENS.iter().find(|(start, _)| field.starts_with(start))?;
    let rest = &field[start.len()..];
    let suffix = SUFFIXES
        .iter()
        .find_map(|(suffix, tier)| Some((rest.strip_suffix(suffix)?, *tier)));
    let (rest, tier) = suffix.unwrap_or((rest, ServiceTier::Standard));
    let above = match rest {
        "" => None,
        rest => {
            let thousands = rest.strip_prefix("_above_")?.strip_suffix("k_tokens")?;
            Some(thousands.parse::<u64>().ok()?.checked_mul(1_000)?)
        }
    };
    Some(Meaning::Price {
        bucket: *bucket,
        above,
        tier,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_told_by_its_name() {
        let check = |field, bucket, above, tier| {
            assert_eq!(
                Meaning::of(field),
                Meaning::Price {
                    bucket,
                    above,
                    tier
                },
                "{field}"
            );
        };
        check(
            "input_cost_per_token",
            Bucket::Input,
            None,
            ServiceTier::Standard,
        );
        check(
            "output_cost_per_token_above_272k_tokens_priority",
            Bucket::Output,
            Some(272_000),
            ServiceTier::Priority,
        );
        check(
            "cache_creation_input_token_cost_above_1hr",
            Bucket::CacheWrite1h,
            None,
            ServiceTier::Standard,
        );
        check(
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
            Bucket::CacheWrite1h,
            Some(200_000),
            ServiceTier::Standard,
        );
        check(
            "cache_creation_input_token_cost_above_200k_tokens",
            Bucket::CacheWrite5m,
            Some(200_000),
            ServiceTier::Standard,
        );
        check(
            "cache_read_input_token_cost_flex",
            Bucket::CacheRead,
            None,
            ServiceTier::Flex,
        );
    }

    #[test]
    fn what_could_be_a_price_is_never_ignored() {
        for field in [
            "input_cost_per_token_above_1m_tokens",
            "input_cost_per_token_someday",
            "output_cost_per_smell",
        ] {
            let meaning = Meaning::of(field);
            assert!(
                matches!(meaning, Meaning::Unknown | Meaning::Homeless(_)),
                "{field} {meaning:?}"
            );
        }
    }
}
