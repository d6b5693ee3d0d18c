//! The circuit against a model that is as plain as can be: a list of what happened.

use std::time::Duration;

use proptest::prelude::*;

use crate::availability::circuit::{Admission, Circuit, Leave, Rules, Verdict};
use crate::availability::{Availability, BreakerPolicy};

const SLOT: i64 = 100;
const VOLUME: usize = 4;
const PERCENT: usize = 50;
const OPEN_FOR: i64 = 500;
const PROBES: usize = 2;
const LEASE: i64 = 3_000;
const LONGEST: i64 = 300_000_000;

fn policy() -> BreakerPolicy {
    BreakerPolicy::new()
        .window(Duration::from_micros(10 * SLOT.unsigned_abs()))
        .minimum_volume(u32::try_from(VOLUME).unwrap())
        .open_for(Duration::from_micros(OPEN_FOR.unsigned_abs()))
        .probes(u32::try_from(PROBES).unwrap())
        .probe_lease(Duration::from_micros(LEASE.unsigned_abs()))
}

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Admit,
    Good(usize),
    Bad(usize),
    Neutral(usize),
    Forget(usize),
    Cool(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0_i64..400).prop_map(Step::Wait),
        1 => (400_i64..5_000).prop_map(Step::Wait),
        6 => Just(Step::Admit),
        3 => (0_usize..8).prop_map(Step::Good),
        6 => (0_usize..8).prop_map(Step::Bad),
        1 => (0_usize..8).prop_map(Step::Neutral),
        1 => (0_usize..8).prop_map(Step::Forget),
        1 => (0_i64..300).prop_map(Step::Cool),
    ];
    proptest::collection::vec(step, 0..200)
}

/// Everything that ever happened.
#[derive(Default)]
struct Plain {
    results: Vec<(i64, bool)>,
    open_until: Option<i64>,
    trials: Option<(Vec<(u64, i64)>, usize)>,
    openings: u32,
    era: u64,
    cooling_until: i64,
}

impl Plain {
    fn lapse(&mut self, now: i64) {
        if self.open_until.is_some_and(|until| until <= now) {
            self.open_until = None;
            self.trials = Some((Vec::new(), 0));
        }
    }

    fn may_pass(&mut self, now: i64) -> bool {
        self.lapse(now);
        if self.open_until.is_some() || self.cooling_until > now {
            return false;
        }
        match &mut self.trials {
            None => true,
            Some((under_way, _)) => {
                under_way.retain(|(_, lapses)| *lapses > now);
                under_way.len() < PROBES
            }
        }
    }

    fn open(&mut self, now: i64) {
        let lasting = (OPEN_FOR << self.openings.min(20)).min(LONGEST);
        self.open_until = Some(now + lasting);
        self.trials = None;
        self.openings += 1;
        self.era += 1;
        self.results.clear();
    }

