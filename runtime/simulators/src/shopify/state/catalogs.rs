//! Catalogs: which company locations buy by which price list.

use truthsource_core::UnixMs;

use super::items::row;
use super::table::Row;
use super::{Cause, State};
use crate::shopify::refusals::{CatalogUserErrorCode as Why, Code, Refusal};
use crate::shopify::search::{Facet, KeyKind, Searchable};

/// Whether a catalog counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, async_graphql::Enum)]
#[graphql(name = "CatalogStatus")]
pub enum Status {
    /// It does.
    #[default]
    Active,
    /// No longer.
    Archived,
    /// Not yet.
    Draft,
}

/// A catalog for company locations.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    /// Its number.
    pub id: u64,
    /// What it is called.
    pub title: String,
    /// Whether it counts.
    pub status: Status,
    /// Its price list.
    pub price_list: Option<u64>,
    /// The company locations that buy by it.
    pub company_locations: Vec<u64>,
    /// When it last changed. The real API does not tell.
    pub updated: UnixMs,
}

impl Catalog {
    /// Whether it counts.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }
}

impl State {
    /// Makes a catalog.
    ///
    /// # Errors
    /// When the title is blank, or the price list or a company location is not there.
    pub fn make_catalog(&mut self, cause: Cause, mut catalog: Catalog) -> Result<u64, Refusal<Why>> {
        if catalog.title.trim().is_empty() {
            return Err(Why::Blank.at("input.title"));
        }
        if catalog.price_list.is_some_and(|it| !self.price_lists.has(it)) {
            return Err(Why::PriceListNotFound.at("input.priceListId"));
        }
        let missing = catalog.company_locations.iter().position(|it| !self.company_locations.has(*it));
        if let Some(at) = missing {
            return Err(Why::CompanyLocationNotFound.at(&format!("input.context.companyLocationIds.{at}")));
        }
        let taken = catalog.price_list.is_some() && self.catalogs.iter().any(|it| it.price_list == catalog.price_list);
        if taken {
            return Err(Why::Taken.at("input.priceListId"));
        }
        catalog.id = self.new_id();
        catalog.updated = cause.second();
        Ok(self.catalogs.put(cause.at, catalog).id)
    }

    /// The catalogs a company location buys by.
    pub fn catalogs_of(&self, company_location: u64) -> impl DoubleEndedIterator<Item = &std::sync::Arc<Catalog>> {
        self.catalogs.iter().filter(move |it| it.company_locations.contains(&company_location))
    }

    /// The catalog that uses a price list.
    #[must_use]
    pub fn catalog_of(&self, price_list: u64) -> Option<&std::sync::Arc<Catalog>> {
        self.catalogs.iter().find(|it| it.price_list == Some(price_list))
    }
}

row!(Catalog);

impl Searchable<State> for Catalog {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("title", KeyKind::Text),
        ("status", KeyKind::Word),
        ("company_id", KeyKind::Id),
        ("company_location_id", KeyKind::Id),
    ];

    fn facet<'a>(&'a self, state: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" => Facet::Id(self.id),
            "title" | "default" => Facet::Text(&self.title),
            "status" => Facet::Text(match self.status {
                Status::Active => "active",
                Status::Archived => "archived",
                Status::Draft => "draft",
            }),
            "company_location_id" => Facet::Ids(self.company_locations.clone()),
            "company_id" => {
                let locations = self.company_locations.iter().filter_map(|it| state.company_locations.get(*it));
                Facet::Ids(locations.map(|it| it.company).collect())
            }
            _ => Facet::None,
        }
    }
}
