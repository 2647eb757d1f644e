//! The shape of the project, held by a test: who may see whom, and where a few things may stand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use truthsource_core::plant::Bug;

/// The walls of ARCHITECTURE.md: a crate, and what may never be among its dependencies, however far down.
const WALLS: &[(&str, &[&str])] = &[
    ("truthsource-core", &["tokio", "sqlx", "axum", "wasmtime", "reqwest", "truthsource-host", "truthsource"]),
    ("truthsource-host", &["sqlx", "axum", "redis", "truthsource", "truthsource-simulators"]),
    ("truthsource-simulators", &["sqlx", "wasmtime", "truthsource-host", "truthsource"]),
    ("truthsource-sdk", &["tokio", "truthsource-core", "truthsource-host", "truthsource"]),
];

/// What every guest may depend on of ours: the SDK and nothing else.
const OF_GUESTS: &[&str] = &["truthsource-sdk"];

/// Crates whose root forbids unsafe code. `host` opens one documented module; guests open their generated bindings.
const SAFE: &[&str] = &[
    "runtime/core/src/lib.rs",
    "runtime/server/src/lib.rs",
    "runtime/server/src/main.rs",
    "runtime/simulators/src/lib.rs",
    "tests/it/main.rs",
    "xtask/src/main.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What this machine builds: what other platforms would need may not even be downloaded.
fn metadata() -> Metadata {
    let said = std::process::Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let platform = said.lines().find_map(|it| it.strip_prefix("host: ")).unwrap();
    let options = ["--locked", "--offline", "--filter-platform", platform].map(str::to_owned);
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).other_options(options).exec().unwrap()
}

/// Everything that ends up in a crate, by name; what only its tests use is left out.
fn reach(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|it| (it.id.clone(), it.name.to_string())).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.as_ref().unwrap().nodes.iter().map(|it| (it.id.clone(), it)).collect();
    let start = metadata.packages.iter().find(|it| it.name.as_str() == name).unwrap().id.clone();
    let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
    while let Some(id) = next.pop() {
        for dependency in &nodes[&id].deps {
            let ships = dependency.dep_kinds.iter().any(|it| it.kind == DependencyKind::Normal);
            if ships && seen.insert(names[&dependency.pkg].clone()) {
                next.push(dependency.pkg.clone());
            }
        }
    }
    seen
}

