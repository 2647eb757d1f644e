//! Placing, cancelling and shipping orders.

use std::collections::BTreeMap;

use truthsource_core::Decimal;

use super::items::WhenOut;
use super::orders::{
    Both, CancelReason, Claim, Financial, Fulfillment, Line, LineInput, Order, OrderChange, OrderInput, Purchaser,
    Restock,
};
use super::stock::level_key;
use super::{Cause, State};
use crate::shopify::refusals::{Code, OrderCreateUserErrorCode as Why, Refusal};
use crate::shopify::webhooks::Topic;

impl State {
    /// Places an order.
    ///
    /// # Errors
    /// When there are no lines, a variant, customer or company location is not there, or stock cannot be claimed.
    pub fn make_order(&mut self, cause: Cause, input: OrderInput) -> Result<u64, Refusal<Why>> {
        self.check_order(cause, &input)?;
        let purchaser = self.purchaser(&input);
        let (id, number) = (self.new_id(), self.new_order_number());
        let mut lines = Vec::new();
        for line in &input.lines {
            lines.push(self.made_line(&input, line));
        }
        let second = cause.second();
        let mut order = Order {
            id,
            number,
            name: input.name.clone().unwrap_or_else(|| format!("#{number}")),
            lines,
            purchaser,
            financial: input.financial,
            fulfillment: Fulfillment::Unfulfilled,
            parcels: Vec::new(),
            groups: Vec::new(),
            cancelled: None,
            processed: input.processed.unwrap_or(second),
            created: second,
            updated: second,
            about: OrderInput { lines: Vec::new(), ..input },
        };
        if order.about.claim != Claim::Bypass {
            self.claim(cause, &mut order);
        }
        order.groups = self.grouped(&order.lines);
        self.note_order(cause, &order);
        self.orders.put(cause.at, order);
        self.happened(cause, "Order", id, "create");
        self.announce(cause, Topic::OrdersCreate, |state| state.order_body(id));
        Ok(id)
    }

    fn check_order(&self, cause: Cause, input: &OrderInput) -> Result<(), Refusal<Why>> {
        let invalid = |field: &str, message: &str| Refusal { message: message.to_owned(), ..Why::Invalid.at(field) };
        if input.lines.is_empty() {
            return Err(invalid("order.lineItems", "Line items must have at least one line item"));
        }
        if input.company_location.is_some_and(|it| !self.company_locations.has(it)) {
            return Err(invalid("order.companyLocationId", "Company location could not be found"));
        }
        if input.customer.is_some_and(|it| !self.customers.has(it)) {
            return Err(invalid("order.customerId", "Customer could not be found"));
        }
        if input.processed.is_some_and(|it| it > cause.at) {
            return Err(Why::ProcessedAtInvalid.at("order.processedAt"));
        }
        let mut wanted = BTreeMap::new();
        for (n, line) in input.lines.iter().enumerate() {
            let at = |field: &str| format!("order.lineItems.{n}.{field}");
            if line.quantity < 1 {
                return Err(invalid(&at("quantity"), "Quantity must be greater than 0"));
            }
            let Some(id) = line.variant else {
                if line.title.as_deref().unwrap_or_default().is_empty() || line.price.is_none() {
                    return Err(invalid(&at("title"), "A line without a variant needs a title and a price"));
                }
                continue;
            };
            if !self.variants.has(id) {
                return Err(invalid(&at("variantId"), "Variant could not be found"));
            }
            *wanted.entry(id).or_insert(0) += i64::from(line.quantity);
        }
        if input.claim == Claim::DecrementObeyingPolicy {
            self.check_claim(&wanted)?;
        }
        Ok(())
    }

    fn check_claim(&self, wanted: &BTreeMap<u64, i64>) -> Result<(), Refusal<Why>> {
        for (variant, quantity) in wanted {
            let Some(variant) = self.variants.get(*variant) else { continue };
            let tracked = self.items.get(variant.item).is_some_and(|it| it.tracked);
            let denies = tracked && variant.when_out == WhenOut::Deny;
            if denies && !self.levels_of(variant.item).any(|it| it.available() >= *quantity) {
                return Err(Why::InventoryClaimFailed.at("order.lineItems"));
            }
        }
        Ok(())
    }

