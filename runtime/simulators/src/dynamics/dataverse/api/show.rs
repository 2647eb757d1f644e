//! Records as the API shows them.

use super::super::super::json::Json;
use super::super::super::moment;
use super::super::super::table::{Cell, Row};
use super::super::metadata::{self, Column, Entity, Ty};
use super::super::problem::Problem;
use super::super::state::State;
use super::read::matching;
use crate::odata::{self, Expand, Options};
use truthsource_core::Decimal;

/// A record together with where it stands, as conditions and answers see it.
#[derive(Clone, Copy)]
pub(super) struct Shown<'s> {
    pub state: &'s State,
    pub entity: &'static Entity,
    pub row: &'s Row,
}

/// A record's etag: its row version.
pub(super) fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

impl odata::Row for Shown<'_> {
    fn cell(&self, path: &[String]) -> Option<odata::Cell> {
        match path {
            [name] if name == self.entity.id => Some(odata::Cell::Guid(odata::Guid(self.row.id.bits()))),
            [name] => Some(match self.value(self.entity.column(name)?.name) {
                Cell::Null => odata::Cell::Null,
                Cell::Flag(flag) => odata::Cell::Flag(flag),
                Cell::Number(number) => odata::Cell::Number(number),
                Cell::Text(text) => odata::Cell::Text(text),
                Cell::Id(id) => odata::Cell::Guid(odata::Guid(id.bits())),
                Cell::Day(day) => odata::Cell::Date(day),
                Cell::Moment(at) => at.into(),
            }),
            [nav, rest @ ..] => {
                let (column, set) = self.entity.binding(nav)?;
                let entity = metadata::of(set);
                match self.state.row(set, self.row.reference(column.name)) {
                    Some(row) => Shown { state: self.state, entity, row }.cell(rest),
                    None => Some(odata::Cell::Null),
                }
            }
            [] => None,
        }
    }

    fn rows(&self, path: &[String]) -> Option<Vec<Box<dyn odata::Row + '_>>> {
        match path {
            [name] => {
                let (_, set, _) = self.entity.owned.iter().find(|(it, ..)| it == name)?;
                let rows = self.state.table(*set).owned_by(self.row.id);
                let (state, entity) = (self.state, metadata::of(*set));
                Some(rows.map(|row| Box::new(Shown { state, entity, row }) as Box<dyn odata::Row>).collect())
            }
            _ => None,
        }
    }
}

impl Shown<'_> {
    /// What a column holds.
    pub(super) fn value(&self, column: &str) -> Cell {
        match column {
            "createdon" => Cell::Moment(self.row.created),
            "modifiedon" => Cell::Moment(self.row.modified),
            _ => match self.row.cell(column) {
                Some(Cell::Id(id)) if id.is_zero() => Cell::Null,
                Some(Cell::Text(text)) if text.is_empty() => Cell::Null,
                Some(cell) => cell.clone(),
                None => Cell::Null,
            },
        }
    }

    /// The record as JSON, with what the options select and expand.
    pub(super) fn json(&self, options: &Options, is_annotated: bool) -> Result<Json, Problem> {
        let is_selected = |name: &str| match &options.select {
            None => true,
            Some(select) => select.iter().any(|it| it.path == [name]),
        };
        let mut members = vec![("@odata.etag".to_owned(), Json::text(etag(self.row.version)))];
        for column in self.entity.columns.iter().filter(|it| is_selected(it.name)) {
            let value = self.value(column.name);
            if is_annotated {
                members.extend(self.annotations(column, &value));
            }
            members.push((column.name.to_owned(), spelled(value)));
        }
        members.push((self.entity.id.to_owned(), Json::text(self.row.id.to_string())));
        for expand in &options.expand {
            members.push((expand.property.name(), self.expanded(expand, is_annotated)?));
        }
        Ok(Json::Object(members))
    }

    /// What people read of a value, and which table a lookup is of. Numbers and times are spelled as in the United States.
    fn annotations(&self, column: &Column, value: &Cell) -> Vec<(String, Json)> {
        let named = |what: &str, text: &str| (format!("{}@{what}", column.name), Json::text(text));
        let formatted = |text: &str| vec![named("OData.Community.Display.V1.FormattedValue", text)];
        match (column.ty, value) {
            (Ty::Lookup(ways), Cell::Id(id)) => {
                let row = |set| self.state.row(set, *id).map(|row| (metadata::of(set), row));
                let Some((entity, row)) = ways.iter().find_map(|(_, set)| row(*set)) else { return Vec::new() };
                let names = ["name", "currencyname", "msdyn_name"].into_iter().chain(entity.key);
                let name = names.map(|it| row.text(it)).find(|it| !it.is_empty()).unwrap_or_default();
                let table = named("Microsoft.Dynamics.CRM.lookuplogicalname", entity.name);
                formatted(name).into_iter().chain([table]).collect()
            }
            (Ty::Choice(values), Cell::Number(number)) => {
                let label = values.iter().find(|(value, _)| *number == Decimal::from(*value));
                label.map(|(_, label)| formatted(label)).unwrap_or_default()
            }
            (Ty::Number, Cell::Number(number)) => formatted(&grouped(*number)),
            (Ty::Flag, Cell::Flag(flag)) => formatted(if *flag { "Yes" } else { "No" }),
            (Ty::Moment, Cell::Moment(at)) => formatted(&moment::of_people(*at)),
            _ => Vec::new(),
        }
    }

    fn expanded(&self, expand: &Expand, is_annotated: bool) -> Result<Json, Problem> {
        let name = expand.property.name();
        if let Some((_, set, _)) = self.entity.owned.iter().find(|(it, ..)| *it == name) {
            let (entity, options) = (metadata::of(*set), &expand.options);
            if options.count {
                return Err(Problem::query(format!("The query option '$count' is not supported in $expand={name}.")));
            }
            let rows = matching(self.state, entity, Some(self.row.id), options)?;
            let top = options.top.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
            return rows
                .iter()
                .take(top)
                .map(|it| it.json(options, is_annotated))
                .collect::<Result<_, _>>()
                .map(Json::List);
        }
        let (column, set) = self.entity.binding(&name).ok_or_else(|| unknown(self.entity, &name))?;
        let entity = metadata::of(set);
        check(entity, &expand.options)?;
        let row = self.state.row(set, self.row.reference(column.name));
        row.map_or(Ok(Json::Null), |row| Shown { state: self.state, entity, row }.json(&expand.options, is_annotated))
    }
}

