//! The second half of an ECDSA signature: with `s`, `n - s` is right as well.

use std::array;

/// The order of P-256's group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Whether `signature` has 64 bytes, and the lower of the two numbers that are right.
pub(super) fn is_low(signature: &[u8]) -> bool {
    match signature.split_at_checked(32) {
        Some((_, half)) => <&[u8; 32]>::try_from(half).is_ok_and(|s| *s <= negated(s)),
        None => false,
    }
}

/// The signature with the lower number.
pub(super) fn lowered(mut signature: Vec<u8>) -> Vec<u8> {
    if let Some((_, half)) = signature.split_at_mut_checked(32)
        && let Ok(s) = <&mut [u8; 32]>::try_from(half)
    {
        *s = negated(s).min(*s);
    }
    signature
}

/// `ORDER - s`, for an `s` that is not larger. Signatures are public: nothing here has to take constant time.
fn negated(s: &[u8; 32]) -> [u8; 32] {
    let mut borrow = false;
    let mut result: [u8; 32] = array::from_fn(|at| {
        let at = 31 - at;
        let (once, first) = ORDER[at].overflowing_sub(s[at]);
        let (twice, second) = once.overflowing_sub(u8::from(borrow));
        borrow = first || second;
        twice
    });
    result.reverse();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(last: u8) -> [u8; 32] {
        let mut number = [0; 32];
        number[31] = last;
        number
    }

    #[test]
    fn a_number_and_its_negative_make_the_order() {
        assert_eq!(negated(&number(0)), ORDER);
        assert_eq!(negated(&ORDER), number(0));
        let mut expected = ORDER;
        expected[31] -= 0x51;
        assert_eq!(negated(&number(0x51)), expected);
        let mut beyond = ORDER;
        beyond[31] -= 1;
        assert_eq!(negated(&beyond), number(1));
        assert_eq!(negated(&negated(&number(0xff))), number(0xff));
    }

    #[test]
    fn of_two_numbers_one_is_low() {
        let high = [[7; 32], negated(&number(9))].concat();
        assert!(!is_low(&high));
        let low = lowered(high);
        assert!(is_low(&low));
        assert_eq!(low, [[7; 32], number(9)].concat());
        assert_eq!(lowered(low.clone()), low);
        for length in [0, 31, 32, 63, 65] {
            assert!(!is_low(&vec![0; length]), "{length}");
        }
    }
}
