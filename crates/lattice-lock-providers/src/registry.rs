use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use serde::Serialize;

use crate::codes::{MODEL_UNKNOWN, PROVIDER_UNKNOWN};
use crate::failure::DEFAULT_COOLING;
use crate::{Catalogue, FailureClass, Model, ModelRef, Provider, ProviderId};

/// Whether a provider may be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum Availability {
    /// Something that a call needs is missing, such as a key.
    Unconfigured,
    /// It may be called.
    Available,
    /// It asked to be left alone, or failed, a moment ago.
    Cooling {
        /// When it may be called again: microseconds since 1970 (UTC).
        until: i64,
    },
}

/// The configured providers, the known models, and who may be called now.
///
/// Cheap to clone: clones share their state. Reading the availability takes no lock.
///
/// ```
/// # #[cfg(feature = "catalogue")] {
/// use lattice_lock_providers::{Availability, Catalogue, Provider, Registry};
///
/// let registry = Registry::new(Catalogue::shipped(), [Provider::openai()]);
/// let model = registry.resolve("gpt-5-mini")?;
/// assert_eq!(model.to_string(), "openai/gpt-5-mini");
/// assert_eq!(registry.availability(model.provider(), 0), Availability::Unconfigured);
/// # }
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    catalogue: Catalogue,
    providers: BTreeMap<ProviderId, Entry>,
}

#[derive(Debug)]
struct Entry {
    provider: Provider,
    cooling_until: AtomicI64,
}

impl Registry {
    /// A registry of these providers; of two with the same id the last one counts.
    pub fn new(catalogue: Catalogue, providers: impl IntoIterator<Item = Provider>) -> Self {
        let entry = |provider: Provider| {
            let cooling_until = AtomicI64::new(i64::MIN);
            (
                provider.id().clone(),
                Entry {
                    provider,
                    cooling_until,
                },
            )
        };
        Self(Arc::new(Inner {
            catalogue,
            providers: providers.into_iter().map(entry).collect(),
        }))
    }

    /// The known models.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The providers, by name.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.0.providers.values().map(|entry| &entry.provider)
    }

    /// The provider of this name.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`], with the nearest known name.
    pub fn provider(&self, id: &ProviderId) -> Result<&Provider> {
        self.entry(id).map(|entry| &entry.provider)
    }

    /// What the catalogue knows of a model, also by a dated name.
    #[must_use]
    pub fn model(&self, model: &ModelRef) -> Option<&Arc<Model>> {
        self.0.catalogue.find(model)
    }

    /// The model that a caller means by `provider/model`, or by a model's name alone.
    ///
    /// A name with a provider need not be in the catalogue: it is sent as it is. A name alone must be known.
    ///
    /// # Errors
    ///
    /// [`MODEL_UNKNOWN`] or [`PROVIDER_UNKNOWN`], with the nearest known name;
    /// [`MODEL_NAME_INVALID`](crate::codes::MODEL_NAME_INVALID).
    pub fn resolve(&self, name: &str) -> Result<ModelRef> {
        match name.split_once('/') {
            Some((provider, _)) if self.0.providers.contains_key(provider) => name.parse(),
            _ => self.resolve_bare(name),
        }
    }

    fn resolve_bare(&self, name: &str) -> Result<ModelRef> {
        let served = self.0.providers.keys().find_map(|provider| {
            let wanted = ModelRef::new(provider.clone(), name.parse().ok()?);
            self.model(&wanted).map(|_| wanted)
        });
        served.ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let models = self
            .0
            .catalogue
            .models()
            .iter()
            .map(|model| model.reference().to_string());
        let (code, message) = match name.split_once('/') {
            Some(_) => (PROVIDER_UNKNOWN, "unknown provider"),
            None => (MODEL_UNKNOWN, "unknown model"),
        };
        with_nearest(Error::new(code, message).with("model", name), name, models)
    }

    /// Whether a provider may be called at `now`, in microseconds since 1970 (UTC).
    #[must_use]
    pub fn availability(&self, id: &ProviderId, now: i64) -> Availability {
        let Some(entry) = self
            .0
            .providers
            .get(id)
            .filter(|e| e.provider.is_configured())
        else {
            return Availability::Unconfigured;
        };
        match entry.cooling_until.load(Ordering::Relaxed) {
            until if until > now => Availability::Cooling { until },
            _ => Availability::Available,
        }
    }

    /// Learns from a failed attempt: whoever asked to be left alone, or failed by its own fault, cools for
    /// as long as it said, otherwise for five seconds. A shorter wait never replaces a longer one.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`].
    pub fn observe(
        &self,
        id: &ProviderId,
        class: FailureClass,
        retry_after: Option<Duration>,
        now: i64,
    ) -> Result<()> {
        let entry = self.entry(id)?;
        if class.is_providers_fault() || class == FailureClass::RateLimited {
            let wait = retry_after.unwrap_or(DEFAULT_COOLING).as_micros();
            let until = now.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX));
            entry.cooling_until.fetch_max(until, Ordering::Relaxed);
        }
        Ok(())
    }

    fn entry(&self, id: &ProviderId) -> Result<&Entry> {
        self.0.providers.get(id).ok_or_else(|| {
            let known = self.0.providers.keys().map(ToString::to_string);
            let error = Error::new(PROVIDER_UNKNOWN, "unknown provider").with("provider", id);
            with_nearest(error, id.as_str(), known)
        })
    }
}

