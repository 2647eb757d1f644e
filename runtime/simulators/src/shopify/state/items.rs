//! Products, their variants, and the inventory item behind each variant.

use truthsource_core::{Decimal, UnixMs};

use super::table::Row;
use super::{Cause, State};

/// A product's life cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, async_graphql::Enum, serde::Serialize, serde::Deserialize)]
#[graphql(name = "ProductStatus")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// For sale.
    #[default]
    Active,
    /// No longer sold.
    Archived,
    /// Not ready.
    Draft,
    /// For sale by link only.
    Unlisted,
}

impl Status {
    /// As searches spell it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Archived => "archived",
            Status::Draft => "draft",
            Status::Unlisted => "unlisted",
        }
    }
}

/// What happens when a variant runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, async_graphql::Enum, serde::Serialize, serde::Deserialize)]
#[graphql(name = "ProductVariantInventoryPolicy")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WhenOut {
    /// It is not sold.
    #[default]
    Deny,
    /// It is sold on.
    Continue,
}

/// A product.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Its number.
    pub id: u64,
    /// What it is called.
    pub title: String,
    /// Its unique name in addresses.
    pub handle: String,
    /// Its life cycle.
    pub status: Status,
    /// Who makes it.
    pub vendor: String,
    /// What sort of product it is.
    pub product_type: String,
    /// What it is, in HTML.
    pub description_html: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// The names of its options, in order.
    pub options: Vec<String>,
    /// Its variants, in order.
    pub variants: Vec<u64>,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed, its variants included.
    pub updated: UnixMs,
}

/// A variant of a product.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Its number.
    pub id: u64,
    /// Its product.
    pub product: u64,
    /// Its inventory item.
    pub item: u64,
    /// Its stock-keeping unit.
    pub sku: Option<String>,
    /// Its barcode.
    pub barcode: Option<String>,
    /// What it costs, in shop currency.
    pub price: Decimal,
    /// What it cost before.
    pub compare_at: Option<Decimal>,
    /// Its values of the product's options, in their order.
    pub values: Vec<String>,
    /// What happens when it runs out.
    pub when_out: WhenOut,
    /// Whether tax is charged.
    pub taxable: bool,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// What is stocked of a variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its number.
    pub id: u64,
    /// Its variant.
    pub variant: u64,
    /// The variant's stock-keeping unit.
    pub sku: Option<String>,
    /// Whether the shop counts it.
    pub tracked: bool,
    /// Whether it is shipped.
    pub requires_shipping: bool,
    /// What it costs the shop.
    pub cost: Option<Decimal>,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// What is new about a variant; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VariantChange {
    /// The stock-keeping unit; an empty one is none.
    pub sku: Option<String>,
    /// The barcode; an empty one is none.
    pub barcode: Option<String>,
    /// The price.
    pub price: Option<Decimal>,
    /// The price before; inside, `None` is none.
    pub compare_at: Option<Option<Decimal>>,
    /// What happens when it runs out.
    pub when_out: Option<WhenOut>,
    /// Whether tax is charged.
    pub taxable: Option<bool>,
    /// Whether the shop counts it.
    pub tracked: Option<bool>,
    /// Whether it is shipped.
    pub requires_shipping: Option<bool>,
    /// What it costs the shop.
    pub cost: Option<Decimal>,
    /// The values of the product's options.
    pub values: Option<Vec<String>>,
}

/// What is new about a product; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProductChange {
    /// The title.
    pub title: Option<String>,
    /// The handle.
    pub handle: Option<String>,
    /// The life cycle.
    pub status: Option<Status>,
    /// The maker.
    pub vendor: Option<String>,
    /// The sort.
    pub product_type: Option<String>,
    /// The description.
    pub description_html: Option<String>,
    /// The tags.
    pub tags: Option<Vec<String>>,
}

/// The option and the value a product without options has.
pub const NO_OPTION: (&str, &str) = ("Title", "Default Title");

impl Variant {
    /// Its option values, as one text.
    #[must_use]
    pub fn title(&self) -> String {
        self.values.join(" / ")
    }
}

