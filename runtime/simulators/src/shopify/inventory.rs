//! The inventory mutations: set and adjust, all or nothing, with compare-and-set.

use std::collections::BTreeSet;

use truthsource_core::UnixMs;

use super::refusals::{Code, InventoryAdjustQuantitiesUserErrorCode, InventorySetQuantitiesUserErrorCode, Refusal};
use super::state::stock::{KEPT, level_key};
use super::state::{Cause, State};

/// A quantity to be set or adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The inventory item; `None` if the id was none.
    pub item: Option<u64>,
    /// The location; `None` if the id was none.
    pub location: Option<u64>,
    /// The quantity to be, or the difference.
    pub amount: i64,
    /// What the caller believes the quantity to be.
    pub from: From,
}

/// What a caller believes a quantity to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// So many: anything else is stale.
    Exactly(i64),
    /// It does not care: an explicit null.
    Whatever,
    /// It did not say.
    Unsaid,
}

/// What goes for all entries of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Which quantity.
    pub name: String,
    /// Why.
    pub reason: String,
    /// On which grounds.
    pub reference: Option<String>,
    /// The ledger documents of the entries that have one.
    pub ledgers: Vec<Option<String>>,
}

/// What a call changed: an inventory adjustment group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjusted {
    /// Its number.
    pub id: u64,
    /// When.
    pub at: UnixMs,
    /// Why.
    pub reason: String,
    /// On which grounds.
    pub reference: Option<String>,
    /// What.
    pub changes: Vec<QuantityChange>,
}

/// One changed quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityChange {
    /// Which quantity.
    pub name: &'static str,
    /// By how much.
    pub delta: i64,
    /// What it is now; `None` for those that are computed.
    pub after: Option<i64>,
    /// Of what.
    pub item: u64,
    /// Where.
    pub location: u64,
}

/// Reasons that may be given.
pub const REASONS: &[&str] = &[
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
];
const SET_MAX: i64 = 1_000_000_000;
const ADJUST_MAX: i64 = 2_000_000_000;

