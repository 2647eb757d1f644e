//! Stored SQL queries: what they see, and how they are refused.

use serde_json::{Value, json};

use super::{Answer, Company};
use crate::sap_b1::Settings;
use crate::sap_b1::settings::{SqlDates, User};

fn stored(company: &Company, sql: &str) -> Answer {
    company.call("DELETE", "v2/SQLQueries('q')", Value::Null);
    company.call("POST", "v2/SQLQueries", json!({ "SqlCode": "q", "SqlName": "q", "SqlText": sql }))
}

/// Rows as `a=1 b=x`, in the order of the names; or the refusal.
fn shown(answer: &Answer) -> String {
    if answer.status != 200 {
        return answer.refusal();
    }
    let value = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    let row = |it: &Value| {
        let pairs = it.as_object().unwrap().iter().map(|(name, it)| format!("{name}={}", value(it)));
        pairs.collect::<Vec<_>>().join(" ")
    };
    answer.rows().iter().map(row).collect::<Vec<_>>().join("; ")
}

fn check(company: &Company, sql: &str, params: &str, expected: &str) {
    let made = stored(company, sql);
    let answer = if made.status == 201 { company.get(&format!("v2/SQLQueries('q')/List?{params}")) } else { made };
    assert_eq!(shown(&answer), expected, "{sql}");
}

