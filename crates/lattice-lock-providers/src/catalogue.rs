//! The known models.

mod file;
mod model;
mod name;
mod overrides;
mod rule;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use lattice_lock_errors::{Error, Result};

use self::file::{Entry, File};
use self::rule::Rules;
use crate::codes::{CATALOGUE_MALFORMED, MODEL_UNKNOWN};
use crate::{ModelRef, ProviderId};

pub(crate) use model::Facts;
pub use model::{Figure, Lifecycle, Model, Quality};
pub use overrides::Overrides;
pub use rule::MatchRule;

/// The known models, by provider and name.
///
/// ```
/// # #[cfg(feature = "catalogue")] {
/// use lattice_lock_providers::Catalogue;
///
/// let catalogue = Catalogue::shipped();
/// let served = catalogue.find(&"openai/gpt-5-mini-2025-08-07".parse()?).expect("a dated name");
/// assert!(served.reference().name().as_str().starts_with("gpt-5-mini"));
/// # }
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    version: String,
    stale_after: Option<Date>,
    sources: Vec<String>,
    models: Vec<Arc<Model>>,
    providers: HashMap<ProviderId, Index>,
}

/// How the models of one provider are found.
#[derive(Clone, Debug, Default)]
struct Index {
    names: HashMap<Box<str>, usize>,
    aliases: HashMap<Box<str>, usize>,
    rules: Rules,
}

impl Index {
    /// By the very name, by the name without its date, by the rules; then all of that again without what says where
    /// or through whom the model is served.
    fn find(&self, name: &str) -> Option<usize> {
        let found = self.find_as_written(name);
        let found = found.or_else(|| self.find(name::bare(name)?));
        found.or_else(|| {
            let upper = name.bytes().any(|byte| byte.is_ascii_uppercase());
            upper.then(|| self.find(&name.to_ascii_lowercase()))?
        })
    }

    fn find_as_written(&self, name: &str) -> Option<usize> {
        let exact = self.find_exactly(name);
        let undated = || self.find_exactly(name::undated(name)?);
        exact.or_else(undated).or_else(|| self.rules.find(name))
    }

    /// A model of this name comes before one that is also called so.
    fn find_exactly(&self, name: &str) -> Option<usize> {
        let known = self.names.get(name).or_else(|| self.aliases.get(name));
        known.copied()
    }
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
        let file: File = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        let models = file
            .models
            .into_iter()
            .map(|entry| entry.into_model(&file.version));
        let mut catalogue = Self::of(&file.version, models.collect::<Result<Vec<_>>>()?)?;
        (catalogue.stale_after, catalogue.sources) = (file.stale_after, file.sources);
        Ok(catalogue)
    }

    /// The catalogue as text that [`from_json`](Self::from_json) reads, one model a line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let models: Vec<_> = self
            .models
            .iter()
            .map(|model| json(&Entry::of(model)))
            .collect();
        let stale = self.stale_after.map_or(String::new(), |day| {
            format!(" \"stale_after\": \"{day}\",\n")
        });
        let sources: Vec<_> = self
            .sources
            .iter()
            .map(|source| format!("  {}", json(source)))
            .collect();
        format!(
            "{{\n \"version\": {},\n{stale} \"sources\": [\n{}\n ],\n \"models\": [\n{}\n ]\n}}\n",
            json(&self.version),
            sources.join(",\n"),
            models.join(",\n"),
        )
    }

    /// A catalogue of these models.
    pub(crate) fn of(version: &str, models: impl IntoIterator<Item = Model>) -> Result<Self> {
        let mut catalogue = Self {
            version: version.to_owned(),
            ..Self::default()
        };
        for model in models {
            catalogue.add(Arc::new(model))?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, model: Arc<Model>) -> Result<()> {
        let place = self.models.len();
        let index = self
            .providers
            .entry(model.reference().provider().clone())
            .or_default();
        let name = model.reference().name().as_str();
        if index.names.insert(name.into(), place).is_some() {
            return Err(Error::new(CATALOGUE_MALFORMED, "a model stands twice")
                .with("model", model.reference()));
        }
        for rule in model.rules() {
            match rule {
                MatchRule::Exact(name) => {
                    index.aliases.entry(name.as_str().into()).or_insert(place);
                }
                rule => index
                    .rules
                    .add(place, rule)
                    .map_err(|error| error.with("model", model.reference()))?,
            }
        }
        self.models.push(model);
        Ok(())
    }

    /// Says from which day on the figures should be looked at again, and where they come from.
    #[must_use]
    pub fn with_provenance(
        mut self,
        stale_after: Option<Date>,
        sources: impl IntoIterator<Item = String>,
    ) -> Self {
        self.stale_after = stale_after;
        self.sources = sources.into_iter().collect();
        self
    }

    /// The same catalogue, of which a router may choose these models; all others are called only if they are named.
    ///
    /// A list of everything that can be bought holds models that nobody wants to be sent to unasked: they cost a hundred
    /// times more, or serve one customer.
    #[must_use]
    pub fn offering(&self, is_offered: impl Fn(&Model) -> bool) -> Self {
        let mut offering = self.clone();
        for model in &mut offering.models {
            let named_only = !is_offered(model);
            Arc::make_mut(model).facts.named_only = named_only;
        }
        offering
    }

    /// The same catalogue in which a model has one more name, such as that of a deployment.
    ///
    /// # Errors
    ///
    /// [`MODEL_UNKNOWN`] if there is no such model.
    pub fn with_alias(&self, alias: &ModelRef, model: &ModelRef) -> Result<Self> {
        let mut named = self.clone();
        let place = self
            .place(model)
            .ok_or_else(|| Error::new(MODEL_UNKNOWN, "unknown model").with("model", model))?;
        let index = named.providers.entry(alias.provider().clone()).or_default();
        index.names.insert(alias.name().as_str().into(), place);
        Ok(named)
    }

    /// The edition, a date.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// From which day on the figures should be looked at again, if the catalogue says.
    #[must_use]
    pub fn stale_after(&self) -> Option<Date> {
        self.stale_after
    }

    /// Where the figures come from.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Every model, in the file's order.
    #[must_use]
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    /// The model of this name, as a caller or the provider itself writes it.
    ///
    /// Providers answer with names such as `gpt-5-mini-2025-08-07`, `models/gemini-2.5-pro` or
    /// `us.anthropic.claude-haiku-4-5-20251001-v1:0`. An entry of the very name comes first, then one of the name without
    /// a date, then the first one of which a [`MatchRule`] fits; at last the name is tried without path and region.
    #[must_use]
    pub fn find(&self, wanted: &ModelRef) -> Option<&Arc<Model>> {
        self.models.get(self.place(wanted)?)
    }

    fn place(&self, wanted: &ModelRef) -> Option<usize> {
        self.providers
            .get(wanted.provider())?
            .find(wanted.name().as_str())
    }
}

