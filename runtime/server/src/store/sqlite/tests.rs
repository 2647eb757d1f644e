//! What SQLite files alone must do.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::Row as _;
use truthsource_core::price::{Ask, Pays, PriceRule};
use truthsource_core::record::{Entry, Settlement, Truth, TruthField};
use truthsource_core::{Decimal, Value};

use super::*;
use crate::engine::price::{Looked, prices};

const CONNECTION: ConnectionId = ConnectionId(1);

fn webhook(event_id: &str, body: usize) -> Batch {
    let inbox = Change::Inbox {
        connection: CONNECTION,
        event_id: event_id.to_owned(),
        topic: "products/update".to_owned(),
        headers: vec![("x-shop".to_owned(), "acme.example".to_owned())],
        body: vec![b'x'; body],
    };
    Batch { changes: vec![inbox], ..Batch::new(UnixMs(1_700_000_000_000)) }
}

async fn start(dir: &Path) -> (SqliteStores, Arc<SqliteTenant>) {
    let stores = open(dir).await.unwrap();
    let tenant = match stores.tenant("acme").await.unwrap() {
        Some(tenant) => tenant,
        None => stores.add_tenant("acme", UnixMs(1)).await.unwrap(),
    };
    let store = stores.tenant_store(tenant.id).await.unwrap();
    (stores, store)
}

#[tokio::test]
async fn s2_a_data_directory_has_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let (stores, _store) = start(dir.path()).await;
    let second = open(dir.path()).await.err().unwrap();
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");
    assert!(second.to_string().contains("in use by another process"), "{second}");
    stores.close().await;
    assert!(open(dir.path()).await.is_ok());
}

/// Whoever lets go of it may need this thread's time for that.
#[tokio::test]
async fn a_lock_that_is_just_let_go_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let held = open::lock(dir.path()).await.unwrap();
    let (taken, ()) = tokio::join!(open::lock(dir.path()), async move { drop(held) });
    assert!(taken.is_ok(), "{taken:?}");
}

#[tokio::test]
async fn a_lost_file_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (stores, _store) = start(dir.path()).await;
    // The process ends before another tenant's file is made.
    stores.add_tenant("late", UnixMs(1)).await.unwrap();
    stores.close().await;
    open(dir.path()).await.unwrap().close().await;
    let file = dir.path().join("tenants/1.db");
    let held = std::fs::read(&file).unwrap();
    for harm in [|file: &Path| std::fs::write(file, b""), |file: &Path| std::fs::remove_file(file)] {
        harm(&file).unwrap();
        let refused = open(dir.path()).await.err().unwrap();
        assert!(matches!(&refused, OpenError::Lost { tenant, .. } if tenant == "acme"), "{refused}");
    }
    std::fs::write(&file, held).unwrap();
    assert!(open(dir.path()).await.is_ok());
}

/// What was written since would be done again, or counted as if people had done it.
#[tokio::test]
async fn s6_an_older_file_is_known_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = async |store: &SqliteTenant| {
        let entry = Entry::Settled { what: Settlement::Deleted(CONNECTION), by: "me".to_owned() };
        let logged = Change::Append { kind: Kind::Item, key: Some("a".to_owned()), entry };
        store.commit(Batch { changes: vec![logged], ..Batch::new(UnixMs(1)) }).await.unwrap();
    };
    let file = dir.path().join("tenants/1.db");
    let (stores, store) = start(dir.path()).await;
    log(&store).await;
    stores.close().await;
    let copy = std::fs::read(&file).unwrap();
    assert!(!dir.path().join("tenants/1.db-wal").exists(), "a copy of the file is all there is");
    // As it was left, it is opened again; and what is noted while it is open counts, too.
    let (stores, store) = start(dir.path()).await;
    log(&store).await;
    stores.note_progress().await.unwrap();
    stores.close().await;
    let newest = std::fs::read(&file).unwrap();
    std::fs::write(&file, copy).unwrap();
    let refused = open(dir.path()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Older { found: 1, known: 2, .. }), "{refused}");
    std::fs::write(&file, newest).unwrap();
    start(dir.path()).await.0.close().await;
}

