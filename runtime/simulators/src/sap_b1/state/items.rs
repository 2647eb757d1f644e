//! Items, warehouses and price lists.

use std::collections::BTreeMap;

use serde_json::json;
use truthsource_core::Decimal;

use super::{Cause, State, pair, switched};
use crate::sap_b1::model::{Item, ItemPrice, PriceList, Stock, Warehouse};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::settings::FreshUpdateDate;
use crate::sap_b1::shape::UserFields;

impl State {
    /// An item that is not saved yet.
    pub(in crate::sap_b1) fn blank_item(&self, cause: Cause, code: &str) -> Item {
        let mut item = Item {
            code: code.to_owned(),
            name: None,
            foreign_name: None,
            barcode: None,
            group: self.settings.item_groups.first().copied().unwrap_or_default(),
            is_inventory: true,
            is_sales: true,
            valid: true,
            frozen: false,
            has_batches: false,
            has_serials: false,
            uom_group: -1,
            stock: BTreeMap::new(),
            prices: BTreeMap::new(),
            user_fields: UserFields::new(),
            created: self.stamp(cause.now),
            updated: None,
            version: 0,
            said: (None, None),
        };
        self.complete_rows(&mut item);
        item
    }

    /// Gives an item its row for every warehouse and every list.
    fn complete_rows(&self, item: &mut Item) {
        for code in self.warehouses.keys() {
            let row = || Stock { warehouse: code.clone(), item: item.code.clone(), ..Stock::default() };
            item.stock.entry(code.clone()).or_insert_with(row);
        }
        for (number, list) in &self.lists {
            let currency = Some(list.currency.clone());
            let row = item.prices.entry(*number).or_insert_with(|| ItemPrice { currency, ..ItemPrice::default() });
            (row.list, row.base, row.factor) = (*number, list.base, list.factor);
        }
    }

    /// Saves an item, new or not. Its stamps, its version and the prices that follow others are set here; its stock
    /// is not touched.
    pub(in crate::sap_b1) fn save_item(&mut self, cause: Cause, mut item: Item) -> Result<(), Problem> {
        let before = self.items.get(&item.code).cloned();
        if item.code.trim().is_empty() {
            return Err(Problem::new(400, -5002, "Item number is missing; specify an item number [OITM.ItemCode]"));
        }
        if !self.settings.item_groups.contains(&item.group) {
            return Err(Problem::reference("item group", "OITM.ItmsGrpCod", &item.group.to_string()));
        }
        for (list, price) in &item.prices {
            if price.price.is_negative() {
                return Err(Problem::rule(format!("Enter a valid price [ITM1.Price][line: {list}]")));
            }
        }
        (item.valid, item.frozen) = switched((item.valid, item.frozen), std::mem::take(&mut item.said));
        self.complete_rows(&mut item);
        self.follow(&mut item)?;
        let stamp = self.stamp(cause.now);
        let is_fresh = before.is_none() && self.settings.fresh_update_date == FreshUpdateDate::Empty;
        item.updated = if is_fresh { None } else { Some(stamp) };
        item.version += 1;
        self.record_item(cause, before.as_ref(), &item);
        self.record_prices(cause, before.as_ref(), &item);
        let transaction = if before.is_some() { "Updated" } else { "Created" };
        self.tell(cause.now, ("Items", transaction), ("ItemCode", &item.code));
        self.items.insert(item.code.clone(), item);
        Ok(())
    }

    fn record_item(&mut self, cause: Cause, before: Option<&Item>, item: &Item) {
        let fields = |it: &Item| {
            [
                ("code", it.code.clone()),
                ("title", it.name.clone().unwrap_or_default()),
                ("barcode", it.barcode.clone().unwrap_or_default()),
                ("active", it.is_active().to_string()),
            ]
        };
        if before.is_none() {
            self.record(cause, ("item", &item.code), "created", "");
        }
        self.record_fields(cause, ("item", &item.code), before.map(fields), fields(item));
    }

    /// Deletes an item with its prices. One that has stock, or that a document names, stays.
    pub(in crate::sap_b1) fn delete_item(&mut self, cause: Cause, code: &str) -> Result<(), Problem> {
        let item = self.items.get(code).cloned().ok_or_else(Problem::not_found)?;
        let is_named = self.documents.values().any(|it| it.lines.iter().any(|it| it.item == code));
        let has_stock = item.stock.values().any(|it| it.on_hand != Decimal::ZERO);
        if is_named || has_stock {
            return Err(Problem::rule(format!("Cannot remove item '{code}'; it has linked transactions or stock")));
        }
        let mut without = item.clone();
        without.prices.values_mut().for_each(|it| it.price = Decimal::ZERO);
        self.record_prices(cause, Some(&item), &without);
        for warehouse in item.stock.keys() {
            self.record(cause, ("stock-level", &pair(code, warehouse)), "deleted", "");
        }
        self.items.remove(code);
        self.special.retain(|(_, it), _| it != code);
        self.record(cause, ("item", code), "deleted", "");
        self.tell(cause.now, ("Items", "Deleted"), ("ItemCode", code));
        Ok(())
    }

