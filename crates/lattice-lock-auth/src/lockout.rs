use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result};

use crate::codes::{AUTH_SETTING_INVALID, LOCKED_OUT};
use crate::derive::{Use, derive};
use crate::names::{Source, normalised};
use crate::tokens::encode;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// From this many failures in a row on, a wait is a day: nobody gets much further than a hundred guesses.
const MANY: u64 = 100;

/// How failed logins are slowed down: per account and per source, with waits that double.
///
/// An attempt is counted before the password is looked at and taken back when it was right, so that guesses made at
/// the same time are counted too. The account's count begins anew after a success, the source's does not: whoever
/// has an account of their own could otherwise guess on without end. A gate that is closed opens by itself.
///
/// Somebody who fails on purpose closes an account, or a source, to strangers only: where its user signed in from, or
/// used an API key, during the last 30 days, a count of their own holds and no other.
///
/// ```
/// use lattice_lock_auth::Lockout;
/// use std::time::Duration;
///
/// let strict = Lockout::default().free_attempts(3)?.longest_wait(Duration::from_secs(3600))?;
/// # let _ = strict;
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    free: u64,
    free_of_source: u64,
    first: u64,
    longest: u64,
    forgotten: u64,
    trusted: u64,
}

impl Default for Lockout {
    fn default() -> Self {
        Self {
            free: 5,
            free_of_source: 50,
            first: 1,
            longest: 15 * 60,
            forgotten: DAY,
            trusted: 30 * DAY,
        }
    }
}