#[tokio::test]
async fn s10_a_newer_file_is_refused() {
    for file in ["control.db", "tenants/1.db"] {
        let dir = tempfile::tempdir().unwrap();
        let (stores, store) = start(dir.path()).await;
        let writer = if file == "control.db" { stores.control.writer() } else { store.file().writer() };
        let newer = writer.call(|db| {
            Box::pin(
                async move { sqlx::query("pragma user_version = 7").execute(db).await.map_err(decode::unavailable) },
            )
        });
        newer.await.unwrap();
        stores.close().await;
        let refused = open(dir.path()).await.err().unwrap();
        let expect = if file == "control.db" { CONTROL.len() } else { TENANT.len() } as i64;
        assert!(matches!(refused, OpenError::Newer { found: 7, known, .. } if known == expect), "{refused}");
        assert!(refused.to_string().contains(file) && refused.to_string().contains("version 7"), "{refused}");
        // The lock went with the attempt.
        assert!(matches!(open(dir.path()).await.err().unwrap(), OpenError::Newer { .. }));
    }
}

#[tokio::test]
async fn s10_a_migration_that_breaks_off_leaves_the_file_as_it_was() {
    const FIRST: &str = "create table a (n integer) strict; insert into a values (7); pragma user_version = 1;";
    const BROKEN: &str =
        "alter table a rename to b; create table c (n integer) strict; pragma user_version = 2; select nothing;";
    const MENDED: &str = "alter table a add column m integer; pragma user_version = 2;";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.db");
    let open_with = async |scripts: Migrations| {
        let lock = Arc::new(std::fs::File::open(dir.path()).unwrap());
        File::open(&path, scripts, lock).await
    };
    open_with(&[FIRST]).await.unwrap().close().await;
    let refused = open_with(&[FIRST, BROKEN]).await.err().unwrap();
    assert!(format!("{refused:?}").contains("nothing"), "{refused:?}");
    for scripts in [&[FIRST] as Migrations, &[FIRST, MENDED]] {
        let file = open_with(scripts).await.unwrap();
        let kept: i64 = sqlx::query_scalar("select n from a").fetch_one(file.reads()).await.unwrap();
        let version: i64 = sqlx::query_scalar("pragma user_version").fetch_one(file.reads()).await.unwrap();
        assert_eq!((kept, version), (7, scripts.len() as i64));
        file.close().await;
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let refused = open(&file).await.err().unwrap();
    assert!(matches!(refused, OpenError::NotWritable { .. }), "{refused}");
    assert!(refused.to_string().contains("is not writable"), "{refused}");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("control.db"), vec![b'?'; 8_192]).unwrap();
    let damaged = open(&data).await.err().unwrap();
    assert!(matches!(damaged, OpenError::Damaged { .. }), "{damaged}");
}

#[tokio::test]
async fn customers_data_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (stores, _store) = start(&data).await;
    stores.close().await;
    for dir in [data.clone(), data.join("tenants")] {
        assert_eq!(std::fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn connections_have_what_durability_needs() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let pragmas = store.file().writer().call(|db| {
        Box::pin(async move {
            let mut seen = Vec::new();
            for sql in ["pragma journal_mode", "pragma synchronous", "pragma foreign_keys", "pragma trusted_schema"] {
                let row = sqlx::query(sql).fetch_one(&mut *db).await.map_err(decode::unavailable)?;
                seen.push(row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|it| it.to_string())));
            }
            seen.into_iter().collect::<Result<Vec<_>, _>>().map_err(decode::broken)
        })
    });
    assert_eq!(pragmas.await.unwrap(), ["wal", "2", "1", "0"]);
    let write = sqlx::query("insert into setting values ('a', 'b')").execute(store.file().reads()).await;
    assert!(write.is_err_and(|e| decode::code(&e) == Some(8)), "readers cannot write");
}

