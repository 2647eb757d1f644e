//! What a caller gives for a query's parameters: `last='A1'&t=164205`.

use std::collections::BTreeMap;

use super::Fault;
use super::cell::Cell;

/// Values by the names of parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Params(BTreeMap<String, Cell<'static>>);

impl Params {
    /// From the options of a URL.
    pub(super) fn of_pairs(pairs: &[(String, String)]) -> Result<Self, Fault> {
        let read = |(name, value): &(String, String)| {
            value_of(value).map(|it| (name.clone(), it)).ok_or_else(|| Fault::Parameter(name.clone()))
        };
        pairs.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// From the text of a `ParamList`.
    pub(super) fn of_text(text: &str) -> Result<Self, Fault> {
        let (mut parts, mut is_quoted) = (vec![String::new()], false);
        for letter in text.chars() {
            is_quoted ^= letter == '\'';
            match parts.last_mut() {
                _ if letter == '&' && !is_quoted => parts.push(String::new()),
                Some(part) => part.push(letter),
                None => {}
            }
        }
        let pair = |it: &String| {
            let (name, value) = it.split_once('=').ok_or_else(|| Fault::Parameter(it.clone()))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        };
        let given: Result<Vec<_>, Fault> = parts.iter().filter(|it| !it.trim().is_empty()).map(pair).collect();
        Self::of_pairs(&given?)
    }

    pub(super) fn get(&self, name: &str) -> Result<Cell<'static>, Fault> {
        self.0.get(name).cloned().ok_or_else(|| Fault::Parameter(name.to_owned()))
    }
}

/// A text in quotes, or a number.
fn value_of(text: &str) -> Option<Cell<'static>> {
    if let Some(inner) = text.strip_prefix('\'') {
        return inner.strip_suffix('\'').map(|it| Cell::Text(it.replace("''", "'").into()));
    }
    numeric(text)
}

/// A number in its smallest form.
pub(super) fn numeric(text: &str) -> Option<Cell<'static>> {
    text.parse::<i64>().map(Cell::Int).ok().or_else(|| text.parse().map(Cell::Number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_texts_in_quotes_or_numbers() {
        let params = Params::of_text("last='A''&=1'&t=164205&p=1.50").unwrap();
        assert_eq!(params.get("last"), Ok(Cell::Text("A'&=1".into())));
        assert_eq!(params.get("t"), Ok(Cell::Int(164_205)));
        assert_eq!(params.get("p"), Ok(Cell::Number("1.5".parse().unwrap())));
        assert_eq!(params.get("q"), Err(Fault::Parameter("q".to_owned())));
        for bad in ["last", "last=A1", "last='A1"] {
            assert!(Params::of_text(bad).is_err(), "{bad}");
        }
    }
}
