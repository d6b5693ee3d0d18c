use std::ops::Range;

use super::shape::KEYS;
use super::text::Text;

/// What kind of rule decides about a place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Part of a name whose value may be secret.
    Name,
    /// A parameter in a URL's query; whether its value must look random as well.
    Query(bool),
    /// `://`.
    Url,
    /// The beginning of a key that is known by its shape; an index into [`shape::KEYS`](super::shape::KEYS).
    Key(usize),
    /// The beginning of an AWS access key id.
    Aws,
    /// `eyJ`, which is `{"` in base64.
    Jwt,
    /// The beginning of a PEM block.
    Pem,
    /// `bearer`.
    Bearer,
    /// `basic`.
    Basic,
}

/// The anchors that are not keys. None begins with another, so that each place has one rule.
const ANCHORS: [(&str, Anchor); 26] = [
    ("pass", Anchor::Name),
    ("pwd", Anchor::Name),
    ("secret", Anchor::Name),
    ("token", Anchor::Name),
    ("key", Anchor::Name),
    ("credential", Anchor::Name),
    ("authorization", Anchor::Name),
    ("cookie", Anchor::Name),
    ("signature", Anchor::Name),
    ("?key=", Anchor::Query(false)),
    ("&key=", Anchor::Query(false)),
    ("?sig=", Anchor::Query(false)),
    ("&sig=", Anchor::Query(false)),
    ("?auth=", Anchor::Query(false)),
    ("&auth=", Anchor::Query(false)),
    ("?code=", Anchor::Query(true)),
    ("&code=", Anchor::Query(true)),
    ("://", Anchor::Url),
    ("AKIA", Anchor::Aws),
    ("ASIA", Anchor::Aws),
    ("ABIA", Anchor::Aws),
    ("ACCA", Anchor::Aws),
    ("eyJ", Anchor::Jwt),
    ("-----BEGIN", Anchor::Pem),
    ("bearer", Anchor::Bearer),
    ("basic", Anchor::Basic),
];

/// How many anchors there are, with the keys.
const COUNT: usize = ANCHORS.len() + KEYS.len();

const fn pattern(index: usize) -> &'static str {
    if index < ANCHORS.len() {
        ANCHORS[index].0
    } else {
        KEYS[index - ANCHORS.len()].prefix
    }
}

fn rule(index: usize) -> Anchor {
    match ANCHORS.get(index) {
        Some((_, anchor)) => *anchor,
        None => Anchor::Key(index - ANCHORS.len()),
    }
}

/// For each of the first three bytes of an anchor, and each byte that may stand there, which anchors
/// these are: a place can only hold an anchor that has its bit in all three.
///
/// Unlike an automaton's steps these look-ups do not wait for one another, which makes them about three times
/// as fast. Anchors beyond the 64th share a bit; those that do are told apart afterwards, like all.
struct Filter([[u64; 256]; 3]);

/// Upper and lower case count as the same here: names come in both, and the rules of shapes look again.
static FILTER: Filter = Filter::new();

impl Filter {
    const fn new() -> Self {
        let mut tables = [[0; 256]; 3];
        let mut index = 0;
        while index < COUNT {
            let bytes = pattern(index).as_bytes();
            let mut at = 0;
            while at < 3 {
                let bit = 1 << (index % 64);
                tables[at][bytes[at].to_ascii_lowercase() as usize] |= bit;
                tables[at][bytes[at].to_ascii_uppercase() as usize] |= bit;
                at += 1;
            }
            index += 1;
        }
        Self(tables)
    }

    fn bits(&self, bytes: [u8; 3]) -> u64 {
        let [first, second, third] = &self.0;
        first[usize::from(bytes[0])] & second[usize::from(bytes[1])] & third[usize::from(bytes[2])]
    }
}

/// How many places are looked at together.
const BLOCK: usize = 8;

/// The first anchor in `range`, and its place.
pub(super) fn next(text: &Text<'_>, range: Range<usize>) -> Option<(Anchor, Range<usize>)> {
    let bytes = &text.whole().as_bytes()[..range.end];
    let mut at = range.start;
    while let Some(block) = bytes[at..].first_chunk::<{ BLOCK + 2 }>() {
        let windows = block.array_windows();
        if windows.fold(0, |bits, window| bits | FILTER.bits(*window)) != 0 {
            let found = first_in(bytes, at..at + BLOCK);
            if found.is_some() {
                text.count(at + BLOCK - range.start);
                return found;
            }
        }
        at += BLOCK;
    }
    text.count(range.len());
    first_in(bytes, at..range.end)
}

fn first_in(bytes: &[u8], mut range: Range<usize>) -> Option<(Anchor, Range<usize>)> {
    range.find_map(|at| {
        let bits = FILTER.bits(*bytes[at..].first_chunk()?);
        let index = anchor_at(&bytes[at..], bits)?;
        Some((rule(index), at..at + pattern(index).len()))
    })
}

/// The anchor that `bytes` begin with, of those with one of `bits`.
fn anchor_at(bytes: &[u8], mut bits: u64) -> Option<usize> {
    while bits != 0 {
        let first = bits.trailing_zeros() as usize;
        let mut sharing = (first..COUNT).step_by(64);
        let found = sharing.find(|index| begins_with(bytes, pattern(*index).as_bytes()));
        if found.is_some() {
            return found;
        }
        bits &= bits - 1;
    }
    None
}

fn begins_with(bytes: &[u8], pattern: &[u8]) -> bool {
    bytes
        .get(..pattern.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(pattern))
}

#[cfg(test)]
mod tests {
    use super::super::MARKER;
    use super::*;

    #[test]
    fn no_anchor_begins_with_another() {
        let patterns: Vec<String> = (0..COUNT)
            .map(|index| pattern(index).to_lowercase())
            .collect();
        for (at, one) in patterns.iter().enumerate() {
            let rest = patterns[at + 1..].iter();
            assert_eq!(
                rest.clone().find(|other| other.starts_with(one.as_str())),
                None,
                "{one}"
            );
            assert_eq!(
                rest.clone().find(|other| one.starts_with(other.as_str())),
                None,
                "{one}"
            );
        }
    }

    #[test]
    fn the_marker_neither_holds_an_anchor_nor_can_be_part_of_one() {
        assert_eq!(next(&Text::new(MARKER), 0..MARKER.len()), None);
        assert!((0..COUNT).all(|index| !pattern(index).contains(['[', ']'])));
    }
}
