//! A keyed hash of 128 bits, several bytes per cycle.
//!
//! Whoever does not know the key cannot make two inputs collide better than by chance: each block is hashed with NH
//! (sums of products of 64-bit words, twice, with shifted keys), and the blocks with a polynomial over the prime
//! 2^61 - 1, twice, with independent points. Both are universal families; no step relies on mixing that only looks
//! random.

use std::hash::{BuildHasher, RandomState};

use crate::input::{Content, Input, Message};

/// The words of a block: 512 bytes.
const BLOCK: usize = 64;
/// How far the second lane's keys are shifted.
const SHIFT: usize = 2;
const PRIME: u64 = (1 << 61) - 1;

/// A random key.
#[derive(Clone)]
pub(crate) struct Key {
    words: [u64; BLOCK + SHIFT],
    points: [u64; 2],
}

impl std::fmt::Debug for Key {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// A key from the process's source of randomness.
    pub(crate) fn random() -> Self {
        let random = RandomState::new();
        Self {
            words: std::array::from_fn(|at| random.hash_one(at)),
            points: std::array::from_fn(|at| random.hash_one(at + 1000) % PRIME),
        }
    }

    /// The hash of everything that an analysis depends on.
    pub(crate) fn of(&self, input: &Input<'_>, generation: u64) -> u128 {
        let mut state = State {
            key: self,
            lanes: [1; 2],
        };
        state.word(generation);
        state.word(input.attachments.bits());
        state.word(input.needs.bits());
        state.word(input.priority.map_or(0, |priority| 1 + priority as u64));
        state.word(input.max_output.map_or(0, |tokens| 1 + u64::from(tokens)));
        match input.content {
            Content::Prompt(text) => {
                state.word(0);
                state.text(text);
            }
            Content::Messages(messages) => {
                // One more than the number, so that no conversation passes for a prompt.
                state.word(messages.len() as u64 + 1);
                for message in messages {
                    state.message(message);
                }
            }
        }
        (u128::from(state.lanes[0]) << 64) | u128::from(state.lanes[1])
    }
}

struct State<'k> {
    key: &'k Key,
    lanes: [u64; 2],
}

impl State<'_> {
    fn message(&mut self, message: &Message<'_>) {
        self.word(message.role as u64);
        self.word(message.attachments.bits());
        self.text(message.text);
    }

    /// A text, with its length first: no text's end can pass for another's beginning.
    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        let mut blocks = text.as_bytes().chunks_exact(BLOCK * 8);
        for block in &mut blocks {
            let sums = self.key.block(block);
            self.sums(sums);
        }
        let rest = blocks.remainder();
        if !rest.is_empty() {
            let sums = self.key.last_block(rest);
            self.sums(sums);
        }
    }

    fn sums(&mut self, sums: [u128; 2]) {
        for (lane, sum) in sums.into_iter().enumerate() {
            // Three parts below the prime: the sum is not reduced, so nothing of it is lost.
            for part in [
                sum & 0xFFF_FFFF_FFFF,
                (sum >> 44) & 0xFFF_FFFF_FFFF,
                sum >> 88,
            ] {
                self.lane(lane, low(part));
            }
        }
    }

    /// A word that both lanes see.
    fn word(&mut self, word: u64) {
        for lane in 0..2 {
            self.lane(lane, word & 0xFFFF_FFFF);
            self.lane(lane, word >> 32);
        }
    }

    fn lane(&mut self, lane: usize, value: u64) {
        let product =
            u128::from(self.lanes[lane]) * u128::from(self.key.points[lane]) + u128::from(value);
        self.lanes[lane] = reduce(product);
    }
}

impl Key {
    fn block(&self, block: &[u8]) -> [u128; 2] {
        let mut sums = [0_u128; 2];
        for (pair, key) in block
            .chunks_exact(16)
            .zip(self.words.windows(2 + SHIFT).step_by(2))
        {
            add_pair(&mut sums, word_at(pair, 0), word_at(pair, 8), key);
        }
        sums
    }

