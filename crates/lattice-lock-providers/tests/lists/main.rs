//! The published price lists, the catalogue that is made of them, and what a registry does with it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod docs;
#[path = "../shipped/generate.rs"]
mod generate;
mod imported;
mod names;
mod swap;

use lattice_lock_providers::Import;

const LITELLM: &str = include_str!("../data/litellm.json");
const GENAI: &str = include_str!("../data/genai-prices.json");

fn litellm() -> Import {
    Import::litellm(LITELLM, "litellm").unwrap()
}

fn genai() -> Import {
    Import::genai_prices(GENAI, "genai-prices").unwrap()
}
