//! What products, variants and inventory items are found by.

use truthsource_core::Decimal;

use super::State;
use super::items::{Item, Product, Variant};
use crate::shopify::search::{Facet, KeyKind, Searchable};

/// A text facet of something that may be missing.
pub(super) fn text(it: Option<&String>) -> Facet<'_> {
    it.map_or(Facet::None, |it| Facet::Text(it))
}

impl Searchable<State> for Product {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("updated_at", KeyKind::Time),
        ("sku", KeyKind::Word),
        ("barcode", KeyKind::Word),
        ("status", KeyKind::Word),
        ("handle", KeyKind::Word),
        ("title", KeyKind::Text),
        ("vendor", KeyKind::Word),
        ("product_type", KeyKind::Word),
        ("tag", KeyKind::Word),
    ];

    fn facet<'a>(&'a self, state: &'a State, key: &str) -> Facet<'a> {
        let variants = || self.variants.iter().filter_map(|it| state.variants.get(*it));
        match key {
            "id" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "sku" => Facet::Texts(variants().filter_map(|it| it.sku.as_deref()).collect()),
            "barcode" => Facet::Texts(variants().filter_map(|it| it.barcode.as_deref()).collect()),
            "status" => Facet::Text(self.status.word()),
            "handle" => Facet::Text(&self.handle),
            "title" => Facet::Text(&self.title),
            "vendor" => Facet::Text(&self.vendor),
            "product_type" => Facet::Text(&self.product_type),
            "tag" => Facet::Texts(self.tags.iter().map(String::as_str).collect()),
            "default" => {
                let skus = variants().filter_map(|it| it.sku.as_deref());
                Facet::Texts([self.title.as_str(), &self.vendor, &self.product_type].into_iter().chain(skus).collect())
            }
            _ => Facet::None,
        }
    }
}

impl Searchable<State> for Variant {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("updated_at", KeyKind::Time),
        ("sku", KeyKind::Word),
        ("barcode", KeyKind::Word),
        ("title", KeyKind::Text),
        ("product_id", KeyKind::Id),
        ("product_status", KeyKind::Word),
        ("inventory_quantity", KeyKind::Number),
        ("location_id", KeyKind::Id),
        ("taxable", KeyKind::Flag),
    ];

    fn facet<'a>(&'a self, state: &'a State, key: &str) -> Facet<'a> {
        let product = || state.products.get(self.product);
        match key {
            "id" => Facet::Id(self.id),
            "updated_at" => Facet::Time(self.updated),
            "sku" => text(self.sku.as_ref()),
            "barcode" => text(self.barcode.as_ref()),
            "product_id" => Facet::Id(self.product),
            "product_status" => product().map_or(Facet::None, |it| Facet::Text(it.status.word())),
            "taxable" => Facet::Flag(self.taxable),
            "inventory_quantity" => {
                let number = i32::try_from(state.available_everywhere(self.item)).unwrap_or(i32::MAX);
                Facet::Number(Decimal::from(number))
            }
            "location_id" => Facet::Ids(state.levels_of(self.item).map(|it| it.location).collect()),
            "title" | "default" => {
                let title = product().map(|it| it.title.as_str());
                let values = self.values.iter().map(String::as_str);
                Facet::Texts(values.chain(title).chain(self.sku.as_deref()).chain(self.barcode.as_deref()).collect())
            }
            _ => Facet::None,
        }
    }
}

impl Searchable<State> for Item {
    const KEYS: &'static [(&'static str, KeyKind)] =
        &[("id", KeyKind::Id), ("created_at", KeyKind::Time), ("updated_at", KeyKind::Time), ("sku", KeyKind::Word)];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "sku" | "default" => text(self.sku.as_ref()),
            _ => Facet::None,
        }
    }
}
