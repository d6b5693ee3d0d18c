use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use lattice_lock_errors::{Error, Result};
use serde::Deserialize;

use crate::codes::CATALOGUE_MALFORMED;
use crate::{Capabilities, ModelName, ModelRef, PriceHistory, PriceList, ProviderId};

/// One model that a catalogue knows: what it is called, what it can do, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    reference: ModelRef,
    context_window: u64,
    output_limit: u64,
    capabilities: Capabilities,
    retires: Option<Date>,
    prices: PriceHistory,
}

impl Model {
    /// Its provider and name.
    #[must_use]
    pub fn reference(&self) -> &ModelRef {
        &self.reference
    }

    /// The largest prompt, in tokens.
    #[must_use]
    pub fn context_window(&self) -> u64 {
        self.context_window
    }

    /// The longest reply, in tokens.
    #[must_use]
    pub fn output_limit(&self) -> u64 {
        self.output_limit
    }

    /// What it can do beyond text.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The day from which its provider no longer serves it, if announced.
    #[must_use]
    pub fn retires(&self) -> Option<Date> {
        self.retires
    }

    /// Its prices over time.
    #[must_use]
    pub fn prices(&self) -> &PriceHistory {
        &self.prices
    }
}

/// The known models, by provider and name.
///
/// ```
/// # #[cfg(feature = "catalogue")] {
/// use lattice_lock_providers::Catalogue;
///
/// let catalogue = Catalogue::shipped();
/// let served = catalogue.find(&"openai/gpt-5-mini-2025-08-07".parse()?).expect("a dated name");
/// assert_eq!(served.reference().name().as_str(), "gpt-5-mini");
/// # }
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    version: String,
    models: Vec<Arc<Model>>,
    places: HashMap<ModelRef, usize>,
}

impl Catalogue {
    /// The catalogue that comes with this crate; its file names the sources of each figure.
    ///
    /// # Panics
    ///
    /// Never: a test reads the very file that is compiled in.
    #[cfg(feature = "catalogue")]
    #[must_use]
    pub fn shipped() -> Self {
        Self::from_json(include_str!("../data/catalogue.json"))
            .expect("the shipped catalogue is tested to be well-formed")
    }

