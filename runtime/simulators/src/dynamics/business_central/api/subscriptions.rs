//! The subscriptions endpoint of each API, and the handshake before a subscription is made or renewed.

use bytes::Bytes;
use http::Method;

use super::super::catalogue::{Api, ENTITIES, Entity};
use super::super::problem::Problem;
use super::super::settings::{Handshake, Settings};
use super::super::state::State;
use super::super::webhooks::Subscription;
use super::address::{Address, name_of, page_api, pages};
use super::{Call, read, respond, show, write};
use crate::dynamics::guid::Guid;
use crate::dynamics::json::{Json, object};
use crate::dynamics::moment;
use crate::odata::{Arguments, Cell, Dialect, Name, Path, Segment};
use crate::outbox::{Answer, Webhook};
use crate::system::{Request, Response};
use truthsource_core::UnixMs;

/// The longest `clientState`, in characters.
const STATE_MAX: usize = 2_048;

/// The API that serves an entity, as resources name it.
fn api_of(settings: &Settings, entity: &Entity) -> Option<String> {
    if entity.api == Api::Standard {
        return Some("api/v2.0".to_owned());
    }
    pages(settings).find(|(api, _)| *api == entity.api).map(|(_, it)| page_api(it))
}

/// The resources that can be subscribed to, by name.
pub(super) fn supported(settings: &Settings) -> impl Iterator<Item = String> {
    let entities = ENTITIES.iter().filter(|it| it.subscribable);
    entities.filter_map(|it| Some(format!("{}/{}", api_of(settings, it)?, name_of(settings, it))))
}

/// The handshake that has to be answered before the request is; `None` when it needs none. The token follows from
/// the request's number.
pub(in crate::dynamics::business_central) fn handshake(
    state: &State,
    now: UnixMs,
    request: &Request,
) -> Result<Option<Webhook>, Problem> {
    if !matches!(*request.method(), Method::POST | Method::PATCH) {
        return Ok(None);
    }
    let Ok(address) = Address::of(&state.settings, request) else { return Ok(None) };
    let Ok(path) = Path::parse(&address.resource, &Dialect::business_central()) else { return Ok(None) };
    let [Segment::Name(name)] = path.segments.as_slice() else { return Ok(None) };
    if name.name != "subscriptions" {
        return Ok(None);
    }
    let call = Call { now, request, address };
    let wanted = wanted(state, &call, name)?;
    let token = Guid::drawn("validation", state.requests);
    let mut url = url::Url::parse(&wanted.url).map_err(|_| bad_url())?;
    url.query_pairs_mut().append_pair("validationToken", &token.to_string());
    Ok(Some(Webhook {
        method: match state.settings.webhooks.handshake {
            Handshake::Post => Method::POST,
            Handshake::Get => Method::GET,
        },
        url: url.into(),
        headers: Vec::new(),
        body: Bytes::new(),
        retries_ms: &[],
    }))
}

/// Refuses what a receiver said to the handshake unless it is the token.
pub(in crate::dynamics::business_central) fn confirm(asked: &Webhook, said: Option<&Answer>) -> Result<(), Problem> {
    let url = url::Url::parse(&asked.url).map_err(|_| bad_url())?;
    let token = url.query_pairs().filter(|(name, _)| name == "validationToken").last();
    let is_echo = |it: &Answer| it.status == 200 && token.is_some_and(|(_, token)| it.body == token.as_bytes());
    if said.is_some_and(is_echo) {
        return Ok(());
    }
    Err(Problem::bad(
        "The subscription validation request failed: the notification URL did not return the validation token.",
    ))
}

fn bad_url() -> Problem {
    Problem::bad("The notificationUrl must be an absolute URL.")
}

/// The subscription that a request names in brackets.
fn named<'s>(state: &'s State, call: &Call<'_>, name: &Name) -> Result<Option<&'s Subscription>, Problem> {
    let id = match &name.arguments {
        None => return Ok(None),
        Some(Arguments::One(Cell::Text(id))) => id,
        Some(_) => return Err(Problem::bad("Bad Request - Error in query syntax: the key is a text.")),
    };
    let found = state.subscriptions.get(call.now, id).filter(|it| it.endpoint == call.address.api);
    let missing = || {
        let message = format!(
            "The Webhook Subscription does not exist. Identification fields and values: Subscription ID='{id}'"
        );
        Problem::new(404, "Internal_RecordNotFound", message)
    };
    found.map(Some).ok_or_else(missing)
}

