//! Who may ask an account next: the budget that all lanes to it share.
//!
//! What is more urgent goes first. What is less urgent is not forgotten over it: a class that waits while others are
//! served is served once among [`SHARE_EVERY`] grants, so that it ends one day. Sweeps have no such share: they take
//! what the others leave. What the system says of its limits counts for more than what was known of them before.
//!
//! Time is milliseconds of a clock that does not go back; whose it is is the caller's business.

mod forecast;
mod limit;

use std::collections::{BTreeMap, VecDeque};

pub use forecast::{Work, drain};
use limit::{Average, COST_DEFAULT, Gauge};
pub use limit::{Heard, Limit, PATIENCE_MS_MAX, Points, Reading};

use crate::Kind;

/// A class that waits is granted one call of so many, whatever else is asked for.
pub const SHARE_EVERY: u32 = 20;

/// How urgent a call is, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Class {
    /// Orders, and what every other call depends on: tokens, subscriptions.
    #[default]
    Order,
    /// Stock.
    Stock,
    /// Prices.
    Price,
    /// Items, companies, locations.
    Catalogue,
    /// Full comparisons.
    Sweep,
}

impl Class {
    /// Every class, most urgent first.
    pub const ALL: [Self; 5] = [Self::Order, Self::Stock, Self::Price, Self::Catalogue, Self::Sweep];

    /// The class of what is written and read of a kind.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Order => Self::Order,
            Kind::StockLevel => Self::Stock,
            Kind::Price => Self::Price,
            Kind::Item | Kind::Company | Kind::Location => Self::Catalogue,
        }
    }

    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Stock => "stock",
            Self::Price => "price",
            Self::Catalogue => "catalogue",
            Self::Sweep => "sweep",
        }
    }

    const fn at(self) -> usize {
        self as usize
    }
}

/// Names a call from when it is asked for until it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// A call under way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    class: Class,
    began_ms: u64,
    /// Points that it is taken to cost.
    points: u64,
}

/// The budget of one account.
#[derive(Debug)]
pub struct Budget {
    gauge: Gauge,
    waiting: [VecDeque<Ticket>; Class::ALL.len()],
    /// How often another class was served while this one waited.
    passed_over: [u32; Class::ALL.len()],
    in_flight: BTreeMap<Ticket, Flight>,
    tickets: u64,
    /// What has to be there for a call of each class, in points.
    needs: [Average; Class::ALL.len()],
    /// What it costs in the end.
    costs: [Average; Class::ALL.len()],
    /// How long a call takes, in milliseconds.
    latency: Average,
}

impl Budget {
    /// Of an account that is limited like this.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self {
            gauge: Gauge::new(limit),
            waiting: Default::default(),
            passed_over: Default::default(),
            in_flight: BTreeMap::new(),
            tickets: 0,
            needs: Default::default(),
            costs: Default::default(),
            latency: Average::default(),
        }
    }

    /// The account is limited like this from now on. What is under way stays under way.
    pub fn limit(&mut self, limit: Limit) {
        self.gauge.limit(limit);
    }

    /// Somebody wants to make a call.
    pub fn ask(&mut self, class: Class) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting[class.at()].push_back(ticket);
        ticket
    }

    /// Whoever asked does not wait any longer. Nothing happens if the call was granted.
    pub fn withdraw(&mut self, ticket: Ticket) {
        for class in Class::ALL {
            self.waiting[class.at()].retain(|it| *it != ticket);
            self.settle_share(class);
        }
    }

    /// The next call that may be made now, if there is room for one. To be asked until there is none.
    pub fn grant(&mut self, now_ms: u64) -> Option<Ticket> {
        let class = self.next()?;
        let points = self.needs[class.at()].of_points();
        if !self.gauge.has_room(now_ms, self.load(), (class, points)) {
            return None;
        }
        let ticket = self.waiting[class.at()].pop_front()?;
        self.pass_over(class);
        self.gauge.took(now_ms);
        self.in_flight.insert(ticket, Flight { class, began_ms: now_ms, points });
        Some(ticket)
    }

    /// When there may be room without any call ending; `None` while only that can make room, or nobody waits.
    #[must_use]
    pub fn next_at(&self, now_ms: u64) -> Option<u64> {
        let class = self.next()?;
        self.gauge.room_at(now_ms, self.load(), (class, self.needs[class.at()].of_points()))
    }

    /// A call has ended; what was heard of the account's limits with it.
    pub fn ended(&mut self, ticket: Ticket, now_ms: u64, heard: &Heard) {
        let Some(flight) = self.in_flight.remove(&ticket) else { return };
        if !heard.throttled {
            self.latency.add(now_ms.saturating_sub(flight.began_ms));
        }
        if let Some(needed) = heard.needed.or(heard.cost) {
            self.needs[flight.class.at()].add_peak(needed);
            // A call of which it is only told what it needs was not carried out.
            self.costs[flight.class.at()].add(heard.cost.unwrap_or(0));
        }
        self.gauge.heard(now_ms, (flight.points, self.in_flight.len()), heard);
    }

    /// Calls that the account takes, in thousandths a second, as far as is known: of one class, when it has the account
    /// for itself.
    #[must_use]
    pub fn rate_milli(&self, class: Class) -> Option<u64> {
        let cost = self.costs[class.at()].milli().or_else(|| self.needs[class.at()].milli());
        self.gauge.rate_milli(cost.unwrap_or(COST_DEFAULT * 1_000), self.latency.milli())
    }

    /// Calls under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Calls that wait, by class.
    #[must_use]
    pub fn waiting(&self) -> [usize; Class::ALL.len()] {
        Class::ALL.map(|it| self.waiting[it.at()].len())
    }

    /// What is known of the limits.
    #[must_use]
    pub fn gauge(&self) -> Reading {
        self.gauge.reading()
    }

    /// The class whose turn it is: one that was passed over too often, else the most urgent.
    fn next(&self) -> Option<Class> {
        let waits = |class: &Class| !self.waiting[class.at()].is_empty();
        let mut sharing = Class::ALL.into_iter().filter(|it| *it != Class::Sweep).filter(waits);
        let overdue = sharing.clone().filter(|it| self.passed_over[it.at()] >= SHARE_EVERY - 1);
        let overdue = overdue.max_by_key(|it| (self.passed_over[it.at()], std::cmp::Reverse(*it)));
        overdue.or_else(|| sharing.next()).or_else(|| Some(Class::Sweep).filter(waits))
    }

    fn pass_over(&mut self, served: Class) {
        self.passed_over[served.at()] = 0;
        for class in Class::ALL.into_iter().filter(|it| *it != served) {
            self.passed_over[class.at()] += 1;
            self.settle_share(class);
        }
    }

    /// Whoever does not wait is not passed over.
    fn settle_share(&mut self, class: Class) {
        if self.waiting[class.at()].is_empty() || class == Class::Sweep {
            self.passed_over[class.at()] = 0;
        }
    }

    fn load(&self) -> limit::Load {
        limit::Load { calls: self.in_flight.len(), points: self.in_flight.values().map(|it| it.points).sum() }
    }
}

#[cfg(test)]
mod tests;
