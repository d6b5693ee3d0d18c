use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::EntityId;

use crate::codes::{AUTH_SETTING_INVALID, LOCKED_OUT};
use crate::derive::{Use, derive};
use crate::names::{Source, normalised};
use crate::tokens::encode;

const DAY: u64 = 24 * 60 * 60;
const MONTH: u64 = 30 * DAY;

/// How much clocks may differ, in seconds. What was written further ahead was written by a clock that was wrong.
const LEEWAY: u64 = 60;

/// From this many failures in a row on, an account's wait is a day: nobody gets much further than a hundred guesses.
const MANY: u64 = 100;

/// How failed logins are slowed down: per account and per source, with waits that double.
///
/// An attempt is counted before the password is looked at and taken back when it was right, so that guesses made at
/// the same time are counted too. An account's count begins anew after a success, or 30 days after the last failure; a
/// source's does not after a success, since whoever has an account of their own could otherwise guess on without end,
/// but after a day. A gate that is closed opens by itself, and an administrator opens it with
/// [`Acting::unlock`](crate::Acting::unlock).
///
/// Somebody who fails on purpose closes an account, or a source, to strangers only. Where its user signed in from during
/// the last 30 days, a count of its own holds and no other, and a success there says nothing of what strangers tried.
/// Where one of its API keys was used, keys are accepted, and passwords no more than elsewhere: a stolen key does not
/// make places to guess from. Sessions and keys of all others are held up for the longest wait and no longer.
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
    longest: u64,
}

impl Default for Lockout {
    fn default() -> Self {
        Self {
            free: 5,
            free_of_source: 50,
            longest: 15 * 60,
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

    /// The longest wait before an account's hundredth failure, in whole seconds: 15 minutes by default, a minute to a
    /// day. From then on an account waits a day. For sessions and keys it is the longest time that guesses of others
    /// hold them up.
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

    fn free(&self, counts: Counts) -> u64 {
        match counts {
            Counts::Account => self.free,
            Counts::Source => self.free_of_source,
        }
    }

    /// How long a gate stays closed after so many failures in a row.
    fn wait(&self, failures: u64, counts: Counts) -> Option<u64> {
        let beyond = failures.checked_sub(self.free(counts))?;
        if counts == Counts::Account && failures >= MANY {
            return Some(DAY);
        }
        let doubled = 1_u64.checked_shl(u32::try_from(beyond).unwrap_or(u32::MAX));
        Some(doubled.unwrap_or(u64::MAX).min(self.longest))
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

    /// What a name is counted under, and called in the audit, that nobody has.
    pub(crate) fn of_name(&self, name: &str) -> Pseudonym {
        self.of(b'a', &[&normalised(name).replace('\0', "\u{1}")])
    }

    /// What a user is counted under, whatever the name is by now.
    pub(crate) fn of_user(&self, user: EntityId) -> Pseudonym {
        self.of(b'u', &[&user.to_string()])
    }

    /// An attempt at this account, whether anybody has it or not. Places are those of an epoch of the user's: whatever
    /// calls the tokens back calls back where the user signed in from, too.
    pub(crate) fn attempt(
        &self,
        account: Pseudonym,
        epoch: u64,
        source: &Source,
        path: Path,
        rules: Lockout,
        now: u64,
    ) -> Attempt {
        let epoch = epoch.to_string();
        let place = source.as_str().map(|source| Place {
            source: self.of(b's', &[source]),
            pair: self.of(b'p', &[source, account.as_str(), &epoch]),
            used: self.of(b'k', &[source, account.as_str()]),
        });
        Attempt {
            account,
            place,
            path,
            rules,
            now,
        }
    }
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
    /// When it closed first since the count began; 0 if it did not.
    pub(crate) closed_since: u64,
    pub(crate) closed_until: u64,
    /// When something was counted last; 0 if nobody knows.
    pub(crate) touched_at: u64,
    pub(crate) trusted_until: u64,
    /// When an administrator opened it last.
    pub(crate) opened_at: u64,
}

impl GateState {
    pub(crate) fn new(key: Pseudonym) -> Self {
        Self {
            key,
            failures: 0,
            closed_since: 0,
            closed_until: 0,
            touched_at: 0,
            trusted_until: 0,
            opened_at: 0,
        }
    }

    /// An account's that an administrator opens now.
    pub(crate) fn opened(account: Pseudonym, now: u64) -> Self {
        Self {
            touched_at: now,
            opened_at: now,
            ..Self::new(account)
        }
    }

    /// Whether it says anything still.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        let last = self.touched_at.saturating_add(MONTH);
        last.max(self.closed_until).max(self.trusted_until) < now
    }

    /// What of it can be believed. A clock that was ahead closes nothing once it is set right, nor does it make a place
    /// known for longer; what was counted stays.
    fn believed(&self, now: u64) -> Self {
        let (mut gate, latest) = (self.clone(), now.saturating_add(LEEWAY));
        if gate.touched_at > latest {
            (gate.touched_at, gate.closed_since, gate.closed_until) = (0, 0, 0);
        }
        if gate.trusted_until > latest.saturating_add(MONTH) {
            gate.trusted_until = 0;
        }
        if gate.opened_at > latest {
            gate.opened_at = 0;
        }
        gate
    }

    fn begin_anew(&mut self) {
        (self.failures, self.closed_since, self.closed_until) = (0, 0, 0);
    }
}

/// Until when rows that nothing has touched are kept: what a sweep asks the database.
#[cfg(feature = "__sql")]
pub(crate) const fn untouched_since(now: u64) -> u64 {
    now.saturating_sub(MONTH)
}

/// How somebody proves who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// With a password, which can be guessed.
    Password,
    /// With a token of a session.
    Session,
    /// With an API key.
    Key,
}

/// What the failures of a gate have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Account,
    Source,
}

