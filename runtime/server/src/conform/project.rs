//! What a system makes of odd values: what the connector says beforehand is what is read back.

use truthsource_core::schema::{Type, of};
use truthsource_core::{Decimal, Kind, Value};
use truthsource_host::model::Outcome;

use super::sample::update;
use super::stand::Stand;
use super::verdict::{Found, Halt};
use super::write::{shown, target};

/// Odd values that are tried for each field.
const TRIES: u64 = 7;

/// Odd values, written and read back.
///
/// # Errors
/// When it cannot be tried.
pub async fn projection(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, state, _) = target(stand, kind).await?;
    let (mut taken, mut refused) = (0, 0);
    for power in rig.power(kind)?.fields.clone() {
        let ty = of(kind).field(&power.name).map(|it| it.ty);
        let Some(ty) = ty.filter(|_| power.writable && !power.create_only && power.name != "code") else { continue };
        for n in 0..TRIES {
            let Some(odd) = odd(stand, (&power.name, ty), n) else { continue };
            rig.settle(kind);
            let held = rig.look(kind, &state.remote_id).await?.ok_or_else(|| Halt::Broken("it is gone".to_owned()))?;
            let name = power.name.as_str();
            let op = format!("odd-{}-{n}", name.replace('_', "-"));
            let write = update(&rig, kind, &held, (name, odd.clone()), &op).await?;
            if write.want.get(name) == held.fields.get(name) {
                continue;
            }
            match rig.push(&write).await.map_err(Halt::call("push"))? {
                Outcome::Applied(_) => taken += 1,
                Outcome::Rejected(_) => {
                    refused += 1;
                    continue;
                }
                other => return Ok(Found::refuted(format!("`{name}` = {} came to {other:?}", shown(Some(&odd))))),
            }
            rig.settle(kind);
            let back = rig.look(kind, &state.remote_id).await?.and_then(|it| it.fields.get(name).cloned());
            if back.as_ref() != write.want.get(name) {
                return Ok(Found::refuted(format!(
                    "`{name}` = {} was to become {}, and {} was read back",
                    shown(Some(&odd)),
                    shown(write.want.get(name)),
                    shown(back.as_ref())
                )));
            }
        }
    }
    if taken == 0 {
        return Err(Halt::Untested(format!("no odd value was taken, {refused} were refused")));
    }
    Ok(Found::proved(format!("{taken} odd values were read back as they were projected; {refused} were refused")))
}

fn odd(stand: &Stand, (name, ty): (&str, Type), n: u64) -> Option<Value> {
    let draw = |bound| stand.draw().below(bound, name, n);
    match ty {
        // An address has to be one.
        Type::Text(_) if matches!(name, "email" | "currency" | "placed_at") => None,
        Type::Text(most) => Some(text(name, most, n, draw(1_000)).into()),
        Type::Number { .. } => {
            let (mantissa, scale) =
                (i64::try_from(1 + draw(9_999_999)).unwrap_or(1), u32::try_from(n % 7).unwrap_or(0));
            Decimal::new(mantissa, scale).ok().map(Value::Number)
        }
        Type::Flag => Some((n.is_multiple_of(2)).into()),
        Type::Choice(_) | Type::Ref(_) | Type::Rows(_) | Type::Set(_) => None,
    }
}

/// A text that somebody may have typed, pasted or imported.
fn text(name: &str, most: usize, n: u64, drawn: u64) -> String {
    // Barcodes are digits to most systems.
    let plain = if name == "barcode" { format!("{:013}", 4_100_000_000_000 + drawn) } else { format!("odd {drawn}") };
    match n {
        0 => format!("  {plain} "),
        1 => format!("{plain}{}", "x".repeat(300.min(most.saturating_sub(plain.len())))),
        2 => format!("{plain} é ü ß 漢字 \u{1f529}"),
        3 => format!("{plain} \"quoted\" 'so' <b>&amp;</b>"),
        4 => format!("{plain}  two  spaces"),
        5 => format!("{plain}\nnext line"),
        _ => plain,
    }
}
