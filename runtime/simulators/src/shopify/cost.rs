//! What a document costs, before and after it is carried out, and the fields it names that do not exist.

use std::collections::BTreeMap;

use async_graphql::Variables;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, InputValueDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, ServiceDocument, Type, TypeKind, TypeSystemDefinition, VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned, Value as ConstValue};
use serde_json::json;

use super::settings::Settings;

/// What a mutation costs, whatever it answers with.
const MUTATION: u64 = 10;
/// What a connection costs beside its nodes.
const CONNECTION: u64 = 2;
/// Documents are not looked into deeper than this; the executor refuses them anyway.
const DEPTH_MAX: usize = 64;

/// The fields of every type, as the schema prints them.
#[derive(Debug, Default)]
pub struct TypeTable {
    types: BTreeMap<String, BTreeMap<String, FieldInfo>>,
}

#[derive(Debug)]
struct FieldInfo {
    named: String,
    arguments: Vec<(String, bool)>,
}

impl TypeTable {
    /// Reads the types of a schema.
    #[must_use]
    pub fn new(schema: &ServiceDocument) -> Self {
        let mut types = BTreeMap::new();
        for definition in &schema.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let fields = match &definition.node.kind {
                TypeKind::Object(it) => &it.fields,
                TypeKind::Interface(it) => &it.fields,
                TypeKind::Union(_) => &Vec::new(),
                _ => continue,
            };
            let fields = fields.iter().map(|it| {
                let arguments =
                    it.node.arguments.iter().map(|it| (it.node.name.node.to_string(), is_required(&it.node)));
                let info = FieldInfo { named: named(&it.node.ty.node), arguments: arguments.collect() };
                (it.node.name.node.to_string(), info)
            });
            types.insert(definition.node.name.node.to_string(), fields.collect());
        }
        Self { types }
    }

    fn is_connection(&self, ty: &str) -> bool {
        ty.ends_with("Connection") && self.types.get(ty).is_some_and(|it| it.contains_key("edges"))
    }
}

fn is_required(argument: &InputValueDefinition) -> bool {
    !argument.ty.node.nullable && argument.default_value.is_none()
}

fn named(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => named(inner),
    }
}

/// A document under examination.
pub struct Survey<'a> {
    /// The schema's types.
    pub table: &'a TypeTable,
    /// The document.
    pub document: &'a ExecutableDocument,
    /// The variables it comes with.
    pub variables: &'a Variables,
    /// What a page weighs.
    pub settings: &'a Settings,
}

