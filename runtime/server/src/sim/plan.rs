//! What happens in a run, as data.

use serde::{Deserialize, Serialize};
use truthsource_core::draw::Draw;

/// The systems of a run: an ERP that owns items, and a shop that takes orders.
pub const SYSTEMS: usize = 2;
/// The ERP's place among the systems.
pub const ERP: usize = 0;
/// The shop's place among the systems.
pub const SHOP: usize = 1;

/// Everything that decides a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Names every draw.
    pub seed: u64,
    /// What people do, by time.
    pub acts: Vec<Act>,
    /// What goes wrong while faults are on.
    pub faults: Faults,
    /// When faults end, in milliseconds since the start.
    pub chaos_ms: u64,
}

/// Something that a person does at a system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When, in milliseconds since the start.
    pub at_ms: u64,
    /// Where.
    pub system: usize,
    /// What.
    pub deed: Deed,
}

/// What a person does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Retitles an item.
    Retitle {
        /// The item's number.
        item: u64,
        /// The title's number.
        title: u64,
    },
    /// Gives an item another barcode. The ERP owns barcodes.
    Barcode {
        /// The item's number.
        item: u64,
        /// The barcode's number.
        code: u64,
    },
    /// Takes from or adds to stock.
    Move {
        /// The item's number.
        item: u64,
        /// By how much.
        by: i32,
    },
    /// Places an order. Only at the shop.
    Order {
        /// The order's number.
        number: u64,
        /// The item's number.
        item: u64,
    },
}

/// How often what goes wrong, in one of a thousand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Faults {
    /// A call never reaches the system.
    pub unreachable: u32,
    /// A write is carried out, and its answer lost.
    pub lost_answer: u32,
    /// A system asks to slow down.
    pub throttled: u32,
    /// A webhook never leaves.
    pub webhook_lost: u32,
    /// A webhook arrives twice.
    pub webhook_twice: u32,
    /// Webhooks overtake one another.
    pub webhook_late: u32,
    /// The node dies before a commit.
    pub crash_before: u32,
    /// The node dies after a commit, before it knows.
    pub crash_after: u32,
    /// And for certain at this commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash_at: Option<CrashAt>,
}

/// Where the node dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashAt {
    /// The commit's number, from one.
    pub commit: u64,
    /// What it writes is there; nobody knows.
    pub stored: bool,
}

impl Plan {
    /// The plan of a seed: a random half of the faults, at random strength.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let draw = Draw::new(seed);
        let rate = |name: &str, most: u64| {
            let on = draw.chance(500, &format!("{name} is on"), 0);
            if on { draw.below(most, &format!("{name} strength"), 0) as u32 } else { 0 }
        };
        let faults = Faults {
            unreachable: rate("unreachable", 150),
            lost_answer: rate("lost-answer", 200),
            throttled: rate("throttled", 150),
            webhook_lost: rate("webhook-lost", 400),
            webhook_twice: rate("webhook-twice", 400),
            webhook_late: rate("webhook-late", 400),
            crash_before: rate("crash-before", 30),
            crash_after: rate("crash-after", 30),
            crash_at: None,
        };
        let chaos_ms = 20_000;
        let mut acts: Vec<Act> = (0..60 + draw.below(60, "acts", 0)).map(|n| act(draw, n, chaos_ms)).collect();
        acts.sort_by_key(|it| it.at_ms);
        Self { seed, acts, faults, chaos_ms }
    }
}

fn act(draw: Draw, n: u64, chaos_ms: u64) -> Act {
    let item = draw.below(5, "item", n);
    let system = draw.below(SYSTEMS as u64, "where", n) as usize;
    let deed = match draw.below(10, "deed", n) {
        0..2 => Deed::Retitle { item, title: n },
        2 => Deed::Barcode { item, code: n },
        3..9 => Deed::Move { item, by: draw.below(11, "by", n) as i32 - 6 },
        _ => Deed::Order { number: n, item },
    };
    let system = if matches!(deed, Deed::Order { .. }) { SHOP } else { system };
    Act { at_ms: draw.below(chaos_ms, "when", n), system, deed }
}
