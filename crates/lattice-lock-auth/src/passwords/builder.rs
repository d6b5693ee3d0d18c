use std::sync::Arc;
use std::thread::available_parallelism;

use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result};

use super::gate::Gate;
use super::pepper::Peppers;
use super::policy::Policy;
use super::{Breaches, Cost, Passwords};
use crate::codes::AUTH_SETTING_INVALID;

/// The most hashes made at once, and the most callers that wait: either is far beyond what one machine bears.
const MOST: usize = 1 << 16;

/// Builds [`Passwords`]; the defaults are safe in production.
#[derive(Clone, Debug)]
pub struct PasswordsBuilder {
    policy: Policy,
    cost: Cost,
    peppers: Peppers,
    breaches: Option<Arc<dyn Breaches>>,
    at_once: usize,
    queue: usize,
}

impl Default for PasswordsBuilder {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            cost: Cost::default(),
            peppers: Peppers::default(),
            breaches: None,
            at_once: half_of_the_processors(),
            queue: 256,
        }
    }
}

impl PasswordsBuilder {
    /// The fewest characters (code points in normal form C) of a new password: 15 by default, 8 to 64.
    ///
    /// Fewer than 15 only where a second factor is asked for.
    #[must_use]
    pub fn shortest(mut self, characters: usize) -> Self {
        self.policy.shortest = characters;
        self
    }

    /// The most characters (code points in normal form C) of a new password: 1024 by default, 64 to 1024.
    #[must_use]
    pub fn longest(mut self, characters: usize) -> Self {
        self.policy.longest = characters;
        self
    }

    /// What a new hash costs: 19 MiB, 2 passes, 1 lane by default.
    #[must_use]
    pub fn cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// Makes new hashes with a secret that is kept apart from them; none by default. Of several, the last one is used,
    /// and the others still verify what was made with them; at a login, such a hash is made anew.
    ///
    /// The id, of 1 to 8 letters and digits, is part of each hash.
    #[must_use]
    pub fn pepper(mut self, id: &str, secret: &SigningSecret) -> Self {
        self.peppers.add(id, secret);
        self
    }

    /// Asks a service about new passwords, beyond the list that is shipped; none by default.
    #[must_use]
    pub fn breaches(mut self, service: impl Breaches + 'static) -> Self {
        self.breaches = Some(Arc::new(service));
        self
    }

    /// How many hashes are made at once: by default half as many as there are processors, and at least one.
    ///
    /// Each takes a processor, and the memory that its [`Cost`] says.
    #[must_use]
    pub fn at_once(mut self, hashes: usize) -> Self {
        self.at_once = hashes;
        self
    }

    /// How many callers may wait for their turn: 256 by default, 0 for none.
    #[must_use]
    pub fn queue(mut self, callers: usize) -> Self {
        self.queue = callers;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`].
    pub fn build(self) -> Result<Passwords> {
        require(
            (8..=64).contains(&self.policy.shortest),
            "shortest",
            "8 to 64",
        )?;
        require(
            (64..=1024).contains(&self.policy.longest),
            "longest",
            "64 to 1024",
        )?;
        require((1..=MOST).contains(&self.at_once), "at_once", "1 to 65536")?;
        require(self.queue <= MOST, "queue", "0 to 65536")?;
        self.peppers.check()?;
        Ok(self.assemble())
    }

    pub(super) fn assemble(self) -> Passwords {
        Passwords {
            policy: self.policy,
            cost: self.cost,
            peppers: Arc::new(self.peppers),
            breaches: self.breaches,
            calls: Arc::default(),
            gate: Gate::new(self.at_once, self.queue),
        }
    }
}

fn require(holds: bool, setting: &'static str, rule: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    let error = Error::new(
        AUTH_SETTING_INVALID,
        "a setting of passwords is out of range",
    );
    Err(error.with("setting", setting).with("rule", rule))
}

fn half_of_the_processors() -> usize {
    available_parallelism().map_or(1, |all| all.get().div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(builder: PasswordsBuilder, accepted: bool) {
        let shown = format!("{builder:?}");
        let built = builder.build();
        assert_eq!(built.is_ok(), accepted, "{shown}");
        if let Err(error) = built {
            assert_eq!(error.code(), AUTH_SETTING_INVALID);
        }
    }

    #[test]
    fn settings_have_their_limits() {
        check(Passwords::builder(), true);
        check(Passwords::builder().shortest(8), true);
        check(Passwords::builder().shortest(7), false);
        check(Passwords::builder().shortest(64).longest(64), true);
        check(Passwords::builder().shortest(65), false);
        check(Passwords::builder().longest(63), false);
        check(Passwords::builder().longest(1025), false);
        check(Passwords::builder().at_once(0), false);
        check(Passwords::builder().at_once(usize::MAX), false);
        check(Passwords::builder().queue(0), true);
        check(Passwords::builder().queue(usize::MAX), false);
        let secret = SigningSecret::random().unwrap();
        check(
            Passwords::builder()
                .pepper("p1", &secret)
                .pepper("p2", &secret),
            true,
        );
        check(
            Passwords::builder()
                .pepper("p1", &secret)
                .pepper("p1", &secret),
            false,
        );
        for id in ["", "a b", "123456789", "é"] {
            check(Passwords::builder().pepper(id, &secret), false);
        }
    }
}