/// Every file below `dir` with this ending, with what it says.
fn files(dir: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let (mut found, mut next) = (Vec::new(), vec![root().join(dir)]);
    while let Some(dir) = next.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                next.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_walls_stand() {
    let metadata = metadata();
    for (name, never) in WALLS {
        let seen = reach(&metadata, name);
        let through: Vec<_> = never.iter().filter(|it| seen.contains(**it)).collect();
        assert!(through.is_empty(), "{name} reaches {through:?}");
    }
}

#[test]
fn guests_see_the_sdk_alone() {
    let metadata = metadata();
    let ours: BTreeSet<String> = metadata.workspace_packages().iter().map(|it| it.name.to_string()).collect();
    let is_guest = |path: &str| ["/plugins/", "/policies/", "/tests/components/"].iter().any(|it| path.contains(it));
    let guests = metadata.packages.iter().filter(|it| is_guest(it.manifest_path.as_str()));
    let mut count = 0;
    for guest in guests {
        count += 1;
        let seen = reach(&metadata, guest.name.as_str());
        let others: Vec<_> = seen.intersection(&ours).filter(|it| !OF_GUESTS.contains(&it.as_str())).collect();
        assert!(others.is_empty(), "{} reaches {others:?}", guest.name);
    }
    assert!(count >= 9, "only {count} guests were found");
}

#[test]
fn unsafe_code_is_forbidden_where_it_has_no_business() {
    for path in SAFE {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{path} does not forbid unsafe code");
    }
    let host = files("runtime/host/src", ".rs");
    let open: Vec<_> =
        host.iter().filter(|(_, text)| text.contains("#![allow(unsafe_code)]")).map(|(path, _)| path).collect();
    assert_eq!(open.len(), 1, "host opens unsafe code in {open:?}");
}

#[test]
fn sql_stands_in_the_store_alone() {
    let outside = |(path, text): &(PathBuf, String)| {
        !path.to_string_lossy().contains("/store/sqlite/")
            && (text.contains("sqlx::query") || text.contains("SqlitePool"))
    };
    let found: Vec<_> = files("runtime", ".rs").into_iter().filter(outside).map(|it| it.0).collect();
    assert!(found.is_empty(), "SQL in {found:?}");
}

#[test]
fn bindings_are_generated_in_one_file() {
    let generates =
        |text: &str| text.lines().any(|line| line.trim_start().starts_with("wasmtime::component::bindgen!"));
    let found: BTreeSet<_> =
        files("runtime", ".rs").into_iter().filter(|(_, text)| generates(text)).map(|it| it.0).collect();
    assert_eq!(found, BTreeSet::from([root().join("runtime/host/src/bindings.rs")]));
}

#[test]
fn every_item_of_the_contracts_is_documented() {
    const ITEMS: &[&str] = &["interface ", "world ", "record ", "variant ", "enum ", "flags ", "resource ", "type "];
    let mut count = 0;
    for (path, text) in files("wit", ".wit") {
        let mut documented = false;
        for (at, line) in text.lines().map(str::trim).enumerate() {
            let is_item = ITEMS.iter().any(|it| line.starts_with(it)) || line.contains(": func(");
            if is_item {
                count += 1;
                assert!(documented, "{}:{}: `{line}` has no comment", path.display(), at + 1);
            }
            documented = line.starts_with("///");
        }
    }
    assert!(count > 60, "only {count} items were found");
}

/// What the server keeps beyond a call and by a key: whose each is. A key that names no tenant needs a reason.
const KEPT: &[(&str, &str)] = &[
    ("app.rs", "String"),          // a tenant's name
    ("auth/keyring.rs", "String"), // the id of a key, which says whose it is
    ("http/hooks/book.rs", "TenantId"),
    ("plugins/budget.rs", "Account"),      // (tenant, origins)
    ("plugins/guests.rs", "ConnectionId"), // guests are made for one tenant
    ("plugins/reach.rs", "(TenantId"),
    ("plugins/rivals.rs", "Key"), // (tenant, slot)
    ("plugins/slots.rs", "Key"),  // (tenant, slot)
    ("store/sqlite/mod.rs", "TenantId"),
    ("vault/mod.rs", "TenantId"),
    ("work/mod.rs", "ConnectionId"), // what wakes the workers of one tenant
];

/// A map behind a lock, or a cache, that forgets whose what it keeps is gives one tenant's to another.
#[test]
fn t8_what_is_kept_is_kept_by_tenant() {
    const BEHIND: &[&str] = &["Mutex<BTreeMap<", "RwLock<BTreeMap<", "Mutex<HashMap<", "RwLock<HashMap<", "Cache<"];
    const OUTSIDE: &[&str] = &["/sim/", "/demo/", "/bench/", "/conform/", "tests", "/fake"];
    let src = root().join("runtime/server/src");
    let (mut kept, mut seen) = (Vec::new(), BTreeSet::<&(&str, &str)>::new());
    for (path, text) in files("runtime/server/src", ".rs") {
        let path = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        if OUTSIDE.iter().any(|it| format!("/{path}").contains(it)) {
            continue;
        }
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for behind in BEHIND {
            let keys = text.split(behind).skip(1).filter_map(|it| it.split([',', '>']).next());
            kept.extend(keys.map(|key| (path.clone(), key.to_owned())));
        }
    }
    for (path, key) in &kept {
        let known = KEPT.iter().find(|(of, expect)| of == path && expect == key);
        assert!(known.is_some(), "{path} keeps something by {key}: whose is it?");
        seen.extend(known);
    }
    assert_eq!(seen.len(), KEPT.len(), "of {KEPT:?} only {seen:?} are there");
    for (path, ty) in [("plugins/budget.rs", "Account"), ("plugins/rivals.rs", "Key"), ("plugins/slots.rs", "Key")] {
        let text = std::fs::read_to_string(src.join(path)).unwrap();
        assert!(text.contains(&format!("type {ty} = (TenantId, ")), "{ty} in {path} names no tenant");
    }
}

/// The names of all functions, whole: a name that another only begins with is no name.
fn functions(code: &str) -> BTreeSet<&str> {
    let after = code.split("fn ").skip(1);
    after.filter_map(|it| it.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()).collect()
}

#[test]
fn functions_have_whole_names() {
    let names = functions("fn one() {}\n    pub async fn two_three<T>(it: T) {}");
    assert_eq!(names, BTreeSet::from(["one", "two_three"]));
}

/// `docs/simulation.md` says of every bug that can be planted what it took to find it, as `--plant all` prints it.
#[test]
fn every_planted_bug_is_in_the_table_of_what_was_found() {
    let text = std::fs::read_to_string(root().join("docs/simulation.md")).unwrap();
    let table = text.split("| bug | what it does | broke |").nth(1).expect("the table of planted bugs");
    let rows = table.lines().skip(2).take_while(|it| it.starts_with('|'));
    let told: Vec<&str> = rows.filter_map(|it| it.strip_prefix("| `")?.split('`').next()).collect();
    let bugs: Vec<&str> = Bug::ALL.iter().map(|it| it.name()).collect();
    assert_eq!(told, bugs);
}

/// `docs/faults.md` names tests and faults of the simulation: each of them is there, and so is each case.
#[test]
fn every_case_is_held_by_what_is_there() {
    let text = std::fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let code: String = ["runtime", "plugins", "policies", "sdk", "tests"]
        .iter()
        .flat_map(|dir| files(dir, ".rs"))
        .filter(|(path, _)| !path.to_string_lossy().contains("/target/"))
        .map(|it| it.1)
        .collect();
    let tests = functions(&code);
    let faults: String = files("runtime/server/src/sim/plan", ".rs").into_iter().map(|it| it.1).collect();
    let mut held = BTreeSet::new();
    for line in text.lines().filter(|it| it.starts_with("| ") && !it.starts_with("| case")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, cases, _, by, _] = cells[..] else { panic!("`{line}` has other columns") };
        held.extend(cases.split(", ").map(str::to_owned));
        for (at, name) in by.split('`').enumerate().skip(1).step_by(2) {
            let is_fault = by.split('`').nth(at - 1).is_some_and(|it| it.ends_with("sim "));
            let is_there = if is_fault { faults.contains(&format!("\"{name}\"")) } else { tests.contains(name) };
            assert!(is_there, "{cases} names `{name}`, which is not there");
        }
        assert!(by.contains('`'), "{cases} is held by nothing that has a name");
    }
    for (group, most) in [("P", 15), ("W", 12), ("S", 10), ("T", 10), ("C", 13)] {
        let missing: Vec<String> = (1..=most).map(|n| format!("{group}{n}")).filter(|it| !held.contains(it)).collect();
        assert_eq!(missing, Vec::<String>::new(), "not in docs/faults.md");
    }
}