    fn purchaser(&self, input: &OrderInput) -> Option<Purchaser> {
        let location = self.company_locations.get(input.company_location?)?;
        let company = self.companies.get(location.company)?;
        let person = input.customer.or_else(|| self.customer_by_email(input.email.as_deref()?));
        let is_person = |id: &&u64| self.contacts.get(**id).is_some_and(|it| Some(it.customer) == person);
        let contact = company.contacts.iter().find(is_person).copied().or(company.main_contact);
        Some(Purchaser { company: company.id, location: location.id, contact })
    }

    fn made_line(&mut self, order: &OrderInput, line: &LineInput) -> Line {
        let id = self.new_id();
        let variant = line.variant.and_then(|it| self.variants.get(it)).cloned();
        let product = variant.as_ref().and_then(|it| self.products.get(it.product));
        let price = line.price.unwrap_or_else(|| {
            let price =
                variant.as_ref().map_or(Decimal::ZERO, |it| self.price_for(order.company_location, it, line.quantity));
            Both { shop: price, presentment: price }
        });
        Line {
            id,
            variant: variant.as_ref().map(|it| it.id),
            item: variant.as_ref().map(|it| it.item),
            sku: line.sku.clone().or_else(|| variant.as_ref()?.sku.clone()),
            title: line.title.clone().or_else(|| Some(product?.title.clone())).unwrap_or_default(),
            variant_title: variant.as_ref().map(|it| it.title()),
            quantity: line.quantity,
            current_quantity: line.quantity,
            price,
            tax_lines: line.tax_lines.clone(),
            claimed_at: None,
        }
    }

    /// Commits stock for the lines, each at the first location that has enough of it, or else at the first that
    /// stocks it.
    fn claim(&mut self, cause: Cause, order: &mut Order) {
        for line in &mut order.lines {
            let Some(item) = line.item.filter(|it| self.items.get(*it).is_some_and(|it| it.tracked)) else { continue };
            let ships = |location: u64| {
                self.locations.get(location).is_some_and(|it| it.is_active && it.fulfills_online_orders)
            };
            let quantity = i64::from(line.quantity);
            let levels: Vec<_> = self.levels_of(item).filter(|it| ships(it.location)).collect();
            let best = levels.iter().find(|it| it.available() >= quantity).or(levels.first());
            line.claimed_at = best.map(|it| it.location);
            if let Some(location) = line.claimed_at {
                self.commit(cause, level_key(location, item), quantity);
            }
        }
    }

    fn note_order(&self, cause: Cause, order: &Order) {
        let lines = order.lines.iter().map(|it| {
            serde_json::json!({
                "item": it.item.map(|it| it.to_string()),
                "code": it.sku,
                "quantity": it.quantity.to_string(),
                "price": it.price.presentment,
            })
        });
        let lines = serde_json::Value::from(lines.collect::<Vec<_>>());
        let buyer = order.purchaser.map_or_else(String::new, |it| it.company.to_string());
        let id = order.id;
        self.note(cause, "order", id, ("created", &order.name));
        self.note(cause, "order", id, ("number", &order.name));
        self.note(cause, "order", id, ("company", buyer));
        self.note(cause, "order", id, ("po_number", order.about.po_number.as_deref().unwrap_or_default()));
        self.note(cause, "order", id, ("currency", &order.about.presentment_currency));
        self.note(cause, "order", id, ("lines", lines));
        self.note(cause, "order", id, ("total", order.total().presentment));
    }

