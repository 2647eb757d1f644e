//! Columns that some organisations do not have: a solution is not installed, or a field came later. A question that
//! names one is refused whole, so it is asked again without, and the column is left out for a day.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use truthsource_sdk::{Context, Fault, Host, json};

const KEY: &str = "absent-columns";
const FRESH_MS: u64 = 24 * 3_600_000;

/// What can be done without. The rest must be there.
const OPTIONAL: &[&str] = &[
    "_defaultuomid_value",
    "_uomid_value",
    "begindate",
    "enddate",
    "discountamount",
    "discountpercentage",
    "manualdiscountamount",
    "volumediscountamount",
    "lineitemnumber",
];

#[derive(Serialize, Deserialize, Default)]
struct Kept {
    absent: BTreeSet<String>,
    at_ms: u64,
}

/// The columns that an organisation is known not to have.
#[derive(Debug, Default)]
pub(crate) struct Columns(RefCell<BTreeSet<String>>);

impl Columns {
    pub(crate) fn read(host: &dyn Host, ctx: &Context) -> Self {
        let kept: Option<Kept> = host.get(KEY).ok().flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let kept = kept.filter(|it| it.at_ms <= ctx.now_ms && ctx.now_ms - it.at_ms < FRESH_MS);
        Self(RefCell::new(kept.unwrap_or_default().absent))
    }

    pub(crate) fn has(&self, set: &str, column: &str) -> bool {
        !self.0.borrow().contains(&format!("{set}.{column}"))
    }

    /// Those of these columns that there are.
    pub(crate) fn of(&self, set: &str, select: &str) -> String {
        let there: Vec<&str> = select.split(',').filter(|it| self.has(set, it)).collect();
        there.join(",")
    }

    /// Learns from a refusal which column is not there. False: the refusal is about something else.
    pub(crate) fn learn(&self, (host, ctx): (&dyn Host, &Context), set: &str, select: &str, fault: &Fault) -> bool {
        let Fault::Protocol(why) = fault else { return false };
        let is_named = |it: &&str| why.contains(&format!("'{it}'")) && OPTIONAL.contains(it) && self.has(set, it);
        let Some(column) = select.split(',').find(is_named) else { return false };
        self.0.borrow_mut().insert(format!("{set}.{column}"));
        let kept = Kept { absent: self.0.borrow().clone(), at_ms: ctx.now_ms };
        // Kept or not, it is known for the rest of this call.
        let _ = host.set(KEY, json::text(&kept).as_bytes());
        true
    }
}
