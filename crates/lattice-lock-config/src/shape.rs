//! Which unknown names may be repeated: someone who mistakes the places of name and value would find the
//! secret in an error, so a name must look as ours do.

use lattice_lock_errors::redact;

/// The longest name that is repeated, in bytes.
const LONGEST: usize = 64;

/// `key` if it is made as ours are, of small letters; else something that stands for it.
pub(crate) fn shown_key(key: &str) -> &str {
    let ours = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-' | b'.');
    shown(key, ours).unwrap_or("a key")
}

/// `name` if it is made as ours are, of capitals; else something that stands for it.
pub(crate) fn shown_variable(name: &str) -> &str {
    let ours = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    shown(name, ours).unwrap_or("a variable that begins with LATTICE_")
}

fn shown(name: &str, ours: impl Fn(u8) -> bool) -> Option<&str> {
    let shaped = !name.is_empty() && name.len() <= LONGEST && name.bytes().all(ours);
    (shaped && redact(name) == name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_key_is_repeated() {
        for key in ["pool_size", "database.pool-size"] {
            assert_eq!(shown_key(key), key);
        }
        for key in [
            "",
            "hunter2",
            "poolSize",
            "two words",
            "schlüssel",
            &"a".repeat(65),
        ] {
            assert_eq!(shown_key(key), "a key");
        }
    }

    #[test]
    fn only_what_looks_like_a_variable_is_repeated() {
        assert_eq!(shown_variable("LATTICE_ENVIRONMENT"), "LATTICE_ENVIRONMENT");
        for name in ["LATTICE_x", "LATTICE_7F", "LATTICE_A B"] {
            assert_eq!(shown_variable(name), "a variable that begins with LATTICE_");
        }
    }
}
