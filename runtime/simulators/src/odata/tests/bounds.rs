//! Whatever comes: no panic, no overflow of the stack, and what is printed is read as the same.

use proptest::prelude::*;

use crate::odata::{
    Arithmetic, At, Case, Cell, Comparison, Dialect, Expr, Function, Guid, Options, Path, Property, Quantifier, Row,
    Version,
};

use super::filter::everything;

#[test]
fn depth_is_limited() {
    let deep = |open: &str, inner: &str, close: &str, n: usize| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    let check = |text: &str, expect: &str| {
        let seen = Expr::parse(text, &everything()).map(|_| "read".to_owned()).unwrap_or_else(|it| it.what.to_string());
        assert_eq!(seen, expect, "{}", &text[..text.len().min(40)]);
    };
    let too_deep = "more than 64 levels";
    check(&deep("(", "a", ")", 64), "read");
    check(&deep("(", "a", ")", 65), too_deep);
    check(&deep("(", "a", ")", 30_000), too_deep);
    check(&deep("not ", "a", "", 64), "read");
    check(&deep("not ", "a", "", 15_000), too_deep);
    check(&deep("not ", "a", "", 100_000), "more than 65536 bytes");
    check(&deep("-", "a", "", 60_000), too_deep);
    check(&deep("tolower(", "a", ")", 6_000), too_deep);
    check(&deep("a eq ", "a", "", 10_000), too_deep);
    check(&deep("a add ", "a", "", 9_000), too_deep);
    let lambda: String = (0..200).map(|n| format!("a/any(x{n}:")).collect();
    check(&format!("{lambda}true{}", ")".repeat(200)), too_deep);
    let expand = |n| Options::parse(&format!("$expand={}", deep("a($expand=", "b", ")", n)), &everything());
    assert!(expand(64).is_ok());
    assert_eq!(expand(5_000).unwrap_err().what.to_string(), too_deep);
}

#[test]
fn width_is_limited() {
    let wide = |n: usize| vec!["a eq 1"; n].join(" or ");
    assert!(Expr::parse(&wide(1_500), &everything()).is_ok(), "a condition for each of many keys");
    let error = |text: &str| Expr::parse(text, &everything()).unwrap_err().what.to_string();
    assert_eq!(error(&wide(5_000)), "more than 4000 nodes");
    assert_eq!(error(&format!("a in ({})", vec!["1"; 5_000].join(","))), "more than 4000 nodes");
    assert_eq!(error(&"a/".repeat(5_000)), "more than 4000 nodes");
    let long = format!("$select={}", "a".repeat(70_000));
    assert_eq!(Options::parse(&long, &everything()).unwrap_err().what.to_string(), "more than 65536 bytes");
}

#[test]
fn the_deepest_condition_is_judged_and_dropped() {
    let text = format!("{}on{}", "not (".repeat(32), ")".repeat(32));
    let expr = Expr::parse(&text, &everything()).unwrap();
    assert_eq!(expr.holds(&Any, &everything().rules(Case::Sensitive)), Ok(true));
}

/// A row on which every property is true, and every collection has one such row.
struct Any;

impl Row for Any {
    fn cell(&self, _: &[String]) -> Option<Cell> {
        Some(Cell::Flag(true))
    }

    fn rows(&self, _: &[String]) -> Option<Vec<Box<dyn Row + '_>>> {
        Some(vec![Box::new(Self)])
    }
}

fn dialects() -> [Dialect; 5] {
    let b1 = Dialect::sap_b1;
    [b1(Version::V3), b1(Version::V4), Dialect::business_central(), Dialect::dataverse(), everything()]
}

