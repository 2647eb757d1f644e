//! Companies, customers, price lists and catalogs.

use async_graphql::{Context, ID, Object, OneofObject, Result};

use super::{UniqueMetafieldValueInput, by};
use crate::shopify::gid::number;
use crate::shopify::graph::connection::{Connection, Count, Pages, Search};
use crate::shopify::graph::objects::companies::{
    Company, CompanyContact, CompanyLocation, CompanyLocationSortKeys, CompanySortKeys, Customer, CustomerSortKeys,
};
use crate::shopify::graph::objects::prices::{Catalog, CompanyLocationCatalog, PriceList};
use crate::shopify::graph::{Call, Needs};
use crate::shopify::paging::Order as SortedBy;
use crate::shopify::state::{State, catalogs, companies, prices};

const PRODUCTS: Needs = Needs(&["read_products"]);
const COMPANIES: Needs = Needs(&["read_companies", "read_customers"]);
const CUSTOMERS: Needs = Needs(&["read_customers", "read_companies"]);

/// Queries of buyers and what they pay.
#[derive(Default)]
pub struct BuyerQueries;

/// Which customer is meant.
#[derive(Debug, OneofObject)]
enum CustomerIdentifierInput {
    Id(ID),
    EmailAddress(String),
    CustomId(UniqueMetafieldValueInput),
}

/// What kind of catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum CatalogType {
    App,
    CompanyLocation,
    Market,
    None,
}

/// What catalogs are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum CatalogSortKeys {
    Id,
    Relevance,
    Title,
    Type,
}

