use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::cell::Cell;

/// How many rows a table has, and the sum of their hashes: the same in whatever order they come, since engines do not
/// sort text alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) rows: u64,
    sum: [u64; 4],
}

impl Check {
    pub(super) fn add(&mut self, row: &[Cell]) {
        self.rows += 1;
        let mut hasher = Sha256::new();
        for cell in row {
            let (tag, bytes): (u8, &[u8]) = match cell {
                Cell::Null => (0, &[]),
                Cell::Integer(number) => (1, &number.to_be_bytes()),
                Cell::Text(text) => (2, text.as_bytes()),
                Cell::Bytes { hex } => (3, hex.as_bytes()),
            };
            hasher.update([tag]);
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
        let hash = hasher.finalize();
        for (sum, part) in self.sum.iter_mut().zip(hash.chunks_exact(8)) {
            let part = part
                .iter()
                .fold(0, |part, byte| part << 8 | u64::from(*byte));
            *sum = sum.wrapping_add(part);
        }
    }

    pub(super) fn text(&self) -> String {
        let bytes: Vec<_> = self.sum.iter().flat_map(|sum| sum.to_be_bytes()).collect();
        hex(&bytes)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[&[Cell]]) -> Check {
        let mut check = Check::default();
        for row in rows {
            check.add(row);
        }
        check
    }

    #[test]
    fn the_order_of_rows_makes_no_difference_and_everything_else_does() {
        let (a, b) = (Cell::Text("a".into()), Cell::Text("b".into()));
        let (ab, ba): ([_; 2], [_; 2]) = ([a.clone(), b.clone()], [b.clone(), a.clone()]);
        assert_eq!(check(&[&ab, &ba]), check(&[&ba, &ab]));
        assert_ne!(check(&[&ab]), check(&[&ba]));
        assert_ne!(check(&[&ab]), check(&[&ab, &ab]));
        let (a, b) = (std::slice::from_ref(&a), std::slice::from_ref(&b));
        assert_ne!(check(&[a, b]), check(&[a, b, b]));
        assert_ne!(
            check(&[&[Cell::Null]]),
            check(&[&[Cell::Text(String::new())]])
        );
    }
}
