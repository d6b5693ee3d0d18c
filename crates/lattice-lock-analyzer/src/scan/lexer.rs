//! Splits text into words, punctuation and lines, without allocating and without looking back.

use super::script::{Script, fold, script_of};

/// Where the lexer puts what it finds.
pub(crate) trait Sink {
    /// A word: its hash is the same for any case, and for any apostrophe or none.
    fn word(&mut self, word: Word);
    /// A mark of punctuation in ASCII.
    fn punctuation(&mut self, byte: u8, next: u8);
    /// A mark of punctuation or a symbol beyond ASCII.
    fn symbol(&mut self, symbol: char);
    /// A line begins; `rest` is the text from its first byte on.
    fn line(&mut self, rest: &[u8]);
}

/// One word as the lexer found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The hash of its folded letters.
    pub(crate) hash: u64,
    /// The hash of its first [`STEM`] letters, the same as `hash` if it is not longer.
    pub(crate) stem: u64,
    /// Its length in bytes, as written.
    pub(crate) len: u32,
    /// What it is written in.
    pub(crate) shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// ASCII letters, perhaps with digits.
    Ascii,
    /// ASCII letters with a capital after a small one, as in `camelCase`.
    Camel,
    /// Only digits.
    Number,
    /// Letters beyond ASCII.
    Wide(Script),
}

/// How many bytes of a word make its stem.
const STEM: usize = 5;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const PRIME: u64 = 0xD6E8_FEB8_6659_FD93;

/// The hash of a number of so many digits: numbers differ only in their length.
fn number(digits: usize) -> u64 {
    finish(mix(SEED, 0x1F00 + digits.min(6) as u64))
}

fn mix(hash: u64, chunk: u64) -> u64 {
    let product = (hash ^ chunk).wrapping_mul(PRIME);
    product ^ (product >> 32)
}

fn finish(hash: u64) -> u64 {
    let product = hash.wrapping_mul(SEED);
    product ^ (product >> 29)
}

/// Joins the hash of the words so far with that of the next one.
pub(crate) fn join(so_far: u64, next: u64) -> u64 {
    let product = (so_far.rotate_left(23) ^ next).wrapping_mul(PRIME);
    product ^ (product >> 31)
}