/// What price lists are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum PriceListSortKeys {
    Id,
    Name,
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl BuyerQueries {
    #[graphql(guard = "COMPANIES")]
    async fn company(&self, ctx: &Context<'_>, id: ID) -> Option<Company> {
        let id = number(&id, "Company")?;
        Call::read(ctx, |state| state.companies.get(id).cloned()).map(Company)
    }

    #[graphql(guard = "COMPANIES")]
    async fn companies(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CompanySortKeys>,
    ) -> Result<Connection<Company>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, companies::Company> = match sort_key {
            Some(CompanySortKeys::UpdatedAt) => SortedBy::Updated,
            Some(CompanySortKeys::Name) => by(|_, it| it.name.clone()),
            _ => SortedBy::Id,
        };
        let page =
            Call::read(ctx, |state| Search::new(&state.companies, query.as_deref(), order).page(ctx, state, &pages));
        Ok(Connection::new(page?, Company))
    }

    #[graphql(guard = "COMPANIES")]
    async fn companies_count(&self, ctx: &Context<'_>, limit: Option<i32>) -> Option<Count> {
        let count = Call::read(ctx, |state| state.companies.len());
        Some(Count::new(count, Some(limit.unwrap_or(10_000))))
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_contact(&self, ctx: &Context<'_>, id: ID) -> Option<CompanyContact> {
        let id = number(&id, "CompanyContact")?;
        Call::read(ctx, |state| state.contacts.get(id).cloned()).map(CompanyContact)
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_location(&self, ctx: &Context<'_>, id: ID) -> Option<CompanyLocation> {
        let id = number(&id, "CompanyLocation")?;
        Call::read(ctx, |state| state.company_locations.get(id).cloned()).map(CompanyLocation)
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_locations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CompanyLocationSortKeys>,
    ) -> Result<Connection<CompanyLocation>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, companies::CompanyLocation> = match sort_key {
            Some(CompanyLocationSortKeys::UpdatedAt) => SortedBy::Updated,
            Some(CompanyLocationSortKeys::Name) => by(|_, it| it.about.name.clone()),
            _ => SortedBy::Id,
        };
        let page = Call::read(ctx, |state| {
            Search::new(&state.company_locations, query.as_deref(), order).page(ctx, state, &pages)
        });
        Ok(Connection::new(page?, CompanyLocation))
    }

    #[graphql(guard = "PRODUCTS")]
    async fn price_list(&self, ctx: &Context<'_>, id: ID) -> Option<PriceList> {
        let id = number(&id, "PriceList")?;
        Call::read(ctx, |state| state.price_lists.get(id).cloned()).map(PriceList)
    }

    #[graphql(guard = "PRODUCTS")]
    async fn price_lists(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        sort_key: Option<PriceListSortKeys>,
    ) -> Result<Connection<PriceList>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, prices::PriceList> = match sort_key {
            Some(PriceListSortKeys::Name) => by(|_, it| it.name.clone()),
            _ => SortedBy::Id,
        };
        let page = Call::read(ctx, |state| Search::new(&state.price_lists, None, order).page(ctx, state, &pages));
        Ok(Connection::new(page?, PriceList))
    }

    #[graphql(guard = "PRODUCTS")]
    async fn catalog(&self, ctx: &Context<'_>, id: ID) -> Option<Catalog> {
        let id = number(&id, "CompanyLocationCatalog")?;
        Call::read(ctx, |state| state.catalogs.get(id).cloned()).map(|it| CompanyLocationCatalog(it).into())
    }

    #[graphql(guard = "PRODUCTS")]
    async fn catalogs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CatalogSortKeys>,
        r#type: Option<CatalogType>,
    ) -> Result<Connection<Catalog>> {
        let pages = Pages { first, after, last, before, reverse };
        // Company locations' are the only catalogs there are: of another type there is none.
        let is_any = matches!(r#type, None | Some(CatalogType::CompanyLocation));
        let order: SortedBy<State, catalogs::Catalog> = match sort_key {
            Some(CatalogSortKeys::Title) => by(|_, it| it.title.clone()),
            _ => SortedBy::Id,
        };
        let page = Call::read(ctx, |state| {
            let search = Search::new(&state.catalogs, query.as_deref(), order);
            // No object has the highest number: an empty list.
            let ids = if is_any { 0 } else { u64::MAX }..=u64::MAX;
            Search { ids, ..search }.page(ctx, state, &pages)
        });
        Ok(Connection::new(page?, |it| CompanyLocationCatalog(it).into()))
    }

    #[graphql(guard = "CUSTOMERS")]
    async fn customer(&self, ctx: &Context<'_>, id: ID) -> Option<Customer> {
        let id = number(&id, "Customer")?;
        Call::read(ctx, |state| state.customers.get(id).cloned()).map(Customer)
    }

    #[graphql(guard = "CUSTOMERS")]
    async fn customer_by_identifier(
        &self,
        ctx: &Context<'_>,
        identifier: CustomerIdentifierInput,
    ) -> Result<Option<Customer>> {
        Call::read(ctx, |state| {
            let id = match &identifier {
                CustomerIdentifierInput::Id(id) => number(id, "Customer"),
                CustomerIdentifierInput::EmailAddress(email) => state.customer_by_email(email),
                CustomerIdentifierInput::CustomId(value) => value.find(state, "Customer")?,
            };
            Ok(id.and_then(|it| state.customers.get(it)).cloned().map(Customer))
        })
    }

    #[graphql(guard = "CUSTOMERS")]
    async fn customers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        query: Option<String>,
        sort_key: Option<CustomerSortKeys>,
    ) -> Result<Connection<Customer>> {
        let pages = Pages { first, after, last, before, reverse };
        let order: SortedBy<State, companies::Customer> = match sort_key {
            Some(CustomerSortKeys::UpdatedAt) => SortedBy::Updated,
            Some(CustomerSortKeys::Name) => by(|_, it| it.person.display_name()),
            _ => SortedBy::Id,
        };
        let page =
            Call::read(ctx, |state| Search::new(&state.customers, query.as_deref(), order).page(ctx, state, &pages));
        Ok(Connection::new(page?, Customer))
    }
}
