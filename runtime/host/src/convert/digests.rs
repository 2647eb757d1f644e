//! What a connector may export besides: digests.

use std::collections::BTreeSet;

use super::connector::{CURSOR_BYTES_MAX, REMOTE_ID_BYTES_MAX};
use super::records::{decimal_in, fields_out};
use crate::bindings::digests::exports::truthsource::connector::digests as wit;
use crate::error::Misfit;
use crate::model::{HeldRecord, RangeDigest, RangeTold};

/// The most ranges of one kind.
pub const RANGES_MAX: usize = 10_000;
/// The most sums of a digest: the contract's number.
const SUMS_MAX: usize = 16;

pub(crate) fn held_out(held: &HeldRecord) -> wit::Held {
    wit::Held { remote_id: held.remote_id.clone(), fields: fields_out(&held.fields) }
}

pub(crate) fn told_in(told: Vec<wit::Told>) -> Result<Vec<RangeTold>, Misfit> {
    let told = told.into_iter().map(|it| {
        if it.cursor.len() > CURSOR_BYTES_MAX {
            return Err(Misfit::new("cursor", format!("longer than {CURSOR_BYTES_MAX} bytes")));
        }
        Ok(RangeTold { digest: digest_in(it.digest)?, cursor: it.cursor })
    });
    let told = told.collect::<Result<Vec<_>, _>>()?;
    if told.len() > RANGES_MAX {
        return Err(Misfit::new("ranges", format!("more than {RANGES_MAX}")));
    }
    let mut ranges = BTreeSet::new();
    if let Some(twice) = told.iter().find(|it| !ranges.insert(&it.digest.range)) {
        return Err(Misfit::new(twice.digest.range.as_str(), "told of twice"));
    }
    are_alike(told.iter().map(|it| &it.digest))?;
    Ok(told)
}

pub(crate) fn digests_in(asked: usize, digests: Vec<wit::Digest>) -> Result<Vec<RangeDigest>, Misfit> {
    super::one_each(asked, digests.len())?;
    let digests = digests.into_iter().map(digest_in).collect::<Result<Vec<_>, _>>()?;
    are_alike(digests.iter())?;
    Ok(digests)
}

fn digest_in(digest: wit::Digest) -> Result<RangeDigest, Misfit> {
    let range = super::id("range", digest.range, REMOTE_ID_BYTES_MAX)?;
    if digest.sums.is_empty() || digest.sums.len() > SUMS_MAX {
        return Err(Misfit::new(range, format!("{} sums, which must be 1 to {SUMS_MAX}", digest.sums.len())));
    }
    let sums = digest.sums.iter().map(|it| decimal_in(&range, it)).collect::<Result<_, _>>()?;
    Ok(RangeDigest { range, sums })
}

/// All have as many sums.
fn are_alike<'a>(digests: impl Iterator<Item = &'a RangeDigest>) -> Result<(), Misfit> {
    let mut n = None;
    for digest in digests {
        if *n.get_or_insert(digest.sums.len()) != digest.sums.len() {
            return Err(Misfit::new(digest.range.as_str(), "has another number of sums than the others"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::bindings::connector::truthsource::types::records::Decimal;

    use super::*;

    fn digest(range: &str, sums: &[i64]) -> wit::Digest {
        let sums = sums.iter().map(|it| Decimal { mantissa: *it, scale: 0 }).collect();
        wit::Digest { range: range.to_owned(), sums }
    }

    fn check(digests: &[(&str, &[i64])], expect: &str) {
        let told = |(range, sums): &(&str, &[i64])| wit::Told { digest: digest(range, sums), cursor: "7".to_owned() };
        let seen = told_in(digests.iter().map(told).collect()).map(|it| it.len());
        assert_eq!(seen.map_or_else(|it| it.to_string(), |it| it.to_string()), expect);
    }

    #[test]
    fn digests_are_of_different_ranges_and_one_form() {
        check(&[("0", &[2, 5]), ("1", &[0, 0])], "2");
        check(&[("0", &[])], "0: 0 sums, which must be 1 to 16");
        check(&[("0", &[1]), ("0", &[1])], "0: told of twice");
        check(&[("0", &[1]), ("1", &[1, 2])], "1: has another number of sums than the others");
        check(&[("0", &[i64::MAX])], "0: a mantissa of more than 18 digits");
        let told = wit::Told { digest: digest("0", &[1]), cursor: "x".repeat(CURSOR_BYTES_MAX + 1) };
        assert!(told_in(vec![told]).is_err());
        assert_eq!(digests_in(2, vec![digest("0", &[1]), digest("0", &[2])]).map(|it| it.len()), Ok(2));
        assert!(digests_in(2, vec![digest("0", &[1])]).is_err());
    }
}
