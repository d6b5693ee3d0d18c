use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use lattice_lock_errors::{Error, Result};

use crate::availability::{Attempt, Board, Leaves};
use crate::codes::{CREDENTIAL_UNUSABLE, MODEL_UNKNOWN, PROVIDER_EXPERIMENTAL, PROVIDER_UNKNOWN};
use crate::{
    Availability, BreakerPolicy, CapturedAvailability, Catalogue, Heard, KnownProvider, Model,
    ModelRef, Permit, Provider, ProviderId, Subject, Subscription, Transition,
};

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
    catalogue: ArcSwap<Catalogue>,
    providers: BTreeMap<ProviderId, Provider>,
    board: Arc<Board>,
}

impl Registry {
    /// A registry of these providers; of two with the same id the last one counts.
    pub fn new(catalogue: Catalogue, providers: impl IntoIterator<Item = Provider>) -> Self {
        Self::with_policy(catalogue, providers, BreakerPolicy::new())
    }

    /// As [`new`](Self::new), with circuit breakers of another policy.
    pub fn with_policy(
        catalogue: Catalogue,
        providers: impl IntoIterator<Item = Provider>,
        policy: BreakerPolicy,
    ) -> Self {
        let named = |provider: Provider| (provider.id().clone(), provider);
        let providers: BTreeMap<_, _> = providers.into_iter().map(named).collect();
        let keys = |(id, provider): (&ProviderId, &Provider)| (id.clone(), provider.keys().len());
        let board = Board::new(policy, providers.iter().map(keys));
        Self(Arc::new(Inner {
            catalogue: ArcSwap::from_pointee(catalogue),
            providers,
            board: Arc::new(board),
        }))
    }

