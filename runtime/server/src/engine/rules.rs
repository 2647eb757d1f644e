//! A tenant's rules as it writes them: connections by name, fields by pattern. What cannot be meant is told, with its
//! place.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use truthsource_core::record::ConnectionId;
use truthsource_core::rules::{ConnectionRule, Direction, FieldRule, Rules, matches};
use truthsource_core::{Kind, schema};
use utoipa::ToSchema;

use super::stock_rules::StockSpec;
use crate::store::Connection;

/// The name of the setting that holds [`RulesSpec`].
pub const RULES: &str = "rules";

/// A tenant's rules: who has a say, who owns which field, and which policy is asked when systems disagree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesSpec {
    /// What part connections have, by name. One that is absent takes part as its spec says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, PartSpec>,
    /// The first rule that matches a field counts.
    #[serde(default)]
    pub fields: Vec<FieldSpec>,
}

/// What part a connection has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartSpec {
    /// Its authority, 0 the highest; absent: as its spec says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// Its role by kind; absent: as its spec says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Role>)]
    pub kinds: BTreeMap<Kind, Role>,
}

/// A connection's role in a kind. None has more of a part than the connection's spec allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Its word stands on every field that no rule speaks of.
    Owner,
    /// What it holds counts, and it is told.
    Contributor,
    /// It is told, and what it holds counts for nothing.
    Subscriber,
}

/// Who owns a field and who decides about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The kind; absent: every kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub kind: Option<Kind>,
    /// A field's name, or a pattern: `*` stands for any letters or none.
    pub field: String,
    /// The connection whose word stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The slot of the policy that is asked: `conflict:stock-level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// Something in the rules that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, as a JSON pointer.
    pub at: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl FieldSpec {
    /// The kinds and fields that it matches.
    fn subjects(&self) -> impl Iterator<Item = (Kind, &'static str)> {
        let kinds = self.kind.map_or_else(|| Kind::ALL.to_vec(), |it| vec![it]);
        let fields = kinds.into_iter().flat_map(|kind| schema::of(kind).fields.iter().map(move |it| (kind, it.name)));
        fields.filter(|(_, name)| matches(&self.field, name))
    }
}

impl RulesSpec {
    /// The rules, with connections by number.
    #[must_use]
    pub fn resolve(&self, connections: &BTreeMap<ConnectionId, Connection>, stock: &StockSpec) -> Rules {
        let by_name = |name: &String| connections.values().find(|it| it.name == *name).map(|it| it.id);
        let part = |it: &Connection| {
            let part = self.connections.get(&it.name);
            let role = |kind: &Kind| part.and_then(|part| part.kinds.get(kind));
            let kinds = it.spec.kinds.iter().map(|(kind, may)| (*kind, narrowed(*may, role(kind).copied())));
            ConnectionRule {
                name: it.name.clone(),
                rank: part.and_then(|it| it.rank).unwrap_or(it.spec.rank),
                kinds: kinds.collect(),
                publishes: it.spec.publishes.clone(),
                imports: it.spec.import_when,
            }
        };
        let field = |it: &FieldSpec| FieldRule {
            kind: it.kind,
            field: it.field.clone(),
            owner: it.owner.as_ref().and_then(by_name),
            policy: it.policy.clone(),
        };
        // Rules come before roles: they are about single fields.
        let owning = self.owners().map(|(kind, name)| FieldRule {
            kind: Some(kind),
            field: "*".to_owned(),
            owner: by_name(name),
            policy: None,
        });
        Rules {
            connections: connections.values().map(|it| (it.id, part(it))).collect(),
            fields: self.fields.iter().map(field).chain(owning).collect(),
            stock: stock.resolve(by_name),
        }
    }

    /// The kinds that a role gives an owner, and that.
    fn owners(&self) -> impl Iterator<Item = (Kind, &String)> {
        let parts = self.connections.iter();
        parts.flat_map(|(name, part)| {
            part.kinds.iter().filter(|(_, role)| **role == Role::Owner).map(move |(kind, _)| (*kind, name))
        })
    }

    /// The slots of policies that they name.
    pub fn policies(&self) -> BTreeSet<&String> {
        self.fields.iter().filter_map(|it| it.policy.as_ref()).collect()
    }