/// Text of something that is always text.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::new(CATALOGUE_MALFORMED, "malformed catalogue")
        .with("line", error.line())
        .with("column", error.column())
        .with_foreign(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = r#"{"version": "v1", "sources": [], "models": [
        {"provider": "p", "name": "m", "context_window": 10, "output_limit": 5,
         "match": [{"exact": "alias"}, {"prefix": "begins-"}],
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
        check("models/m", true);
        check("us.m-20250807", true);
        check("alias", true);
        check("alias-20250807", true);
        check("begins-x", true);
        check("us.begins-x", true);
        check("BEGINS-X", true);
    }

    #[test]
    fn a_malformed_catalogue_is_refused_whole_with_its_place() {
        for (from, to) in [
            (r#""1""#, r#""-1""#),
            (r#""1""#, "1.0"),
            ("input", "inputs"),
            ("2026-01-01", "2026-13-01"),
            ("context_window", "window"),
            ("prefix", "prefixes"),
            (r#""begins-""#, "[]"),
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
        assert_eq!(found("openai/gpt-4o-2024-12-31"), "openai/gpt-4o");
    }

    #[cfg(feature = "catalogue")]
    #[test]
    fn a_shipped_model_has_a_price_for_text_or_none_at_all() {
        use crate::Bucket;
        let catalogue = Catalogue::shipped();
        let mut unpriced = 0;
        for model in catalogue.models() {
            match model.prices().on(jiff::civil::date(2026, 11, 1)) {
                Some((_, list)) => {
                    let has = |bucket| list.price(bucket).is_some();
                    assert!(
                        has(Bucket::Input) && has(Bucket::Output),
                        "{}",
                        model.reference()
                    );
                }
                None => unpriced += 1,
            }
        }
        assert!(unpriced * 30 < catalogue.models().len(), "{unpriced}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let catalogue = Catalogue::from_json(TINY).unwrap();
        let again = Catalogue::from_json(&catalogue.to_json()).unwrap();
        assert_eq!(again.models(), catalogue.models());
        assert_eq!(again.version(), catalogue.version());
    }

    #[test]
    fn a_router_is_offered_some_and_all_are_found() {
        let catalogue = Catalogue::from_json(TINY).unwrap().offering(|_| false);
        let model = catalogue.find(&"p/m".parse().unwrap()).unwrap();
        assert!(model.is_named_only());
        let again = Catalogue::from_json(&catalogue.to_json()).unwrap();
        assert_eq!(again.models(), catalogue.models());
        assert!(!catalogue.offering(|_| true).models()[0].is_named_only());
    }

    #[test]
    fn a_deployment_is_called_as_its_owner_likes() {
        let catalogue = Catalogue::from_json(TINY).unwrap();
        let [alias, model, nobody] =
            ["p/mine", "p/m", "p/nobody"].map(|name| name.parse::<ModelRef>().unwrap());
        let named = catalogue.with_alias(&alias, &model).unwrap();
        assert_eq!(named.find(&alias).unwrap().reference(), &model);
        assert!(catalogue.with_alias(&alias, &nobody).is_err());
    }
}