    /// Cancels an order; `restock` puts what was committed back on the shelf.
    /// Says whether there was one to cancel.
    pub fn cancel_order(&mut self, cause: Cause, id: u64, reason: CancelReason, restock: Restock) -> bool {
        let Some(order) = self.orders.get(id).filter(|it| it.cancelled.is_none()).cloned() else { return false };
        if order.fulfillment == Fulfillment::Fulfilled {
            return false;
        }
        for line in &order.lines {
            let (Some(item), Some(location)) = (line.item, line.claimed_at) else { continue };
            let (key, quantity) = (level_key(location, item), i64::from(order.open(line)));
            match restock {
                Restock::Yes => self.commit(cause, key, -quantity),
                Restock::No => self.ship(cause, key, quantity),
            }
        }
        self.orders.edit(cause.at, id, |it| {
            it.cancelled = Some((cause.second(), reason));
            it.updated = cause.second();
            it.financial = if it.financial == Financial::Paid { Financial::Refunded } else { Financial::Voided };
            it.lines.iter_mut().for_each(|line| line.current_quantity = 0);
        });
        self.note(cause, "order", id, ("cancelled", true));
        self.announce(cause, Topic::OrdersCancelled, |state| state.order_body(id));
        self.announce(cause, Topic::OrdersUpdated, |state| state.order_body(id));
        true
    }

    /// Makes an order one of so many of these items, at the prices that it has or that are the buyer's now: what is not
    /// among them is taken off.
    ///
    /// # Errors
    /// When there is no such order, a variant is not there, or fewer are wanted than have left.
    pub fn edit_order(&mut self, cause: Cause, id: u64, wanted: &[(u64, i32)]) -> Result<(), &'static str> {
        let Some(before) = self.orders.get(id).filter(|it| it.cancelled.is_none()).cloned() else {
            return Err("The order cannot be edited.");
        };
        let mut order = before.as_ref().clone();
        for line in &mut order.lines {
            let to = wanted.iter().find(|it| line.item == Some(it.0)).map_or(0, |it| it.1);
            if to < before.shipped(line.id) {
                return Err("The line item has been fulfilled.");
            }
            let by = to - line.current_quantity;
            line.quantity += by.max(0);
            line.current_quantity = to;
            if let (Some(item), Some(location)) = (line.item, line.claimed_at) {
                self.commit(cause, level_key(location, item), i64::from(by));
            }
        }
        let is_new = |item: &u64| before.lines.iter().all(|it| it.item != Some(*item));
        for (item, quantity) in wanted.iter().filter(|(item, n)| is_new(item) && *n > 0) {
            let variant = self.items.get(*item).map(|it| it.variant).ok_or("The variant does not exist.")?;
            let input = LineInput { variant: Some(variant), quantity: *quantity, ..LineInput::default() };
            let line = self.made_line(&order.about, &input);
            let mut added = Order { lines: vec![line], ..order.clone() };
            if order.about.claim != Claim::Bypass {
                self.claim(cause, &mut added);
            }
            order.lines.append(&mut added.lines);
        }
        for group in self.grouped(&order.lines) {
            if order.groups.iter().all(|it| it.location != group.location) {
                order.groups.push(group);
            }
        }
        order.updated = cause.second();
        let order = self.orders.put(cause.at, order);
        self.note(cause, "order", id, ("total", order.current_total().presentment));
        self.announce(cause, Topic::OrdersEdited, |state| state.order_body(id));
        self.announce(cause, Topic::OrdersUpdated, |state| state.order_body(id));
        Ok(())
    }

    /// Changes what may be changed of an order after it is placed. Says whether there is one.
    pub fn alter_order(&mut self, cause: Cause, id: u64, change: OrderChange) -> bool {
        let Some(before) = self.orders.get(id).cloned() else { return false };
        let mut order = before.as_ref().clone();
        order.about.po_number = change.po_number.unwrap_or(order.about.po_number);
        order.about.note = change.note.unwrap_or(order.about.note);
        order.about.email = change.email.unwrap_or(order.about.email);
        order.about.tags = change.tags.unwrap_or(order.about.tags);
        order.about.on_hold = change.on_hold.unwrap_or(order.about.on_hold);
        order.financial = change.financial.unwrap_or(order.financial);
        if order == *before {
            return true;
        }
        order.updated = cause.second();
        let order = self.orders.put(cause.at, order);
        if before.about.po_number != order.about.po_number {
            self.note(cause, "order", id, ("po_number", order.about.po_number.as_deref().unwrap_or_default()));
        }
        self.announce(cause, Topic::OrdersUpdated, |state| state.order_body(id));
        true
    }
}
