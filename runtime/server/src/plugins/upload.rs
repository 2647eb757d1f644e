//! Taking in a component.

use bytes::Bytes;
use truthsource_core::{Kind, UnixMs};
use truthsource_host::{Allowance, CallError, Digest, Tenant, UploadError, World};

use super::{Parts, stored};
use crate::app::{Refusal, TenantHandle};
use crate::store::{Batch, CallRow, Change, Error, Release};

/// The world that fills a slot, by the slot's name.
///
/// # Errors
/// When no slot is called so.
pub fn world_of(slot: &str) -> Result<World, Refusal> {
    let (family, rest) = slot.split_once(':').unwrap_or((slot, ""));
    let named = !rest.is_empty()
        && rest.len() <= 64
        && !rest.starts_with('-')
        && rest.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    let plain = rest.is_empty() && !slot.contains(':');
    match family {
        "connector" if named => Ok(World::Connector),
        "conflict" if named => Ok(World::ConflictPolicy),
        "validator" if rest.parse::<Kind>().is_ok() => Ok(World::Validator),
        "mapping" if named => Ok(World::Mapping),
        "pricing" if named || plain => Ok(World::PricingRule),
        "stock" if plain => Ok(World::StockRule),
        _ => Err(Refusal {
            code: "no-such-slot".to_owned(),
            message: "a slot is `connector:…`, `conflict:…`, `validator:<kind of record>`, `mapping:<connection>`, \
                      `pricing` or `stock`"
                .to_owned(),
            status: 422,
        }),
    }
}

/// Checks, compiles, tries and stages a component. The same bytes in the same slot are one release. What is refused for
/// what it is leaves a row among the slot's calls.
pub(super) async fn accept(
    parts: &Parts,
    tenant: &TenantHandle,
    slot: &str,
    component: Bytes,
) -> Result<Release, Refusal> {
    let world = world_of(slot)?;
    let _keeping = parts.blobs.keeping.read().await;
    let now = parts.clock.now();
    let accepted = match examine(parts, tenant, (slot, world), &component).await {
        Ok(accepted) => accepted,
        Err(refusal) => {
            trace(tenant, slot, &Digest::of(&component), &refusal, now).await;
            return Err(refusal);
        }
    };
    let blobs = parts.blobs.clone();
    let kept = tokio::task::spawn_blocking(move || blobs.put(&component)).await;
    let digest = kept.map_err(std::io::Error::other).and_then(|it| it).map_err(|error| unkept(&error))?;
    let manifest = accepted.manifest();
    let release = Release {
        id: 0,
        slot: slot.to_owned(),
        digest: digest.to_string(),
        plugin: format!("{} {}", manifest.name, manifest.version),
        state: "staged".to_owned(),
        created_at: now,
    };
    stage(tenant, release).await
}

async fn examine(
    parts: &Parts,
    tenant: &TenantHandle,
    (slot, world): (&str, World),
    component: &[u8],
) -> Result<truthsource_host::Release, Refusal> {
    let whose = Tenant::new(&tenant.tenant.name);
    let accepted = parts.host.accept(&whose, component, &Allowance::USUAL).await.map_err(|error| refused(&error))?;
    if accepted.world() != world {
        let message = format!("slot `{slot}` takes a {world}, and this is a {}", accepted.world());
        return Err(Refusal { code: "wrong-world".to_owned(), message, status: 422 });
    }
    Ok(accepted)
}

/// The release of these bytes in this slot, made if there is none.
async fn stage(tenant: &TenantHandle, release: Release) -> Result<Release, Refusal> {
    let (slot, digest) = (release.slot.clone(), release.digest.clone());
    let known = async || -> Result<Option<Release>, Refusal> {
        let releases = tenant.store.releases(&slot).await.map_err(|error| stored(&error))?;
        Ok(releases.into_iter().find(|it| it.digest == digest))
    };
    if let Some(known) = known().await? {
        return Ok(known);
    }
    let mut batch = Batch::new(release.created_at);
    batch.changes.push(Change::Release(release));
    match tenant.store.commit(batch).await {
        // A conflict: somebody who came with the same bytes at the same time was first.
        Ok(_) | Err(Error::Conflict(_)) => {}
        Err(error) => return Err(stored(&error)),
    }
    known().await?.ok_or_else(|| unkept(&"the release is not there"))
}

