//! The Service Layer: which request means what.

use serde_json::json;
use truthsource_core::UnixMs;

use super::problem::Problem;
use super::state::{Cause, State};
use super::wire::{self, Style, Wishes};
use crate::journal::Actor;
use crate::odata::{Dialect, Name, Path, Segment, Version};
use crate::system::{self, Request, Response};

mod actions;
mod batch;
mod company;
mod entity;
mod metadata;
mod read;
mod sets;
mod write;

pub(super) use read::{next_link, paged, property_text};
use sets::{Key, Set};

/// Runs the same code with the type of a set's entities.
macro_rules! with_entity {
    ($set:expr, $E:ident => $body:expr) => {
        match $set {
            Set::Items => {
                type $E = $crate::sap_b1::model::Item;
                $body
            }
            Set::Warehouses => {
                type $E = $crate::sap_b1::model::Warehouse;
                $body
            }
            Set::PriceLists => {
                type $E = $crate::sap_b1::model::PriceList;
                $body
            }
            Set::SpecialPrices => {
                type $E = $crate::sap_b1::model::SpecialPrice;
                $body
            }
            Set::BusinessPartners => {
                type $E = $crate::sap_b1::model::Partner;
                $body
            }
            Set::Documents(_) => {
                type $E = $crate::sap_b1::model::Document;
                $body
            }
            Set::InventoryCountings => {
                type $E = $crate::sap_b1::model::Counting;
                $body
            }
            Set::InventoryPostings => {
                type $E = $crate::sap_b1::model::Posting;
                $body
            }
            Set::StockTransfers => {
                type $E = $crate::sap_b1::model::Transfer;
                $body
            }
            Set::Currencies => {
                type $E = $crate::sap_b1::settings::Currency;
                $body
            }
            Set::SqlQueries => {
                type $E = $crate::sap_b1::model::SqlQuery;
                $body
            }
            Set::UserFieldsMd => {
                type $E = $crate::sap_b1::model::field::Field;
                $body
            }
            Set::EventSubscriptions => {
                type $E = $crate::sap_b1::model::Subscription;
                $body
            }
            Set::EventNotifications => {
                type $E = $crate::sap_b1::model::Notification;
                $body
            }
        }
    };
}
use with_entity;

/// A request that is being carried out.
pub(super) struct Call<'c> {
    pub state: &'c mut State,
    pub cause: Cause,
    pub request: &'c Request,
    pub style: Style,
    pub wishes: Wishes,
    pub dialect: Dialect,
    pub user: String,
}

impl Call<'_> {
    pub(super) fn query(&self) -> &str {
        self.request.uri().query().unwrap_or_default()
    }

    fn is(&self, method: &str) -> bool {
        self.request.method().as_str() == method
    }

    /// Refuses a user who may not touch the object or service of this name.
    fn permit(&self, name: &str) -> Result<(), Problem> {
        let user = self.state.settings.users.iter().find(|it| it.name == self.user);
        let is_denied = user.is_none_or(|it| it.denied.iter().any(|denied| denied == name));
        if is_denied { Err(Problem::forbidden()) } else { Ok(()) }
    }
}

/// Answers a request.
pub(super) fn answer(state: &mut State, now: UnixMs, request: &Request) -> Response {
    let path = request.uri().path();
    if path == "/ping" || path.starts_with("/ping/") {
        return ping(state, now, path);
    }
    if wire::header(request, "expect").is_some_and(|it| it.eq_ignore_ascii_case("100-continue")) {
        // The load balancer chokes on it, and says nothing.
        return wire::empty(500);
    }
    let Some((style, rest)) = version_of(path) else { return Problem::resource(path).response(Version::V4) };
    let outcome = within_session(state, now, (request, style), rest);
    let mut response = outcome.unwrap_or_else(|problem| problem.response(style.version));
    let (name, value) = match style.version {
        Version::V3 => ("dataserviceversion", "3.0;"),
        Version::V4 => ("odata-version", "4.0"),
    };
    wire::set(&mut response, name, value);
    response
}

fn version_of(path: &str) -> Option<(Style, &str)> {
    let of = |root: &str, version| path.strip_prefix(root).map(|rest| (Style { version }, rest));
    of("/b1s/v2", Version::V4)
        .or_else(|| of("/b1s/v1", Version::V3))
        .filter(|(_, rest)| rest.is_empty() || rest.starts_with('/'))
}

/// The request asks for a session.
pub(super) fn is_login(request: &Request) -> bool {
    request.method() == http::Method::POST && version_of(request.uri().path()).is_some_and(|(_, it)| it == LOGIN)
}

const LOGIN: &str = "/Login";