fn unknown(entity: &Entity, name: &str) -> Problem {
    let message = format!("Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{}'.", entity.name);
    Problem::query(message)
}

/// Refuses options that name what the table does not have.
pub(super) fn check(entity: &Entity, options: &Options) -> Result<(), Problem> {
    let selected = options.select.iter().flatten();
    let ordered = options.orderby.iter().map(|it| &it.property);
    let filtered: Vec<_> = options.filter.iter().flat_map(|it| it.properties()).collect();
    let owned = |name: &str| entity.owned.iter().find(|(it, ..)| *it == name).map(|(_, set, _)| *set);
    let is_column = |set, name: &str| {
        let to = metadata::of(set);
        name == to.id || to.column(name).is_some()
    };
    let is_single = |property: &odata::Property| match property.path.as_slice() {
        [name] => name == entity.id || entity.column(name).is_some(),
        [nav, name] => entity.binding(nav).is_some_and(|(_, set)| is_column(set, name)),
        _ => false,
    };
    // Conditions may walk a collection as well.
    let is_of_many = |property: &odata::Property| match property.path.as_slice() {
        [nav] => owned(nav).is_some(),
        [nav, name] => owned(nav).is_some_and(|set| is_column(set, name)),
        _ => false,
    };
    let mut wrong = selected.chain(ordered).filter(|it| !is_single(it));
    let mut wrong_filter = filtered.iter().filter(|it| !is_single(it) && !is_of_many(it));
    if let Some(property) = wrong.next().or_else(|| wrong_filter.next()) {
        return Err(unknown(entity, &property.name()));
    }
    let is_nav = |name: &str| entity.binding(name).is_some() || owned(name).is_some();
    let names = options.expand.iter().map(|it| it.property.name());
    names.into_iter().find(|it| !is_nav(it)).map_or(Ok(()), |it| Err(unknown(entity, &it)))
}

/// `1,234.50`
fn grouped(number: Decimal) -> String {
    let text = number.round(2).to_string();
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |it| ("-", it));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let groups: Vec<&[u8]> = whole.as_bytes().rchunks(3).rev().collect();
    let groups: Vec<String> = groups.into_iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
    format!("{sign}{}.{fraction:0<2}", groups.join(","))
}

pub(super) fn spelled(cell: Cell) -> Json {
    match cell {
        Cell::Null => Json::Null,
        Cell::Flag(flag) => Json::Flag(flag),
        Cell::Number(number) => Json::number(number),
        Cell::Text(text) => Json::Text(text),
        Cell::Id(id) => Json::text(id.to_string()),
        Cell::Day(day) => Json::text(day.to_string()),
        Cell::Moment(at) => Json::text(moment::second(at)),
    }
}
