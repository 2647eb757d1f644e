//! What belongs to no kind: what a connector says before it knows anything, credentials, readings, webhooks.

use truthsource_core::record::{Observed, State};
use truthsource_core::{Fields, Kind};
use truthsource_host::CallError;
use truthsource_host::model::{Fault, Notice, Webhook};
use truthsource_simulators::outbox::{self, Answer};

use super::dialect::Pages;
use super::rig::Rig;
use super::sample::{business, change};
use super::seen::{begun, difference};
use super::stand::Stand;
use super::verdict::{Found, Halt};
use crate::http::hooks::{Endpoint, shake, taken};

/// A good connection passes its check; when access is taken away that is said, and the connection works again after.
///
/// # Errors
/// When it cannot be tried.
pub async fn credentials(stand: &Stand) -> Result<Found, Halt> {
    let rig = stand.open(&business(2, 1), Pages::Usual).await?;
    let kind = rig.described.kinds.first().map_or(Kind::Item, |it| it.kind);
    let findings = rig.guests.check(&rig.connection).await.map_err(Halt::call("check"))?;
    if let Some(bad) = findings.iter().find(|it| !it.ok) {
        return Ok(Found::refuted(format!("all is well, and `check` says of {}: {}", bad.subject, bad.message)));
    }
    rig.site.lock_out(true).map_err(|it| Halt::Untested(it.to_string()))?;
    rig.pass(1);
    let says_so = match rig.guests.check(&rig.connection).await {
        Ok(findings) => findings.iter().any(|it| !it.ok),
        Err(CallError::Refused(Fault::Denied(_))) => true,
        Err(_) => false,
    };
    if !says_so {
        return Ok(Found::refuted("access was taken away, and `check` does not say so"));
    }
    match rig.page(kind, None, 0).await {
        Err(Halt::Broken(why)) if why.contains("denied") => {}
        other => {
            let seen = other.map_or_else(|it| format!("{it:?}"), |_| "a page".to_owned());
            return Ok(Found::refuted(format!("access was taken away, and a pull was not denied but gave {seen}")));
        }
    }
    rig.site.lock_out(false).map_err(|it| Halt::Untested(it.to_string()))?;
    rig.pass(1);
    rig.list(kind).await?;
    Ok(Found::proved("with access all is well; without it was denied, and said to be; and then all was well again"))
}

/// A certain reading shows the present, however far searches lag.
///
/// # Errors
/// When it cannot be tried.
pub async fn certain(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, before, _) = begun(stand, kind).await?;
    let power = rig.power(kind)?.clone();
    if power.certain_max == 0 {
        return Err(Halt::Undeclared("no reading is certain".to_owned()));
    }
    let deed = change(kind, 6).ok_or_else(|| Halt::Untested(format!("nobody here changes any {kind}")))?;
    rig.lag(u64::from(power.lag_ms).max(60_000));
    rig.act(kind, &deed)?;
    let ids: Vec<String> = before.states.keys().cloned().collect();
    let mut read = Vec::new();
    for part in ids.chunks(power.certain_max as usize) {
        read.extend(rig.read(kind, part, true).await?);
    }
    rig.lag(0);
    let after = rig.list(kind).await?;
    let news = difference(&before, &after);
    if news.is_empty() {
        return Err(Halt::Broken(format!("people did {deed:?}, and a complete listing of {kind} is as it was")));
    }
    let shows = |state: &State| {
        let is_it = |it: &&Observed| it.remote_id() == state.remote_id;
        match read.iter().find(is_it) {
            Some(Observed::Present(seen)) => {
                is_of_now(&seen.fields, before.states.get(&state.remote_id), &state.fields)
            }
            _ => false,
        }
    };
    Ok(match news.iter().find(|it| !shows(it)) {
        None => Found::proved(format!("people did {deed:?}; a certain reading showed it at once")),
        Some(it) => {
            Found::refuted(format!("people did {deed:?}; a certain reading did not show it of {}", it.remote_id))
        }
    })
}

