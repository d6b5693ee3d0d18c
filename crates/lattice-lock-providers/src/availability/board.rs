use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::circuit::{Admission, Circuit, Leave, Memory, Rules, Verdict};
use super::event::{Listeners, Subject};
use super::policy::{BreakerPolicy, micros};
use super::state::Availability;
use crate::{Blame, FailureClass, ModelName, ModelRef, ProviderId};

/// How many models of a provider are watched apart. Callers name models freely, so that there must be an end.
const MOST_MODELS: usize = 2_048;

/// At how many models of a provider something must fail before the provider as a whole is taken for broken.
const BREADTH: u32 = 2;

/// Every circuit of a registry.
#[derive(Debug)]
pub(crate) struct Board {
    pub(super) policy: BreakerPolicy,
    pub(super) providers: BTreeMap<ProviderId, Circuits>,
    pub(super) listeners: Listeners,
    trials: AtomicU64,
}

/// The circuits of one provider.
#[derive(Debug)]
pub(super) struct Circuits {
    pub(super) whole: Circuit,
    pub(super) keys: Vec<Circuit>,
    pub(super) models: ArcSwap<HashMap<ModelName, Arc<Circuit>>>,
    adding: Mutex<()>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// The provider answered as it should.
    Answered,
    /// The attempt failed.
    Failed {
        /// Why.
        class: FailureClass,
        /// How long the provider asks to be left alone, if it said.
        retry_after: Option<Duration>,
    },
}

/// Whom a result concerns, and by which leaves the call was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) provider: &'a ProviderId,
    pub(crate) model: Option<&'a ModelName>,
    pub(crate) key: Option<usize>,
    pub(crate) leaves: Leaves,
}

/// The leave of the provider, the model and the key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaves {
    whole: Leave,
    model: Leave,
    key: Leave,
}

impl Leaves {
    pub(crate) const NONE: Self = Self {
        whole: Leave::None,
        model: Leave::None,
        key: Leave::None,
    };
}

/// The state of every circuit at a moment, to be restored later, such as between tests.
#[derive(Clone, Debug)]
pub struct CapturedAvailability(pub(super) Vec<(Subject, Memory)>);

impl Circuits {
    fn new(keys: usize, policy: BreakerPolicy) -> Self {
        let narrow = Rules { policy, breadth: 1 };
        Self {
            whole: Circuit::new(Rules {
                policy,
                breadth: BREADTH,
            }),
            keys: (0..keys).map(|_| Circuit::new(narrow)).collect(),
            models: ArcSwap::default(),
            adding: Mutex::new(()),
        }
    }

    fn keys(&self, now: i64) -> Option<Availability> {
        let states = self.keys.iter().map(|key| key.read(now));
        states.reduce(Availability::or)
    }

    /// The circuit of a model, made if there is none yet; none if too many are watched already.
    pub(super) fn model(&self, name: &ModelName, policy: BreakerPolicy) -> Option<Arc<Circuit>> {
        if let Some(known) = self.models.load().get(name) {
            return Some(Arc::clone(known));
        }
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut models = HashMap::clone(&self.models.load());
        if let Some(known) = models.get(name) {
            return Some(Arc::clone(known));
        }
        if models.len() >= MOST_MODELS {
            models.retain(|_, circuit| circuit.is_of_note());
        }
        if models.len() >= MOST_MODELS {
            return None;
        }
        let circuit = Circuit::new(Rules { policy, breadth: 1 });
        let circuit = Arc::new(circuit.numbered(models.len()));
        models.insert(name.clone(), Arc::clone(&circuit));
        self.models.store(Arc::new(models));
        Some(circuit)
    }
}

impl Board {
    pub(crate) fn new(
        policy: BreakerPolicy,
        providers: impl IntoIterator<Item = (ProviderId, usize)>,
    ) -> Self {
        let circuits = |(id, keys)| (id, Circuits::new(keys, policy));
        Self {
            policy,
            providers: providers.into_iter().map(circuits).collect(),
            listeners: Listeners::default(),
            trials: AtomicU64::new(0),
        }
    }