async fn plan(store: &SqliteTenant, sql: &str) -> String {
    let sql = sqlx::AssertSqlSafe(format!("explain query plan {sql}"));
    let rows = sqlx::query(sql).fetch_all(store.file().reads()).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn hot_reads_use_their_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let expect = [
        (entries::UNFOLDED, vec!["USING INDEX entry_new"]),
        (entries::STRAY, vec!["USING INDEX entry_stray"]),
        (debts::STRAY, vec!["USING INDEX debt_stray (connection=?)"]),
        (entries::WAITING, vec!["entry_waiting (token=? AND rowid>?)"]),
        (debts::DUE, vec!["USING INDEX debt_due (connection=?)"]),
        (debts::BEGUN, vec!["USING INDEX debt_begun (connection=?)"]),
        (debts::OWED, vec!["(connection=? AND kind=? AND key>?)"]),
        (plans::DUE, vec!["planned_open (connection=?)"]),
        (plans::TO_READ, vec!["(connection=? AND kind=? AND remote_id=?)"]),
        (touched::DUE, vec!["USING INDEX touched_due (connection=? AND due_at<?)"]),
        (links::FROM, vec!["SEARCH link USING PRIMARY KEY (connection=? AND kind=? AND remote_id=?)"]),
        (links::TO, vec!["link_key (connection=? AND kind=? AND key=?)"]),
        (links::HEARD, vec!["remote_id=?", "entry_pending (connection=? AND kind=? AND remote_id=?)"]),
        (records::STATES, vec!["truth_1 (kind=? AND key=?)", "shadow_1 (kind=? AND key=?)"]),
        (records::OUTDATED, vec!["truth_basis (kind=? AND basis<?)", "truth_basis (kind=? AND basis>?)", "rowid=?"]),
        (debts::UNTOLD, vec!["USING COVERING INDEX debt_untold (due_at<?)"]),
        (commitments::OF, vec!["commitment_open (item=?)", "commitment_day (item=? AND day>?)"]),
        (commitments::LEVELS, vec!["truth_natural (kind=? AND natural>? AND natural<?)"]),
        (price_rules::OF, vec!["price_rule_place (company=? AND item=?)"]),
        (debts::OF, vec!["debt_record (kind=? AND key=?)"]),
        (history::VANISHED, vec!["event_vanished (connection=? AND kind=? AND at>?)"]),
        (history::TIMELINE, vec!["event_record (kind=? AND key=? AND id>?)"]),
        (history::TIMELINE_BACK, vec!["event_record (kind=? AND key=? AND id<?)"]),
    ];
    for (sql, indexes) in expect {
        let plan = plan(&store, sql).await;
        for index in indexes {
            assert!(plan.contains(index), "{index} is not in: {plan}");
        }
        let sorts = sql == debts::OF;
        assert!(sorts || !plan.contains("TEMP B-TREE"), "it sorts: {plan}");
    }
}

async fn limit_pages(store: &SqliteTenant, pages: i64) {
    let limit = store.file().writer().call(move |db| {
        Box::pin(async move {
            let sql = sqlx::AssertSqlSafe(format!("pragma max_page_count = {pages}"));
            sqlx::query(sql).execute(db).await.map_err(decode::unavailable)
        })
    });
    limit.await.unwrap();
}

#[tokio::test]
async fn s3_a_full_disk_refuses_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    store.commit(webhook("before", 10)).await.unwrap();
    limit_pages(&store, 100).await;
    let calls = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(webhook(&format!("large-{n}"), 2_000_000)).await })
    });
    for call in calls.collect::<Vec<_>>() {
        let refused = call.await.unwrap();
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    let events: Vec<_> = store.inbox(100).await.unwrap().into_iter().map(|it| it.event_id).collect();
    assert_eq!(events, ["before"]);
    limit_pages(&store, 1_000_000).await;
    assert_eq!(store.commit(webhook("large-0", 2_000_000)).await.unwrap().fresh, [true]);
}

#[tokio::test]
async fn s4_s8_a_reading_that_lasts_holds_up_no_write() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    store.commit(webhook("before", 10)).await.unwrap();
    let count = "select count(*) from inbox";
    let mut reading = store.file().reads().begin().await.unwrap();
    let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut *reading).await.unwrap();
    for n in 0..200 {
        store.commit(webhook(&format!("e{n}"), 100_000)).await.unwrap();
    }
    // It sees its own moment, and everybody else sees theirs.
    let again: i64 = sqlx::query_scalar(count).fetch_one(&mut *reading).await.unwrap();
    assert_eq!((seen, again, store.inbox(1_000).await.unwrap().len()), (1, 1, 201));
    reading.rollback().await.unwrap();
    // What could not be copied out of the log meanwhile is, and the log becomes small again.
    for n in 200..300 {
        store.commit(webhook(&format!("e{n}"), 100_000)).await.unwrap();
    }
    let log = std::fs::metadata(dir.path().join("tenants/1.db-wal")).unwrap().len();
    assert!(log < 40_000_000, "{log}");
}