fn within_session(
    state: &mut State,
    now: UnixMs,
    (request, style): (&Request, Style),
    path: &str,
) -> Result<Response, Problem> {
    if path == LOGIN && request.method() == http::Method::POST {
        let settings = state.settings.clone();
        return state.sessions.log_in(&settings, now, request, style);
    }
    let settings = state.settings.clone();
    let user = state.sessions.user(&settings, now, request)?;
    if path == "/Logout" && request.method() == http::Method::POST {
        state.sessions.log_out(request);
        return Ok(wire::empty(204));
    }
    let wishes = Wishes::of(request, state.settings.page_size);
    let cause = Cause { now, actor: Actor::Api };
    let dialect = Dialect::sap_b1(style.version);
    let mut call = Call { state, cause, request, style, wishes, dialect, user };
    route(&mut call, path)
}

/// Carries out what a path after the service root names.
fn route(call: &mut Call<'_>, path: &str) -> Result<Response, Problem> {
    let parsed = Path::parse(path, &call.dialect).map_err(|_| Problem::resource(path))?;
    match parsed.segments.as_slice() {
        [] => Ok(metadata::service_document(call)),
        [Segment::Metadata] => Ok(metadata::document(call)),
        [Segment::Batch] if call.is("POST") => batch::answer(call),
        [Segment::Name(name)] if name.arguments.is_none() => match Set::named(&name.name) {
            Some(set) => collection(call, set),
            None => company::answer(call, &name.name).unwrap_or_else(|| Err(Problem::resource(path))),
        },
        [Segment::Name(name), Segment::Count] if name.arguments.is_none() && call.is("GET") => {
            let set = set_of(call, name, path)?;
            with_entity!(set, E => read::count::<E>(call, set))
        }
        [Segment::Name(name)] => {
            let set = set_of(call, name, path)?;
            let key = set.key(name.arguments.as_ref())?;
            one(call, set, &key)
        }
        [Segment::Name(name), Segment::Name(action)] => {
            let set = set_of(call, name, path)?;
            let key = set.key(name.arguments.as_ref())?;
            match actions::answer(call, (set, &key), &action.name) {
                Some(answered) => answered,
                None if call.is("GET") => {
                    with_entity!(set, E => read::property::<E>(call, (set, &key), (&action.name, false)))
                }
                None => Err(Problem::resource(path)),
            }
        }
        [Segment::Name(name), Segment::Name(property), Segment::Value] if call.is("GET") => {
            let set = set_of(call, name, path)?;
            let key = set.key(name.arguments.as_ref())?;
            with_entity!(set, E => read::property::<E>(call, (set, &key), (&property.name, true)))
        }
        _ => Err(Problem::resource(path)),
    }
}

fn set_of(call: &Call<'_>, name: &Name, path: &str) -> Result<Set, Problem> {
    let set = Set::named(&name.name).ok_or_else(|| Problem::resource(path))?;
    admit(call, set).map(|()| set)
}

/// Refuses sets that this company, version or user does not have.
fn admit(call: &Call<'_>, set: Set) -> Result<(), Problem> {
    let is_event = matches!(set, Set::EventSubscriptions | Set::EventNotifications);
    if is_event && (!call.state.settings.webhooks || call.style.version == Version::V3) {
        return Err(Problem::resource(set.name()));
    }
    call.permit(set.name())?;
    if is_event && !call.state.webhooks_on && !call.is("GET") {
        return Err(Problem::rule("Webhooks are not enabled for this company"));
    }
    Ok(())
}

fn collection(call: &mut Call<'_>, set: Set) -> Result<Response, Problem> {
    admit(call, set)?;
    match call.request.method().as_str() {
        "GET" => with_entity!(set, E => read::list::<E>(call, set)),
        "POST" => with_entity!(set, E => write::create::<E>(call, set)),
        _ => Err(Problem::method()),
    }
}

fn one(call: &mut Call<'_>, set: Set, key: &Key) -> Result<Response, Problem> {
    match call.request.method().as_str() {
        "GET" => with_entity!(set, E => read::one::<E>(call, (set, key))),
        "PATCH" | "MERGE" | "PUT" => with_entity!(set, E => write::update::<E>(call, (set, key))),
        "DELETE" => with_entity!(set, E => write::delete::<E>(call, (set, key))),
        _ => Err(Problem::method()),
    }
}

/// Health, without a session.
fn ping(state: &State, now: UnixMs, path: &str) -> Response {
    let node = path.strip_prefix("/ping/node/").map(|it| it.parse::<u32>().unwrap_or(0));
    let sender = match node {
        Some(node) if (1..=state.settings.nodes.max(1)).contains(&node) => format!("node {node}"),
        Some(_) => return wire::empty(404),
        None => "load balancer".to_owned(),
    };
    let timestamp = json!(now.0 as f64 / 1_000.0);
    system::json(200, "application/json", &json!({ "message": "pong", "sender": sender, "timestamp": timestamp }))
}
