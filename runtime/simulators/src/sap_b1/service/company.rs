//! Services of the company as a whole: functions without an entity.

use serde_json::{Map, Value, json};
use truthsource_core::Decimal;

use super::Call;
use super::sets::Set;
use crate::sap_b1::json::{Json, Members};
use crate::sap_b1::problem::Problem;
use crate::sap_b1::shape::{Edm, YES_NO};
use crate::sap_b1::state::{Asked, transactions};
use crate::sap_b1::wire::{self, Style, double};
use crate::system::Response;

/// Answers a call of a function; `None`: there is none of this name.
pub(super) fn answer(call: &mut Call<'_>, name: &str) -> Option<Result<Response, Problem>> {
    let function: fn(&mut Call<'_>) -> Result<Response, Problem> = match name {
        "CompanyService_GetItemPrice" => item_price,
        "CompanyService_GetAdminInfo" => |call| Ok(structure(call, "AdminInfo", admin_info(call))),
        "CompanyService_UpdateAdminInfo" => update_admin_info,
        "CompanyService_GetCompanyInfo" => |call| Ok(structure(call, "CompanyInfo", company_info(call))),
        "DraftsService_SaveDraftToDocument" => save_draft,
        "EventSubscriptionsService_GetEventCatalog" if call.state.settings.webhooks => event_catalogue,
        _ => return None,
    };
    let is_read = name == "EventSubscriptionsService_GetEventCatalog" && call.is("GET");
    if !is_read && !call.is("POST") {
        return Some(Err(Problem::method()));
    }
    let service = name.split('_').next().unwrap_or_default();
    Some(call.permit(service).and_then(|()| function(call)))
}

fn structure(call: &Call<'_>, ty: &str, members: Map<String, Value>) -> Response {
    let mut body = Map::new();
    call.style.describe(&mut body, &wire::origin(call.request), &format!("SAPB1.{ty}"));
    body.extend(members);
    wire::json(200, Style::content_type(call.style.version), &body.into())
}

/// The member of a body that is an object.
fn inner(call: &Call<'_>, name: &str) -> Result<Members, Problem> {
    match Json::members(call.request.body())?.remove(name) {
        Some(Json::Object(members)) => Ok(members),
        _ => Err(Problem::body(&format!("`{name}` was expected"))),
    }
}

fn item_price(call: &mut Call<'_>) -> Result<Response, Problem> {
    let params = inner(call, "ItemPriceParams")?;
    let read = |name: &str, edm: Edm| match params.get(name) {
        None => Ok(None),
        Some(json) => edm.read(json.clone()).map(Some).ok_or_else(|| Problem::property(name, "ItemPriceParams")),
    };
    let item = Json::text(&params, "ItemCode").unwrap_or_default();
    if !call.state.items.contains_key(item) {
        return Err(Problem::reference("item number", "ItemPriceParams.ItemCode", item));
    }
    let card = Json::text(&params, "CardCode").filter(|it| !it.is_empty());
    if let Some(card) = card.filter(|it| !call.state.partners.contains_key(*it)) {
        return Err(Problem::reference("BP code", "ItemPriceParams.CardCode", card));
    }
    let quantity = read("InventoryQuantity", Edm::Double)?.or(read("UoMQuantity", Edm::Double)?);
    let quantity = quantity.map(|it| it.number()).filter(|it| *it > Decimal::ZERO).unwrap_or(Decimal::ONE);
    let today = call.state.stamp(call.cause.now).date;
    let day = read("Date", Edm::Date)?.and_then(|it| it.day()).unwrap_or(today);
    let list = read("PriceList", Edm::Int)?.and_then(|it| it.int());
    let priced = call.state.price_for(&Asked { item, card, list, quantity, day });
    let (price, currency) = priced.unwrap_or_default();
    let currency = currency.unwrap_or_else(|| call.state.settings.local_currency().to_owned());
    let mut body = Map::new();
    body.insert("Price".to_owned(), double(price));
    body.insert("Currency".to_owned(), json!(currency));
    body.insert("Discount".to_owned(), double(Decimal::ZERO));
    Ok(structure(call, "ItemPriceReturnParams", body))
}

fn admin_info(call: &Call<'_>) -> Map<String, Value> {
    let settings = &call.state.settings;
    let mut info = Map::new();
    info.insert("CompanyName".to_owned(), json!(settings.company_name));
    info.insert("LocalCurrency".to_owned(), json!(settings.local_currency()));
    info.insert("SystemCurrency".to_owned(), json!(settings.local_currency()));
    info.insert("TotalsAccuracy".to_owned(), json!(settings.total_decimals));
    info.insert("PriceAccuracy".to_owned(), json!(settings.price_decimals));
    info.insert("DefaultWarehouse".to_owned(), json!(settings.default_warehouse));
    if settings.webhooks {
        info.insert("EnableWebhook".to_owned(), json!(if call.state.webhooks_on { "tYES" } else { "tNO" }));
    }
    info
}

fn update_admin_info(call: &mut Call<'_>) -> Result<Response, Problem> {
    let info = inner(call, "AdminInfo")?;
    let known = admin_info(call);
    if let Some(name) = info.keys().find(|it| !known.contains_key(*it)) {
        return Err(Problem::property(name, "AdminInfo"));
    }
    if let Some(json) = info.get("EnableWebhook") {
        let invalid = || Problem::property("EnableWebhook", "AdminInfo");
        call.state.webhooks_on = YES_NO.read(json.clone()).ok_or_else(invalid)?.is_yes();
    }
    Ok(wire::empty(204))
}

fn company_info(call: &Call<'_>) -> Map<String, Value> {
    let settings = &call.state.settings;
    let mut info = Map::new();
    info.insert("CompanyName".to_owned(), json!(settings.company_name));
    info.insert("Version".to_owned(), json!(settings.version.parse::<i64>().unwrap_or(0)));
    let blocks = settings.negative_stock == crate::sap_b1::settings::NegativeStock::Refused;
    info.insert("BlockStockNegativeQuantity".to_owned(), json!(if blocks { "tYES" } else { "tNO" }));
    info
}

fn save_draft(call: &mut Call<'_>) -> Result<Response, Problem> {
    let document = inner(call, "Document")?;
    let entry = document.get("DocEntry").and_then(|it| Edm::Int.read(it.clone())).and_then(|it| it.int());
    let entry = entry.ok_or_else(|| Problem::property("DocEntry", "Document"))?;
    call.state.book_draft(call.cause, entry)?;
    Ok(wire::empty(204))
}

fn event_catalogue(call: &mut Call<'_>) -> Result<Response, Problem> {
    call.permit(Set::EventSubscriptions.name())?;
    let row = |object: &String| {
        let kinds: Vec<Value> = transactions(object).iter().map(|it| json!({ "TransactionType": it })).collect();
        json!({ "BusinessObject": object, "TransactionTypes": kinds })
    };
    let rows: Vec<Value> = call.state.settings.webhook_objects.iter().map(row).collect();
    let mut body = Map::new();
    body.insert("value".to_owned(), Value::Array(rows));
    Ok(structure(call, "EventCatalog", body))
}
