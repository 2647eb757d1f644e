//! A look before a write, where nobody has seen the connector look itself.

use truthsource_core::Kind;
use truthsource_host::CallError;
use truthsource_host::model::{Observed, Outcome};

use super::connections::Parties;
use super::deliver::{Ready, unchanged};
use super::lane::Lane;
use super::{Engine, mapped};

/// The writes of one call, compared with what is there.
pub(super) struct Compared {
    /// To be sent.
    pub chunk: Vec<Ready>,
    /// Decided on what is no longer so.
    pub stale: Vec<(Ready, Outcome)>,
    /// Why nothing could be compared: nothing may be sent.
    pub failed: Option<CallError>,
}

/// Reads the records that are to be changed and compares them with what each write was decided on. Where the connector is
/// known to do so there is nothing to do; and a creation, or a write that was begun before, was looked up already.
pub(super) async fn compare(
    engine: &Engine,
    parties: &Parties,
    lane: &Lane,
    (kind, chunk): (Kind, Vec<Ready>),
) -> Compared {
    let (connection, mut compared) =
        (&lane.connection, Compared { chunk: Vec::new(), stale: Vec::new(), failed: None });
    if !parties.care(connection.id, kind).reads_first {
        return Compared { chunk, ..compared };
    }
    let certain_max = parties.certain_max(connection.id, kind);
    let read_max = parties.kind_power(connection.id, kind).map_or(1, |it| it.read_max.max(1)) as usize;
    let (fresh, rest): (Vec<Ready>, Vec<Ready>) =
        chunk.into_iter().partition(|it| it.write.write.remote_id.is_some() && !it.open);
    compared.chunk = rest;
    let mut fresh = fresh.into_iter().peekable();
    while fresh.peek().is_some() {
        let part: Vec<Ready> = fresh.by_ref().take(certain_max.unwrap_or(read_max)).collect();
        let ids: Vec<String> = part.iter().filter_map(|it| it.write.write.remote_id.clone()).collect();
        let read = mapped::read(engine, connection, kind, (&ids, certain_max.is_some())).await;
        match read.and_then(|it| it.into_iter().collect::<Result<Vec<Observed>, CallError>>()) {
            Ok(read) => part.into_iter().zip(read).for_each(|(ready, seen)| compared.sort(ready, seen)),
            Err(error) => {
                compared.chunk.extend(part);
                compared.failed.get_or_insert(error);
            }
        }
    }
    compared
}

impl Compared {
    fn sort(&mut self, ready: Ready, seen: Observed) {
        match &seen {
            Observed::Present(state) if unchanged(&state.fields, &ready.write.write) => self.chunk.push(ready),
            _ => self.stale.push((ready, Outcome::Stale(seen))),
        }
    }
}
