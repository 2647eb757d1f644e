//! The part of a URL before the resource: which environment, and which API of it.

use super::super::catalogue::{Api, ENTITIES, Entity};
use super::super::problem::Problem;
use super::super::settings::{Page, Settings};
use crate::dynamics::wire;
use crate::system::Request;

/// The API that every environment has.
pub(in crate::dynamics::business_central) const STANDARD: &str = "api/v2.0";

/// Whether a path asks which environments there are.
pub(in crate::dynamics::business_central) fn names_environments(path: &str) -> bool {
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    let of_admin = path.strip_prefix("/admin/").and_then(|it| it.split_once('/'));
    path == "/environments/v1.1" || of_admin.is_some_and(|(_, it)| it == "applications/businesscentral/environments")
}

/// Where a request is addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dynamics::business_central) struct Address {
    /// Absolute, version included: what relative URLs of a batch and contexts are built on.
    pub root: String,
    /// The API as resources name it: `api/v2.0`, `api/erpsync/inventory/v1.0`.
    pub api: String,
    /// What follows, encoded.
    pub resource: String,
    /// The API of webhook resources, which has no records.
    pub is_runtime: bool,
    /// No such API is installed.
    pub is_unknown: bool,
}

impl Address {
    pub(in crate::dynamics::business_central) fn of(settings: &Settings, request: &Request) -> Result<Self, Problem> {
        let path = request.uri().path();
        let segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let rest = match segments.as_slice() {
            ["v2.0", tenant, rest @ ..] if tenant.eq_ignore_ascii_case(&settings.application.tenant) => rest,
            ["v2.0", rest @ ..] => rest,
            _ => return Err(Problem::no_segment(path)),
        };
        let Some((environment, ["api", rest @ ..])) = rest.split_first() else {
            return Err(Problem::no_segment(path));
        };
        let is_here =
            wire::percent_decoded(environment).is_some_and(|it| it.eq_ignore_ascii_case(&settings.environment));
        if !is_here {
            return Err(Problem::new(404, "NoEnvironment", "Environment does not exist."));
        }
        let parts = if rest.first() == Some(&"v2.0") { 1 } else { 3 };
        let (api, resource) = rest.split_at_checked(parts).ok_or_else(|| Problem::no_segment(path))?;
        let before = segments.len() - resource.len();
        let root = format!("{}/{}", wire::origin(request), segments.get(..before).unwrap_or_default().join("/"));
        let is_runtime = api == ["microsoft", "runtime", "beta"];
        let is_unknown = parts == 3 && !is_runtime && !pages(settings).any(|(_, it)| address_of(it) == api);
        let api = format!("api/{}", api.join("/"));
        Ok(Self { root, api, resource: resource.join("/"), is_runtime, is_unknown })
    }

    /// The entity of this API that has this name.
    pub(in crate::dynamics::business_central) fn entity(
        &self,
        settings: &Settings,
        name: &str,
    ) -> Option<&'static Entity> {
        if self.api == STANDARD {
            return ENTITIES.iter().find(|it| it.api == Api::Standard && it.plural == name);
        }
        let page = pages(settings).find(|(_, it)| self.api == page_api(it) && it.set == name);
        page.and_then(|(api, _)| ENTITIES.iter().find(|it| it.api == api))
    }
}

fn address_of(page: &Page) -> [&str; 3] {
    [&page.publisher, &page.group, &page.version]
}

/// The API that a custom page is in: `api/erpsync/inventory/v1.0`.
pub(in crate::dynamics::business_central) fn page_api(page: &Page) -> String {
    format!("api/{}", address_of(page).join("/"))
}

/// The customer's own pages.
pub(in crate::dynamics::business_central) fn pages(settings: &Settings) -> impl Iterator<Item = (Api, &Page)> {
    settings.custom.iter().flat_map(|it| {
        let pages = [(Api::Stocks, &it.stocks), (Api::PriceLists, &it.price_lists), (Api::PriceLines, &it.price_lines)];
        pages.into_iter().chain(it.adjustments.as_ref().map(|page| (Api::Adjustments, page)))
    })
}

/// An entity's name in URLs.
pub(in crate::dynamics::business_central) fn name_of<'s>(settings: &'s Settings, entity: &Entity) -> &'s str {
    let page = pages(settings).find(|(api, _)| *api == entity.api);
    page.map_or(entity.plural, |(_, it)| &it.set)
}
