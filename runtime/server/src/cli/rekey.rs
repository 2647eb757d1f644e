//! `truthsource rekey`

use serde_json::json;

use super::output::Output;
use super::{Failure, Global};
use crate::store::open;
use crate::vault::{self, KEY_FILE};

pub(super) async fn run(global: &Global, out: &Output) -> anyhow::Result<()> {
    let dir = global.configuration()?.data_dir;
    let key_file = dir.join(KEY_FILE);
    if !key_file.is_file() {
        let message = format!("there is no `{}`; name the data directory with --data-dir", key_file.display());
        return Err(Failure::new("no-data", message).into());
    }
    // Whoever has the stores open has the directory to itself.
    let stores = open(&dir).await?;
    let rewrapped = vault::rekey(&dir, &key_file);
    stores.close().await;
    let report = json!({"tenants": rewrapped?, "key_file": key_file});
    out.show(&report, |it| {
        format!(
            "the key is replaced: the data keys of {} tenants open with it, and with no other\n\
             a copy of the data that was made before needs the key file of then; if both came into other hands, give every \
             connection new credentials",
            it["tenants"]
        )
    })
}
