//! What connectors declare: the shipped ones are as they say, and one that is not is found out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use tokio::io::AsyncBufReadExt as _;
use truthsource::certificate::{Finding as Tried, Power, Verdict, markdown, text};
use truthsource::conform::{Dialect, Stand, examine, sample, try_power};
use truthsource::engine::ports::{Decided, Guests};
use truthsource::store::Connection;
use truthsource_core::budget::Class;
use truthsource_core::record::{Observed, State};
use truthsource_core::{Decimal, Fields, Kind};
use truthsource_host::CallError;
use truthsource_host::model::{
    self, Conflict, Description, Effect, Finding, HeldRecord, KindPower, Level, Notice, Outcome, Page, Pull,
    RangeDigest, RangeTold, Standing, Webhook, Write,
};
use truthsource_tests::components;

/// A shipped connector at a system, compiled once for all tests.
fn stand(against: Dialect) -> Stand {
    static STANDS: OnceLock<BTreeMap<Dialect, Stand>> = OnceLock::new();
    let all = STANDS.get_or_init(|| {
        // They are called for as long as there are tests.
        let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
        let build = |it: Dialect| {
            let bytes = components().read(it.component()).unwrap();
            let made = Stand::build((&bytes, crate::program().to_owned()), Some(it), BTreeMap::new(), 1);
            (it, runtime.block_on(made).unwrap())
        };
        std::thread::scope(|scope| scope.spawn(|| Dialect::ALL.map(build).into()).join().unwrap())
    });
    all[&against].clone()
}

