//! The `q` of a listing: `companyName START_WITH "Ac" AND isInactive IS false`.

use std::iter::Peekable;
use std::vec::IntoIter;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use truthsource_core::Decimal;

use super::super::problem::Problem;

/// A condition on the fields of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Field { name: String, operator: Operator, is_negated: bool, values: Vec<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Is,
    Contain,
    StartWith,
    EndWith,
    Empty,
    AnyOf,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    On,
    After,
    OnOrAfter,
    Before,
    OnOrBefore,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

type Tokens = Peekable<IntoIter<Token>>;

fn refused(detail: impl Into<String>) -> Problem {
    Problem::parameter("q", detail)
}

impl Condition {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut tokens = tokens(text)?.into_iter().peekable();
        let condition = either(&mut tokens)?;
        match tokens.next() {
            None => Ok(condition),
            Some(token) => Err(refused(format!("Invalid search query: unexpected {token:?}."))),
        }
    }

    pub(super) fn holds(&self, record: &Map<String, Value>, zone: &TimeZone) -> Result<bool, Problem> {
        match self {
            Self::And(parts) => {
                for part in parts {
                    if !part.holds(record, zone)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(parts) => {
                for part in parts {
                    if part.holds(record, zone)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Field { name, operator, is_negated, values } => {
                let value = record.get(name).map(plain).unwrap_or_default();
                operator.holds(&value, values, zone).map(|it| it != *is_negated)
            }
        }
    }
}

fn either(tokens: &mut Tokens) -> Result<Condition, Problem> {
    let mut parts = vec![both(tokens)?];
    while tokens.next_if(|it| is_word(it, "OR")).is_some() {
        parts.push(both(tokens)?);
    }
    Ok(Condition::Or(parts))
}

fn both(tokens: &mut Tokens) -> Result<Condition, Problem> {
    let mut parts = vec![one(tokens)?];
    while tokens.next_if(|it| is_word(it, "AND")).is_some() {
        parts.push(one(tokens)?);
    }
    Ok(Condition::And(parts))
}

fn one(tokens: &mut Tokens) -> Result<Condition, Problem> {
    let name = match tokens.next() {
        Some(Token::Mark('(')) => {
            let inner = either(tokens)?;
            return match tokens.next() {
                Some(Token::Mark(')')) => Ok(inner),
                _ => Err(refused("Invalid search query: a parenthesis is not closed.")),
            };
        }
        Some(Token::Word(name)) => name,
        _ => return Err(refused("Invalid search query: a field name was expected.")),
    };
    let Some(Token::Word(word)) = tokens.next() else {
        return Err(refused(format!("Invalid search query: an operator was expected after '{name}'.")));
    };
    let (operator, is_negated) =
        Operator::named(&word).ok_or_else(|| refused(format!("Invalid search query: unknown operator '{word}'.")))?;
    let values = match operator {
        Operator::Empty => Vec::new(),
        Operator::AnyOf => list(tokens)?,
        _ => vec![value(tokens)?],
    };
    Ok(Condition::Field { name, operator, is_negated, values })
}

fn list(tokens: &mut Tokens) -> Result<Vec<String>, Problem> {
    let mut values = Vec::new();
    if tokens.next_if_eq(&Token::Mark('[')).is_none() {
        return Err(refused("Invalid search query: a list in brackets was expected."));
    }
    loop {
        values.push(value(tokens)?);
        match tokens.next() {
            Some(Token::Mark(',')) => {}
            Some(Token::Mark(']')) => return Ok(values),
            _ => return Err(refused("Invalid search query: a list is not closed.")),
        }
    }
}

fn value(tokens: &mut Tokens) -> Result<String, Problem> {
    match tokens.next() {
        Some(Token::Text(text) | Token::Word(text)) => Ok(text),
        _ => Err(refused("Invalid search query: a value was expected.")),
    }
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(it) if it.eq_ignore_ascii_case(wanted))
}

fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '(' | ')' | '[' | ']' | ',' => {
                tokens.push(Token::Mark(first));
                1
            }
            '"' | '\'' => {
                let inner = &rest[1..];
                let end = inner.find(first).ok_or_else(|| refused("Invalid search query: a text is not closed."))?;
                tokens.push(Token::Text(inner[..end].to_owned()));
                end + 2
            }
            _ => {
                let end = rest.find(|it: char| it.is_whitespace() || "()[],\"'".contains(it)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[taken..].trim_start();
    }
    Ok(tokens)
}

/// A field's value as text; the id of a reference.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members.get("id").map(plain).unwrap_or_default(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl Operator {
    /// The operator of this name, and whether it is the negated form.
    fn named(name: &str) -> Option<(Self, bool)> {
        let upper = name.to_ascii_uppercase();
        let (name, is_negated) = upper.strip_suffix("_NOT").map_or((upper.as_str(), false), |it| (it, true));
        Some(match name {
            "IS" => (Self::Is, is_negated),
            "CONTAIN" => (Self::Contain, is_negated),
            "START_WITH" => (Self::StartWith, is_negated),
            "END_WITH" => (Self::EndWith, is_negated),
            "EMPTY" => (Self::Empty, is_negated),
            "ANY_OF" => (Self::AnyOf, is_negated),
            "EQUAL" => (Self::Equal, is_negated),
            "GREATER" => (Self::Greater, is_negated),
            "GREATER_OR_EQUAL" => (Self::GreaterOrEqual, is_negated),
            "LESS" => (Self::Less, is_negated),
            "LESS_OR_EQUAL" => (Self::LessOrEqual, is_negated),
            "ON" => (Self::On, is_negated),
            "AFTER" => (Self::After, is_negated),
            "ON_OR_AFTER" => (Self::OnOrAfter, is_negated),
            "BEFORE" => (Self::Before, is_negated),
            "ON_OR_BEFORE" => (Self::OnOrBefore, is_negated),
            _ => return None,
        })
    }

    fn holds(self, field: &str, values: &[String], zone: &TimeZone) -> Result<bool, Problem> {
        let first = values.first().map(String::as_str).unwrap_or_default();
        let (low, wanted) = (field.to_lowercase(), first.to_lowercase());
        Ok(match self {
            Self::Is => low == wanted,
            Self::Contain => low.contains(&wanted),
            Self::StartWith => low.starts_with(&wanted),
            Self::EndWith => low.ends_with(&wanted),
            Self::Empty => field.is_empty(),
            Self::AnyOf => values.iter().any(|it| it.eq_ignore_ascii_case(field)),
            Self::Equal | Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual => {
                let number = |text: &str| text.parse::<Decimal>().ok();
                let wanted = number(first).ok_or_else(|| refused(format!("Unparseable number: {first}")))?;
                number(field).is_some_and(|it| self.ordered(it.cmp(&wanted)))
            }
            Self::On | Self::After | Self::OnOrAfter | Self::Before | Self::OnOrBefore => {
                let wanted = account_date(first).ok_or_else(|| refused(format!("Unparseable date: \"{first}\"")))?;
                local_day(field, zone).is_some_and(|it| self.ordered(it.cmp(&wanted)))
            }
        })
    }

    fn ordered(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Greater | Self::After => ordering.is_gt(),
            Self::GreaterOrEqual | Self::OnOrAfter => ordering.is_ge(),
            Self::Less | Self::Before => ordering.is_lt(),
            Self::LessOrEqual | Self::OnOrBefore => ordering.is_le(),
            _ => ordering.is_eq(),
        }
    }
}

