//! From an expression to a filter over rows of one kind.

use truthsource_core::{Decimal, UnixMs};

use super::parse::{Comparator, Expression, Term};
use crate::shopify::moments;

/// What the values of a search key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A moment.
    Time,
    /// A numeric id, or a global one.
    Id,
    /// One word, compared whole and without case.
    Word,
    /// Words, found one after the other and without case.
    Text,
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
}

/// What a row has under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Facet<'a> {
    /// Nothing.
    None,
    /// A moment.
    Time(UnixMs),
    /// An id.
    Id(u64),
    /// Several ids, any of which may match.
    Ids(Vec<u64>),
    /// A text.
    Text(&'a str),
    /// Several texts, any of which may match.
    Texts(Vec<&'a str>),
    /// A yes or no.
    Flag(bool),
    /// A number.
    Number(Decimal),
}

/// Rows that can be searched. `World` is what a row needs to know of its neighbours.
pub trait Searchable<World> {
    /// The keys, and what their values are. All kinds have `id`.
    const KEYS: &'static [(&'static str, KeyKind)];

    /// What this row has under one of [`Self::KEYS`]; the key `default` asks for all a search without key looks at.
    fn facet<'a>(&'a self, world: &'a World, key: &str) -> Facet<'a>;
}

/// A part of a search that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The key it stood at.
    pub field: String,
    /// `invalid_field` or `invalid_value`.
    pub code: &'static str,
}

/// What a row must be to be found.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these.
    All(Vec<Filter>),
    /// One of these.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// This under a key.
    Key(&'static str, Test),
}

/// What a facet must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A moment so compared, on whole seconds.
    Time(Comparator, UnixMs),
    /// An id so compared.
    Id(Comparator, u64),
    /// This word, or one that begins with it.
    Word { text: String, is_prefix: bool },
    /// These words one after the other.
    Text { text: String, is_prefix: bool },
    /// This flag.
    Flag(bool),
    /// A number so compared.
    Number(Comparator, Decimal),
    /// Anything at all.
    Present,
}

/// The filter of `expression` over rows of kind `T`, and what it had to leave out.
#[must_use]
pub fn bind<World, T: Searchable<World>>(expression: &Expression) -> (Filter, Vec<Warning>) {
    let mut warnings = Vec::new();
    let filter = bound(expression, T::KEYS, &mut warnings).unwrap_or(Filter::All(Vec::new()));
    (filter, warnings)
}

type Keys = &'static [(&'static str, KeyKind)];

/// `None` where the expression says nothing that can be asked.
fn bound(expression: &Expression, keys: Keys, warnings: &mut Vec<Warning>) -> Option<Filter> {
    match expression {
        Expression::Term(term) => bound_term(term, keys, warnings),
        Expression::All(sides) => Some(Filter::All(sides.iter().filter_map(|it| bound(it, keys, warnings)).collect())),
        Expression::Any(sides) => {
            let sides: Vec<Filter> = sides.iter().filter_map(|it| bound(it, keys, warnings)).collect();
            (!sides.is_empty()).then_some(Filter::Any(sides))
        }
        Expression::Not(inner) => bound(inner, keys, warnings).map(|it| Filter::Not(Box::new(it))),
    }
}

fn bound_term(term: &Term, keys: Keys, warnings: &mut Vec<Warning>) -> Option<Filter> {
    let (key, kind) = match &term.key {
        None => ("default", KeyKind::Text),
        Some(name) => match keys.iter().find(|(key, _)| key == name) {
            Some((key, kind)) => (*key, *kind),
            None => {
                warnings.push(Warning { field: name.clone(), code: "invalid_field" });
                return None;
            }
        },
    };
    let test = test(kind, term);
    if test.is_none() {
        warnings.push(Warning { field: key.to_owned(), code: "invalid_value" });
    }
    test.map(|test| Filter::Key(key, test))
}

