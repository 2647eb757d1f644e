//! How fast it is. Ignored by default: `cargo test --release -p truthsource store::sqlite::bench -- --ignored --nocapture`.

use tokio::time::Instant;
use truthsource_core::Value;
use truthsource_core::record::{Cause, Observed, Shadow, State, Truth, TruthField};

use super::*;

const CALLERS: u64 = 64;
const WEBHOOKS: u64 = 400;
const RECORDS: usize = 20_000;
const PAGE: usize = 500;
const CONNECTION: ConnectionId = ConnectionId(1);

async fn start() -> (tempfile::TempDir, SqliteStores, Arc<SqliteTenant>) {
    let dir = tempfile::tempdir().unwrap();
    let stores = open(dir.path()).await.unwrap();
    let tenant = stores.add_tenant("acme", UnixMs(1)).await.unwrap();
    let store = stores.tenant_store(tenant.id).await.unwrap();
    (dir, stores, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn webhooks_a_second() {
    let (_dir, _stores, store) = start().await;
    let began = Instant::now();
    let callers = (0..CALLERS).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut waits = Vec::new();
            for n in 0..WEBHOOKS {
                let began = Instant::now();
                let inbox = Change::Inbox {
                    connection: CONNECTION,
                    event_id: format!("{caller}-{n}"),
                    topic: "products/update".to_owned(),
                    headers: vec![("x-shop".to_owned(), "acme.example".to_owned())],
                    body: vec![b'x'; 2_000],
                };
                let batch = Batch { changes: vec![inbox], ..Batch::new(UnixMs(1_700_000_000_000 + n)) };
                assert_eq!(store.commit(batch).await.unwrap().fresh, [true]);
                waits.push(began.elapsed());
            }
            waits
        })
    });
    let mut waits = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        waits.extend(caller.await.unwrap());
    }
    let rate = waits.len() as f64 / began.elapsed().as_secs_f64();
    waits.sort();
    let at = |share: usize| waits[waits.len() * share / 100];
    println!("{rate:.0} webhooks/s by {CALLERS} callers, p50 {:?}, p99 {:?}", at(50), at(99));
}

fn fields(n: usize) -> Fields {
    let text = |name: &str, text: String| (name.to_owned(), Value::Text(text));
    Fields::from([
        text("code", format!("SKU-{n}")),
        text("title", format!("Hexagon bolt number {n}, galvanised")),
        text("barcode", format!("40{n:011}")),
        ("active".to_owned(), Value::Flag(true)),
    ])
}

fn entry(n: usize) -> Entry {
    let state = State {
        remote_id: format!("gid://shopify/Product/{n}"),
        fields: fields(n),
        version: "2026-01-01T00:00:00Z".to_owned(),
        changed_at: Some(UnixMs(5)),
        ..State::default()
    };
    Entry::Observed {
        connection: CONNECTION,
        cause: Cause::Poll,
        as_of: n as u64,
        observed: Observed::Present(state),
        tried: Fields::new(),
    }
}

/// What a fold writes of a record that it sees for the first time.
fn fold(seq: u64, n: usize) -> Vec<Change> {
    let key = RecordKey::new(Kind::Item, format!("sku-{n}"));
    let field = |value: Value| TruthField::decided(value, 1);
    let fields = fields(n).into_iter().map(|(name, value)| (name, field(value))).collect();
    let truth = Truth { version: 1, fields, deleted_at: None };
    let held = self::fields(n)
        .into_iter()
        .map(|(name, value)| (name, truthsource_core::record::HeldField { value, seen: 1, of: None }));
    let shadow = Shadow {
        remote_id: format!("gid://shopify/Product/{n}"),
        version: "2026-01-01T00:00:00Z".to_owned(),
        as_of: 1,
        fields: held.collect(),
        want: self::fields(n),
        ..Shadow::default()
    };
    let debt = Debt {
        connection: ConnectionId(2),
        key: key.clone(),
        truth_version: 1,
        priority: 3,
        due_at: UnixMs(1),
        since: UnixMs(1),
        attempts: 0,
        state: DebtState::Due,
        last_error: None,
        intent: None,
    };
    let what = What::Resolved { version: 1, fields: self::fields(n) };
    let event = Event { id: 0, at: UnixMs(1), key: key.clone(), connection: Some(CONNECTION), what };
    vec![
        Change::Folded { seq, key: key.key.clone(), entry: None },
        Change::Link { connection: CONNECTION, key: key.clone(), remote_id: format!("gid://shopify/Product/{n}") },
        Change::Truth { key: key.clone(), truth, natural: Some(key.key.clone()), basis: "b".to_owned() },
        Change::Shadow { key, connection: CONNECTION, shadow },
        Change::Owe(debt),
        Change::Event(event),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn records_a_second() {
    let (_dir, _stores, store) = start().await;
    let began = Instant::now();
    for page in 0..RECORDS / PAGE {
        let append = |n| Change::Append { kind: Kind::Item, key: None, entry: entry(page * PAGE + n) };
        let batch = Batch { changes: (0..PAGE).map(append).collect(), ..Batch::new(UnixMs(1)) };
        store.commit(batch).await.unwrap();
    }
    let logged = began.elapsed();
    let mut n = 0;
    let (mut read, mut decide) = (std::time::Duration::ZERO, std::time::Duration::ZERO);
    loop {
        let began = Instant::now();
        let entries = store.unfolded(PAGE as u32).await.unwrap();
        read += began.elapsed();
        if entries.is_empty() {
            break;
        }
        let began = Instant::now();
        let changes: Vec<Change> = entries.iter().enumerate().flat_map(|(at, it)| fold(it.seq, n + at)).collect();
        decide += began.elapsed();
        n += entries.len();
        store.commit(Batch { changes, ..Batch::new(UnixMs(1)) }).await.unwrap();
    }
    assert_eq!(n, RECORDS);
    let whole = began.elapsed();
    let rate = |time: std::time::Duration| RECORDS as f64 / time.as_secs_f64();
    println!(
        "{:.0} records/s in all; log {:.0}/s, fold {:.0}/s (reading {read:?} and making the batches {decide:?} included)",
        rate(whole),
        rate(logged),
        rate(whole - logged)
    );
}