fn property() -> impl Strategy<Value = Property> {
    let path = proptest::collection::vec("[a-z_é][A-Za-z0-9_]{3,6}", 1..3);
    path.prop_map(|path| Property { path, at: At(0) })
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Null),
        any::<bool>().prop_map(Cell::Flag),
        "\\PC{0,8}".prop_map(Cell::Text),
        (-999_999_999_999i64..999_999_999_999, 0u32..12)
            .prop_map(|(mantissa, scale)| Cell::Number(truthsource_core::Decimal::new(mantissa, scale).unwrap())),
        (-62_135_596_800_000i64..253_370_764_800_000)
            .prop_map(|ms| Cell::Instant(jiff::Timestamp::from_millisecond(ms).unwrap())),
        (0i16..9_999, 1i8..13, 1i8..29).prop_map(|(year, month, day)| Cell::Date(jiff::civil::date(year, month, day))),
        (0i8..24, 0i8..60, 0i8..60)
            .prop_map(|(hour, minute, second)| Cell::Time(jiff::civil::time(hour, minute, second, 0))),
        any::<u128>().prop_map(|it| Cell::Guid(Guid(it))),
        ("[A-Z][a-z]{1,4}\\.[A-Z][a-z]{1,4}", "\\PC{0,6}").prop_map(|(ty, member)| Cell::Enum { ty, member }),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let at = At(0);
    let leaf = prop_oneof![property().prop_map(Expr::Property), cell().prop_map(move |it| Expr::Literal(it, at)),];
    leaf.prop_recursive(5, 40, 3, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let many = proptest::collection::vec(inner.clone(), 2..4);
        let comparison = prop_oneof![
            Just(Comparison::Eq),
            Just(Comparison::Ne),
            Just(Comparison::Gt),
            Just(Comparison::Ge),
            Just(Comparison::Lt),
            Just(Comparison::Le)
        ];
        let operator = prop_oneof![Just(Arithmetic::Add), Just(Arithmetic::Sub), Just(Arithmetic::Mul)];
        prop_oneof![
            boxed.clone().prop_map(move |it| Expr::Not(it, at)),
            boxed.clone().prop_map(move |it| Expr::Negate(it, at)),
            many.clone().prop_map(Expr::And),
            many.prop_map(Expr::Or),
            (comparison, boxed.clone(), boxed.clone()).prop_map(move |(comparison, left, right)| Expr::Compare {
                comparison,
                at,
                left,
                right
            }),
            (operator, boxed.clone(), boxed.clone()).prop_map(move |(operator, left, right)| Expr::Arithmetic {
                operator,
                at,
                left,
                right
            }),
            (boxed.clone(), proptest::collection::vec(cell().prop_map(move |it| Expr::Literal(it, at)), 1..3))
                .prop_map(move |(value, list)| Expr::In { value, at, list }),
            (inner.clone(), inner).prop_map(move |(a, b)| Expr::Call {
                function: Function::Contains,
                at,
                arguments: vec![a, b]
            }),
            (property(), prop_oneof![Just(Quantifier::Any), Just(Quantifier::All)]).prop_map(
                |(collection, quantifier)| {
                    let condition = Some(Box::new(Expr::Property(Property { path: vec!["v".to_owned()], at: At(0) })));
                    Expr::Lambda { quantifier, collection, variable: "v".to_owned(), condition }
                }
            ),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(expr in expr()) {
        let printed = expr.to_string();
        prop_assert_eq!(Expr::parse(&printed, &everything()), Ok(expr), "{}", printed);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        for dialect in dialects() {
            let _ = Expr::parse(&text, &dialect);
            let _ = Options::parse(&text, &dialect);
            let _ = Path::parse(&text, &dialect);
        }
    }

    /// Texts of what means something, in any order.
    #[test]
    fn no_heap_of_tokens_panics(parts in proptest::collection::vec(prop_oneof![
        Just("("), Just(")"), Just("not "), Just(" and "), Just(" or "), Just(" eq "), Just(" in "), Just("a"), Just("/"),
        Just("any("), Just("x:"), Just("'"), Just("''"), Just("1"), Just("-"), Just("."), Just("e"), Just("2026-11-21"),
        Just("T08:00:00Z"), Just("contains("), Just(","), Just("null"), Just("guid'"), Just("$filter="), Just(";"),
        Just("&"), Just("%"), Just("%27"), Just("%C3"), Just("é"), Just("+"), Just("$expand="), Just("5d115c9c-44e3-"),
        Just("ea11-bb43-000d3a2feca1"), Just("$count"), Just("Ns.T'x'"), Just("@"), Just(" ")
    ], 0..24)) {
        let text = parts.concat();
        for dialect in dialects() {
            if let Ok(expr) = Expr::parse(&text, &dialect) {
                let _ = expr.holds(&Any, &dialect.rules(Case::Insensitive));
                let printed = expr.printed(dialect.version).to_string();
                prop_assert_eq!(Expr::parse(&printed, &dialect), Ok(expr), "{} printed as {}", text, printed);
            }
            let _ = Options::parse(&text, &dialect);
            let _ = Options::parse(&format!("$filter={text}&$expand=a({text})&$orderby={text}"), &dialect);
            let _ = Path::parse(&text, &dialect);
        }
    }

    #[test]
    fn any_percent_escape_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        let escaped: String = bytes.iter().map(|it| format!("%{it:02X}")).collect();
        let seen = Options::parse(&format!("x={escaped}"), &everything());
        match String::from_utf8(bytes) {
            Ok(text) => {
                let options = seen.unwrap();
                prop_assert_eq!(options.custom("x"), Some(text.as_str()));
            }
            Err(_) => prop_assert!(seen.is_err()),
        }
    }
}
