//! Conditions: what is read, and as what.

use crate::odata::{Dialect, Expr, Version};

/// Version 4 with all there is.
pub(super) fn everything() -> Dialect {
    Dialect { arithmetic: true, lambdas: true, or_over_fields: true, ..Dialect::business_central() }
}

/// Prints with every operator in parentheses, to show what was read.
fn nested(expr: &Expr) -> String {
    let all = |parts: &[Expr], word: &str| format!("({})", parts.iter().map(nested).collect::<Vec<_>>().join(word));
    match expr {
        Expr::Not(inner, _) => format!("(not {})", nested(inner)),
        Expr::Negate(inner, _) => format!("(-{})", nested(inner)),
        Expr::And(parts) => all(parts, " and "),
        Expr::Or(parts) => all(parts, " or "),
        Expr::Compare { comparison, left, right, .. } => {
            format!("({} {} {})", nested(left), comparison.name(), nested(right))
        }
        Expr::Arithmetic { operator, left, right, .. } => {
            format!("({} {} {})", nested(left), operator.name(), nested(right))
        }
        other => other.to_string(),
    }
}

fn reads(dialect: &Dialect, text: &str, expect: &str) {
    let expr = Expr::parse(text, dialect).unwrap();
    assert_eq!(nested(&expr), expect, "{text}");
    let printed = expr.printed(dialect.version).to_string();
    assert_eq!(Expr::parse(&printed, dialect).as_ref(), Ok(&expr), "{text} printed as {printed}");
}

fn refuses(dialect: &Dialect, text: &str, at: usize, expect: &str) {
    let bad = Expr::parse(text, dialect).unwrap_err();
    assert_eq!((bad.what.to_string().as_str(), bad.at, bad.place), (expect, at, "$filter"), "{text}");
}

#[test]
fn not_binds_before_comparison_before_and_before_or() {
    let check = |text, expect| reads(&everything(), text, expect);
    check("a eq 1 or b eq 2 and c eq 3", "((a eq 1) or ((b eq 2) and (c eq 3)))");
    check("(a eq 1 or b eq 2) and c eq 3", "(((a eq 1) or (b eq 2)) and (c eq 3))");
    check("a and b and c or d or e", "((a and b and c) or d or e)");
    check("a and (b and c)", "(a and (b and c))");
    check("not a eq b", "((not a) eq b)");
    check("not (a eq b) and c", "((not (a eq b)) and c)");
    check("not not a", "(not (not a))");
    check("a gt 1 eq b lt 2", "((a gt 1) eq (b lt 2))");
    check("a eq 1 eq true", "((a eq 1) eq true)");
    check("a eq (1 eq true)", "(a eq (1 eq true))");
    check("a add 2 mul b sub 1 gt -3", "(((a add (2 mul b)) sub 1) gt -3)");
    check("(a add 2) mul b eq 1", "(((a add 2) mul b) eq 1)");
    check("a sub (b sub c) eq 1", "((a sub (b sub c)) eq 1)");
    check("-a mul -(5) eq - 5", "(((-a) mul (-5)) eq (-5))");
    check("((((a))))", "a");
}

#[test]
fn literals_of_version_4() {
    let check =
        |literal: &str, expect: &str| reads(&everything(), &format!("a eq {literal}"), &format!("(a eq {expect})"));
    check("null", "null");
    check("true", "true");
    check("'O''Neil'", "'O''Neil'");
    check("''", "''");
    check("'a b & /%'", "'a b & /%'");
    check("12", "12");
    check("-12.50", "-12.5");
    check("1.25e1", "12.5");
    check("1E-3", "0.001");
    check("123456789012345.678", "123456789012345.678");
    check("2026-11-21", "2026-11-21");
    check("2026-11-21T08:00:00.000Z", "2026-11-21T08:00:00Z");
    check("2026-11-21T08:00:00.5Z", "2026-11-21T08:00:00.5Z");
    check("2026-11-21T08:00:00+01:30", "2026-11-21T06:30:00Z");
    check("2026-11-21T08:00Z", "2026-11-21T08:00:00Z");
    check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
    check("16:42:00", "16:42:00");
    check("5D115c9c-44e3-ea11-bb43-000d3a2feca1", "5d115c9c-44e3-ea11-bb43-000d3a2feca1");
    check("ad115c9c-44e3-ea11-bb43-000d3a2feca1", "ad115c9c-44e3-ea11-bb43-000d3a2feca1");
    check("Microsoft.NAV.blocked'All'", "Microsoft.NAV.blocked'All'");
}

#[test]
fn literals_of_version_3() {
    let b1 = Dialect::sap_b1(Version::V3);
    let check = |literal: &str, expect: &str| {
        let expr = Expr::parse(&format!("a eq {literal}"), &b1).unwrap();
        let printed = expr.printed(Version::V3).to_string();
        assert_eq!(printed, format!("a eq {expect}"));
        assert_eq!(Expr::parse(&printed, &b1), Ok(expr));
    };
    check("datetime'2026-11-21T08:00:00'", "datetimeoffset'2026-11-21T08:00:00Z'");
    check("datetime'2026-11-21'", "datetimeoffset'2026-11-21T00:00:00Z'");
    check("datetimeoffset'2026-11-21T08:00:00+01:00'", "datetimeoffset'2026-11-21T07:00:00Z'");
    check("guid'5d115c9c-44e3-ea11-bb43-000d3a2feca1'", "guid'5d115c9c-44e3-ea11-bb43-000d3a2feca1'");
    check("12.50M", "12.5");
    check("3L", "3");
    check("1e2d", "100");
    reads(&b1, "substringof('x',a) and startswith(a,'y')", "(substringof('x',a) and startswith(a,'y'))");
    refuses(&b1, "contains(a,'x')", 0, "the function 'contains' is not supported");
    refuses(&b1, "a eq guid'5'", 5, "malformed GUID");
    refuses(&b1, "a eq datetime'x'", 5, "malformed date-time");
    refuses(&b1, "a eq time'PT1H'", 5, "the literal time'…' is not supported");
    refuses(&b1, "a eq 5d115c9c-44e3-ea11-bb43-000d3a2feca1", 5, "a GUID without guid'…' is not supported");
}

