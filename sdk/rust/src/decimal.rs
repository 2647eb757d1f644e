//! Exact decimals for money, quantities and rates.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// An exact decimal number, never a float: at most 18 significant digits, of which at most 12 after the point.
///
/// Two spellings of one number are equal and print alike: `12.50`, `12.5` and `1.25e1` are all `12.5`. Every
/// operation is exact or says that it is not possible; only [`Decimal::round`] and [`Decimal::floor`] lose digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    /// Without trailing zeros, so that derived equality is equality of values.
    mantissa: i64,
    scale: u8,
}

/// The largest mantissa that crosses a contract.
pub const MANTISSA_MAX: i64 = 999_999_999_999_999_999;
/// The most digits after the point that cross a contract.
pub const SCALE_MAX: u8 = 12;

/// Why a text or a pair of numbers is not a [`Decimal`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not digits with at most one point, an optional sign and an optional exponent.
    #[error("`{0}` is not a decimal number")]
    Malformed(String),
    /// More digits than a [`Decimal`] holds.
    #[error("a decimal number holds at most 18 digits, 12 of them after the point")]
    OutOfRange,
}

impl Decimal {
    /// Nothing.
    pub const ZERO: Decimal = Decimal { mantissa: 0, scale: 0 };
    /// One.
    pub const ONE: Decimal = Decimal { mantissa: 1, scale: 0 };

    /// `mantissa / 10^scale`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] past [`MANTISSA_MAX`] or [`SCALE_MAX`], after trailing zeros are dropped.
    pub fn new(mantissa: i64, scale: u8) -> Result<Self, Error> {
        Self::exact(mantissa.into(), scale.into()).ok_or(Error::OutOfRange)
    }

    /// The number as `(mantissa, scale)` with the smallest scale that holds it.
    #[must_use]
    pub fn parts(self) -> (i64, u8) {
        (self.mantissa, self.scale)
    }

    /// Rounded to `places` digits after the point, half away from zero (the rule of invoices).
    #[must_use]
    pub fn round(self, places: u8) -> Self {
        if self.scale <= places {
            return self;
        }
        let unit = power(self.scale - places);
        let (mantissa, half) = (i128::from(self.mantissa), unit / 2);
        let away = if mantissa < 0 { mantissa - half } else { mantissa + half };
        Self::exact(away / unit, places.into()).unwrap_or(self)
    }

    /// The largest whole number that is not above.
    #[must_use]
    pub fn floor(self) -> Self {
        let whole = i128::from(self.mantissa).div_euclid(power(self.scale));
        Self::exact(whole, 0).unwrap_or(self)
    }

    /// The number as an integer; `None` when it has a fraction.
    #[must_use]
    pub fn whole(self) -> Option<i64> {
        (self.scale == 0).then_some(self.mantissa)
    }

    /// The sum, or `None` when it has too many digits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Self::exact(self.at(scale) + other.at(scale), scale.into())
    }

    /// The difference, or `None` when it has too many digits.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(-other)
    }

    /// The product, or `None` when it has too many digits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let product = i128::from(self.mantissa) * i128::from(other.mantissa);
        Self::exact(product, u32::from(self.scale) + u32::from(other.scale))
    }

    /// Below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The mantissa at a scale that is not below the own one: at most 10^30, which `i128` holds.
    fn at(self, scale: u8) -> i128 {
        i128::from(self.mantissa) * power(scale - self.scale)
    }

    fn exact(mut mantissa: i128, mut scale: u32) -> Option<Self> {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        if mantissa.unsigned_abs() > MANTISSA_MAX.unsigned_abs().into() || scale > SCALE_MAX.into() {
            return None;
        }
        Some(Self { mantissa: i64::try_from(mantissa).ok()?, scale: u8::try_from(scale).ok()? })
    }
}

/// `10^exponent`; a scale is at most 12.
fn power(exponent: u8) -> i128 {
    10i128.pow(exponent.into())
}

impl FromStr for Decimal {
    type Err = Error;

    /// Reads `-12.50`, `1e3`, `.5`. Refuses blanks, separators and anything that is not exact.
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::Malformed(text.chars().take(40).collect());
        if text.len() > 64 {
            return Err(malformed());
        }
        let (number, exponent) = match text.split_once(['e', 'E']) {
            None => (text, 0),
            Some((number, exponent)) => (number, exponent.parse::<i32>().map_err(|_| malformed())?),
        };
        let (sign, digits) = match number.as_bytes().first() {
            Some(b'-') => (-1, &number[1..]),
            Some(b'+') => (1, &number[1..]),
            _ => (1, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit()) {
            return Err(malformed());
        }
        let mut mantissa = 0i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let grown = mantissa.checked_mul(10).and_then(|it| it.checked_add((digit - b'0').into()));
            mantissa = grown.ok_or(Error::OutOfRange)?;
        }
        let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX) - i64::from(exponent);
        shifted(sign * mantissa, scale).ok_or(Error::OutOfRange)
    }
}

