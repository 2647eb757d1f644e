//! Saving and deleting items, customers and locations.

use truthsource_core::UnixMs;

use super::{Cause, Family, State};
use crate::journal::Actor;
use crate::netsuite::model::{Customer, Deleted, Item, Location, StockKey};
use crate::netsuite::problem::Problem;
use crate::netsuite::script::Event;

impl State {
    /// Saves an item, new or not. Its `created` and `modified` are set here.
    pub(in crate::netsuite) fn save_item(&mut self, cause: Cause, mut item: Item) -> Result<(), Problem> {
        let before = self.items.get(&item.id).cloned();
        let code = item.code.to_lowercase();
        if code.trim().is_empty() {
            return Err(Problem::user("Please enter value(s) for: Item Name/Number"));
        }
        if self.item_codes.get(&code).is_some_and(|other| *other != item.id) {
            return Err(Problem::user(format!("Uniqueness error: an item named '{}' already exists.", item.code)));
        }
        let old_external = before.as_ref().and_then(|it| it.external_id.as_deref());
        self.claim_external_id(Family::Item, item.id, old_external, item.external_id.as_deref())?;
        if let Some(before) = &before {
            self.item_codes.remove(&before.code.to_lowercase());
        }
        self.item_codes.insert(code, item.id);
        item.modified = self.stamp(cause.now);
        item.created = before.as_ref().map_or(item.modified, |it| it.created);
        self.journal_item(cause, before.as_ref(), &item);
        let event = if before.is_some() { "edit" } else { "create" };
        self.tell(cause.now, Event { record_type: item.ty.rest_name(), id: item.id, event, items: Vec::new() });
        self.items.set(cause.now, item.id, Some(item));
        Ok(())
    }

    fn journal_item(&mut self, cause: Cause, before: Option<&Item>, item: &Item) {
        let fields = |it: &Item| {
            let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
            [
                ("code", it.code.clone()),
                ("title", or_empty(&it.title)),
                ("barcode", or_empty(&it.barcode)),
                ("active", it.active.to_string()),
            ]
        };
        self.journal_fields(cause, ("item", item.id), before.map(fields), fields(item));
    }

