//! The record types of the service.

use super::super::model::{ItemType, TransactionType};
use super::super::state::{Family, State};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordType {
    Item(ItemType),
    Customer,
    SalesOrder,
    InventoryAdjustment,
    ItemFulfillment,
    Location,
    PriceLevel,
}

impl RecordType {
    pub(super) fn named(name: &str) -> Option<Self> {
        let items = ItemType::ALL.into_iter().map(Self::Item);
        let others = [
            Self::Customer,
            Self::SalesOrder,
            Self::InventoryAdjustment,
            Self::ItemFulfillment,
            Self::Location,
            Self::PriceLevel,
        ];
        items.chain(others).find(|it| it.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Item(ty) => ty.rest_name(),
            Self::Customer => "customer",
            Self::SalesOrder => TransactionType::SalesOrd.rest_name(),
            Self::InventoryAdjustment => TransactionType::InvAdjst.rest_name(),
            Self::ItemFulfillment => TransactionType::ItemShip.rest_name(),
            Self::Location => "location",
            Self::PriceLevel => "priceLevel",
        }
    }

    fn transaction_type(self) -> Option<TransactionType> {
        match self {
            Self::SalesOrder => Some(TransactionType::SalesOrd),
            Self::InventoryAdjustment => Some(TransactionType::InvAdjst),
            Self::ItemFulfillment => Some(TransactionType::ItemShip),
            _ => None,
        }
    }

    /// The internal ids of all records of this type, in order.
    pub(super) fn ids(self, state: &State) -> Vec<u64> {
        match self {
            Self::Item(ty) => state.items.rows().values().filter(|it| it.ty == ty).map(|it| it.id).collect(),
            Self::Customer => state.customers.rows().keys().copied().collect(),
            Self::Location => state.locations.keys().copied().collect(),
            Self::PriceLevel => state.levels.keys().copied().collect(),
            Self::SalesOrder | Self::InventoryAdjustment | Self::ItemFulfillment => {
                let all = state.transactions.rows().values();
                all.filter(|it| Some(it.ty) == self.transaction_type()).map(|it| it.id).collect()
            }
        }
    }

    pub(super) fn exists(self, state: &State, id: u64) -> bool {
        match self {
            Self::Item(ty) => state.items.get(&id).is_some_and(|it| it.ty == ty),
            Self::Customer => state.customers.get(&id).is_some(),
            Self::Location => state.locations.contains_key(&id),
            Self::PriceLevel => state.levels.contains_key(&id),
            Self::SalesOrder | Self::InventoryAdjustment | Self::ItemFulfillment => {
                state.transactions.get(&id).is_some_and(|it| Some(it.ty) == self.transaction_type())
            }
        }
    }

    pub(super) fn by_external_id(self, state: &State, external_id: &str) -> Option<u64> {
        let family = match self {
            Self::Item(_) => Family::Item,
            Self::Customer => Family::Entity,
            Self::Location => Family::Location,
            Self::PriceLevel => Family::PriceLevel,
            Self::SalesOrder | Self::InventoryAdjustment | Self::ItemFulfillment => Family::Transaction,
        };
        state.by_external_id(family, external_id).filter(|it| self.exists(state, *it))
    }
}
