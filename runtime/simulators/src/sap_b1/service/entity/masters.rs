//! Master data: items, partners, warehouses, lists and currencies.

use truthsource_core::Decimal;

use super::{Entity, code, entry, new_code, unsupported};
use crate::sap_b1::json::{Json, Members};
use crate::sap_b1::model::{Item, Partner, PriceList, SpecialPrice, Warehouse};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::service::sets::{Key, Set};
use crate::sap_b1::settings::Currency;
use crate::sap_b1::shape::{Edm, Property, Shape, text};
use crate::sap_b1::state::{Cause, State};

impl Entity for Item {
    const TABLE: Option<&'static str> = Some("OITM");

    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.items.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.items.get(code(key))
    }

    fn version(&self) -> Option<u64> {
        Some(self.version)
    }

    fn blank(state: &mut State, cause: Cause, set: Set, members: &mut Members) -> Result<Self, Problem> {
        let code = new_code::<Self>(members, set, |it| state.items.contains_key(it))?;
        Ok(state.blank_item(cause, &code))
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        let key = Key::Text(new.code.clone());
        state.save_item(cause, new).map(|()| key)
    }

    fn update(state: &mut State, cause: Cause, _: Set, changed: Self) -> Result<(), Problem> {
        state.save_item(cause, changed)
    }

    fn delete(state: &mut State, cause: Cause, _: Set, key: &Key) -> Result<(), Problem> {
        state.delete_item(cause, code(key))
    }
}

impl Entity for Partner {
    const TABLE: Option<&'static str> = Some("OCRD");

    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.partners.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.partners.get(code(key))
    }

    fn version(&self) -> Option<u64> {
        Some(self.version)
    }

    fn blank(state: &mut State, cause: Cause, set: Set, members: &mut Members) -> Result<Self, Problem> {
        let code = new_code::<Self>(members, set, |it| state.partners.contains_key(it))?;
        Ok(state.blank_partner(cause, &code))
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        let key = Key::Text(new.code.clone());
        state.save_partner(cause, new).map(|()| key)
    }

    fn update(state: &mut State, cause: Cause, _: Set, changed: Self) -> Result<(), Problem> {
        state.save_partner(cause, changed)
    }

    fn delete(state: &mut State, cause: Cause, _: Set, key: &Key) -> Result<(), Problem> {
        state.delete_partner(cause, code(key))
    }
}

impl Entity for Warehouse {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.warehouses.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.warehouses.get(code(key))
    }

    fn blank(state: &mut State, _: Cause, set: Set, members: &mut Members) -> Result<Self, Problem> {
        let code = new_code::<Self>(members, set, |it| state.warehouses.contains_key(it))?;
        Ok(Self { code, name: None, inactive: false })
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        let key = Key::Text(new.code.clone());
        state.save_warehouse(cause, new).map(|()| key)
    }

    fn update(state: &mut State, cause: Cause, _: Set, changed: Self) -> Result<(), Problem> {
        state.save_warehouse(cause, changed)
    }
}

impl Entity for PriceList {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.lists.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.lists.get(&entry(key))
    }

    fn blank(state: &mut State, _: Cause, _: Set, _: &mut Members) -> Result<Self, Problem> {
        let number = state.lists.keys().next_back().map_or(1, |it| it + 1);
        Ok(state.list(number, ""))
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        let key = Key::Entry(new.number);
        state.save_list(cause, new).map(|()| key)
    }

    fn update(state: &mut State, cause: Cause, _: Set, changed: Self) -> Result<(), Problem> {
        state.save_list(cause, changed)
    }
}

impl Entity for SpecialPrice {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.special.values())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        let Key::Pair(card, item) = key else { return None };
        state.special.get(&(card.clone(), item.clone()))
    }

    fn blank(state: &mut State, _: Cause, set: Set, members: &mut Members) -> Result<Self, Problem> {
        let mut given = |name: &str| match members.remove(name) {
            Some(Json::Text(text)) => Ok(text),
            _ => Err(Problem::property(name, Self::TYPE)),
        };
        let (card, item) = (given("CardCode")?, given("ItemCode")?);
        if state.special.contains_key(&(card.clone(), item.clone())) {
            return Err(Problem::duplicate(set.table()));
        }
        Ok(Self {
            card,
            item,
            price: Decimal::ZERO,
            currency: None,
            discount: Decimal::ZERO,
            price_list: 0,
            auto_update: false,
            valid: true,
            valid_from: None,
            valid_to: None,
            periods: Vec::new(),
        })
    }

    fn add(state: &mut State, cause: Cause, _: Set, new: Self) -> Result<Key, Problem> {
        let key = Key::Pair(new.card.clone(), new.item.clone());
        state.save_special(cause, new).map(|()| key)
    }

    fn update(state: &mut State, cause: Cause, _: Set, changed: Self) -> Result<(), Problem> {
        state.save_special(cause, changed)
    }

    fn delete(state: &mut State, cause: Cause, _: Set, key: &Key) -> Result<(), Problem> {
        let Key::Pair(card, item) = key else { return Err(Problem::not_found()) };
        state.delete_special(cause, &(card.clone(), item.clone()))
    }
}

impl Shape for Currency {
    const TYPE: &'static str = "Currency";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("Code", Edm::Text, |it| text(&it.code)),
        Property::<Self>::new("Name", Edm::Text, |it| text(&it.name)),
        Property::<Self>::new("DocumentsCode", Edm::Text, |it| text(&it.iso)),
        Property::<Self>::new("InternationalDescription", Edm::Text, |it| text(&it.iso)),
    ];
}

impl Entity for Currency {
    fn all(state: &State, _: Set) -> Box<dyn Iterator<Item = &Self> + '_> {
        Box::new(state.settings.currencies.iter())
    }

    fn find<'s>(state: &'s State, _: Set, key: &Key) -> Option<&'s Self> {
        state.settings.currencies.iter().find(|it| it.code == code(key))
    }

    fn blank(_: &mut State, _: Cause, _: Set, _: &mut Members) -> Result<Self, Problem> {
        Err(unsupported())
    }

    fn add(_: &mut State, _: Cause, _: Set, _: Self) -> Result<Key, Problem> {
        Err(unsupported())
    }
}
