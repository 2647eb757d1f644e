//! Another tenant in the same node: a small one, whose systems give the same numbers and sell under the same codes.

use truthsource_core::Decimal;
use truthsource_core::draw::Draw;
use truthsource_simulators::world::{Article, Catalogue, Deed, Price};

use super::expand::PLENTY;
use super::{Act, Menu, Plan};
use crate::demo::world::{LISTS, LOCATIONS};

/// In how many of a thousand days there is one.
const DAYS: u32 = 120;
/// What everything bears that its people name.
const MARK: &str = "next door";
/// What it has of each at least, in stock and in money: nobody else has nearly as much.
pub(crate) const MUCH: u32 = 50_000;
/// What people do there.
const ACTS: u64 = 14;
const ITEMS: u64 = 3;

impl Plan {
    /// The plan, and on some days what happens next door.
    pub(super) fn beside_a_neighbour(self, draw: Draw) -> Self {
        if !draw.chance(DAYS, "there is a neighbour", 0) {
            return self;
        }
        let others = self.systems.len().saturating_sub(1).max(1) as u64;
        let other = self.systems.get(1 + draw.below(others, "the neighbour's other system", 0) as usize);
        let systems = self.systems.first().into_iter().chain(other).copied().collect();
        let faults = Menu { outages: Vec::new(), mute: Vec::new(), drift: None, skew: None, ..self.faults.clone() };
        let mut acts: Vec<Act> = (0..ACTS).map(|n| act(draw, n, (self.chaos_ms, others.min(1) + 1))).collect();
        acts.sort_by_key(|it| it.at_ms);
        let neighbour = Self {
            seed: self.seed.wrapping_add(1 << 40),
            systems,
            acts,
            reforms: Vec::new(),
            stirs: Vec::new(),
            faults,
            shelf: None,
            neighbour: None,
            mark: Some(MARK.to_owned()),
            ..self.clone()
        };
        Self { neighbour: Some(Box::new(neighbour)), ..self }
    }

    /// What the system in this place begins with.
    #[must_use]
    pub fn catalogue_of(&self, seat: usize) -> Catalogue {
        let mut catalogue = Self::catalogue(seat);
        for (article, there) in catalogue.articles.iter_mut().zip(&self.stock) {
            let less = i64::from(PLENTY) - i64::from(*there);
            article.stock.iter_mut().for_each(|it| *it -= less);
        }
        let Some(mark) = &self.mark else {
            let articles = catalogue.articles.into_iter().chain(self.wares()).collect();
            return Catalogue { articles, ..catalogue };
        };
        let firms = catalogue.firms.into_iter().map(|mut it| {
            it.name = marked(&it.name, mark);
            it
        });
        let firms = firms.collect();
        let articles = catalogue.articles.into_iter().take(ITEMS as usize).map(|it| rich(it, mark)).collect();
        Catalogue { articles, firms, ..catalogue }
    }
}

fn marked(name: &str, mark: &str) -> String {
    format!("{name} {mark}")
}

/// As the article is next door: of the same code, and everything else is otherwise.
fn rich(article: Article, mark: &str) -> Article {
    let much = i64::from(MUCH);
    let prices = article.prices.into_iter().map(|it| Price { amount: it.amount + Decimal::from(MUCH), ..it });
    Article {
        title: marked(&article.title, mark),
        barcode: article.barcode.replacen('4', "7", 1),
        stock: article.stock.into_iter().map(|it| it + much).collect(),
        prices: prices.collect(),
        ..article
    }
}

fn act(draw: Draw, n: u64, (chaos_ms, seats): (u64, u64)) -> Act {
    let below = |of: u64, what: &str| draw.below(of, &format!("{what} next door"), n);
    let item = super::expand::code(below(ITEMS, "item"));
    let seat = below(seats, "where") as usize;
    let deed = match below(10, "deed") {
        0..5 => Deed::Move {
            item,
            location: LOCATIONS[below(2, "location") as usize].to_owned(),
            by: i64::try_from(below(14, "by")).unwrap_or_default() - 6,
        },
        5..8 => Deed::Retitle { item, title: marked(&format!("Bolt, edition {n}"), MARK) },
        _ => {
            let amount = Decimal::from(MUCH) + Decimal::from(below(900, "amount") as u32);
            Deed::Price { list: LISTS[0].to_owned(), item, price: Price { amount, breaks: Vec::new() } }
        }
    };
    Act { at_ms: below(chaos_ms, "when"), seat, deed }
}
