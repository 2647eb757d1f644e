//! Business partners.

use truthsource_core::Decimal;

use super::{Cause, State, switched};
use crate::sap_b1::model::{CardType, Partner};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::settings::FreshUpdateDate;
use crate::sap_b1::shape::UserFields;

impl State {
    /// A partner that is not saved yet.
    pub(in crate::sap_b1) fn blank_partner(&self, cause: Cause, code: &str) -> Partner {
        Partner {
            code: code.to_owned(),
            name: None,
            ty: CardType::Customer,
            group: self.settings.partner_groups.first().copied().unwrap_or_default(),
            price_list: 1,
            currency: self.settings.local_currency().to_owned(),
            credit_limit: Decimal::ZERO,
            tax_id: None,
            email: None,
            phone: None,
            payment_terms: -1,
            discount: Decimal::ZERO,
            father: None,
            valid: true,
            frozen: false,
            addresses: Vec::new(),
            contacts: Vec::new(),
            user_fields: UserFields::new(),
            created: self.stamp(cause.now),
            updated: None,
            version: 0,
            said: (None, None),
        }
    }

    /// Saves a partner, new or not. Its stamps and its version are set here.
    pub(in crate::sap_b1) fn save_partner(&mut self, cause: Cause, mut partner: Partner) -> Result<(), Problem> {
        let before = self.partners.get(&partner.code).cloned();
        self.check_partner(&partner)?;
        (partner.valid, partner.frozen) = switched((partner.valid, partner.frozen), std::mem::take(&mut partner.said));
        partner.addresses.iter_mut().for_each(|it| it.partner.clone_from(&partner.code));
        partner.contacts.iter_mut().for_each(|it| it.partner.clone_from(&partner.code));
        let is_fresh = before.is_none() && self.settings.fresh_update_date == FreshUpdateDate::Empty;
        partner.updated = if is_fresh { None } else { Some(self.stamp(cause.now)) };
        partner.version += 1;
        self.record_partner(cause, before.as_ref(), &partner);
        let transaction = if before.is_some() { "Updated" } else { "Created" };
        self.tell(cause.now, ("BusinessPartners", transaction), ("CardCode", &partner.code));
        self.partners.insert(partner.code.clone(), partner);
        Ok(())
    }

    fn check_partner(&self, partner: &Partner) -> Result<(), Problem> {
        if partner.code.trim().is_empty() {
            return Err(Problem::new(400, -5002, "BP code is missing; specify a BP code [OCRD.CardCode]"));
        }
        if !self.settings.partner_groups.contains(&partner.group) {
            return Err(Problem::reference("group", "OCRD.GroupCode", &partner.group.to_string()));
        }
        if !self.lists.contains_key(&partner.price_list) {
            return Err(Problem::reference("price list", "OCRD.ListNum", &partner.price_list.to_string()));
        }
        let is_known =
            partner.currency == "##" || self.settings.currencies.iter().any(|it| it.code == partner.currency);
        if !is_known {
            return Err(Problem::reference("currency", "OCRD.Currency", &partner.currency));
        }
        if let Some(father) = partner.father.as_ref().filter(|it| !self.partners.contains_key(*it)) {
            return Err(Problem::reference("BP code", "OCRD.FatherCard", father));
        }
        if partner.addresses.iter().any(|it| it.name.is_none()) {
            return Err(Problem::new(400, -5002, "Address ID is missing [CRD1.Address]"));
        }
        Ok(())
    }

    fn record_partner(&mut self, cause: Cause, before: Option<&Partner>, partner: &Partner) {
        if partner.ty != CardType::Customer {
            return;
        }
        let settings = self.settings.clone();
        let fields = |it: &Partner| {
            [
                ("code", it.code.clone()),
                ("name", it.name.clone().unwrap_or_default()),
                ("email", it.email.clone().unwrap_or_default()),
                ("currency", settings.iso(&it.currency).to_owned()),
                ("active", it.is_active().to_string()),
            ]
        };
        let before = before.filter(|it| it.ty == CardType::Customer);
        if before.is_none() {
            self.record(cause, ("company", &partner.code), "created", "");
        }
        self.record_fields(cause, ("company", &partner.code), before.map(fields), fields(partner));
    }

    /// Deletes a partner. One that documents name stays.
    pub(in crate::sap_b1) fn delete_partner(&mut self, cause: Cause, code: &str) -> Result<(), Problem> {
        let partner = self.partners.get(code).ok_or_else(Problem::not_found)?;
        if self.documents.values().any(|it| it.card.as_deref() == Some(code)) {
            return Err(Problem::rule(format!("Cannot remove business partner '{code}'; it has linked transactions")));
        }
        let is_customer = partner.ty == CardType::Customer;
        self.partners.remove(code);
        self.special.retain(|(card, _), _| card != code);
        if is_customer {
            self.record(cause, ("company", code), "deleted", "");
        }
        self.tell(cause.now, ("BusinessPartners", "Deleted"), ("CardCode", code));
        Ok(())
    }
}