/// What the system tells of a change is understood.
///
/// # Errors
/// When it cannot be tried.
pub async fn webhooks(stand: &Stand) -> Result<Found, Halt> {
    let rig = stand.open(&business(3, 1), Pages::Usual).await?;
    let scheme = rig.described.webhook.clone();
    let scheme = scheme.ok_or_else(|| Halt::Undeclared("there are no webhooks".to_owned()))?;
    rig.guests.ensure(&rig.connection).await.map_err(Halt::call("ensure"))?;
    let endpoint = rig.endpoint.clone().ok_or_else(|| Halt::Broken("the scheme of its webhooks is none".to_owned()))?;
    let deed = change(Kind::Item, 1).ok_or_else(|| Halt::Untested("nobody changes anything".to_owned()))?;
    rig.pass(DELIVERY_STEP_MS);
    deliver(&rig, &endpoint);
    rig.act(Kind::Item, &deed)?;
    let mut unverified = 0;
    for _ in 0..DELIVERY_STEPS {
        rig.pass(DELIVERY_STEP_MS);
        for (sent, is_proved) in deliver(&rig, &endpoint) {
            unverified += usize::from(!is_proved);
            let webhook = delivery(&sent, &scheme.topic_header);
            let notices = rig.guests.receive(&rig.connection, &webhook).await.map_err(Halt::call("receive"))?;
            if is_proved && notices.iter().any(names_items) {
                return Ok(Found::proved(format!(
                    "people did {deed:?}; the delivery about it was proved and understood"
                )));
            }
        }
    }
    told_nothing(&rig, unverified)
}

/// Takes what the system sends by now, answered as a server would; whether each delivery proved where it comes from.
fn deliver(rig: &Rig, endpoint: &Endpoint) -> Vec<(outbox::Webhook, bool)> {
    let mut taken_in = Vec::new();
    for departure in rig.door.take_webhooks(rig.now()) {
        let mut headers = http::HeaderMap::new();
        for (name, value) in &departure.webhook.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
                headers.append(name, value);
            }
        }
        let uri: Option<http::Uri> = departure.webhook.url.parse().ok();
        let answer = match uri.and_then(|uri| shake(endpoint, &uri, &headers)) {
            Some((status, body)) => Answer { status, body },
            None => {
                let is_proved = taken(endpoint, &headers, &departure.webhook.body, rig.now()).is_ok();
                taken_in.push((departure.webhook.clone(), is_proved));
                Answer { status: 200, body: bytes::Bytes::new() }
            }
        };
        rig.door.webhook_answered(rig.now(), departure, Some(&answer));
    }
    taken_in
}

const DELIVERY_STEPS: u64 = 20;
const DELIVERY_STEP_MS: u64 = 5_000;

fn told_nothing(rig: &Rig, unverified: usize) -> Result<Found, Halt> {
    if !rig.described.kinds.iter().any(|it| it.kind == Kind::Item) {
        return Err(Halt::Untested("no items are known".to_owned()));
    }
    let told = "an item was changed, and no delivery was both proved and understood to be about items";
    Ok(Found::refuted(format!("{told}; {unverified} came that did not prove where they come from")))
}

fn names_items(notice: &Notice) -> bool {
    matches!(notice, Notice::Touched(Kind::Item, _) | Notice::Poll(Kind::Item))
}

fn delivery(sent: &outbox::Webhook, topic_header: &str) -> Webhook {
    let headers: Vec<(String, String)> =
        sent.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    let topic = headers.iter().find(|(name, _)| name == topic_header).map(|(_, value)| value.clone());
    Webhook { topic: topic.unwrap_or_default(), headers, body: sent.body.to_vec() }
}

/// Whether a reading that may leave out what is not certain yet says nothing that is over, and something of what is new.
fn is_of_now(seen: &Fields, before: Option<&State>, now: &Fields) -> bool {
    let is_new = |name: &String| before.is_none_or(|it| it.fields.get(name) != now.get(name));
    seen.iter().all(|(name, value)| now.get(name) == Some(value)) && seen.keys().any(is_new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        let pair = |it: &str| it.split_once('=').map(|(name, value)| (name.to_owned(), value.into()));
        text.split_whitespace().filter_map(pair).collect()
    }

    #[test]
    fn a_certain_reading_may_leave_out_and_never_lags() {
        let before = State {
            remote_id: "7".to_owned(),
            version: String::new(),
            command_key: None,
            changed_at: None,
            fields: fields("status=open parcels=0 po=1"),
            unmapped: None,
        };
        let now = fields("status=shipped parcels=1 po=1");
        let check = |seen: &str, expect: bool| {
            assert_eq!(is_of_now(&fields(seen), Some(&before), &now), expect, "{seen}");
        };
        check("status=shipped parcels=1 po=1", true);
        check("status=shipped po=1", true);
        check("status=shipped parcels=0 po=1", false);
        check("status=open parcels=0 po=1", false);
        // It says nothing of what happened.
        check("po=1", false);
        check("", false);
    }
}
