//! What reads show.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_record_shows_references_and_exact_numbers() {
    let organisation = Organisation::new();
    let reply = organisation.get("productpricelevels?$filter=productid/productnumber eq 'BOLT-8' and amount lt 12");
    let price = &reply.rows()[0];
    assert!(reply.text.contains("\"amount\":11.75,"));
    assert_eq!(price["modifiedon"], "2026-07-01T11:00:30Z");
    let level = price["_pricelevelid_value"].as_str().unwrap();
    assert_eq!(organisation.get(&format!("pricelevels({level})")).body["name"], "Gold");
    let id = price["productpricelevelid"].as_str().unwrap();
    assert_eq!(organisation.get(&format!("productpricelevels({id})/productid")).body["productnumber"], "BOLT-8");
    let expanded =
        organisation.get(&format!("productpricelevels({id})?$select=amount&$expand=pricelevelid($select=name)"));
    assert_eq!(expanded.body["pricelevelid"]["name"], "Gold");
    assert!(expanded.body.get("modifiedon").is_none());
    let named = organisation.call(
        "GET",
        &format!("productpricelevels({id})"),
        Value::Null,
        &[("prefer", "odata.include-annotations=\"*\"")],
    );
    assert_eq!(named.body["_productid_value@OData.Community.Display.V1.FormattedValue"], "Bolt M8");
    assert_eq!(named.body["_productid_value@Microsoft.Dynamics.CRM.lookuplogicalname"], "product");
}

#[test]
fn what_is_not_played_is_refused_and_what_is_empty_is_nothing() {
    let organisation = Organisation::new();
    for query in ["fetchXml=%3Cfetch/%3E", "savedQuery=00000000-0000-0000-0000-000000000001", "bogus=1"] {
        let refused = organisation.get(&format!("accounts?{query}"));
        assert_eq!((refused.status, refused.header("odata-version")), (400, "4.0"), "{query}: {}", refused.text);
    }
    let account = "accounts(accountnumber='C1')";
    organisation.call("PATCH", account, json!({ "defaultpricelevelid": null }), &[]);
    assert_eq!(organisation.get(&format!("{account}/defaultpricelevelid")).status, 204);
    let property = organisation.call("DELETE", &format!("{account}/colour"), Value::Null, &[]);
    assert_eq!((property.status, property.text.contains("Name(")), (404, false), "{}", property.text);
    // A record may be sent back as it was read, without its references.
    let mut read = organisation.get(account).body;
    read.as_object_mut().unwrap().retain(|name, _| !name.starts_with(['_', '@']));
    read["name"] = json!("Acme again");
    let written = organisation.call("PATCH", account, read, &[]);
    assert_eq!(written.status, 204, "{}", written.text);
    assert_eq!(organisation.get(account).body["name"], "Acme again");
}

#[test]
fn a_record_is_found_by_its_alternate_key() {
    let organisation = Organisation::new();
    let account = organisation.get("accounts(accountnumber='C1')");
    assert_eq!((account.status, &account.body["telephone1"]), (200, &Value::Null));
    assert_eq!(account.header("etag"), account.body["@odata.etag"].as_str().unwrap());
    let same = organisation.call(
        "GET",
        "accounts(accountnumber='C1')",
        Value::Null,
        &[("if-none-match", account.header("etag"))],
    );
    assert_eq!(same.status, 304);
    let none = organisation.get("accounts(accountnumber='C2')");
    assert_eq!((none.status, none.code()), (404, "0x80060891"));
    let none = organisation.get("accounts(00000000-0000-0000-0000-000000000001)");
    assert_eq!(
        none.body["error"],
        json!({
            "code": "0x80040217", "message": "account With Id = 00000000-0000-0000-0000-000000000001 Does Not Exist",
        })
    );
    let bad = organisation.get("accounts?$filter=colour eq 'red'");
    assert_eq!((bad.status, bad.code()), (400, "0x80060888"));
}