    /// A provider as a whole: itself, and the best of its keys.
    pub(crate) fn provider(&self, id: &ProviderId, now: i64) -> Option<Availability> {
        let circuits = self.providers.get(id)?;
        let whole = circuits.whole.read(now);
        Some(circuits.keys(now).map_or(whole, |keys| whole.and(keys)))
    }

    /// A model: its provider, the best of the keys, and itself.
    pub(crate) fn model(&self, model: &ModelRef, now: i64) -> Option<Availability> {
        let provider = self.provider(model.provider(), now)?;
        let models = self.providers.get(model.provider())?.models.load();
        let own = models.get(model.name());
        Some(provider.and(own.map_or(Availability::Unknown, |circuit| circuit.read(now))))
    }

    pub(crate) fn key(&self, id: &ProviderId, place: usize, now: i64) -> Option<Availability> {
        Some(self.providers.get(id)?.keys.get(place)?.read(now))
    }

    /// Leave for one call, with the first key that may be used.
    pub(crate) fn admit(
        &self,
        model: &ModelRef,
        now: i64,
    ) -> Result<(Option<usize>, Leaves), Availability> {
        let Some(circuits) = self.providers.get(model.provider()) else {
            return Err(Availability::Unconfigured);
        };
        let whole = self.pass(&circuits.whole, now, || {
            Subject::Provider(model.provider().clone())
        })?;
        let mut leaves = Leaves {
            whole,
            ..Leaves::NONE
        };
        let taken = self.admit_model(circuits, model, now).and_then(|leave| {
            leaves.model = leave;
            self.admit_key(circuits, model.provider(), now)
        });
        match taken {
            Ok((key, leave)) => {
                leaves.key = leave;
                Ok((key, leaves))
            }
            Err(refused) => {
                self.forget(model, None, leaves);
                Err(refused)
            }
        }
    }

    fn admit_model(
        &self,
        circuits: &Circuits,
        model: &ModelRef,
        now: i64,
    ) -> Result<Leave, Availability> {
        match circuits.models.load().get(model.name()) {
            Some(circuit) => self.pass(circuit, now, || Subject::Model(model.clone())),
            None => Ok(Leave::Free { era: 0 }),
        }
    }

    fn admit_key(
        &self,
        circuits: &Circuits,
        id: &ProviderId,
        now: i64,
    ) -> Result<(Option<usize>, Leave), Availability> {
        let mut refused = None;
        for (place, key) in circuits.keys.iter().enumerate() {
            match self.pass(key, now, || Subject::Key(id.clone(), place)) {
                Ok(leave) => return Ok((Some(place), leave)),
                Err(state) => {
                    refused = Some(refused.map_or(state, |best: Availability| best.or(state)));
                }
            }
        }
        refused.map_or(Ok((None, Leave::None)), Err)
    }

    fn pass(
        &self,
        circuit: &Circuit,
        now: i64,
        subject: impl FnOnce() -> Subject,
    ) -> Result<Leave, Availability> {
        let number = self.trials.fetch_add(1, Ordering::Relaxed);
        let (admission, change) = circuit.admit(now, number);
        self.tell(change, subject, now, None);
        match admission {
            Admission::Free { era } => Ok(Leave::Free { era }),
            Admission::Probe(probe) => Ok(Leave::Probe(probe)),
            Admission::Refused(state) => Err(state),
        }
    }

