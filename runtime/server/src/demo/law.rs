//! Whose word stands, field by field: what a judge needs to know of a tenant's rules.

use std::collections::BTreeMap;

use truthsource_core::rules::matches;
use truthsource_core::schema;

use crate::engine::rules::RulesSpec;

/// Whose word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// That of the system in this place.
    Owner(usize),
    /// The last one.
    Newest,
    /// That of somebody: who it is, is for the tenant's own policy to say.
    Any,
}

/// The word that stands, by kind and field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Law(BTreeMap<(&'static str, &'static str), Word>);

/// The slot of the policy by which the last word stands.
const NEWEST: &str = "conflict:newest";

impl Default for Law {
    /// That of the demonstration: see [`super::setup::rules`].
    fn default() -> Self {
        let newest = [("item", "title"), ("price", "amount")].map(|it| (it, Word::Newest));
        let owned = [("item", "code"), ("item", "barcode"), ("item", "active")];
        let owned = owned.into_iter().chain([("company", "code"), ("company", "name"), ("company", "email")]);
        let owned = owned.chain([("price", "breaks")]).map(|it| (it, Word::Owner(0)));
        Self(newest.into_iter().chain(owned).collect())
    }
}

impl Law {
    /// That of rules, for connections of these names.
    #[must_use]
    pub fn of(rules: &RulesSpec, names: &[String]) -> Self {
        let seat = |name: &String| names.iter().position(|it| it == name);
        let mut law = BTreeMap::new();
        for kind in truthsource_core::Kind::ALL {
            for field in schema::of(kind).fields {
                let is_about = |it: &&crate::engine::rules::FieldSpec| {
                    it.kind.is_none_or(|of| of == kind) && matches(&it.field, field.name)
                };
                let rule = rules.fields.iter().find(is_about);
                let owner = rule.and_then(|it| it.owner.as_ref()).and_then(seat);
                let is_newest = rule.is_some_and(|it| it.policy.as_deref() == Some(NEWEST));
                let word = owner.map_or(if is_newest { Word::Newest } else { Word::Any }, Word::Owner);
                law.insert((kind.as_str(), field.name), word);
            }
        }
        Self(law)
    }

    /// Whose word stands on a field of a kind.
    #[must_use]
    pub fn word(&self, kind: &str, field: &str) -> Word {
        let known = self.0.iter().find(|((of, name), _)| *of == kind && *name == field);
        known.map_or(Word::Any, |(_, word)| *word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_of_the_demonstration_is_that_of_its_rules() {
        let rules: RulesSpec = serde_json::from_value(crate::demo::setup::rules("erp")).unwrap();
        let read = Law::of(&rules, &["erp".to_owned(), "shop".to_owned()]);
        for ((kind, field), word) in Law::default().0 {
            assert_eq!(read.word(kind, field), word, "{kind} {field}");
        }
        assert_eq!(read.word("stock-level", "on_hand"), Word::Any);
    }

    #[test]
    fn the_first_rule_about_a_field_says_whose_word_stands() {
        let rules = r#"
            [[fields]]
            kind = "item"
            field = "title"
            policy = "conflict:newest"

            [[fields]]
            field = "t*"
            owner = "shop"

            [[fields]]
            kind = "item"
            field = "barcode"
            owner = "nobody"
            policy = "conflict:newest"

            [[fields]]
            kind = "item"
            field = "*"
            owner = "erp"
            policy = "conflict:owner"

            [[fields]]
            kind = "company"
            field = "name"
            policy = "conflict:rank"
        "#;
        let law = Law::of(&toml::from_str(rules).unwrap(), &["erp".to_owned(), "shop".to_owned()]);
        let cases = [
            ("item", "title", Word::Newest),
            ("order", "total", Word::Owner(1)),
            ("item", "barcode", Word::Newest),
            ("item", "code", Word::Owner(0)),
            ("company", "name", Word::Any),
            ("company", "email", Word::Any),
            ("item", "no such field", Word::Any),
        ];
        for (kind, field, word) in cases {
            assert_eq!(law.word(kind, field), word, "{kind} {field}");
        }
    }
}