impl Survey<'_> {
    /// The operation that is meant: the named one, or the only one.
    #[must_use]
    pub fn operation(&self, name: Option<&str>) -> Option<&Positioned<OperationDefinition>> {
        let mut operations = self.document.operations.iter();
        match name {
            Some(name) => operations.find(|(it, _)| it.is_some_and(|it| it.as_str() == name)).map(|(_, it)| it),
            None => operations.next().map(|(_, it)| it).filter(|_| operations.next().is_none()),
        }
    }

    /// The variables an operation needs and was not given, as the real API says it.
    #[must_use]
    pub fn variable_faults(&self, operation: &OperationDefinition) -> Vec<serde_json::Value> {
        let is_missing = |name: &Name| matches!(self.variables.get(name), None | Some(ConstValue::Null));
        let needed = operation.variable_definitions.iter().filter(|it| {
            !it.node.var_type.node.nullable && it.node.default_value.is_none() && is_missing(&it.node.name.node)
        });
        let fault = |it: &Positioned<VariableDefinition>| {
            let (name, ty) = (&it.node.name.node, &it.node.var_type.node);
            json!({
                "message": format!("Variable ${name} of type {ty} was provided invalid value"),
                "locations": located(it.pos),
                "extensions": { "value": null, "problems": [{ "path": [], "explanation": "Expected value to not be null" }] },
            })
        };
        needed.map(fault).collect()
    }

    /// What is wrong with the fields and arguments of the whole document, as the real API says it.
    #[must_use]
    pub fn faults(&self) -> Vec<serde_json::Value> {
        let mut faults = Vec::new();
        for (name, operation) in self.document.operations.iter() {
            let word = operation.node.ty.to_string();
            let path = vec![name.map_or_else(|| word.clone(), |name| format!("{word} {name}"))];
            self.check(&operation.node.selection_set.node, root(operation.node.ty), &path, &mut faults);
        }
        let mut fragments: Vec<_> = self.document.fragments.iter().collect();
        fragments.sort_by_key(|(name, _)| (*name).clone());
        for (name, fragment) in fragments {
            let ty = fragment.node.type_condition.node.on.node.as_str();
            self.check(&fragment.node.selection_set.node, ty, &[format!("fragment {name}")], &mut faults);
        }
        faults
    }

    fn check(&self, set: &SelectionSet, ty: &str, path: &[String], faults: &mut Vec<serde_json::Value>) {
        let Some(fields) = self.table.types.get(ty) else { return };
        if path.len() > DEPTH_MAX {
            return;
        }
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    if name.starts_with("__") {
                        continue;
                    }
                    let key = field.node.response_key().node.to_string();
                    let path: Vec<String> = path.iter().cloned().chain([key]).collect();
                    match fields.get(name) {
                        None => faults.push(undefined_field(ty, field, &path)),
                        Some(info) => {
                            faults.extend(argument_faults(info, field, &path));
                            self.check(&field.node.selection_set.node, &info.named, &path, faults);
                        }
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map_or(ty, |it| it.node.on.node.as_str());
                    let path: Vec<String> = path.iter().cloned().chain([format!("... on {on}")]).collect();
                    self.check(&fragment.node.selection_set.node, on, &path, faults);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// The points an operation is charged in advance.
    #[must_use]
    pub fn requested(&self, operation: &OperationDefinition) -> u64 {
        self.operation_cost(operation, None)
    }

    /// The points an operation has cost, by what it answered with.
    #[must_use]
    pub fn actual(&self, operation: &OperationDefinition, data: &ConstValue) -> u64 {
        self.operation_cost(operation, Some(data)).clamp(1, self.requested(operation).max(1))
    }

    fn operation_cost(&self, operation: &OperationDefinition, data: Option<&ConstValue>) -> u64 {
        let root = root(operation.ty);
        let fields = self.fields(&operation.selection_set.node, root, 0);
        let costs = fields.into_iter().map(|(on, field)| {
            let cost = self.field(on, field, data, 0);
            if operation.ty == OperationType::Mutation {
                MUTATION + cost.saturating_sub(self.plain(on, field))
            } else {
                cost
            }
        });
        costs.sum()
    }

    /// What the objects of a mutation's answer would cost: they are in the mutation's own price.
    fn plain(&self, on: &str, field: &Field) -> u64 {
        let Some(info) = self.table.types.get(on).and_then(|it| it.get(field.name.node.as_str())) else { return 0 };
        if !self.table.types.contains_key(&info.named) || self.table.is_connection(&info.named) {
            return 0;
        }
        let inner = self.fields(&field.selection_set.node, &info.named, 0);
        1 + inner.into_iter().map(|(on, field)| self.plain(on, field)).sum::<u64>()
    }

    fn field(&self, on: &str, field: &Field, parent: Option<&ConstValue>, depth: usize) -> u64 {
        let Some(info) = self.table.types.get(on).and_then(|it| it.get(field.name.node.as_str())) else { return 0 };
        if depth > DEPTH_MAX || !self.table.types.contains_key(&info.named) || info.named == "PageInfo" {
            return 0;
        }
        let seen = parent.map(|it| entry(it, field.response_key().node.as_str()));
        if self.table.is_connection(&info.named) {
            return self.connection(&info.named, field, seen, depth);
        }
        match seen {
            Some(ConstValue::Null) => 0,
            Some(ConstValue::List(items)) => {
                items.iter().map(|it| 1 + self.object(&info.named, field, Some(it), depth)).max().unwrap_or(0)
            }
            seen => 1 + self.object(&info.named, field, seen, depth),
        }
    }

    fn object(&self, ty: &str, field: &Field, seen: Option<&ConstValue>, depth: usize) -> u64 {
        let fields = self.fields(&field.selection_set.node, ty, depth);
        fields.into_iter().map(|(on, it)| self.field(on, it, seen, depth + 1)).sum()
    }

    /// A connection costs its base and one node as often as its page weighs.
    fn connection(&self, ty: &str, field: &Field, seen: Option<&ConstValue>, depth: usize) -> u64 {
        let asked = ["first", "last"].iter().find_map(|name| self.count(field, name));
        let (mut size, mut node) = (asked.unwrap_or(0), 0);
        if seen.is_some() {
            size = 0;
        }
        for (on, part) in self.fields(&field.selection_set.node, ty, depth) {
            let listed = seen.map(|it| entry(it, part.response_key().node.as_str()));
            match (part.name.node.as_str(), listed) {
                ("nodes" | "edges", None) => node = node.max(self.field(on, part, None, depth + 1)),
                ("nodes" | "edges", Some(ConstValue::List(items))) => {
                    size = size.max(items.len() as u64);
                    let costs =
                        items.iter().map(|it| 1 + self.object(&self.named_of(on, part), part, Some(it), depth + 1));
                    node = node.max(costs.max().unwrap_or(0));
                }
                _ => {}
            }
            if part.name.node.as_str() == "edges" {
                // The edge itself is free, as the page is.
                node = node.saturating_sub(1);
            }
        }
        CONNECTION + self.settings.page_weight(size) * node
    }

    fn named_of(&self, on: &str, field: &Field) -> String {
        let info = self.table.types.get(on).and_then(|it| it.get(field.name.node.as_str()));
        info.map(|it| it.named.clone()).unwrap_or_default()
    }

    /// The fields of a selection with the types they are selected on, fragments resolved.
    fn fields<'a>(&'a self, set: &'a SelectionSet, ty: &'a str, depth: usize) -> Vec<(&'a str, &'a Field)> {
        let mut fields = Vec::new();
        if depth > DEPTH_MAX {
            return fields;
        }
        for selection in &set.items {
            if self.is_left_out(&selection.node) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => fields.push((ty, &field.node)),
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map_or(ty, |it| it.node.on.node.as_str());
                    fields.extend(self.fields(&fragment.node.selection_set.node, on, depth + 1));
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        fields.extend(self.fields(&fragment.node.selection_set.node, on, depth + 1));
                    }
                }
            }
        }
        fields
    }

    fn is_left_out(&self, selection: &Selection) -> bool {
        selection.directives().iter().any(|directive| {
            let condition = directive.node.get_argument("if").map(|it| it.node.clone());
            let condition = condition.and_then(|it| it.into_const_with(|name| self.variable(&name)).ok());
            let condition = matches!(condition, Some(ConstValue::Boolean(true)));
            match directive.node.name.node.as_str() {
                "skip" => condition,
                "include" => !condition,
                _ => false,
            }
        })
    }

    fn count(&self, field: &Field, argument: &str) -> Option<u64> {
        let value = field.get_argument(argument)?.node.clone();
        match value.into_const_with(|name| self.variable(&name)).ok()? {
            ConstValue::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    fn variable(&self, name: &Name) -> Result<ConstValue, Missing> {
        self.variables.get(name).cloned().ok_or(Missing)
    }
}

/// A variable that was not sent.
struct Missing;

fn root(operation: OperationType) -> &'static str {
    match operation {
        OperationType::Query => "QueryRoot",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

fn entry<'a>(object: &'a ConstValue, key: &str) -> &'a ConstValue {
    match object {
        ConstValue::Object(fields) => fields.get(key).unwrap_or(&ConstValue::Null),
        _ => &ConstValue::Null,
    }
}

