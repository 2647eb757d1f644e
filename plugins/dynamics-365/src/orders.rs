//! Orders, whatever the dialect: what they are to have, and how one that is booked is changed.

use truthsource_sdk::connector::{Outcome, State, Write};
use truthsource_sdk::kinds::{Line, Order};
use truthsource_sdk::value::Held;
use truthsource_sdk::{Fault, edits};

use crate::lines::Lot;
use crate::wire::Written;
use crate::writes::read_back;

/// An order that changes while it is being written is read again, and left to a later call after so many rounds.
const ROUNDS: u32 = 3;

pub(crate) const HAS_LEFT: &str = "some of it has left here, or somebody has ended it";
pub(crate) const BY_HAND: &str = "its lines are not changed from outside here: change them by hand";
pub(crate) const TOO_MUCH: &str = "more of its lines change than are changed at once here: change them by hand";
const UNSTEADY: &str = "the system says that it has just changed, and shows it as it was: change its lines by hand";

/// Connectors leave out lines that would be booked wrong, and say why in their logs.
const NO_NET_LINES: &str = "the lines of this order cannot be booked as they are: where it was placed, its prices include \
                            taxes, or a discount of the whole order stands in no line; it is to be entered by hand";

/// The goods that an order is to have.
pub(crate) fn goods(order: &Order) -> Result<Vec<Lot>, Outcome> {
    if order.lines == Held::Unknown {
        return Err(Outcome::rejected("no-net-lines", NO_NET_LINES));
    }
    let lines = order.lines.as_ref().filter(|it| !it.is_empty());
    let lines = lines.ok_or_else(|| Outcome::rejected("incomplete", "an order needs lines"))?;
    let lot = |line: &Line| {
        let sku = line.sku.as_deref().unwrap_or("without SKU");
        let item = line.item.as_ref();
        let item = item.ok_or_else(|| Outcome::rejected("no-item", format!("line {sku} has no item here")))?;
        Ok(Lot { of: item.to_lowercase(), quantity: line.quantity, unit_price: line.unit_price })
    };
    lines.iter().map(lot).collect()
}

/// Why nothing is sent.
pub(crate) enum Halt {
    Decided(Outcome),
    Failed(Fault),
}

impl From<Outcome> for Halt {
    fn from(outcome: Outcome) -> Self {
        Self::Decided(outcome)
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

/// Changes what an order is made of: `due` says what is to be sent in the light of what is there, and `send` carries out
/// all of it or nothing. What was refused is decided anew where something has moved meanwhile.
pub(crate) fn edit<P: PartialEq>(
    write: &Write,
    due: impl Fn() -> Result<P, Halt>,
    send: impl Fn(&P) -> Written,
    look: impl Fn() -> Result<Option<State>, Fault>,
) -> Result<Outcome, Fault> {
    let mut refused: Option<(P, Outcome)> = None;
    for _ in 0..ROUNDS {
        let parts = match due() {
            Ok(parts) => parts,
            Err(Halt::Decided(outcome)) => return Ok(outcome),
            Err(Halt::Failed(fault)) => return Err(fault),
        };
        match refused {
            // Nothing has moved: it would be refused again.
            Some((before, outcome)) if before == parts => return Ok(outcome),
            _ => {}
        }
        let outcome = match send(&parts) {
            Written::Done(_) => return Ok(read_back(look())),
            Written::Changed => edits::question(write, UNSTEADY),
            Written::Gone => Outcome::rejected("no-reference", "something that the order points to is not there"),
            Written::Exists(outcome) | Written::Failed(outcome @ Outcome::Rejected(_)) => outcome,
            Written::Failed(outcome) => return Ok(outcome),
        };
        refused = Some((parts, outcome));
    }
    Ok(Outcome::Retry(None, "the order keeps changing".to_owned()))
}
