//! One batch: its changes gathered into few statements.
//!
//! Changes of one family that stand next to each other become one statement. So do those that are apart, as long as
//! nothing between them touches the same tables: then their order cannot matter.

use sqlx::SqliteConnection;

use super::decode::{int, number, unavailable};
use super::{
    commitments, connections, damaged, debts, entries, history, inbox, ledger, links, plans, price_rules, records,
    slots, touched,
};
use crate::store::{Batch, Change, Committed, Error, Result, UnixMs};

/// Changes that one statement writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Inbox,
    InboxDone,
    Touch,
    Untouch,
    TouchLater,
    Reread,
    Cursor,
    Ask,
    Swept,
    Append,
    Folded,
    Ruling,
    Wait,
    Drop,
    Wake,
    Supersede,
    Command,
    Truth,
    Shadow,
    Commitments,
    PriceRule,
    Link,
    Unlink,
    Owe,
    Debt,
    Paid,
    Retell,
    RetellOne,
    Redrive,
    Plan,
    PlanWaits,
    PlanEnded,
    PlansForgotten,
    Event,
    Conflict,
    ConflictClosed,
    Drift,
    Kv,
    Terms,
    /// Connections, slots, settings: seldom enough to be written one by one.
    Rare,
}

const INBOX: u32 = 1;
const TOUCHED: u32 = 1 << 1;
const CURSOR: u32 = 1 << 2;
const LINK: u32 = 1 << 3;
const ENTRY: u32 = 1 << 4;
const TRUTH: u32 = 1 << 5;
const SHADOW: u32 = 1 << 6;
const DEBT: u32 = 1 << 7;
const EVENT: u32 = 1 << 8;
const CONFLICT: u32 = 1 << 9;
const KV: u32 = 1 << 10;
const COMMAND: u32 = 1 << 11;
const ASK: u32 = 1 << 12;
const RULING: u32 = 1 << 13;
const TERMS: u32 = 1 << 14;
const DRIFT: u32 = 1 << 15;
const PLANNED: u32 = 1 << 16;
const COMMITMENT: u32 = 1 << 17;
const PRICE_RULE: u32 = 1 << 18;
const EVERYTHING: u32 = u32::MAX;

impl Family {
    fn of(change: &Change) -> Self {
        match change {
            Change::Inbox { .. } => Self::Inbox,
            Change::InboxDone { .. } => Self::InboxDone,
            Change::Touch { .. } => Self::Touch,
            Change::Untouch { .. } => Self::Untouch,
            Change::TouchLater { .. } => Self::TouchLater,
            Change::Reread { .. } => Self::Reread,
            Change::Cursor { .. } => Self::Cursor,
            Change::Ask { .. } => Self::Ask,
            Change::Swept { .. } => Self::Swept,
            Change::Append { .. } => Self::Append,
            Change::Folded { .. } => Self::Folded,
            Change::Ruling(_) => Self::Ruling,
            Change::Terms(_) => Self::Terms,
            Change::Wait { .. } => Self::Wait,
            Change::Drop { .. } => Self::Drop,
            Change::Wake { .. } => Self::Wake,
            Change::Supersede { .. } => Self::Supersede,
            Change::Command { .. } => Self::Command,
            Change::Truth { .. } => Self::Truth,
            Change::Shadow { .. } => Self::Shadow,
            Change::Commitments { .. } => Self::Commitments,
            Change::PriceRule { .. } => Self::PriceRule,
            Change::Link { .. } => Self::Link,
            Change::Unlink { .. } => Self::Unlink,
            Change::Owe(_) | Change::OweAnew(_) => Self::Owe,
            Change::Debt { .. } => Self::Debt,
            Change::Paid(_) => Self::Paid,
            Change::Retell { .. } => Self::Retell,
            Change::RetellOne { .. } => Self::RetellOne,
            Change::Redrive { .. } => Self::Redrive,
            Change::Plan(_) => Self::Plan,
            Change::PlanWaits { .. } => Self::PlanWaits,
            Change::PlanEnded { .. } => Self::PlanEnded,
            Change::PlansForgotten { .. } => Self::PlansForgotten,
            Change::Event(_) => Self::Event,
            Change::Conflict(_) => Self::Conflict,
            Change::ConflictClosed { .. } => Self::ConflictClosed,
            Change::Drift(_) => Self::Drift,
            Change::Kv { .. } => Self::Kv,
            Change::Accuracy(_)
            | Change::NewConnection { .. }
            | Change::ConnectionSpec { .. }
            | Change::ConnectionState { .. }
            | Change::Credentials { .. }
            | Change::Release(_)
            | Change::Activate { .. }
            | Change::Vacate { .. }
            | Change::Call(_)
            | Change::Restate { .. }
            | Change::SetAside(_)
            | Change::Mended(_)
            | Change::Setting { .. } => Self::Rare,
        }
    }