impl State {
    /// Makes a product without variants. The handle must be free.
    pub(in crate::shopify) fn make_product(
        &mut self,
        cause: Cause,
        title: &str,
        handle: String,
        options: Vec<String>,
    ) -> u64 {
        let id = self.new_id();
        self.handles.insert(handle.clone(), id);
        let second = cause.second();
        let product = Product {
            id,
            title: title.to_owned(),
            handle,
            status: Status::Active,
            vendor: self.settings.shop_name.clone(),
            product_type: String::new(),
            description_html: String::new(),
            tags: Vec::new(),
            options,
            variants: Vec::new(),
            created: second,
            updated: second,
        };
        self.products.put(cause.at, product);
        id
    }

    /// Makes a variant of a product, and its inventory item. Nothing is written to the journal yet.
    pub(in crate::shopify) fn make_variant(&mut self, cause: Cause, product: u64, change: VariantChange) -> u64 {
        let (id, item) = (self.new_id(), self.new_id());
        let second = cause.second();
        let sku = change.sku.filter(|it| !it.is_empty());
        let variant = Variant {
            id,
            product,
            item,
            sku: sku.clone(),
            barcode: change.barcode.filter(|it| !it.is_empty()),
            price: self.kept(change.price.unwrap_or(Decimal::ZERO)),
            compare_at: change.compare_at.flatten().map(|it| self.kept(it)),
            values: change.values.unwrap_or_else(|| vec![NO_OPTION.1.to_owned()]),
            when_out: change.when_out.unwrap_or_default(),
            taxable: change.taxable.unwrap_or(true),
            created: second,
            updated: second,
        };
        let item = Item {
            id: item,
            variant: id,
            sku,
            tracked: change.tracked.unwrap_or(true),
            requires_shipping: change.requires_shipping.unwrap_or(true),
            cost: change.cost,
            created: second,
            updated: second,
        };
        self.variants.put(cause.at, variant);
        self.items.put(cause.at, item);
        self.products.edit(cause.at, product, |it| {
            it.variants.push(id);
            it.updated = second;
        });
        id
    }

    /// Changes a product's own fields and writes them down. The handle must be free.
    pub(in crate::shopify) fn alter_product(&mut self, cause: Cause, id: u64, change: ProductChange) -> bool {
        let Some(before) = self.products.get(id).cloned() else { return false };
        let mut product = before.as_ref().clone();
        set(&mut product.title, change.title);
        set(&mut product.handle, change.handle);
        set(&mut product.status, change.status);
        set(&mut product.vendor, change.vendor);
        set(&mut product.product_type, change.product_type);
        set(&mut product.description_html, change.description_html);
        set(&mut product.tags, change.tags);
        if product == *before {
            return false;
        }
        self.handles.remove(&before.handle);
        self.handles.insert(product.handle.clone(), id);
        product.updated = cause.second();
        let after = self.products.put(cause.at, product);
        for item in self.items_of(id) {
            if after.title != before.title {
                self.note(cause, "item", item, ("title", &after.title));
            }
            if after.status != before.status {
                self.note(cause, "item", item, ("active", after.status == Status::Active));
            }
        }
        true
    }

    /// Changes a variant and its inventory item, and writes down what changed. Says what of the two did.
    pub(super) fn alter_variant(&mut self, cause: Cause, id: u64, change: VariantChange) -> Altered {
        let Some(before) = self.variants.get(id).cloned() else { return Altered::default() };
        let Some(item_before) = self.items.get(before.item).cloned() else { return Altered::default() };
        let (mut variant, mut item) = (before.as_ref().clone(), item_before.as_ref().clone());
        if let Some(sku) = change.sku {
            variant.sku = Some(sku).filter(|it| !it.is_empty());
            item.sku = variant.sku.clone();
        }
        if let Some(barcode) = change.barcode {
            variant.barcode = Some(barcode).filter(|it| !it.is_empty());
        }
        set(&mut variant.price, change.price.map(|it| self.kept(it)));
        set(&mut variant.compare_at, change.compare_at.map(|it| it.map(|it| self.kept(it))));
        set(&mut variant.when_out, change.when_out);
        set(&mut variant.taxable, change.taxable);
        set(&mut variant.values, change.values);
        set(&mut item.tracked, change.tracked);
        set(&mut item.requires_shipping, change.requires_shipping);
        if change.cost.is_some() {
            item.cost = change.cost;
        }
        let altered = Altered { variant: variant != *before, item: item != *item_before };
        self.note_variant(cause, &before, &variant);
        let second = cause.second();
        if altered.variant {
            variant.updated = second;
            self.products.edit(cause.at, variant.product, |it| it.updated = second);
            self.variants.put(cause.at, variant);
        }
        if altered.item {
            item.updated = second;
            self.items.put(cause.at, item);
        }
        altered
    }

