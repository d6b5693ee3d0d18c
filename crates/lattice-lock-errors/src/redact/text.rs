#[cfg(test)]
use std::cell::Cell;
use std::ops::Range;

use super::MARKER;

/// How far names and probes look: what decides whether a match is one is near, so that hostile text
/// cannot make every byte look at every other.
pub(super) const WINDOW: usize = 64;

/// The text being searched. All reading goes through here, so that tests can count it.
pub(super) struct Text<'t> {
    whole: &'t str,
    #[cfg(test)]
    pub(super) reads: Cell<usize>,
}

impl<'t> Text<'t> {
    pub(super) fn new(whole: &'t str) -> Self {
        Self {
            whole,
            #[cfg(test)]
            reads: Cell::new(0),
        }
    }

    pub(super) fn whole(&self) -> &'t str {
        self.whole
    }

    /// The byte at `at`, if the text goes that far.
    pub(super) fn at(&self, at: usize) -> Option<u8> {
        self.count(1);
        self.whole.as_bytes().get(at).copied()
    }

    /// The byte before `at`; what lies before `floor` is hidden already and counts as nothing.
    pub(super) fn before(&self, at: usize, floor: usize) -> Option<u8> {
        if at > floor { self.at(at - 1) } else { None }
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &'t [u8] {
        self.count(range.len());
        &self.whole.as_bytes()[range]
    }

    pub(super) fn has(&self, at: usize, needle: &str) -> bool {
        self.count(needle.len());
        self.whole.as_bytes()[at.min(self.whole.len())..].starts_with(needle.as_bytes())
    }

    pub(super) fn has_marker(&self, at: usize) -> bool {
        self.has(at, MARKER)
    }

    /// Where the run of accepted bytes from `from` on ends.
    pub(super) fn run(&self, from: usize, accept: impl Fn(u8) -> bool) -> usize {
        self.run_within(from, usize::MAX, accept)
    }

    /// As [`run`](Self::run), of at most `longest` bytes.
    pub(super) fn run_within(
        &self,
        from: usize,
        longest: usize,
        accept: impl Fn(u8) -> bool,
    ) -> usize {
        let rest = self.whole.as_bytes().get(from..).unwrap_or_default();
        let rest = &rest[..rest.len().min(longest)];
        let length = rest.iter().position(|byte| !accept(*byte));
        let length = length.unwrap_or(rest.len());
        self.count(length + 1);
        from + length
    }

    /// Where the run of accepted bytes that ends at `to` begins, neither before `floor` nor longer than
    /// the window.
    pub(super) fn run_back(&self, to: usize, floor: usize, accept: impl Fn(u8) -> bool) -> usize {
        let seen = &self.whole.as_bytes()[floor.max(to.saturating_sub(WINDOW)).min(to)..to];
        let length = seen.iter().rev().take_while(|byte| accept(**byte)).count();
        self.count(length + 1);
        to - length
    }

    #[cfg(test)]
    pub(super) fn count(&self, reads: usize) {
        self.reads.set(self.reads.get() + reads);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "it counts in tests only")]
    pub(super) fn count(&self, _reads: usize) {}
}

/// What a name is made of.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Ends every value that no quotes hold together.
pub(super) fn is_break(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_control()
}

/// May end a value or be part of it; what follows decides.
pub(super) fn is_soft(byte: u8) -> bool {
    is_quote(byte)
        || matches!(
            byte,
            b')' | b']' | b'}' | b'>' | b',' | b';' | b'&' | b'|' | b'\\'
        )
}
