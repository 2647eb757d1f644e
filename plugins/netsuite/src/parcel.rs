//! What has left of orders: the lines of their item fulfilments.

use std::collections::BTreeMap;

use truthsource_sdk::Fault;
use truthsource_sdk::kinds::Fulfilment;

use crate::query::{ask_all, beyond, marks};
use crate::wire::Account;

/// What has left of these orders, by order.
pub(crate) fn left(account: &Account<'_>, orders: &[String]) -> Result<BTreeMap<String, Vec<Fulfilment>>, Fault> {
    let mut left: BTreeMap<String, Vec<Fulfilment>> = BTreeMap::new();
    if orders.is_empty() {
        return Ok(left);
    }
    let rows = ask_all(account, |last| {
        let mut q = format!(
            "SELECT l.transaction AS parcel, l.linesequencenumber AS n, l.createdfrom AS source, l.item AS item, \
             l.quantity AS quantity, t.trackingnumberlist AS tracking, BUILTIN.DF(t.shipmethod) AS carrier \
             FROM transactionline l JOIN transaction t ON t.id = l.transaction \
             WHERE t.type = 'ItemShip' AND l.mainline = 'F' AND l.createdfrom IN {}",
            marks(orders.len())
        );
        let mut params = orders.to_vec();
        if let Some(last) = last {
            let keys = ["l.transaction", "l.linesequencenumber"];
            let (condition, more) = beyond(&keys, &[last.must("parcel")?, last.must("n")?]);
            q.push_str(&format!(" AND {condition}"));
            params.extend(more);
        }
        Ok((format!("{q} ORDER BY parcel, n"), params))
    })?;
    for row in rows {
        let (Some(item), Some(quantity)) = (row.text("item"), row.number("quantity")?) else { continue };
        left.entry(row.must("source")?).or_default().push(Fulfilment {
            carrier: row.text("carrier"),
            item,
            // Accounts show goods that leave as negative, or do not.
            quantity: if quantity.is_negative() { -quantity } else { quantity },
            tracking: row.text("tracking"),
        });
    }
    Ok(left)
}
