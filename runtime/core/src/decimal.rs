//! Exact decimals for money, quantities and rates.

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An exact decimal number, never a float: at most 18 significant digits, of which at most 12 after the point.
///
/// Two spellings of one number are equal and print alike: `12.50`, `12.5` and `1.25e1` are all `12.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(rust_decimal::Decimal);

/// The largest mantissa, as the contracts in `wit/` promise.
pub const MANTISSA_MAX: i64 = 999_999_999_999_999_999;
/// The most digits after the point, as the contracts in `wit/` promise.
pub const SCALE_MAX: u32 = 12;

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
    pub const ZERO: Decimal = Decimal(rust_decimal::Decimal::ZERO);
    /// One.
    pub const ONE: Decimal = Decimal(rust_decimal::Decimal::ONE);

    /// `mantissa / 10^scale`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] past [`MANTISSA_MAX`] or [`SCALE_MAX`].
    pub fn new(mantissa: i64, scale: u32) -> Result<Self, Error> {
        let number = rust_decimal::Decimal::try_new(mantissa, scale).map_err(|_| Error::OutOfRange)?;
        Self::bounded(number)
    }

    /// The number as `(mantissa, scale)` with the smallest scale that holds it.
    #[must_use]
    pub fn parts(self) -> (i64, u32) {
        // Within bounds by construction: a mantissa of at most 18 digits fits.
        (i64::try_from(self.0.mantissa()).unwrap_or(i64::MAX), self.0.scale())
    }

    /// Rounded to `places` digits after the point, half away from zero (the rule of invoices).
    #[must_use]
    pub fn round(self, places: u32) -> Self {
        let rounded = self.0.round_dp_with_strategy(places, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        Self(rounded.normalize())
    }

    /// The largest whole number that is not above.
    #[must_use]
    pub fn floor(self) -> Self {
        Self(self.0.floor().normalize())
    }

    /// The sum, or `None` when it has too many digits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(|sum| Self::bounded(sum).ok())
    }

    /// The difference, or `None` when it has too many digits.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(|difference| Self::bounded(difference).ok())
    }

    /// The product, or `None` when it has too many digits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        // 18 digits by 18 digits fit 128 bits; the library's own product rounds silently past 96.
        let mut mantissa = self.0.mantissa().checked_mul(other.0.mantissa())?;
        let mut scale = self.0.scale() + other.0.scale();
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self::new(i64::try_from(mantissa).ok()?, scale).ok()
    }

    /// The largest whole number of times that `by` goes in, or `None` where `by` is not above zero.
    #[must_use]
    pub fn times(self, by: Self) -> Option<Self> {
        // A mantissa of 18 digits and 12 more fit 128 bits.
        let scaled = |one: Self, other: Self| one.0.mantissa().checked_mul(10i128.checked_pow(other.0.scale())?);
        let (whole, part) = (scaled(self, by)?, scaled(by, self)?);
        let times = if part > 0 { whole.div_euclid(part) } else { return None };
        Self::new(i64::try_from(times).ok()?, 0).ok()
    }

    /// The smallest whole number that is not below.
    #[must_use]
    pub fn ceil(self) -> Self {
        Self(self.0.ceil().normalize())
    }

    /// Nothing: by reference, as serde asks.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self < Self::ZERO
    }

    fn bounded(number: rust_decimal::Decimal) -> Result<Self, Error> {
        let number = number.normalize();
        let fits =
            number.mantissa().unsigned_abs() <= MANTISSA_MAX.unsigned_abs().into() && number.scale() <= SCALE_MAX;
        if fits { Ok(Self(number)) } else { Err(Error::OutOfRange) }
    }
}

impl FromStr for Decimal {
    type Err = Error;

    /// Reads `-12.50`, `1e3`, `.5`. Refuses blanks, separators and anything that is not exact.
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::Malformed(text.chars().take(40).collect());
        if text.is_empty() || text.len() > 64 || !text.bytes().all(|it| it.is_ascii_digit() || b"+-.eE".contains(&it)) {
            return Err(malformed());
        }
        let (digits, exponent) = match text.find(['e', 'E']) {
            None => (text, 0),
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| malformed())?),
        };
        let number = rust_decimal::Decimal::from_str_exact(digits).map_err(|error| match error {
            rust_decimal::Error::ExceedsMaximumPossibleValue
            | rust_decimal::Error::LessThanMinimumPossibleValue
            | rust_decimal::Error::Underflow
            | rust_decimal::Error::ScaleExceedsMaximumPrecision(_) => Error::OutOfRange,
            _ => malformed(),
        })?;
        shift(number, exponent).map_or(Err(Error::OutOfRange), Self::bounded)
    }
}

