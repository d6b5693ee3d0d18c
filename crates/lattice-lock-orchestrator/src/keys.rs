use std::fmt;
use std::sync::Arc;

use lattice_lock_clients::Key;
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{
    Blame, CredentialResolver, FailureClass, Heard, ModelRef, Permit, ProviderId,
    ProviderUnavailableError, Registry,
};
use lattice_lock_repository::Timestamp;
use lattice_lock_runtime::log_error;

/// Who knows the callers' own keys, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Credentials(Option<Arc<dyn CredentialResolver>>);

impl Credentials {
    pub(crate) fn of(resolver: Arc<dyn CredentialResolver>) -> Self {
        Self(Some(resolver))
    }

    async fn resolve(&self, who: &Principal, at: &ProviderId) -> Result<Option<Secret<String>>> {
        match &self.0 {
            Some(resolver) => resolver.resolve(who, at).await,
            None => Ok(None),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials")
            .field(&self.0.is_some())
            .finish()
    }
}

/// With which key an attempt is made, and what its outcome speaks for or against.
pub(crate) struct Admission<'a> {
    registry: &'a Registry,
    model: &'a ModelRef,
    permit: Option<Permit>,
    own: Option<Secret<String>>,
}

impl<'a> Admission<'a> {
    /// Asks for the caller's own key, and else for leave with one of the application's. A model that is named is asked
    /// although its circuit is open: then there is no leave, and the first key.
    pub(crate) async fn ask(
        registry: &'a Registry,
        credentials: &Credentials,
        who: &Principal,
        model: &'a ModelRef,
    ) -> Result<Self> {
        let own = credentials.resolve(who, model.provider()).await?;
        let permit = registry.admit(model, now()).ok();
        Ok(Self {
            registry,
            model,
            permit,
            own,
        })
    }

    pub(crate) fn key(&self) -> Key<'_> {
        match (&self.own, self.permit.as_ref().and_then(Permit::key)) {
            (Some(own), _) => Key::Own(own),
            (None, Some(place)) => Key::At(place),
            (None, None) => Key::First,
        }
    }

    /// Lets the registry learn what became of the attempt, and says whether the same model may be asked with another of
    /// the application's keys. What speaks against a caller's own key speaks against nobody here.
    pub(crate) fn ended(self, error: Option<&Error>) -> bool {
        let failure = error.and_then(|error| error.find::<ProviderUnavailableError>());
        let (registry, model, is_own) = (self.registry, self.model, self.own.is_some());
        self.learn(error);
        failure.is_some_and(|it| !is_own && another_key(registry, model, it.class()))
    }

    fn learn(self, error: Option<&Error>) {
        let failure = error.map(|error| (error, error.find::<ProviderUnavailableError>()));
        let heard = match failure {
            None => Heard::Answered,
            // Nothing was sent.
            Some((_, None)) => return,
            Some((error, Some(failure))) => Heard::Failed {
                class: failure.class(),
                retry_after: error.retry_after(),
            },
        };
        let is_callers = |class: FailureClass| matches!(class.blame(), Blame::Key | Blame::Pace);
        match (heard, self.permit) {
            (Heard::Failed { class, .. }, _) if self.own.is_some() && is_callers(class) => {}
            (Heard::Answered, Some(permit)) => permit.answered(now()),
            (Heard::Failed { class, retry_after }, Some(permit)) => {
                permit.failed(class, retry_after, now());
            }
            // The attempt is yet to be booked, so that nothing here may end the operation.
            (heard, None) => {
                if let Err(unknown) = self.registry.observe(self.model, heard, now()) {
                    log_error(&unknown);
                }
            }
            _ => {}
        }
    }
}

/// Whether another of the application's keys may succeed with the same model.
fn another_key(registry: &Registry, model: &ModelRef, class: FailureClass) -> bool {
    let at = now();
    let Ok(provider) = registry.provider(model.provider()) else {
        return false;
    };
    let mut places = 0..provider.keys().len();
    let may = |place| {
        registry
            .key_availability(provider.id(), place, at)
            .permits_call()
    };
    matches!(class.blame(), Blame::Key | Blame::Pace)
        && provider.keys().len() > 1
        && registry.model_availability(model, at).permits_call()
        && places.any(may)
}

fn now() -> i64 {
    Timestamp::now().as_micros()
}
