//! Resource paths.

use crate::odata::{Arguments, Cell, Dialect, Path, Segment, Version};

/// A path as text, to show what was read.
fn summary(path: &Path) -> String {
    let cell = |it: &Cell| format!("{}:{}", it.type_name().trim_start_matches("Edm."), literal(it));
    let arguments = |it: &Option<Arguments>| match it {
        None => String::new(),
        Some(Arguments::Nothing) => "()".to_owned(),
        Some(Arguments::One(one)) => format!("({})", cell(one)),
        Some(Arguments::Named(named)) => {
            let each = named.iter().map(|(name, it)| format!("{name}={}", cell(it)));
            format!("({})", each.collect::<Vec<_>>().join(","))
        }
    };
    let segment = |it: &Segment| match it {
        Segment::Name(it) => {
            let space = it.namespace.as_ref().map_or(String::new(), |it| format!("[{it}]"));
            format!("{space}{}{}", it.name, arguments(&it.arguments))
        }
        other => format!("{other:?}"),
    };
    path.segments.iter().map(segment).collect::<Vec<_>>().join(" / ")
}

fn literal(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Guid(guid) => guid.to_string(),
        Cell::Date(date) => date.to_string(),
        other => format!("{other:?}"),
    }
}

fn reads(raw: &str, expect: &str) {
    assert_eq!(summary(&Path::parse(raw, &Dialect::business_central()).unwrap()), expect, "{raw}");
}

#[test]
fn segments_with_keys() {
    reads("", "");
    reads("/", "");
    reads("/Items", "Items");
    reads("Items/", "Items");
    reads("Items('A1')", "Items(String:A1)");
    reads("Items('O''Neil%2FSons%20%2B+')", "Items(String:O'Neil/Sons ++)");
    reads("Items(%27A1%27)/ItemPrices", "Items(String:A1) / ItemPrices");
    reads("Items('(a),b=c')", "Items(String:(a),b=c)");
    reads("Orders(91)/Cancel", "Orders(Decimal:91) / Cancel");
    reads("Activities(-1)", "Activities(Decimal:-1)");
    reads("SpecialPrices(CardCode='C1',ItemCode='A1')", "SpecialPrices(CardCode=String:C1,ItemCode=String:A1)");
    reads("accounts(accountnumber='C1')", "accounts(accountnumber=String:C1)");
    reads("rates(day=2026-11-21)", "rates(day=Date:2026-11-21)");
    reads(
        "companies(5d115c9c-44e3-ea11-bb43-000d3a2feca1)/items(ad115c9c-44e3-ea11-bb43-000d3a2feca1)",
        "companies(Guid:5d115c9c-44e3-ea11-bb43-000d3a2feca1) / items(Guid:ad115c9c-44e3-ea11-bb43-000d3a2feca1)",
    );
    let v3 = Path::parse("Rows(guid'5d115c9c-44e3-ea11-bb43-000d3a2feca1')", &Dialect::sap_b1(Version::V3)).unwrap();
    assert_eq!(summary(&v3), "Rows(Guid:5d115c9c-44e3-ea11-bb43-000d3a2feca1)");
}

#[test]
fn functions_actions_and_special_segments() {
    reads("CompanyService_GetItemPrice", "CompanyService_GetItemPrice");
    reads("RetrieveVersion()", "RetrieveVersion()");
    reads("salesOrders(1)/Microsoft.NAV.shipAndInvoice", "salesOrders(Decimal:1) / [Microsoft.NAV]shipAndInvoice");
    reads("Items/$count", "Items / Count");
    reads("Items('A')/ItemName/$value", "Items(String:A) / ItemName / Value");
    reads("$metadata", "Metadata");
    reads("/$batch", "Batch");
    reads("$1/DocumentLines", "Reference(\"1\") / DocumentLines");
}

#[test]
fn keys_are_found() {
    let path = Path::parse("A('x')/B(k=1,l='y')", &Dialect::business_central()).unwrap();
    let [Segment::Name(a), Segment::Name(b)] = &path.segments[..] else { panic!("two names") };
    assert_eq!((a.key(), a.argument("k")), (Some(&Cell::from("x")), None));
    assert_eq!((b.key(), b.argument("l"), b.argument("m")), (None, Some(&Cell::from("y")), None));
    assert_eq!(b.at.0, 7);
}

#[test]
fn what_is_wrong_says_where() {
    let check = |raw: &str, expect: &str| {
        let seen = Path::parse(raw, &Dialect::business_central()).unwrap_err().to_string();
        assert_eq!(seen, format!("{expect} in 'path'"), "{raw}");
    };
    check("Items('A1'", "')' expected, found the end at position 10");
    check("Items('A/B')", "malformed text: it is not closed at position 6");
    check("Items(A1)", "a literal or a name expected, found 'A1' at position 6");
    check("Items('A')('B')", "the end of a segment expected, found '(' at position 10");
    check("Items//x", "a name expected, found the end at position 6");
    check("%20%20Items(%27A%27,1)", "')' expected, found ',' at position 19");
    check("B(a='1',a='2')", "'a' is given more than once at position 8");
    check("B(a='1',2)", "a name expected, found a literal at position 8");
    check("B(a=@p)", "a parameter alias is not supported at position 4");
    check("Items/91", "a name expected, found a literal at position 6");
    check("$crossjoin(A,B)", "the segment '$crossjoin' is not supported at position 0");
    check("$all", "the segment '$all' is not supported at position 0");
    check("Items/$batch", "the segment '$batch' is not supported at position 6");
    check("Items/%zz", "malformed percent-encoding at position 6");
    check(&"a/".repeat(100), "more than 64 segments at position 128");
}