#[tokio::test]
async fn s9_readers_that_find_no_place_are_told_and_writes_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let places = store.file().reads().options().get_max_connections();
    let mut held = Vec::new();
    for _ in 0..places {
        held.push(store.file().reads().begin().await.unwrap());
    }
    let refused = store.inbox(1).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    store.commit(webhook("e", 10)).await.unwrap();
    drop(held);
    assert_eq!(store.inbox(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_was_not_closed_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    for n in 0..50 {
        store.commit(webhook(&format!("e{n}"), 100)).await.unwrap();
    }
    // What a machine that lost power would find: the files as they are, nobody having closed them.
    std::fs::create_dir(copy.path().join("tenants")).unwrap();
    for name in ["control.db", "control.db-wal", "tenants/1.db", "tenants/1.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let (_stores, found) = start(copy.path()).await;
    assert_eq!(found.inbox(100).await.unwrap().len(), 50);
}

/// A list price, as its record says it.
fn listed(item: u64) -> Change {
    let field = |value| TruthField::decided(value, 1);
    let key = format!("item-{item}");
    let cents = 1_000 + i64::try_from(item % 1_000).unwrap();
    let amount = Value::Number(Decimal::new(cents, 2).unwrap());
    let fields =
        [("list", "base".into()), ("item", key.as_str().into()), ("currency", "EUR".into()), ("amount", amount)];
    let fields = fields.map(|(name, value): (&str, Value)| (name.to_owned(), field(value))).into();
    let natural = format!("base@{key}");
    let truth = Truth { version: 1, fields, deleted_at: None };
    Change::Truth { key: RecordKey::new(Kind::Price, &natural), truth, natural: Some(natural), basis: String::new() }
}

/// Nothing is multiplied out, and a price looks at the rules that may concern it: rows are counted, not moments.
#[tokio::test]
async fn a_hundred_thousand_items_for_a_thousand_companies_stay_rules() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let put = async |changes: Vec<Change>| store.commit(Batch { changes, ..Batch::new(UnixMs(1)) }).await.unwrap();
    for from in (0..100_000).step_by(10_000) {
        put((from..from + 10_000).map(listed).collect()).await;
    }
    let rule = |id: String, company: Option<String>, item: Option<String>, pays| {
        let currency = "EUR".to_owned();
        Change::PriceRule { id, rule: Some(PriceRule { company, item, currency, from: None, until: None, pays }) }
    };
    let of_list = |percent: i32| Pays::List { list: "base".to_owned(), percent: percent.into() };
    let company = |n: i32| format!("company-{n}");
    let mut rules = vec![rule("all".to_owned(), None, None, of_list(0))];
    rules.extend((0..1_000).map(|n| rule(company(n), Some(company(n)), None, of_list(-(n % 50)))));
    let contract = |n: i32| {
        let pays = Pays::Fixed { amount: Decimal::ONE, breaks: Vec::new() };
        rule(format!("contract-{n}"), Some(company(7)), Some(format!("item-{n}")), pays)
    };
    rules.extend((0..200).map(contract));
    put(rules).await;
    let sizes = store.sizes().await.unwrap();
    assert_eq!((sizes["price_rule"], sizes["truth"]), (1_201, 100_000));

    for (who, what, expect, rules) in
        [(7, 99_999, "18.59", 2), (7, 3, "1", 3), (49, 0, "5.1", 2), (50, 0, "10", 2), (2_000, 12_345, "13.45", 1)]
    {
        let (company, item, currency) = (Some(company(who)), format!("item-{what}"), "EUR".to_owned());
        let ask = Ask { company, item, quantity: Decimal::ONE, currency, at: UnixMs(1) };
        let (prices, looked) = prices(store.as_ref(), &[ask]).await.unwrap();
        assert_eq!(prices[0].as_ref().unwrap().unit_price.to_string(), expect, "company {who}, item {what}");
        assert_eq!(looked, Looked { rules, prices: 1 });
    }
}

/// There is no query that could forget whose rows it may see: a file holds one tenant's, and its tables know of none.
#[tokio::test]
async fn t2_t3_t5_a_file_holds_one_tenants_rows() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let reads = store.file().reads();
    let tables: String =
        sqlx::query_scalar("select group_concat(sql) from sqlite_master").fetch_one(reads).await.unwrap();
    let tables = tables.to_lowercase();
    assert!(tables.contains("create table truth") && !tables.contains("tenant"), "{tables}");
    let sql = "select count(*) from pragma_database_list where name not in ('main', 'temp')";
    assert_eq!(sqlx::query_scalar::<_, i64>(sql).fetch_one(reads).await.unwrap(), 0, "another file is attached");
}

