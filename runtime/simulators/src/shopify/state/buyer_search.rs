//! What companies, their locations and customers are found by.

use super::State;
use super::companies::{Company, CompanyLocation, Customer};
use super::item_search::text;
use crate::shopify::search::{Facet, KeyKind, Searchable};

impl Searchable<State> for Company {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("updated_at", KeyKind::Time),
        ("since_date", KeyKind::Time),
        ("external_id", KeyKind::Word),
        ("name", KeyKind::Text),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" => Facet::Id(self.id),
            "created_at" | "since_date" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "external_id" => text(self.external_id.as_ref()),
            "name" | "default" => Facet::Text(&self.name),
            _ => Facet::None,
        }
    }
}

impl Searchable<State> for CompanyLocation {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("ids", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("updated_at", KeyKind::Time),
        ("company_id", KeyKind::Id),
        ("external_id", KeyKind::Word),
        ("name", KeyKind::Text),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" | "ids" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "company_id" => Facet::Id(self.company),
            "external_id" => text(self.about.external_id.as_ref()),
            "name" | "default" => Facet::Text(&self.about.name),
            _ => Facet::None,
        }
    }
}

impl Searchable<State> for Customer {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("customer_date", KeyKind::Time),
        ("updated_at", KeyKind::Time),
        ("email", KeyKind::Word),
        ("first_name", KeyKind::Text),
        ("last_name", KeyKind::Text),
        ("phone", KeyKind::Word),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        let person = &self.person;
        match key {
            "id" => Facet::Id(self.id),
            "customer_date" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "email" => text(person.email.as_ref()),
            "first_name" => text(person.first_name.as_ref()),
            "last_name" => text(person.last_name.as_ref()),
            "phone" => text(person.phone.as_ref()),
            "default" => {
                let all = [&person.first_name, &person.last_name, &person.email];
                Facet::Texts(all.into_iter().flatten().map(String::as_str).collect())
            }
            _ => Facet::None,
        }
    }
}