impl Counts {
    /// After how long without a failure the count begins anew. Of an account none is forgotten within a day, or
    /// patience would be all that it takes for a second hundred; a source stands for many people, who mistype.
    const fn forgotten(self) -> u64 {
        match self {
            Self::Account => MONTH,
            Self::Source => DAY,
        }
    }
}

#[derive(Clone, Debug)]
struct Place {
    source: Pseudonym,
    /// The account from that source.
    pair: Pseudonym,
    /// Keys of the account from that source.
    used: Pseudonym,
}

/// An attempt to get in, and the gates before it.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    account: Pseudonym,
    place: Option<Place>,
    path: Path,
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
        if let Some(place) = &self.place {
            keys.extend([place.source.clone(), place.pair.clone()]);
            keys.extend((self.path == Path::Key).then(|| place.used.clone()));
        }
        keys.sort();
        keys
    }

    /// Until when it has to wait, if it has to. What was proved with a password before is held up by the guesses of
    /// others for the longest wait, and then no more: nobody can end a session by failing on and on.
    pub(crate) fn closed_until(&self, states: &[GateState]) -> Option<u64> {
        let until = |(key, _): (&Pseudonym, Counts)| {
            let gate = self.gate(states, key);
            let longest = match self.path {
                Path::Password => u64::MAX,
                Path::Session | Path::Key => gate.closed_since.saturating_add(self.rules.longest),
            };
            gate.closed_until.min(longest)
        };
        let closed = self.gates(states).into_iter().map(until);
        closed.filter(|until| *until > self.now).max()
    }

    /// The gates that count it, as they are afterwards.
    pub(crate) fn counted(&self, states: &[GateState]) -> Vec<GateState> {
        let count = |(key, counts): (&Pseudonym, Counts)| {
            let mut gate = self.gate(states, key);
            let last = gate.touched_at;
            if last > 0 && last.saturating_add(counts.forgotten()) < self.now {
                gate.begin_anew();
            }
            gate.failures += 1;
            gate.touched_at = self.now;
            if let Some(wait) = self.rules.wait(gate.failures, counts) {
                gate.closed_until = self.now.saturating_add(wait);
                if gate.closed_since == 0 {
                    gate.closed_since = self.now;
                }
            }
            gate
        };
        self.gates(states).into_iter().map(count).collect()
    }

    /// Whether the place should be known as one of the owner's programs: it is not, or not for much longer.
    pub(crate) fn is_strange(&self, states: &[GateState]) -> bool {
        let soon = self.now.saturating_add(MONTH / 2);
        let known = |key| self.find(states, key).trusted_until >= soon;
        let place = self.place.as_ref().filter(|_| self.path == Path::Key);
        place.is_some_and(|place| !known(&place.used))
    }

    /// The gates as they are once it is known what became of it.
    pub(crate) fn settled(&self, states: &[GateState], settled: Settled) -> Vec<GateState> {
        let counting = self.gates(states);
        let after = |gate: &GateState| {
            let counts = counting.iter().find(|(key, _)| **key == gate.key);
            let (counts, is_place) = (counts.map(|(_, it)| *it), self.is_place(&gate.key));
            let mut gate = gate.believed(self.now);
            match (settled, counts) {
                (Settled::Success, Some(Counts::Account)) => gate.begin_anew(),
                (Settled::Success, None) if is_place => gate.begin_anew(),
                (Settled::Success | Settled::Withdrawn, Some(counts)) => {
                    self.take_back(&mut gate, counts);
                }
                _ => {}
            }
            if is_place && settled != Settled::Withdrawn {
                gate.touched_at = self.now;
                gate.trusted_until = self.now.saturating_add(MONTH);
            }
            gate
        };
        states.iter().map(after).collect()
    }

    /// Makes it as if this attempt had not been counted: also open again, unless others closed it meanwhile.
    fn take_back(&self, gate: &mut GateState, counts: Counts) {
        gate.failures = gate.failures.saturating_sub(1);
        let is_last = gate.touched_at == self.now;
        if is_last || gate.failures < self.rules.free(counts) {
            gate.closed_until = 0;
        }
        if gate.closed_since == self.now || gate.failures < self.rules.free(counts) {
            gate.closed_since = 0;
        }
    }

    /// Whether this gate is that of the place on the path of the attempt.
    fn is_place(&self, key: &Pseudonym) -> bool {
        self.place.as_ref().is_some_and(|place| match self.path {
            Path::Password => place.pair == *key,
            Path::Key => place.used == *key,
            Path::Session => false,
        })
    }

    /// The gates that count it: the source's, and that of the account; from where its user signed in lately, its own
    /// and no other, so that neither strangers nor neighbours lock anybody out. Keys have none where one was used. Just
    /// after an administrator opened the account no neighbour is in the way.
    fn gates(&self, states: &[GateState]) -> Vec<(&Pseudonym, Counts)> {
        let account = (&self.account, Counts::Account);
        let Some(place) = &self.place else {
            return vec![account];
        };
        let trusted = |key| self.find(states, key).trusted_until > self.now;
        if self.path == Path::Key && trusted(&place.used) {
            return Vec::new();
        }
        if trusted(&place.pair) {
            return vec![(&place.pair, Counts::Account)];
        }
        let opened = self.find(states, &self.account).opened_at;
        if opened > 0 && self.now < opened.saturating_add(self.rules.longest) {
            return vec![account];
        }
        vec![account, (&place.source, Counts::Source)]
    }

    /// What is known of a gate. When an administrator opened the account, that holds for its places too.
    fn gate(&self, states: &[GateState], key: &Pseudonym) -> GateState {
        let mut gate = self.find(states, key);
        let is_pair = self.place.as_ref().is_some_and(|place| place.pair == *key);
        let opened = self.find(states, &self.account).opened_at;
        if is_pair && opened > gate.touched_at {
            gate.begin_anew();
        }
        gate
    }

    /// A gate as it was kept, of which nothing is believed that cannot be.
    fn find(&self, states: &[GateState], key: &Pseudonym) -> GateState {
        let kept = states.iter().find(|gate| gate.key == *key);
        kept.map_or_else(
            || GateState::new(key.clone()),
            |gate| gate.believed(self.now),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_have_an_end_and_then_are_a_day() {
        let rules = Lockout::default();
        let wait = |failures| rules.wait(failures, Counts::Account);
        assert_eq!((0..5).map(wait).collect::<Vec<_>>(), [None; 5]);
        assert_eq!([5, 6, 7, 8].map(wait), [1, 2, 4, 8].map(Some));
        assert_eq!([15, 40, 99].map(wait), [900; 3].map(Some));
        assert_eq!([100, 1000, u64::MAX].map(wait), [DAY; 3].map(Some));
        let of_source = [49, 50, 99, 100, u64::MAX].map(|n| rules.wait(n, Counts::Source));
        assert_eq!(of_source[..2], [None, Some(1)]);
        assert_eq!(of_source[2..], [Some(900); 3], "many people come from one");
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
        let attempt = |name, path| {
            let account = names.of_name(name);
            names.attempt(account, 0, &source, path, Lockout::default(), 0)
        };
        let (one, two) = (
            attempt("b", Path::Key).keys(),
            attempt("a\0b", Path::Key).keys(),
        );
        let mut keys = [&one[..], &two].concat();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 7, "the source is the same");
        assert_eq!(attempt("B", Path::Key).keys(), one);
        assert_eq!(attempt("b", Path::Password).keys().len(), 3);
        let user = EntityId::generate();
        assert_ne!(names.of_user(user), names.of_name(&user.to_string()));
        let other = Pseudonyms::new(&SigningSecret::random().unwrap()).unwrap();
        assert_ne!(other.of_name("b"), names.of_name("b"));
        assert!(keys.iter().all(|key| key.as_str().len() == 43));
    }

    fn find<'a>(states: &'a [GateState], key: &Pseudonym) -> Option<&'a GateState> {
        states.iter().find(|gate| gate.key == *key)
    }

    /// The gates of an account that one attempt after another is made at, from a place of its own each.
    struct Gates {
        names: Pseudonyms,
        states: Vec<GateState>,
        places: u64,
    }

    impl Gates {
        fn new() -> Self {
            let secret = SigningSecret::random().unwrap();
            Self {
                names: Pseudonyms::new(&secret).unwrap(),
                states: Vec::new(),
                places: 0,
            }
        }

        fn attempt(&self, source: &str, now: u64) -> Attempt {
            let (source, account) = (source.parse().unwrap(), self.names.of_name("ann"));
            let rules = Lockout::default();
            self.names
                .attempt(account, 0, &source, Path::Password, rules, now)
        }

        fn put(&mut self, gates: Vec<GateState>) {
            for gate in gates {
                self.states.retain(|old| old.key != gate.key);
                self.states.push(gate);
            }
        }

        /// Whether it was let through, or when it may be.
        fn admit(&mut self, attempt: &Attempt) -> std::result::Result<(), u64> {
            let closed = attempt.closed_until(&self.states);
            closed.map_or(Ok(()), Err)?;
            self.put(attempt.counted(&self.states));
            Ok(())
        }

        fn settle(&mut self, attempt: &Attempt, settled: Settled) {
            for key in attempt.keys() {
                if find(&self.states, &key).is_none() {
                    self.states.push(GateState::new(key));
                }
            }
            self.put(attempt.settled(&self.states, settled));
        }

        /// A guess from a new place, as soon as one is let through; when that is.
        fn guess(&mut self, mut now: u64) -> u64 {
            self.places += 1;
            let place = format!("place-{}", self.places);
            while let Err(until) = self.admit(&self.attempt(&place, now)) {
                now = until;
            }
            now
        }
    }

    /// Guesses within a year, by somebody who waits so long after each hundred.
    fn guesses_a_year(pause: u64) -> u64 {
        let (mut gates, mut now, mut guesses) = (Gates::new(), 1, 0);
        while now < 365 * DAY {
            now = gates.guess(now);
            guesses += 1;
            if guesses % 100 == 0 {
                now += pause;
            }
        }
        guesses
    }

    #[test]
    fn patience_gets_nobody_much_further_than_a_hundred_guesses() {
        for pause in [0, DAY, DAY + 1, 7 * DAY, MONTH] {
            let guesses = guesses_a_year(pause);
            assert!(guesses <= 100 + 365, "{guesses} with {pause}");
        }
        // Thirty days of silence are forgiven, and no less.
        assert!(guesses_a_year(MONTH + 1) <= 100 * 365 / 30 + 100);
        // Whoever waits longer than asked is counted all the same.
        let (mut gates, mut now) = (Gates::new(), 1);
        for _ in 0..200 {
            now = gates.guess(now) + 2 * DAY;
        }
        let account = gates.names.of_name("ann");
        assert_eq!(find(&gates.states, &account).unwrap().failures, 200);
    }

    #[test]
    fn a_right_password_or_none_leaves_the_gates_as_they_were() {
        for failures in [4, 5, 49, 50, 98, 99, 150] {
            for settled in [Settled::Success, Settled::Withdrawn] {
                let mut gates = Gates::new();
                let home = gates.attempt("home", 1);
                let place = home.place.clone().unwrap();
                for key in [&home.account, &place.source] {
                    let before = GateState::new(key.clone());
                    gates.put(vec![GateState { failures, ..before }]);
                }
                let attempt = gates.attempt("home", 1000);
                gates.admit(&attempt).unwrap();
                gates.settle(&attempt, settled);
                let count = |key| find(&gates.states, key).unwrap().failures;
                assert_eq!(count(&place.source), failures);
                let account = if settled == Settled::Success {
                    0
                } else {
                    failures
                };
                assert_eq!(count(&home.account), account);
                let next = gates.attempt("home", 1000);
                assert_eq!(
                    next.closed_until(&gates.states),
                    None,
                    "{failures} {settled:?}"
                );
            }
        }
    }

    #[test]
    fn what_others_closed_meanwhile_stays_closed() {
        let mut gates = Gates::new();
        let mut now = 1;
        for _ in 0..7 {
            now = gates.guess(now);
        }
        now += 8;
        let slow = gates.attempt("home", now);
        gates.admit(&slow).unwrap();
        let guessed = gates.guess(now + 9);
        gates.settle(&slow, Settled::Withdrawn);
        let next = gates.attempt("home", guessed);
        assert!(next.closed_until(&gates.states).is_some());
    }

    #[test]
    fn a_clock_that_was_ahead_closes_nothing_and_forgets_no_count() {
        let mut gates = Gates::new();
        let (ahead, now) = (1000 + 5 * DAY, 1000);
        for _ in 0..5 {
            let attempt = gates.attempt("home", ahead);
            gates.admit(&attempt).unwrap();
        }
        assert_eq!(gates.admit(&gates.attempt("home", ahead)), Err(ahead + 1));
        gates.admit(&gates.attempt("home", now)).unwrap();
        assert_eq!(gates.admit(&gates.attempt("home", now)), Err(now + 2));
        // A clock that differs by little opens nothing.
        let behind = now - LEEWAY;
        assert_eq!(gates.admit(&gates.attempt("home", behind)), Err(now + 2));
        // Nor does an account stay open that was opened by such a clock, or a place known.
        let account = gates.names.of_name("ann");
        let place = gates.attempt("home", now).place.unwrap();
        gates.put(vec![
            GateState::opened(account, ahead),
            GateState {
                trusted_until: ahead + MONTH,
                ..GateState::new(place.pair)
            },
        ]);
        let attempt = gates.attempt("home", now);
        assert_eq!(attempt.gates(&gates.states).len(), 2);
    }
}
