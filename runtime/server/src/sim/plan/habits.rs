//! How the node of a run works: quick or slow, by large steps or small ones.

use serde::{Deserialize, Serialize};
use truthsource_core::draw::Draw;

/// How the node works. What is small here makes rare moments frequent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Habits {
    /// How often every kind is polled, and locations ten times less.
    pub poll_every_ms: u64,
    /// How often every kind is swept; 0: never.
    pub sweep_every_ms: u64,
    /// How long a turn of everybody takes at the most.
    pub turn_ms_max: u64,
    /// How long a lane is leased for.
    pub lease_ms: u64,
    /// Touched records that a step reads at the most.
    pub fetch_max: u32,
    /// Entries that a step folds at the most.
    pub fold_max: u32,
    /// Debts that a step pays at the most.
    pub deliver_max: u32,
    /// How often a write is tried before it is given up until a person looks.
    pub tries_max: u32,
    /// How often, of a thousand turns, another worker's takes place in the middle of one.
    pub beside: u32,
}

/// A write is tried so often where nobody looks: on no day so much fails.
pub const PATIENT: u32 = 200;

/// What takes place in the middle of a turn.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// Before which access to the store, counted from 1.
    pub access: u64,
    /// In the middle of a fold: which connection is worked on. In the middle of that, it is a fold.
    pub lane: usize,
}

/// A turn looks so often into the store, or more seldom.
const ACCESSES: u64 = 40;

impl Default for Habits {
    fn default() -> Self {
        Self {
            poll_every_ms: 60_000,
            sweep_every_ms: 0,
            turn_ms_max: 40,
            lease_ms: 60_000,
            fetch_max: 9,
            fold_max: 13,
            deliver_max: 7,
            tries_max: PATIENT,
            beside: 0,
        }
    }
}

impl Habits {
    /// The habits of a seed.
    #[must_use]
    pub fn drawn(draw: Draw) -> Self {
        let one_of = |of: &[u64], what: &str| of[draw.below(of.len() as u64, what, 0) as usize];
        let few = |of: &[u64], what: &str| u32::try_from(one_of(of, what)).unwrap_or(u32::MAX);
        Self {
            poll_every_ms: one_of(&[60_000, 120_000, 180_000], "poll every"),
            sweep_every_ms: one_of(&[0, 0, 0, 200_000], "sweep every"),
            turn_ms_max: one_of(&[40, 1_000, 4_000], "a turn takes"),
            lease_ms: one_of(&[15_000, 60_000, 150_000], "lease"),
            fetch_max: few(&[3, 9, 200], "fetch at once"),
            fold_max: few(&[3, 13, 512], "fold at once"),
            deliver_max: few(&[3, 7, 100], "deliver at once"),
            tries_max: few(&[u64::from(PATIENT), u64::from(PATIENT), 4], "tries"),
            beside: few(&[0, 100, 500], "beside"),
        }
    }

    /// What takes place in the middle of a worker's turn, if anything does.
    #[must_use]
    pub fn beside(&self, draw: Draw, (worker, turn): (usize, u64), lanes: usize) -> Option<Beside> {
        let is_there = self.beside > 0 && draw.chance(self.beside, &format!("beside worker {worker}"), turn);
        is_there.then(|| Beside {
            access: 1 + draw.below(ACCESSES, &format!("where worker {worker} is"), turn),
            lane: draw.below(lanes as u64, &format!("which is beside worker {worker}"), turn) as usize,
        })
    }
}