#[test]
fn properties_functions_lists_and_lambdas() {
    let check = |text| reads(&everything(), text, text);
    check("startswith(customer/address/city,'N')");
    check("contains(tolower(name),concat('a','b'))");
    check("substring(name,1,2)");
    check("_productid_value");
    check("größe");
    check("lines/any()");
    check("lines/any(it:it/quantity gt 5 and code eq 'a')");
    check("lines/all(it:it/parts/any(part:part/of eq it/id))");
    reads(&everything(), "code in ( 'A' , 'B', null )", "code in ('A','B',null)");
}

#[test]
fn what_is_malformed_says_where() {
    let check = |text, at, expect| refuses(&everything(), text, at, expect);
    check("", 0, "an operand expected, found the end");
    check("a eq", 4, "an operand expected, found the end");
    check("a eq 'x", 5, "malformed text: it is not closed");
    check("a eq 1 b", 7, "an operator or the end expected, found 'b'");
    check("(a eq 1", 7, "')' expected, found the end");
    check("a eq 1)", 6, "an operator or the end expected, found ')'");
    check("a and and b", 6, "an operand expected, found 'and'");
    check("a eq 12x", 5, "malformed number");
    check("a eq 1.2.3", 5, "malformed number");
    check("a eq 1.", 5, "malformed number");
    check("a eq 1234567890123456789", 5, "malformed number: it has too many digits");
    check("a eq 2026-02-30", 5, "malformed date");
    check("a eq 2026-11-21T08:00:00", 5, "malformed date-time: it needs an offset, as 'Z'");
    check("a eq 2026-11-21T08:00:00 01:00", 5, "malformed date-time: it needs an offset, as 'Z'");
    check("a eq 0000-01-01T00:00:00+10:00", 5, "malformed date-time: it needs an offset, as 'Z'");
    check("a eq 25:00:00", 5, "malformed time of day");
    check("a..b eq 1", 0, "malformed name");
    check("é eq \"x\"", 6, "a name or a literal expected, found '\"'");
    check("a/ eq 1", 6, "an operator or the end expected, found a literal");
    check("a in ()", 6, "a literal expected, found ')'");
    check("a in ('x' 'y')", 10, "',' or ')' expected, found a literal");
    check("a in (b)", 6, "a literal expected, found 'b'");
    check("length(a,b) eq 1", 0, "length(text) expected, found 2 arguments");
    check("b and contains(a)", 6, "contains(text, part) expected, found 1 arguments");
    check("frobnicate(a)", 0, "unknown function 'frobnicate'");
    check("lines/any(it it/a)", 13, "':' expected, found 'it'");
    check("lines/all()", 10, "a name expected, found ')'");
    check("a/any(x:b/any(x:x))", 14, "'x' is given more than once");
    check("a/any(not:true)", 6, "malformed name of a variable");
}

#[test]
fn what_a_service_lacks_says_where() {
    let check = |text, at, expect: &str| refuses(&everything(), text, at, &format!("{expect} is not supported"));
    check("a eq @p", 5, "a parameter alias");
    check("$it/a eq 1", 0, "'$it'");
    check("lines/$count gt 1", 6, "'$count'");
    check("Ns.Type/a eq 1", 0, "the qualified name 'Ns.Type'");
    check("a has Ns.T'x'", 2, "the operator 'has'");
    check("a div 2 eq 1", 2, "the operator 'div'");
    check("a eq INF", 5, "the number 'INF'");
    check("a eq datetime'2026-11-21'", 5, "the literal datetime'…'");
    check("a eq duration'PT1H'", 5, "the literal duration'…'");
    let bc = Dialect::business_central();
    refuses(&bc, "a eq 1 or b eq 2", 7, "the operator 'or' on distinct fields is not supported");
    reads(&bc, "(a eq 1 or a eq 2) and b eq 3", "(((a eq 1) or (a eq 2)) and (b eq 3))");
    refuses(&bc, "lines/any(x:x/a eq 1)", 6, "the operator 'any' is not supported");
    let b1 = Dialect::sap_b1(Version::V4);
    refuses(&b1, "a in ('x')", 2, "the operator 'in' is not supported");
    refuses(&b1, "a add 1 eq 2", 2, "the operator 'add' is not supported");
    refuses(&b1, "-a eq 2", 0, "the operator '-' is not supported");
    refuses(&b1, "year(a) eq 2026", 0, "the function 'year' is not supported");
    refuses(&b1, "substringof('x',a)", 0, "the function 'substringof' is not supported");
    refuses(&b1, "UpdateDate ge 2026-11-21", 14, "a date or time without quotes is not supported");
    reads(&b1, "UpdateDate ge '2026-11-21' or Valid eq 'tYES'", "((UpdateDate ge '2026-11-21') or (Valid eq 'tYES'))");
}

#[test]
fn the_properties_of_a_condition() {
    let text = "a eq 1 and not contains(b/c,'x') or lines/any(it:it/d eq e and it/f/any(y:y/g in (1))) or it in (2)";
    let found = Expr::parse(text, &everything()).unwrap().properties();
    let names: Vec<String> = found.iter().map(|it| it.name()).collect();
    assert_eq!(names, ["a", "b/c", "lines", "lines/d", "e", "lines/f", "lines/f/g", "it"]);
    assert_eq!(found[1].at.0, 24);
}