    /// Reads a catalogue; a malformed one is refused whole.
    ///
    /// # Errors
    ///
    /// [`CATALOGUE_MALFORMED`] with line and column, or with the name of a model that stands twice.
    pub fn from_json(text: &str) -> Result<Self> {
        let file: File = serde_json::from_str(text).map_err(|error| {
            Error::new(CATALOGUE_MALFORMED, "malformed catalogue")
                .with("line", error.line())
                .with("column", error.column())
                .with_foreign(&error)
        })?;
        let mut catalogue = Self {
            version: file.version,
            ..Self::default()
        };
        for entry in file.models {
            catalogue.add(entry)?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, entry: Entry) -> Result<()> {
        entry.check_days()?;
        let model = entry.into_model(&self.version);
        let place = self.models.len();
        if self.places.insert(model.reference.clone(), place).is_some() {
            return Err(Error::new(CATALOGUE_MALFORMED, "a model stands twice")
                .with("model", &model.reference));
        }
        self.models.push(Arc::new(model));
        Ok(())
    }

    /// The edition, a date.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Every model, in the file's order.
    #[must_use]
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    /// The model of this name, or the one that this name is a dated edition of.
    ///
    /// Providers answer with names such as `gpt-5-mini-2025-08-07` and `claude-haiku-4-5-20251001`.
    #[must_use]
    pub fn find(&self, wanted: &ModelRef) -> Option<&Arc<Model>> {
        let exact = self.places.get(wanted);
        let place = exact.or_else(|| self.places.get(&undated(wanted)?))?;
        self.models.get(*place)
    }
}

/// The reference without a date at its end.
fn undated(dated: &ModelRef) -> Option<ModelRef> {
    let name = dated.name().as_str();
    let end = ["-dddd-dd-dd", "-dddddddd"]
        .into_iter()
        .find_map(|shape| ends_with_shape(name, shape))?;
    let name: ModelName = name[..end].parse().ok()?;
    Some(ModelRef::new(dated.provider().clone(), name))
}

/// Where the part of `name` begins that has this shape (`d` stands for a digit), if it ends so.
fn ends_with_shape(name: &str, shape: &str) -> Option<usize> {
    let start = name.len().checked_sub(shape.len())?;
    let fits = |(byte, sign): (u8, u8)| match sign {
        b'd' => byte.is_ascii_digit(),
        sign => byte == sign,
    };
    name.as_bytes()[start..]
        .iter()
        .copied()
        .zip(shape.bytes())
        .all(fits)
        .then_some(start)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    #[serde(rename = "sources")]
    _sources: Vec<String>,
    models: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    provider: ProviderId,
    name: ModelName,
    context_window: u64,
    output_limit: u64,
    #[serde(default)]
    capabilities: Capabilities,
    retires: Option<Date>,
    prices: Vec<DatedPrices>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatedPrices {
    from: Date,
    usd_per_million: PriceList,
}

impl Entry {
    /// A day names a version of the prices, so that it cannot begin two of them.
    fn check_days(&self) -> Result<()> {
        let mut days: Vec<_> = self.prices.iter().map(|dated| dated.from).collect();
        days.sort_unstable();
        match days.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(Error::new(
                CATALOGUE_MALFORMED,
                "two price lists begin on the same day",
            )
            .with("model", &self.name)
            .with("from", pair[0])),
        }
    }

    fn into_model(self, edition: &str) -> Model {
        let lists = self
            .prices
            .into_iter()
            .map(|dated| (dated.from, dated.usd_per_million));
        Model {
            reference: ModelRef::new(self.provider, self.name),
            context_window: self.context_window,
            output_limit: self.output_limit,
            capabilities: self.capabilities,
            retires: self.retires,
            prices: PriceHistory::new(edition, lists),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = r#"{"version": "v1", "sources": [], "models": [
        {"provider": "p", "name": "m", "context_window": 10, "output_limit": 5,
         "prices": [{"from": "2026-01-01", "usd_per_million": {"input": "1"}}]}
    ]}"#;

    fn check(name: &str, found: bool) {
        let catalogue = Catalogue::from_json(TINY).unwrap();
        let wanted = format!("p/{name}").parse().unwrap();
        assert_eq!(catalogue.find(&wanted).is_some(), found, "{name}");
    }

    #[test]
    fn a_dated_name_finds_its_model_and_another_suffix_does_not() {
        check("m", true);
        check("m-2025-08-07", true);
        check("m-20250807", true);
        check("m-mini", false);
        check("m-2025-08", false);
        check("m-2025-08-07-2025-08-07", false);
        check("-20250807", false);
        check("é-20250807", false);
    }

    #[test]
    fn a_malformed_catalogue_is_refused_whole_with_its_place() {
        for (from, to) in [
            (r#""1""#, r#""-1""#),
            (r#""1""#, "1.0"),
            ("input", "inputs"),
            ("2026-01-01", "2026-13-01"),
            ("context_window", "window"),
            ("]}", "]"),
        ] {
            let error = Catalogue::from_json(&TINY.replace(from, to)).unwrap_err();
            assert_eq!(error.code(), CATALOGUE_MALFORMED);
            assert!(error.context().any(|(key, _)| key == "line"), "{error}");
        }
    }

    #[test]
    fn prices_that_contradict_each_other_are_refused() {
        let list = r#"{"from": "2026-01-01", "usd_per_million": {"input": "1"}}"#;
        for contradiction in [
            format!("{list}, {list}"),
            list.replace(r#"{"input""#, r#"{"input": "2", "input""#),
        ] {
            let error = Catalogue::from_json(&TINY.replace(list, &contradiction)).unwrap_err();
            assert_eq!(error.code(), CATALOGUE_MALFORMED);
        }
    }

    #[test]
    fn a_model_that_stands_twice_is_refused() {
        let model = &TINY[TINY.find("{\"provider").unwrap()..TINY.rfind(']').unwrap()];
        let twice = TINY.replace(model, &format!("{model},{model}"));
        assert!(Catalogue::from_json(&twice).is_err());
    }

    #[cfg(feature = "catalogue")]
    #[test]
    fn a_dated_edition_with_another_price_is_a_model_of_its_own() {
        let catalogue = Catalogue::shipped();
        let found = |name: &str| {
            catalogue
                .find(&name.parse().unwrap())
                .unwrap()
                .reference()
                .to_string()
        };
        assert_eq!(
            found("openai/gpt-4o-2024-05-13"),
            "openai/gpt-4o-2024-05-13"
        );
        assert_eq!(found("openai/gpt-4o-2024-11-20"), "openai/gpt-4o");
    }

    #[cfg(feature = "catalogue")]
    #[test]
    fn every_shipped_model_has_a_price_for_text_today() {
        use crate::Bucket;
        let catalogue = Catalogue::shipped();
        assert!(!catalogue.models().is_empty());
        for model in catalogue.models() {
            let (_, list) = model.prices().on(jiff::civil::date(2026, 11, 1)).unwrap();
            assert!(list.price(Bucket::Input).is_some() && list.price(Bucket::Output).is_some());
        }
    }
}
