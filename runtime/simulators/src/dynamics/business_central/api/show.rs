//! Records as the API shows them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use truthsource_core::{Decimal, UnixMs};

use super::super::catalogue::{self, Column, Entity, Nav, Set, Ty, Way, escaped};
use super::super::problem::Problem;
use super::super::state::State;
use crate::dynamics::guid::Guid;
use crate::dynamics::json::Json;
use crate::dynamics::moment;
use crate::dynamics::table::{Cell, Row};
use crate::odata::{self, Expand, Options};

/// A record together with where it stands, as conditions and answers see it.
#[derive(Clone, Copy)]
pub(super) struct Shown<'s> {
    pub state: &'s State,
    pub entity: &'static Entity,
    pub row: &'s Row,
}

/// A record's etag: its row version in the shape the real ones have.
pub(super) fn etag(version: u64) -> String {
    format!("W/\"{}\"", STANDARD.encode(format!("'20;{version:020};00;'")))
}

impl odata::Row for Shown<'_> {
    fn cell(&self, path: &[String]) -> Option<odata::Cell> {
        let [name] = path else { return None };
        let column = self.entity.column(name)?;
        Some(match self.value(column) {
            Cell::Null => odata::Cell::Null,
            Cell::Flag(flag) => odata::Cell::Flag(flag),
            Cell::Number(number) => odata::Cell::Number(number),
            Cell::Id(id) => odata::Cell::Guid(odata::Guid(id.bits())),
            Cell::Day(day) => odata::Cell::Date(day),
            Cell::Moment(at) => at.into(),
            Cell::Text(text) if matches!(column.ty, Ty::Choice(_)) => {
                odata::Cell::Enum { ty: String::new(), member: escaped(&text) }
            }
            Cell::Text(text) => odata::Cell::Text(text),
        })
    }
}

impl Shown<'_> {
    /// What a column holds: stored, computed, or what stands for nothing.
    pub(super) fn value(&self, column: &Column) -> Cell {
        match (self.entity.set, column.name) {
            (_, "id") => Cell::Id(self.row.id),
            (_, "lastModifiedDateTime") => Cell::Moment(self.row.modified),
            (Set::Items, "inventory") => Cell::Number(self.state.inventory(self.row.id)),
            (Set::Orders, "fullyShipped") => Cell::Flag(self.is_fully_shipped()),
            _ => self.row.cell(column.name).cloned().unwrap_or_else(|| nothing(column.ty)),
        }
    }

    fn is_fully_shipped(&self) -> bool {
        let lines = self.state.lines_of(self.row.id);
        let mut goods = lines.iter().filter(|it| it.number("quantity") > Decimal::ZERO).peekable();
        goods.peek().is_some() && goods.all(|it| it.number("shippedQuantity") >= it.number("quantity"))
    }

    /// The record as JSON, with what the options select and expand.
    pub(super) fn json(&self, options: &Options) -> Result<Json, Problem> {
        let is_selected = |name: &str| match &options.select {
            None => true,
            Some(select) => select.iter().any(|it| it.path == [name] || it.path == ["*"]),
        };
        let mut members = vec![("@odata.etag".to_owned(), Json::text(etag(self.row.version)))];
        for column in self.entity.columns.iter().filter(|it| is_selected(it.name)) {
            members.push((column.name.to_owned(), spelled(column, self.value(column))));
        }
        for expand in &options.expand {
            let name = expand.property.name();
            let (shown, count) = self.expanded(expand)?;
            let count = count.filter(|_| expand.options.count).map(|it| Json::Number(it.to_string()));
            members.extend(count.map(|it| (format!("{name}@odata.count"), it)));
            members.push((name, shown));
        }
        Ok(Json::Object(members))
    }

    /// What is related, and of a collection how much there is of it.
    fn expanded(&self, expand: &Expand) -> Result<(Json, Option<usize>), Problem> {
        let nav = nav_of(self.entity, expand)?;
        let entity = catalogue::of(nav.to).ok_or_else(|| Problem::no_segment(nav.name))?;
        check(entity, &expand.options)?;
        let shown = |row| Shown { state: self.state, entity, row };
        match nav.way {
            Way::By(column) => {
                let row = self.state.row(nav.to, self.row.reference(column));
                let shown = row.map_or(Ok(Json::Null), |it| shown(it).json(&expand.options));
                shown.map(|it| (it, None))
            }
            Way::Owned => {
                let mut rows: Vec<Shown<'_>> = Vec::new();
                for row in self.state.table(nav.to).owned_by(self.row.id) {
                    rows.push(shown(row));
                }
                rows.sort_by_key(|it| (it.row.number("sequence"), it.row.number("lineNumber"), it.row.id));
                let (rows, count) = super::read::chosen(rows, &expand.options)?;
                let shown = rows.iter().map(|it| it.json(&expand.options)).collect::<Result<_, _>>();
                shown.map(|it| (Json::List(it), Some(count)))
            }
        }
    }
}

fn nav_of(entity: &Entity, expand: &Expand) -> Result<&'static Nav, Problem> {
    let name = expand.property.name();
    entity.nav(&name).ok_or_else(|| unknown(entity, &name))
}

fn unknown(entity: &Entity, name: &str) -> Problem {
    let message = format!("Could not find a property named '{name}' on type 'Microsoft.NAV.{}'.", entity.singular);
    Problem::query(message)
}

/// Refuses options that name what the entity does not have.
pub(super) fn check(entity: &Entity, options: &Options) -> Result<(), Problem> {
    let selected = options.select.iter().flatten().filter(|it| it.path != ["*"]).map(|it| it.name());
    let ordered = options.orderby.iter().map(|it| it.property.name());
    let filtered = options.filter.iter().flat_map(|it| it.properties()).map(|it| it.name());
    for name in selected.chain(ordered).chain(filtered) {
        if entity.column(&name).is_none() {
            return Err(unknown(entity, &name));
        }
    }
    options.expand.iter().try_for_each(|it| nav_of(entity, it).map(|_| ()))
}

/// What a column of a type holds when it holds nothing.
fn nothing(ty: Ty) -> Cell {
    match ty {
        Ty::Text(_) | Ty::Code(_) => Cell::text(""),
        Ty::Choice(captions) => Cell::text(captions.first().copied().unwrap_or_default()),
        Ty::Number | Ty::Integer => Cell::Number(Decimal::ZERO),
        Ty::Flag => Cell::Flag(false),
        Ty::Id => Cell::Id(Guid::ZERO),
        Ty::Day => Cell::Day(moment::no_day()),
        Ty::Moment => Cell::Moment(UnixMs(0)),
    }
}

fn spelled(column: &Column, cell: Cell) -> Json {
    match cell {
        Cell::Null => Json::Null,
        Cell::Flag(flag) => Json::Flag(flag),
        Cell::Number(number) => Json::number(number),
        Cell::Id(id) => Json::text(id.to_string()),
        Cell::Day(day) => Json::text(day.to_string()),
        Cell::Moment(at) => Json::text(moment::short(at)),
        Cell::Text(text) if matches!(column.ty, Ty::Choice(_)) => Json::text(escaped(&text)),
        Cell::Text(text) => Json::Text(text),
    }
}
