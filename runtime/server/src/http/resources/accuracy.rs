//! How accurate connections were found to be by reading them.

use std::collections::BTreeMap;

use serde::Serialize;
use truthsource_core::{Kind, accuracy};
use utoipa::ToSchema;

use crate::auth::Scope;
use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{Acting, ApiError, List};
use crate::store::Accuracy;

/// An accuracy figure with its sample and its bound.
#[derive(Serialize, ToSchema)]
struct AccuracyView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    /// When the reading ended.
    at: String,
    /// Records read.
    records: u64,
    /// Fields compared.
    fields: u64,
    /// Fields that differed, by class: `missing`, `extra`, `stale`, `wrong`, `unverifiable`.
    mismatches: BTreeMap<String, u64>,
    /// The share of fields that agreed; absent when none was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// What the share is at least, with 95 % confidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_95: Option<f64>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/accuracy", Access::Tenant(Scope::RecordsRead), list)
            .about("The newest accuracy figure of each connection and kind, measured by reading the systems.")
            .lists::<AccuracyView>(),
    ]
}

async fn list(acting: Acting) -> Result<Json<List<AccuracyView>>, ApiError> {
    let figures = acting.tenant.store.accuracy().await?;
    Ok(Json(List::whole(figures.into_iter().map(view))))
}

fn view(figure: Accuracy) -> AccuracyView {
    let wrong = accuracy::against(&figure.mismatches);
    let bounds = accuracy::bounds(figure.fields, wrong);
    AccuracyView {
        connection: figure.connection,
        kind: figure.kind,
        at: moment(figure.at),
        records: figure.records,
        fields: figure.fields,
        mismatches: figure.mismatches,
        accuracy: bounds.map(|it| it.0),
        lower_95: bounds.map(|it| it.1),
    }
}
