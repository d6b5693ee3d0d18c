use argon2::Params;
use lattice_lock_errors::{Error, Result};

use crate::codes::AUTH_SETTING_INVALID;

/// OWASP's equally strong choices, as KiB and passes: a cost is enough if it reaches one of them in both.
const FLOORS: [(u32, u32); 5] = [
    (47_104, 1),
    (19_456, 2),
    (12_288, 3),
    (9_216, 4),
    (7_168, 5),
];

const MOST_MEMORY_KIB: u32 = 128 * 1024;
const MOST_PASSES: u32 = 10;
const MOST_LANES: u32 = 16;

/// What it costs to hash a password with argon2id: 19 MiB, 2 passes and 1 lane by default, as OWASP says.
///
/// The ceiling is 128 MiB, 10 passes and 16 lanes. It also holds for stored hashes, which name their own
/// cost: whoever could write one would otherwise decide how much memory verifying it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
        }
    }
}

impl Cost {
    /// A cost within the floor and the ceiling. Lanes are computed one after the other.
    ///
    /// The floor is one of OWASP's equally strong choices: 46 MiB and 1 pass, 19 and 2, 12 and 3, 9 and 4,
    /// or 7 and 5.
    ///
    /// # Errors
    ///
    /// [`AUTH_SETTING_INVALID`].
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self> {
        let cost = Self {
            memory_kib,
            passes,
            lanes,
        };
        if cost.is_enough() && cost.is_bearable() {
            return Ok(cost);
        }
        let error = Error::new(
            AUTH_SETTING_INVALID,
            "the cost of a password hash is out of range",
        );
        Err(error.with("setting", "cost").with(
            "rule",
            "at least one of OWASP's choices, at most 128 MiB, 10 passes and 16 lanes",
        ))
    }

    /// The memory, in KiB.
    #[must_use]
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How often the memory is gone through.
    #[must_use]
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Into how many lanes the memory is divided.
    #[must_use]
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    /// The cost that a stored hash asks for, whatever it is.
    pub(super) fn of(params: &Params) -> Self {
        Self {
            memory_kib: params.m_cost(),
            passes: params.t_cost(),
            lanes: params.p_cost(),
        }
    }

    fn is_enough(self) -> bool {
        let reaches = |(memory, passes)| self.memory_kib >= memory && self.passes >= passes;
        self.lanes > 0 && FLOORS.into_iter().any(reaches)
    }

    pub(super) fn is_bearable(self) -> bool {
        self.memory_kib <= MOST_MEMORY_KIB && self.passes <= MOST_PASSES && self.lanes <= MOST_LANES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(memory_kib: u32, passes: u32, lanes: u32, accepted: bool) {
        let cost = Cost::new(memory_kib, passes, lanes);
        assert_eq!(cost.is_ok(), accepted, "{memory_kib} {passes} {lanes}");
    }

    #[test]
    fn a_cost_is_neither_weak_nor_ruinous() {
        let default = Cost::default();
        check(
            default.memory_kib(),
            default.passes(),
            default.lanes(),
            true,
        );
        for (memory, passes) in FLOORS {
            check(memory, passes, 1, true);
            check(memory - 1, passes, 1, false);
            check(memory, passes - 1, 1, false);
        }
        check(19_456, 2, 0, false);
        check(131_072, 10, 16, true);
        check(131_073, 10, 16, false);
        check(131_072, 11, 16, false);
        check(131_072, 10, 17, false);
        check(u32::MAX, u32::MAX, u32::MAX, false);
        check(0, 0, 0, false);
    }
}
