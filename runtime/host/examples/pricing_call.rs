//! Measures a pricing rule: `cargo run --release -p truthsource-host --example pricing_call -- rule.wasm [lines] [calls]`.

use std::error::Error;

use truthsource_core::UnixMs;
use truthsource_host::model::{Basket, Line};
use truthsource_host::{Allowance, CallSetup, Compiling, Host, HostConfig, Pricing, SealKey, Tenant, bench};

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let bytes = std::fs::read(args.next().ok_or("the path of a pricing rule is needed")?)?;
    let lines: usize = args.next().map_or(Ok(10), |it| it.parse())?;
    let calls: usize = args.next().map_or(Ok(20_000), |it| it.parse())?;
    let dir = tempfile::tempdir()?;
    // The component is the caller's own, so it is compiled here.
    let config = HostConfig::new(dir.path().to_owned(), SealKey::new([0; 32]), Compiling::InProcess);
    let tenant = Tenant::new("bench");
    let rule = Pricing::try_from(Host::start(config)?.accept(&tenant, &bytes, &Allowance::USUAL).await?)?;
    let setup = CallSetup::new(tenant, UnixMs(0));
    let cost = bench::pricing_call(&rule, &setup, &basket(lines)?, calls).await?;
    println!("host p50 {:?} p99 {:?}", cost.host.p50, cost.host.p99);
    println!("bare p50 {:?} p99 {:?}", cost.bare.p50, cost.bare.p99);
    Ok(())
}

fn basket(lines: usize) -> Result<Basket, Box<dyn Error>> {
    let list_price = "12.50".parse()?;
    let line = |n: usize| Line { item: format!("item-{n}"), quantity: 10.into(), list_price, breaks: vec![] };
    let lines = (0..lines).map(line).collect();
    Ok(Basket { company: "acme".to_owned(), currency: "EUR".to_owned(), at: UnixMs(0), lines })
}