impl Lockout {
    /// How many attempts in a row an account has before the first wait: 5 by default, 1 to 50.
    ///
    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`].
    pub fn free_attempts(mut self, attempts: u64) -> Result<Self> {
        require((1..=50).contains(&attempts), "free_attempts", "1 to 50")?;
        self.free = attempts;
        Ok(self)
    }

    /// How many attempts a source has, over all accounts: 50 by default, 1 to 10,000. Many people may come from one.
    ///
    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`].
    pub fn free_attempts_of_source(mut self, attempts: u64) -> Result<Self> {
        let holds = (1..=10_000).contains(&attempts);
        require(holds, "free_attempts_of_source", "1 to 10000")?;
        self.free_of_source = attempts;
        Ok(self)
    }

    /// The longest wait before the hundredth failure, in whole seconds: 15 minutes by default, a minute to a day. From
    /// then on it is a day.
    ///
    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`].
    pub fn longest_wait(mut self, wait: Duration) -> Result<Self> {
        let seconds = wait.as_secs();
        require(
            (60..=DAY).contains(&seconds),
            "longest_wait",
            "a minute to a day",
        )?;
        self.longest = seconds;
        Ok(self)
    }

    /// How long a gate stays closed after so many failures in a row.
    fn wait(&self, failures: u64, free: u64) -> Option<u64> {
        let beyond = failures.checked_sub(free)?;
        if failures >= MANY && free < MANY {
            return Some(DAY);
        }
        let doubled = self
            .first
            .checked_shl(u32::try_from(beyond).unwrap_or(u32::MAX));
        let doubled = doubled.filter(|_| beyond < 40).unwrap_or(u64::MAX);
        Some(doubled.min(self.longest))
    }
}

fn require(holds: bool, setting: &'static str, rule: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    let error = Error::new(AUTH_SETTING_INVALID, "a setting of lockout is out of range");
    Err(error.with("setting", setting).with("rule", rule))
}

/// The error of a gate that opens at `until`: the same for every account, and for names that nobody has.
pub(crate) fn locked_out(now: u64, until: u64) -> Error {
    let wait = Duration::from_secs(until.saturating_sub(now).max(1));
    Error::new(LOCKED_OUT, "too many failed attempts").with_retry_after(wait)
}

/// What a name or a source is counted under: neither can be read from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pseudonym(Box<str>);

impl Pseudonym {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(feature = "__sql")]
    pub(crate) fn kept(text: &str) -> Self {
        Self(text.into())
    }
}

/// Makes pseudonyms with a key of the secret.
pub(crate) struct Pseudonyms(hmac::Key);

impl Pseudonyms {
    pub(crate) fn new(secret: &SigningSecret) -> Result<Self> {
        let key = derive(secret, Use::Pseudonym)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose())))
    }

    /// Of several texts, none of which contains a zero byte; `what` keeps one sort from another.
    fn of(&self, what: u8, texts: &[&str]) -> Pseudonym {
        let mut mac = hmac::Context::with_key(&self.0);
        mac.update(&[what]);
        for text in texts {
            mac.update(&[0]);
            mac.update(text.as_bytes());
        }
        Pseudonym(encode(mac.sign()).into())
    }

    /// What a name is called in the audit that nobody has.
    pub(crate) fn of_name(&self, name: &str) -> Pseudonym {
        self.of(b'a', &[&without_zeros(name)])
    }

    /// An attempt for this name, whether anybody has it or not.
    pub(crate) fn attempt(&self, name: &str, source: &Source, rules: Lockout, now: u64) -> Attempt {
        let name = without_zeros(name);
        let place = source.as_str().map(|source| Place {
            source: self.of(b's', &[source]),
            pair: self.of(b'p', &[source, &name]),
        });
        Attempt {
            account: self.of(b'a', &[&name]),
            place,
            rules,
            now,
        }
    }
}

fn without_zeros(name: &str) -> String {
    normalised(name).replace('\0', "\u{1}")
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms([redacted])")
    }
}

/// What is kept of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GateState {
    pub(crate) key: Pseudonym,
    pub(crate) failures: u64,
    pub(crate) closed_until: u64,
    pub(crate) touched_at: u64,
    pub(crate) trusted_until: u64,
}

impl GateState {
    pub(crate) fn new(key: Pseudonym) -> Self {
        Self {
            key,
            failures: 0,
            closed_until: 0,
            touched_at: 0,
            trusted_until: 0,
        }
    }

    /// Whether it says anything still.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        let last = self.touched_at.saturating_add(DAY);
        last.max(self.closed_until).max(self.trusted_until) < now
    }
}

#[derive(Clone, Debug)]
struct Place {
    source: Pseudonym,
    /// The account from that source.
    pair: Pseudonym,
}

/// An attempt to sign in, and the gates before it.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    account: Pseudonym,
    place: Option<Place>,
    rules: Lockout,
    pub(crate) now: u64,
}

/// What became of an attempt that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The password was right.
    Success,
    /// Nobody looked at the password.
    Withdrawn,
    /// There was none: an API key proved where its owner's programs run.
    Known,
}

impl Attempt {
    /// Every gate that has a part in it, always in the same order, so that no two attempts wait for each other.
    pub(crate) fn keys(&self) -> Vec<Pseudonym> {
        let mut keys = vec![self.account.clone()];
        keys.extend(
            self.place
                .iter()
                .flat_map(|place| [place.source.clone(), place.pair.clone()]),
        );
        keys.sort();
        keys
    }

    /// Until when it has to wait, if it has to.
    pub(crate) fn closed_until(&self, states: &[GateState]) -> Option<u64> {
        let gates = self.gates(states).into_iter();
        let closed = gates.filter_map(|(key, _)| find(states, key).map(|gate| gate.closed_until));
        closed.filter(|until| *until > self.now).max()
    }

    /// The gates that count it, as they are afterwards.
    pub(crate) fn counted(&self, states: &[GateState]) -> Vec<GateState> {
        let count = |(key, free): (&Pseudonym, u64)| {
            let before = find(states, key).cloned();
            let mut gate = before.unwrap_or_else(|| GateState::new(key.clone()));
            if gate.touched_at.saturating_add(self.rules.forgotten) < self.now {
                gate.failures = 0;
            }
            gate.failures += 1;
            gate.touched_at = self.now;
            if let Some(wait) = self.rules.wait(gate.failures, free) {
                gate.closed_until = self.now.saturating_add(wait);
            }
            gate
        };
        self.gates(states).into_iter().map(count).collect()
    }

    /// Whether the place should be known as one of the account's: it is not, or not for much longer.
    pub(crate) fn is_strange(&self, states: &[GateState]) -> bool {
        let soon = self.now.saturating_add(self.rules.trusted / 2);
        self.place.as_ref().is_some_and(|place| {
            find(states, &place.pair).is_none_or(|pair| pair.trusted_until < soon)
        })
    }

    /// The gates that are not as they were before, once it is known what became of it.
    pub(crate) fn settled(&self, states: &[GateState], settled: Settled) -> Vec<GateState> {
        let counting: Vec<_> = self
            .gates(states)
            .into_iter()
            .map(|(key, _)| key.clone())
            .collect();
        let is_source = |key: &Pseudonym| {
            self.place
                .as_ref()
                .is_some_and(|place| place.source == *key)
        };
        let mut gates = Vec::new();
        for gate in states {
            let mut gate = gate.clone();
            let is_pair = self
                .place
                .as_ref()
                .is_some_and(|place| place.pair == gate.key);
            if settled == Settled::Success && !is_source(&gate.key) {
                (gate.failures, gate.closed_until) = (0, 0);
                gate.touched_at = self.now;
            } else if settled != Settled::Known && counting.contains(&gate.key) {
                gate.failures = gate.failures.saturating_sub(1);
                if gate.failures < MANY.min(self.rules.free_of_source) {
                    gate.closed_until = 0;
                }
            }
            if settled != Settled::Withdrawn && is_pair {
                gate.trusted_until = self.now.saturating_add(self.rules.trusted);
            }
            gates.push(gate);
        }
        gates
    }

    /// The gates that count it: the source's, and that of the account; from where its user signed in lately, its own
    /// and no other, so that neither strangers nor neighbours lock anybody out.
    fn gates(&self, states: &[GateState]) -> Vec<(&Pseudonym, u64)> {
        let Some(place) = &self.place else {
            return vec![(&self.account, self.rules.free)];
        };
        let pair = find(states, &place.pair);
        let trusted = pair.is_some_and(|pair| pair.trusted_until > self.now);
        if trusted {
            return vec![(&place.pair, self.rules.free)];
        }
        vec![
            (&self.account, self.rules.free),
            (&place.source, self.rules.free_of_source),
        ]
    }
}

fn find<'a>(states: &'a [GateState], key: &Pseudonym) -> Option<&'a GateState> {
    states.iter().find(|gate| gate.key == *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_have_an_end_and_then_are_a_day() {
        let rules = Lockout::default();
        let wait = |failures| rules.wait(failures, 5);
        assert_eq!((0..5).map(wait).collect::<Vec<_>>(), [None; 5]);
        assert_eq!([5, 6, 7, 8].map(wait), [1, 2, 4, 8].map(Some));
        assert_eq!([15, 40, 99].map(wait), [900; 3].map(Some));
        assert_eq!([100, 1000, u64::MAX].map(wait), [DAY; 3].map(Some));
        assert_eq!(rules.wait(u64::MAX, 10_000), Some(900));
    }

    #[test]
    fn settings_have_their_limits() {
        let it = Lockout::default;
        assert!(it().free_attempts(0).is_err() && it().free_attempts(51).is_err());
        assert!(it().free_attempts_of_source(0).is_err());
        assert!(it().longest_wait(Duration::from_secs(59)).is_err());
        assert!(it().longest_wait(Duration::MAX).is_err());
        assert!(it().longest_wait(Duration::from_hours(24)).is_ok());
    }

    #[test]
    fn pseudonyms_differ_by_what_they_are_of_and_show_nothing() {
        let secret = SigningSecret::random().unwrap();
        let names = Pseudonyms::new(&secret).unwrap();
        let source: Source = "a".parse().unwrap();
        let one = names.attempt("b", &source, Lockout::default(), 0);
        let two = names.attempt("a\0b", &"a".parse().unwrap(), Lockout::default(), 0);
        let mut keys = [one.keys(), two.keys()].concat();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 5, "the source is the same");
        let same = names.attempt("B", &source, Lockout::default(), 9);
        assert_eq!(same.keys(), one.keys());
        let other = Pseudonyms::new(&SigningSecret::random().unwrap()).unwrap();
        assert_ne!(other.of_name("b"), names.of_name("b"));
        assert!(keys.iter().all(|key| key.as_str().len() == 43));
    }
}
