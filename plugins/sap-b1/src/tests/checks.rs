//! Whether a connection can do its work.

use super::*;

#[test]
fn a_connection_is_looked_at_without_writing_anything() {
    let lists = r#"{"value":[{"PriceListNo":1,"BasePriceList":1,"Factor":1.0},{"PriceListNo":2,"BasePriceList":1,"Factor":0.9}]}"#;
    let admin = r#"{"LocalCurrency":"$","PriceAccuracy":2,"AccuracyofQuantities":6}"#;
    let order = r#"{"value":[{"CreationDate":"2026-11-21","DocTime":"14:30:00"}]}"#;
    let mut script = Script::new().answer("GET", "Warehouses?", 200, NONE);
    for _ in 0..6 {
        script = script.answer("GET", "$top=1", 200, NONE);
    }
    let script = script
        .answer("POST", "CompanyService_GetAdminInfo", 200, admin)
        .answer("GET", "Orders?", 200, order)
        .answer("GET", "PriceLists", 200, lists)
        .answer("GET", "Warehouses('09')", 404, &error("-2028"))
        .answer("GET", "UserFieldsMD", 200, r#"{"value":[{"TableName":"OINV","Size":20}]}"#)
        .answer("GET", "SQLQueries?", 403, &error("-6006"));
    let extra = [("order-warehouse", "09"), ("external-id-field", "U_ExtId"), ("price-lists", "1=base, 2=gold, 3=x")];
    let findings = SapB1::check(&script, &ctx_with(&extra)).unwrap();
    assert_eq!(script.steps_left(), 0, "{findings:?}");
    let is_question = |it: &truthsource_sdk::host::Request| it.method == "GET" || it.url.contains("_Get");
    assert!(script.sent().iter().all(is_question));
    let bad: Vec<(&str, &str)> =
        findings.iter().filter(|it| !it.ok).map(|it| (it.subject.as_str(), it.message.as_str())).collect();
    let subjects: Vec<&str> = bad.iter().map(|(subject, _)| *subject).collect();
    let expect = ["company", "time-zone", "price lists", "warehouses", "U_ExtId", "permission stored queries"];
    assert_eq!(subjects, expect, "{findings:?}");
    assert!(bad[0].1.contains("price-decimals") && bad[1].1.contains("90 minutes"), "{bad:?}");
    // Whether stock may fall below nothing is asked last of the company.
    let admin = |blocks: &str| {
        format!(
            r#"{{"LocalCurrency":"USD","PriceAccuracy":6,"AccuracyofQuantities":6,"BlockStockNegativeQuantity":"{blocks}"}}"#
        )
    };
    for (blocks, set, is_good) in
        [("tYES", "no", true), ("tNO", "no", false), ("tYES", "yes", false), ("tNO", "yes", true)]
    {
        let mut script = Script::new().answer("GET", "Warehouses?", 200, NONE);
        for _ in 0..6 {
            script = script.answer("GET", "$top=1", 200, NONE);
        }
        let script = script
            .answer("POST", "CompanyService_GetAdminInfo", 200, &admin(blocks))
            .answer("GET", "Orders?", 200, NONE)
            .answer("GET", "PriceLists", 200, lists);
        let extra = [("quantity-breaks", "no"), ("sql-queries", "no"), ("negative-stock", set)];
        let findings = SapB1::check(&script, &ctx_with(&extra)).unwrap();
        let company = findings.iter().find(|it| it.subject == "company").unwrap();
        assert_eq!(company.ok, is_good, "{blocks} {set}: {company:?}");
    }
    let refused = Script::new().answer("GET", "Warehouses?", 401, &error("301"));
    let findings = SapB1::check(&refused, &ctx()).unwrap();
    assert!(matches!(&findings[..], [_, it] if !it.ok && it.subject == "credentials"), "{findings:?}");
}
