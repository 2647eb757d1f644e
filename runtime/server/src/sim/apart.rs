//! P11: nothing of one tenant is ever in the store of another, in its systems, or on the way to them.
//!
//! What the store of a tenant holds in the end is not compared with that of a run without its neighbour, as the two may
//! well differ: the tenants share a clock, which goes on while either is at work or waits for an answer, and the order in
//! which workers have their turns is drawn among all of them. When something is heard, and so which of several words is
//! the last, is another moment then. What is looked for instead are the neighbour's own words and numbers, wherever they
//! could be: nobody else has any of them.

use bytes::Bytes;
use truthsource_core::record::RecordKey;
use truthsource_core::{Decimal, Fields, Kind, Value};
use truthsource_simulators::journal::Change;

use super::coverage::Moment;
use super::notes::Notes;
use super::plan::MUCH;
use super::tenancy::Tenancy;
use super::troupe::hook_of;
use crate::store::{self, TenantStore};

/// Looks through everything that is kept for two tenants, and through their systems.
///
/// # Errors
/// When a store fails.
pub(super) async fn check(tenants: [&Tenancy<'_>; 2], notes: &mut Notes) -> anyhow::Result<()> {
    notes.reach(Moment::TwoTenants);
    for (of, other) in [(tenants[0], tenants[1]), (tenants[1], tenants[0])] {
        let side = Side { tenant: of.tenant, mark: of.plan.mark.as_deref() };
        let other = Side { tenant: other.tenant, mark: other.plan.mark.as_deref() };
        let kept = kept(of.store.as_ref()).await?;
        notes.violations.extend(kept.iter().filter_map(|it| side.stored(it, other)));
        for seat in &of.seats {
            let lines = seat.site.system().journal().since(0);
            notes.violations.extend(lines.iter().filter_map(|it| side.took(seat.name(), it, other)));
        }
    }
    Ok(())
}

/// A tenant, and what everything bears that its people name.
#[derive(Clone, Copy)]
struct Side<'a> {
    tenant: &'a str,
    mark: Option<&'a str>,
}

impl Side<'_> {
    /// What is strange about something that is stored for it, in words.
    fn stored(self, (what, text, fields): &(RecordKey, String, Vec<Fields>), other: Side<'_>) -> Option<String> {
        // Places are called alike wherever one is.
        let is_own = what.kind == Kind::Location
            || !self.is_strange(text, other) && fields.iter().all(|it| is_own(it, self.mark));
        let (name, whose) = (self.tenant, other.tenant);
        (!is_own).then(|| format!("P11: {what} in the store of {name} is of {whose}: {text}"))
    }

    /// What is strange about something that a system of its took, in words.
    fn took(self, seat: &str, line: &Change, other: Side<'_>) -> Option<String> {
        let field = [(line.field.clone(), spoken(&line.field, &line.value))].into();
        let is_own = line.kind == "location" || !self.is_strange(&line.value, other) && is_own(&field, self.mark);
        let (name, whose) = (self.tenant, other.tenant);
        (!is_own).then(|| format!("P11: {seat} of {name} took {line:?}, which is of {whose}"))
    }

    fn is_strange(self, text: &str, other: Side<'_>) -> bool {
        self.mark.is_none() && other.mark.is_some_and(|it| text.contains(it))
    }
}

/// Words of one tenant that are never said to a system of another.
#[derive(Debug, Clone)]
pub(super) struct Words {
    of: String,
    hosts: Vec<String>,
    /// Where it is told of changes, and its mark.
    others: Vec<String>,
}

impl Words {
    /// Those of a tenant with systems at these hosts.
    pub fn of(tenant: &str, hosts: Vec<String>, mark: Option<&str>) -> Self {
        let others = [hook_of(tenant, "")].into_iter().chain(mark.map(str::to_owned)).collect();
        Self { of: tenant.to_owned(), hosts, others }
    }

    /// What a request to a host says that is this tenant's, in words; nothing where the host is its own.
    pub fn said(&self, host: &str, request: &http::Request<Bytes>) -> Option<String> {
        if self.hosts.iter().any(|it| it == host) {
            return None;
        }
        let uri = request.uri().to_string();
        let headers = request.headers().values().map(http::HeaderValue::as_bytes);
        let mut said = headers.chain([uri.as_bytes(), request.body()]);
        let words = || self.hosts.iter().chain(&self.others);
        let word = said.find_map(|it| words().find(|word| contains(it, word.as_bytes())))?;
        Some(format!("P11: a request to {host} says {word:?}, which is of {}", self.of))
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|it| it == word)
}

/// Everything that is kept of every record, as text, and the values of its truth and of each system.
async fn kept(store: &dyn TenantStore) -> store::Result<Vec<(RecordKey, String, Vec<Fields>)>> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let keys = store.records(kind, None, 10_000).await?;
        for (key, state) in store.states(&keys.iter().map(|key| RecordKey::new(kind, key)).collect()).await? {
            let timeline = store.timeline(&key, 0, 10_000).await?;
            let shadows = state.shadows.values().map(|it| it.values());
            let fields = shadows.chain([state.truth.values()]).collect();
            all.push((key, format!("{state:?} {timeline:?}"), fields));
        }
    }
    Ok(all)
}

