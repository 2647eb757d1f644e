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
pub(super) struct AccuracyView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    /// The sweep that it is of.
    sweep: u64,
    /// Somebody asked for it; else its time had come.
    asked: bool,
    /// When the reading began.
    began_at: String,
    /// When the reading ended.
    at: String,
    /// Pages listed.
    pages: u64,
    /// Records read.
    records: u64,
    /// Those of them that held something that was not known.
    news: u64,
    /// Records that differed, but for those that are on their way.
    drifted: u64,
    /// Fields compared: the size of the sample.
    fields: u64,
    /// Fields that differed, by class: `missing`, `extra`, `stale`, `wrong`, `unverifiable`.
    mismatches: BTreeMap<String, u64>,
    /// The same by field and class.
    by_field: BTreeMap<String, BTreeMap<String, u64>>,
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
            .about("The newest accuracy figure of each connection and kind, measured by reading the systems. Over time: the sweeps of a connection.")
            .lists::<AccuracyView>(),
    ]
}

async fn list(acting: Acting) -> Result<Json<List<AccuracyView>>, ApiError> {
    let figures = acting.tenant.store.accuracy().await?;
    Ok(Json(List::whole(figures.into_iter().map(view))))
}

pub(super) fn view(figure: Accuracy) -> AccuracyView {
    let wrong = accuracy::against(&figure.mismatches);
    let bounds = accuracy::bounds(figure.fields, wrong);
    AccuracyView {
        connection: figure.connection,
        kind: figure.kind,
        sweep: figure.sweep,
        asked: figure.asked,
        began_at: moment(figure.began_at),
        at: moment(figure.at),
        pages: figure.pages,
        records: figure.records,
        news: figure.news,
        drifted: figure.drifted,
        fields: figure.fields,
        mismatches: figure.mismatches,
        by_field: figure.by_field,
        accuracy: bounds.map(|it| it.0),
        lower_95: bounds.map(|it| it.1),
    }
}
