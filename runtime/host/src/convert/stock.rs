//! The stock world.

use truthsource_core::Decimal;

use super::records::{decimal_in, decimal_out};
use crate::bindings::connector::truthsource::types::records;
use crate::bindings::stock::exports::truthsource::stock_rule::stock as wit;
use crate::error::Misfit;
use crate::model::Level;

pub(crate) fn level_out(level: &Level) -> wit::Level {
    wit::Level {
        item: level.item.clone(),
        location: level.location.clone(),
        channel: level.channel.clone(),
        on_hand: decimal_out(level.on_hand),
        reserved: decimal_out(level.reserved),
        unacknowledged: decimal_out(level.unacknowledged),
    }
}

/// The quantities to publish, each lowered to what is really free: no rule can make us oversell.
pub(crate) fn quantities_in(levels: &[Level], answers: &[records::Decimal]) -> Result<Vec<Decimal>, Misfit> {
    super::one_each(levels.len(), answers.len())?;
    let mut quantities = Vec::with_capacity(answers.len());
    for (at, (level, answer)) in levels.iter().zip(answers).enumerate() {
        let at = format!("level {at}");
        let quantity = decimal_in(&at, answer)?;
        if quantity.is_negative() {
            return Err(Misfit::new(at, "below zero"));
        }
        quantities.push(quantity.min(free(level)));
    }
    Ok(quantities)
}

/// `max(0, on hand - reserved - unacknowledged)`; 0 when the numbers are too large to tell.
fn free(level: &Level) -> Decimal {
    let free = level.on_hand.checked_sub(level.reserved).and_then(|it| it.checked_sub(level.unacknowledged));
    free.unwrap_or(Decimal::ZERO).max(Decimal::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(held: [i32; 3], answer: i64, expect: Result<i32, &str>) {
        let level = Level {
            item: "a".into(),
            location: "b".into(),
            channel: "c".into(),
            on_hand: held[0].into(),
            reserved: held[1].into(),
            unacknowledged: held[2].into(),
        };
        let seen = quantities_in(&[level], &[records::Decimal { mantissa: answer, scale: 0 }]);
        let expect = expect.map(|it| vec![Decimal::from(it)]).map_err(str::to_owned);
        assert_eq!(seen.map_err(|it| it.to_string()), expect);
    }

    #[test]
    fn no_rule_can_publish_more_than_is_free() {
        check([10, 2, 1], 5, Ok(5));
        check([10, 2, 1], 100, Ok(7));
        check([2, 5, 0], 1, Ok(0));
        check([10, 0, 0], -1, Err("level 0: below zero"));
    }
}
