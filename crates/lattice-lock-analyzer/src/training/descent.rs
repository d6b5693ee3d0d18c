//! Multinomial logistic regression by adaptive gradient descent, in a fixed order.

use super::Settings;
use super::extract::Seen;
use super::select::Rows;
use crate::math::softmax;
use crate::task::TASKS;

/// The weights before they are rounded to int8.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    pub(crate) rows: Vec<[f64; TASKS]>,
    pub(crate) bias: [f64; TASKS],
}

/// Learns what the rules' points leave open.
pub(crate) fn descend(samples: &[&Seen], rows: &Rows, settings: &Settings) -> Weights {
    let mut weights = Weights {
        rows: vec![[0.0; TASKS]; rows.owners.len()],
        bias: [0.0; TASKS],
    };
    let mut steps = Weights {
        rows: vec![[1e-8; TASKS]; rows.owners.len()],
        bias: [1e-8; TASKS],
    };
    let owned: Vec<Vec<usize>> = samples.iter().map(|sample| rows.of(sample)).collect();
    let balance = balance(samples, settings);
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut random = Random(settings.seed ^ 0x9E37_79B9_7F4A_7C15);
    for _ in 0..settings.epochs {
        random.shuffle(&mut order);
        for &at in &order {
            step(
                &mut weights,
                &mut steps,
                samples[at],
                &owned[at],
                balance[at],
                settings,
            );
        }
    }
    weights
}

fn step(
    weights: &mut Weights,
    steps: &mut Weights,
    sample: &Seen,
    owned: &[usize],
    balance: f64,
    settings: &Settings,
) {
    let value = 1.0 / sample.norm;
    let mut logits: [f64; TASKS] =
        std::array::from_fn(|task| weights.bias[task] + settings.rules * sample.rules[task]);
    for row in owned {
        for (logit, weight) in logits.iter_mut().zip(&weights.rows[*row]) {
            *logit += weight * value;
        }
    }
    let mut gradient = softmax(&logits);
    gradient[sample.task] -= 1.0;
    for (task, slope) in gradient.iter().enumerate() {
        let slope = slope * balance;
        move_down(
            &mut weights.bias[task],
            &mut steps.bias[task],
            slope,
            settings.rate * 0.2,
            0.0,
        );
        for row in owned {
            let (weight, steps) = (&mut weights.rows[*row][task], &mut steps.rows[*row][task]);
            move_down(weight, steps, slope * value, settings.rate, settings.decay);
        }
    }
}

fn move_down(weight: &mut f64, steps: &mut f64, slope: f64, rate: f64, decay: f64) {
    let slope = slope + decay * *weight;
    *steps += slope * slope;
    *weight -= rate * slope / steps.sqrt();
}

/// How much each sample counts: large families and frequent task types are held back, the mean is 1.
fn balance(samples: &[&Seen], settings: &Settings) -> Vec<f64> {
    let families = samples.iter().map(|s| s.family + 1).max().unwrap_or(0);
    let mut by_family = vec![0_u32; families];
    let mut by_task = [0_u32; TASKS];
    for sample in samples {
        by_family[sample.family] += 1;
        by_task[sample.task] += 1;
    }
    let weight = |sample: &&Seen| {
        power(by_family[sample.family], settings.family_power)
            * power(by_task[sample.task], settings.class_power)
    };
    let weights: Vec<f64> = samples.iter().map(weight).collect();
    let mean = weights.iter().sum::<f64>()
        / f64::from(u32::try_from(weights.len().max(1)).unwrap_or(u32::MAX));
    weights.into_iter().map(|weight| weight / mean).collect()
}

/// `count` to the power of minus `exponent`, between the roots that need no mathematics library.
fn power(count: u32, exponent: f64) -> f64 {
    let count = f64::from(count.max(1));
    let (half, quarter) = (count.sqrt(), count.sqrt().sqrt());
    let points = [1.0, quarter, half, half * quarter, count];
    let at = (exponent.clamp(0.0, 1.0) * 4.0).min(3.999_999);
    let (low, part) = (at.floor(), at - at.floor());
    let index = (0..4_u8)
        .rev()
        .find(|i| f64::from(*i) <= low)
        .map_or(0, usize::from);
    1.0 / (points[index] * (1.0 - part) + points[index + 1] * part)
}

/// A small generator of random numbers (xorshift), the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Puts the values in a random order.
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            values.swap(last, usize::try_from(other).unwrap_or(0));
        }
    }
}