#[test]
fn pages_follow_their_cookie() {
    let organisation = Organisation::new();
    for n in 0..6 {
        let body = json!({ "accountnumber": format!("A{n}"), "name": format!("Account {}", 9 - n) });
        assert_eq!(organisation.call("POST", "accounts", body, &[]).status, 204);
    }
    for query in ["accounts?$count=true", "accounts?$orderby=name", "accounts?$top=5&$select=accountnumber"] {
        let (mut url, mut seen) = (query.to_owned(), Vec::new());
        loop {
            let page = organisation.call("GET", &url, Value::Null, &[("prefer", "odata.maxpagesize=2")]);
            assert!(page.header("preference-applied").starts_with("odata.maxpagesize="));
            seen.extend(page.column("accountnumber"));
            let Some(next) = page.body["@odata.nextLink"].as_str() else { break };
            assert!(next.contains("$skiptoken=%3Ccookie%20pagenumber"), "{next}");
            url = next.to_owned();
        }
        let whole = organisation.get(query);
        assert_eq!(seen, whole.column("accountnumber"), "{query}");
    }
    assert_eq!(organisation.get("accounts/$count").text, "7");
    assert_eq!(organisation.get("accounts?$skip=1").status, 400);
}

#[test]
fn people_read_names_for_numbers() {
    let organisation = Organisation::new();
    let annotated = |path: &str| {
        let prefer = "odata.include-annotations=\"OData.Community.Display.V1.FormattedValue\"";
        organisation.call("GET", path, Value::Null, &[("prefer", prefer)]).body
    };
    let product = annotated("products(productnumber='NUT-8')");
    let formatted = |column: &str| &product[format!("{column}@OData.Community.Display.V1.FormattedValue")];
    assert_eq!((&product["statecode"], formatted("statecode")), (&json!(1), &json!("Retired")));
    assert_eq!(formatted("modifiedon"), "7/1/2026 11:00 AM");
    assert_eq!(formatted("name"), &Value::Null);
    organisation.call("PATCH", "products(productnumber='BOLT-8')", json!({ "price": 1_234_567.5 }), &[]);
    let product = annotated("products(productnumber='BOLT-8')");
    assert_eq!(product["price@OData.Community.Display.V1.FormattedValue"], "1,234,567.50");
}

#[test]
fn what_there_is_can_be_looked_up() {
    let organisation = Organisation::new();
    let sets = organisation.get("");
    assert!(sets.column("name").contains(&"productpricelevels".to_owned()), "{}", sets.text);
    let model = organisation.get("$metadata");
    assert_eq!(model.header("content-type"), "application/xml");
    assert!(model.text.contains(r#"<Property Name="accountnumber" Type="Edm.String" MaxLength="20"/>"#));
    assert!(model.text.contains(
        r#"<NavigationProperty Name="order_details" Type="Collection(Microsoft.Dynamics.CRM.salesorderdetail)"/>"#
    ));
    let tracked = "$select=EntitySetName,ChangeTrackingEnabled";
    let account = organisation.get(&format!("EntityDefinitions(LogicalName='account')?{tracked}"));
    assert_eq!(
        (&account.body["EntitySetName"], &account.body["ChangeTrackingEnabled"]),
        (&json!("accounts"), &json!(true))
    );
    assert_eq!(account.body.get("SchemaName"), None);
    let by_id = organisation.get(&format!("EntityDefinitions({})", account.body["MetadataId"].as_str().unwrap()));
    assert_eq!(by_id.body["PrimaryNameAttribute"], "name");
    let untracked = organisation.get("EntityDefinitions?$filter=ChangeTrackingEnabled eq false");
    assert_eq!(untracked.column("LogicalName"), ["transactioncurrency"]);
    assert_eq!(organisation.get("EntityDefinitions(LogicalName='thing')").status, 404);
    assert_eq!(organisation.get("EntityDefinitions?$select=Colour").status, 400);
}