/// `number * 10^exponent`, exactly.
fn shift(number: rust_decimal::Decimal, exponent: i32) -> Option<rust_decimal::Decimal> {
    if number.is_zero() {
        return Some(number);
    }
    let mut number = number.normalize();
    let scale = i64::from(number.scale()) - i64::from(exponent);
    if scale >= 0 {
        number.set_scale(u32::try_from(scale).ok()?).ok()?;
        return Some(number);
    }
    let power = 10i128.checked_pow(u32::try_from(-scale).ok()?)?;
    let mantissa = number.mantissa().checked_mul(power)?;
    rust_decimal::Decimal::try_from_i128_with_scale(mantissa, 0).ok()
}

impl fmt::Display for Decimal {
    /// Plain digits without trailing zeros or exponent: the canonical spelling everywhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u32> for Decimal {
    fn from(whole: u32) -> Self {
        Self(rust_decimal::Decimal::from(whole))
    }
}

impl From<i32> for Decimal {
    fn from(whole: i32) -> Self {
        Self(rust_decimal::Decimal::from(whole).normalize())
    }
}

impl Neg for Decimal {
    type Output = Self;
    fn neg(self) -> Self {
        Self((-self.0).normalize())
    }
}

/// Saturating in effect: used where both sides are known to be far from the bounds (tests, formatting).
/// Decisions use the `checked_*` functions.
impl Add for Decimal {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).normalize())
    }
}

impl Sub for Decimal {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self((self.0 - other.0).normalize())
    }
}

impl Mul for Decimal {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self((self.0 * other.0).normalize())
    }
}

impl Serialize for Decimal {
    /// As a string: JSON numbers are floats to half of the world.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
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

    #[test]
    fn reads_what_systems_send() {
        check("12.50", "12.5");
        check("-0", "0");
        check("+7", "7");
        check(".5", "0.5");
        check("1e3", "1000");
        check("1.25E1", "12.5");
        check("1e-3", "0.001");
        check("0e400", "0");
        check("999999999999999999", "999999999999999999");
    }

    #[test]
    fn refuses_what_is_not_exact() {
        check("", "malformed");
        check("1,99", "malformed");
        check(" 1", "malformed");
        check("1_000", "malformed");
        check("NaN", "malformed");
        check("0x10", "malformed");
        check("1e", "malformed");
        check("1e400", "out of range");
        check("1e-13", "out of range");
        check("1000000000000000000", "out of range");
        check("0.1234567890123", "out of range");
    }

    #[test]
    fn a_tenth_and_two_tenths_are_three_tenths() {
        let sum = "0.1".parse::<Decimal>().unwrap().checked_add("0.2".parse().unwrap()).unwrap();
        assert_eq!(sum.to_string(), "0.3");
    }

    #[test]
    fn a_product_is_exact_or_refused() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(number("19.99").checked_mul(number("1.25")), Some(number("24.9875")));
        assert_eq!(number("500000").checked_mul(number("0.000002")), Some(Decimal::ONE));
        assert_eq!(number("999999.999999999999").checked_mul(number("999999.999999999999")), None);
        assert_eq!(number("0.0000001").checked_mul(number("0.0000001")), None);
    }

    #[test]
    fn a_part_goes_in_a_whole_number_of_times() {
        let times = |one: &str, by: &str| {
            let times = one.parse::<Decimal>().unwrap().times(by.parse().unwrap());
            times.map(|it| it.to_string())
        };
        assert_eq!(times("7", "2").as_deref(), Some("3"));
        assert_eq!(times("-7", "2").as_deref(), Some("-4"));
        assert_eq!(times("1", "0.1").as_deref(), Some("10"));
        assert_eq!(times("0.3", "0.1").as_deref(), Some("3"));
        assert_eq!(times("2.5", "1.25").as_deref(), Some("2"));
        assert_eq!(times("999999999999999999", "0.000000000001"), None, "too many digits");
        assert_eq!(times("1", "0"), None);
        assert_eq!(times("1", "-1"), None);
    }

    #[test]
    fn rounds_half_away_from_zero() {
        assert_eq!("2.345".parse::<Decimal>().unwrap().round(2).to_string(), "2.35");
        assert_eq!("-2.345".parse::<Decimal>().unwrap().round(2).to_string(), "-2.35");
    }

    proptest! {
        #[test]
        fn printing_and_reading_agree(mantissa in -MANTISSA_MAX..=MANTISSA_MAX, scale in 0..=SCALE_MAX) {
            let number = Decimal::new(mantissa, scale).unwrap();
            prop_assert_eq!(number.to_string().parse::<Decimal>().unwrap(), number);
            let (mantissa, scale) = number.parts();
            prop_assert_eq!(Decimal::new(mantissa, scale).unwrap(), number);
        }

        #[test]
        fn adding_and_taking_away_is_nothing(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000, scale in 0u32..=6) {
            let (a, b) = (Decimal::new(a, scale).unwrap(), Decimal::new(b, 2).unwrap());
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
        }
    }
}
