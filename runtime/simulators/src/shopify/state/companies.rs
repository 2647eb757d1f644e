//! Companies, their locations and contacts, and the customers behind the contacts.

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;

use super::items::row;
use super::table::Row;
use super::{Cause, State};
use crate::shopify::refusals::{BusinessCustomerErrorCode as Why, Code, Refusal};
use crate::shopify::webhooks::Topic;

/// A company that buys.
#[derive(Debug, Clone, PartialEq)]
pub struct Company {
    /// Its number.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// What another system calls it; unique.
    pub external_id: Option<String>,
    /// A note.
    pub note: Option<String>,
    /// Its first contact.
    pub main_contact: Option<u64>,
    /// Its contacts.
    pub contacts: Vec<u64>,
    /// Its locations.
    pub locations: Vec<u64>,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// A place a company buys for.
#[derive(Debug, Clone, PartialEq)]
pub struct CompanyLocation {
    /// Its number.
    pub id: u64,
    /// Its company.
    pub company: u64,
    /// Its particulars.
    pub about: LocationInput,
    /// What it pays in.
    pub currency: String,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// The particulars of a company location.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocationInput {
    /// What it is called.
    pub name: String,
    /// What another system calls it.
    pub external_id: Option<String>,
    /// A note.
    pub note: Option<String>,
    /// Its telephone.
    pub phone: Option<String>,
    /// Its tax number.
    pub tax_registration_id: Option<String>,
    /// Whether it pays no tax.
    pub tax_exempt: bool,
    /// The exemptions it has.
    pub tax_exemptions: Vec<String>,
    /// Whether its orders are drafts first.
    pub checkout_to_draft: bool,
    /// Which of `TERMS` it pays by.
    pub payment_terms: Option<u64>,
    /// Where it is.
    pub address: Option<Address>,
}

/// Where a company location is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Address {
    pub address1: String,
    pub address2: Option<String>,
    pub city: Option<String>,
    pub zip: Option<String>,
    pub country_code: String,
    pub zone_code: Option<String>,
    pub recipient: Option<String>,
    pub phone: Option<String>,
}

/// Somebody at a company.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Its number.
    pub id: u64,
    /// The company.
    pub company: u64,
    /// The person.
    pub customer: u64,
    /// The person's title there.
    pub title: Option<String>,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// A person.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    /// Its number.
    pub id: u64,
    /// Who it is.
    pub person: Person,
    /// The contacts it is.
    pub contacts: Vec<u64>,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// Who somebody is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Person {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub title: Option<String>,
}

/// The shop's payment terms: number, name, days until due.
pub const TERMS: &[(u64, &str, Option<i32>)] = &[
    (1, "Due on receipt", None),
    (2, "Net 7", Some(7)),
    (3, "Net 15", Some(15)),
    (4, "Net 30", Some(30)),
    (8, "Net 45", Some(45)),
    (5, "Net 60", Some(60)),
    (6, "Net 90", Some(90)),
    (7, "Fixed date", None),
    (9, "Due on fulfillment", None),
];

/// What a company is made from or changed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompanyInput {
    /// What it is called.
    pub name: Option<String>,
    /// What another system calls it; inside, `None` is none.
    pub external_id: Option<Option<String>>,
    /// A note; inside, `None` is none.
    pub note: Option<Option<String>>,
}

const NAME_MAX: usize = 255;

impl Person {
    /// Both names, or whatever else names the person.
    #[must_use]
    pub fn display_name(&self) -> String {
        let names: Vec<&str> = [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        if names.is_empty() {
            self.email.clone().or_else(|| self.phone.clone()).unwrap_or_default()
        } else {
            names.join(" ")
        }
    }
}

impl State {
    /// Makes a company without locations and contacts.
    ///
    /// # Errors
    /// When the name is blank or too long, or the external id taken.
    pub fn make_company(&mut self, cause: Cause, input: CompanyInput) -> Result<u64, Refusal<Why>> {
        let name = input.name.clone().unwrap_or_default();
        self.check_company(&CompanyInput { name: Some(name.clone()), ..input.clone() }, None)?;
        let (id, second) = (self.new_id(), cause.second());
        let company = Company {
            id,
            name: name.clone(),
            external_id: input.external_id.flatten().filter(|it| !it.is_empty()),
            note: input.note.flatten(),
            main_contact: None,
            contacts: Vec::new(),
            locations: Vec::new(),
            created: second,
            updated: second,
        };
        let company = self.companies.put(cause.at, company);
        let code = company.external_id.as_deref().unwrap_or_default();
        self.note(cause, "company", id, ("created", &name));
        self.note(cause, "company", id, ("code", code));
        self.note(cause, "company", id, ("name", &name));
        self.happened(cause, "Company", id, "create");
        self.announce(cause, Topic::CompaniesCreate, |state| state.company_body(id));
        Ok(id)
    }

    /// Changes a company.
    ///
    /// # Errors
    /// When there is none, the name is blank or too long, or the external id taken.
    pub fn alter_company(&mut self, cause: Cause, id: u64, input: CompanyInput) -> Result<(), Refusal<Why>> {
        let before = self.companies.get(id).cloned().ok_or_else(|| Why::ResourceNotFound.at("companyId"))?;
        self.check_company(&input, Some(id))?;
        let mut company = before.as_ref().clone();
        company.name = input.name.unwrap_or(company.name);
        company.external_id = input.external_id.unwrap_or(company.external_id).filter(|it| !it.is_empty());
        company.note = input.note.unwrap_or(company.note);
        if company == *before {
            return Ok(());
        }
        company.updated = cause.second();
        let after = self.companies.put(cause.at, company);
        if before.name != after.name {
            self.note(cause, "company", id, ("name", &after.name));
        }
        if before.external_id != after.external_id {
            self.note(cause, "company", id, ("code", after.external_id.as_deref().unwrap_or_default()));
        }
        self.announce(cause, Topic::CompaniesUpdate, |state| state.company_body(id));
        Ok(())
    }

