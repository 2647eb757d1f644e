//! How accurate connections were found to be by reading them.

use std::collections::BTreeMap;

use serde::Serialize;
use truthsource_core::Kind;
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
    let wrong = figure.mismatches.values().sum();
    let bounds = (figure.fields > 0).then(|| bounds(figure.fields, wrong));
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

/// The share that agreed, and its one-sided lower bound: the rule of three for none wrong, else Wilson's.
fn bounds(fields: u64, wrong: u64) -> (f64, f64) {
    // Counts stay far below 2^52, where floats begin to skip whole numbers.
    let (n, wrong) = (fields as f64, wrong.min(fields) as f64);
    let share = 1.0 - wrong / n;
    if wrong == 0.0 {
        return (1.0, (1.0 - 3.0 / n).max(0.0));
    }
    let z2 = 1.645 * 1.645;
    let middle = share + z2 / (2.0 * n);
    let spread = 1.645 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    (share, ((middle - spread) / (1.0 + z2 / n)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn the_bound_is_below_the_share_and_nears_it() {
        assert_eq!(bounds(3_000, 0), (1.0, 0.999));
        assert_eq!(bounds(1, 0), (1.0, 0.0));
        let (few, many) = (bounds(100, 1), bounds(1_000_000, 10_000));
        assert!(few.1 < few.0 && many.1 < many.0 && few.1 < many.1);
        assert!((many.1 - 0.9898).abs() < 0.0002, "{many:?}");
        assert_eq!(bounds(10, 10).0, 0.0);
    }
}