    /// Everything that cannot be meant: a rule with a typing error would silently decide nothing. `filled`: the slots in
    /// which something is active.
    #[must_use]
    pub fn mistakes(&self, connections: &[Connection], filled: &BTreeSet<String>) -> Vec<Mistake> {
        let mut found = Vec::new();
        self.parts_mistaken(connections, &mut found);
        let mut taken: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
        for (at, rule) in self.fields.iter().enumerate() {
            let mut wrong =
                |member: &str, what: String| found.push(Mistake { at: format!("/fields/{at}{member}"), what });
            let subjects: Vec<_> = rule.subjects().collect();
            if subjects.is_empty() {
                wrong("/field", no_field(rule));
            } else if subjects.iter().all(|it| taken.contains_key(it)) {
                wrong("", self.never_counts(rule, &subjects, &taken));
            }
            for subject in subjects {
                taken.entry(subject).or_insert(at);
            }
            if let Some(owner) = rule.owner.as_ref().filter(|owner| connections.iter().all(|it| it.name != **owner)) {
                wrong("/owner", no_connection(owner, connections));
            }
            match rule.policy.as_deref() {
                Some(slot) if !is_policy(slot) => {
                    wrong(
                        "/policy",
                        format!("`{slot}` is no policy's slot; one is called like `conflict:stock-level`"),
                    );
                }
                Some(slot) if !filled.contains(slot) => {
                    wrong("/policy", format!("nothing answers `{slot}`: activate a policy there first"));
                }
                _ => {}
            }
        }
        found
    }

    fn parts_mistaken(&self, connections: &[Connection], found: &mut Vec<Mistake>) {
        let mut owners: BTreeMap<Kind, &String> = BTreeMap::new();
        for (name, part) in &self.connections {
            let mut wrong = |member: String, what: String| {
                found.push(Mistake { at: format!("/connections/{name}{member}"), what });
            };
            let Some(connection) = connections.iter().find(|it| it.name == *name) else {
                wrong(String::new(), no_connection(name, connections));
                continue;
            };
            for (kind, role) in &part.kinds {
                let place = format!("/kinds/{kind}");
                match connection.spec.kinds.get(kind) {
                    None => wrong(place, format!("`{name}` takes no part in `{kind}`: add the kind to its spec first")),
                    Some(may) if *role != Role::Subscriber && !may.reads => {
                        wrong(
                            place,
                            format!("by its spec nothing of `{kind}` is read at `{name}`: it can only subscribe"),
                        );
                    }
                    Some(may) if *role == Role::Subscriber && !may.writes => {
                        wrong(place, format!("by its spec `{name}` is told nothing of `{kind}`: it cannot subscribe"));
                    }
                    Some(_) if *role == Role::Owner => match owners.get(kind) {
                        Some(other) => wrong(place, format!("`{kind}` has two owners: `{other}` and `{name}`")),
                        None => drop(owners.insert(*kind, name)),
                    },
                    Some(_) => {}
                }
            }
        }
    }

