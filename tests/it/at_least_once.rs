//! What was acknowledged is there, whatever happens to the process.

use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use truthsource::bench::intake::{Sender, counted, prepare};
use truthsource::demo::server::{Server, Wishes};
use truthsource::demo::setup::TENANT;
use truthsource::demo::traffic::{Flow, run};
use truthsource_core::draw::Draw;
use truthsource_tests::{Stage, components};

const CALLERS: u64 = 8;
/// How often the server is killed while systems converge.
const KILLS: u64 = 5;

/// Sends until the server dies, and gives how many of each caller's webhooks were acknowledged in all.
/// `begun` is told of each.
async fn send_until_it_dies(
    server: &Server,
    acknowledged: [u64; CALLERS as usize],
    begun: &Notify,
) -> [u64; CALLERS as usize] {
    let callers = (0..CALLERS).map(|caller| {
        let known = acknowledged[caller as usize];
        async move {
            let Ok(mut sender) = Sender::connect(server).await else { return known };
            let mut n = known;
            while sender.send(caller, n + 1).await.is_ok() {
                n += 1;
                begun.notify_one();
            }
            n
        }
    });
    futures::future::join_all(callers).await.try_into().unwrap()
}

/// Ten times, at moments that the seed chooses: nothing acknowledged is lost, and the next start goes on.
#[tokio::test(flavor = "multi_thread")]
async fn s5_p5_nothing_acknowledged_is_lost_to_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let wishes = Wishes { hooks_per_second_max: Some(1_000_000), ..Wishes::default() };
    let mut server = Server::start(crate::program(), dir.path(), &wishes).await.unwrap();
    prepare(&server, &components()).await.unwrap();
    let mut acknowledged = [0; CALLERS as usize];
    for round in 0..10 {
        let after = Duration::from_millis(Draw::new(9).below(350, "kill", round));
        let begun = Notify::new();
        let pid = server.pid().unwrap();
        let killed = async {
            // The one place where waiting is the point: a moment that nobody chose, once there is something to lose.
            begun.notified().await;
            tokio::time::sleep(after).await;
            let command = format!("kill -9 {pid}");
            let status = tokio::process::Command::new("sh").args(["-c", &command]).status().await.unwrap();
            assert!(status.success());
        };
        let before: u64 = acknowledged.iter().sum();
        (acknowledged, ()) = tokio::join!(send_until_it_dies(&server, acknowledged, &begun), killed);
        assert!(acknowledged.iter().sum::<u64>() > before, "nothing was acknowledged in round {round}");
        drop(server);
        server = Server::start(crate::program(), dir.path(), &wishes).await.unwrap();
    }
    // Whatever is there is a duplicate when it comes again.
    for (caller, n_max) in acknowledged.iter().enumerate() {
        let mut sender = Sender::connect(&server).await.unwrap();
        for n in 1..=*n_max {
            sender.send(caller as u64, n).await.unwrap();
        }
    }
    let total: u64 = acknowledged.iter().sum();
    let (new, known) = (counted(&server, "new").await.unwrap(), counted(&server, "duplicate").await.unwrap());
    assert_eq!((new, known), (0, total), "of {total} acknowledged webhooks {new} were lost");
    server.stop().await.unwrap();
}

/// While people change both systems, at moments that the seed chooses: what was under way is looked up, nothing is done
/// twice, and both systems end alike.
#[tokio::test(flavor = "multi_thread")]
async fn p1_p6_s5_c4_c5_systems_converge_though_the_server_is_killed_again_and_again() {
    let mut stage = Stage::open_apart(crate::program(), 50).await;
    let (world, server) = (&stage.world, &mut stage.server);
    let flow = Flow { rate: 30, seconds: 12, seed: 21 };
    let killed = async {
        for round in 0..KILLS {
            // The one place where waiting is the point: a moment that nobody chose.
            tokio::time::sleep(Duration::from_millis(300 + Draw::new(21).below(1_200, "kill", round))).await;
            server.killed().await;
        }
    };
    let (done, ()) = tokio::join!(run(world, flow, |_| ()), killed);
    let done = done.unwrap();
    stage.quiet().await;
    let verdict = stage.judge(&done);
    assert_eq!(verdict.examples, Vec::<String>::new());
    assert!(done.changes > 300 && !done.orders.is_empty(), "{done:?}");
    assert_eq!((verdict.orders.in_erp, verdict.orders.duplicates), (done.orders.len() as u64, 0));
    stage.server.stop().await;
}

/// What `truthsource rekey` says, and whether it ended well.
fn rekey(data_dir: &Path) -> (bool, Json) {
    let mut command = std::process::Command::new(crate::program());
    let output = command.args(["rekey", "--json", "--data-dir"]).arg(data_dir).output().unwrap();
    let said = if output.status.success() { &output.stdout } else { &output.stderr };
    let said = serde_json::from_slice(said);
    (output.status.success(), said.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

/// Its connections' credentials are sealed with what is wrapped with it.
#[tokio::test(flavor = "multi_thread")]
async fn c10_a_server_opens_its_secrets_after_its_key_was_replaced() {
    let stage = Stage::open_apart(crate::program(), 50).await;
    let (is_good, said) = rekey(&stage.data_dir);
    assert!(!is_good, "a server runs on it: {said}");
    let wishes = Wishes { egress: stage.world.urls(), ..Wishes::default() };
    let key_file = stage.data_dir.join("master.key");
    let before = std::fs::read(&key_file).unwrap();
    stage.server.stop().await;
    let (is_good, said) = rekey(&stage.data_dir);
    assert!(is_good && said["tenants"] == 1, "{said}");
    assert_ne!(std::fs::read(&key_file).unwrap(), before);
    let next = Server::start(crate::program(), &stage.data_dir, &wishes).await.unwrap();
    let client = next.client(Some(TENANT)).unwrap();
    for seat in &stage.world.seats {
        let checked = client.post(&["connections", seat.name(), "check"], None).await.unwrap();
        assert_eq!(checked["ok"], true, "{checked}");
    }
    next.stop().await.unwrap();
}

/// Whoever has waited long enough says so once more: nothing is lost by it.
#[tokio::test(flavor = "multi_thread")]
async fn c12_a_second_signal_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(crate::program(), dir.path(), &Wishes::default()).await.unwrap();
    let pid = server.pid().unwrap();
    let address = server.url.trim_start_matches("http://").to_owned();
    // A request that the door would wait for, for as long as a body may take.
    let mut open = TcpStream::connect(&address).await.unwrap();
    let half = b"POST /v1/tenants HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    open.write_all(half).await.unwrap();
    let terminate = async || {
        let kill = tokio::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
        assert!(kill.unwrap().success());
    };
    let began = tokio::time::Instant::now();
    terminate().await;
    // The first signal has been heard once nobody new is let in.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    terminate().await;
    let ended = server.stop().await.unwrap_err();
    assert!(ended.to_string().contains("the server ended with"), "{ended}");
    assert!(began.elapsed() < Duration::from_secs(15), "it waited for the open request");
    let log = std::fs::read_to_string(dir.path().join("server.log")).unwrap();
    assert!(log.contains("told twice to stop"), "{log}");
    Server::start(crate::program(), dir.path(), &Wishes::default()).await.unwrap().stop().await.unwrap();
}
