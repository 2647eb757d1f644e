//! The first call of an upload: does it run at all?

use truthsource_core::{Kind, UnixMs};

use super::error::UploadError;
use crate::call::{CallSetup, Tenant};
use crate::error::CallError;
use crate::limits::Limits;
use crate::model::{Basket, Context};
use crate::record::Input;
use crate::release::Release;
use crate::world::World;

/// Calls the component once with next to nothing and half of its limits: enough for an interpreter to start, and a
/// component that needs more for an empty basket has no room for a full one. A typed refusal passes. The call takes a
/// place of the uploader's: uploads that spin cost nobody else one.
///
/// # Errors
/// [`UploadError::Smoke`] with what went wrong.
pub async fn smoke(tenant: &Tenant, release: &Release) -> Result<(), UploadError> {
    let limits = *release.limits();
    let halved = Limits {
        fuel_max: limits.fuel_max / 2,
        cpu_ms_max: limits.cpu_ms_max / 2,
        wall_ms_max: limits.wall_ms_max.min(5_000),
        ..limits
    };
    let setup = CallSetup::new(tenant.clone(), UnixMs(0));
    match release.limited(halved).call(&setup, nothing(release.world())).await.0 {
        Ok(_) | Err(CallError::Refused(_)) => Ok(()),
        Err(error) => Err(UploadError::Smoke(error)),
    }
}

/// The smallest question that a component of `world` can be asked.
fn nothing(world: World) -> Input {
    match world {
        World::Connector => Input::Describe { settings: std::collections::BTreeMap::new() },
        World::PricingRule => {
            Input::Price(Basket { company: String::new(), currency: "EUR".to_owned(), at: UnixMs(0), lines: vec![] })
        }
        World::StockRule => Input::Publish(vec![]),
        World::ConflictPolicy => Input::Decide(vec![]),
        World::Validator => Input::Validate { kind: Kind::Item, records: vec![] },
        World::Mapping => Input::ToCanonical { context: Context::default(), kind: Kind::Item, records: vec![] },
    }
}
