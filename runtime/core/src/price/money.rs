//! Currencies, and amounts on their way to one.

use std::cmp::Ordering;

use crate::Decimal;

/// Digits after the point of an amount of this currency (ISO 4217).
#[must_use]
pub fn digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// An amount before it is rounded. Per cent of per cent have more digits than anything that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exact {
    mantissa: i128,
    scale: u32,
}

impl From<Decimal> for Exact {
    fn from(amount: Decimal) -> Self {
        let (mantissa, scale) = amount.parts();
        Self { mantissa: mantissa.into(), scale }
    }
}

impl Exact {
    /// So many per cent more; `None` past 38 digits, and past 28 after the point.
    pub(super) fn with(self, percent: Decimal) -> Option<Self> {
        let (mantissa, scale) = Decimal::from(100).checked_add(percent)?.parts();
        let mut mantissa = self.mantissa.checked_mul(mantissa.into())?;
        let mut scale = self.scale + scale + 2;
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        (scale <= DIGITS_MAX).then_some(Self { mantissa, scale })
    }

    /// With so many digits after the point at the most, half away from zero; `None` where it is no [`Decimal`].
    pub(super) fn rounded(self, places: u32) -> Option<Decimal> {
        let places = places.min(self.scale);
        let unit = 10_i128.checked_pow(self.scale - places)?;
        let (whole, rest) = (self.mantissa / unit, self.mantissa % unit);
        let up = if rest.unsigned_abs() * 2 >= unit.unsigned_abs() && unit > 1 { rest.signum() } else { 0 };
        Decimal::new(i64::try_from(whole + up).ok()?, places).ok()
    }

    /// Whole units, and what is left of one, with as many digits as there can be.
    fn parts(self) -> (i128, i128) {
        let unit = 10_i128.pow(self.scale);
        (self.mantissa / unit, (self.mantissa % unit) * 10_i128.pow(DIGITS_MAX - self.scale))
    }
}

/// Digits after the point: 12 of an amount, 6 of each of two rates of per cent, and two for each.
const DIGITS_MAX: u32 = 28;

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_compare_whatever_their_digits() {
        let of = |amount: &str, percents: &[&str]| {
            let exact = Exact::from(amount.parse::<Decimal>().unwrap());
            percents.iter().try_fold(exact, |it, percent| it.with(percent.parse().unwrap()))
        };
        assert_eq!(of("11", &[]), of("10", &["10"]));
        assert!(of("12.5", &["-33.333333"]) > of("8.33333337", &[]));
        assert!(of("12.5", &["-33.333333"]) < of("8.3333333751", &[]));
        assert!(of("999999999999999999", &[]) > of("0.000000000001", &["0.000001", "0.000001"]));
        assert_eq!(of("0.000000000001", &["0.000001", "0.000001", "0.000001"]), None);
        let cents = |amount: &str, percent: &str| of(amount, &[percent]).and_then(|it| it.rounded(2));
        assert_eq!(cents("0.1", "-95"), Some("0.01".parse().unwrap()));
        assert_eq!(cents("-0.1", "-95"), Some("-0.01".parse().unwrap()));
        assert_eq!(cents("0.09", "-95"), Some("0".parse().unwrap()));
    }
}
