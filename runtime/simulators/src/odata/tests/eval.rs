//! Conditions: of which rows they are true.

use std::collections::BTreeMap;

use crate::odata::{Case, Cell, Dialect, Expr, Options, Row, Rules, Version, orderby};

use super::filter::everything;

#[derive(Debug, Clone, Default)]
struct Entity {
    cells: BTreeMap<String, Cell>,
    lines: Vec<Entity>,
}

impl Row for Entity {
    fn cell(&self, path: &[String]) -> Option<Cell> {
        self.cells.get(&path.join("/")).cloned()
    }

    fn rows(&self, path: &[String]) -> Option<Vec<Box<dyn Row + '_>>> {
        (path == ["lines"]).then(|| self.lines.iter().map(|it| Box::new(it.clone()) as Box<dyn Row>).collect())
    }
}

fn entity(cells: &[(&str, Cell)]) -> Entity {
    Entity { cells: cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect(), lines: Vec::new() }
}

fn line(quantity: i32) -> Entity {
    entity(&[("quantity", Cell::Number(quantity.into()))])
}

/// A row of every type.
fn row() -> Entity {
    let mut row = entity(&[
        ("name", "Bolt M8".into()),
        ("none", Cell::Null),
        ("price", Cell::Number("12.50".parse().unwrap())),
        ("on", true.into()),
        ("off", false.into()),
        ("changed", Cell::Instant("2026-11-21T08:00:00.517Z".parse().unwrap())),
        ("day", Cell::Date("2026-11-21".parse().unwrap())),
        ("time", Cell::Time("16:42:00".parse().unwrap())),
        ("id", Cell::Guid("5d115c9c-44e3-ea11-bb43-000d3a2feca1".parse().unwrap())),
        ("status", Cell::Enum { ty: String::new(), member: "In Review".to_owned() }),
        ("kind", Cell::Enum { ty: "Ns.Kind".to_owned(), member: "Item".to_owned() }),
        ("address/city", "NY".into()),
    ]);
    row.lines = vec![line(3), line(7)];
    row
}

fn check_by(dialect: &Dialect, case: Case, table: &[(&str, Result<bool, &str>)]) {
    for (text, expect) in table {
        let seen = Expr::parse(text, dialect).unwrap().holds(&row(), &dialect.rules(case));
        let seen = seen.map_err(|it| format!("{} @{}", it.what, it.at));
        assert_eq!(seen, expect.map_err(str::to_owned), "{text}");
    }
}

fn check(table: &[(&str, Result<bool, &str>)]) {
    check_by(&everything(), Case::Sensitive, table);
}

#[test]
fn values_compare_by_their_type() {
    check(&[
        ("name eq 'Bolt M8'", Ok(true)),
        ("name eq 'bolt m8'", Ok(false)),
        ("name lt 'Bolt M9'", Ok(true)),
        ("price eq 12.5", Ok(true)),
        ("price gt 12.49 and price le 12.500", Ok(true)),
        ("on", Ok(true)),
        ("on ne off", Ok(true)),
        ("changed gt 2026-11-21T08:00:00.5Z", Ok(true)),
        ("changed eq 2026-11-21T09:00:00.51700+01:00", Ok(true)),
        ("changed ge 2026-11-21T08:00:00.517000001Z", Ok(false)),
        ("changed gt 2026-11-21", Ok(true)),
        ("day eq 2026-11-21T00:00:00Z", Ok(true)),
        ("day lt 2026-11-22", Ok(true)),
        ("time ge 16:42", Ok(true)),
        ("id eq 5D115C9C-44E3-EA11-BB43-000D3A2FECA1", Ok(true)),
        ("status eq 'In Review'", Ok(true)),
        ("status eq Ns.Status'In Review'", Ok(true)),
        ("kind eq Ns.Kind'Item'", Ok(true)),
        ("address/city in ('LA','NY')", Ok(true)),
        ("not (address/city in ('LA'))", Ok(true)),
    ]);
}