#[test]
fn a_query_is_stored_and_run() {
    let company = Company::new();
    let sql = "SELECT T0.ItemCode AS ItemCode, T0.WhsCode AS WhsCode, T0.OnHand AS OnHand, T0.IsCommited AS IsCommited \
               FROM OITW T0 WHERE T0.ItemCode > :last AND T0.OnHand <> :none ORDER BY T0.ItemCode, T0.WhsCode";
    let made = stored(&company, sql);
    assert_eq!((made.status, &made.body["ParamList"]), (201, &json!("last,none")), "{}", made.body);
    let answer = company.get("v2/SQLQueries('q')/List?last=''&none=0");
    assert_eq!(answer.body["SqlText"], sql);
    let rows = "IsCommited=0.0 ItemCode=A1 OnHand=140.0 WhsCode=01; IsCommited=0.0 ItemCode=A1 OnHand=0.5 WhsCode=02";
    assert_eq!(shown(&answer), rows);
    let posted = company.call("POST", "v2/SQLQueries('q')/List", json!({ "ParamList": "last=''&none=0" }));
    assert_eq!(shown(&posted), rows);
    assert_eq!(shown(&company.get("v2/SQLQueries('q')/List?last='A1'&none=0")), "");
    assert_eq!(shown(&company.get("v2/SQLQueries('q')/List?last='A1'")), r#"400 "704""#);
    assert_eq!(shown(&company.get("v2/SQLQueries('none')/List")), r#"404 "-2028""#);
    let again = json!({ "SqlCode": "q", "SqlText": sql });
    assert_eq!(company.call("POST", "v2/SQLQueries", again).refusal(), r#"400 "-2035""#);
}

#[test]
fn pages_of_a_query_lead_to_each_other() {
    let company = Company::new();
    stored(&company, "SELECT ItemCode, WhsCode FROM OITW WHERE ItemCode >= :first ORDER BY 1, 2");
    let size = [("prefer", "odata.maxpagesize=4")];
    let page = company.call_with("GET", "v2/SQLQueries('q')/List?first='A1'", Value::Null, &size);
    assert_eq!((page.rows().len(), page.header("preference-applied")), (4, "odata.maxpagesize=4"));
    assert_eq!(page.body["@odata.nextLink"], "SQLQueries('q')/List?first='A1'&$skip=4");
    let rest = company.call_with("GET", "v2/SQLQueries('q')/List?first='A1'&$skip=4", Value::Null, &size);
    assert_eq!((rest.rows().len(), &rest.body["@odata.nextLink"]), (2, &Value::Null));
}

#[test]
fn changes_are_found_to_the_second() {
    let company = Company::new();
    company.call("PATCH", "v2/Items('A1')", json!({ "ItemName": "Bolt" }));
    let sql =
        "SELECT ItemCode, UpdateDate, UpdateTS FROM OITM WHERE UpdateDate > :d OR (UpdateDate = :d AND UpdateTS >= :t)";
    let row = "ItemCode=A1 UpdateDate=20261121 UpdateTS=164205";
    check(&company, sql, "d='2026-11-21'&t=164205", row);
    check(&company, sql, "d='20261120'&t=235959", row);
    check(&company, sql, "d='2026-11-21'&t=164206", "");
    let iso = Company::with(Settings { sql_dates: SqlDates::Iso, ..Settings::default() });
    check(
        &iso,
        "SELECT CreateDate, CreateTS, UpdateTS FROM OITM WHERE ItemCode = 'A1'",
        "",
        "CreateDate=2026-11-20 CreateTS=164205 UpdateTS=null",
    );
}

#[test]
fn tables_are_joined_folded_and_put_together() {
    let company = Company::new();
    let check = |sql: &str, expected: &str| check(&company, sql, "", expected);
    check(
        "SELECT T0.ItemCode, T1.Price, T2.ListName FROM OITM T0 INNER JOIN ITM1 T1 ON T0.ItemCode = T1.ItemCode \
         JOIN OPLN T2 ON T2.ListNum = T1.PriceList WHERE T1.Price > 0 ORDER BY T1.PriceList DESC",
        "ItemCode=A1 ListName=Export Price=9.99; ItemCode=A1 ListName=Gold Price=11.25; ItemCode=A1 ListName=Base Price=12.5",
    );
    check(
        "SELECT T0.CardCode, ISNULL(T1.City, 'none') AS City FROM OCRD T0 LEFT JOIN CRD1 T1 ON T1.CardCode = T0.CardCode \
         WHERE T0.CardType = 'C' ORDER BY T0.CardCode",
        "CardCode=C20000 City=none; CardCode=C30000 City=none",
    );
    let person = json!({ "ContactEmployees": [{ "Name": "Jo", "E_Mail": "jo@acme.example" }] });
    assert_eq!(company.call("PATCH", "v2/BusinessPartners('C20000')", person).status, 204);
    check(
        "SELECT T0.CardName, T1.E_MailL FROM OCRD T0 JOIN OCPR T1 ON T1.CardCode = T0.CardCode",
        "CardName=Acme E_MailL=jo@acme.example",
    );
    check(
        "SELECT ItemCode, SUM(OnHand) AS Total, COUNT(*) AS N, AVG(OnHand) AS Mean FROM OITW GROUP BY ItemCode \
         HAVING SUM(OnHand) > 0",
        "ItemCode=A1 Mean=70.25 N=2 Total=140.5",
    );
    check(
        "SELECT CardCode AS Code FROM OCRD UNION SELECT ItemCode FROM OITM WHERE EXISTS (SELECT W.ItemCode FROM OITW W \
         WHERE W.ItemCode = OITM.ItemCode AND W.OnHand > 100) ORDER BY Code DESC",
        "Code=V1; Code=C30000; Code=C20000; Code=A1",
    );
    check(
        "SELECT D.Code AS Code FROM (SELECT LOWER(LEFT(CardCode, 2)) AS Code FROM OCRD) D WHERE D.Code LIKE 'c_'",
        "Code=c2; Code=c3",
    );
    check(
        "SELECT ItemCode, (SELECT MAX(Price) FROM ITM1 P WHERE P.ItemCode = T.ItemCode) AS Top FROM OITM T \
         WHERE ItemCode IN (SELECT ItemCode FROM ITM1 WHERE Price BETWEEN 9 AND 10) AND NOT (validFor <> 'Y')",
        "ItemCode=A1 Top=12.5",
    );
    check("SELECT DISTINCT \"WhsCode\" FROM \"OITW\" ORDER BY \"WhsCode\"", "WhsCode=01; WhsCode=02");
    check(
        "SELECT CASE WHEN OnHand > 100 THEN 'much' ELSE 'little' END AS HowMuch FROM OITW WHERE OnHand > 0 ORDER BY 1",
        "HowMuch=little; HowMuch=much",
    );
}

#[test]
fn what_a_query_may_not_do_has_a_number() {
    let company = Company::new();
    let grammar = [
        "SELEC ItemCode FROM OITM",
        "SELECT * FROM OITM",
        "DELETE FROM OITM",
        "SELECT ItemCode FROM OITM; SELECT ItemCode FROM OITM",
        "SELECT ItemCode AS a, ItemName AS a FROM OITM",
        "SELECT NOW() AS n FROM OITM",
        "SELECT ItemCode FROM OITM LIMIT 5",
        "SELECT 1 AS one",
        "",
    ];
    for sql in grammar {
        check(&company, sql, "", r#"400 "701""#);
    }
    check(&company, "SELECT CardCode FROM OSPP", "", r#"400 "702""#);
    check(&company, "SELECT ItemCode FROM OITM WHERE ItemCode IN (SELECT U FROM OUSR)", "", r#"400 "702""#);
    check(&company, "SELECT UpdateTS FROM OITW", "", r#"400 "703""#);
    check(&company, "SELECT T0.ItemCode AS c FROM OITM T0, OITW T1 WHERE OnHand > 0", "", r#"400 "703""#);
    check(&company, "SELECT ItemCode FROM OITM WHERE ItemCode = :code", "", r#"400 "704""#);
    let narrow = Company::with(Settings { sql_tables: vec!["OITM".to_owned()], ..Settings::default() });
    check(&narrow, "SELECT ItemCode FROM OITW", "", r#"400 "702""#);
    assert_eq!(company.call("POST", "v1/SQLQueries", json!({ "SqlCode": "x", "SqlText": "?" })).refusal(), "400 701");
}

#[test]
fn a_user_may_be_kept_from_queries() {
    let user = User { name: "shop".to_owned(), password: "p".to_owned(), denied: vec!["SQLQueries".to_owned()] };
    let mut settings = Settings::default();
    settings.users.push(user);
    let company = Company::with(settings);
    company.log_in("shop", "p");
    assert_eq!(stored(&company, "SELECT ItemCode FROM OITM").refusal(), r#"403 "-6006""#);
    assert_eq!(company.get("v2/SQLQueries").refusal(), r#"403 "-6006""#);
    assert_eq!(company.get("v2/Items").status, 200);
}

#[test]
fn user_defined_fields_are_columns() {
    let company = Company::new();
    company.made("v2/UserFieldsMD", json!({ "TableName": "OITM", "Name": "Colour", "Type": "db_Alpha", "Size": 20 }));
    company.call("PATCH", "v2/Items('A1')", json!({ "U_Colour": "red" }));
    check(&company, "SELECT ItemCode, U_Colour FROM OITM WHERE U_Colour IS NOT NULL", "", "ItemCode=A1 U_Colour=red");
}

#[test]
fn a_search_without_end_is_broken_off() {
    let company = Company::new();
    for n in 0..60 {
        company.made("v2/Items", json!({ "ItemCode": format!("M{n}") }));
    }
    check(
        &company,
        "SELECT A.ItemCode AS a FROM OITM A, OITM B, OITM C, OITM D WHERE A.ItemName = 'x' AND D.ItemName = 'y'",
        "",
        r#"400 "701""#,
    );
}