/// Eight bytes from `at` on, padded with zeros.
fn chunk(bytes: &[u8], at: usize) -> u64 {
    if let Some(eight) = bytes.get(at..at + 8).and_then(|s| s.first_chunk::<8>()) {
        return u64::from_le_bytes(*eight);
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let mut eight = [0; 8];
    eight[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(eight)
}

/// The high bit of every byte of `chunk` that is in `from..=to`, where `chunk` has only ASCII.
const fn within(chunk: u64, from: u8, to: u8) -> u64 {
    let above = chunk + LOW * (0x80 - from as u64);
    let beyond = chunk + LOW * (0x7F - to as u64);
    above & !beyond & HIGH
}

/// How many of the chunk's bytes, from the first on, are ASCII letters or digits; and whether all are digits.
fn word_bytes(chunk: u64) -> (usize, bool, u64) {
    let ascii = chunk & !HIGH;
    let letters = within(ascii | (LOW * 0x20), b'a', b'z');
    let digits = within(ascii, b'0', b'9');
    let word = (letters | digits) & !(chunk & HIGH);
    let len = ((!word & HIGH).trailing_zeros() / 8) as usize;
    let capitals = within(ascii, b'A', b'Z') & word;
    (len, letters & low_bytes(len) == 0, capitals)
}

/// A mask of the lowest `count` bytes.
const fn low_bytes(count: usize) -> u64 {
    if count >= 8 {
        u64::MAX
    } else {
        (1 << (count * 8)) - 1
    }
}

/// Feeds `text` to `sink`, piece by piece, in linear time.
pub(crate) fn lex<S: Sink>(text: &str, sink: &mut S) {
    let bytes = text.as_bytes();
    let mut at = 0;
    sink.line(bytes);
    while at < bytes.len() {
        let byte = bytes[at];
        at = match CLASS[byte as usize] {
            Class::Space => at + 1,
            Class::Letter => ascii_word(text, at, sink),
            Class::Wide => wide(text, at, sink),
            Class::Line => {
                sink.line(&bytes[at + 1..]);
                at + 1
            }
            Class::Mark => {
                sink.punctuation(byte, bytes.get(at + 1).copied().unwrap_or(b' '));
                at + 1
            }
        };
    }
}

#[derive(Clone, Copy)]
enum Class {
    Space,
    Letter,
    Wide,
    Line,
    Mark,
}

const CLASS: [Class; 256] = {
    let mut class = [Class::Mark; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        class[byte] = if b >= 0x80 {
            Class::Wide
        } else if b.is_ascii_alphanumeric() {
            Class::Letter
        } else if b == b'\n' {
            Class::Line
        } else if b <= b' ' || b == 0x7F {
            Class::Space
        } else {
            Class::Mark
        };
        byte += 1;
    }
    class
};

/// Reads a word that begins with an ASCII letter or digit; returns where it ends.
fn ascii_word<S: Sink>(text: &str, start: usize, sink: &mut S) -> usize {
    let bytes = text.as_bytes();
    let first = chunk(bytes, start);
    let (mut len, mut digits, capitals) = word_bytes(first);
    let folded = (first | (LOW * 0x20)) & low_bytes(len);
    let stem = finish(mix(SEED, folded & low_bytes(STEM)));
    let mut hash = mix(SEED, folded);
    let mut camel = capitals & !0xFF != 0 && capitals != HIGH & low_bytes(len);
    let mut at = start + len;
    while len == 8 {
        let next = chunk(bytes, at);
        let (more, more_digits, more_capitals) = word_bytes(next);
        hash = if more == 0 {
            hash
        } else {
            mix(hash, (next | (LOW * 0x20)) & low_bytes(more))
        };
        camel |= more_capitals != 0 && more_capitals != HIGH & low_bytes(more);
        digits &= more_digits;
        at += more;
        len = more;
    }
    match bytes.get(at) {
        // An apostrophe inside a word is left out: "don't", "don’t" and "dont" are one.
        Some(0x80..) | Some(b'\'') if !digits && continues(text, at) => {
            wide_word(text, start, sink)
        }
        next => {
            let at = at + suffix(bytes, at, at - start, next);
            emit(hash, stem, (start, at), (camel, digits), bytes, sink);
            at
        }
    }
}

/// The two marks of `c++` and the one of `c#` belong to the word.
fn suffix(bytes: &[u8], at: usize, len: usize, next: Option<&u8>) -> usize {
    match next {
        Some(b'+') if len == 1 && bytes.get(at + 1) == Some(&b'+') => 2,
        Some(b'#') if len == 1 => 1,
        _ => 0,
    }
}

fn emit<S: Sink>(
    hash: u64,
    stem: u64,
    (start, end): (usize, usize),
    (camel, digits): (bool, bool),
    bytes: &[u8],
    sink: &mut S,
) {
    let len = end - start;
    let (hash, shape) = if digits {
        (number(len), Shape::Number)
    } else if matches!(bytes[end - 1], b'+' | b'#') {
        (finish(mix(hash, u64::from(bytes[end - 1]))), Shape::Ascii)
    } else if camel {
        (finish(hash), Shape::Camel)
    } else {
        (finish(hash), Shape::Ascii)
    };
    let stem = if len > STEM && !digits { stem } else { hash };
    sink.word(Word {
        hash,
        stem,
        len: cut(len),
        shape,
    });
}

fn cut(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Whether a word that was ASCII so far goes on with an apostrophe and a letter, or a letter beyond ASCII.
fn continues(text: &str, at: usize) -> bool {
    let mut rest = text[at..].chars();
    match rest.next() {
        Some('\'' | '’') => rest.next().is_some_and(|c| c.is_ascii_alphabetic()),
        Some(letter) => script_of(letter).is_alphabetic(),
        None => false,
    }
}

/// Reads what begins with a byte beyond ASCII; returns where it ends.
fn wide<S: Sink>(text: &str, start: usize, sink: &mut S) -> usize {
    let Some(first) = text[start..].chars().next() else {
        return text.len();
    };
    let end = start + first.len_utf8();
    match script_of(first) {
        Script::Symbol => {
            sink.symbol(first);
            end
        }
        script if script.is_alphabetic() => wide_word(text, start, sink),
        // Scripts without spaces: every letter is a word, so phrases match anywhere.
        script => {
            let hash = finish(mix(SEED, u64::from(u32::from(first))));
            let len = cut(end - start);
            sink.word(Word {
                hash,
                stem: hash,
                len,
                shape: Shape::Wide(script),
            });
            end
        }
    }
}

/// Reads a word letter by letter, for those that are not plain ASCII; returns where it ends.
fn wide_word<S: Sink>(text: &str, start: usize, sink: &mut S) -> usize {
    let (mut packed, mut filled, mut hash) = (0_u64, 0_u32, SEED);
    let (mut stem, mut count, mut end, mut script) = (0, 0_usize, start, Script::Latin);
    for (offset, letter) in text[start..].char_indices() {
        if matches!(letter, '\'' | '’') {
            if continues(text, start + offset) {
                continue;
            }
            break;
        }
        let of = script_of(letter);
        if !(letter.is_ascii_alphanumeric() || of.is_alphabetic()) {
            break;
        }
        if !letter.is_ascii() {
            script = of;
        }
        // Packing bytes as the fast path does gives "don't" the hash of "dont".
        let mut utf8 = [0; 4];
        for byte in fold(letter).encode_utf8(&mut utf8).bytes() {
            if filled == 8 {
                hash = mix(hash, packed);
                (packed, filled) = (0, 0);
            }
            packed |= u64::from(byte) << (filled * 8);
            filled += 1;
            count += 1;
            if count == STEM {
                stem = finish(mix(SEED, packed));
            }
        }
        end = start + offset + letter.len_utf8();
    }
    let hash = finish(mix(hash, packed));
    let stem = if count > STEM { stem } else { hash };
    let shape = if text[start..end].is_ascii() {
        Shape::Ascii
    } else {
        Shape::Wide(script)
    };
    sink.word(Word {
        hash,
        stem,
        len: cut(end - start),
        shape,
    });
    end
}
