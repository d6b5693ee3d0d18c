//! The seeds of the fuzzer, held against the same checks.

use std::path::Path;

#[path = "../../fuzz/checks.rs"]
mod checks;

fn check(target: &str, holds: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder.join("fuzz/seeds").join(target);
    let seeds = folder.read_dir().unwrap();
    seeds
        .map(|seed| holds(&std::fs::read(seed.unwrap().path()).unwrap()))
        .count()
}

#[test]
fn seeds_of_tokens_hold() {
    assert!(check("token", checks::token) >= 8);
}

#[test]
fn seeds_of_keys_hold() {
    assert!(check("api_key", checks::api_key) >= 7);
}