    fn note_variant(&self, cause: Cause, before: &Variant, after: &Variant) {
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        if before.sku != after.sku {
            self.note(cause, "item", after.item, ("code", text(&after.sku)));
        }
        if before.barcode != after.barcode {
            self.note(cause, "item", after.item, ("barcode", text(&after.barcode)));
        }
        if before.price != after.price {
            self.note(cause, "price", format_args!("base:{}", after.item), ("amount", after.price));
        }
    }

    /// Writes down that a variant was made, with all its fields.
    pub(super) fn note_variant_made(&self, cause: Cause, id: u64) {
        let Some(variant) = self.variants.get(id) else { return };
        let Some(product) = self.products.get(variant.product) else { return };
        let item = variant.item;
        let code = variant.sku.as_deref().unwrap_or_default();
        self.note(cause, "item", item, ("created", code));
        self.note(cause, "item", item, ("code", code));
        self.note(cause, "item", item, ("title", &product.title));
        self.note(cause, "item", item, ("barcode", variant.barcode.as_deref().unwrap_or_default()));
        self.note(cause, "item", item, ("active", product.status == Status::Active));
        let price = format!("base:{item}");
        self.note(cause, "price", &price, ("created", variant.price));
        self.note(cause, "price", &price, ("amount", variant.price));
        self.note(cause, "price", &price, ("currency", &self.settings.currency));
    }

    /// Takes a variant away, with its stock and prices.
    pub(super) fn drop_variant(&mut self, cause: Cause, id: u64) {
        let Some(variant) = self.variants.remove(id) else { return };
        let second = cause.second();
        self.products.edit(cause.at, variant.product, |it| {
            it.variants.retain(|it| *it != id);
            it.updated = second;
        });
        self.items.remove(variant.item);
        self.drop_levels(cause, variant.item);
        self.drop_prices(cause, &variant);
        self.note(cause, "price", format_args!("base:{}", variant.item), ("deleted", ""));
        self.note(cause, "item", variant.item, ("deleted", variant.sku.as_deref().unwrap_or_default()));
        self.metafields.drop_owner("ProductVariant", id);
    }

    /// The inventory items of a product's variants.
    #[must_use]
    pub fn items_of(&self, product: u64) -> Vec<u64> {
        let Some(product) = self.products.get(product) else { return Vec::new() };
        product.variants.iter().filter_map(|it| self.variants.get(*it)).map(|it| it.item).collect()
    }

    /// A handle made of `title` that no product has.
    pub(in crate::shopify) fn free_handle(&self, title: &str) -> String {
        let words = title.to_lowercase();
        let words = words.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
        let wanted = words.collect::<Vec<_>>().join("-");
        let wanted = if wanted.is_empty() { "product".to_owned() } else { wanted };
        if !self.handles.contains_key(&wanted) {
            return wanted;
        }
        let numbered = (1..20).map(|n| format!("{wanted}-{n}")).find(|it| !self.handles.contains_key(it));
        numbered.unwrap_or_else(|| format!("{wanted}-{}", self.next_id))
    }
}

/// What of a variant changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Altered {
    /// The variant itself.
    pub variant: bool,
    /// Its inventory item.
    pub item: bool,
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

macro_rules! row {
    ($type:ty) => {
        impl Row for $type {
            fn id(&self) -> u64 {
                self.id
            }
            fn updated(&self) -> UnixMs {
                self.updated
            }
        }
    };
}
pub(super) use row;

row!(Product);
row!(Variant);
row!(Item);
