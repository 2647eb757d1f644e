//! Taking in a component.

use bytes::Bytes;
use truthsource_host::{Allowance, CallError, UploadError, World};

use super::{Parts, stored};
use crate::app::{Refusal, TenantHandle};
use crate::store::{Batch, Change, Release};

/// The world that fills a slot, by the slot's name.
///
/// # Errors
/// When no slot is called so.
pub fn world_of(slot: &str) -> Result<World, Refusal> {
    let (family, rest) = slot.split_once(':').unwrap_or((slot, ""));
    let named = !rest.is_empty()
        && rest.len() <= 64
        && rest.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    let plain = rest.is_empty() && !slot.contains(':');
    match family {
        "connector" if named => Ok(World::Connector),
        "conflict" if named => Ok(World::ConflictPolicy),
        "validator" if named => Ok(World::Validator),
        "mapping" if named => Ok(World::Mapping),
        "pricing" if named || plain => Ok(World::PricingRule),
        "stock" if named || plain => Ok(World::StockRule),
        _ => Err(Refusal {
            code: "no-such-slot".to_owned(),
            message: "a slot is `connector:…`, `conflict:…`, `validator:…`, `mapping:…`, `pricing` or `stock`"
                .to_owned(),
            status: 422,
        }),
    }
}

/// Checks, compiles, tries and stages a component. The same bytes in the same slot are one release.
pub(super) async fn accept(
    parts: &Parts,
    tenant: &TenantHandle,
    slot: &str,
    component: Bytes,
) -> Result<Release, Refusal> {
    let world = world_of(slot)?;
    let accepted = parts.host.accept(&component, &Allowance::USUAL).await.map_err(|error| refused(&error))?;
    if accepted.world() != world {
        let message = format!("slot `{slot}` takes a {world}, and this is a {}", accepted.world());
        return Err(Refusal { code: "wrong-world".to_owned(), message, status: 422 });
    }
    let blobs = parts.blobs.clone();
    let kept = tokio::task::spawn_blocking(move || blobs.put(&component)).await;
    let digest = match kept {
        Ok(Ok(digest)) => digest.to_string(),
        Ok(Err(error)) => return Err(unkept(&error)),
        Err(error) => return Err(unkept(&error)),
    };
    let releases = tenant.store.releases(slot).await.map_err(|error| stored(&error))?;
    if let Some(known) = releases.iter().find(|it| it.digest == digest) {
        return Ok(known.clone());
    }
    let now = parts.clock.now();
    let manifest = accepted.manifest();
    let release = Release {
        id: 0,
        slot: slot.to_owned(),
        digest: digest.clone(),
        plugin: format!("{} {}", manifest.name, manifest.version),
        state: "staged".to_owned(),
        created_at: now,
    };
    let mut batch = Batch::new(now);
    batch.changes.push(Change::Release(release));
    tenant.store.commit(batch).await.map_err(|error| stored(&error))?;
    let releases = tenant.store.releases(slot).await.map_err(|error| stored(&error))?;
    releases.into_iter().find(|it| it.digest == digest).ok_or_else(|| unkept(&"the release is not there"))
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
        UploadError::Host { .. } => 503,
        UploadError::Smoke(CallError::Busy { .. }) => 503,
        _ => 422,
    };
    Refusal { code: error.code().to_owned(), message: error.to_string(), status }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_says_what_fills_it() {
        let check = |slot: &str, expect: Option<World>| assert_eq!(world_of(slot).ok(), expect, "{slot}");
        check("connector:shop-eu", Some(World::Connector));
        check("pricing", Some(World::PricingRule));
        check("pricing:wholesale", Some(World::PricingRule));
        check("conflict:stock-level", Some(World::ConflictPolicy));
        check("connector", None);
        check("connector:", None);
        check("pricing:", None);
        check("connector:../x", None);
        check("", None);
    }
}