/// The subscription that a create or a renewal asks for.
fn wanted(state: &State, call: &Call<'_>, name: &Name) -> Result<Subscription, Problem> {
    let existing = named(state, call, name)?;
    if let Some(existing) = existing {
        let etag = show::etag(existing.version);
        write::match_etag(call, &etag, state.settings.stale_status, write::Need::Must)?;
    } else if !call.is(Method::POST) {
        return Err(Problem::method(call.request.method().as_str()));
    }
    let body = call.body()?;
    let text = |name: &str| body.text_of(name).filter(|it| !it.is_empty());
    let url = text("notificationUrl").or(existing.map(|it| it.url.as_str()));
    let url = url.ok_or_else(|| Problem::required("notificationUrl"))?.to_owned();
    let is_http = url::Url::parse(&url).is_ok_and(|it| matches!(it.scheme(), "https" | "http"));
    if !is_http {
        return Err(bad_url());
    }
    let resource = text("resource").map(str::to_owned).or(existing.map(|it| it.given.clone()));
    let resource = resource.ok_or_else(|| Problem::required("resource"))?;
    let client_state = body.text_of("clientState").or(existing.map(|it| it.client_state.as_str())).unwrap_or_default();
    if client_state.chars().count() > STATE_MAX {
        return Err(Problem::too_long("clientState", STATE_MAX));
    }
    let (entity, canonical) = subscribed(state, call, &resource)?;
    let mut it = match existing {
        Some(existing) if existing.resource != canonical => return Err(Problem::read_only("resource")),
        Some(existing) => existing.clone(),
        None => {
            roomy(state, call, (&canonical, &url))?;
            Subscription::new(entity.set, (call.address.api.clone(), resource, canonical))
        }
    };
    (it.url, it.client_state) = (url, client_state.to_owned());
    Ok(it)
}

/// Refuses one subscription too many, and one that is there already.
fn roomy(state: &State, call: &Call<'_>, (resource, url): (&str, &str)) -> Result<(), Problem> {
    let max = state.settings.webhooks.subscriptions_max;
    if state.subscriptions.living(call.now).count() >= max {
        return Err(Problem::dialog(format!("The maximum number of webhook subscriptions ({max}) has been reached.")));
    }
    if state.subscriptions.living(call.now).any(|it| it.resource == resource && it.url == url) {
        return Err(Problem::same_key(state.settings.same_key_status, "Webhook Subscription", "Endpoint", resource));
    }
    Ok(())
}

/// What a `resource` means: an entity of this API, in the company that has records.
fn subscribed(state: &State, call: &Call<'_>, resource: &str) -> Result<(&'static Entity, String), Problem> {
    let unsupported = || Problem::bad(format!("The resource '{resource}' cannot be subscribed to."));
    let path = url::Url::parse(resource).map(|it| it.path().to_owned()).unwrap_or_else(|_| resource.to_owned());
    // An absolute or a rooted URL names the environment before its API.
    let from = path.find("api/").ok_or_else(unsupported)?;
    let rest = path[from..].strip_prefix(&call.address.api).ok_or_else(unsupported)?.trim_matches('/');
    let parsed = Path::parse(rest, &Dialect::business_central()).map_err(|_| unsupported())?;
    let [Segment::Name(companies), Segment::Name(set)] = parsed.segments.as_slice() else { return Err(unsupported()) };
    let company = super::key_of(companies)?.filter(|_| companies.name == "companies").ok_or_else(unsupported)?;
    if state.settings.companies.iter().all(|it| it.id != company) {
        return Err(Problem::no_record("Company", company));
    }
    let entity =
        call.address.entity(&state.settings, &set.name).filter(|it| it.subscribable && set.arguments.is_none());
    let entity = entity.ok_or_else(unsupported)?;
    Ok((entity, format!("{}/companies({company})/{}", call.address.api, set.name)))
}

/// Answers the endpoint; a create or a renewal comes here once its handshake is done.
pub(super) fn answer(state: &mut State, call: &Call<'_>, name: &Name) -> Result<Response, Problem> {
    match (call.request.method().as_str(), named(state, call, name)?.is_some()) {
        ("GET", true) => {
            let found = named(state, call, name)?.map(json);
            Ok(respond(200, found.as_ref()))
        }
        ("GET", false) => {
            let its = state.subscriptions.living(call.now).filter(|it| it.endpoint == call.address.api);
            read::listed(call, "subscriptions", its.map(json).collect())
        }
        ("POST", false) | ("PATCH", true) => {
            let wanted = wanted(state, call, name)?;
            let status = if wanted.id.is_empty() { 201 } else { 200 };
            let made = state.subscriptions.put(call.now, &state.settings, wanted);
            Ok(respond(status, Some(&json(&made))))
        }
        ("DELETE", true) => {
            if let Some(it) = named(state, call, name)? {
                let (etag, id) = (show::etag(it.version), it.id.clone());
                write::match_etag(call, &etag, state.settings.stale_status, write::Need::May)?;
                state.subscriptions.remove(&id);
            }
            Ok(respond(204, None))
        }
        (method, _) => Err(Problem::method(method)),
    }
}

fn json(it: &Subscription) -> Json {
    object([
        ("@odata.etag", Json::text(show::etag(it.version))),
        ("subscriptionId", Json::text(&it.id)),
        ("notificationUrl", Json::text(&it.url)),
        ("resource", Json::text(&it.given)),
        ("timestamp", Json::Number(it.version.to_string())),
        ("userId", Json::text(Guid::drawn("user", 1).to_string())),
        ("lastModifiedDateTime", Json::text(moment::short(it.modified))),
        ("clientState", Json::text(&it.client_state)),
        ("expirationDateTime", Json::text(moment::short(it.expires))),
        ("systemCreatedAt", Json::text(moment::short(it.created))),
        ("systemCreatedBy", Json::text(Guid::drawn("user", 1).to_string())),
        ("systemModifiedAt", Json::text(moment::short(it.modified))),
        ("systemModifiedBy", Json::text(Guid::drawn("user", 1).to_string())),
    ])
}
