use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use crate::{BadFlag, Flags, State, Test};

/// Runs the tests as the program's arguments say, and watches `state`.
///
/// # Errors
///
/// [`BadFlag`] when one of the suite's own flags has no number.
pub fn run(
    tests: &[Test],
    state: &Arc<State>,
    arguments: impl IntoIterator<Item = String>,
) -> Result<ExitCode, BadFlag> {
    let flags = Flags::parse(arguments)?;
    let arguments = Arguments::from_iter(&flags.rest);
    // A runner that lists the tests must see each of them once, under its plain name.
    let rounds = if arguments.list { 1 } else { flags.repeat };
    let trial = |(round, at): (usize, usize)| {
        let (test, state) = (tests[at], Arc::clone(state));
        let trial = Trial::test(test.name(), move || test.run(&state).map_err(Into::into));
        if rounds == 1 {
            trial
        } else {
            trial.with_kind(format!("round {}", round + 1))
        }
    };
    let trials = (0..rounds).flat_map(|round| {
        let seed = flags.shuffle.map(|seed| seed.wrapping_add(round as u64));
        order(tests.len(), seed)
            .into_iter()
            .map(move |at| (round, at))
    });
    Ok(libtest_mimic::run(&arguments, trials.map(trial).collect()).exit_code())
}

/// The numbers below `length` in the order that `seed` stands for, or as they are without one.
#[must_use]
pub fn order(length: usize, seed: Option<u64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    let Some(mut state) = seed else { return order };
    for end in (1..length).rev() {
        let bound = end as u64 + 1;
        // The remainder is below `bound`, which came from a `usize`.
        let chosen = usize::try_from(next(&mut state) % bound).unwrap_or(end);
        order.swap(end, chosen);
    }
    order
}

/// `SplitMix64`: small, and the same on every machine.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_permutation_that_its_seed_fixes() {
        let shuffled = order(100, Some(7));
        assert_eq!(shuffled, order(100, Some(7)));
        assert_ne!(shuffled, order(100, Some(8)));
        let mut sorted = shuffled;
        sorted.sort_unstable();
        assert_eq!(sorted, order(100, None));
    }

    #[test]
    fn the_shortest_orders_are_what_they_must_be() {
        assert!(order(0, Some(1)).is_empty());
        assert_eq!(order(1, Some(1)), [0]);
    }
}
