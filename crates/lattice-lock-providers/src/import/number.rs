//! Decimals as they stand in a file.

use crate::Price;

/// A price read from text, and whether a float's noise was left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) price: Price,
    pub(super) smoothed: bool,
}

/// How many significant digits a double keeps of a decimal.
const SURE_DIGITS: usize = 15;

/// The price per unit from a JSON number of USD per 10^`per` units.
///
/// Lists that are made with floats hold figures such as `2.0000000000000002e-07`. Whatever has 16 or 17 significant
/// digits was printed from a double, which keeps 15: it is rounded to these, and if that leaves more digits than a price
/// may have, the figure is refused instead of being rounded further.
pub(super) fn price(number: &str, per: u32) -> Option<Read> {
    let (digits, exponent) = parts(number)?;
    let noisy = digits.len() > SURE_DIGITS;
    let (digits, exponent) = if noisy {
        rounded(&digits, exponent)?
    } else {
        (digits, exponent)
    };
    let kept = digits.trim_end_matches('0');
    let exponent =
        exponent + i32::try_from(digits.len() - kept.len()).ok()? - i32::try_from(per).ok()?;
    if kept.is_empty() {
        let price = Price::of_digits(0, 0)?;
        return Some(Read {
            price,
            smoothed: false,
        });
    }
    let kept: i128 = kept.parse().ok()?;
    let price = if let Ok(places) = u32::try_from(-exponent) {
        Price::of_digits(kept, places)?
    } else {
        let factor = 10_i128.checked_pow(u32::try_from(exponent).ok()?)?;
        Price::of_digits(kept.checked_mul(factor)?, 0)?
    };
    Some(Read {
        price,
        smoothed: noisy,
    })
}

/// The digits without leading zeros, and the power of ten that the last one counts.
fn parts(number: &str) -> Option<(String, i32)> {
    let (mantissa, power) = match number.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i16>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    let plain = !digits.is_empty()
        && digits.len() <= 64
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = i32::from(power) - i32::try_from(fraction.len()).ok()?;
    plain.then(|| (digits.trim_start_matches('0').to_owned(), exponent))
}

fn rounded(digits: &str, exponent: i32) -> Option<(String, i32)> {
    let (kept, rest) = digits.split_at(SURE_DIGITS);
    let up = i64::from(rest.as_bytes().first().is_some_and(|digit| *digit >= b'5'));
    let kept = kept.parse::<i64>().ok()? + up;
    Some((kept.to_string(), exponent + i32::try_from(rest.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(number: &str, per: u32, expected: Option<&str>) {
        let read = price(number, per).map(|read| read.price.per_unit().to_string());
        assert_eq!(read.as_deref(), expected, "{number}");
    }

    #[test]
    fn numbers_are_taken_as_they_are_written() {
        check("1.25e-06", 0, Some("0.00000125"));
        check("1.25", 6, Some("0.00000125"));
        check("0", 0, Some("0"));
        check("0.0", 6, Some("0"));
        check("10", 3, Some("0.01"));
        check("1E2", 0, Some("100"));
        check("0.000000", 0, Some("0"));
    }

    #[test]
    fn the_noise_of_a_float_is_left_off_and_nothing_else() {
        check("2.0000000000000002e-07", 0, Some("0.0000002"));
        check("2.9999900000000002e-06", 0, Some("0.00000299999"));
        check("9.499999999999999e-07", 0, Some("0.00000095"));
        check("9.999999999999999e-07", 0, Some("0.000001"));
        check("3.3333333333333335e-05", 0, None);
        check("1.234567891e-06", 0, None);
    }

    #[test]
    fn nonsense_is_refused() {
        for number in [
            "-1",
            "1e99",
            "1e-99",
            "1e99999",
            "",
            ".",
            "e",
            "NaN",
            "1.2.3",
            "99999999999",
        ] {
            check(number, 0, None);
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_decimal_parser(digits in 0_u32..1_000_000, places in 0_u32..12) {
            let text = rust_decimal::Decimal::from_i128_with_scale(i128::from(digits), places).to_string();
            let expected = Price::per_million(&text).ok();
            prop_assert_eq!(price(&text, 6).map(|read| read.price), expected);
        }
    }
}