    /// Why a rule never counts: rules before it speak of all its fields.
    fn never_counts(
        &self,
        rule: &FieldSpec,
        subjects: &[(Kind, &'static str)],
        taken: &BTreeMap<(Kind, &str), usize>,
    ) -> String {
        let by: BTreeSet<usize> = subjects.iter().filter_map(|it| taken.get(it)).copied().collect();
        let other =
            by.iter().filter_map(|at| self.fields[*at].owner.as_ref()).find(|it| Some(*it) != rule.owner.as_ref());
        if let (Some(owner), Some(other)) = (&rule.owner, other) {
            return format!("`{}` has two owners: `{other}` by a rule before, and `{owner}` by this one", rule.field);
        }
        let by: Vec<String> = by.iter().map(|at| format!("/fields/{at}")).collect();
        format!("it never counts: {} before it speaks of every field of it", by.join(" and "))
    }
}

fn narrowed(may: Direction, role: Option<Role>) -> Direction {
    match role {
        Some(Role::Subscriber) => Direction { reads: false, ..may },
        Some(Role::Owner | Role::Contributor) | None => may,
    }
}

fn no_field(rule: &FieldSpec) -> String {
    let (field, of) = (&rule.field, rule.kind.map_or("no kind".to_owned(), |it| format!("no `{it}`")));
    let is_pattern = if field.contains('*') { "matches nothing" } else { "is no field" };
    let names = rule.kind.map(|kind| schema::of(kind).fields.iter().map(|it| it.name).collect::<Vec<_>>().join(", "));
    match names {
        Some(names) => format!("`{field}` {is_pattern}: {of} has one; its fields are {names}"),
        None => format!("`{field}` {is_pattern}: {of} has such a field"),
    }
}

fn no_connection(name: &str, connections: &[Connection]) -> String {
    let names: Vec<&str> = connections.iter().map(|it| it.name.as_str()).collect();
    format!("`{name}` is no connection; there are: {}", names.join(", "))
}

/// It is the name of a slot that conflict policies fill.
fn is_policy(slot: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    slot.strip_prefix("conflict:")
        .is_some_and(|it| (1..=64).contains(&it.len()) && it.bytes().all(is_letter) && !it.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, SHOP, spec};
    use crate::store::{ConnectionSpec, ConnectionState};
    use truthsource_core::UnixMs;

    fn connections() -> Vec<Connection> {
        let made = |(id, name, rank): (ConnectionId, &str, u32)| {
            let mut spec = ConnectionSpec { rank, ..spec() };
            if id == SHOP {
                spec.kinds.insert(Kind::Location, Direction { reads: false, writes: true, creates: true });
                spec.kinds.insert(Kind::Order, Direction::READ);
            }
            let (name, state) = (name.to_owned(), ConnectionState::Active);
            Connection { id, name, spec, state, trouble: None, created_at: UnixMs(0), revision: 0 }
        };
        [(ERP, "erp", 0), (SHOP, "shop", 1)].map(made).into()
    }

    fn rules(toml: &str) -> RulesSpec {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_its_place() {
        let filled = BTreeSet::from(["conflict:x".to_owned()]);
        let check = |toml: &str, expect: &[(&str, &str)]| {
            let found = rules(toml).mistakes(&connections(), &filled);
            let places: Vec<&str> = found.iter().map(|it| it.at.as_str()).collect();
            assert_eq!(places, expect.iter().map(|it| it.0).collect::<Vec<_>>(), "{found:?}");
            for (mistake, (_, words)) in found.iter().zip(expect) {
                assert!(mistake.what.contains(words), "{words} is not in {}", mistake.what);
            }
        };
        check("", &[]);
        check("[[fields]]\nkind='item'\nfield='t*'\nowner='erp'\npolicy='conflict:x'", &[]);
        check("[[fields]]\nkind='item'\nfield='titel'", &[("/fields/0/field", "its fields are code, title")]);
        check("[[fields]]\nfield='x*'", &[("/fields/0/field", "matches nothing")]);
        check("[[fields]]\nfield='*'\nowner='erq'", &[("/fields/0/owner", "there are: erp, shop")]);
        check("[[fields]]\nfield='*'\npolicy='newest'", &[("/fields/0/policy", "no policy's slot")]);
        check("[[fields]]\nfield='*'\npolicy='conflict:y'", &[("/fields/0/policy", "nothing answers")]);
        let twice = "[[fields]]\nkind='item'\nfield='*'\nowner='erp'\n[[fields]]\nkind='item'\nfield='title'\n";
        check(&format!("{twice}owner='shop'"), &[("/fields/1", "has two owners: `erp`")]);
        check(twice, &[("/fields/1", "/fields/0 before it")]);
        // Another kind has the field too.
        check("[[fields]]\nkind='item'\nfield='*'\n[[fields]]\nfield='code'", &[]);
        check("[connections.web]\nrank=1", &[("/connections/web", "no connection")]);
        let part = |name: &str, kind: &str, role: &str| format!("[connections.{name}.kinds]\n{kind} = '{role}'\n");
        check(&part("erp", "order", "owner"), &[("/connections/erp/kinds/order", "takes no part")]);
        check(&part("shop", "location", "contributor"), &[("/connections/shop/kinds/location", "only subscribe")]);
        check(&part("shop", "order", "subscriber"), &[("/connections/shop/kinds/order", "cannot subscribe")]);
        check(
            &(part("erp", "item", "owner") + &part("shop", "item", "owner")),
            &[("/connections/shop/kinds/item", "two owners: `erp` and `shop`")],
        );
    }

    #[test]
    fn roles_narrow_what_specs_allow_and_own_what_no_rule_speaks_of() {
        let all = connections().into_iter().map(|it| (it.id, it)).collect();
        let spec = rules(
            "[connections.erp]\nrank = 4\nkinds.item = 'owner'\n[connections.shop.kinds]\nitem = 'subscriber'\n\
             [[fields]]\nkind = 'item'\nfield = 'title'\nowner = 'shop'",
        );
        let resolved = spec.resolve(&all, &StockSpec::default());
        assert_eq!((resolved.rank(ERP), resolved.rank(SHOP)), (4, 1));
        let told = Direction { reads: false, writes: true, creates: true };
        assert_eq!(resolved.direction(SHOP, Kind::Item), Some(told));
        assert_eq!(resolved.direction(SHOP, Kind::Price), Some(Direction::BOTH));
        let owner = |field: &str| resolved.field(Kind::Item, field).and_then(|it| it.owner);
        assert_eq!((owner("title"), owner("code")), (Some(SHOP), Some(ERP)));
        assert_eq!(resolved.field(Kind::Price, "amount"), None);
    }
}