/// Whoever begins a tenant's work looks first, and says which it is; set anew, it is read again.
#[tokio::test]
async fn s7_what_nobody_can_go_on_without_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let (name, spec) = ("erp".to_owned(), crate::engine::fake::spec());
    let rules = |value: serde_json::Value| Change::Setting { name: "rules".to_owned(), value };
    let pays = Pays::Fixed { amount: Decimal::ONE, breaks: Vec::new() };
    let rule = PriceRule { company: None, item: None, currency: "EUR".to_owned(), from: None, until: None, pays };
    let rule = Change::PriceRule { id: "p".to_owned(), rule: Some(rule) };
    let changes = vec![Change::NewConnection { name, spec }, rules(serde_json::Value::Null), rule.clone()];
    store.commit(Batch { changes, ..Batch::new(UnixMs(1)) }).await.unwrap();
    crate::engine::damage::look_over(&*store).await.unwrap();
    let break_it = async |sql: &'static str| {
        let broken = store
            .file()
            .writer()
            .call(move |db| Box::pin(async move { sqlx::query(sql).execute(db).await.map_err(decode::unavailable) }));
        broken.await.unwrap();
        store.file().setup().rise();
    };
    let check = async |named: &str| {
        let refused = crate::engine::damage::look_over(&*store).await.err().unwrap();
        assert!(matches!(&refused, Error::Damaged(it) if it.row.is_none()), "{refused:?}");
        assert!(refused.to_string().contains(named), "{refused}");
    };
    break_it("update price_rule set rule = cast(x'7b22ff' as text)").await;
    check("price rule `p`").await;
    break_it("update setting set value = '{'").await;
    check("setting `rules`").await;
    break_it("update connection set spec = '{}'").await;
    check("connection `erp`").await;
    break_it("delete from connection").await;
    let changes = vec![rules(serde_json::Value::Null), rule];
    store.commit(Batch { changes, ..Batch::new(UnixMs(2)) }).await.unwrap();
    crate::engine::damage::look_over(&*store).await.unwrap();
}

/// What makes sense and is not what was written: a letter that became another.
#[tokio::test]
async fn s7_what_says_something_else_than_was_written_is_named_and_no_truth_is_made_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let key = RecordKey::new(Kind::Item, "a");
    let truth = contract::truth(1, "Bolt");
    let entry = Entry::Settled { what: Settlement::Deleted(CONNECTION), by: "ann".to_owned() };
    let (linked, basis) = ([(CONNECTION, "seven".to_owned())].into(), String::new());
    let changes = vec![
        Change::Truth { key: key.clone(), truth: truth.clone(), natural: None, basis },
        Change::Append { kind: Kind::Item, key: Some("a".to_owned()), entry },
        Change::Ruling(Box::new(LoggedRuling::link(UnixMs(1), &key, linked))),
    ];
    store.commit(Batch { changes, ..Batch::new(UnixMs(1)) }).await.unwrap();
    let run = async |sql: &'static str| {
        let done = store
            .file()
            .writer()
            .call(move |db| Box::pin(async move { sqlx::query(sql).execute(db).await.map_err(decode::unavailable) }));
        assert_eq!(done.await.unwrap().rows_affected(), 1, "{sql}");
    };
    let asked = BTreeSet::from([key.clone()]);

    run("update truth set truth = replace(truth, 'Bolt', 'Colt')").await;
    let Some(Error::Damaged(damaged)) = store.states(&asked).await.err() else { panic!("it was believed") };
    assert_eq!(damaged.row, Some(Row::Truth { key: key.clone() }));
    run("update entry set entry = replace(entry, 'ann', 'ant')").await;
    let Some(Error::Damaged(damaged)) = store.unfolded(9).await.err() else { panic!("it was believed") };
    assert_eq!(damaged.row, Some(Row::Entry { seq: 1, key: key.clone(), connection: None }));
    run("update ruling set ruling = replace(ruling, 'seven', 'eleven')").await;
    let seen = crate::engine::rebuild::mend(&*store, UnixMs(2)).await.unwrap();
    assert_eq!((seen.differences[0].part.as_str(), seen.written), ("books", 0));

    // As it was written, and as it would have been before there were checksums.
    for sql in [
        "update truth set truth = replace(truth, 'Colt', 'Bolt')",
        "update truth set truth = substr(truth, 1, length(truth) - 10)",
    ] {
        run(sql).await;
        assert_eq!(store.states(&asked).await.unwrap()[&key].truth, truth);
    }
}

