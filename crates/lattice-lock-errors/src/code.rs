use std::fmt;
use std::hash::{Hash, Hasher};

use crate::{Kind, Severity};

/// A stable name for one way to fail: `LL-<AREA>-<NNN>`, with its kind, meaning and remedy.
///
/// Codes are constants, declared with [`codes!`](crate::codes). A code never changes its meaning; one
/// that is no longer raised is not given to anything else. Two codes are equal when their names are.
#[derive(Clone, Copy)]
pub struct Code {
    id: &'static str,
    kind: Kind,
    meaning: &'static str,
    remedy: &'static str,
}

impl Code {
    /// Declares a code; [`codes!`](crate::codes) does so for a whole crate at once.
    ///
    /// # Panics
    ///
    /// At compile time (when used in a constant) if `id` is not `LL-`, two or three capital letters, `-`
    /// and three digits, or if `meaning` or `remedy` is empty.
    #[must_use]
    pub const fn new(
        id: &'static str,
        kind: Kind,
        meaning: &'static str,
        remedy: &'static str,
    ) -> Self {
        assert!(
            is_well_formed(id.as_bytes()),
            "a code reads LL-<AREA>-<NNN>"
        );
        assert!(
            !meaning.trim_ascii().is_empty(),
            "a code says what it means"
        );
        assert!(
            !remedy.trim_ascii().is_empty(),
            "a code says what to do about it"
        );
        Self {
            id,
            kind,
            meaning: meaning.trim_ascii(),
            remedy: remedy.trim_ascii(),
        }
    }

    /// The name, such as `LL-BIL-004`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.id
    }

    /// The letters in the middle, such as `BIL` or `DB`.
    #[must_use]
    pub fn area(&self) -> &'static str {
        &self.id["LL-".len()..self.id.len() - "-000".len()]
    }

    /// What sort of failure it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How severe it is, as its kind says.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.kind.severity()
    }

    /// Whether the same call may succeed when made again, as its kind says.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// One sentence on what happened.
    #[must_use]
    pub const fn meaning(&self) -> &'static str {
        self.meaning
    }

    /// One sentence on what to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.remedy
    }
}

const fn is_well_formed(id: &[u8]) -> bool {
    match id {
        [
            b'L',
            b'L',
            b'-',
            area @ ..,
            b'-',
            b'0'..=b'9',
            b'0'..=b'9',
            b'0'..=b'9',
        ] => matches!(
            area,
            [b'A'..=b'Z', b'A'..=b'Z'] | [b'A'..=b'Z', b'A'..=b'Z', b'A'..=b'Z']
        ),
        _ => false,
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.kind)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Declares a crate's error codes and, with them, the list `CODES` that `docs/errors.md` is made from.
///
/// Each line is a name, the code, its [`Kind`] and the remedy; the doc comment is the meaning. A
/// malformed code does not compile.
///
/// ```
/// lattice_lock_errors::codes! {
///     /// The charge does not fit the budget.
///     BUDGET_EXCEEDED = "LL-BIL-004", Exhausted, "raise the limit or wait for the next period";
/// }
///
/// assert_eq!(CODES, [BUDGET_EXCEEDED]);
/// assert_eq!(BUDGET_EXCEEDED.meaning(), "The charge does not fit the budget.");
/// ```
#[macro_export]
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $id:literal, $kind:ident, $remedy:literal;)+) => {
        $(
            $(#[doc = $meaning])+
            pub const $name: $crate::Code =
                $crate::Code::new($id, $crate::Kind::$kind, concat!($($meaning),+), $remedy);
        )+
        /// Every error code that this crate raises.
        pub const CODES: &[$crate::Code] = &[$($name),+];
    };
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "`codes!` makes public constants")]
mod tests {
    use super::*;

    fn check(id: &str, well_formed: bool) {
        assert_eq!(is_well_formed(id.as_bytes()), well_formed, "{id}");
    }

    #[test]
    fn a_code_has_an_area_and_three_digits() {
        check("LL-BIL-004", true);
        check("LL-DB-001", true);
        check("LL-D-001", false);
        check("LL-DB--001", false);
        check("LL-BIL-04", false);
        check("LL-BIL-0044", false);
        check("LL-DB-004", true);
        check("LL-B-004", false);
        check("LL-BILL-004", false);
        check("LL-bil-004", false);
        check("XX-BIL-004", false);
        check("", false);
    }

    #[test]
    fn meaning_joins_the_lines_of_the_doc_comment() {
        codes! {
            /// The first line
            /// and the second.
            ONE = "LL-TSK-999", Busy, "wait";
        }
        assert_eq!(CODES[0].meaning(), "The first line and the second.");
        assert_eq!(ONE.area(), "TSK");
    }

    #[test]
    fn an_area_of_two_letters_is_read_whole() {
        const TWO: Code = Code::new("LL-DB-001", Kind::Busy, "meaning", "remedy");
        assert_eq!(TWO.area(), "DB");
    }
}
