//! Commands against a node of fakes, as a shell would run them.

use std::path::Path;

use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::{Kind, UnixMs, Value};

use super::*;
use crate::store::{About, Batch, Change, Conflict};

/// Runs a command on its own thread, as it brings its own runtime.
async fn shell(dir: &Path, words: &[&str]) -> anyhow::Result<ExitCode> {
    let dir = dir.to_str().unwrap();
    let line = ["truthsource", "--data-dir", dir].into_iter().chain(words.iter().copied());
    let cli = Cli::try_parse_from(line)?;
    dispatch(cli).await
}

async fn code(dir: &Path, words: &[&str]) -> String {
    match shell(dir, words).await {
        Ok(code) if code == ExitCode::SUCCESS => "ok".to_owned(),
        Ok(_) => "not ok".to_owned(),
        Err(error) => Failure::of(&error).code,
    }
}

#[test]
fn the_tree_is_sound() {
    use clap::CommandFactory as _;
    Cli::command().debug_assert();
}

/// An argument of a command would be taken for the one of the same name that every command takes.
#[test]
fn no_argument_is_called_like_one_of_every_command() {
    use clap::CommandFactory as _;
    fn clashes(command: &clap::Command, globals: &[String], found: &mut Vec<String>) {
        let own = command
            .get_arguments()
            .filter(|it| !it.is_global_set() && globals.iter().any(|name| it.get_id() == name.as_str()));
        found.extend(own.map(|it| format!("{} {}", command.get_name(), it.get_id())));
        command.get_subcommands().for_each(|it| clashes(it, globals, found));
    }
    let (cli, mut found) = (Cli::command(), Vec::new());
    let globals: Vec<String> =
        cli.get_arguments().filter(|it| it.is_global_set()).map(|it| it.get_id().to_string()).collect();
    clashes(&cli, &globals, &mut found);
    // The simulation has no server, and what it is configured by is another file.
    assert_eq!(found, ["sim config"]);
}

#[test]
fn a_mistake_is_one_line() {
    for words in [
        &["truthsource", "sweeep"][..],
        &["truthsource", "timeline", "thing", "x"],
        &["truthsource", "timeline", "item", "x", "--limit", "0"],
        &["truthsource", "key", "create", "x"],
        &["truthsource", "conflict", "settle", "7"],
        &["truthsource", "conflict", "settle", "7", "--take", "erp", "--recreate"],
        &["truthsource", "conflict", "settle", "bolt", "--recreate"],
        &["truthsource", "conflict", "list", "--open", "--all"],
    ] {
        let error = Cli::try_parse_from(words).err().unwrap();
        let failure = Failure::usage(&error);
        assert_eq!((failure.code.as_str(), failure.message.lines().count()), ("usage", 1), "{failure}");
    }
}

#[tokio::test]
async fn commands_find_the_server_of_the_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(code(dir.path(), &["status"]).await, "no-server");
    let (node, _) = crate::node::of_fakes(dir.path()).await;
    assert_eq!(code(dir.path(), &["tenant", "list"]).await, "ok");
    // An operator's key speaks for the only tenant, and for one of several when it is named.
    assert_eq!(code(dir.path(), &["status"]).await, "tenant-missing");
    assert_eq!(code(dir.path(), &["tenant", "create", "acme"]).await, "ok");
    assert_eq!(code(dir.path(), &["status"]).await, "ok");
    assert_eq!(code(dir.path(), &["tenant", "create", "zeta"]).await, "ok");
    assert_eq!(code(dir.path(), &["status"]).await, "tenant-missing");
    assert_eq!(code(dir.path(), &["status", "--tenant", "zeta"]).await, "ok");
    assert_eq!(code(dir.path(), &["status", "--tenant", "none"]).await, "not-found");
    assert_eq!(code(dir.path(), &["status", "--key", "wrong"]).await, "key-invalid");
    assert_eq!(code(dir.path(), &["status", "--url", "http://127.0.0.1:1"]).await, "unreachable");
    assert_eq!(code(dir.path(), &["status", "--url", "nowhere"]).await, "usage");
    node.stop().await;
    assert_eq!(code(dir.path(), &["status"]).await, "no-server");
}