impl State {
    /// Sets quantities called `available` or `on_hand`, all or none.
    ///
    /// # Errors
    /// Every entry that cannot be set, or what is wrong with the call as a whole.
    pub fn set_quantities(
        &mut self,
        cause: Cause,
        header: &Header,
        entries: &[Entry],
    ) -> Result<Adjusted, Vec<Refusal<InventorySetQuantitiesUserErrorCode>>> {
        use InventorySetQuantitiesUserErrorCode as Why;
        let mut refusals = Vec::new();
        if !matches!(header.name.as_str(), "available" | "on_hand") {
            refusals.push(Why::InvalidName.at("input.name"));
        }
        if !REASONS.contains(&header.reason.as_str()) {
            refusals.push(Why::InvalidReason.at("input.reason"));
        }
        if header.reference.as_deref().is_some_and(|it| !is_document(it)) {
            refusals.push(Why::InvalidReferenceDocument.at("input.referenceDocumentUri"));
        }
        let mut seen = BTreeSet::new();
        for (n, entry) in entries.iter().enumerate() {
            let refusal = self.check_set(header, entry).map(|why| why.at(&format!("input.quantities.{n}")));
            refusals.extend(refusal);
            if !seen.insert((entry.item, entry.location)) {
                refusals.push(Why::NoDuplicateInventoryItemIdGroupIdPair.at(&format!("input.quantities.{n}")));
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        Ok(self.apply(cause, header, entries, |current, amount| amount - current))
    }

    fn check_set(&self, header: &Header, entry: &Entry) -> Option<InventorySetQuantitiesUserErrorCode> {
        use InventorySetQuantitiesUserErrorCode as Why;
        let item = entry.item.filter(|it| self.items.has(*it));
        let Some(item) = item else { return Some(Why::InvalidInventoryItem) };
        let location = entry.location.filter(|it| self.locations.get(*it).is_some_and(|it| it.is_active));
        let Some(location) = location else { return Some(Why::InvalidLocation) };
        if entry.amount > SET_MAX {
            return Some(Why::InvalidQuantityTooHigh);
        }
        if entry.amount < -SET_MAX {
            return Some(Why::InvalidQuantityTooLow);
        }
        if entry.amount < 0 {
            return Some(Why::InvalidQuantityNegative);
        }
        let level = self.level(location, item);
        if level.is_none() && !self.settings.activate_on_set {
            return Some(Why::InvalidLocation);
        }
        let current = level.and_then(|it| it.quantity(&header.name)).unwrap_or(0);
        match entry.from {
            From::Unsaid if self.settings.change_from_required => Some(Why::CompareQuantityRequired),
            From::Exactly(from) if from != current => Some(Why::ChangeFromQuantityStale),
            _ => None,
        }
    }

    /// Adjusts quantities by differences, all or none.
    ///
    /// # Errors
    /// Every entry that cannot be adjusted, or what is wrong with the call as a whole.
    pub fn adjust_quantities(
        &mut self,
        cause: Cause,
        header: &Header,
        entries: &[Entry],
    ) -> Result<Adjusted, Vec<Refusal<InventoryAdjustQuantitiesUserErrorCode>>> {
        use InventoryAdjustQuantitiesUserErrorCode as Why;
        let mut refusals = Vec::new();
        // What is committed is decided by orders alone, and what is on hand is computed.
        if header.name == "committed" || !KEPT.contains(&header.name.as_str()) {
            refusals.push(Why::InvalidQuantityName.at("input.name"));
        }
        if !REASONS.contains(&header.reason.as_str()) {
            refusals.push(Why::InvalidReason.at("input.reason"));
        }
        if header.reference.as_deref().is_some_and(|it| !is_document(it)) {
            refusals.push(Why::InvalidReferenceDocument.at("input.referenceDocumentUri"));
        }
        refusals.extend(ledger_refusals(header));
        for (n, entry) in entries.iter().enumerate() {
            let refusal = self.check_adjust(header, entry).map(|why| why.at(&format!("input.changes.{n}")));
            refusals.extend(refusal);
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        Ok(self.apply(cause, header, entries, |_, amount| amount))
    }

    fn check_adjust(&self, header: &Header, entry: &Entry) -> Option<InventoryAdjustQuantitiesUserErrorCode> {
        use InventoryAdjustQuantitiesUserErrorCode as Why;
        let Some(item) = entry.item.filter(|it| self.items.has(*it)) else { return Some(Why::InvalidInventoryItem) };
        let location = entry.location.filter(|it| self.locations.get(*it).is_some_and(|it| it.is_active));
        let level = location.and_then(|it| self.level(it, item));
        let Some(level) = level else { return Some(Why::InvalidLocation) };
        let current = level.quantity(&header.name).unwrap_or(0);
        match entry.from {
            From::Unsaid if self.settings.change_from_required => return Some(Why::AdjustQuantitiesFailed),
            From::Exactly(from) if from != current => return Some(Why::ChangeFromQuantityStale),
            _ => {}
        }
        match current.saturating_add(entry.amount) {
            after if after > ADJUST_MAX => Some(Why::InvalidQuantityTooHigh),
            after if after < -ADJUST_MAX => Some(Why::InvalidQuantityTooLow),
            _ => None,
        }
    }

    /// Carries out what was checked. `delta` says by how much, from the current quantity and the entry's amount.
    fn apply(&mut self, cause: Cause, header: &Header, entries: &[Entry], delta: fn(i64, i64) -> i64) -> Adjusted {
        let mut changes = Vec::new();
        for entry in entries {
            let (Some(item), Some(location)) = (entry.item, entry.location) else { continue };
            let key = level_key(location, item);
            if self.levels.get(key).is_none() {
                self.stock_at(cause, location, item, 0);
            }
            let current = self.levels.get(key).and_then(|it| it.quantity(&header.name)).unwrap_or(0);
            let delta = delta(current, entry.amount);
            self.set_quantity(cause, key, &header.name, current + delta);
            changes.extend(self.quantity_changes(key, &header.name, delta));
        }
        let (reason, reference) = (header.reason.clone(), header.reference.clone());
        Adjusted { id: self.new_id(), at: cause.second(), reason, reference, changes }
    }

    /// The quantity that was moved, and what moved with it.
    fn quantity_changes(&self, key: u64, name: &str, delta: i64) -> Vec<QuantityChange> {
        let Some(level) = self.levels.get(key).filter(|_| delta != 0) else { return Vec::new() };
        let change = |name: &'static str, after| QuantityChange {
            name,
            delta,
            after,
            item: level.item,
            location: level.location,
        };
        let moved = if name == "on_hand" { "available" } else { name };
        let kept = KEPT.iter().find(|it| **it == moved).map(|it| change(it, level.quantity(it)));
        let computed = (moved != "incoming").then(|| change("on_hand", None));
        kept.into_iter().chain(computed).collect()
    }
}

fn ledger_refusals(header: &Header) -> Vec<Refusal<InventoryAdjustQuantitiesUserErrorCode>> {
    use InventoryAdjustQuantitiesUserErrorCode as Why;
    let mut refusals = Vec::new();
    let distinct: BTreeSet<&Option<String>> = header.ledgers.iter().collect();
    if distinct.len() > 1 {
        refusals.push(Why::MaxOneLedgerDocument.at("input.changes"));
    }
    for (n, ledger) in header.ledgers.iter().enumerate() {
        let why = match ledger.as_deref() {
            None if header.name != "available" => Some(Why::InvalidQuantityDocument),
            Some(_) if header.name == "available" => Some(Why::InvalidAvailableDocument),
            Some(uri) if uri.starts_with("gid://shopify/") => Some(Why::InternalLedgerDocument),
            Some(uri) if !is_document(uri) => Some(Why::InvalidLedgerDocument),
            _ => None,
        };
        refusals.extend(why.map(|why| why.at(&format!("input.changes.{n}.ledgerDocumentUri"))));
    }
    refusals
}

/// A URI with a scheme and something behind it.
fn is_document(uri: &str) -> bool {
    uri.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && !scheme.is_empty()
            && scheme.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
    })
}