fn located(pos: Pos) -> serde_json::Value {
    json!([{ "line": pos.line, "column": pos.column }])
}

fn undefined_field(ty: &str, field: &Positioned<Field>, path: &[String]) -> serde_json::Value {
    let name = field.node.name.node.as_str();
    json!({
        "message": format!("Field '{name}' doesn't exist on type '{ty}'"),
        "locations": located(field.pos),
        "path": path,
        "extensions": { "code": "undefinedField", "typeName": ty, "fieldName": name },
    })
}

fn argument_faults(info: &FieldInfo, field: &Positioned<Field>, path: &[String]) -> Vec<serde_json::Value> {
    let name = field.node.name.node.as_str();
    let mut faults = Vec::new();
    for (argument, _) in &field.node.arguments {
        let given = argument.node.as_str();
        if !info.arguments.iter().any(|(known, _)| known == given) {
            faults.push(json!({
                "message": format!("Field '{name}' doesn't accept argument '{given}'"),
                "locations": located(argument.pos),
                "path": path.iter().map(String::as_str).chain([given]).collect::<Vec<_>>(),
                "extensions": { "code": "argumentNotAccepted", "name": name, "typeName": "Field", "argumentName": given },
            }));
        }
    }
    let is_missing = |known: &&(String, bool)| known.1 && field.node.get_argument(&known.0).is_none();
    let missing: Vec<&str> = info.arguments.iter().filter(is_missing).map(|(name, _)| name.as_str()).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        faults.push(json!({
            "message": format!("Field '{name}' is missing required arguments: {missing}"),
            "locations": located(field.pos),
            "path": path,
            "extensions": { "code": "missingRequiredArguments", "className": "Field", "name": name, "arguments": missing },
        }));
    }
    faults
}
