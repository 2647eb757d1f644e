//! When what is owed will have been written.

use super::{Class, SHARE_EVERY};

/// Calls that are to be made, by class.
pub type Work = [u64; Class::ALL.len()];

/// When each class is through, in milliseconds from now, if nothing comes in between: shares are those that a
/// [`Budget`](super::Budget) gives. `rates_milli`: calls of each class that the account takes when the class has it for
/// itself, in thousandths a second. `None`: never, at a rate of nothing.
#[must_use]
pub fn drain(work: Work, rates_milli: Work) -> [Option<u64>; Class::ALL.len()] {
    // What a class needs of the account for itself, in microseconds.
    let need = |class: Class| match (work[class as usize], rates_milli[class as usize]) {
        (0, _) => Some(0),
        (_, 0) => None,
        (calls, rate) => Some(u128::from(calls) * 1_000_000_000 / u128::from(rate)),
    };
    let mut left = Class::ALL.map(need);
    let mut done = left.map(|it| it.filter(|it| *it == 0).map(|_| 0));
    let mut now_us: u128 = 0;
    loop {
        let open = |it: &Class| left[*it as usize].is_some_and(|left| left > 0);
        let mut sharing: Vec<Class> = Class::ALL.into_iter().filter(|it| *it != Class::Sweep).filter(open).collect();
        if sharing.is_empty() && open(&Class::Sweep) {
            sharing.push(Class::Sweep);
        }
        let Some(first) = sharing.first().copied() else { return done };
        let every = u128::from(SHARE_EVERY);
        let others = sharing.len() as u128 - 1;
        let share = |class: Class| if class == first { every - others } else { 1 };
        let ends = |class: Class| (left[class as usize].unwrap_or(0) * every).div_ceil(share(class));
        let step = sharing.iter().map(|it| ends(*it)).min().unwrap_or(1).max(1);
        now_us += step;
        for class in sharing {
            let remains = left[class as usize].unwrap_or(0).saturating_sub(step * share(class) / every);
            left[class as usize] = Some(remains);
            if remains == 0 {
                done[class as usize] = Some(u64::try_from(now_us / 1_000).unwrap_or(u64::MAX));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(work: Work, expect: [Option<u64>; 5]) {
        assert_eq!(drain(work, [1_000; 5]), expect);
    }

    #[test]
    fn what_is_more_urgent_ends_first() {
        check([0; 5], [Some(0); 5]);
        check([0, 0, 60, 0, 0], [Some(0), Some(0), Some(60_000), Some(0), Some(0)]);
        // 19 of 20 calls are orders until they are through; then the rest of the catalogue.
        check([19, 0, 0, 100, 0], [Some(20_000), Some(0), Some(0), Some(119_000), Some(0)]);
        // A sweep waits for all.
        check([0, 0, 30, 0, 30], [Some(0), Some(0), Some(30_000), Some(0), Some(60_000)]);
        // One that is small ends within its share.
        check([1_000, 1, 0, 0, 0], [Some(1_001_000), Some(20_000), Some(0), Some(0), Some(0)]);
    }

    #[test]
    fn a_rate_of_nothing_never_ends() {
        let done = drain([0, 5, 0, 0, 0], [0, 0, 0, 0, 0]);
        assert_eq!(done, [Some(0), None, Some(0), Some(0), Some(0)]);
    }
}
