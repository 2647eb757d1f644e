//! Companies, their locations and contacts, and customers.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::around;
use super::orders::Order;
use super::prices::{Catalog, CompanyLocationCatalog};
use super::rest::{Metafield, metafield};
use crate::shopify::gid::gid;
use crate::shopify::graph::Call;
use crate::shopify::graph::connection::{Connection, Count, Pages, internal};
use crate::shopify::graph::scalars::{CountryCode, CurrencyCode, DateTime, TaxExemption, UnsignedInt64};
use crate::shopify::state::companies as rows;

around!(
    /// A company that buys.
    Company,
    rows::Company
);
around!(
    /// A place a company buys for.
    CompanyLocation,
    rows::CompanyLocation
);
around!(
    /// Somebody at a company.
    CompanyContact,
    rows::Contact
);
around!(
    /// A person.
    Customer,
    rows::Customer
);

/// What companies are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum CompanySortKeys {
    CreatedAt,
    Id,
    Name,
    SinceDate,
    UpdatedAt,
}

/// What company locations are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum CompanyLocationSortKeys {
    CompanyId,
    CreatedAt,
    Id,
    Name,
    Relevance,
    UpdatedAt,
}

/// What customers are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum CustomerSortKeys {
    CreatedAt,
    Id,
    Name,
    Relevance,
    UpdatedAt,
}

/// How a company location is taxed.
#[derive(Debug, Clone, SimpleObject)]
pub struct CompanyLocationTaxSettings {
    tax_registration_id: Option<String>,
    tax_exempt: bool,
    tax_exemptions: Vec<TaxExemption>,
}

/// How a company location buys.
#[derive(Debug, Clone, SimpleObject)]
pub struct BuyerExperienceConfiguration {
    checkout_to_draft: bool,
    editable_shipping_address: bool,
    payment_terms_template: Option<PaymentTermsTemplate>,
}

/// When payment is due.
#[derive(Debug, Clone, SimpleObject)]
pub struct PaymentTermsTemplate {
    id: ID,
    name: String,
    due_in_days: Option<i32>,
}

/// Where a company location is.
#[derive(Debug, Clone, SimpleObject)]
pub struct CompanyAddress {
    id: ID,
    address1: String,
    address2: Option<String>,
    city: Option<String>,
    zip: Option<String>,
    country_code: CountryCode,
    zone_code: Option<String>,
    recipient: Option<String>,
    phone: Option<String>,
}

/// An e-mail address.
#[derive(Debug, Clone, SimpleObject)]
pub struct CustomerEmailAddress {
    email_address: String,
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl Company {
    pub async fn id(&self) -> ID {
        gid("Company", self.0.id).into()
    }
    async fn name(&self) -> &str {
        &self.0.name
    }
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn customer_since(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn main_contact(&self, ctx: &Context<'_>) -> Option<CompanyContact> {
        let id = self.0.main_contact?;
        Call::read(ctx, |state| state.contacts.get(id).cloned()).map(CompanyContact)
    }
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<CompanyContact>> {
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            let rows = self.0.contacts.iter().filter_map(|id| Some((*id, state.contacts.get(*id)?.clone())));
            pages.slice(rows, CompanyContact)
        })
    }
    async fn locations_count(&self) -> Option<Count> {
        Some(Count::new(self.0.locations.len(), None))
    }
    async fn locations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<CompanyLocation>> {
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            let rows = self.0.locations.iter().filter_map(|id| Some((*id, state.company_locations.get(*id)?.clone())));
            pages.slice(rows, CompanyLocation)
        })
    }
    async fn metafield(&self, ctx: &Context<'_>, namespace: Option<String>, key: String) -> Option<Metafield> {
        metafield(ctx, ("Company", self.0.id), namespace, &key)
    }
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl CompanyLocation {
    pub async fn id(&self) -> ID {
        gid("CompanyLocation", self.0.id).into()
    }
    async fn name(&self) -> &str {
        &self.0.about.name
    }
    async fn external_id(&self) -> Option<&str> {
        self.0.about.external_id.as_deref()
    }
    async fn note(&self) -> Option<&str> {
        self.0.about.note.as_deref()
    }
    async fn phone(&self) -> Option<&str> {
        self.0.about.phone.as_deref()
    }
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency.clone())
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Call::read(ctx, |state| state.companies.get(self.0.company).cloned()).map(Company).ok_or_else(internal)
    }
    async fn tax_settings(&self) -> CompanyLocationTaxSettings {
        CompanyLocationTaxSettings {
            tax_registration_id: self.0.about.tax_registration_id.clone(),
            tax_exempt: self.0.about.tax_exempt,
            tax_exemptions: self.0.about.tax_exemptions.iter().cloned().map(TaxExemption).collect(),
        }
    }
    async fn buyer_experience_configuration(&self) -> Option<BuyerExperienceConfiguration> {
        let terms = self.0.about.payment_terms.and_then(|id| rows::TERMS.iter().find(|(known, ..)| *known == id));
        Some(BuyerExperienceConfiguration {
            checkout_to_draft: self.0.about.checkout_to_draft,
            editable_shipping_address: false,
            payment_terms_template: terms.map(|(id, name, due_in_days)| PaymentTermsTemplate {
                id: gid("PaymentTermsTemplate", *id).into(),
                name: (*name).to_owned(),
                due_in_days: *due_in_days,
            }),
        })
    }
    async fn shipping_address(&self) -> Option<CompanyAddress> {
        self.address()
    }
    async fn billing_address(&self) -> Option<CompanyAddress> {
        self.address()
    }
    async fn catalogs(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<Catalog>> {
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            let rows = state.catalogs_of(self.0.id).map(|it| (it.id, it.clone()));
            pages.slice(rows, |it| CompanyLocationCatalog(it).into())
        })
    }
    async fn orders(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<Order>> {
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            let own = state.orders.iter().filter(|it| it.purchaser.is_some_and(|it| it.location == self.0.id));
            pages.slice(own.map(|it| (it.id, it.clone())), Order)
        })
    }
    async fn metafield(&self, ctx: &Context<'_>, namespace: Option<String>, key: String) -> Option<Metafield> {
        metafield(ctx, ("CompanyLocation", self.0.id), namespace, &key)
    }
}

