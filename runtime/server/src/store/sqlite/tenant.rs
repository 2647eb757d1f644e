//! One tenant's file as a [`TenantStore`].

use sqlx::SqlitePool;

use super::decode::{moment, number, unavailable};
use super::file::File;
use super::memo::Memo;
use super::{
    batch, commitments, connections, damaged, debts, entries, history, inbox, ledger, links, plans, price_rules,
    records, slots, touched,
};
use crate::store::inspect::StateHash;
use crate::store::*;

/// A tenant's data in a file of its own.
pub struct SqliteTenant {
    file: File,
    connections: Memo<Vec<Connection>>,
    slots: Memo<Vec<Slot>>,
    settings: Memo<BTreeMap<String, serde_json::Value>>,
}

impl SqliteTenant {
    pub(super) fn new(file: File) -> Self {
        Self { file, connections: Memo::default(), slots: Memo::default(), settings: Memo::default() }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    fn reads(&self) -> &SqlitePool {
        self.file.reads()
    }

    /// How many entries were ever logged: rises with everything that is heard.
    pub(super) async fn entries(&self) -> Result<u64> {
        entries::count(self.reads()).await
    }
}

#[async_trait]
impl TenantStore for SqliteTenant {
    async fn commit(&self, batch: Batch) -> Result<Committed> {
        self.file.writer().commit(batch).await
    }

    async fn lease(&self, lane: &str, holder: &str, now: UnixMs, ttl_ms: u64) -> Result<Option<u64>> {
        let (lane, holder) = (lane.to_owned(), holder.to_owned());
        let until = now.plus(ttl_ms);
        let work = self
            .file
            .writer()
            .call(move |db| Box::pin(async move { batch::lease(db, &lane, &holder, now, until).await }));
        work.await
    }

    async fn renew(&self, lane: &str, fence: u64, now: UnixMs, ttl_ms: u64) -> Result<bool> {
        let (lane, until) = (lane.to_owned(), now.plus(ttl_ms));
        let work =
            self.file.writer().call(move |db| Box::pin(async move { batch::renew(db, &lane, fence, until).await }));
        work.await
    }

    async fn release(&self, holder: &str) -> Result<u64> {
        let holder = holder.to_owned();
        self.file.writer().call(move |db| Box::pin(async move { batch::release(db, &holder).await })).await
    }

    async fn connections(&self) -> Result<Vec<Connection>> {
        self.connections.get(self.file.setup(), connections::all(self.reads())).await
    }

    async fn credentials(&self, connection: ConnectionId, purpose: &str) -> Result<Option<Vec<u8>>> {
        connections::sealed(self.reads(), connection, purpose).await
    }

    async fn inbox(&self, n_max: u32) -> Result<Vec<InboxRow>> {
        inbox::pending(self.reads(), n_max).await
    }

