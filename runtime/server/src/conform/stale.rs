//! Writes that were decided on what is no longer so.

use truthsource_core::record::State;
use truthsource_core::{Decimal, Kind, Value};
use truthsource_host::model::{Effect, Outcome};
use truthsource_simulators::journal::{Actor, Change};

use super::rig::Rig;
use super::sample::{change, update, value};
use super::stand::Stand;
use super::verdict::{Found, Halt};
use super::write::{shown, target, values};
use crate::engine::ports::Clock as _;

/// Somebody is first: the write is stale and changes nothing; decided anew it is taken.
///
/// # Errors
/// When it cannot be tried.
pub async fn stale_base(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, state, field) = target(stand, kind).await?;
    let wanted = |held, n| value(field, held, n);
    let late = update(&rig, kind, &state, (field, wanted(state.fields.get(field), 2)), "late").await?;
    let who = overtake(&rig, kind, &state, field).await?;
    rig.settle(kind);
    let now = rig.look(kind, &state.remote_id).await?.ok_or_else(|| Halt::Broken("it is gone".to_owned()))?;
    let from = rig.journal();
    let outcome = rig.push(&late).await.map_err(Halt::call("push"))?;
    let lines = rig.effects(from, kind);
    let took = values(&lines, field);
    let told = format!(
        "`{field}` was {} when a write was decided; {who} made it {}; the write came to {outcome:?}",
        shown(state.fields.get(field)),
        shown(now.fields.get(field)),
    );
    if !took.is_empty() || !matches!(outcome, Outcome::Stale(_)) {
        return Ok(Found::refuted(format!("{told}; the field took {took:?}")));
    }
    let anew = update(&rig, kind, &now, (field, wanted(now.fields.get(field), 3)), "anew").await?;
    match rig.push(&anew).await.map_err(Halt::call("push"))? {
        Outcome::Applied(_) => {
            Ok(Found::proved(format!("{who} was first: the write was stale; decided anew, it was taken")))
        }
        other => Ok(Found::refuted(format!("{told}; decided anew on what it holds it came to {other:?}"))),
    }
}

/// Somebody changes the field: people where they can, and else another program.
async fn overtake(rig: &Rig, kind: Kind, state: &State, field: &str) -> Result<&'static str, Halt> {
    let by_hand = change(kind, 5).map(|deed| rig.act(kind, &deed));
    let is_it = |it: &Change| it.field == field;
    if let Some(Ok(lines)) = by_hand
        && lines.iter().any(is_it)
    {
        return Ok("somebody");
    }
    let other = value(field, state.fields.get(field), 9);
    let write = update(rig, kind, state, (field, other), "other").await?;
    match rig.push(&write).await.map_err(Halt::call("push"))? {
        Outcome::Applied(_) => Ok("another write"),
        other => Err(Halt::Untested(format!("nobody could change it: a write came to {other:?}"))),
    }
}

/// Somebody is first by a moment: between any two requests of one `push`.
///
/// # Errors
/// When it cannot be tried.
pub async fn race(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, mut state, field) = target(stand, kind).await?;
    if !matches!(rig.power(kind)?.effect, Effect::Conditional | Effect::Keyed) {
        return Err(Halt::Undeclared("writes are compared with what was read, and not with what is there".to_owned()));
    }
    let mut races = 0;
    for at in 0..REQUESTS_MAX {
        let n = u32::try_from(at).unwrap_or(0) + 20;
        let deed = change(kind, n).filter(|_| kind != Kind::Order);
        let deed = deed.ok_or_else(|| Halt::Untested(format!("nobody here changes a {kind} again and again")))?;
        let write =
            update(&rig, kind, &state, (field, value(field, state.fields.get(field), n)), &format!("race-{n}")).await?;
        let (site, clock, done) = (rig.site.clone(), rig.clock.clone(), rig.line.requests());
        rig.line.before(at, Box::new(move || drop(site.act(clock.now(), &deed))));
        let from = rig.journal();
        let outcome = rig.push(&write).await;
        rig.line.undisturbed();
        let lines: Vec<Change> = rig.site.system().journal().since(from);
        let lines: Vec<&Change> = lines.iter().filter(|it| it.kind == kind.as_str() && it.field == field).collect();
        if let Some(told) = overwritten(&lines, (state.fields.get(field), write.want.get(field))) {
            return Ok(Found::refuted(format!("before request {} of a write {told}; it came to {outcome:?}", at + 1)));
        }
        races += usize::from(lines.iter().any(|it| it.actor == Actor::Human));
        if rig.line.requests() - done <= at {
            // There is no such request any more.
            break;
        }
        rig.settle(kind);
        state = rig.look(kind, &state.remote_id).await?.ok_or_else(|| Halt::Broken("it is gone".to_owned()))?;
    }
    if races == 0 {
        return Err(Halt::Untested("nobody could be faster".to_owned()));
    }
    Ok(Found::proved(format!("somebody was faster before each of {races} requests; nothing of theirs was overwritten")))
}

/// Requests of one write that are tried.
const REQUESTS_MAX: u64 = 8;

/// How a write of ours undid what somebody had just done, in words. A difference that was added to it did not.
fn overwritten(lines: &[&Change], (base, want): (Option<&Value>, Option<&Value>)) -> Option<String> {
    let number = |it: Option<&Value>| it.and_then(Value::as_number);
    let by = number(base).zip(number(want)).and_then(|(base, want)| want.checked_sub(base));
    let pair = lines.windows(2).find(|it| it[0].actor == Actor::Human && it[1].actor == Actor::Api)?;
    let (theirs, ours) = (&pair[0].value, &pair[1].value);
    let added = theirs.parse::<Decimal>().ok().zip(by).and_then(|(theirs, by)| theirs.checked_add(by));
    let is_counter = pair[1].field == "on_hand";
    if is_counter && added.is_some_and(|it| ours.parse() == Ok(it)) {
        return None;
    }
    Some(format!("somebody made the field {theirs:?}, and the write made it {ours:?}"))
}