    /// The tables it reads or writes.
    fn tables(self) -> u32 {
        match self {
            Self::Inbox | Self::InboxDone => INBOX,
            Self::Touch | Self::Untouch | Self::TouchLater | Self::Reread => TOUCHED,
            Self::Cursor => CURSOR,
            Self::Ask => ASK,
            Self::Swept | Self::Link | Self::Unlink => LINK,
            Self::Append | Self::Folded | Self::Wait | Self::Drop | Self::Supersede => ENTRY,
            Self::Command => COMMAND,
            Self::Wake => ENTRY | DEBT,
            Self::Truth => TRUTH,
            Self::Retell | Self::RetellOne => TRUTH | DEBT,
            Self::Shadow => SHADOW,
            Self::Commitments => COMMITMENT,
            Self::PriceRule => PRICE_RULE,
            Self::Owe | Self::Debt | Self::Paid | Self::Redrive => DEBT,
            Self::Plan | Self::PlanWaits | Self::PlanEnded | Self::PlansForgotten => PLANNED,
            Self::Event => EVENT,
            Self::Conflict | Self::ConflictClosed => CONFLICT,
            Self::Drift => DRIFT,
            Self::Kv => KV,
            Self::Ruling => RULING,
            Self::Terms => TERMS,
            Self::Rare => EVERYTHING,
        }
    }
}

struct Group {
    family: Family,
    changes: Vec<Change>,
}

fn gather(changes: Vec<Change>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for change in changes {
        let family = Family::of(&change);
        let tables = family.tables();
        let nearest = groups.iter_mut().rev().find(|it| it.family == family || it.family.tables() & tables != 0);
        match nearest {
            Some(group) if group.family == family => group.changes.push(change),
            _ => groups.push(Group { family, changes: vec![change] }),
        }
    }
    groups
}

/// Writes a batch inside the transaction that is open.
pub(super) async fn write(db: &mut SqliteConnection, batch: Batch) -> Result<Committed> {
    if let Some((lane, fence)) = &batch.fence {
        check_fence(db, lane, *fence).await?;
    }
    let mut done = Committed::default();
    let mut holdings = links::Holdings::default();
    for Group { family, changes } in gather(batch.changes) {
        match family {
            Family::Inbox => done.fresh.extend(inbox::take_some(db, batch.at, &changes).await?),
            Family::Folded => entries::folded(db, batch.at, &changes, &mut holdings).await?,
            Family::Rare => write_rare(db, batch.at, changes, &mut done).await?,
            _ => write_group(db, batch.at, family, &changes).await?,
        }
    }
    // Last, so that it sees the batch's links.
    links::keep_digests(db, batch.at, holdings).await?;
    Ok(done)
}

async fn write_group(db: &mut SqliteConnection, at: UnixMs, family: Family, changes: &[Change]) -> Result<()> {
    match family {
        Family::InboxDone => inbox::done(db, at, changes).await,
        Family::Touch => touched::touch(db, at, changes).await,
        Family::Untouch => touched::untouch(db, at, changes).await,
        Family::TouchLater => touched::later(db, at, changes).await,
        Family::Reread => touched::reread(db, at, changes).await,
        Family::Cursor => touched::move_cursor(db, at, changes).await,
        Family::Ask => touched::ask(db, at, changes).await,
        Family::Swept => links::swept(db, at, changes).await,
        Family::Append => entries::append(db, at, changes).await,
        Family::Ruling => ledger::rule(db, at, changes).await,
        Family::Terms => terms(db, changes).await,
        Family::Wait => entries::wait(db, at, changes).await,
        Family::Drop => entries::discard(db, at, changes).await,
        Family::Wake => wake(db, at, changes).await,
        Family::Supersede => entries::supersede(db, at, changes).await,
        Family::Command => links::command(db, at, changes).await,
        Family::Truth => records::truth(db, at, changes).await,
        Family::Shadow => records::shadow(db, at, changes).await,
        Family::Commitments => commitments::put(db, at, changes).await,
        Family::PriceRule => price_rules::put(db, at, changes).await,
        Family::Link => links::link(db, at, changes).await,
        Family::Unlink => links::unlink(db, changes).await,
        Family::Owe => debts::owe(db, at, changes).await,
        Family::Debt => debts::put(db, at, changes).await,
        Family::Paid => debts::paid(db, at, changes).await,
        Family::Retell => debts::retell(db, at, changes).await,
        Family::RetellOne => debts::retell_some(db, at, changes).await,
        Family::Redrive => debts::redrive(db, at, changes).await,
        Family::Plan => plans::hand_in(db, at, changes).await,
        Family::PlanWaits => plans::wait(db, at, changes).await,
        Family::PlanEnded => plans::end(db, at, changes).await,
        Family::PlansForgotten => plans::forget(db, changes).await,
        Family::Event => history::event(db, at, changes).await,
        Family::Conflict => history::conflict(db, at, changes).await,
        Family::ConflictClosed => history::close_conflict(db, at, changes).await,
        Family::Drift => history::drifted(db, at, changes).await,
        Family::Kv => connections::kv(db, changes).await,
        Family::Inbox | Family::Folded | Family::Rare => Ok(()),
    }
}