#[tokio::test]
async fn every_command_reaches_its_route() {
    let dir = tempfile::tempdir().unwrap();
    let (_node, _) = crate::node::of_fakes(dir.path()).await;
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let spec = "connector = \"connector:shopify\"\negress = [\"https://shop.example\"]\nrank = 1\n\
        [kinds.item]\nreads = true\nwrites = true\ncreates = true\n";
    let spec = file("spec.toml", spec);
    let secrets = file("secrets.json", r#"{"webhook": [{"secret": "s3cret"}]}"#);
    let empty = file(
        "plan.json",
        r#"{"plan": "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945", "writes": []}"#,
    );
    let changed = file(
        "changed.json",
        r#"{"plan": "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945", "writes": [1]}"#,
    );
    let others = file("others.json", &serde_json::to_string(&crate::certificate::tests::certificate()).unwrap());
    let list = file("list.json", "[]");
    let kept = dir.path().join("kept.json").to_str().unwrap().to_owned();
    let (wasm, elf, broken) = (file("a.wasm", "wasm"), file("b.wasm", "\x7fELF"), file("broken.json", "{"));
    for (words, expect) in [
        (&["tenant", "create", "acme"][..], "ok"),
        (&["connection", "create", "shop", "--spec", &spec, "--credentials", &secrets], "ok"),
        (&["connection", "create", "shop", "--spec", &spec], "name-taken"),
        (&["connection", "create", "x", "--spec", &broken], "malformed"),
        (&["connection", "create", "x", "--spec", "/no/such"], "unreadable"),
        (&["connection", "create", "broken", "--spec", &spec], "ok"),
        (&["connection", "check", "shop"], "ok"),
        (&["connection", "check", "broken"], "not ok"),
        (&["connection", "pause", "shop"], "ok"),
        (&["connection", "resume", "shop", "--json"], "ok"),
        (&["connection", "change", "shop", "--spec", &spec], "ok"),
        (&["connection", "credentials", "shop", &secrets], "ok"),
        (&["connection", "list"], "ok"),
        (&["connection", "show", "shop"], "ok"),
        (&["connection", "show", "none"], "not-found"),
        (&["connection", "link", "shop", "item", "7", "bolt-8"], "not-found"),
        (&["price", "set", &list], "malformed"),
        (&["replay", "--from", "2026-01-31T12:00:00Z", "--to", "2026-01-31T12:00:00Z"], "invalid-query"),
        (&["sweep", "shop", "--no-wait"], "ok"),
        (&["sweep", "shop", "--timeout-s", "0"], "timed-out"),
        (&["dead", "list"], "ok"),
        (&["dead", "redrive", "--connection", "shop"], "ok"),
        (&["dead", "redrive", "--connection", "none"], "not-found"),
        (&["conflict", "list"], "ok"),
        (&["conflict", "list", "--all", "--limit", "3", "--json"], "ok"),
        (&["conflict", "show", "7"], "not-found"),
        (&["conflict", "settle", "7", "--take", "shop"], "not-found"),
        (&["timeline", "item", "a/b %2f"], "not-found"),
        (&["plugin", "push", "pricing", &wasm, "--activate"], "ok"),
        (&["plugin", "push", "pricing", &elf], "native-code"),
        (&["plugin", "push", "pricing", &wasm, "--certificate", &spec], "no-certificate"),
        (&["plugin", "push", "pricing", &wasm, "--certificate", &others], "other-component"),
        (&["plugin", "activate", "pricing", "1"], "ok"),
        (&["plugin", "rollback", "pricing"], "ok"),
        (&["plugin", "list"], "ok"),
        (&["plugin", "releases", "pricing"], "ok"),
        (&["plugin", "calls", "pricing"], "ok"),
        (&["key", "create", "ci", "--scope", "price", "--tenant", "acme"], "ok"),
        (&["key", "create", "ci", "--scope", "everything"], "invalid-scopes"),
        (&["key", "list", "--json"], "ok"),
        (&["key", "revoke", "aaaaaaaaaa"], "not-found"),
        (&["key", "rotate", "aaaaaaaaaa"], "not-found"),
        (&["status", "--json"], "ok"),
        (&["plan"], "ok"),
        (&["plan", "--connection", "shop", "--kind", "item", "--out", &kept, "--json"], "ok"),
        (&["plan", "--connection", "none"], "not-found"),
        (&["plan", "--out", "/no/such/dir/plan.json"], "unwritable"),
        (&["apply", &kept], "ok"),
        (&["apply", &empty, "--json"], "ok"),
        (&["apply", &changed], "plan-changed"),
        (&["apply", &spec], "malformed"),
        (&["apply", "/no/such"], "unreadable"),
    ] {
        assert_eq!(code(dir.path(), words).await, expect, "{words:?}");
    }
}

fn conflict(about: About) -> Change {
    Change::Conflict(Conflict {
        id: 0,
        at: UnixMs(1),
        key: RecordKey::new(Kind::StockLevel, "bolt@main"),
        about,
        claims: [("shop".to_owned(), Value::Number(5.into()))].into(),
        outcome: None,
        reason: "nobody owns it".into(),
        policy: String::new(),
    })
}

#[tokio::test]
async fn a_listing_says_whether_there_is_more() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _) = crate::node::of_fakes(dir.path()).await;
    assert_eq!(code(dir.path(), &["tenant", "create", "acme"]).await, "ok");
    let changes = (0..600).map(|n| conflict(About::Field(n.to_string()))).collect();
    let tenant = node.app.tenants.all().pop().unwrap();
    tenant.store.commit(Batch { changes, ..Batch::new(UnixMs(1)) }).await.unwrap();
    let client = Client::at(&node.url(), client::read_key(dir.path()).unwrap(), None).unwrap();
    for (n_max, shown, more) in
        [(1, 1, true), (500, 500, true), (599, 599, true), (600, 600, false), (9_999, 600, false)]
    {
        let listed = client.list(&["conflicts"], &[], n_max).await.unwrap();
        assert_eq!((listed["items"].as_array().unwrap().len(), &listed["more"]), (shown, &more.into()), "{n_max}");
    }
}

