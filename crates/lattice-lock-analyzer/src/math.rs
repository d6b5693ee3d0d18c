//! Arithmetic that gives the same bits on every machine: only additions, multiplications and divisions.

/// e to the power of `x`, to about 1e-12, without the platform's mathematics library.
pub(crate) fn exp(x: f64) -> f64 {
    const LN_2: f64 = std::f64::consts::LN_2;
    let x = x.clamp(-700.0, 700.0);
    let halves = (x / LN_2).round();
    let rest = x - halves * LN_2;
    // Taylor's series for |rest| <= ln(2)/2: the eleventh term is below 1e-12.
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..=11 {
        term *= rest / f64::from(n);
        sum += term;
    }
    sum * power_of_two(halves)
}

/// Two to the power of a whole number between -1010 and 1010.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the exponent is a whole number within the range of a double's"
)]
fn power_of_two(exponent: f64) -> f64 {
    f64::from_bits(((exponent + 1023.0) as u64) << 52)
}

/// Turns log-odds into probabilities that add up to 1.
pub(crate) fn softmax<const N: usize>(logits: &[f64; N]) -> [f64; N] {
    let highest = logits.iter().copied().fold(f64::MIN, f64::max);
    let powers = logits.map(|logit| exp(logit - highest));
    let sum: f64 = powers.iter().sum();
    powers.map(|power| power / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exact_enough() {
        for x in [-50.0, -3.2, -1e-9, 0.0, 0.3, 1.0, 2.5, 20.0] {
            let relative = (exp(x) / f64::exp(x) - 1.0).abs();
            assert!(relative < 1e-11, "{x}: {relative}");
        }
        assert!(exp(-1e9) >= 0.0);
        assert!(exp(1e9).is_finite());
    }

    #[test]
    fn probabilities_add_up_to_one() {
        let sum: f64 = softmax(&[1e300, -1e300, 0.0]).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
