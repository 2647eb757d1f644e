//! Certificates of the shipped connectors.

use std::process::Command;

use crate::run::{Plants, Profile, built, run};

/// Each system, and the connector that is tried against it.
const TRIED: [(&str, &str); 5] = [
    ("netsuite", "netsuite"),
    ("shopify", "shopify"),
    ("sap-b1", "sap-b1"),
    ("business-central", "dynamics-365"),
    ("dataverse", "dynamics-365"),
];

/// Tries every connector, and writes `target/components/<system>.certificate.json`. Ends with the first that is refuted.
pub fn certify() -> anyhow::Result<()> {
    let (workspace, program) = built((Profile::Release, Plants::No))?;
    let components = workspace.components();
    for (against, connector) in TRIED {
        let mut test = Command::new(&program);
        test.args(["plugin", "test", "--markdown", "--against", against]);
        test.arg("--certificate").arg(components.join(format!("{against}.certificate.json")));
        run(test.arg(components.join(format!("{connector}.wasm"))))?;
    }
    eprintln!("    {} certificates in {}", TRIED.len(), components.display());
    Ok(())
}