fn test(kind: KeyKind, term: &Term) -> Option<Test> {
    let value = term.value.as_str();
    if value == "*" && !term.quoted {
        return Some(Test::Present);
    }
    let is_prefix = !term.quoted && value.ends_with('*');
    let text = if is_prefix { value.trim_end_matches('*') } else { value }.to_lowercase();
    match kind {
        KeyKind::Time => moments::parse(value).map(|it| Test::Time(term.comparator, moments::whole_second(it))),
        KeyKind::Id => value.rsplit('/').next()?.parse().ok().map(|it| Test::Id(term.comparator, it)),
        KeyKind::Word => Some(Test::Word { text, is_prefix }),
        KeyKind::Text => Some(Test::Text { text, is_prefix }),
        KeyKind::Flag => value.parse().ok().map(Test::Flag),
        KeyKind::Number => value.parse().ok().map(|it| Test::Number(term.comparator, it)),
    }
}

impl Filter {
    /// Whether `row` is found.
    pub fn finds<World, T: Searchable<World>>(&self, world: &World, row: &T) -> bool {
        match self {
            Filter::All(sides) => sides.iter().all(|it| it.finds(world, row)),
            Filter::Any(sides) => sides.iter().any(|it| it.finds(world, row)),
            Filter::Not(inner) => !inner.finds(world, row),
            Filter::Key(key, test) => test.holds(&row.facet(world, key)),
        }
    }

    /// The moments a found row's `updated_at` lies between, as far as the filter says so of all of them.
    #[must_use]
    pub fn updated_between(&self) -> (UnixMs, UnixMs) {
        match self {
            Filter::All(sides) => sides
                .iter()
                .map(Filter::updated_between)
                .fold(EVER, |(low, high), (from, to)| (low.max(from), high.min(to))),
            Filter::Key("updated_at", Test::Time(comparator, moment)) => match comparator {
                Comparator::Is => (*moment, *moment),
                Comparator::AtLeast => (*moment, UnixMs(u64::MAX)),
                Comparator::AtMost => (UnixMs(0), *moment),
            },
            _ => EVER,
        }
    }
}

const EVER: (UnixMs, UnixMs) = (UnixMs(0), UnixMs(u64::MAX));

impl Test {
    fn holds(&self, facet: &Facet<'_>) -> bool {
        match (self, facet) {
            (_, Facet::None) => false,
            (Test::Present, _) => true,
            (Test::Time(comparator, moment), Facet::Time(found)) => compared(*comparator, found, moment),
            (Test::Id(comparator, id), Facet::Id(found)) => compared(*comparator, found, id),
            (Test::Number(comparator, number), Facet::Number(found)) => compared(*comparator, found, number),
            (Test::Flag(flag), Facet::Flag(found)) => flag == found,
            (Test::Word { text, is_prefix }, Facet::Text(found)) => is_same(text, *is_prefix, found),
            (Test::Text { text, is_prefix }, Facet::Text(found)) => has_words(text, *is_prefix, found),
            (test, Facet::Ids(found)) => found.iter().any(|it| test.holds(&Facet::Id(*it))),
            (test, Facet::Texts(found)) => found.iter().any(|it| test.holds(&Facet::Text(it))),
            _ => false,
        }
    }
}

fn compared<T: PartialOrd>(comparator: Comparator, found: &T, asked: &T) -> bool {
    match comparator {
        Comparator::Is => found == asked,
        Comparator::AtLeast => found >= asked,
        Comparator::AtMost => found <= asked,
    }
}

/// `asked` is lower case already.
fn is_same(asked: &str, is_prefix: bool, found: &str) -> bool {
    let mut found = found.chars().flat_map(char::to_lowercase);
    for character in asked.chars() {
        if found.next() != Some(character) {
            return false;
        }
    }
    is_prefix || found.next().is_none()
}