    /// The last block, as if it were filled with zeros: its length was hashed before.
    fn last_block(&self, rest: &[u8]) -> [u128; 2] {
        let whole = rest.len() / 16 * 16;
        let mut sums = self.block(&rest[..whole]);
        if whole < rest.len() {
            let mut pair = [0; 16];
            pair[..rest.len() - whole].copy_from_slice(&rest[whole..]);
            let at = whole / 8;
            add_pair(
                &mut sums,
                word_at(&pair, 0),
                word_at(&pair, 8),
                &self.words[at..at + 2 + SHIFT],
            );
        }
        sums
    }
}

#[inline]
fn add_pair(sums: &mut [u128; 2], first: u64, second: u64, key: &[u64]) {
    for (lane, sum) in sums.iter_mut().enumerate() {
        let at = lane * SHIFT;
        let product =
            u128::from(first.wrapping_add(key[at])) * u128::from(second.wrapping_add(key[at + 1]));
        *sum = sum.wrapping_add(product);
    }
}

#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<8>())
        .map_or(0, |word| u64::from_le_bytes(*word))
}

/// `value` modulo the prime; `value` is below 2^125.
fn reduce(value: u128) -> u64 {
    let folded = low(value & u128::from(PRIME)) + low(value >> 61);
    let folded = (folded & PRIME) + (folded >> 61);
    if folded >= PRIME {
        folded - PRIME
    } else {
        folded
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the caller has cut the value to 64 bits"
)]
fn low(value: u128) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attachment, Need, Priority};
    use std::collections::BTreeSet;

    #[test]
    fn every_part_of_an_input_counts() {
        let key = Key::random();
        let (one, two) = (
            [Message::user("a"), Message::user("b")],
            [Message::user("ab")],
        );
        let (three, four) = (
            [Message::user("ab"), Message::user("")],
            [Message::system("ab")],
        );
        let with = [Message::user("ab").attach(Attachment::Image)];
        let inputs = [
            Input::prompt("ab"),
            Input::prompt("ab").attach(Attachment::Image),
            Input::prompt("ab").need(Need::Json),
            Input::prompt("ab").priority(Priority::Balanced),
            Input::prompt("ab").priority(Priority::Cost),
            Input::prompt("ab").max_output(0),
            Input::prompt("ab").max_output(1),
            Input::prompt("ab\0"),
            Input::prompt("\0ab"),
            Input::prompt(""),
            Input::messages(&[]),
            Input::messages(&one),
            Input::messages(&two),
            Input::messages(&three),
            Input::messages(&four),
            Input::messages(&with),
        ];
        let hashes: BTreeSet<u128> = inputs
            .iter()
            .flat_map(|input| [key.of(input, 0), key.of(input, 1)])
            .collect();
        assert_eq!(hashes.len(), inputs.len() * 2);
    }

    #[test]
    fn every_byte_counts_wherever_it_stands() {
        let key = Key::random();
        let mut seen = BTreeSet::new();
        for len in [1, 15, 16, 17, 511, 512, 513, 1024, 2000] {
            let text = vec![b'a'; len];
            assert!(seen.insert(hash(&key, &text)));
            for at in (0..len).step_by(7).chain([len - 1]) {
                let mut other = text.clone();
                other[at] = b'b';
                assert!(
                    seen.insert(hash(&key, &other)) || at == len - 1,
                    "{len} {at}"
                );
            }
        }
    }

    fn hash(key: &Key, text: &[u8]) -> u128 {
        key.of(&Input::prompt(std::str::from_utf8(text).unwrap()), 0)
    }

    #[test]
    fn another_key_gives_another_hash_and_the_same_key_the_same() {
        let (one, two) = (Key::random(), Key::random());
        assert_eq!(hash(&one, b"text"), hash(&one.clone(), b"text"));
        assert_ne!(hash(&one, b"text"), hash(&two, b"text"));
    }

    #[test]
    fn reduction_is_that_of_the_prime() {
        for value in [0, 1, PRIME - 1, PRIME, PRIME + 1, u64::MAX >> 1] {
            let product = u128::from(value) * u128::from(PRIME - 3) + 17;
            if product < 1 << 122 {
                assert_eq!(u128::from(reduce(product)), product % u128::from(PRIME));
            }
        }
    }
}
