//! Lines of a document that is to have others: which of them stay.

use truthsource_sdk::Decimal;

/// A line: what of, how many, and the price of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lot {
    /// The id of an item, or what a charge is booked as.
    pub of: String,
    pub quantity: Decimal,
    pub unit_price: Decimal,
}

/// For each line that is wanted the one that becomes it, if any does. They stay in their order, and as few are written as
/// can be: a line that is as wanted saves a removal and an addition, one of the same thing saves one of the two.
pub(crate) fn kept(held: &[Lot], want: &[Lot]) -> Vec<Option<usize>> {
    let before = held.iter().zip(want).take_while(|(held, want)| held == want).count();
    let (middle, wanted) = (&held[before..], &want[before..]);
    let after = middle.iter().rev().zip(wanted.iter().rev()).take_while(|(held, want)| held == want).count();
    let (middle, wanted) = (&middle[..middle.len() - after], &wanted[..wanted.len() - after]);
    let saved = saved(middle, wanted);
    let mut kept: Vec<Option<usize>> = (0..before).map(Some).collect();
    let (mut at, mut of) = (0, 0);
    while of < wanted.len() {
        let alike = middle.get(at).map_or(0, |it| likeness(it, &wanted[of]));
        if alike > 0 && saved[at][of] == saved[at + 1][of + 1] + alike {
            kept.push(Some(before + at));
            (at, of) = (at + 1, of + 1);
        } else if at < middle.len() && saved[at][of] == saved[at + 1][of] {
            at += 1;
        } else {
            kept.push(None);
            of += 1;
        }
    }
    kept.extend((held.len() - after..held.len()).map(Some));
    kept
}

/// How many writes are saved at the most from each pair of lines on.
fn saved(held: &[Lot], want: &[Lot]) -> Vec<Vec<u32>> {
    let mut saved = vec![vec![0; want.len() + 1]; held.len() + 1];
    for at in (0..held.len()).rev() {
        for of in (0..want.len()).rev() {
            let alike = likeness(&held[at], &want[of]);
            let paired = if alike > 0 { saved[at + 1][of + 1] + alike } else { 0 };
            saved[at][of] = paired.max(saved[at + 1][of]).max(saved[at][of + 1]);
        }
    }
    saved
}

fn likeness(held: &Lot, want: &Lot) -> u32 {
    if held == want { 2 } else { u32::from(held.of == want.of) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `A3`: three of A.
    fn lots(text: &str) -> Vec<Lot> {
        let lot =
            |it: &str| Lot { of: it[..1].to_owned(), quantity: it[1..].parse().unwrap(), unit_price: Decimal::ONE };
        text.split_whitespace().map(lot).collect()
    }

    #[test]
    fn as_many_lines_stay_as_can() {
        let check = |held: &str, want: &str, expect: &[Option<usize>]| {
            assert_eq!(kept(&lots(held), &lots(want)), expect, "{held} -> {want}");
        };
        check("A1 B2", "A1 B2", &[Some(0), Some(1)]);
        check("A1 B2 C3", "A1 C3", &[Some(0), Some(2)]);
        check("A1 B2", "A5 B2 C1", &[Some(0), Some(1), None]);
        check("A1 C3", "A1 B2 C3", &[Some(0), None, Some(1)]);
        // The one that is as wanted, and not the first of its kind.
        check("A1 A2", "A2", &[Some(1)]);
        check("A1 B2 C3", "C3 A1 B2", &[None, Some(0), Some(1)]);
        check("A1", "B1", &[None]);
        check("", "A1 B1", &[None, None]);
        check("A1 B1", "", &[]);
        check("A1 B1 A2", "A2 B1 A1", &[Some(0), Some(1), Some(2)]);
    }
}
