//! What a document gets by itself: names, warehouses, prices, taxes and totals.

use truthsource_core::Decimal;

use super::prices::discounted;
use super::{Asked, State, fits};
use crate::sap_b1::model::{Book, Document, DocumentLine, percent};
use crate::sap_b1::problem::Problem;

impl State {
    /// Checks a document and fills in what a write left out.
    pub(super) fn complete(&self, document: &mut Document) -> Result<(), Problem> {
        let is_sale = matches!(document.book, Book::Orders | Book::DeliveryNotes);
        if is_sale {
            self.complete_customer(document)?;
        }
        if document.book == Book::Orders && document.due.is_none() {
            return Err(Problem::new(400, -5002, "Enter a valid due date [ORDR.DocDueDate]"));
        }
        if !self.settings.currencies.iter().any(|it| it.code == document.currency) {
            return Err(Problem::reference("currency", "ORDR.DocCur", &document.currency));
        }
        if document.lines.is_empty() {
            return Err(Problem::new(400, -5002, "Cannot add document without lines [DocumentLines]"));
        }
        let mut lines = std::mem::take(&mut document.lines);
        for (at, line) in lines.iter_mut().enumerate() {
            self.complete_line(document, line, at + 1)?;
        }
        document.lines = lines;
        for (at, it) in document.expenses.iter().enumerate() {
            if !self.settings.expenses.iter().any(|known| known.code == it.code) {
                let place = format!("DocumentAdditionalExpenses.ExpenseCode][line: {}", at + 1);
                return Err(Problem::reference("freight code", &place, &it.code.to_string()));
            }
        }
        self.complete_totals(document)
    }

    fn complete_customer(&self, document: &mut Document) -> Result<(), Problem> {
        let table = if document.book == Book::Orders { "ORDR" } else { "ODLN" };
        let code = document.card.clone().unwrap_or_default();
        let unknown = || Problem::reference("BP code", &format!("{table}.CardCode"), &code);
        let partner = self.partners.get(&code).ok_or_else(unknown)?;
        if !partner.is_active() && document.version == 0 {
            return Err(Problem::rule(format!("BP '{code}' is inactive [{table}.CardCode]")));
        }
        document.card_name = document.card_name.take().or_else(|| partner.name.clone());
        if document.currency.is_empty() {
            let own = if partner.currency == "##" { self.settings.local_currency() } else { &partner.currency };
            document.currency = own.to_owned();
        }
        if partner.currency != "##" && partner.currency != document.currency {
            return Err(Problem::reference("currency", &format!("{table}.DocCur"), &document.currency));
        }
        document.discount = document.discount.or(Some(partner.discount));
        Ok(())
    }

    fn complete_line(&self, document: &Document, line: &mut DocumentLine, row: usize) -> Result<(), Problem> {
        let place = |what: &str| format!("{what}[line: {row}]");
        if line.item.is_empty() {
            let message = place("Item number is missing; specify an item number [DocumentLines.ItemCode]");
            return Err(Problem::new(400, -5002, message));
        }
        let unknown = || Problem::reference("item number", &place("DocumentLines.ItemCode"), &line.item);
        let item = self.items.get(&line.item).ok_or_else(unknown)?;
        let is_new = line.total == Decimal::ZERO && line.price == Decimal::ZERO && document.version == 0;
        if is_new && !item.is_active() {
            return Err(Problem::rule(place(&format!("Item '{}' is inactive ", line.item))));
        }
        if is_new && document.card.is_some() && !item.is_sales {
            return Err(Problem::rule(place(&format!("Item '{}' is not a sales item ", line.item))));
        }
        line.description = line.description.take().or_else(|| item.name.clone());
        if line.quantity <= Decimal::ZERO {
            return Err(Problem::rule(place("Enter a valid quantity [DocumentLines.Quantity]")));
        }
        let warehouse = line.warehouse.get_or_insert_with(|| self.settings.default_warehouse.clone());
        if self.warehouses.get(warehouse).is_none_or(|it| it.inactive) {
            return Err(Problem::reference("warehouse", &place("DocumentLines.WarehouseCode"), warehouse));
        }
        self.complete_tax(document, line, row)?;
        self.complete_price(document, line)
    }

    fn complete_tax(&self, document: &Document, line: &mut DocumentLine, row: usize) -> Result<(), Problem> {
        if document.card.is_none() {
            return Ok(());
        }
        let given = line.tax.clone();
        let tax = match &given {
            None => self.settings.taxes.first(),
            Some(code) => self.settings.taxes.iter().find(|it| it.code == *code),
        };
        let place = format!("DocumentLines.TaxCode][line: {row}");
        let tax = tax.ok_or_else(|| Problem::reference("tax code", &place, given.as_deref().unwrap_or_default()))?;
        line.tax = Some(tax.code.clone());
        line.tax_percent = tax.percent;
        Ok(())
    }

    fn complete_price(&self, document: &Document, line: &mut DocumentLine) -> Result<(), Problem> {
        let places = self.settings.price_decimals;
        if line.unit_price.is_none() && document.card.is_some() {
            let asked = Asked {
                item: &line.item,
                card: document.card.as_deref(),
                list: None,
                quantity: line.quantity,
                day: document.day,
            };
            let priced = self.price_for(&asked);
            line.currency = priced.as_ref().and_then(|it| it.1.clone());
            line.unit_price = priced.map(|it| it.0);
        }
        if line.currency.as_ref().is_some_and(|it| !self.settings.currencies.iter().any(|known| known.code == *it)) {
            let given = line.currency.clone().unwrap_or_default();
            return Err(Problem::reference("currency", "DocumentLines.Currency", &given));
        }
        let currency = line.currency.get_or_insert_with(|| document.currency.clone());
        // There are no exchange rates: whoever wants another currency needs a price in it.
        if *currency != document.currency {
            return Err(Problem::rule(format!("Update the exchange rate , '{currency}'")));
        }
        let unit_price = line.unit_price.unwrap_or_default().round(places);
        if unit_price.is_negative() {
            return Err(Problem::rule("Enter a valid price [DocumentLines.UnitPrice]"));
        }
        line.unit_price = Some(unit_price);
        line.price = discounted(unit_price, line.discount)?.round(places);
        line.total = fits(line.price.checked_mul(line.quantity))?.round(self.settings.total_decimals);
        Ok(())
    }

    /// Totals, each rounded by itself: the discount of the whole, the tax of every line after it.
    fn complete_totals(&self, document: &mut Document) -> Result<(), Problem> {
        let places = self.settings.total_decimals;
        let share = document.discount.unwrap_or_default();
        let (mut net, mut vat) = (Decimal::ZERO, Decimal::ZERO);
        for line in &document.lines {
            net = fits(net.checked_add(line.total))?;
            let rate = fits(percent(line.tax_percent))?;
            let taxed = discounted(line.total, share)?;
            vat = fits(fits(taxed.checked_mul(rate)).and_then(|it| fits(vat.checked_add(it.round(places)))).ok())?;
        }
        document.total_discount = fits(net.checked_sub(discounted(net, share)?))?.round(places);
        document.vat = vat;
        let mut total = fits(fits(net.checked_sub(document.total_discount))?.checked_add(vat))?;
        for it in &mut document.expenses {
            it.total = it.total.round(places);
            total = fits(total.checked_add(it.total))?;
        }
        document.total = total;
        Ok(())
    }
}