/// A state that is none is found by no query that goes by states.
#[tokio::test]
async fn s7_what_is_in_no_state_is_found_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    let entry = Entry::Settled { what: Settlement::Deleted(CONNECTION), by: "me".to_owned() };
    let changes = vec![
        Change::Append { kind: Kind::Item, key: Some("a".to_owned()), entry },
        Change::Owe(contract::debt("a", 1)),
    ];
    store.commit(Batch { changes, ..Batch::new(UnixMs(1)) }).await.unwrap();
    let broken = store.file().writer().call(|db| {
        Box::pin(async move {
            let sql = "update entry set state = 'gnu'; update debt set state = 'gnu'";
            sqlx::raw_sql(sql).execute(db).await.map_err(decode::unavailable)
        })
    });
    broken.await.unwrap();
    let key = RecordKey::new(Kind::Item, "a");
    let rows = [
        Row::Entry { seq: 1, key: key.clone(), connection: None },
        Row::Debt { key, connection: CONNECTION, begun: false },
    ];
    for row in rows {
        let failed = match row {
            Row::Entry { .. } => store.unfolded(9).await.err(),
            _ => store.due_debts(CONNECTION, UnixMs(u64::MAX), 9).await.err(),
        };
        let Some(Error::Damaged(damaged)) = failed else { panic!("{row}: {failed:?}") };
        assert_eq!(damaged.row, Some(row));
        store.commit(Batch { changes: vec![Change::SetAside(damaged)], ..Batch::new(UnixMs(2)) }).await.unwrap();
    }
    assert_eq!((store.unfolded(9).await.unwrap(), store.backlog().await.unwrap().damaged), (vec![], 2));
    assert_eq!(store.due_debts(CONNECTION, UnixMs(u64::MAX), 9).await.unwrap(), []);
}

/// What would be found if the machine lost its power now: a copy of the files, as they are.
fn cut_off(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("tenants")).unwrap();
    for of in ["", "tenants"] {
        for file in std::fs::read_dir(dir.join(of)).unwrap().map(Result::unwrap) {
            // Which is made anew from the log.
            if file.file_type().unwrap().is_file() && !file.file_name().to_string_lossy().ends_with("-shm") {
                std::fs::copy(file.path(), copy.path().join(of).join(file.file_name())).unwrap();
            }
        }
    }
    copy
}

/// How many webhooks are there, and whether this one would be new.
async fn found(dir: &Path, event_id: &str) -> (usize, bool) {
    let (stores, store) = start(dir).await;
    let inbox = store.inbox(9).await.unwrap().len();
    let fresh = store.commit(webhook(event_id, 9)).await.unwrap().fresh;
    stores.close().await;
    (inbox, fresh[0])
}

#[tokio::test]
async fn c1_a_webhook_that_was_written_and_not_committed_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    store.commit(webhook("0", 9)).await.unwrap();
    let (here, batch) = (dir.path().to_owned(), webhook("1", 200_000));
    let copied = store.file().writer().call(move |db| {
        Box::pin(async move {
            assert_eq!(inbox::take(db, std::iter::once(&batch)).await?, [vec![true]]);
            Ok(cut_off(&here))
        })
    });
    let copy = copied.await.unwrap();
    assert_eq!(found(copy.path(), "1").await, (1, true));
}

#[tokio::test]
async fn c2_a_webhook_that_was_committed_and_not_answered_is_there_and_known_again() {
    let dir = tempfile::tempdir().unwrap();
    let (_stores, store) = start(dir.path()).await;
    assert_eq!(store.commit(webhook("1", 9)).await.unwrap().fresh, [true]);
    let copy = cut_off(dir.path());
    assert_eq!(found(copy.path(), "1").await, (1, false));
}
