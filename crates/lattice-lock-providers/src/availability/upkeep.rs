//! What is done to the circuits beside calls: listening, switching off, capturing and resetting.

use std::sync::Arc;

use super::board::{Board, CapturedAvailability};
use super::circuit::{Change, Circuit, Memory};
use super::event::{Subject, Subscription, Transition};
use crate::FailureClass;

impl Board {
    pub(crate) fn subscribe(
        &self,
        listener: impl Fn(&Transition) + Send + Sync + 'static,
    ) -> Subscription {
        self.listeners.add(listener)
    }

    pub(super) fn tell(
        &self,
        change: Change,
        subject: impl FnOnce() -> Subject,
        at: i64,
        cause: Option<FailureClass>,
    ) {
        if let Some((from, to)) = change {
            let subject = subject();
            self.listeners.tell(&Transition {
                subject,
                from,
                to,
                at,
                cause,
            });
        }
    }

    /// Switches somebody off or on again; says whether it is known.
    pub(crate) fn disable(&self, subject: &Subject, disabled: bool, now: i64) -> bool {
        let Some(circuit) = self.circuit(subject) else {
            return false;
        };
        let change = circuit.with(|circuit| circuit.disable(disabled, now));
        self.tell(change, || subject.clone(), now, None);
        true
    }

    /// Tells what time alone has changed.
    pub(crate) fn tick(&self, now: i64) {
        self.each(|subject, circuit| {
            let change = circuit.tick(now);
            self.tell(change, || subject, now, None);
        });
    }

    pub(crate) fn capture(&self) -> CapturedAvailability {
        let mut captured = Vec::new();
        self.each(|subject, circuit| captured.push((subject, circuit.capture())));
        CapturedAvailability(captured)
    }

    pub(crate) fn reset(&self, now: i64) {
        self.each(|_, circuit| circuit.restore(Memory::new(), now));
    }

    pub(crate) fn restore(&self, captured: &CapturedAvailability, now: i64) {
        self.reset(now);
        for (subject, memory) in &captured.0 {
            if let Some(circuit) = self.circuit(subject) {
                circuit.with(|circuit| circuit.restore(memory.clone(), now));
            }
        }
    }

    fn each(&self, mut visit: impl FnMut(Subject, &Circuit)) {
        for (id, circuits) in &self.providers {
            visit(Subject::Provider(id.clone()), &circuits.whole);
            for (place, key) in circuits.keys.iter().enumerate() {
                visit(Subject::Key(id.clone(), place), key);
            }
            for (name, circuit) in circuits.models.load().iter() {
                let model = crate::ModelRef::new(id.clone(), name.clone());
                visit(Subject::Model(model), circuit);
            }
        }
    }

    fn circuit(&self, subject: &Subject) -> Option<Found<'_>> {
        match subject {
            Subject::Provider(id) => Some(Found::Held(&self.providers.get(id)?.whole)),
            Subject::Key(id, place) => self.providers.get(id)?.keys.get(*place).map(Found::Held),
            Subject::Model(model) => {
                let circuits = self.providers.get(model.provider())?;
                circuits.model(model.name(), self.policy).map(Found::Shared)
            }
        }
    }
}

enum Found<'a> {
    Held(&'a Circuit),
    Shared(Arc<Circuit>),
}

impl Found<'_> {
    fn with<T>(&self, use_it: impl FnOnce(&Circuit) -> T) -> T {
        match self {
            Self::Held(circuit) => use_it(circuit),
            Self::Shared(circuit) => use_it(circuit),
        }
    }
}
