use lattice_lock_errors::{Error, Result, Secret};
use unicode_normalization::UnicodeNormalization;

use crate::codes::{PASSWORD_TOO_LONG, PASSWORD_TOO_SHORT};

/// How many bytes are looked at for each character that is allowed. Normal form C shrinks no text to less
/// than a thirty-second, so that nothing which could still fit is refused.
const BYTES_A_CHARACTER: usize = 32;

/// Normal form C makes no text longer than three times its bytes (Unicode Standard Annex 15).
const GROWTH: usize = 3;

/// How long a password is, in code points of its normal form C.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) shortest: usize,
    pub(super) longest: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            shortest: 15,
            longest: 1024,
        }
    }
}

impl Policy {
    /// What any policy may have let through.
    pub(super) const WIDEST: Self = Self {
        shortest: 0,
        longest: 1024,
    };

    /// The password in normal form C, if its length is right.
    ///
    /// # Errors
    ///
    /// [`PASSWORD_TOO_SHORT`], [`PASSWORD_TOO_LONG`].
    pub(super) fn check(self, password: &Secret<String>) -> Result<Secret<String>> {
        self.require_bounded(password)?;
        let text = password.expose();
        let normal = normalised(text);
        let characters = normal.expose().chars().count();
        if characters < self.shortest {
            return Err(Error::new(PASSWORD_TOO_SHORT, "the password is too short")
                .with("minimum_characters", self.shortest));
        }
        if characters > self.longest {
            return Err(self.too_long());
        }
        Ok(normal)
    }

    /// Refuses at once what no form of could fit: the rest takes time that depends on the length, and is not for the
    /// threads that serve requests.
    ///
    /// # Errors
    ///
    /// [`PASSWORD_TOO_LONG`].
    pub(super) fn require_bounded(self, password: &Secret<String>) -> Result<()> {
        if password.expose().len() > self.longest * BYTES_A_CHARACTER {
            return Err(self.too_long());
        }
        Ok(())
    }

    fn too_long(self) -> Error {
        Error::new(PASSWORD_TOO_LONG, "the password is too long")
            .with("maximum_characters", self.longest)
    }
}

/// Allocates once: a buffer that grew would leave parts of the password in freed memory.
fn normalised(text: &str) -> Secret<String> {
    let mut normal = String::with_capacity(text.len() * GROWTH);
    normal.extend(text.nfc());
    Secret::new(normal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lattice_lock_errors::Code;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<(), Code>) {
        let got = Policy::default().check(&Secret::new(text.to_owned()));
        assert_eq!(
            got.map(|_| ()).map_err(|e| e.code()),
            expected,
            "{text:.40}"
        );
    }

    #[test]
    fn length_is_counted_in_code_points() {
        check("", Err(PASSWORD_TOO_SHORT));
        check(&"x".repeat(14), Err(PASSWORD_TOO_SHORT));
        check(&"x".repeat(15), Ok(()));
        check(&"🦓".repeat(14), Err(PASSWORD_TOO_SHORT));
        check(&"🦓".repeat(15), Ok(()));
        check(&"🦓".repeat(1024), Ok(()));
        check(&"x".repeat(1025), Err(PASSWORD_TOO_LONG));
        check(&"x".repeat(64 << 20), Err(PASSWORD_TOO_LONG));
    }

    #[test]
    fn length_is_counted_after_normalising() {
        check(&"e\u{301}".repeat(14), Err(PASSWORD_TOO_SHORT));
        check(&"e\u{301}".repeat(15), Ok(()));
        check(&"\u{3b1}\u{313}\u{300}\u{345}".repeat(1024), Ok(()));
        check(&"\u{1d160}".repeat(342), Err(PASSWORD_TOO_LONG));
        check(
            &format!("x{}", "\u{301}".repeat(16_000)),
            Err(PASSWORD_TOO_LONG),
        );
    }

    #[test]
    fn the_error_names_the_limit_and_not_the_length() {
        let error = Policy::default()
            .check(&Secret::new("x".into()))
            .unwrap_err();
        assert_eq!(
            error.context().collect::<Vec<_>>(),
            [("minimum_characters", "15")]
        );
    }

    #[test]
    fn the_buffer_never_grows() {
        let worst = "\u{1d160}".repeat(300);
        let normal = normalised(&worst);
        assert_eq!(normal.expose().len(), worst.len() * GROWTH);
        assert_eq!(normal.expose().capacity(), worst.len() * GROWTH);
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_in_normal_form_and_stays_as_it_is(text in "\\PC{15,60}") {
            let policy = Policy::default();
            if let Ok(once) = policy.check(&Secret::new(text.clone())) {
                prop_assert!(once.expose().capacity() == text.len() * GROWTH);
                prop_assert_eq!(&policy.check(&once).unwrap(), &once);
            }
        }
    }
}