    fn result(&mut self, now: i64, call: &Call, good: Option<bool>) {
        self.lapse(now);
        let recent = |at: i64| at / SLOT > now / SLOT - 10;
        match (&mut self.trials, good) {
            _ if self.open_until.is_some() || call.era != self.era => {}
            (Some((under_way, successes)), good) => {
                let before = under_way.len();
                under_way.retain(|(number, _)| *number != call.number);
                match good {
                    _ if under_way.len() == before => {}
                    Some(true) => {
                        *successes += 1;
                        if *successes >= PROBES {
                            (self.trials, self.openings) = (None, 0);
                        }
                    }
                    Some(false) => self.open(now),
                    None => {}
                }
            }
            (None, None) => {}
            (None, Some(good)) => {
                self.results.push((now, good));
                let counted: Vec<_> = self.results.iter().filter(|(at, _)| recent(*at)).collect();
                let bad = counted.iter().filter(|(_, good)| !good).count();
                if !good && counted.len() >= VOLUME && bad * 100 >= counted.len() * PERCENT {
                    self.open(now);
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Call {
    leave: Leave,
    number: u64,
    era: u64,
}

struct Pair {
    circuit: Circuit,
    plain: Plain,
    calls: Vec<Call>,
    now: i64,
    number: u64,
}

impl Pair {
    fn new() -> Self {
        Self {
            circuit: Circuit::new(Rules {
                policy: policy(),
                breadth: 1,
            }),
            plain: Plain::default(),
            calls: Vec::new(),
            now: 1_000_000,
            number: 0,
        }
    }

    fn admit(&mut self) {
        self.number += 1;
        let (number, now) = (self.number, self.now);
        let (admission, _) = self.circuit.admit(now, number);
        let leave = match admission {
            Admission::Free { era } => Some(Leave::Free { era }),
            Admission::Probe(probe) => Some(Leave::Probe(probe)),
            Admission::Refused(_) => None,
        };
        assert_eq!(leave.is_some(), self.plain.may_pass(now));
        if let Some(leave) = leave {
            if let Some((under_way, _)) = &mut self.plain.trials {
                under_way.push((number, now + LEASE));
                assert!(under_way.len() <= PROBES);
            }
            self.calls.push(Call {
                leave,
                number,
                era: self.plain.era,
            });
        }
    }

    fn result(&mut self, place: usize, good: Option<bool>) {
        if self.calls.is_empty() {
            return;
        }
        let call = self.calls.remove(place % self.calls.len());
        let verdict = match good {
            Some(true) => Verdict::Good,
            Some(false) => Verdict::Bad { source: 1 },
            None => Verdict::Neutral,
        };
        self.circuit.learn(self.now, call.leave, verdict);
        self.plain.result(self.now, &call, good);
    }

    fn forget(&mut self, place: usize) {
        if self.calls.is_empty() {
            return;
        }
        let call = self.calls.remove(place % self.calls.len());
        if let Leave::Probe(probe) = call.leave {
            self.circuit.forget(probe);
            self.plain.result(self.now, &call, None);
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(micros) => self.now += micros,
            Step::Admit => self.admit(),
            Step::Good(place) => self.result(place, Some(true)),
            Step::Bad(place) => self.result(place, Some(false)),
            Step::Neutral(place) => self.result(place, None),
            Step::Forget(place) => self.forget(place),
            Step::Cool(micros) => {
                let until = self.now + micros;
                self.circuit
                    .learn(self.now, Leave::None, Verdict::Cool { until });
                self.plain.lapse(self.now);
                self.plain.cooling_until = self.plain.cooling_until.max(until);
                self.plain.open_until = self.plain.open_until.map(|open| open.max(until));
            }
        }
    }

    fn check(&mut self) {
        self.plain.lapse(self.now);
        let state = self.circuit.read(self.now);
        let (open, half_open) = (self.plain.open_until.is_some(), self.plain.trials.is_some());
        assert_eq!(
            matches!(state, Availability::Open { .. }),
            open,
            "{state:?}"
        );
        let cooling = !open && self.plain.cooling_until > self.now;
        assert_eq!(
            matches!(state, Availability::Cooling { .. }),
            cooling,
            "{state:?}"
        );
        assert_eq!(
            state == Availability::HalfOpen,
            half_open && !cooling,
            "{state:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_circuit_does_what_the_model_does(steps in steps()) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.step(step);
            pair.check();
        }
    }

    #[test]
    fn it_never_opens_below_its_volume(good in proptest::collection::vec(any::<bool>(), 0..VOLUME)) {
        let mut pair = Pair::new();
        for good in good {
            pair.admit();
            pair.result(0, Some(good));
        }
        prop_assert!(pair.circuit.read(pair.now).permits_call());
    }

    #[test]
    fn it_always_recovers(steps in steps()) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.step(step);
        }
        pair.now += LONGEST;
        for _ in 0..PROBES {
            pair.admit();
            let last = pair.calls.len().checked_sub(1).expect("a call is let through");
            pair.result(last, Some(true));
        }
        let state = pair.circuit.read(pair.now);
        prop_assert!(matches!(state, Availability::Available | Availability::Degraded), "{:?}", state);
    }
}