    /// Learns what became of a call: each circuit what concerns it.
    pub(crate) fn learn(&self, attempt: Attempt<'_>, heard: Heard, now: i64) {
        let Some(circuits) = self.providers.get(attempt.provider) else {
            return;
        };
        let cause = match heard {
            Heard::Answered => None,
            Heard::Failed { class, .. } => Some(class),
        };
        let model = attempt.model.and_then(|name| {
            let circuit = circuits.model(name, self.policy)?;
            Some((
                circuit,
                ModelRef::new(attempt.provider.clone(), name.clone()),
            ))
        });
        let key = attempt.key.filter(|place| *place < circuits.keys.len());
        let serial = model.as_ref().map(|(circuit, _)| circuit.serial);
        let verdicts = self.verdicts(attempt, heard, serial, circuits.keys.len(), now);
        let provider = || Subject::Provider(attempt.provider.clone());
        let change = circuits
            .whole
            .learn(now, attempt.leaves.whole, verdicts.whole);
        self.tell(change, provider, now, cause);
        if let Some((circuit, model)) = model {
            let change = circuit.learn(now, attempt.leaves.model, verdicts.model);
            self.tell(change, || Subject::Model(model), now, cause);
        }
        if let Some(place) = key {
            let change = circuits.keys[place].learn(now, attempt.leaves.key, verdicts.key);
            self.tell(
                change,
                || Subject::Key(attempt.provider.clone(), place),
                now,
                cause,
            );
        }
    }

    /// What a result means to the provider, the model and the key.
    fn verdicts(
        &self,
        attempt: Attempt<'_>,
        heard: Heard,
        serial: Option<usize>,
        keys: usize,
        now: i64,
    ) -> Verdicts {
        let Heard::Failed { class, retry_after } = heard else {
            return Verdicts::all(Verdict::Good);
        };
        let quiet = Verdicts::all(Verdict::Neutral);
        let asked = retry_after.map(micros);
        let pause = Verdict::Cool {
            until: now.saturating_add(asked.unwrap_or(self.policy.cool_for)),
        };
        match class.blame() {
            Blame::Host => Verdicts {
                whole: Verdict::Bad { source: u64::MAX },
                ..quiet
            },
            Blame::Model => Verdicts {
                whole: Verdict::Bad {
                    source: source(serial),
                },
                model: Verdict::Bad { source: 1 },
                // A key with which the provider got as far as failing is a key that it accepts.
                key: Verdict::Neutral,
            },
            Blame::Pace if keys > 1 && attempt.key.is_some() => Verdicts {
                key: pause,
                ..quiet
            },
            Blame::Pace if serial.is_some() => Verdicts {
                model: pause,
                ..quiet
            },
            Blame::Pace => Verdicts {
                whole: pause,
                ..quiet
            },
            Blame::Key => Verdicts {
                key: Verdict::Out {
                    lasting: asked.unwrap_or(0).max(self.policy.key_open_for),
                },
                ..quiet
            },
            Blame::Call => quiet,
        }
    }

    /// Gives back the places of trials that come to nothing.
    pub(crate) fn forget(&self, model: &ModelRef, key: Option<usize>, leaves: Leaves) {
        let Some(circuits) = self.providers.get(model.provider()) else {
            return;
        };
        let forget = |circuit: &Circuit, leave| {
            if let Leave::Probe(probe) = leave {
                circuit.forget(probe);
            }
        };
        forget(&circuits.whole, leaves.whole);
        if let Some(circuit) = circuits.models.load().get(model.name()) {
            forget(circuit, leaves.model);
        }
        if let Some(circuit) = key.and_then(|place| circuits.keys.get(place)) {
            forget(circuit, leaves.key);
        }
    }
}

/// One bit for a model: those that are watched first have one each. All of them where none is known.
fn source(serial: Option<usize>) -> u64 {
    serial.map_or(u64::MAX, |serial| 1 << (serial % 64))
}

/// What a result means to each circuit.
struct Verdicts {
    whole: Verdict,
    model: Verdict,
    key: Verdict,
}

impl Verdicts {
    const fn all(verdict: Verdict) -> Self {
        Self {
            whole: verdict,
            model: verdict,
            key: verdict,
        }
    }
}
