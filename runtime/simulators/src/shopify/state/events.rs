//! What was made and what was destroyed: the only list that shows deletes.

use truthsource_core::UnixMs;

use super::items::row;
use super::table::Row;
use super::{Cause, State};
use crate::shopify::search::{Facet, KeyKind, Searchable};

/// Something that happened to an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub id: u64,
    /// The kind of the object, as in its global id.
    pub subject_kind: &'static str,
    /// The number of the object.
    pub subject: u64,
    /// `create` or `destroy`.
    pub action: &'static str,
    /// When.
    pub created: UnixMs,
    /// When; the name tables know it by.
    pub updated: UnixMs,
}

/// Older events are forgotten beyond so many.
const EVENTS_MAX: usize = 100_000;

impl State {
    /// Writes an event down.
    pub(in crate::shopify) fn happened(
        &mut self,
        cause: Cause,
        subject_kind: &'static str,
        subject: u64,
        action: &'static str,
    ) {
        if self.is_seeding {
            return;
        }
        let (id, second) = (self.new_id(), cause.second());
        self.events.put(cause.at, Event { id, subject_kind, subject, action, created: second, updated: second });
        if self.events.len() > EVENTS_MAX {
            let oldest = self.events.iter().next().map(|it| it.id);
            oldest.and_then(|it| self.events.remove(it));
        }
    }
}

row!(Event);

impl Searchable<State> for Event {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("action", KeyKind::Word),
        ("subject_type", KeyKind::Word),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "action" | "default" => Facet::Text(self.action),
            "subject_type" => Facet::Text(match self.subject_kind {
                "ProductVariant" => "PRODUCT_VARIANT",
                "CompanyLocation" => "COMPANY_LOCATION",
                other => other,
            }),
            _ => Facet::None,
        }
    }
}