/// Names the known one that is most like `name`, if any is like it at all.
fn with_nearest(error: Error, name: &str, known: impl Iterator<Item = String>) -> Error {
    const ALIKE: f64 = 0.8;
    let bare = |known: &str| known.rsplit('/').next().unwrap_or(known).to_owned();
    let likeness = |known: &String| {
        strsim::jaro_winkler(known, name).max(strsim::jaro_winkler(&bare(known), name))
    };
    let nearest = known
        .map(|known| (likeness(&known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    match nearest {
        Some((_, nearest)) => error.with("did you mean", nearest),
        None => error,
    }
}

#[cfg(test)]
#[cfg(feature = "catalogue")]
mod tests {
    use super::*;

    fn registry() -> Registry {
        Registry::new(
            Catalogue::shipped(),
            [
                Provider::openai().api_key("k".to_string()),
                Provider::anthropic(),
            ],
        )
    }

    fn check(name: &str, resolved: Result<&str, &str>) {
        let found = registry().resolve(name).map(|model| model.to_string());
        match resolved {
            Ok(model) => assert_eq!(found.unwrap(), model),
            Err(part) => {
                let error = found.unwrap_err().to_string();
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn names_resolve_with_and_without_a_provider() {
        check("gpt-5-mini", Ok("openai/gpt-5-mini"));
        check(
            "claude-haiku-4-5-20251001",
            Ok("anthropic/claude-haiku-4-5-20251001"),
        );
        check("openai/gpt-9-foo", Ok("openai/gpt-9-foo"));
        check("gpt-5-mimi", Err("did you mean: openai/gpt-5-mini"));
        check("mistral/large", Err("LL-PRV-003"));
        check("", Err("LL-PRV-004"));
    }

    #[test]
    fn a_provider_that_asks_for_a_pause_gets_it() {
        let (registry, openai) = (registry(), Provider::openai().id().clone());
        let observe = |class, wait| registry.observe(&openai, class, wait, 100).unwrap();
        observe(FailureClass::RateLimited, Some(Duration::from_micros(50)));
        assert_eq!(
            registry.availability(&openai, 149),
            Availability::Cooling { until: 150 }
        );
        assert_eq!(registry.availability(&openai, 150), Availability::Available);
        observe(FailureClass::RateLimited, Some(Duration::MAX));
        observe(FailureClass::RateLimited, Some(Duration::ZERO));
        assert_eq!(
            registry.availability(&openai, 150),
            Availability::Cooling { until: i64::MAX }
        );
    }

    #[test]
    fn a_callers_mistake_does_not_cool_the_provider() {
        let (registry, openai) = (registry(), Provider::openai().id().clone());
        for class in [
            FailureClass::BadRequest,
            FailureClass::InvalidKey,
            FailureClass::ContextTooLong,
        ] {
            registry.observe(&openai, class, None, 0).unwrap();
        }
        assert_eq!(registry.availability(&openai, 0), Availability::Available);
    }

    #[test]
    fn an_unknown_or_keyless_provider_is_unconfigured() {
        let nobody = "nobody".parse().unwrap();
        let anthropic = Provider::anthropic().id().clone();
        assert_eq!(
            registry().availability(&nobody, 0),
            Availability::Unconfigured
        );
        assert_eq!(
            registry().availability(&anthropic, 0),
            Availability::Unconfigured
        );
        assert!(
            registry()
                .observe(&nobody, FailureClass::Timeout, None, 0)
                .is_err()
        );
    }
}
