//! Companies, their locations, and catalogs.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use truthsource_core::UnixMs;

use super::{CodedError, errors};
use crate::shopify::gid::number;
use crate::shopify::graph::objects::companies::{Company, CompanyLocation};
use crate::shopify::graph::objects::prices::{Catalog, CompanyLocationCatalog};
use crate::shopify::graph::scalars::{CountryCode, DateTime, TaxExemption};
use crate::shopify::graph::{Call, Needs};
use crate::shopify::refusals::{BusinessCustomerErrorCode, CatalogUserErrorCode, Code};
use crate::shopify::state::catalogs;
use crate::shopify::state::companies as rows;

const COMPANIES: Needs = Needs(&["write_companies", "write_customers"]);
const PRODUCTS: Needs = Needs(&["write_products"]);

/// Mutations of companies and catalogs.
#[derive(Default)]
pub struct BuyerMutations;

#[derive(InputObject)]
struct CompanyInput {
    name: Option<String>,
    external_id: MaybeUndefined<String>,
    note: MaybeUndefined<String>,
    customer_since: Option<DateTime>,
}

#[derive(InputObject)]
struct CompanyContactInput {
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    title: Option<String>,
    locale: Option<String>,
}

#[derive(InputObject)]
struct CompanyAddressInput {
    address1: Option<String>,
    address2: Option<String>,
    city: Option<String>,
    zip: Option<String>,
    country_code: Option<CountryCode>,
    zone_code: Option<String>,
    recipient: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
}

#[derive(InputObject)]
struct BuyerExperienceConfigurationInput {
    checkout_to_draft: Option<bool>,
    editable_shipping_address: Option<bool>,
    payment_terms_template_id: Option<ID>,
}

#[derive(InputObject)]
struct CompanyLocationInput {
    name: Option<String>,
    external_id: Option<String>,
    note: Option<String>,
    phone: Option<String>,
    locale: Option<String>,
    tax_registration_id: Option<String>,
    tax_exempt: Option<bool>,
    tax_exemptions: Option<Vec<TaxExemption>>,
    buyer_experience_configuration: Option<BuyerExperienceConfigurationInput>,
    shipping_address: Option<CompanyAddressInput>,
    billing_address: Option<CompanyAddressInput>,
    billing_same_as_shipping: Option<bool>,
}

#[derive(InputObject)]
struct CompanyLocationUpdateInput {
    name: Option<String>,
    external_id: Option<String>,
    note: Option<String>,
    phone: Option<String>,
    locale: Option<String>,
    buyer_experience_configuration: Option<BuyerExperienceConfigurationInput>,
}

#[derive(InputObject)]
struct CompanyCreateInput {
    company: CompanyInput,
    company_contact: Option<CompanyContactInput>,
    company_location: Option<CompanyLocationInput>,
}

#[derive(InputObject)]
struct CatalogContextInput {
    company_location_ids: Option<Vec<ID>>,
}

#[derive(InputObject)]
struct CatalogCreateInput {
    title: String,
    status: catalogs::Status,
    context: CatalogContextInput,
    price_list_id: Option<ID>,
    publication_id: Option<ID>,
}

#[derive(SimpleObject)]
struct CompanyCreatePayload {
    company: Option<Company>,
    user_errors: Vec<CodedError<BusinessCustomerErrorCode>>,
}

#[derive(SimpleObject)]
struct CompanyUpdatePayload {
    company: Option<Company>,
    user_errors: Vec<CodedError<BusinessCustomerErrorCode>>,
}

#[derive(SimpleObject)]
struct CompanyLocationCreatePayload {
    company_location: Option<CompanyLocation>,
    user_errors: Vec<CodedError<BusinessCustomerErrorCode>>,
}

#[derive(SimpleObject)]
struct CompanyLocationUpdatePayload {
    company_location: Option<CompanyLocation>,
    user_errors: Vec<CodedError<BusinessCustomerErrorCode>>,
}

#[derive(SimpleObject)]
struct CatalogCreatePayload {
    catalog: Option<Catalog>,
    user_errors: Vec<CodedError<CatalogUserErrorCode>>,
}

fn maybe<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

impl CompanyInput {
    fn read(self) -> rows::CompanyInput {
        rows::CompanyInput { name: self.name, external_id: maybe(self.external_id), note: maybe(self.note) }
    }
}

impl CompanyAddressInput {
    fn read(self) -> rows::Address {
        let names: Vec<String> = [self.first_name, self.last_name].into_iter().flatten().collect();
        rows::Address {
            address1: self.address1.unwrap_or_default(),
            address2: self.address2,
            city: self.city,
            zip: self.zip,
            country_code: self.country_code.map_or_else(|| "US".to_owned(), |it| it.0),
            zone_code: self.zone_code,
            recipient: self.recipient.or_else(|| (!names.is_empty()).then(|| names.join(" "))),
            phone: self.phone,
        }
    }
}

impl CompanyLocationInput {
    /// `company` names a location that is not given a name of its own.
    fn read(self, company: &str) -> rows::LocationInput {
        let mut location = rows::LocationInput {
            name: self.name.unwrap_or_else(|| company.to_owned()),
            external_id: self.external_id,
            note: self.note,
            phone: self.phone,
            tax_registration_id: self.tax_registration_id,
            tax_exempt: self.tax_exempt.unwrap_or(false),
            tax_exemptions: self.tax_exemptions.into_iter().flatten().map(|it| it.0).collect(),
            address: self.shipping_address.or(self.billing_address).map(CompanyAddressInput::read),
            ..rows::LocationInput::default()
        };
        if let Some(configuration) = self.buyer_experience_configuration {
            configuration.write(&mut location);
        }
        location
    }
}