    fn journal_fields<const N: usize>(
        &mut self,
        cause: Cause,
        (kind, id): (&str, u64),
        before: Option<[(&'static str, String); N]>,
        after: [(&'static str, String); N],
    ) {
        let id = id.to_string();
        if before.is_none() {
            self.record(cause, (kind, &id), "created", "");
        }
        for (at, (field, value)) in after.into_iter().enumerate() {
            if before.as_ref().is_none_or(|it| it[at].1 != value) {
                self.record(cause, (kind, &id), field, value);
            }
        }
    }

    /// Deletes an item with its prices and stock. An item that an open order waits for stays.
    pub(in crate::netsuite) fn delete_item(&mut self, cause: Cause, id: u64) -> Result<(), Problem> {
        let Some(item) = self.items.get(&id).cloned() else { return Err(Problem::nonexistent("")) };
        let keys = StockKey { item: id, location: 0 }..=StockKey { item: id, location: u64::MAX };
        let stock: Vec<(StockKey, bool)> = {
            let rows = self.stock.rows().range(keys);
            rows.map(|(key, stock)| (*key, stock.ordered > truthsource_core::Decimal::ZERO)).collect()
        };
        if stock.iter().any(|(_, is_ordered)| *is_ordered) {
            return Err(Problem::user("This record cannot be deleted because it has dependent records."));
        }
        for (key, _) in stock {
            self.stock.set(cause.now, key, None);
            self.record(cause, ("stock-level", &format!("{id}:{}", key.location)), "deleted", "");
        }
        for (level, currency) in self.price_lists_of(id) {
            self.set_prices(cause, (id, level, currency), std::collections::BTreeMap::new());
        }
        self.claim_external_id(Family::Item, id, item.external_id.as_deref(), None)?;
        self.item_codes.remove(&item.code.to_lowercase());
        self.items.set(cause.now, id, None);
        self.record(cause, ("item", &id.to_string()), "deleted", "");
        self.bury(cause, (item.ty.rest_name(), id), "Inventory Item", item.code);
        Ok(())
    }

    /// Saves a customer, new or not. Its `created` and `modified` are set here.
    pub(in crate::netsuite) fn save_customer(&mut self, cause: Cause, mut customer: Customer) -> Result<(), Problem> {
        let before = self.customers.get(&customer.id).cloned();
        if customer.code.trim().is_empty() {
            customer.code = customer.name.clone().unwrap_or_default();
        }
        let code = customer.code.to_lowercase();
        if code.trim().is_empty() {
            return Err(Problem::user("Please enter value(s) for: Company Name"));
        }
        if self.customer_codes.get(&code).is_some_and(|other| *other != customer.id) {
            let detail = "A customer record with this ID already exists. You must enter a unique customer ID for each \
                          record you create (UNIQUE_CUST_ID_REQD).";
            return Err(Problem::user(detail));
        }
        let old_external = before.as_ref().and_then(|it| it.external_id.as_deref());
        self.claim_external_id(Family::Entity, customer.id, old_external, customer.external_id.as_deref())?;
        if let Some(before) = &before {
            self.customer_codes.remove(&before.code.to_lowercase());
        }
        self.customer_codes.insert(code, customer.id);
        customer.modified = self.stamp(cause.now);
        customer.created = before.as_ref().map_or(customer.modified, |it| it.created);
        self.journal_customer(cause, before.as_ref(), &customer);
        let event = if before.is_some() { "edit" } else { "create" };
        self.tell(cause.now, Event { record_type: "customer", id: customer.id, event, items: Vec::new() });
        self.customers.set(cause.now, customer.id, Some(customer));
        Ok(())
    }

    fn journal_customer(&mut self, cause: Cause, before: Option<&Customer>, customer: &Customer) {
        let currencies = self.settings.currencies.clone();
        let fields = |it: &Customer| {
            let currency = crate::netsuite::settings::name_of(&currencies, it.currency).unwrap_or_default();
            [
                ("code", it.code.clone()),
                ("name", it.name.clone().unwrap_or_default()),
                ("email", it.email.clone().unwrap_or_default()),
                ("currency", currency.to_owned()),
                ("active", it.active.to_string()),
            ]
        };
        self.journal_fields(cause, ("company", customer.id), before.map(fields), fields(customer));
    }

    /// Deletes a customer. One that has orders stays.
    pub(in crate::netsuite) fn delete_customer(&mut self, cause: Cause, id: u64) -> Result<(), Problem> {
        let Some(customer) = self.customers.get(&id).cloned() else { return Err(Problem::nonexistent("")) };
        if self.transactions.rows().values().any(|it| it.entity == Some(id)) {
            return Err(Problem::user("This record cannot be deleted because it has dependent records."));
        }
        self.claim_external_id(Family::Entity, id, customer.external_id.as_deref(), None)?;
        self.customer_codes.remove(&customer.code.to_lowercase());
        self.customers.set(cause.now, id, None);
        self.record(cause, ("company", &id.to_string()), "deleted", "");
        self.bury(cause, ("customer", id), "Customer", customer.code);
        Ok(())
    }

    /// Saves a location.
    pub(in crate::netsuite) fn save_location(&mut self, cause: Cause, mut location: Location) {
        location.modified = self.stamp(cause.now);
        let before = self.locations.get(&location.id).cloned();
        let fields = |it: &Location| [("name", it.name.clone()), ("active", it.active.to_string())];
        self.journal_fields(cause, ("location", location.id), before.as_ref().map(fields), fields(&location));
        self.locations.insert(location.id, location);
    }

    /// Leaves the trace of a deletion, and lets the script tell.
    pub(super) fn bury(
        &mut self,
        cause: Cause,
        (record_type, id): (&'static str, u64),
        ty: &'static str,
        name: String,
    ) {
        let sequence = self.deleted.keys().next_back().map_or(1, |it| it + 1);
        let context = if cause.actor == Actor::Api { "REST" } else { "UI" };
        let at: UnixMs = self.stamp(cause.now);
        let script_id = record_type.to_lowercase();
        self.deleted.insert(sequence, Deleted { sequence, record: id, script_id, ty, name, context, at });
        self.tell(cause.now, Event { record_type, id, event: "delete", items: Vec::new() });
    }
}
