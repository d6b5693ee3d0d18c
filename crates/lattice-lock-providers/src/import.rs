//! Price lists in the formats that others publish.

mod fields;
mod genai;
mod json;
mod litellm;
mod merge;
mod number;
mod report;

pub use merge::Disagreement;
pub use report::{ImportReport, Imported};

use lattice_lock_errors::Result;

use crate::Catalogue;

/// A catalogue read from somebody else's file, with what became of each entry.
///
/// The file is read as text and every decimal is taken as it is written, never through a float. A malformed file is
/// refused whole, with line and path, so that the previous catalogue stays in use.
///
/// ```
/// use lattice_lock_providers::{Bucket, Import};
///
/// let import = Import::litellm(r#"{"gpt-5-mini": {
///     "litellm_provider": "openai", "mode": "chat", "max_input_tokens": 272000,
///     "input_cost_per_token": 2.5e-07, "output_cost_per_token": 2e-06
/// }}"#, "litellm-1")?;
/// let model = import.catalogue().find(&"openai/gpt-5-mini".parse()?).expect("it was imported");
/// let (version, list) = model.prices().on(jiff::civil::date(2026, 11, 1)).expect("a price");
/// assert_eq!(list.price(Bucket::Input).expect("a price").per_unit().to_string(), "0.00000025");
/// assert_eq!(import.report().exact(), 1);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Import {
    catalogue: Catalogue,
    report: ImportReport,
}

impl Import {
    /// Reads `LiteLLM`'s `model_prices_and_context_window.json`, under an edition's name of one's own.
    ///
    /// # Errors
    ///
    /// [`CATALOGUE_MALFORMED`](crate::codes::CATALOGUE_MALFORMED) with line and path.
    pub fn litellm(text: &str, edition: &str) -> Result<Self> {
        let (models, report) = litellm::read(text, edition)?;
        Self::of(edition, models, report)
    }

    /// Reads pydantic's `genai-prices`, `data.json` or `data.v2.json`, under an edition's name of one's own.
    ///
    /// # Errors
    ///
    /// [`CATALOGUE_MALFORMED`](crate::codes::CATALOGUE_MALFORMED) with line and path.
    pub fn genai_prices(text: &str, edition: &str) -> Result<Self> {
        let (models, report) = genai::read(text, edition)?;
        Self::of(edition, models, report)
    }

    fn of(edition: &str, models: Vec<crate::Model>, report: ImportReport) -> Result<Self> {
        let catalogue = Catalogue::of(edition, models)?;
        Ok(Self { catalogue, report })
    }

    /// The models.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What became of each entry.
    #[must_use]
    pub fn report(&self) -> &ImportReport {
        &self.report
    }

    /// The models, for a registry.
    #[must_use]
    pub fn into_catalogue(self) -> Catalogue {
        self.catalogue
    }
}