impl BuyerExperienceConfigurationInput {
    fn write(self, location: &mut rows::LocationInput) {
        location.checkout_to_draft = self.checkout_to_draft.unwrap_or(location.checkout_to_draft);
        let terms = self.payment_terms_template_id.and_then(|it| number(&it, "PaymentTermsTemplate"));
        location.payment_terms = terms.or(location.payment_terms);
    }
}

#[Object]
impl BuyerMutations {
    #[graphql(guard = "COMPANIES")]
    async fn company_create(&self, ctx: &Context<'_>, input: CompanyCreateInput) -> Option<CompanyCreatePayload> {
        let company = input.company.read();
        let name = company.name.clone().unwrap_or_default();
        let location = input.company_location.map(|it| it.read(&name));
        let contact = input.company_contact.map(|it| rows::Person {
            first_name: it.first_name,
            last_name: it.last_name,
            email: it.email,
            phone: it.phone,
            title: it.title,
        });
        let outcome = Call::write(ctx, |state, cause| {
            // Everything is checked before anything is made.
            state.check_company(&company, None)?;
            if let Some(location) = &location {
                state.check_company_location(location, None)?;
            }
            let id = state.make_company(cause, company)?;
            if let Some(person) = contact {
                state.make_contact(cause, id, person);
            }
            // A company always has a location.
            let location = location.unwrap_or_else(|| rows::LocationInput { name, ..rows::LocationInput::default() });
            state.make_company_location(cause, id, location)?;
            Ok(state.companies.get(id).cloned().map(Company))
        });
        Some(match outcome {
            Ok(company) => CompanyCreatePayload { company, user_errors: vec![] },
            Err(why) => CompanyCreatePayload { company: None, user_errors: errors(vec![why]) },
        })
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_update(
        &self,
        ctx: &Context<'_>,
        company_id: ID,
        input: CompanyInput,
    ) -> Option<CompanyUpdatePayload> {
        let id = number(&company_id, "Company").unwrap_or(0);
        let outcome = Call::write(ctx, |state, cause| {
            state.alter_company(cause, id, input.read())?;
            Ok(state.companies.get(id).cloned().map(Company))
        });
        Some(match outcome {
            Ok(company) => CompanyUpdatePayload { company, user_errors: vec![] },
            Err(why) => CompanyUpdatePayload { company: None, user_errors: errors(vec![why]) },
        })
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_location_create(
        &self,
        ctx: &Context<'_>,
        company_id: ID,
        input: CompanyLocationInput,
    ) -> Option<CompanyLocationCreatePayload> {
        let company = number(&company_id, "Company").unwrap_or(0);
        let outcome = Call::write(ctx, |state, cause| {
            let id = state.make_company_location(cause, company, input.read(""))?;
            Ok(state.company_locations.get(id).cloned().map(CompanyLocation))
        });
        Some(match outcome {
            Ok(company_location) => CompanyLocationCreatePayload { company_location, user_errors: vec![] },
            Err(why) => CompanyLocationCreatePayload { company_location: None, user_errors: errors(vec![why]) },
        })
    }

    #[graphql(guard = "COMPANIES")]
    async fn company_location_update(
        &self,
        ctx: &Context<'_>,
        company_location_id: ID,
        input: CompanyLocationUpdateInput,
    ) -> Option<CompanyLocationUpdatePayload> {
        let id = number(&company_location_id, "CompanyLocation").unwrap_or(0);
        let outcome = Call::write(ctx, |state, cause| {
            let known = state.company_locations.get(id).map(|it| it.about.clone());
            let mut about = known.ok_or_else(|| BusinessCustomerErrorCode::ResourceNotFound.at("companyLocationId"))?;
            about.name = input.name.unwrap_or(about.name);
            about.external_id = input.external_id.or(about.external_id);
            about.note = input.note.or(about.note);
            about.phone = input.phone.or(about.phone);
            if let Some(configuration) = input.buyer_experience_configuration {
                configuration.write(&mut about);
            }
            state.alter_company_location(cause, id, about)?;
            Ok(state.company_locations.get(id).cloned().map(CompanyLocation))
        });
        Some(match outcome {
            Ok(company_location) => CompanyLocationUpdatePayload { company_location, user_errors: vec![] },
            Err(why) => CompanyLocationUpdatePayload { company_location: None, user_errors: errors(vec![why]) },
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn catalog_create(&self, ctx: &Context<'_>, input: CatalogCreateInput) -> Option<CatalogCreatePayload> {
        let locations = input.context.company_location_ids.unwrap_or_default();
        let catalog = catalogs::Catalog {
            id: 0,
            title: input.title,
            status: input.status,
            price_list: input.price_list_id.map(|it| number(&it, "PriceList").unwrap_or(0)),
            company_locations: locations.iter().map(|it| number(it, "CompanyLocation").unwrap_or(0)).collect(),
            updated: UnixMs(0),
        };
        let outcome = Call::write(ctx, |state, cause| {
            if input.publication_id.is_some() {
                return Err(CatalogUserErrorCode::PublicationNotFound.at("input.publicationId"));
            }
            if locations.is_empty() {
                return Err(CatalogUserErrorCode::MustProvideExactlyOneContextType.at("input.context"));
            }
            let id = state.make_catalog(cause, catalog)?;
            Ok(state.catalogs.get(id).cloned().map(|it| CompanyLocationCatalog(it).into()))
        });
        Some(match outcome {
            Ok(catalog) => CatalogCreatePayload { catalog, user_errors: vec![] },
            Err(why) => CatalogCreatePayload { catalog: None, user_errors: errors(vec![why]) },
        })
    }
}