#[tokio::test]
async fn a_person_settles_a_conflict_once() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _) = crate::node::of_fakes(dir.path()).await;
    assert_eq!(code(dir.path(), &["tenant", "create", "acme"]).await, "ok");
    let unread = About::Unread { connection: ConnectionId(1), remote_id: "7".into() };
    let tenant = node.app.tenants.all().pop().unwrap();
    let changes = vec![conflict(About::Field("on_hand".into())), conflict(unread)];
    tenant.store.commit(Batch { changes, ..Batch::new(UnixMs(1)) }).await.unwrap();
    for (words, expect) in [
        (&["list"][..], "ok"),
        (&["show", "1", "--json"], "ok"),
        (&["settle", "1", "--take", "none"], "invalid-value"),
        (&["settle", "1", "--recreate"], "invalid-value"),
        (&["settle", "1", "--value", "many"], "invalid-value"),
        (&["settle", "2", "--take", "shop"], "not-read"),
        (&["settle", "1", "--value", "-4.5"], "ok"),
        (&["settle", "1", "--take", "shop"], "already-settled"),
        (&["show", "1"], "ok"),
        (&["show", "3"], "not-found"),
    ] {
        let words: Vec<&str> = ["conflict"].into_iter().chain(words.iter().copied()).collect();
        assert_eq!(code(dir.path(), &words).await, expect, "{words:?}");
    }
}

/// Why a server does not start on this data directory.
async fn start_error(dir: &Path) -> anyhow::Error {
    let mut config = crate::config::load(None).unwrap();
    config.data_dir = dir.to_owned();
    config.http.listen = ([127, 0, 0, 1], 0).into();
    crate::node::start(config, crate::node::Ground::machine().unwrap()).await.err().unwrap()
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_used_has_a_code_and_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let _open = crate::store::open(&place("used")).await.unwrap();
    std::fs::write(place("file"), b"").unwrap();
    std::fs::create_dir(place("damaged")).unwrap();
    std::fs::write(place("damaged/control.db"), [b'x'; 4_096]).unwrap();
    let newer = crate::store::OpenError::Newer { file: place("newer/control.db"), found: 7, known: 1 };
    for (name, error, code, words) in [
        ("used", start_error(&place("used")).await, "data-dir-in-use", "is in use by another process"),
        ("file", start_error(&place("file")).await, "data-dir-not-writable", "is not writable"),
        ("damaged", start_error(&place("damaged")).await, "data-dir-damaged", "cannot be read as a database"),
        ("newer", newer.into(), "data-dir-newer", "its schema is version 7"),
    ] {
        let failure = Failure::of(&error.context("the server does not start"));
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.message.contains(words) && failure.message.lines().count() == 1, "{failure}");
        assert!(failure.message.contains(place(name).to_str().unwrap()), "{failure}");
    }
}

#[tokio::test]
async fn a_bad_configuration_is_said_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    std::fs::write(&path, "prot = 1").unwrap();
    assert_eq!(code(dir.path(), &["serve", "--config", path.to_str().unwrap()]).await, "invalid-config");
    for text in ["[log]\nfilter = \"inof\"", "[egress]\nallow = [\"erp\"]"] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(code(dir.path(), &["status", "--config", path.to_str().unwrap()]).await, "invalid-config", "{text}");
    }
    assert_eq!(code(dir.path(), &["status", "--config", "/no/such.toml"]).await, "invalid-config");
}
