//! P11: nothing of one tenant is ever in the store of another, nor in its systems.

use truthsource_core::record::RecordKey;
use truthsource_core::{Decimal, Fields, Kind, Value};

use super::notes::Notes;
use super::plan::MUCH;
use super::tenancy::Tenancy;
use crate::store::{self, TenantStore};

/// Looks through everything that is kept for two tenants, and through their systems.
///
/// # Errors
/// When a store fails.
pub(super) async fn check(tenants: [&Tenancy<'_>; 2], notes: &mut Notes) -> anyhow::Result<()> {
    notes.reach("two tenants");
    for (of, other) in [(tenants[0], tenants[1]), (tenants[1], tenants[0])] {
        let (name, whose) = (of.tenant, other.tenant);
        let strange = of.plan.mark.is_none().then(|| other.plan.mark.clone()).flatten();
        // Places are called alike wherever one is.
        for (what, text, fields) in kept(of.store.as_ref()).await?.into_iter().filter(|it| it.0.kind != Kind::Location)
        {
            let is_strange = strange.as_ref().is_some_and(|it| text.contains(it.as_str()));
            if is_strange || !fields.iter().all(|it| is_own(it, of.plan.mark.as_deref())) {
                notes.broke(format!("P11: {what} in the store of {name} is of {whose}: {text}"));
            }
        }
        for seat in &of.seats {
            for line in seat.site.system().journal().since(0).into_iter().filter(|it| it.kind != "location") {
                let is_strange = strange.as_ref().is_some_and(|it| line.value.contains(it.as_str()));
                let field = [(line.field.clone(), spoken(&line.field, &line.value))].into();
                if is_strange || !is_own(&field, of.plan.mark.as_deref()) {
                    notes.broke(format!("P11: {} of {name} took {line:?}, which is of {whose}", seat.name()));
                }
            }
        }
    }
    Ok(())
}

/// Everything that is kept of every record, as text, and the values of its truth and of each system.
async fn kept(store: &dyn TenantStore) -> store::Result<Vec<(RecordKey, String, Vec<Fields>)>> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let keys = store.records(kind, None, 10_000).await?;
        for (key, state) in store.states(&keys.iter().map(|key| RecordKey::new(kind, key)).collect()).await? {
            let timeline = store.timeline(&key, 0, 10_000).await?;
            let shadows = state.shadows.values().map(|it| it.values());
            let fields = shadows.chain([state.truth.values()]).collect();
            all.push((key, format!("{state:?} {timeline:?}"), fields));
        }
    }
    Ok(all)
}

fn spoken(field: &str, value: &str) -> Value {
    match field {
        "on_hand" | "amount" => value.parse::<Decimal>().map_or(Value::Null, Value::Number),
        _ => Value::Text(value.to_owned()),
    }
}

/// Whether the values may be those of a tenant whose people have this mark, or none.
fn is_own(fields: &Fields, mark: Option<&str>) -> bool {
    fields.iter().all(|(name, value)| match (name.as_str(), value) {
        ("title" | "name", Value::Text(text)) => mark.is_none_or(|mark| text.is_empty() || text.contains(mark)),
        ("barcode", Value::Text(text)) => text.is_empty() || text.starts_with('7') == mark.is_some(),
        ("on_hand" | "amount", Value::Number(number)) => {
            let is_much = *number > Decimal::from(MUCH / 2);
            *number == Decimal::ZERO || is_much == mark.is_some()
        }
        _ => true,
    })
}
