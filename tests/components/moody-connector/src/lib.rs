//! A connector that does what its setting `mood` says. Without one it describes itself, so that it gets in.

use truthsource_sdk::connector::{
    Connector, Description, Effect, FieldPower, Finding, KindPower, Notice, Observed, Outcome, Page, Rate, State,
    Webhook, Write,
};
use truthsource_sdk::{Context, Fault, Fields, Host, Kind, Settings};

/// The connector.
#[derive(Debug)]
pub struct Moody;

fn spin() -> ! {
    let mut n = 1_u64;
    loop {
        n = std::hint::black_box(n.wrapping_mul(3));
    }
}

/// Items, of which everything is promised.
fn item(mood: &str) -> KindPower {
    KindPower {
        kind: "item".to_owned(),
        fields: vec![FieldPower { name: "title".to_owned(), writable: true, create_only: false }],
        sees_creates: true,
        sees_updates: true,
        sees_deletes: true,
        granularity_ms: 1,
        lag_ms: 0,
        effect: Effect::Absolute,
        creates: true,
        push_max: if mood == "nonsense" { 0 } else { 10 },
        read_max: 10,
        certain_max: 10,
    }
}

impl Connector for Moody {
    fn describe(settings: &Settings) -> Description {
        let mood = settings.get("mood").unwrap_or_default();
        match mood {
            "trap" => panic!("it does not want to"),
            "loop" => spin(),
            _ => {}
        }
        Description {
            system: "moody".to_owned(),
            kinds: vec![item(mood)],
            auth: vec!["none".to_owned()],
            webhook: None,
            rate: Rate::Concurrent(1),
            settings: Vec::new(),
        }
    }

    fn check(_: &dyn Host, _: &Context) -> Result<Vec<Finding>, Fault> {
        Ok(Vec::new())
    }

    fn pull(_: &dyn Host, ctx: &Context, _: Kind, _: Option<&str>, _: u32) -> Result<Page, Fault> {
        match ctx.setting_or("mood", "") {
            "trap-later" => panic!("it does not want to any more"),
            "stand-still" => Ok(Page { entries: Vec::new(), cursor: "here".to_owned(), more: true }),
            _ => Ok(Page { entries: Vec::new(), cursor: "here".to_owned(), more: false }),
        }
    }

    fn read(_: &dyn Host, _: &Context, _: Kind, ids: &[String], _: bool) -> Result<Vec<Observed>, Fault> {
        Ok(ids.iter().cloned().map(Observed::Absent).collect())
    }

    fn push(_: &dyn Host, _: &Context, _: Kind, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
        Ok(writes.iter().map(|_| Outcome::Applied(State::default())).collect())
    }

    fn find(_: &dyn Host, _: &Context, _: Kind, _: &str) -> Result<Option<State>, Fault> {
        Ok(None)
    }

    fn receive(_: &Context, _: &Webhook) -> Result<Vec<Notice>, Fault> {
        Ok(Vec::new())
    }

    fn project(_: &Context, _: Kind, record: &Fields) -> Result<Fields, Fault> {
        Ok(record.clone())
    }
}

truthsource_sdk::export_connector!(Moody);
truthsource_sdk::manifest!("../manifest.toml");
