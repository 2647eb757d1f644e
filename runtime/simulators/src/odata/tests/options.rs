//! Query options.

use crate::odata::{Dialect, Direction, Options, Version};

use super::filter::everything;

fn refuses(dialect: &Dialect, query: &str, expect: &str) {
    assert_eq!(Options::parse(query, dialect).unwrap_err().to_string(), expect, "{query}");
}

#[test]
fn a_query_is_split_before_it_is_decoded() {
    let query = "$filter=name+eq+%27a%26b%3D%2B%27&$top=5&$skip=10&%24count=true&aid=FIN&last='A1'&flag";
    let options = Options::parse(query, &everything()).unwrap();
    assert_eq!(options.filter.as_ref().unwrap().to_string(), "name eq 'a&b=+'");
    assert_eq!((options.top, options.skip, options.count), (Some(5), Some(10), true));
    assert_eq!(
        (options.custom("aid"), options.custom("last"), options.custom("flag")),
        (Some("FIN"), Some("'A1'"), Some(""))
    );
    assert_eq!(options.custom("other"), None);
    assert_eq!(Options::parse("", &everything()), Ok(Options::default()));
}

#[test]
fn lists_of_properties() {
    let options =
        Options::parse("$select=id, customer/name,*&$orderby=a desc,b/c asc,d&$skiptoken=x%20y", &everything());
    let options = options.unwrap();
    let names: Vec<String> = options.select.unwrap().iter().map(|it| it.name()).collect();
    assert_eq!(names, ["id", "customer/name", "*"]);
    let orders: Vec<_> = options.orderby.iter().map(|it| (it.property.name(), it.direction)).collect();
    let expect = [("a", Direction::Descending), ("b/c", Direction::Ascending), ("d", Direction::Ascending)];
    assert_eq!(orders, expect.map(|(name, direction)| (name.to_owned(), direction)));
    assert_eq!(options.skiptoken.as_deref(), Some("x y"));
    let versioned = Options::parse("$schemaversion=2.1", &everything()).unwrap();
    assert_eq!(versioned.schemaversion.as_deref(), Some("2.1"));
}

#[test]
fn an_expanded_property_has_options_of_its_own() {
    let query = "$expand=lines($select=id,code;$filter=code eq 'a;)';$orderby=id desc;$top=5;$expand=item($select=id)),customer";
    let options = Options::parse(query, &everything()).unwrap();
    let lines = &options.expand[0];
    assert_eq!(lines.property.name(), "lines");
    assert_eq!(lines.options.select.as_ref().unwrap().len(), 2);
    assert_eq!(lines.options.filter.as_ref().unwrap().to_string(), "code eq 'a;)'");
    assert_eq!((lines.options.orderby.len(), lines.options.top), (1, Some(5)));
    assert_eq!(lines.options.expand[0].property.name(), "item");
    assert_eq!(options.expand[1].property.name(), "customer");
    assert_eq!(options.expand[1].options, Options::default());
}

#[test]
fn version_3_counts_in_its_own_way() {
    let b1 = Dialect::sap_b1(Version::V3);
    assert!(Options::parse("$inlinecount=allpages", &b1).unwrap().count);
    assert!(!Options::parse("$inlinecount=none", &b1).unwrap().count);
    refuses(&b1, "$count=true", "the option '$count' is not supported at position 0 in 'query'");
    refuses(&b1, "$inlinecount=all", "'allpages' or 'none' expected, found 'all' at position 0 in '$inlinecount'");
    assert!(Options::parse("$inlinecount=allpages", &Dialect::sap_b1(Version::V4)).unwrap().count);
    refuses(
        &Dialect::business_central(),
        "$inlinecount=none",
        "the option '$inlinecount' is not supported at position 0 in 'query'",
    );
}

#[test]
fn what_is_wrong_says_where() {
    let check = |query, expect| refuses(&everything(), query, expect);
    check("a=1&$top=1&$top=2", "'$top' is given more than once at position 11 in 'query'");
    check("$apply=aggregate(x)", "the option '$apply' is not supported at position 0 in 'query'");
    check("a=b&$search=x", "the option '$search' is not supported at position 4 in 'query'");
    check("$Filter=a", "the option '$Filter' is not supported at position 0 in 'query'");
    check("$top=-1", "a whole number expected, found a literal at position 0 in '$top'");
    check("$top=1.5", "a whole number expected, found a literal at position 0 in '$top'");
    check("$top=x", "a whole number expected, found 'x' at position 0 in '$top'");
    check("$top=5 5", "the end expected, found a literal at position 2 in '$top'");
    check("$top=", "a whole number expected, found the end at position 0 in '$top'");
    check("$count=yes", "'true' or 'false' expected, found 'yes' at position 0 in '$count'");
    check("$select=", "a name expected, found the end at position 0 in '$select'");
    check("$select=a,,b", "a name expected, found ',' at position 2 in '$select'");
    check("$select=Ns.T/a", "the qualified name 'Ns.T' is not supported at position 0 in '$select'");
    check("$orderby=a down", "the end expected, found 'down' at position 2 in '$orderby'");
    check("$orderby=length(a)", "ordering by an expression is not supported at position 0 in '$orderby'");
    check("$expand=*", "a name expected, found '*' at position 0 in '$expand'");
    check("$expand=a($levels=2)", "the option '$levels' is not supported at position 2 in '$expand'");
    check("$expand=a($top=1;$top=2)", "'$top' is given more than once at position 9 in '$expand'");
    check("$expand=a($top=1", "';' or ')' expected, found the end at position 8 in '$expand'");
    check("$expand=a(top=1)", "the option 'top' is not supported at position 2 in '$expand'");
    check("$expand=a($skiptoken=1)", "the option '$skiptoken' is not supported at position 2 in '$expand'");
    check("$expand=a($schemaversion=2)", "the option '$schemaversion' is not supported at position 2 in '$expand'");
    check("$expand=a($filter=b eq)", "an operand expected, found ')' at position 14 in '$expand'");
    check("a=1&b=%f&c", "malformed percent-encoding at position 6 in 'query'");
    check("$filter=%FF", "malformed percent-encoding at position 8 in 'query'");
    refuses(&Dialect::dataverse(), "$skip=5", "the option '$skip' is not supported at position 0 in 'query'");
    let b1 = Dialect::sap_b1(Version::V4);
    refuses(
        &b1,
        "$expand=A($select=b)",
        "an option of an expanded property is not supported at position 1 in '$expand'",
    );
}