    /// The known models, as they are now. Whoever keeps the answer keeps this edition, also when another one
    /// replaces it meanwhile.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.0.catalogue.load_full()
    }

    /// Puts another catalogue in the place of this one, at once for everyone who asks from now on. Returns the
    /// former.
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers have no use for the former"
    )]
    pub fn replace_catalogue(&self, catalogue: Catalogue) -> Arc<Catalogue> {
        self.0.catalogue.swap(Arc::new(catalogue))
    }

    /// The providers, by name.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.0.providers.values()
    }

    /// The provider of this name.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`], with the nearest known name.
    pub fn provider(&self, id: &ProviderId) -> Result<&Provider> {
        self.0.providers.get(id).ok_or_else(|| {
            let known = self.0.providers.keys().map(ToString::to_string);
            let error = Error::new(PROVIDER_UNKNOWN, "unknown provider").with("provider", id);
            with_nearest(error, id.as_str(), known)
        })
    }

    /// What the catalogue knows of a model, also by a dated name.
    #[must_use]
    pub fn model(&self, model: &ModelRef) -> Option<Arc<Model>> {
        self.0.catalogue.load().find(model).cloned()
    }

    /// The model that a caller means by `provider/model`, or by a model's name alone. The provider may be named by an
    /// alias, such as `claude` or `Gemini`.
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
            Some((alias, model)) => match self.meant(alias) {
                Some(provider) => Ok(ModelRef::new(provider.clone(), model.parse()?)),
                None => self.resolve_bare(name),
            },
            None => self.resolve_bare(name),
        }
    }

    /// The configured provider that an alias, or a name in upper case, means.
    fn meant(&self, alias: &str) -> Option<&ProviderId> {
        let known = KnownProvider::find(alias).ok()?;
        self.0.providers.get_key_value(known.id()).map(|(id, _)| id)
    }

    fn resolve_bare(&self, name: &str) -> Result<ModelRef> {
        let served = self.0.providers.keys().find_map(|provider| {
            let wanted = ModelRef::new(provider.clone(), name.parse().ok()?);
            let known = self.model(&wanted)?;
            // What stands before a slash may be a provider that is not there: no rule may swallow it.
            let is_meant = !name.contains('/') || known.reference() == &wanted;
            is_meant.then_some(wanted)
        });
        served.ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let catalogue = self.catalogue();
        let models = catalogue
            .models()
            .iter()
            .map(|model| model.reference())
            .filter(|model| self.0.providers.contains_key(model.provider()))
            .map(ToString::to_string);
        let (code, message) = match name.split_once('/') {
            Some(_) => (PROVIDER_UNKNOWN, "unknown provider"),
            None => (MODEL_UNKNOWN, "unknown model"),
        };
        with_nearest(Error::new(code, message).with("model", name), name, models)
    }

    /// Whether a provider may be called at `now`, in microseconds since 1970 (UTC). Takes no lock.
    #[must_use]
    pub fn availability(&self, id: &ProviderId, now: i64) -> Availability {
        if let Some(barred) = self.barred(id) {
            return barred;
        }
        let known = self.0.board.provider(id, now);
        known.unwrap_or(Availability::Unconfigured)
    }

    /// Whether a model may be called: the worse of its own state and its provider's. Takes no lock.
    #[must_use]
    pub fn model_availability(&self, model: &ModelRef, now: i64) -> Availability {
        if let Some(barred) = self.barred(model.provider()) {
            return barred;
        }
        let known = self.0.board.model(model, now);
        known.unwrap_or(Availability::Unconfigured)
    }

    /// Whether one of a provider's keys may be used, by its place in [`Provider::keys`]. Takes no lock.
    #[must_use]
    pub fn key_availability(&self, id: &ProviderId, place: usize, now: i64) -> Availability {
        let known = self.0.board.key(id, place, now);
        known.unwrap_or(Availability::Unconfigured)
    }

    /// Why a provider is not called at all, whatever its circuits say: it lacks something, or it is experimental and
    /// was not allowed.
    fn barred(&self, id: &ProviderId) -> Option<Availability> {
        match self.0.providers.get(id) {
            Some(provider) if !provider.is_configured() => Some(Availability::Unconfigured),
            Some(provider) if !provider.is_allowed() => Some(Availability::Disabled),
            Some(_) => None,
            None => Some(Availability::Unconfigured),
        }
    }

    /// Says why a provider is not called at all, and what to do about it.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`]; [`CREDENTIAL_UNUSABLE`](crate::codes::CREDENTIAL_UNUSABLE) without a key;
    /// [`PROVIDER_EXPERIMENTAL`](crate::codes::PROVIDER_EXPERIMENTAL) without leave.
    pub fn ready(&self, id: &ProviderId) -> Result<&Provider> {
        let provider = self.provider(id)?;
        if !provider.is_configured() {
            let missing = Error::new(CREDENTIAL_UNUSABLE, "the provider has no key");
            return Err(missing.with("provider", id));
        }
        if !provider.is_allowed() {
            let closed = Error::new(PROVIDER_EXPERIMENTAL, "the provider is experimental");
            return Err(closed.with("provider", id));
        }
        Ok(provider)
    }

    /// Leave for one call of a model, with the key to use. A half-open circuit gives only a few at a time.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn admit(&self, model: &ModelRef, now: i64) -> std::result::Result<Permit, Availability> {
        if let Some(barred) = self.barred(model.provider()) {
            return Err(barred);
        }
        Permit::ask(&self.0.board, model, now)
    }

    /// Learns from a call that was made without a [`Permit`], with the provider's first key.
    ///
    /// Only failures that are the provider's count against it, and one failure of one is no outage: see
    /// [`BreakerPolicy`] and [`Blame`](crate::Blame). Who asks to slow down is left alone for as long as it says.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`].
    pub fn observe(&self, model: &ModelRef, heard: Heard, now: i64) -> Result<()> {
        let keys = self.provider(model.provider())?.keys().len();
        let attempt = Attempt {
            provider: model.provider(),
            model: Some(model.name()),
            key: (keys > 0).then_some(0),
            leaves: Leaves::NONE,
        };
        self.0.board.learn(attempt, heard, now);
        Ok(())
    }

    /// Switches a provider, a model or a key off, or on again.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`] if there is no such provider or key.
    pub fn set_enabled(&self, subject: &Subject, enabled: bool, now: i64) -> Result<()> {
        let known = self.0.board.disable(subject, !enabled, now);
        known.then_some(()).ok_or_else(|| {
            Error::new(PROVIDER_UNKNOWN, "unknown provider or key").with("subject", subject)
        })
    }

    /// Has a listener told of every change of somebody's availability, for as long as the subscription lives. It
    /// is called on the thread that learnt of the change, so that it should be quick.
    pub fn subscribe(
        &self,
        listener: impl Fn(&Transition) + Send + Sync + 'static,
    ) -> Subscription {
        self.0.board.subscribe(listener)
    }

    /// Tells the listeners what time alone has changed since, such as a pause that is over.
    pub fn tick(&self, now: i64) {
        self.0.board.tick(now);
    }

    /// The state of every circuit.
    #[must_use]
    pub fn capture_availability(&self) -> CapturedAvailability {
        self.0.board.capture()
    }

    /// Brings every circuit back to a captured state, and those that were not known then to their first. Nobody is
    /// told.
    pub fn restore_availability(&self, captured: &CapturedAvailability, now: i64) {
        self.0.board.restore(captured, now);
    }

    /// Brings every circuit back to its first state. Nobody is told.
    pub fn reset_availability(&self, now: i64) {
        self.0.board.reset(now);
    }
}

