//! The components that have a say in what a connection is told of a kind, by name: for timelines and plans.

use truthsource_core::Kind;

use super::Engine;
use crate::store::{Connection, PRICED_BY_RULES};

/// Each as `slot@digest`, as they answer now; `slot@?` where that cannot be told now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Through {
    /// The tenant's rule, where stock is published by it.
    stock: Option<String>,
    /// Who has a say in the prices of lists; only the slot where nothing fills it.
    price: Option<String>,
    /// What everything passes, in order.
    all: Vec<String>,
}

impl Through {
    pub async fn of(engine: &Engine, connection: &Connection, kind: Kind) -> Self {
        let spec = &connection.spec;
        let mut through = Self::default();
        if kind == Kind::StockLevel && spec.publishes.is_some() {
            through.stock = filled(engine, "stock").await;
        }
        if let Some(slot) = spec.priced_by.as_deref().filter(|_| kind == Kind::Price) {
            let rules = slot == PRICED_BY_RULES;
            through.price = Some(if rules { slot.to_owned() } else { named(engine, slot).await });
        }
        for slot in [format!("mapping:{}", connection.name), spec.connector.clone()] {
            through.all.extend(filled(engine, &slot).await);
        }
        through
    }

    /// Those that any of these fields passes, in order.
    pub fn passed<'a>(&self, fields: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        let (mut stock, mut price) = (None, None);
        for field in fields {
            match field.as_str() {
                "on_hand" => stock = self.stock.as_ref(),
                "amount" | "breaks" => price = self.price.as_ref(),
                _ => {}
            }
        }
        stock.into_iter().chain(price).chain(&self.all).cloned().collect()
    }
}

/// `slot@digest`; only the slot where nothing fills it.
pub(super) async fn named(engine: &Engine, slot: &str) -> String {
    filled(engine, slot).await.unwrap_or_else(|| slot.to_owned())
}

async fn filled(engine: &Engine, slot: &str) -> Option<String> {
    let digest = engine.guests.release(slot).await.unwrap_or_else(|_| Some("?".to_owned()))?;
    Some(format!("{slot}@{digest}"))
}

#[cfg(test)]
mod tests {
    use truthsource_host::CallError;

    use super::super::connections::Parties;
    use super::super::fake::{Fake, House, SHOP, answers};
    use super::*;

    #[tokio::test]
    async fn what_is_told_names_what_it_passes() {
        let release = answers(|slot: String| match slot.as_str() {
            "pricing:none" => Ok(None),
            "pricing:broken" => Err(CallError::StackOverflow),
            _ => Ok(Some("d1".to_owned())),
        });
        let house = House::with(Fake { release, ..Fake::default() }).await;
        let parties = Parties::load(&house.engine).await.unwrap();
        let mut shop = parties.connections[&SHOP].clone();
        let told = async |shop: &Connection, kind, field: &str| {
            Through::of(&house.engine, shop, kind).await.passed([&"title".to_owned(), &field.to_owned()])
        };
        let all = ["mapping:shop@d1", "connector:fake@d1"];
        assert_eq!(told(&shop, Kind::StockLevel, "on_hand").await, all);
        shop.spec.publishes = Some(Default::default());
        assert_eq!(told(&shop, Kind::StockLevel, "on_hand").await, ["stock@d1", all[0], all[1]]);
        assert_eq!(told(&shop, Kind::StockLevel, "title").await, all);
        for (slot, named) in [
            ("rules", "rules"),
            ("pricing:mine", "pricing:mine@d1"),
            ("pricing:none", "pricing:none"),
            ("pricing:broken", "pricing:broken@?"),
        ] {
            shop.spec.priced_by = Some(slot.to_owned());
            assert_eq!(told(&shop, Kind::Price, "breaks").await, [named, all[0], all[1]]);
        }
    }
}