async fn write_rare(db: &mut SqliteConnection, at: UnixMs, changes: Vec<Change>, done: &mut Committed) -> Result<()> {
    for change in changes {
        match change {
            Change::NewConnection { name, spec } => {
                done.connections.push(connections::add(db, at, &name, &spec).await?);
            }
            Change::ConnectionSpec { id, read, spec } => connections::put_spec(db, (id, read), &spec).await?,
            Change::ConnectionState { id, read, state, trouble } => {
                connections::put_state(db, (id, read), state, trouble).await?;
            }
            Change::Credentials { id, purpose, sealed } => connections::seal(db, id, &purpose, sealed).await?,
            Change::SetAside(it) => damaged::set_aside(db, at, &it).await?,
            Change::Mended(row) => damaged::mended(db, at, &row).await?,
            Change::Setting { name, value } => connections::set(db, &name, &value).await?,
            Change::Accuracy(figure) => history::accuracy(db, &figure).await?,
            Change::Release(release) => slots::release(db, &release).await?,
            Change::Activate { slot, release } => slots::activate(db, &slot, release).await?,
            Change::Vacate { slot } => slots::vacate(db, &slot).await?,
            Change::Call(call) => slots::call(db, &call).await?,
            Change::Restate { key, state, natural } => {
                ledger::restate(db, &key, &state, natural.as_deref()).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn terms(db: &mut SqliteConnection, changes: &[Change]) -> Result<()> {
    for change in changes {
        if let Change::Terms(terms) = change {
            ledger::set_terms(db, terms).await?;
        }
    }
    Ok(())
}

async fn wake(db: &mut SqliteConnection, at: UnixMs, changes: &[Change]) -> Result<()> {
    entries::wake(db, at, changes).await?;
    debts::wake(db, at, changes).await
}

async fn check_fence(db: &mut SqliteConnection, lane: &str, fence: u64) -> Result<()> {
    let sql = "select fence from lane where name = ?1";
    let newest: Option<i64> = sqlx::query_scalar(sql).bind(lane).fetch_optional(db).await.map_err(unavailable)?;
    if newest.is_some_and(|newest| number(newest) > fence) { Err(Error::Fenced) } else { Ok(()) }
}

/// Takes or is refused the lease of a lane.
pub(super) async fn lease(
    db: &mut SqliteConnection,
    lane: &str,
    holder: &str,
    now: UnixMs,
    until: UnixMs,
) -> Result<Option<u64>> {
    let sql = "
        insert into lane (name, holder, lease_until, fence) values (?1, ?2, ?4, 1)
        on conflict (name) do update
        set fence = fence + 1, holder = excluded.holder, lease_until = excluded.lease_until
        where holder = excluded.holder or lease_until <= ?3
        returning fence";
    let query = sqlx::query_scalar(sql).bind(lane).bind(holder).bind(int(now.0)).bind(int(until.0));
    let fence: Option<i64> = query.fetch_optional(db).await.map_err(unavailable)?;
    Ok(fence.map(number))
}

/// Prolongs a lease that is still held.
pub(super) async fn renew(db: &mut SqliteConnection, lane: &str, fence: u64, until: UnixMs) -> Result<bool> {
    let sql = "update lane set lease_until = ?3 where name = ?1 and fence = ?2";
    let query = sqlx::query(sql).bind(lane).bind(int(fence)).bind(int(until.0));
    Ok(query.execute(db).await.map_err(unavailable)?.rows_affected() == 1)
}

/// Ends every lease of this holder.
pub(super) async fn release(db: &mut SqliteConnection, holder: &str) -> Result<u64> {
    let sql = "update lane set lease_until = 0 where holder = ?1 and lease_until > 0";
    Ok(sqlx::query(sql).bind(holder).execute(db).await.map_err(unavailable)?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(key: &str) -> Change {
        Change::Paid(crate::store::contract::debt(key, 1))
    }

    fn wake() -> Change {
        Change::Wake { token: "t".to_owned() }
    }

    fn done() -> Change {
        Change::InboxDone { id: 1 }
    }

    fn check(changes: Vec<Change>, expect: &[(Family, usize)]) {
        let seen: Vec<_> = gather(changes).iter().map(|it| (it.family, it.changes.len())).collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn changes_move_past_what_does_not_concern_them() {
        check(vec![paid("a"), done(), paid("b"), done()], &[(Family::Paid, 2), (Family::InboxDone, 2)]);
        check(vec![paid("a"), wake(), paid("b")], &[(Family::Paid, 1), (Family::Wake, 1), (Family::Paid, 1)]);
        let setting = Change::Setting { name: "x".to_owned(), value: serde_json::Value::Null };
        check(vec![done(), setting, done()], &[(Family::InboxDone, 1), (Family::Rare, 1), (Family::InboxDone, 1)]);
    }
}
