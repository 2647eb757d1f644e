//! How accurate a reading found a system to be, and how sure that is.

use std::collections::BTreeMap;

/// How a field at a system is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Its record is not there.
    Missing,
    /// Its record is there and should no longer be.
    Extra,
    /// It holds something else, and what it should hold is on its way for no longer than it may take.
    Stale,
    /// It holds something else.
    Wrong,
    /// What it should hold could not be found out.
    Unverifiable,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Missing, Self::Extra, Self::Stale, Self::Wrong, Self::Unverifiable];

    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Stale => "stale",
            Self::Wrong => "wrong",
            Self::Unverifiable => "unverifiable",
        }
    }

    /// It counts against accuracy: what is on its way does not, and what nobody knows does not either.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::Missing | Self::Extra | Self::Wrong)
    }
}

/// How many of these mismatches, by the name of their class, count against accuracy.
#[must_use]
pub fn against(mismatches: &BTreeMap<String, u64>) -> u64 {
    Class::ALL.iter().filter(|it| it.counts()).filter_map(|it| mismatches.get(it.as_str())).sum()
}

/// The share of `read` fields that agreed, and its one-sided lower bound at 95 % confidence: the rule of three where
/// none was wrong, else Wilson's. `None` when nothing was read.
#[must_use]
pub fn bounds(read: u64, wrong: u64) -> Option<(f64, f64)> {
    if read == 0 {
        return None;
    }
    // Counts stay far below 2^52, where floats begin to skip whole numbers.
    let (n, wrong) = (read as f64, wrong.min(read) as f64);
    let share = 1.0 - wrong / n;
    if wrong == 0.0 {
        return Some((1.0, (1.0 - 3.0 / n).max(0.0)));
    }
    let z2 = 1.645 * 1.645;
    let middle = share + z2 / (2.0 * n);
    let spread = 1.645 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Some((share, ((middle - spread) / (1.0 + z2 / n)).max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_does_not_count() {
        let mismatches = [("wrong", 2), ("stale", 3), ("missing", 4), ("extra", 5), ("unverifiable", 6)];
        assert_eq!(against(&mismatches.map(|(class, n)| (class.to_owned(), n)).into()), 11);
    }

    #[test]
    fn the_bound_is_below_the_share_and_nears_it() {
        assert_eq!(bounds(0, 0), None);
        assert_eq!(bounds(3_000, 0), Some((1.0, 0.999)));
        assert_eq!(bounds(1, 0), Some((1.0, 0.0)));
        let (few, many) = (bounds(100, 1).unwrap(), bounds(1_000_000, 10_000).unwrap());
        assert!(few.1 < few.0 && many.1 < many.0 && few.1 < many.1);
        assert!((many.1 - 0.9898).abs() < 0.0002, "{many:?}");
        assert_eq!(bounds(10, 10).unwrap().0, 0.0);
    }
}
