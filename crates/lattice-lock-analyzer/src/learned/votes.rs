use super::Model;
use super::format::MOST_ROWS;
use crate::scan::Learner;
use crate::task::TASKS;

/// How many words of 64 bits hold one bit per row.
const SEEN: usize = (MOST_ROWS as usize).div_ceil(64);

/// The part of the context's votes that counts.
const CONTEXT: f32 = 0.25;

/// The row of a feature and the tag that its row must carry.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the tag is the lowest byte"
)]
pub(crate) fn row_and_tag(feature: u64, rows: u64) -> (usize, u8) {
    ((((feature >> 32) * rows) >> 32) as usize, feature as u8)
}

/// So many features of no weight are added to every text: a single telling word in a short one proves little.
const PRIOR: u32 = 6;

/// What the sum of a text's weights is divided by: the root of the number of its features, repeated ones included.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^24")]
pub(crate) fn norm(features: u32) -> f32 {
    (features.saturating_add(PRIOR) as f32).sqrt()
}

/// How many rows are collected before they are added up: so many int8 fit into an int16.
const BATCH: usize = 256;

/// Sums the weights of the features of a text, each feature once.
///
/// The rows are only noted while the text is read and added up later: whether a feature is known is as good as
/// random, and a branch on it would be guessed wrong for every other word.
#[derive(Debug)]
pub(crate) struct Votes<'m> {
    tags: &'m [u8],
    weights: &'m [u8],
    count: u64,
    batch: [u16; BATCH],
    noted: usize,
    sums: [i32; TASKS],
    features: u32,
    seen: [u64; SEEN],
    context: [f32; TASKS],
}

impl<'m> Votes<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        let (tags, weights) = model.rows();
        Self {
            tags,
            weights,
            count: tags.len() as u64,
            batch: [0; BATCH],
            noted: 0,
            sums: [0; TASKS],
            features: 0,
            seen: [0; SEEN],
            context: [0.0; TASKS],
        }
    }

    /// The votes in the model's unit: the sums, made comparable between short and long texts.
    pub(crate) fn total(&mut self) -> [f32; TASKS] {
        let own = self.normed();
        std::array::from_fn(|task| own[task] + self.context[task])
    }

    #[expect(clippy::cast_precision_loss, reason = "sums are far below 2^24")]
    fn normed(&mut self) -> [f32; TASKS] {
        self.add_up();
        let norm = norm(self.features);
        self.sums.map(|sum| sum as f32 / norm)
    }

    fn add_up(&mut self) {
        let mut sums = [0_i16; TASKS];
        for row in &self.batch[..self.noted.min(BATCH)] {
            let start = usize::from(*row) * TASKS;
            let weights = self
                .weights
                .get(start..)
                .and_then(|rest| rest.first_chunk::<TASKS>());
            for (sum, weight) in sums.iter_mut().zip(weights.unwrap_or(&[0; TASKS])) {
                *sum += i16::from(weight.cast_signed());
            }
        }
        for (total, sum) in self.sums.iter_mut().zip(sums) {
            *total += i32::from(sum);
        }
        self.noted = 0;
    }
}

impl Learner for Votes<'_> {
    fn was_context(&mut self) {
        if self.features > 0 {
            self.context = self.normed().map(|vote| vote * CONTEXT);
            self.sums = [0; TASKS];
            self.features = 0;
            self.seen = [0; SEEN];
        }
    }

    #[inline]
    fn feature(&mut self, feature: u64) {
        self.features += 1;
        let (row, tag) = row_and_tag(feature, self.count);
        let (Some(seen), Some(found)) = (self.seen.get_mut(row / 64), self.tags.get(row)) else {
            return;
        };
        let is_known = u64::from(*found == tag);
        let is_new = is_known & !(*seen >> (row % 64));
        *seen |= is_known << (row % 64);
        // Row numbers fit into 16 bits: there are at most `MOST_ROWS`.
        self.batch[self.noted % BATCH] = u16::try_from(row).unwrap_or(0);
        self.noted += usize::from(is_new != 0);
        if self.noted == BATCH {
            self.add_up();
        }
    }
}
