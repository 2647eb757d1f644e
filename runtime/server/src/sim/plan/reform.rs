//! How the tenant changes its rules in the middle of a day.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use truthsource_core::draw::Draw;

use crate::demo::setup;

/// Other rules from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reform {
    /// When, in milliseconds since people began to act.
    pub at_ms: u64,
    /// Which.
    pub to: Regime,
}

/// Rules that a tenant may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// Those that a day begins with.
    Usual,
    /// The system in this place owns titles.
    TitleOwner(usize),
    /// The system in this place owns what items cost.
    PriceOwner(usize),
    /// Of titles and of what items cost the highest authority's count, and the system in this place is that.
    Ranks(usize),
    /// Titles are decided by the built-in rule.
    NoPolicy,
    /// Where systems disagree about a title a person is asked.
    Hold,
    /// What of an order has left is what any system says that has.
    Union,
}

/// In how many of a thousand days rules change.
const DAYS: u32 = 333;
/// How often they do then, at the most.
const REFORMS_MAX: u64 = 3;

impl Reform {
    /// The reforms of a seed's day, by time.
    pub(super) fn drawn(draw: Draw, systems: usize, chaos_ms: u64) -> Vec<Self> {
        if !draw.chance(DAYS, "rules change", 0) {
            return Vec::new();
        }
        let drawn = |n| {
            let seat = draw.below(systems as u64, "whose rule", n) as usize;
            let to = match draw.below(10, "which rules", n) {
                0..3 => Regime::TitleOwner(seat),
                3..5 => Regime::PriceOwner(seat),
                5 => Regime::Ranks(seat),
                6 => Regime::NoPolicy,
                7 => Regime::Hold,
                8 => Regime::Union,
                _ => Regime::Usual,
            };
            Self { at_ms: draw.below(chaos_ms, "when rules change", n), to }
        };
        let mut reforms: Vec<Self> = (0..1 + draw.below(REFORMS_MAX, "reforms", 0)).map(drawn).collect();
        reforms.sort_by_key(|it| it.at_ms);
        reforms
    }
}

impl Regime {
    /// The rules, for systems of these names.
    #[must_use]
    pub fn rules(self, names: &[&str]) -> Json {
        let mut rules = setup::rules(names[0]);
        let name = |seat: usize| names[seat % names.len()];
        let owned = |kind: &str, field: &str, seat| json!({"kind": kind, "field": field, "owner": name(seat), "policy": "conflict:owner"});
        let ranked = |kind: &str, field: &str| json!({"kind": kind, "field": field, "policy": "conflict:rank"});
        let mut first = |rule: Json| {
            if let Some(fields) = rules["fields"].as_array_mut() {
                // The usual rule of the same would never count.
                fields.retain(|it| it["kind"] != rule["kind"] || it["field"] != rule["field"]);
                fields.insert(0, rule);
            }
        };
        match self {
            Self::Usual => {}
            Self::TitleOwner(seat) => first(owned("item", "title", seat)),
            Self::PriceOwner(seat) => first(owned("price", "am*", seat)),
            Self::NoPolicy => first(json!({"kind": "item", "field": "title"})),
            Self::Hold => first(json!({"kind": "item", "field": "title", "policy": "conflict:hold"})),
            Self::Union => first(json!({"kind": "order", "field": "fulfilments", "policy": "conflict:union"})),
            Self::Ranks(seat) => {
                first(ranked("item", "title"));
                first(ranked("price", "amount"));
                let part = |(at, name): (usize, &&str)| {
                    ((*name).to_owned(), json!({"rank": (at + names.len() - seat % names.len()) % names.len()}))
                };
                rules["connections"] = names.iter().enumerate().map(part).collect::<serde_json::Map<_, _>>().into();
            }
        }
        rules
    }

    /// The field that it gives to a system in some place.
    #[must_use]
    pub fn owned(self) -> Option<(&'static str, &'static str, usize)> {
        match self {
            Self::TitleOwner(seat) => Some(("item", "title", seat)),
            Self::PriceOwner(seat) => Some(("price", "amount", seat)),
            Self::Usual | Self::Ranks(_) | Self::NoPolicy | Self::Hold | Self::Union => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rules::RulesSpec;
    use crate::sim::Plan;

    #[test]
    fn rules_change_on_a_third_of_the_days_and_are_rules() {
        let days =
            (0..600).filter(|seed| !Plan::of(*seed, &crate::demo::world::Product::ALL).reforms.is_empty()).count();
        assert!((140..=260).contains(&days), "on {days} of 600");
        let given = [Regime::TitleOwner(1), Regime::PriceOwner(3), Regime::Ranks(2)];
        for regime in [Regime::Usual, Regime::NoPolicy, Regime::Hold, Regime::Union].into_iter().chain(given) {
            let spec: RulesSpec = serde_json::from_value(regime.rules(&["a", "b", "c", "d"])).unwrap();
            let slots: Vec<&String> = spec.policies().into_iter().collect();
            assert!(slots.iter().all(|it| it.starts_with("conflict:")), "{slots:?}");
        }
    }
}