/// A date in the account's format, M/D/YYYY.
fn account_date(text: &str) -> Option<Date> {
    let mut parts = text.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The day of a field on the account's clocks.
fn local_day(field: &str, zone: &TimeZone) -> Option<Date> {
    let moment = field.parse::<Timestamp>().map(|it| zone.to_datetime(it).date());
    moment.ok().or_else(|| field.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(q: &str, expect: &str) {
        let record = json!({
            "externalId": "ACME|1", "companyName": "Acme Corp", "isInactive": false, "total": 12.5,
            "currency": { "id": "1" }, "lastModifiedDate": "2026-11-21T05:14:00Z",
        });
        let Value::Object(record) = record else { panic!("an object") };
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        let seen = match Condition::parse(q).and_then(|it| it.holds(&record, &zone)) {
            Ok(holds) => holds.to_string(),
            Err(problem) => problem.detail,
        };
        assert_eq!(seen, expect, "{q}");
    }

    #[test]
    fn conditions_hold_or_not() {
        check("externalId IS \"ACME|1\"", "true");
        check("companyName START_WITH \"ac\" AND isInactive IS false", "true");
        check("companyName START_WITH_NOT \"ac\" OR total GREATER 12", "true");
        check("(companyName IS x OR currency ANY_OF [1, 2]) AND total LESS_OR_EQUAL 12.5", "true");
        check("email EMPTY", "true");
        check("companyName EMPTY", "false");
    }

    #[test]
    fn dates_are_days_on_the_accounts_clocks() {
        // 05:14 UTC is still the day before in Los Angeles.
        check("lastModifiedDate ON_OR_AFTER \"11/21/2026\"", "false");
        check("lastModifiedDate ON \"11/20/2026\"", "true");
        check("lastModifiedDate AFTER \"2026-11-20\"", "Unparseable date: \"2026-11-20\"");
    }

    #[test]
    fn what_is_not_a_condition_is_refused() {
        check("companyName LIKE x", "Invalid search query: unknown operator 'LIKE'.");
        check("companyName IS \"x", "Invalid search query: a text is not closed.");
        check("(companyName IS x", "Invalid search query: a parenthesis is not closed.");
    }
}