    /// Says whether a company may be so. `except` is the one that is being changed.
    ///
    /// # Errors
    /// See [`State::make_company`].
    pub fn check_company(&self, input: &CompanyInput, except: Option<u64>) -> Result<(), Refusal<Why>> {
        let at =
            |field: &str| if except.is_some() { format!("input.{field}") } else { format!("input.company.{field}") };
        if let Some(name) = &input.name {
            if name.trim().is_empty() {
                return Err(Why::Blank.at(&at("name")));
            }
            if name.chars().count() > NAME_MAX {
                return Err(Why::TooLong.at(&at("name")));
            }
        }
        let wanted = input.external_id.iter().flatten().find(|it| !it.is_empty());
        let taken = wanted.is_some_and(|wanted| {
            self.companies.iter().any(|it| Some(it.id) != except && it.external_id.as_ref() == Some(wanted))
        });
        if taken { Err(Why::Taken.at(&at("externalId"))) } else { Ok(()) }
    }

    /// Adds a location to a company.
    ///
    /// # Errors
    /// When there is no such company, the name is blank or the external id taken.
    pub fn make_company_location(
        &mut self,
        cause: Cause,
        company: u64,
        input: LocationInput,
    ) -> Result<u64, Refusal<Why>> {
        if !self.companies.has(company) {
            return Err(Why::ResourceNotFound.at("companyId"));
        }
        self.check_company_location(&input, None)?;
        let (id, second) = (self.new_id(), cause.second());
        let currency = self.settings.currency.clone();
        let location = CompanyLocation { id, company, about: input, currency, created: second, updated: second };
        self.company_locations.put(cause.at, location);
        self.companies.edit(cause.at, company, |it| {
            it.locations.push(id);
            it.updated = second;
        });
        self.announce(cause, Topic::CompanyLocationsCreate, |state| state.company_location_body(id));
        Ok(id)
    }

    /// Changes a company location's particulars.
    ///
    /// # Errors
    /// When there is none, the name is blank or the external id taken.
    pub fn alter_company_location(&mut self, cause: Cause, id: u64, about: LocationInput) -> Result<(), Refusal<Why>> {
        let before =
            self.company_locations.get(id).cloned().ok_or_else(|| Why::ResourceNotFound.at("companyLocationId"))?;
        self.check_company_location(&about, Some(id))?;
        if before.about != about {
            self.company_locations.edit(cause.at, id, |it| {
                it.about = about;
                it.updated = cause.second();
            });
            self.announce(cause, Topic::CompanyLocationsUpdate, |state| state.company_location_body(id));
        }
        Ok(())
    }

    /// Says whether a company location may be so.
    ///
    /// # Errors
    /// See [`State::make_company_location`].
    pub fn check_company_location(&self, input: &LocationInput, except: Option<u64>) -> Result<(), Refusal<Why>> {
        if input.name.trim().is_empty() {
            return Err(Why::Blank.at("input.name"));
        }
        let taken = input.external_id.as_ref().filter(|it| !it.is_empty()).is_some_and(|wanted| {
            self.company_locations
                .iter()
                .any(|it| Some(it.id) != except && it.about.external_id.as_ref() == Some(wanted))
        });
        if taken { Err(Why::Taken.at("input.externalId")) } else { Ok(()) }
    }

    /// Adds a contact to a company, and the customer behind it where the e-mail address is new.
    pub fn make_contact(&mut self, cause: Cause, company: u64, person: Person) -> u64 {
        let title = person.title.clone();
        let customer = self.customer_for(cause, person);
        let (id, second) = (self.new_id(), cause.second());
        self.contacts.put(cause.at, Contact { id, company, customer, title, created: second, updated: second });
        self.customers.edit(cause.at, customer, |it| it.contacts.push(id));
        self.companies.edit(cause.at, company, |it| {
            it.contacts.push(id);
            it.main_contact = it.main_contact.or(Some(id));
            it.updated = second;
        });
        id
    }

    /// The customer with this person's e-mail address, made if there is none.
    pub fn customer_for(&mut self, cause: Cause, person: Person) -> u64 {
        let email = person.email.as_deref().filter(|it| !it.is_empty());
        if let Some(known) = email.and_then(|it| self.customer_by_email(it)) {
            return known;
        }
        let (id, second) = (self.new_id(), cause.second());
        self.customers.put(cause.at, Customer { id, person, contacts: Vec::new(), created: second, updated: second });
        self.happened(cause, "Customer", id, "create");
        self.announce(cause, Topic::CustomersCreate, |state| state.customer_body(id));
        id
    }

    /// The customer with this e-mail address, whatever its case.
    #[must_use]
    pub fn customer_by_email(&self, email: &str) -> Option<u64> {
        let has = |it: &Customer| it.person.email.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(email));
        self.customers.iter().find(|it| has(it)).map(|it| it.id)
    }
}

row!(Company);
row!(CompanyLocation);
row!(Contact);
row!(Customer);