async fn conforms(against: Dialect, proved_min: usize) {
    let certificate = examine(&stand(against), |_| ()).await.unwrap();
    let refuted: Vec<(String, &Tried)> = certificate.refuted().collect();
    assert!(refuted.is_empty(), "{}", text(&certificate));
    let proved = certificate.count(Verdict::Proved);
    assert!(proved >= proved_min, "{proved} were proved:\n{}", text(&certificate));
    // It is the same again, whatever this machine is busy with.
    let name = format!("{against}.md");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/certificates").join(name);
    let shown = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(markdown(&certificate), shown, "run `truthsource plugin test --markdown` for {}", path.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn netsuite_is_as_it_declares() {
    conforms(Dialect::Netsuite, 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shopify_is_as_it_declares() {
    conforms(Dialect::Shopify, 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sap_b1_is_as_it_declares() {
    conforms(Dialect::SapB1, 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn business_central_is_as_it_declares() {
    conforms(Dialect::BusinessCentral, 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dataverse_is_as_it_declares() {
    conforms(Dialect::Dataverse, 35).await;
}

/// What a connector does otherwise than it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Deltas tell of nothing.
    Deaf,
    /// Times are said to be fine.
    FineGrain,
    /// Nothing is said to lag.
    Prompt,
    /// It is said that deltas tell of deletions.
    SeesDeletes,
    /// Each page after the first is without a record.
    SkipsARow,
    /// What was told first is told once more at the end of every delta.
    LooksBack,
    /// A certain reading is one like any other.
    UncertainReading,
    /// Each try of a write is another write, and nothing is ever found.
    Forgetful,
    /// What is there is overwritten, whatever the write was decided on.
    Bold,
    /// What is wanted is said to be what will be there.
    NeverRounds,
    /// Something is found by every key.
    FindsAnything,
    /// Answers come in an order of their own.
    Shuffles,
    /// A write that may be repeated without harm by its own word, and is not compared with what is there.
    Conditional,
    /// Records are counted, and nothing that they hold.
    OnlyCounts,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_is_false_is_refuted() {
    use Dialect::{BusinessCentral, Dataverse, Netsuite, SapB1, Shopify};
    let table = [
        (Lie::Deaf, Shopify, Kind::Item, Power::Updates),
        (Lie::Deaf, SapB1, Kind::Company, Power::Creates),
        (Lie::Deaf, Netsuite, Kind::Item, Power::Deletes),
        (Lie::FineGrain, Netsuite, Kind::Item, Power::Granularity),
        (Lie::FineGrain, Shopify, Kind::Item, Power::Granularity),
        (Lie::Prompt, Shopify, Kind::Item, Power::Lag),
        (Lie::SeesDeletes, Shopify, Kind::Item, Power::Deletes),
        (Lie::SkipsARow, BusinessCentral, Kind::Item, Power::Listing),
        (Lie::SkipsARow, Dataverse, Kind::Company, Power::Ordering),
        (Lie::LooksBack, BusinessCentral, Kind::Item, Power::Ordering),
        (Lie::LooksBack, Shopify, Kind::StockLevel, Power::Ordering),
        (Lie::UncertainReading, Netsuite, Kind::Item, Power::Certain),
        (Lie::Forgetful, Netsuite, Kind::StockLevel, Power::RepeatedUpdate),
        (Lie::Forgetful, Shopify, Kind::StockLevel, Power::RepeatedUpdate),
        (Lie::Forgetful, Netsuite, Kind::Order, Power::RepeatedCreate),
        (Lie::Forgetful, Netsuite, Kind::Order, Power::Find),
        (Lie::Bold, SapB1, Kind::Item, Power::StaleBase),
        (Lie::Bold, Netsuite, Kind::Item, Power::StaleBase),
        (Lie::NeverRounds, Shopify, Kind::Item, Power::Projection),
        (Lie::FindsAnything, Netsuite, Kind::Order, Power::Find),
        (Lie::Shuffles, Shopify, Kind::Item, Power::Reads),
        (Lie::Conditional, Netsuite, Kind::Item, Power::Race),
        (Lie::OnlyCounts, Netsuite, Kind::StockLevel, Power::Digests),
        (Lie::SkipsARow, Netsuite, Kind::Price, Power::Digests),
    ];
    let mut missed = Vec::new();
    for (lie, against, kind, power) in table {
        let honest = stand(against);
        let lying = honest.with(Arc::new(move |inner| Arc::new(Liar::new(inner, lie))));
        let rig = lying.open(&sample::business(1, 1), truthsource::conform::dialect::Pages::Usual).await.unwrap();
        let declared = rig.described.kinds.iter().find(|it| it.kind == kind).unwrap().clone();
        let tried = try_power(&lying, &declared, power).await.unwrap();
        if tried.verdict != Verdict::Refuted {
            missed.push((lie, against, kind, power, tried));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// `truthsource plugin test` of a component, run as a program: its exit code, what it printed, and what it complained of.
fn test(component: &str, settings: &[&str]) -> (Option<i32>, serde_json::Value, serde_json::Value) {
    let path = components().0.join(format!("{component}.wasm"));
    let mut command = std::process::Command::new(crate::program());
    command.args(["--json", "plugin", "test"]).arg(path).args(["--against", "shopify"]);
    command.args(settings.iter().flat_map(|it| ["--set", it]));
    let ended = command.output().unwrap();
    let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
    (ended.status.code(), json(&ended.stdout), json(&ended.stderr))
}

/// Whatever somebody made, the answer says what is wrong with it.
#[test]
fn a_component_that_nobody_has_seen_is_answered_clearly() {
    for (component, settings, code) in [
        ("volume-pricing", &[][..], "wrong-world"),
        ("moody-connector", &["mood=trap"], "trapped"),
        ("moody-connector", &["mood=loop"], "out-of-time"),
        ("moody-connector", &["mood=nonsense"], "bad-output"),
    ] {
        let (exit, printed, complained) = test(component, settings);
        assert_eq!(
            (exit, complained["code"].as_str()),
            (Some(1), Some(code)),
            "{component} {settings:?}: {complained}"
        );
        assert!(printed.is_null(), "{printed}");
    }
    // One that describes itself is tried, and everything that it promises is found out.
    for (mood, power, told) in [
        ("mood=trap-later", "updates", "`pull` failed: trapped"),
        ("mood=stand-still", "listing", "stands still"),
        ("mood=lazy", "updates", "a complete listing of item is as it was"),
    ] {
        let (exit, printed, complained) = test("moody-connector", &[mood]);
        assert_eq!(exit, Some(1), "{complained}");
        let powers = &printed["kinds"]["item"]["powers"];
        assert_eq!(powers[power]["verdict"], "refuted", "{mood}: {powers:#}");
        assert!(powers[power]["told"].as_str().unwrap().contains(told), "{mood}: {powers:#}");
        assert_eq!(printed["connection"]["credentials"]["verdict"], "refuted", "{printed:#}");
    }
}

/// Whoever writes a client or a connector tries it against a system that is nobody's.
#[tokio::test]
async fn simulated_systems_are_served_by_themselves() {
    let mut command = tokio::process::Command::new(crate::program());
    command.args(["--json", "simulator", "sap-b1,dataverse", "--items", "7"]).kill_on_drop(true);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = tokio::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let said: serde_json::Value = serde_json::from_str(&said.next_line().await.unwrap().unwrap()).unwrap();
    let [b1, dataverse] = said["systems"].as_array().unwrap().as_slice() else { panic!("{said}") };
    let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
    let client = reqwest::Client::new();

    let auth = &b1["credentials"]["auth"];
    let login = serde_json::json!({
        "CompanyDB": auth["company"], "UserName": auth["username"], "Password": auth["password"],
    });
    let session = client.post(text(&auth["login_url"])).body(login.to_string()).send().await.unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let count = client.get(format!("{}/b1s/v2/Items/$count", text(&b1["url"]))).header("cookie", cookie);
    assert_eq!(count.send().await.unwrap().text().await.unwrap(), "7");

    let auth = &dataverse["credentials"]["auth"];
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
        text(&auth["client_id"]),
        text(&auth["client_secret"]),
        text(&auth["scope"])
    );
    let form =
        client.post(text(&auth["token_url"])).header("content-type", "application/x-www-form-urlencoded").body(form);
    let token: serde_json::Value = serde_json::from_slice(&form.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let count = client.get(format!("{}/api/data/v9.2/products/$count", text(&dataverse["url"])));
    let count = count.bearer_auth(text(&token["access_token"])).send().await.unwrap().text().await.unwrap();
    assert_eq!(count.trim_start_matches('\u{feff}'), "7");
    let admin = client.get(format!("{}/journal", text(&dataverse["admin"]))).send().await.unwrap();
    assert!(admin.status().is_success());
}

/// A connector with somebody between it and who asks.
struct Liar {
    inner: Arc<dyn Guests>,
    lie: Lie,
    tries: AtomicU64,
    told: Mutex<BTreeMap<String, Observed>>,
    /// A complete listing is under way.
    lists: AtomicBool,
}

impl Liar {
    fn new(inner: Arc<dyn Guests>, lie: Lie) -> Self {
        Self { inner, lie, tries: AtomicU64::new(0), told: Mutex::default(), lists: AtomicBool::new(false) }
    }

    fn power(&self, power: &KindPower) -> KindPower {
        let power = power.clone();
        match self.lie {
            Lie::FineGrain => KindPower { granularity_ms: 1, ..power },
            Lie::Prompt => KindPower { lag_ms: 0, ..power },
            Lie::SeesDeletes => KindPower { sees_deletes: true, ..power },
            Lie::Conditional => KindPower { effect: Effect::Conditional, ..power },
            _ => power,
        }
    }

    /// A write that is sent as if it had never been sent before.
    fn renamed(&self, write: &Write) -> Write {
        let n = self.tries.fetch_add(1, Ordering::SeqCst);
        let (op_id, command_key) = (format!("{}-{n}", write.op_id), format!("{}-{n}", write.command_key));
        Write { op_id, command_key, first_sent: None, ..write.clone() }
    }

    /// A write that was decided on whatever is there.
    async fn rebased(&self, connection: &Connection, write: &Write) -> Result<Write, CallError> {
        let Some(id) = write.remote_id.clone() else { return Ok(write.clone()) };
        let read = self.inner.read(connection, write.kind, &[id], true).await?.pop();
        Ok(match read {
            Some(Observed::Present(state)) => {
                Write { base: state.fields, base_version: state.version, ..write.clone() }
            }
            _ => write.clone(),
        })
    }
}

#[async_trait]
impl Guests for Liar {
    async fn describe(&self, connection: &Connection) -> Result<Arc<Description>, CallError> {
        let described = self.inner.describe(connection).await?;
        let kinds = described.kinds.iter().map(|it| self.power(it)).collect();
        Ok(Arc::new(Description { kinds, ..Description::clone(&described) }))
    }

    async fn pull(&self, connection: &Connection, pull: &Pull, class: Class) -> Result<Page, CallError> {
        let mut page = self.inner.pull(connection, pull, class).await?;
        let goes_on = pull.cursor.is_some();
        self.lists.fetch_or(!goes_on, Ordering::SeqCst);
        let lists =
            if page.more { self.lists.load(Ordering::SeqCst) } else { self.lists.swap(false, Ordering::SeqCst) };
        match self.lie {
            // Only what a complete listing begins with is told.
            Lie::Deaf if goes_on => page.entries.clear(),
            Lie::SkipsARow if goes_on => drop(page.entries.pop()),
            Lie::LooksBack => {
                let mut told = self.told.lock().unwrap();
                for it in &page.entries {
                    told.entry(it.remote_id().to_owned()).or_insert_with(|| it.clone());
                }
                page.entries.extend(told.values().filter(|_| !lists && !page.more).cloned());
            }
            _ => {}
        }
        Ok(page)
    }

    async fn read(
        &self,
        connection: &Connection,
        kind: Kind,
        ids: &[String],
        certain: bool,
    ) -> Result<Vec<Observed>, CallError> {
        let certain = certain && self.lie != Lie::UncertainReading;
        let mut read = self.inner.read(connection, kind, ids, certain).await?;
        if self.lie == Lie::Shuffles {
            read.rotate_left(1);
        }
        Ok(read)
    }

    async fn push(&self, connection: &Connection, writes: &[Write]) -> Result<Vec<Outcome>, CallError> {
        let mut told = Vec::new();
        for write in writes {
            told.push(match self.lie {
                Lie::Forgetful => self.renamed(write),
                Lie::Bold => self.rebased(connection, write).await?,
                _ => write.clone(),
            });
        }
        self.inner.push(connection, &told).await
    }

    async fn find(&self, connection: &Connection, kind: Kind, key: &str) -> Result<Option<State>, CallError> {
        match self.lie {
            Lie::Forgetful => Ok(None),
            Lie::FindsAnything => {
                let pull = Pull { kind, cursor: None, overlap_ms: 0 };
                let page = self.inner.pull(connection, &pull, Class::default()).await?;
                let states = page.entries.into_iter();
                Ok(states.filter_map(|it| if let Observed::Present(it) = it { Some(it) } else { None }).next_back())
            }
            _ => self.inner.find(connection, kind, key).await,
        }
    }

    async fn project(&self, connection: &Connection, kind: Kind, records: &[Fields]) -> Result<Vec<Fields>, CallError> {
        let projected = self.inner.project(connection, kind, records).await?;
        if self.lie != Lie::NeverRounds {
            return Ok(projected);
        }
        let keep = |(made, record): (Fields, &Fields)| {
            let known: BTreeSet<String> = made.into_keys().collect();
            record.iter().filter(|(name, _)| known.contains(*name)).map(|(n, v)| (n.clone(), v.clone())).collect()
        };
        Ok(projected.into_iter().zip(records).map(keep).collect())
    }

    async fn tell(&self, connection: &Connection, kind: Kind) -> Result<Option<Vec<RangeTold>>, CallError> {
        let mut told = self.inner.tell(connection, kind).await?;
        if self.lie == Lie::OnlyCounts {
            told.iter_mut().flatten().for_each(|it| it.digest.sums.truncate(1));
        }
        Ok(told)
    }

    async fn add(
        &self,
        connection: &Connection,
        kind: Kind,
        records: &[HeldRecord],
    ) -> Result<Vec<RangeDigest>, CallError> {
        let mut added = self.inner.add(connection, kind, records).await?;
        if self.lie == Lie::OnlyCounts {
            added.iter_mut().for_each(|it| it.sums.truncate(1));
        }
        Ok(added)
    }

    async fn check(&self, connection: &Connection) -> Result<Vec<Finding>, CallError> {
        self.inner.check(connection).await
    }
    async fn ensure(&self, connection: &Connection) -> Result<Option<Standing>, CallError> {
        self.inner.ensure(connection).await
    }
    async fn receive(&self, connection: &Connection, webhook: &Webhook) -> Result<Vec<Notice>, CallError> {
        self.inner.receive(connection, webhook).await
    }
    async fn map_in(&self, _: &Connection, _: Kind, _: &[Fields]) -> Result<Option<Vec<Option<Fields>>>, CallError> {
        unreachable!()
    }
    async fn map_out(&self, _: &Connection, _: Kind, _: &[Fields]) -> Result<Option<Vec<Fields>>, CallError> {
        unreachable!()
    }
    async fn decide(&self, _: &str, _: &[Conflict]) -> Result<Option<Decided>, CallError> {
        unreachable!()
    }
    async fn release(&self, _: &str) -> Result<Option<String>, CallError> {
        unreachable!()
    }
    async fn decide_by(&self, _: &str, _: u64, _: &[Conflict]) -> Result<Vec<model::Decision>, CallError> {
        unreachable!()
    }
    async fn publish(&self, _: &[Level]) -> Result<Option<Vec<Decimal>>, CallError> {
        unreachable!()
    }
    async fn validate(&self, _: Kind, _: &[Fields]) -> Result<Option<Vec<model::Verdict>>, CallError> {
        unreachable!()
    }
}
