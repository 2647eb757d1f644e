//! What comes and goes: items that nobody counts or orders, and that people add, delete, rename and put together.

use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;
use truthsource_core::draw::Draw;
use truthsource_simulators::world::{Article, Deed, Price};

use super::{Act, Plan};
use crate::demo::world::LISTS;

/// How their codes begin.
pub const WARE: &str = "NUT-";
/// How many every system knows from the start, on days on which any come and go.
const WARES: u64 = 3;
/// And where so many are deleted at once that it is too much to believe.
const MANY: u64 = 8;
/// In how many of a thousand days each of it happens.
const DAYS: u32 = 80;

/// Something that people do about wares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stir {
    /// There is a new one, at one system or at two at once.
    Added,
    /// One is deleted.
    Deleted,
    /// One gets another code.
    Recoded,
    /// One is written in other cases.
    Respelled,
    /// One gets the code of another, which is deleted or not.
    Merged,
    /// One is deleted, and is there again soon after.
    Returned,
    /// All are deleted at once.
    MassDeleted,
}

impl Stir {
    const ALL: [Self; 7] =
        [Self::Added, Self::Deleted, Self::Recoded, Self::Respelled, Self::Merged, Self::Returned, Self::MassDeleted];

    /// Its name among what goes wrong.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "record-added",
            Self::Deleted => "record-deleted",
            Self::Recoded => "record-recoded",
            Self::Respelled => "record-respelled",
            Self::Merged => "records-merged",
            Self::Returned => "record-returned",
            Self::MassDeleted => "mass-delete",
        }
    }

    /// What happens on a seed's day.
    pub(super) fn drawn(draw: Draw) -> Vec<Self> {
        Self::ALL.into_iter().filter(|it| draw.chance(DAYS, it.name(), 0)).collect()
    }
}

/// What people do about wares on a day on which this happens.
pub(super) fn acts(draw: Draw, stirs: &[Stir], (seats, chaos_ms): (usize, u64)) -> Vec<Act> {
    let mut acts: Vec<Act> = stirs.iter().flat_map(|it| stirred(draw, *it, (seats, chaos_ms))).collect();
    let words = 4 * u64::from(!stirs.is_empty());
    // Somebody goes on working with what is deleted elsewhere.
    acts.extend((0..words).map(|n| {
        let (item, title) = (ware(draw.below(WARES, "whose title", n)), format!("Nut, edition {n}"));
        let at_ms = draw.below(chaos_ms, "when a nut is retitled", n);
        Act {
            at_ms,
            seat: draw.below(seats as u64, "where a nut is retitled", n) as usize,
            deed: Deed::Retitle { item, title },
        }
    }));
    acts
}

fn stirred(draw: Draw, stir: Stir, (seats, chaos_ms): (usize, u64)) -> Vec<Act> {
    let below = |of: u64, what: &str| draw.below(of, &format!("{what} of {}", stir.name()), 0);
    // As often at the system that owns them as at all others.
    let seat = if below(2, "owner") == 0 { 0 } else { below(seats as u64, "seat") as usize };
    let at_ms = below(chaos_ms, "when");
    let soon_ms = at_ms + 1 + below(90_000, "how soon");
    let (one, other) = (below(WARES, "ware"), below(WARES - 1, "other ware"));
    let (one, other) = (ware(one), ware(if other < one { other } else { other + 1 }));
    let at = |at_ms, seat, deed| Act { at_ms, seat, deed };
    let delete = |item: &String| Deed::Delete { item: item.clone() };
    let recode = |item: &String, code: String| Deed::Recode { item: item.clone(), code };
    match stir {
        Stir::Added => {
            let first = article(9, &format!("Nut, new at {seat}"));
            let twin =
                Article { code: first.code.to_lowercase(), title: "Nut, new elsewhere".to_owned(), ..first.clone() };
            let elsewhere = (seat + 1 + below(seats as u64 - 1, "elsewhere") as usize) % seats;
            let mut acts = vec![at(at_ms, seat, Deed::Add(first))];
            if elsewhere != seat && below(2, "twin") == 0 {
                acts.push(at(soon_ms, elsewhere, Deed::Add(twin)));
            }
            acts
        }
        Stir::Deleted => vec![at(at_ms, seat, delete(&one))],
        Stir::Recoded => vec![at(at_ms, seat, recode(&one, format!("{one}-B")))],
        Stir::Respelled => vec![at(at_ms, seat, recode(&one, one.to_lowercase()))],
        Stir::Merged => {
            let rename = at(soon_ms, seat, recode(&one, other.clone()));
            let mut acts = vec![rename];
            if below(2, "deleted first") == 0 {
                acts.push(at(at_ms, seat, delete(&other)));
            }
            acts
        }
        Stir::Returned => {
            let back = Article { code: one.clone(), ..article(0, "Nut, back again") };
            vec![at(at_ms, seat, delete(&one)), at(soon_ms, seat, Deed::Add(back))]
        }
        Stir::MassDeleted => (0..MANY).map(|it| at(at_ms, seat, delete(&ware(it)))).collect(),
    }
}

impl Plan {
    /// The wares that every system knows from the start.
    pub(super) fn wares(&self) -> impl Iterator<Item = Article> {
        let many = if self.stirs.contains(&Stir::MassDeleted) { MANY } else { WARES };
        (0..if self.stirs.is_empty() { 0 } else { many }).map(|at| article(at, &format!("Nut {at}")))
    }
}

fn ware(at: u64) -> String {
    format!("{WARE}{at}")
}

fn article(at: u64, title: &str) -> Article {
    let price = Price { amount: Decimal::from(3), breaks: Vec::new() };
    Article {
        code: ware(at),
        title: title.to_owned(),
        barcode: format!("{:013}", 6_000_000_000_000 + at),
        stock: Vec::new(),
        prices: LISTS.map(|_| price.clone()).to_vec(),
    }
}