    /// Saves a warehouse. A new one gets a row in every item.
    pub(in crate::sap_b1) fn save_warehouse(&mut self, cause: Cause, warehouse: Warehouse) -> Result<(), Problem> {
        if warehouse.code.trim().is_empty() {
            return Err(Problem::new(400, -5002, "Warehouse code is missing [OWHS.WhsCode]"));
        }
        let before = self.warehouses.get(&warehouse.code).cloned();
        let fields = |it: &Warehouse| {
            [
                ("code", it.code.clone()),
                ("name", it.name.clone().unwrap_or_default()),
                ("active", (!it.inactive).to_string()),
            ]
        };
        let code = warehouse.code.clone();
        if before.is_none() {
            self.record(cause, ("location", &code), "created", "");
        }
        self.record_fields(cause, ("location", &code), before.as_ref().map(fields), fields(&warehouse));
        let transaction = if before.is_some() { "Updated" } else { "Created" };
        self.tell(cause.now, ("Warehouses", transaction), ("WarehouseCode", &code));
        self.warehouses.insert(code, warehouse);
        if before.is_none() {
            self.complete_all();
        }
        Ok(())
    }

    /// Saves a price list. A new one gets a row in every item; one that follows another gets its prices from there.
    pub(in crate::sap_b1) fn save_list(&mut self, cause: Cause, list: PriceList) -> Result<(), Problem> {
        if !self.lists.contains_key(&list.base) && list.base != list.number {
            return Err(Problem::reference("base price list", "OPLN.BASE_NUM", &list.base.to_string()));
        }
        let mut base = list.base;
        for _ in 0..self.lists.len() {
            if base == list.number && list.base != list.number {
                return Err(Problem::rule("A price list cannot follow itself [OPLN.BASE_NUM]"));
            }
            base = self.lists.get(&base).map_or(base, |it| it.base);
        }
        self.lists.insert(list.number, list);
        self.complete_all();
        for code in self.items.keys().cloned().collect::<Vec<_>>() {
            self.set_prices(cause, &code, |_| ())?;
        }
        Ok(())
    }

    fn complete_all(&mut self) {
        let mut items = std::mem::take(&mut self.items);
        items.values_mut().for_each(|it| self.complete_rows(it));
        self.items = items;
    }

    /// Changes an item's prices and nothing else: not even its stamp moves, as when a list is edited as a whole.
    pub(in crate::sap_b1) fn set_prices(
        &mut self,
        cause: Cause,
        code: &str,
        change: impl FnOnce(&mut Item),
    ) -> Result<(), Problem> {
        let before = self.items.get(code).cloned().ok_or_else(Problem::not_found)?;
        let mut item = before.clone();
        change(&mut item);
        self.follow(&mut item)?;
        self.record_prices(cause, Some(&before), &item);
        self.items.insert(item.code.clone(), item);
        Ok(())
    }

    fn record_prices(&mut self, cause: Cause, before: Option<&Item>, after: &Item) {
        for (list, now) in &after.prices {
            let was = before.and_then(|it| it.prices.get(list)).filter(|it| it.price > Decimal::ZERO);
            let id = pair(&list.to_string(), &after.code);
            // A price that follows another is the system's own doing.
            let is_follower = now.base != now.list && !now.is_manual;
            let cause = if is_follower { Cause { actor: crate::journal::Actor::System, ..cause } } else { cause };
            if now.price == Decimal::ZERO {
                if was.is_some() {
                    self.record(cause, ("price", &id), "deleted", "");
                }
                continue;
            }
            let currency = |it: &ItemPrice| it.currency.as_deref().unwrap_or_default().to_owned();
            if was.is_none() {
                self.record(cause, ("price", &id), "created", "");
            }
            if was.is_none_or(|was| currency(was) != currency(now)) {
                let iso = self.settings.iso(&currency(now)).to_owned();
                self.record(cause, ("price", &id), "currency", iso);
            }
            if was.is_none_or(|was| was.price != now.price) {
                self.record(cause, ("price", &id), "amount", now.price.to_string());
            }
            if was.is_none() {
                let breaks = self.breaks_text(cause.now, *list, &after.code);
                self.record(cause, ("price", &id), "breaks", breaks);
            }
        }
    }

    /// The prices from a quantity on that hold for a whole list today, in canonical spelling.
    pub(in crate::sap_b1) fn breaks_text(&self, now: truthsource_core::UnixMs, list: i64, item: &str) -> String {
        let rows = self.breaks(now, list, item);
        let rows: Vec<_> = rows.iter().map(|(from, amount)| json!({ "from": from, "amount": amount })).collect();
        serde_json::Value::Array(rows).to_string()
    }
}