impl CompanyLocation {
    fn address(&self) -> Option<CompanyAddress> {
        let address = self.0.about.address.clone()?;
        Some(CompanyAddress {
            id: gid("CompanyAddress", self.0.id).into(),
            address1: address.address1,
            address2: address.address2,
            city: address.city,
            zip: address.zip,
            country_code: CountryCode(address.country_code),
            zone_code: address.zone_code,
            recipient: address.recipient,
            phone: address.phone,
        })
    }
}

#[Object]
impl CompanyContact {
    pub async fn id(&self) -> ID {
        gid("CompanyContact", self.0.id).into()
    }
    async fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn is_main_contact(&self, ctx: &Context<'_>) -> bool {
        Call::read(ctx, |state| {
            state.companies.get(self.0.company).is_some_and(|it| it.main_contact == Some(self.0.id))
        })
    }
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Call::read(ctx, |state| state.companies.get(self.0.company).cloned()).map(Company).ok_or_else(internal)
    }
    async fn customer(&self, ctx: &Context<'_>) -> Result<Customer> {
        Call::read(ctx, |state| state.customers.get(self.0.customer).cloned()).map(Customer).ok_or_else(internal)
    }
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl Customer {
    pub async fn id(&self) -> ID {
        gid("Customer", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn display_name(&self) -> String {
        self.0.person.display_name()
    }
    async fn first_name(&self) -> Option<&str> {
        self.0.person.first_name.as_deref()
    }
    async fn last_name(&self) -> Option<&str> {
        self.0.person.last_name.as_deref()
    }
    #[graphql(deprecation = "Use `defaultEmailAddress.emailAddress` instead.")]
    async fn email(&self) -> Option<&str> {
        self.0.person.email.as_deref()
    }
    async fn default_email_address(&self) -> Option<CustomerEmailAddress> {
        self.0.person.email.clone().map(|email_address| CustomerEmailAddress { email_address })
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn company_contact_profiles(&self, ctx: &Context<'_>) -> Vec<CompanyContact> {
        let contact = |state: &crate::shopify::state::State, id: &u64| state.contacts.get(*id).cloned();
        let contacts =
            Call::read(ctx, |state| self.0.contacts.iter().filter_map(|it| contact(state, it)).collect::<Vec<_>>());
        contacts.into_iter().map(CompanyContact).collect()
    }
    async fn orders(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<Order>> {
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            let own = state.orders.iter().filter(|it| it.about.customer == Some(self.0.id));
            pages.slice(own.map(|it| (it.id, it.clone())), Order)
        })
    }
    async fn metafield(&self, ctx: &Context<'_>, namespace: Option<String>, key: String) -> Option<Metafield> {
        metafield(ctx, ("Customer", self.0.id), namespace, &key)
    }
}