/// `mantissa / 10^scale` for a scale of either sign.
fn shifted(mantissa: i128, scale: i64) -> Option<Decimal> {
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    if scale >= 0 {
        return Decimal::exact(mantissa, u32::try_from(scale).ok()?);
    }
    let power = 10i128.checked_pow(u32::try_from(-scale).ok()?)?;
    Decimal::exact(mantissa.checked_mul(power)?, 0)
}

impl fmt::Display for Decimal {
    /// Plain digits without trailing zeros or exponent: the canonical spelling everywhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let mantissa = self.mantissa.unsigned_abs();
        if self.scale == 0 {
            return write!(f, "{sign}{mantissa}");
        }
        let unit = 10u64.pow(self.scale.into());
        write!(f, "{sign}{}.{:0width$}", mantissa / unit, mantissa % unit, width = usize::from(self.scale))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.at(scale).cmp(&other.at(scale))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::ops::Neg for Decimal {
    type Output = Self;
    fn neg(self) -> Self {
        Self { mantissa: -self.mantissa, scale: self.scale }
    }
}

impl From<u32> for Decimal {
    fn from(whole: u32) -> Self {
        Self { mantissa: whole.into(), scale: 0 }
    }
}

impl From<i32> for Decimal {
    fn from(whole: i32) -> Self {
        Self { mantissa: whole.into(), scale: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: &str) {
        let seen = match text.parse::<Decimal>() {
            Ok(number) => number.to_string(),
            Err(Error::Malformed(_)) => "malformed".to_owned(),
            Err(Error::OutOfRange) => "out of range".to_owned(),
        };
        assert_eq!(seen, expect, "{text}");
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_systems_send() {
        check("12.50", "12.5");
        check("-0.00", "0");
        check("+7", "7");
        check(".5", "0.5");
        check("-0.05", "-0.05");
        check("140.0", "140");
        check("1e3", "1000");
        check("1.25E1", "12.5");
        check("1e-3", "0.001");
        check("0e400", "0");
        check("999999999999999999", "999999999999999999");
    }

    #[test]
    fn refuses_what_is_not_exact() {
        for text in ["", "-", ".", "1,99", " 1", "1_000", "NaN", "0x10", "1e", "1.2.3", "--1"] {
            check(text, "malformed");
        }
        for text in ["1e400", "1e-13", "1000000000000000000", "0.1234567890123"] {
            check(text, "out of range");
        }
    }

    #[test]
    fn a_product_is_exact_or_refused() {
        // Rounding to 28 digits would turn this product into one that fits.
        let near = decimal("999999.999999999999");
        assert_eq!(near.checked_mul(near), None);
        assert_eq!(decimal("19.99").checked_mul(decimal("0.9")), Some(decimal("17.991")));
    }

    #[test]
    fn rounds_half_away_from_zero_and_floors_down() {
        assert_eq!(decimal("2.345").round(2), decimal("2.35"));
        assert_eq!(decimal("-2.345").round(2), decimal("-2.35"));
        assert_eq!(decimal("-0.5").floor(), decimal("-1"));
        assert_eq!(decimal("3.9").floor(), decimal("3"));
    }

    proptest! {
        #[test]
        fn printing_and_reading_agree(mantissa in -MANTISSA_MAX..=MANTISSA_MAX, scale in 0..=SCALE_MAX) {
            let number = Decimal::new(mantissa, scale).unwrap();
            prop_assert_eq!(number.to_string().parse::<Decimal>().unwrap(), number);
        }

        #[test]
        fn adding_and_taking_away_is_nothing(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000, scale in 0u8..=6) {
            let (a, b) = (Decimal::new(a, scale).unwrap(), Decimal::new(b, 2).unwrap());
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
        }

        #[test]
        fn order_is_that_of_differences(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000, scale in 0u8..=6) {
            let (a, b) = (Decimal::new(a, scale).unwrap(), Decimal::new(b, 2).unwrap());
            prop_assert_eq!(a < b, a.checked_sub(b).unwrap().is_negative());
        }
    }
}