fn spoken(field: &str, value: &str) -> Value {
    match field {
        "on_hand" | "amount" => value.parse::<Decimal>().map_or(Value::Null, Value::Number),
        _ => Value::Text(value.to_owned()),
    }
}

/// Whether the values may be those of a tenant whose people have this mark, or none.
fn is_own(fields: &Fields, mark: Option<&str>) -> bool {
    fields.iter().all(|(name, value)| match (name.as_str(), value) {
        ("title" | "name", Value::Text(text)) => mark.is_none_or(|mark| text.is_empty() || text.contains(mark)),
        ("barcode", Value::Text(text)) => text.is_empty() || text.starts_with('7') == mark.is_some(),
        ("on_hand" | "amount", Value::Number(number)) => {
            let is_much = *number > Decimal::from(MUCH / 2);
            *number == Decimal::ZERO || is_much == mark.is_some()
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use truthsource_core::UnixMs;
    use truthsource_simulators::journal::Actor;

    use super::*;

    const SIM: Side<'_> = Side { tenant: "sim", mark: None };
    const NEIGHBOUR: Side<'_> = Side { tenant: "neighbour", mark: Some("next door") };

    fn number(n: u32) -> Value {
        Value::Number(Decimal::from(n))
    }

    #[test]
    fn p11_what_is_of_another_is_told_by_its_words_and_numbers() {
        let cases: [(&str, Value, [bool; 2]); 10] = [
            // Whether it may be somebody's without a mark, and the neighbour's.
            ("title", "Bolt".into(), [true, false]),
            ("title", "Bolt next door".into(), [false, true]),
            ("name", "Workshop".into(), [true, false]),
            ("title", "".into(), [true, true]),
            ("barcode", "4000000000017".into(), [true, false]),
            ("barcode", "7000000000017".into(), [false, true]),
            ("on_hand", number(100), [true, false]),
            ("on_hand", number(50_100), [false, true]),
            ("amount", number(0), [true, true]),
            ("code", "BOLT-1".into(), [true, true]),
        ];
        for (field, value, expect) in cases {
            let fields: Fields = [(field.to_owned(), value.clone())].into();
            let line = |kind: &str| {
                let (kind, id) = (kind.to_owned(), "7".to_owned());
                let value = match &value {
                    Value::Number(number) => number.to_string(),
                    other => other.as_text().unwrap().to_owned(),
                };
                Change { at: UnixMs(0), actor: Actor::Api, kind, id, field: field.to_owned(), value }
            };
            for ((side, other), expect) in [(SIM, NEIGHBOUR), (NEIGHBOUR, SIM)].into_iter().zip(expect) {
                let of = |kind| (RecordKey::new(kind, "7"), format!("{fields:?}"), vec![Fields::new(), fields.clone()]);
                let found = [side.stored(&of(Kind::Item), other), side.took("erp", &line("item"), other)];
                let told = |it: &Option<String>| it.as_ref().is_some_and(|it| it.starts_with("P11: "));
                assert_eq!(found.map(|it| told(&it)), [!expect; 2], "{} {fields:?}", side.tenant);
                let places = [side.stored(&of(Kind::Location), other), side.took("erp", &line("location"), other)];
                assert_eq!(places, [None, None]);
            }
        }
        // A word that only the history of a record has, too.
        let told = (RecordKey::new(Kind::Item, "7"), "was: Bolt next door".to_owned(), Vec::new());
        assert!(SIM.stored(&told, NEIGHBOUR).is_some());
        assert_eq!(NEIGHBOUR.stored(&told, SIM), None);
    }

    #[test]
    fn p11_what_is_of_another_is_never_asked_for_or_sent() {
        let hosts = |tenant: &str| ["netsuite", "shopify"].map(|it| format!("{it}.{tenant}")).to_vec();
        let words = [("sim", None), ("neighbour", Some("next door"))];
        let words = words.map(|(tenant, mark)| Words::of(tenant, hosts(tenant), mark));
        let cases = [
            ("http://netsuite.sim/a", "Bolt", [0, 0]),
            ("http://netsuite.sim/a", "Bolt next door", [0, 1]),
            ("http://netsuite.sim/a", "https://truthsource.sim/hooks/neighbour/erp", [0, 1]),
            ("http://netsuite.sim/a?url=http://shopify.neighbour", "", [0, 1]),
            ("http://netsuite.neighbour/a", "Bolt next door", [0, 0]),
            ("http://netsuite.neighbour/a", "https://truthsource.sim/hooks/neighbour/erp", [0, 0]),
            ("http://netsuite.neighbour/a", "https://truthsource.sim/hooks/sim/erp", [1, 0]),
        ];
        for (uri, body, expect) in cases {
            let request = http::Request::post(uri).body(Bytes::from(body)).unwrap();
            let host = request.uri().host().unwrap().to_owned();
            let found = words.each_ref().map(|it| it.said(&host, &request));
            assert_eq!(found.each_ref().map(|it| usize::from(it.is_some())), expect, "{uri} {body}: {found:?}");
        }
        let signed = http::Request::get("http://netsuite.sim").header("authorization", "realm=\"next door\"");
        let request = signed.body(Bytes::new()).unwrap();
        assert!(words[1].said("netsuite.sim", &request).is_some());
    }
}