    async fn touched(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Touched>> {
        touched::due(self.reads(), connection, now, n_max).await
    }

    async fn asks(&self, connection: ConnectionId) -> Result<Asks> {
        touched::asks(self.reads(), connection).await
    }

    async fn cursors(&self, connection: ConnectionId) -> Result<BTreeMap<Kind, CursorRow>> {
        touched::cursors(self.reads(), connection).await
    }

    async fn unfolded(&self, n_max: u32) -> Result<Vec<LoggedEntry>> {
        entries::unfolded(self.reads(), n_max).await
    }

    async fn unread(&self, connection: ConnectionId, kind: Kind) -> Result<bool> {
        touched::unread(self.reads(), connection, kind).await
    }

    async fn unidentified(&self, connection: ConnectionId, kind: Kind) -> Result<bool> {
        entries::unidentified(self.reads(), connection, kind).await
    }

    async fn waiting(&self, token: &str, after: u64, n_max: u32) -> Result<Vec<LoggedEntry>> {
        entries::waiting(self.reads(), token, after, n_max).await
    }

    async fn states(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, KeyState>> {
        records::states(self.reads(), keys).await
    }

    async fn commitments(&self, items: &BTreeSet<String>, since_day: Option<u32>) -> Result<Commitments> {
        commitments::of(self.reads(), items, since_day).await
    }

    async fn levels_of(&self, items: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        commitments::levels(self.reads(), items).await
    }

    async fn price_rules(
        &self,
        company: Option<&str>,
        items: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PriceRule>> {
        price_rules::of(self.reads(), company, items).await
    }

    async fn all_price_rules(&self, after: Option<&str>, n_max: u32) -> Result<BTreeMap<String, PriceRule>> {
        price_rules::all(self.reads(), after, n_max).await
    }

    async fn links_from(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        links::look_up(self.reads(), links::FROM, connection, kind, remote_ids).await
    }

    async fn links_to(
        &self,
        connection: ConnectionId,
        kind: Kind,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        links::look_up(self.reads(), links::TO, connection, kind, keys).await
    }

    async fn commands(
        &self,
        connection: ConnectionId,
        command_keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        links::commands(self.reads(), connection, command_keys).await
    }

    async fn naturals(&self, kind: Kind, naturals: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>> {
        records::naturals(self.reads(), kind, naturals).await
    }

    async fn heard(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Heard>> {
        links::heard(self.reads(), connection, kind, remote_ids).await
    }

    async fn unswept(&self, connection: ConnectionId, kind: Kind, sweep: u64) -> Result<Vec<String>> {
        links::unswept(self.reads(), connection, kind, sweep).await
    }

    async fn linked(&self, connection: ConnectionId, kind: Kind) -> Result<u64> {
        links::count(self.reads(), connection, kind).await.map(number)
    }

    async fn vanished(&self, connection: ConnectionId, kind: Kind, since: UnixMs) -> Result<u64> {
        history::vanished(self.reads(), connection, kind, since).await.map(number)
    }

    async fn due_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
        debts::due(self.reads(), connection, now, n_max).await
    }

    async fn untold(&self, now: UnixMs, n_max: u32) -> Result<BTreeSet<RecordKey>> {
        debts::untold(self.reads(), now, n_max).await
    }

    async fn debts_of(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<Debt>> {
        debts::of(self.reads(), keys).await
    }

    async fn debts(
        &self,
        state: DebtState,
        after: Option<&(ConnectionId, RecordKey)>,
        n_max: u32,
    ) -> Result<Vec<Debt>> {
        debts::in_state(self.reads(), state, after, n_max).await
    }

    async fn uncreated(
        &self,
        connection: ConnectionId,
        kind: Kind,
        after: Option<&str>,
        n_max: u32,
    ) -> Result<Vec<Debt>> {
        debts::uncreated(self.reads(), connection, kind, after, n_max).await
    }

    async fn owed(&self, connection: ConnectionId, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<Debt>> {
        debts::owed(self.reads(), (connection, kind), after, n_max).await
    }

    async fn owing(&self) -> Result<Vec<Owing>> {
        debts::owing(self.reads()).await
    }

    async fn begun_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
        debts::begun(self.reads(), connection, now, n_max).await
    }

    async fn planned_due(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<PlannedDue>> {
        plans::due(self.reads(), connection, now, n_max).await
    }

    async fn planned(&self, plan: &str, after: Option<&(ConnectionId, RecordKey)>, n_max: u32) -> Result<Vec<Planned>> {
        plans::of(self.reads(), plan, after, n_max).await
    }

    async fn plan_counts(&self, plan: &str) -> Result<BTreeMap<String, u64>> {
        plans::counts(self.reads(), plan).await
    }

    async fn set_aside(&self) -> Result<Vec<Damaged>> {
        damaged::all(self.reads()).await
    }

    async fn backlog(&self) -> Result<Backlog> {
        backlog(self.reads()).await
    }

    async fn records(&self, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<String>> {
        records::records(self.reads(), kind, after, n_max).await
    }

    async fn timeline(&self, key: &RecordKey, after: u64, n_max: u32) -> Result<Vec<Event>> {
        history::timeline(self.reads(), key, after, n_max).await
    }

    async fn timeline_back(&self, key: &RecordKey, before: Option<u64>, n_max: u32) -> Result<Vec<Event>> {
        history::timeline_back(self.reads(), key, before, n_max).await
    }

    async fn conflicts(&self, open: Option<bool>, before: Option<u64>, n_max: u32) -> Result<Vec<Conflict>> {
        history::conflicts(self.reads(), open, before, n_max).await
    }

    async fn accuracy(&self) -> Result<Vec<Accuracy>> {
        history::accuracies(self.reads()).await
    }

    async fn figures(
        &self,
        connection: &str,
        kind: Option<Kind>,
        before: Option<u64>,
        n_max: u32,
    ) -> Result<Vec<Accuracy>> {
        history::figures(self.reads(), connection, kind, before, n_max).await
    }

    async fn drift(&self, sweep: (&str, Kind, u64), after: u64, n_max: u32) -> Result<Vec<Drift>> {
        history::drift(self.reads(), sweep, after, n_max).await
    }

    async fn slots(&self) -> Result<Vec<Slot>> {
        self.slots.get(self.file.setup(), slots::all(self.reads())).await
    }

    async fn releases(&self, slot: &str) -> Result<Vec<Release>> {
        slots::releases(self.reads(), slot).await
    }

    async fn calls(&self, slot: &str, n_max: u32) -> Result<Vec<CallRow>> {
        slots::calls(self.reads(), slot, n_max).await
    }

    async fn kv_get(&self, connection: ConnectionId, key: &str) -> Result<Option<Vec<u8>>> {
        connections::kv_get(self.reads(), connection, key).await
    }

    async fn kv_count(&self, connection: ConnectionId) -> Result<u64> {
        connections::kv_count(self.reads(), connection).await
    }

    async fn setting(&self, name: &str) -> Result<Option<serde_json::Value>> {
        Ok(self.settings.get(self.file.setup(), connections::settings(self.reads())).await?.remove(name))
    }
}

#[async_trait]
impl Ledger for SqliteTenant {
    async fn accounts(&self, after: Option<&RecordKey>, n_max: u32) -> Result<Vec<RecordKey>> {
        ledger::accounts(self.reads(), after, n_max).await
    }

    async fn ruled(
        &self,
        within: std::ops::Range<UnixMs>,
        after: Option<&RecordKey>,
        n_max: u32,
    ) -> Result<Vec<RecordKey>> {
        ledger::ruled(self.reads(), within, after, n_max).await
    }

    async fn rulings(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<LoggedRuling>> {
        ledger::rulings(self.reads(), keys).await
    }

    async fn entries(&self, seqs: &BTreeSet<u64>) -> Result<BTreeMap<u64, LoggedEntry>> {
        ledger::entries(self.reads(), seqs).await
    }

    async fn terms(&self, digest: &str) -> Result<Option<truthsource_core::fold::Terms>> {
        ledger::terms(self.reads(), digest).await
    }

    async fn outdated(&self, bases: &BTreeMap<Kind, String>, n_max: u32) -> Result<BTreeSet<RecordKey>> {
        records::outdated(self.reads(), bases, n_max).await
    }

    async fn count_outdated(&self, bases: &BTreeMap<Kind, String>) -> Result<BTreeMap<Kind, u64>> {
        records::count_outdated(self.reads(), bases).await
    }

    async fn bases(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, String>> {
        records::bases(self.reads(), keys).await
    }

    async fn stored(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, Stored>> {
        ledger::stored(self.reads(), keys).await
    }
}

async fn backlog(db: &SqlitePool) -> Result<Backlog> {
    let sql = "
        select (select count(*) from inbox where body is not null), (select count(*) from touched),
               (select count(*) from entry where state = 'new'), (select count(*) from entry where state = 'waiting'),
               (select count(*) from debt where state not in ('parked', 'held')), (select count(*) from debt where state = 'parked'),
               (select count(*) from conflict where outcome is null),
               (select count(*) from damaged indexed by damaged_open where mended_at is null),
               (select min(since) from debt where state not in ('parked', 'held'))";
    type Row = (i64, i64, i64, i64, i64, i64, i64, i64, Option<i64>);
    let (inbox, touched, unfolded, waiting, debts, parked, conflicts, damaged, oldest): Row =
        sqlx::query_as(sql).fetch_one(db).await.map_err(unavailable)?;
    Ok(Backlog {
        inbox: number(inbox),
        touched: number(touched),
        unfolded: number(unfolded),
        waiting: number(waiting),
        debts: number(debts),
        parked: number(parked),
        conflicts: number(conflicts),
        damaged: number(damaged),
        oldest_debt: oldest.map(moment),
    })
}

#[async_trait]
impl Inspect for SqliteTenant {
    async fn state_hash(&self) -> Result<String> {
        let db = self.reads();
        let mut hash = StateHash::new();
        for &(table, sql) in HASHED {
            hash.table(table);
            let rows: Vec<(String, String, String, String)> =
                sqlx::query_as(sql).fetch_all(db).await.map_err(unavailable)?;
            for (a, b, c, d) in rows {
                let d = super::decode::checked(d.as_bytes()).map_err(Error::damaged)?;
                hash.row(&[&a, &b, &c, &String::from_utf8_lossy(d)]);
            }
        }
        hash.table("debt");
        for (debt, token) in debts::all(db).await? {
            hash.row(&[&super::decode::to_json(&debt)?, &token]);
        }
        Ok(hash.finish())
    }

    async fn damage(&self, row: &Row) -> Result<()> {
        let row = row.clone();
        self.file.writer().call(move |db| Box::pin(async move { damaged::damage(db, &row).await })).await
    }

    async fn sizes(&self) -> Result<BTreeMap<String, u64>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(SIZES).fetch_all(self.reads()).await.map_err(unavailable)?;
        Ok(rows.into_iter().map(|(table, rows)| (table, number(rows))).collect())
    }
}

const SIZES: &str = "
    select 'accuracy', count(*) from accuracy union all select 'command', count(*) from command
    union all select 'commitment', count(*) from commitment
    union all select 'conflict', count(*) from conflict union all select 'debt', count(*) from debt
    union all select 'drift', count(*) from drift union all select 'entry', count(*) from entry
    union all select 'event', count(*) from event union all select 'inbox', count(*) from inbox
    union all select 'link', count(*) from link
    union all select 'price_rule', count(*) from price_rule union all select 'ruling', count(*) from ruling
    union all select 'shadow', count(*) from shadow union all select 'terms', count(*) from terms
    union all select 'touched', count(*) from touched union all select 'truth', count(*) from truth";

/// Four texts a row, in an order that the model of the store gives too.
const HASHED: &[(&str, &str)] = &[
    ("truth", "select kind, key, coalesce(natural, ''), truth from truth order by kind, key"),
    ("shadow", "select kind, key, cast(connection as text), shadow from shadow order by kind, key, connection"),
    ("commitment", "select item, order_key, '', commitment from commitment order by item, order_key"),
    ("price_rule", "select id, company, item, rule from price_rule order by id"),
    (
        "link",
        "select connection || '/' || kind, remote_id, key, swept || '/' || as_of || '/' || coalesce(digest, '')
         from link order by connection, kind, remote_id",
    ),
];