#[test]
fn null_is_neither_true_nor_false() {
    check(&[
        ("none eq null", Ok(true)),
        ("none ne null", Ok(false)),
        ("name ne null", Ok(true)),
        ("none eq 'x'", Ok(false)),
        ("none ne 'x'", Ok(true)),
        ("none gt 1", Ok(false)),
        ("not (none gt 1)", Ok(true)),
        ("none le null", Ok(false)),
        ("none", Ok(false)),
        ("not none", Ok(false)),
        ("contains(none,'x')", Ok(false)),
        ("not contains(none,'x')", Ok(false)),
        ("contains(none,'x') or on", Ok(true)),
        ("contains(none,'x') and off", Ok(false)),
        ("not (contains(none,'x') and off)", Ok(true)),
        ("not (contains(none,'x') or off)", Ok(false)),
        ("length(none) eq null", Ok(true)),
        ("none add 1 eq null", Ok(true)),
        ("-none eq null", Ok(true)),
        ("none in ('x',null)", Ok(true)),
    ]);
}

#[test]
fn what_does_not_go_together_says_where() {
    check(&[
        ("nmae eq 'x'", Err("could not find a property named 'nmae' @0")),
        ("off and address/town eq 'x'", Err("could not find a property named 'address/town' @8")),
        ("name eq 5", Err("incompatible types 'Edm.String' and 'Edm.Decimal' @5")),
        ("off and price eq '5'", Err("incompatible types 'Edm.Decimal' and 'Edm.String' @14")),
        (
            "on or id eq '5d115c9c-44e3-ea11-bb43-000d3a2feca1'",
            Err("incompatible types 'Edm.Guid' and 'Edm.String' @9"),
        ),
        ("changed gt '2026-11-21'", Err("incompatible types 'Edm.DateTimeOffset' and 'Edm.String' @8")),
        ("kind eq Ns.Other'Item'", Err("incompatible types 'Edm.EnumType' and 'Edm.EnumType' @5")),
        ("name in ('a',1)", Err("incompatible types 'Edm.String' and 'Edm.Decimal' @5")),
        ("name", Err("a value of type 'Edm.Boolean' expected, found 'Edm.String' @0")),
        ("on and 5", Err("a value of type 'Edm.Boolean' expected, found 'Edm.Decimal' @7")),
        ("not price", Err("a value of type 'Edm.Boolean' expected, found 'Edm.Decimal' @4")),
        ("-name eq 1", Err("a value of type 'Edm.Decimal' expected, found 'Edm.String' @1")),
        ("on and contains(price,'1')", Err("a value of type 'Edm.String' expected, found 'Edm.Decimal' @7")),
        ("name add 1 eq 2", Err("incompatible types 'Edm.String' and 'Edm.Decimal' @5")),
        ("price mul 999999999999999999 gt 1", Err("arithmetic overflow @6")),
        ("address/any(x:x)", Err("could not find a property named 'address' @0")),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("startswith(name,'Bolt') and endswith(name,'M8') and contains(name,'t M')", Ok(true)),
        ("startswith(name,'bolt')", Ok(false)),
        ("indexof(name,'M8') eq 5 and indexof(name,'x') eq -1", Ok(true)),
        ("length(name) eq 7", Ok(true)),
        ("substring(name,5) eq 'M8' and substring(name,0,4) eq 'Bolt' and substring(name,99) eq ''", Ok(true)),
        ("tolower(name) eq 'bolt m8' and toupper(name) eq 'BOLT M8'", Ok(true)),
        ("concat(trim(' a '),'b') eq 'ab'", Ok(true)),
        ("year(changed) eq 2026 and month(day) eq 11 and day(day) eq 21", Ok(true)),
        ("hour(changed) eq 8 and minute(time) eq 42 and second(changed) eq 0", Ok(true)),
        ("date(changed) eq day", Ok(true)),
        ("hour(day) eq 0", Err("a value of type 'Edm.DateTimeOffset' expected, found 'Edm.Date' @0")),
        ("round(price) eq 13 and floor(price) eq 12 and ceiling(price) eq 13", Ok(true)),
        ("floor(-12.5) eq -13 and ceiling(-12.5) eq -12", Ok(true)),
        ("price mul 2 sub 1 eq 24 and -price eq -12.5", Ok(true)),
        ("substring(name,0.5) eq 'x'", Err("a value of type 'Edm.Int32' expected, found 'Edm.Decimal' @0")),
    ]);
}

