//! What was probably meant by a name that nothing knows.

use std::ops::RangeInclusive;

use crate::setting::{CONFIG_VARIABLE, PREFIX, SETTINGS, sections};

/// How alike two names must be for one to be suggested for the other.
const ALIKE: f64 = 0.75;

/// Other names are compared with nothing: a letter is like everything, and comparing long ones takes long.
const COMPARABLE: RangeInclusive<usize> = 2..=64;

/// The known name that `name` was probably meant to be.
pub(crate) fn nearest(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    best(name, known, similarity)
}

/// The key or section that the path `key` was probably meant to be.
pub(crate) fn nearest_key(key: &str) -> Option<&'static str> {
    let known = SETTINGS.iter().map(|setting| setting.key).chain(sections());
    best(key, known, path_similarity)
}

/// The variable of ours that `name` was probably meant to be.
pub(crate) fn nearest_variable(name: &str) -> Option<&'static str> {
    let ours = SETTINGS
        .iter()
        .flat_map(|setting| setting.variables.iter().copied())
        .filter(|known| known.starts_with(PREFIX))
        .chain([CONFIG_VARIABLE]);
    // What all of them begin with would make any two alike.
    best(name, ours, |name, known| {
        similarity(
            name.trim_start_matches(PREFIX),
            known.trim_start_matches(PREFIX),
        )
    })
}

/// The known name with the highest score; of equally good ones that with the fewest changes.
fn best(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
    alike: impl Fn(&str, &str) -> f64,
) -> Option<&'static str> {
    if !COMPARABLE.contains(&name.len()) {
        return None;
    }
    known
        .into_iter()
        .map(|known| {
            (
                alike(name, known),
                strsim::normalized_damerau_levenshtein(name, known),
                known,
            )
        })
        .filter(|(score, ..)| *score >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)))
        .map(|(_, _, known)| known)
}

/// From 0 to 1. A name that begins or ends with the other is alike, though Jaro and Winkler disagree.
fn similarity(name: &str, known: &str) -> f64 {
    let (short, long) = if name.len() < known.len() {
        (name, known)
    } else {
        (known, name)
    };
    let part = short.len() >= 3 && (long.starts_with(short) || long.ends_with(short));
    strsim::jaro_winkler(name, known).max(if part { 0.85 } else { 0.0 })
}

/// Compares last names: within one section freely, across sections only when they are nearly the same.
fn path_similarity(key: &str, known: &str) -> f64 {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let (known_section, known_name) = known.rsplit_once('.').unwrap_or(("", known));
    let score = similarity(name, known_name);
    if section == known_section {
        score
    } else if score >= 0.9 {
        score * 0.95
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name() {
        assert_eq!(nearest("prod", ["dev", "production"]), Some("production"));
        assert_eq!(nearest("development", ["dev", "test"]), Some("dev"));
        assert_eq!(nearest("zzz", ["dev", "production"]), None);
        assert_eq!(nearest("", ["dev"]), None);
    }

    #[test]
    fn a_key_in_the_wrong_section_finds_its_own() {
        assert_eq!(
            nearest_key("openai.api_key"),
            Some("providers.openai.api_key")
        );
        assert_eq!(
            nearest_key("database.cache_size"),
            Some("analyzer.cache_size")
        );
        assert_eq!(nearest_key("auth.unheard_of"), None);
    }

    #[test]
    fn a_variable_is_compared_without_the_common_prefix() {
        assert_eq!(
            nearest_variable("LATTICE_DATABASE"),
            Some("LATTICE_DATABASE_URL")
        );
        assert_eq!(
            nearest_variable("LATTICE_CONFIG_FILE"),
            Some("LATTICE_CONFIG")
        );
        assert_eq!(nearest_variable("LATTICE_QQQ"), None);
    }

    #[test]
    fn a_name_without_end_is_compared_with_nothing() {
        assert_eq!(nearest_key(&"database.".repeat(100_000)), None);
        assert_eq!(nearest(&"d".repeat(1 << 20), ["dev"]), None);
    }
}
