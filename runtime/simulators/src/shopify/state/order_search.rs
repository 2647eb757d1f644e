//! What orders are found by.

use super::State;
use super::orders::{Fulfillment, Order, financial_word};
use crate::shopify::search::{Facet, KeyKind, Searchable};

impl Searchable<State> for Order {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("updated_at", KeyKind::Time),
        ("processed_at", KeyKind::Time),
        ("name", KeyKind::Word),
        ("po_number", KeyKind::Word),
        ("source_identifier", KeyKind::Word),
        ("source_name", KeyKind::Word),
        ("financial_status", KeyKind::Word),
        ("fulfillment_status", KeyKind::Word),
        ("status", KeyKind::Word),
        ("sku", KeyKind::Word),
        ("email", KeyKind::Word),
        ("customer_id", KeyKind::Id),
        ("tag", KeyKind::Word),
        ("test", KeyKind::Flag),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        let about = &self.about;
        let text = super::item_search::text;
        match key {
            "id" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "processed_at" => Facet::Time(self.processed),
            // `name:1001` finds `#1001` as well.
            "name" => Facet::Texts(vec![&self.name, self.name.trim_start_matches('#')]),
            "po_number" => text(about.po_number.as_ref()),
            "source_identifier" => text(about.source_identifier.as_ref()),
            "source_name" => text(about.source_name.as_ref()),
            "financial_status" => Facet::Text(financial_word(self.financial)),
            "fulfillment_status" => Facet::Texts(if self.fulfillment == Fulfillment::Fulfilled {
                vec!["fulfilled", "shipped"]
            } else {
                vec!["unfulfilled", "unshipped"]
            }),
            "status" => Facet::Texts(vec![if self.cancelled.is_some() { "cancelled" } else { "open" }, "any"]),
            "sku" => Facet::Texts(self.lines.iter().filter_map(|it| it.sku.as_deref()).collect()),
            "email" => text(about.email.as_ref()),
            "customer_id" => about.customer.map_or(Facet::None, Facet::Id),
            "tag" => Facet::Texts(about.tags.iter().map(String::as_str).collect()),
            "test" => Facet::Flag(about.test),
            "default" => {
                let texts = [Some(&self.name), about.po_number.as_ref(), about.email.as_ref()];
                Facet::Texts(texts.into_iter().flatten().map(String::as_str).collect())
            }
            _ => Facet::None,
        }
    }
}