/// Keeps why an upload was refused, where the tenant looks for failed calls. A failure of this installation says
/// nothing about the component, and is in its log already.
async fn trace(tenant: &TenantHandle, slot: &str, digest: &Digest, refusal: &Refusal, at: UnixMs) {
    if refusal.status >= 500 {
        return;
    }
    tracing::warn!(slot, %digest, code = refusal.code, "an upload was refused");
    let mut batch = Batch::new(at);
    batch.changes.push(Change::Call(CallRow {
        id: 0,
        at,
        slot: slot.to_owned(),
        digest: digest.to_string(),
        function: "upload".to_owned(),
        fuel: 0,
        micros: 0,
        fault: Some(refusal.code.clone()),
        recording: serde_json::json!({"failure": {"code": refusal.code, "message": refusal.message, "fault": null}}),
    }));
    if let Err(error) = tenant.store.commit(batch).await {
        tracing::warn!(slot, %error, "a refused upload was not recorded");
    }
}

fn unkept(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a component was not kept");
    Refusal {
        code: "unavailable".to_owned(),
        message: "the component could not be kept; try again".to_owned(),
        status: 503,
    }
}

/// An upload's refusal, for its author.
pub(super) fn refused(error: &UploadError) -> Refusal {
    let status = match error {
        UploadError::TooLarge { .. } => 413,
        UploadError::Busy { .. } | UploadError::Host { .. } | UploadError::Smoke(CallError::Busy { .. }) => 503,
        _ => 422,
    };
    Refusal { code: error.code().to_owned(), message: error.to_string(), status }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::control::ControlStore as _;

    const NOW: UnixMs = UnixMs(1_700_000_000_000);

    async fn tenant(dir: &std::path::Path) -> TenantHandle {
        let stores = crate::store::open(dir).await.unwrap();
        let tenant = stores.add_tenant("acme", NOW).await.unwrap();
        let store = stores.open(tenant.id).await.unwrap();
        TenantHandle::new(tenant, store)
    }

    #[tokio::test]
    async fn u7_uploads_of_the_same_bytes_at_once_are_one_release() {
        let dir = tempfile::tempdir().unwrap();
        let tenant = tenant(dir.path()).await;
        let release = |digest: &str| Release {
            id: 0,
            slot: "pricing".to_owned(),
            digest: digest.to_owned(),
            plugin: "volume-pricing 1.0.0".to_owned(),
            state: "staged".to_owned(),
            created_at: NOW,
        };
        let at_once = ["a", "b", "a", "a", "b", "a"].map(|digest| stage(&tenant, release(digest)));
        let staged = futures::future::try_join_all(at_once).await.unwrap();
        let kept = tenant.store.releases("pricing").await.unwrap();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(staged.iter().all(|it| kept.contains(it)), "{staged:?}");
        assert_eq!(staged.iter().map(|it| it.digest.as_str()).collect::<String>(), "abaaba");
    }

    #[tokio::test]
    async fn a_refused_upload_leaves_a_trace_if_it_was_the_components_fault() {
        let dir = tempfile::tempdir().unwrap();
        let tenant = tenant(dir.path()).await;
        let busy = UploadError::Busy { reason: "too many uploads are waiting" };
        for error in [UploadError::CoreModule, UploadError::Host { reason: "the disk is full".to_owned() }, busy] {
            trace(&tenant, "pricing", &Digest::of(b"x"), &refused(&error), NOW).await;
        }
        let calls = tenant.store.calls("pricing", 10).await.unwrap();
        let kept: Vec<_> = calls.iter().map(|it| (it.function.as_str(), it.fault.as_deref())).collect();
        assert_eq!(kept, [("upload", Some("core-module"))]);
        assert_eq!(calls[0].digest, Digest::of(b"x").to_string());
    }

    #[test]
    fn a_slot_says_what_fills_it() {
        let check = |slot: &str, expect: Option<World>| assert_eq!(world_of(slot).ok(), expect, "{slot}");
        check("connector:shop-eu", Some(World::Connector));
        check("pricing", Some(World::PricingRule));
        check("pricing:wholesale", Some(World::PricingRule));
        check("conflict:stock-level", Some(World::ConflictPolicy));
        check("validator:stock-level", Some(World::Validator));
        check("validator:zork", None);
        check("connector", None);
        check("connector:", None);
        check("pricing:", None);
        check("connector:../x", None);
        check("connector:-x", None);
        check("stock", Some(World::StockRule));
        check("stock:shop", None);
        check("", None);
    }
}
