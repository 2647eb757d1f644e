//! Has the company tell of what is saved there.
//!
//! A company has few webhooks, and no two for one address: this is one with all events, named after its address and them.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use truthsource_sdk::connector::Outcome;
use truthsource_sdk::subscriptions::{Standing, Target};
use truthsource_sdk::{Context, Fault, Host};

use crate::odata::{Query, entity, literal, plain};
use crate::receive::MOVES_STOCK;
use crate::record::flag;
use crate::settings::webhooks;
use crate::sql::digest;
use crate::wire::{Service, Unwritten};

/// The members that decide.
#[derive(Debug, Clone, Deserialize)]
struct Webhook {
    #[serde(rename = "WebhookID")]
    id: String,
    #[serde(rename = "WebhookURL", default)]
    url: String,
    #[serde(rename = "State", default)]
    state: Option<String>,
}

const PAGE: usize = 1_000;
const SAVED: &[&str] = &["Created", "Updated", "Deleted"];
const ORDERED: &[&str] = &["Created", "Updated", "Deleted", "Closed", "Cancelled", "Reopened"];

/// Every event that tells of a kind, as far as the company knows it: one that it does not know fails all of them. Where
/// it does not say what it knows, those that every company has.
fn events(known: Option<&Catalog>) -> Vec<Json> {
    let of = |object: &'static str, what: &'static [&'static str]| what.iter().map(move |it| (object, *it));
    let always = of("Items", SAVED).chain(of("BusinessPartners", SAVED)).chain(of("Orders", ORDERED));
    let others = of("Warehouses", SAVED).chain(of("SpecialPrices", SAVED)).chain(of("PriceLists", SAVED));
    let others = others.chain(MOVES_STOCK.iter().map(|it| (*it, "Created")));
    let all = always.map(|it| (it, true)).chain(others.map(|it| (it, false)));
    let told = all.filter(|((object, what), always)| known.map_or(*always, |it| it.has(object, what)));
    told.map(|((object, what), _)| json!({ "BusinessObject": object, "TransactionType": what })).collect()
}

/// Makes the company tell of every kind it can tell of: what is missing is made, what is inactive made anew. Repeating it
/// changes nothing more.
pub(crate) fn ensure(host: &dyn Host, ctx: &Context, target: &Target) -> Result<Standing, Fault> {
    if !webhooks(&ctx.settings) {
        return Err(Fault::Unsupported("setting `webhooks` is no, or `api-version` is v1".to_owned()));
    }
    let service = Service::open(host, ctx)?;
    let was_on = is_on(&service)?;
    if !was_on {
        enable(&service)?;
    }
    let events = events(catalog(&service)?.as_ref());
    let id = name(target, &events);
    let is_sound =
        |it: &Webhook| it.id == id && it.url == target.url && it.state.as_deref().is_none_or(|it| it == "Active");
    let ours = standing(&service, target)?;
    if matches!(ours.as_slice(), [webhook] if is_sound(webhook)) {
        return Ok(Standing { renew_by_ms: None, gap: !was_on });
    }
    for webhook in ours {
        take_away(&service, &webhook.id)?;
    }
    make(&service, target, (&id, &events))?;
    Ok(Standing { renew_by_ms: None, gap: true })
}

/// Removes what [`ensure`] made.
pub(crate) fn remove(host: &dyn Host, ctx: &Context, target: &Target) -> Result<(), Fault> {
    let service = Service::open(host, ctx)?;
    standing(&service, target)?.iter().try_for_each(|it| take_away(&service, &it.id))
}

/// The webhooks of this address, and those that were named after it.
fn standing(service: &Service<'_>, target: &Target) -> Result<Vec<Webhook>, Fault> {
    let named = prefix(target);
    let query = Query { entity: "EventSubscriptions", ..Query::default() };
    // Few enough for one page; conditions on members that may not be compared would fail.
    let rows = service.list::<Webhook>(&query.path(), PAGE, plain)?.rows;
    Ok(rows.into_iter().filter(|it| it.id.starts_with(&named) || it.url == target.url).collect())
}

/// Somebody may have switched all webhooks off. A company that does not say counts as one that has them on.
fn is_on(service: &Service<'_>) -> Result<bool, Fault> {
    #[derive(Deserialize)]
    struct Admin {
        #[serde(rename = "EnableWebhook", default)]
        on: Option<String>,
    }
    let admin: Result<Admin, _> = service.post("CompanyService_GetAdminInfo", &json!({}));
    let admin = admin.map_err(|it| refused("the company does not tell its settings", it))?;
    Ok(flag(admin.on.as_deref()).unwrap_or(true))
}

fn enable(service: &Service<'_>) -> Result<(), Fault> {
    let body = json!({ "AdminInfo": { "EnableWebhook": "tYES" } });
    service.run("CompanyService_UpdateAdminInfo", &body).map_err(|it| refused("webhooks are not enabled", it))
}

fn make(service: &Service<'_>, target: &Target, (id, events): (&str, &[Json])) -> Result<(), Fault> {
    // The host puts the secret in the mark's place: it has only letters and digits, and may stand in a text in a text.
    let secret = json!({ "Key": target.secret_mark, "Algorithm": "HMACSha256" }).to_string();
    let body = json!({
        "WebhookID": id,
        "WebhookURL": target.url,
        "AuthenticationType": "HMAC",
        "AuthenticationCred": secret,
        "VerifyCertificate": "tYES",
        "Handshake": "tYES",
        "WorkMode": "Standard",
        "State": "Active",
        "EventCollection": events,
    });
    let made: Result<serde::de::IgnoredAny, _> = service.post("EventSubscriptions", &body);
    match made {
        // Somebody was faster.
        Ok(_) | Err(Unwritten::Exists) => Ok(()),
        Err(unwritten) => Err(refused("the webhook is not made", unwritten)),
    }
}

fn take_away(service: &Service<'_>, id: &str) -> Result<(), Fault> {
    match service.delete(&entity("EventSubscriptions", &literal(id))) {
        Ok(()) | Err(Unwritten::NoMatch(_)) => Ok(()),
        Err(unwritten) => Err(refused("the webhook is not removed", unwritten)),
    }
}

fn refused(what: &str, unwritten: Unwritten) -> Fault {
    match unwritten {
        Unwritten::Denied(why) => Fault::Denied(format!("{what}: {why}")),
        other => match Outcome::from(other) {
            Outcome::Rejected(it) => Fault::Invalid(format!("{what}: {} {}", it.code, it.message)),
            Outcome::Retry(_, why) | Outcome::Unknown(why) => Fault::Unavailable(format!("{what}: {why}")),
            other => Fault::Other(format!("{what}: {other:?}")),
        },
    }
}

/// The events that a company knows: object and what becomes of it.
#[derive(Debug, Default)]
struct Catalog(Vec<(String, String)>);

impl Catalog {
    fn has(&self, object: &str, what: &str) -> bool {
        self.0.iter().any(|it| it.0 == object && it.1 == what)
    }
}

/// A row of the catalogue: an object with one event, or with all of its.
#[derive(Deserialize)]
struct Known {
    #[serde(rename = "BusinessObject")]
    object: String,
    #[serde(rename = "TransactionType", default)]
    what: Option<String>,
    #[serde(rename = "TransactionTypes", default)]
    all: Vec<What>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum What {
    Name(String),
    Row {
        #[serde(rename = "TransactionType")]
        what: String,
    },
}

impl Known {
    fn events(self) -> impl Iterator<Item = (String, String)> {
        let name = |it: What| match it {
            What::Name(what) | What::Row { what } => what,
        };
        let all = self.what.into_iter().chain(self.all.into_iter().map(name));
        all.map(move |what| (self.object.clone(), what))
    }
}

/// `None` where the company does not say, or not in a way that is known.
fn catalog(service: &Service<'_>) -> Result<Option<Catalog>, Fault> {
    match service.list::<Known>("EventSubscriptionsService_GetEventCatalog", PAGE, plain) {
        Ok(rows) => {
            let known: Vec<(String, String)> = rows.rows.into_iter().flat_map(Known::events).collect();
            Ok((!known.is_empty()).then_some(Catalog(known)))
        }
        Err(Fault::Protocol(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// What the names of this address's webhooks begin with.
fn prefix(target: &Target) -> String {
    format!("ts-{:08x}-", digest(&target.url))
}

/// Other events are another webhook: what the company learned to tell since is told.
fn name(target: &Target, events: &[Json]) -> String {
    format!("{}{:08x}", prefix(target), digest(&truthsource_sdk::json::text(&events)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::script::Script;

    fn ctx() -> Context {
        let settings = [("base-url", "https://b1.example"), ("time-zone", "UTC"), ("webhooks", "yes")];
        Context { settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), now_ms: 0 }
    }

    fn target() -> Target {
        Target { url: "https://ts.example/hooks/7".to_owned(), secret_mark: "SECRETMARK".to_owned() }
    }

    fn webhook(id: &str, state: &str) -> String {
        format!(r#"{{"value":[{{"WebhookID":"{id}","WebhookURL":"{}","State":"{state}"}}]}}"#, target().url)
    }

    /// The name of the webhook of all events that every company has.
    fn full() -> String {
        name(&target(), &events(None))
    }

    fn asked(on: &str) -> Script {
        let admin = format!(r#"{{"EnableWebhook":"{on}"}}"#);
        Script::new().answer("POST", "CompanyService_GetAdminInfo", 200, &admin)
    }

    const NONE: &str = r#"{"value":[]}"#;
    const CATALOG: &str = r#"{"value":[{"BusinessObject":"Orders","TransactionType":"Created"},
        {"BusinessObject":"Items","TransactionTypes":["Updated",{"TransactionType":"Deleted"},"Painted"]},
        {"BusinessObject":"Activities","TransactionType":"Created"}]}"#;
    const LIST: &str = "EventSubscriptions";
    const MADE: &str = r#"{"WebhookID":"x"}"#;

    #[test]
    fn what_is_missing_is_made_with_the_secret_in_its_place() {
        let script = asked("tNO")
            .answer("POST", "CompanyService_UpdateAdminInfo", 204, "")
            .answer("GET", "GetEventCatalog", 200, CATALOG)
            .answer("GET", LIST, 200, NONE)
            .answer("POST", LIST, 201, MADE);
        assert_eq!(ensure(&script, &ctx(), &target()), Ok(Standing { renew_by_ms: None, gap: true }));
        let body = script.body(4);
        assert!(
            body.contains(r#""AuthenticationCred":"{\"Algorithm\":\"HMACSha256\",\"Key\":\"SECRETMARK\"}""#),
            "{body}"
        );
        let body: Json = serde_json::from_str(&body).unwrap();
        assert_eq!(body["EventCollection"].as_array().unwrap().len(), 3, "only what the company knows");
    }

    #[test]
    fn what_stands_is_left_alone_and_what_told_nothing_is_a_gap() {
        let until = |on: &str| asked(on).answer("GET", "GetEventCatalog", 404, "<html>");
        let stands = until("tYES").answer("GET", LIST, 200, &webhook(&full(), "Active"));
        assert_eq!(ensure(&stands, &ctx(), &target()), Ok(Standing::default()));
        let switched_off = asked("tNO")
            .answer("POST", "CompanyService_UpdateAdminInfo", 204, "")
            .answer("GET", "GetEventCatalog", 404, "<html>")
            .answer("GET", LIST, 200, &webhook(&full(), "Active"));
        assert!(ensure(&switched_off, &ctx(), &target()).unwrap().gap);
        for (id, state) in [(full(), "Inactive"), (full(), "Exceptional"), ("by-hand".to_owned(), "Active")] {
            let script = until("tYES")
                .answer("GET", LIST, 200, &webhook(&id, state))
                .answer("DELETE", &format!("EventSubscriptions('{id}')"), 204, "")
                .answer("POST", LIST, 201, MADE);
            assert!(ensure(&script, &ctx(), &target()).unwrap().gap, "{id} {state}");
            let asked: Json = serde_json::from_str(&script.body(4)).unwrap();
            assert_eq!(asked["EventCollection"].as_array().unwrap().len(), 12, "only what every company knows");
        }
    }

    #[test]
    fn what_others_made_is_not_removed() {
        let other = r#"{"value":[{"WebhookID":"w1","WebhookURL":"https://other.example"}]}"#;
        let script = Script::new().answer("GET", LIST, 200, other);
        assert_eq!(remove(&script, &ctx(), &target()), Ok(()));
        let script =
            Script::new().answer("GET", LIST, 200, &webhook(&full(), "Active")).answer("DELETE", LIST, 204, "");
        assert_eq!((remove(&script, &ctx(), &target()), script.steps_left()), (Ok(()), 0));
        let denied = Script::new().answer("GET", LIST, 403, r#"{"error":{"code":"-6006","message":"no"}}"#);
        assert!(matches!(remove(&denied, &ctx(), &target()), Err(Fault::Denied(_))));
    }

    #[test]
    fn a_company_without_webhooks_has_none_made() {
        let old = Context { settings: ctx().settings.with("webhooks", "no"), now_ms: 0 };
        assert!(matches!(ensure(&Script::new(), &old, &target()), Err(Fault::Unsupported(_))));
    }
}