/// Names the known one that is most like `name`, if any is like it at all.
pub(crate) fn with_nearest(error: Error, name: &str, known: impl Iterator<Item = String>) -> Error {
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
        check("Claude/claude-opus-5", Ok("anthropic/claude-opus-5"));
        check("GPT/gpt-5", Ok("openai/gpt-5"));
        check("grok/grok-4.5", Err("LL-PRV-003"));
        check("mistral/large", Err("LL-PRV-003"));
        check("nobody/gpt-5", Err("LL-PRV-003"));
        check("", Err("LL-PRV-004"));
    }

    #[test]
    fn an_unknown_or_keyless_provider_is_unconfigured() {
        let registry = registry();
        let state = |model: &str| registry.model_availability(&model.parse().unwrap(), 0);
        assert_eq!(state("nobody/m"), Availability::Unconfigured);
        assert_eq!(state("anthropic/m"), Availability::Unconfigured);
        assert_eq!(state("openai/m"), Availability::Unknown);
        let observed = registry.observe(&"nobody/m".parse().unwrap(), Heard::Answered, 0);
        assert_eq!(observed.unwrap_err().code(), PROVIDER_UNKNOWN);
    }

    #[test]
    fn an_experimental_provider_waits_for_leave() {
        let bedrock = || Provider::bedrock("eu-central-1").unwrap();
        let id = bedrock().id().clone();
        let closed = Registry::new(Catalogue::default(), [bedrock()]);
        assert_eq!(closed.availability(&id, 0), Availability::Disabled);
        assert_eq!(closed.ready(&id).unwrap_err().code(), PROVIDER_EXPERIMENTAL);
        let open = Registry::new(Catalogue::default(), [bedrock().allow_experimental()]);
        assert_eq!(open.availability(&id, 0), Availability::Unknown);
        assert!(open.ready(&id).is_ok());
        let keyless = Registry::new(Catalogue::default(), [Provider::openai()]);
        let error = keyless.ready(Provider::openai().id()).unwrap_err();
        assert_eq!(error.code(), CREDENTIAL_UNUSABLE);
    }

    #[test]
    fn whoever_holds_a_catalogue_keeps_it_when_another_one_comes() {
        let registry = registry();
        let held = registry.catalogue();
        let former = registry.replace_catalogue(Catalogue::default());
        assert!(Arc::ptr_eq(&held, &former));
        assert!(!held.models().is_empty() && registry.catalogue().models().is_empty());
    }
}