/// Whether the words of `asked` stand in `found`, one after the other.
fn has_words(asked: &str, is_prefix: bool, found: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let is_gap = |it: char| !it.is_alphanumeric();
        text.split(is_gap).filter(|it| !it.is_empty()).map(str::to_lowercase).collect()
    };
    let (asked, found) = (words(asked), words(found));
    let Some((last, others)) = asked.split_last() else { return false };
    found.windows(asked.len()).any(|window| {
        let Some((end, begin)) = window.split_last() else { return false };
        begin == others && if is_prefix { end.starts_with(last.as_str()) } else { end == last }
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    struct Row;

    impl Searchable<()> for Row {
        const KEYS: &'static [(&'static str, KeyKind)] = &[
            ("id", KeyKind::Id),
            ("updated_at", KeyKind::Time),
            ("sku", KeyKind::Word),
            ("title", KeyKind::Text),
            ("test", KeyKind::Flag),
            ("po_number", KeyKind::Word),
            ("inventory_quantity", KeyKind::Number),
        ];

        fn facet<'a>(&'a self, (): &'a (), key: &str) -> Facet<'a> {
            match key {
                "id" => Facet::Id(77),
                "updated_at" => moments::parse("2026-11-21T08:00:00Z").map_or(Facet::None, Facet::Time),
                "sku" => Facet::Texts(vec!["BOLT-8", "BOLT-10"]),
                "title" | "default" => Facet::Text("Hex bolt, zinc-plated"),
                "test" => Facet::Flag(false),
                "inventory_quantity" => Facet::Number(Decimal::from(12)),
                _ => Facet::None,
            }
        }
    }

    fn check(search: &str, expected: bool) {
        let (filter, warnings) = bind::<(), Row>(&parse(search).unwrap());
        assert_eq!((filter.finds(&(), &Row), warnings), (expected, Vec::new()), "{search}");
    }

    #[test]
    fn rows_are_found() {
        check("", true);
        check("id:77", true);
        check("id:>=78", false);
        check("sku:bolt-8", true);
        check("sku:bolt", false);
        check("sku:BOLT*", true);
        check("sku:'BOLT*'", false);
        check("title:'hex bolt'", true);
        check("title:'bolt hex'", false);
        check("title:zin*", true);
        check("zinc", true);
        check("test:false", true);
        check("po_number:7", false);
        check("NOT po_number:7", true);
        check("po_number:*", false);
        check("inventory_quantity:>10", true);
        check("id:77 sku:nut", false);
        check("id:1 OR sku:BOLT-10", true);
    }

    #[test]
    fn bounds_are_inclusive() {
        for comparator in [">", ">=", "<", "<=", ""] {
            check(&format!("updated_at:{comparator}'2026-11-21T08:00:00Z'"), true);
        }
        check("updated_at:>'2026-11-21T08:00:01Z'", false);
        check("updated_at:<'2026-11-21T07:59:59Z'", false);
    }

    #[test]
    fn what_cannot_be_asked_is_left_out() {
        let warned = |search: &str| {
            let (filter, warnings) = bind::<(), Row>(&parse(search).unwrap());
            let fields: Vec<String> = warnings.into_iter().map(|it| format!("{}:{}", it.field, it.code)).collect();
            (filter.finds(&(), &Row), fields)
        };
        assert_eq!(warned("colour:red"), (true, vec!["colour:invalid_field".to_owned()]));
        assert_eq!(warned("updated_at:soon"), (true, vec!["updated_at:invalid_value".to_owned()]));
        assert_eq!(warned("colour:red id:1"), (false, vec!["colour:invalid_field".to_owned()]));
    }

    #[test]
    fn the_window_of_updates_is_known() {
        let between = |search: &str| bind::<(), Row>(&parse(search).unwrap()).0.updated_between();
        let at = |text: &str| moments::parse(text).unwrap();
        assert_eq!(
            between("updated_at:>2026-11-20 updated_at:<=2026-11-21 sku:A"),
            (at("2026-11-20"), at("2026-11-21"))
        );
        assert_eq!(between("updated_at:>2026-11-20 OR sku:A"), EVER);
    }
}
