//! When what is owed will have been written.

use serde::Serialize;
use truthsource_core::Kind;
use utoipa::ToSchema;

use super::plan::{engine, failed};
use crate::app::TenantHandle;
use crate::engine::connections::Parties;
use crate::engine::forecast::{Forecast, forecast};
use crate::http::view::moment;
use crate::http::{ApiError, Door};
use crate::store::Connection;

/// When a connection will have been told what it is owed of a kind.
#[derive(Serialize, ToSchema)]
pub(super) struct ForecastView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    /// How urgent it is: `order`, `stock`, `price` or `catalogue`.
    class: &'static str,
    /// Records that are owed.
    debts: u64,
    /// It is written when somebody applies a plan: the forecast is for the case that this is now.
    on_apply: bool,
    /// API calls that are left.
    calls: u64,
    /// API calls for each record, as a decimal.
    calls_per_record: String,
    /// They were measured; else they are what the connector's batches allow at best.
    measured: bool,
    /// How long it takes, with everything that is more urgent at the account; null while the account's pace is not
    /// known.
    done_in_s: Option<u64>,
    /// The moment that it is done, by that.
    done_at: Option<String>,
}

/// Forecasts for everything that a tenant's connections are owed.
pub(super) async fn forecasts(
    door: &Door,
    tenant: &TenantHandle,
    connections: &[Connection],
) -> Result<Vec<ForecastView>, ApiError> {
    let owing = tenant.store.owing().await?;
    if owing.iter().all(|it| it.open == 0) {
        // Nobody is asked what it takes to write nothing.
        return Ok(Vec::new());
    }
    let parties = Parties::load(&engine(door, tenant)).await.map_err(failed)?;
    let accounts = door.app.plugins.accounts(tenant, connections);
    let now = door.app.clock.now();
    let all = forecast(&parties, &owing, &accounts).into_iter().filter(|it| it.owing.open > 0);
    let view = |it: Forecast| ForecastView {
        connection: parties.name(it.owing.connection),
        kind: it.owing.kind,
        class: it.class.as_str(),
        debts: it.owing.open,
        on_apply: it.on_apply,
        calls: it.calls,
        calls_per_record: format!("{}.{:03}", it.calls_each_milli / 1_000, it.calls_each_milli % 1_000),
        measured: it.is_measured,
        done_in_s: it.done_in_ms.map(|ms| ms.div_ceil(1_000)),
        done_at: it.done_in_ms.map(|ms| moment(now.plus(ms))),
    };
    Ok(all.map(view).collect())
}
