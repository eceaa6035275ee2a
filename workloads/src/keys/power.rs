//! `base` to the power of `exponent`, with the same bits on every machine.
//!
//! `f64::powf` calls the platform's mathematical library, and libraries differ in the last bit, which is enough to make two machines draw
//! different keys from one seed. Additions, multiplications and divisions are exact to the last bit everywhere (IEEE 754), so this uses nothing else.

use std::f64::consts::{LN_2, SQRT_2};

/// `base.powf(exponent)` for a positive, normal base and a result that is neither tiny nor huge.
pub(super) fn power(base: f64, exponent: f64) -> f64 {
    assert!(base.is_normal() && base > 0.0, "{base} is no base");
    exponential(exponent * logarithm(base))
}

/// The natural logarithm: `ln(m * 2^e) = e ln 2 + 2 artanh((m - 1) / (m + 1))`.
fn logarithm(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let mut exponent = f64::from(u32::try_from(bits >> 52).expect("twelve bits")) - 1023.0;
    let mut mantissa = f64::from_bits((bits & MANTISSA) | 1.0_f64.to_bits());
    if mantissa > SQRT_2 {
        mantissa /= 2.0;
        exponent += 1.0;
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    // |ratio| < 0.172, so the twelfth term is below 2^-53 of the first. The smallest terms come first.
    let sum = (0..12u32).rev().fold(0.0, |sum, term| {
        sum * square + 1.0 / f64::from(2 * term + 1)
    });
    exponent * LN_2 + 2.0 * ratio * sum
}

/// The exponential function: `e^x = 2^k e^r` with `|r| <= ln 2 / 2`.
fn exponential(x: f64) -> f64 {
    let doublings = (x / LN_2).round();
    assert!(doublings.abs() < 1000.0, "e^{x} is out of range");
    let rest = x - doublings * LN_2;
    let sum = (1..=16u32)
        .rev()
        .fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 23 and 2023"
    )]
    let biased = (doublings + 1023.0) as u64;
    sum * f64::from_bits(biased << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_platform_s_library() {
        for base in [
            1e-9, 0.01, 0.5, 0.97, 1.0, 1.41, 1.42, 2.0, 10.0, 12_345.678, 1e10,
        ] {
            for exponent in [-0.99, -0.01, 0.0, 0.01, 0.99, 1.0, 3.5] {
                let (ours, theirs) = (power(base, exponent), f64::powf(base, exponent));
                let error = (ours / theirs - 1.0).abs();
                assert!(error < 2e-14, "{base}^{exponent} = {theirs}, not {ours}");
            }
        }
        let (ours, theirs) = (power(0.9, 100.0), f64::powf(0.9, 100.0));
        assert!((ours / theirs - 1.0).abs() < 1e-13);
    }

    #[test]
    fn its_bits_are_pinned() {
        let bits = [power(1e10, 0.01), power(0.3, 100.0), power(2.0, 0.99)].map(f64::to_bits);
        insta::assert_snapshot!(format!("{bits:x?}"), @"[3ff4248ef8fc2604, 3513beceda168b23, 3fffc769e9b9c35d]");
    }
}