#[test]
fn lambdas() {
    check(&[
        ("lines/any()", Ok(true)),
        ("lines/any(it:it/quantity gt 5)", Ok(true)),
        ("lines/all(it:it/quantity gt 5)", Ok(false)),
        ("lines/all(it:it/quantity gt 2 and name eq 'Bolt M8')", Ok(true)),
        ("lines/any(it:it/price gt 5)", Err("could not find a property named 'it/price' @13")),
        ("not lines/any(it:it/quantity eq 4)", Ok(true)),
    ]);
}

#[test]
fn a_collation_may_ignore_case() {
    let table = &[
        ("name eq 'BOLT m8'", Ok(true)),
        ("contains(name,'OLT')", Ok(true)),
        ("status eq 'in review'", Ok(true)),
        ("indexof(name,'m8') eq 5", Ok(true)),
        ("name gt 'BOLT M7'", Ok(true)),
    ];
    check_by(&everything(), Case::Insensitive, table);
}

#[test]
fn quoted_dates_mean_what_the_property_is() {
    let table = &[
        ("day eq '2026-11-21'", Ok(true)),
        ("day ge '20261121'", Ok(true)),
        ("day eq '2026-11-21T23:59:00'", Ok(true)),
        ("day lt '2026-11-21 23:59'", Ok(false)),
        ("changed gt '2026-11-21'", Ok(true)),
        ("changed gt '2026-11-21T08:00:01'", Ok(false)),
        ("time eq '16:42:00'", Ok(true)),
        ("status eq 'In Review'", Ok(true)),
        ("day eq 'tomorrow'", Err("malformed date @4")),
        ("on or time eq 'x'", Err("malformed time of day @11")),
        ("price eq '5'", Err("incompatible types 'Edm.Decimal' and 'Edm.String' @6")),
    ];
    check_by(&Dialect::sap_b1(Version::V4), Case::Sensitive, table);
    let v3 = &[
        ("day eq datetime'2026-11-21T10:00:00'", Ok(true)),
        ("substringof('olt',name)", Ok(true)),
        ("substringof(name,'olt')", Ok(false)),
    ];
    check_by(&Dialect::sap_b1(Version::V3), Case::Sensitive, v3);
}

#[test]
fn a_guid_may_be_quoted() {
    let table = &[
        ("id eq '5D115c9c-44e3-ea11-bb43-000d3a2feca1'", Ok(true)),
        ("id eq 'x'", Err("malformed GUID @3")),
        ("changed gt '2026-11-21'", Err("incompatible types 'Edm.DateTimeOffset' and 'Edm.String' @8")),
    ];
    check_by(&Dialect::dataverse(), Case::Insensitive, table);
}

fn sorted(orderby: &str, case: Case) -> Result<String, String> {
    let dialect = everything();
    let options = Options::parse(&format!("$orderby={orderby}"), &dialect).unwrap();
    let cell =
        |n: u32, a: Cell, b: i32| entity(&[("n", Cell::Number(n.into())), ("a", a), ("b", Cell::Number(b.into()))]);
    let mut rows = vec![
        cell(0, "b".into(), 1),
        cell(1, Cell::Null, 2),
        cell(2, "a".into(), 1),
        cell(3, "B".into(), 3),
        cell(4, "a".into(), 2),
    ];
    let rules: Rules = dialect.rules(case);
    orderby::sort(&mut rows, &options.orderby, &rules).map_err(|it| it.to_string())?;
    for pair in rows.windows(2) {
        assert!(orderby::compare(&pair[0], &pair[1], &options.orderby, &rules).unwrap().is_le());
    }
    Ok(rows.iter().map(|it| if let Cell::Number(n) = it.cells["n"] { n.to_string() } else { String::new() }).collect())
}

#[test]
fn rows_are_ordered_nulls_first_and_stably() {
    assert_eq!(sorted("a", Case::Sensitive), Ok("13240".to_owned()));
    assert_eq!(sorted("a", Case::Insensitive), Ok("12403".to_owned()));
    assert_eq!(sorted("a desc", Case::Insensitive), Ok("03241".to_owned()));
    assert_eq!(sorted("b desc,a asc", Case::Sensitive), Ok("31420".to_owned()));
    assert_eq!(
        sorted("c", Case::Sensitive),
        Err("could not find a property named 'c' at position 0 in '$orderby'".to_owned())
    );
}
