//! Complete listings, whatever changes meanwhile, and readings of several records.

use std::collections::BTreeSet;

use truthsource_core::Kind;
use truthsource_core::record::Observed;
use truthsource_simulators::world::Deed;

use super::dialect::Pages;
use super::rig::{Listing, Rig};
use super::sample::{business, change, code, creation, removal};
use super::seen::{begun, make};
use super::stand::Stand;
use super::verdict::{Found, Halt};

/// Articles where pages cannot be made small: more than fit on a page of any system.
pub const MANY: u32 = 1_300;
/// Companies there.
const MANY_FIRMS: u32 = 1_100;
/// Orders that are made until they take more than a page.
const ORDERS: [u32; 4] = [8, 30, 60, 210];
/// Articles and companies where they can.
pub const FEW: u32 = 13;

/// A listing that takes several pages while people add, change and delete misses nothing that was there throughout.
///
/// # Errors
/// When it cannot be tried.
pub async fn listing(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    empty(stand, kind).await?;
    let small = stand.against.has_small_pages();
    let (articles, firms) = if small { (FEW, FEW) } else { (MANY, MANY_FIRMS) };
    let rig = stand.open(&business(articles, firms), if small { Pages::Small } else { Pages::Usual }).await?;
    rig.power(kind)?;
    let mut before = rig.list(kind).await?;
    // Of orders there are none to begin with.
    for most in ORDERS.into_iter().filter(|_| kind == Kind::Order) {
        let there = u32::try_from(before.states.len()).unwrap_or(u32::MAX);
        for n in there..most {
            make(&rig, kind, n).await?;
        }
        rig.settle(kind);
        before = rig.list(kind).await?;
        if before.pages > 1 {
            break;
        }
    }
    let (seen, listed) = (known(&rig, kind), before.states.len());
    if listed < seen {
        return Ok(Found::refuted(format!("people see {seen} of {kind}, and a complete listing has {listed}")));
    }
    if before.pages == 1 {
        let count = before.states.len();
        return Err(Halt::Untested(format!("all {count} records that could be had came on one page")));
    }
    let first = rig.page(kind, None, 0).await?;
    let did = bustle(&rig, kind, articles);
    let during = rig.go_on(kind, (Listing { pages: 1, ..Listing::default() }, first), 1).await?;
    rig.settle(kind);
    let after = rig.list(kind).await?;
    let throughout = before.states.keys().filter(|it| after.states.contains_key(*it));
    let missed: Vec<&str> =
        throughout.filter(|it| !during.states.contains_key(*it)).map(String::as_str).take(5).collect();
    let told = format!("{} records on {} pages; after the first {did}", before.states.len(), before.pages);
    Ok(match missed.is_empty() {
        true => Found::proved(told),
        false => Found::refuted(format!("{told}; the listing was without {}, which was there", missed.join(", "))),
    })
}

/// How many records of a kind people see at the least.
fn known(rig: &Rig, kind: Kind) -> usize {
    match kind {
        Kind::Item | Kind::Company => {
            let held = rig.site.held(rig.now());
            let names = held.keys().filter_map(|it| it.record.strip_prefix(kind.as_str()));
            names.collect::<BTreeSet<_>>().len()
        }
        Kind::Order => rig.site.orders().len(),
        Kind::Location | Kind::StockLevel | Kind::Price => 0,
    }
}

/// What people do while a listing is under way. What they cannot do here they leave.
fn bustle(rig: &Rig, kind: Kind, articles: u32) -> String {
    let retitle = |at: u32| Deed::Retitle { item: code(at), title: format!("Moved on {at}") };
    let ends = [1, articles / 2, articles - 1].map(retitle);
    let deeds = [removal(kind), change(kind, 1), creation(kind, 8_000)].into_iter().flatten().chain(ends);
    let kinds = [kind, Kind::Item];
    let done = deeds.filter(|deed| kinds.iter().any(|it| rig.act(*it, deed).is_ok())).count();
    format!("people did {done} things: deleted, changed and added")
}

/// Nothing is listed as nothing, and a delta goes on from there.
async fn empty(stand: &Stand, kind: Kind) -> Result<(), Halt> {
    let rig = stand.open(&business(0, 0), Pages::Usual).await?;
    rig.power(kind)?;
    let listing = rig.list(kind).await?;
    if listing.cursor.is_empty() {
        return Err(Halt::Broken(format!("where there is no {kind} at all a listing ends without a cursor")));
    }
    rig.delta(kind, &listing.cursor, 0).await.map(drop)
}

/// Several ids at once, one of them gone: each is answered, in the order asked.
///
/// # Errors
/// When it cannot be tried.
pub async fn reads(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let (rig, before, _) = begun(stand, kind).await?;
    let _ = removal(kind).map(|deed| rig.act(kind, &deed));
    rig.settle(kind);
    let mut ids: Vec<String> = before.states.keys().cloned().collect();
    ids.reverse();
    let power = rig.power(kind)?.clone();
    ids.truncate(power.read_max as usize);
    let mut sorts = vec![(false, power.read_max)];
    sorts.extend((power.certain_max > 0).then_some((true, power.certain_max)));
    for (certain, most) in sorts {
        for part in ids.chunks(most as usize) {
            let read = rig.read(kind, part, certain).await?;
            let answered: Vec<&str> = read.iter().map(Observed::remote_id).collect();
            if answered != part {
                return Ok(Found::refuted(format!(
                    "asked for {}, answered for {}",
                    part.join(", "),
                    answered.join(", ")
                )));
            }
        }
    }
    Ok(Found::proved(format!("{} ids were asked for at once, and each was answered in its place", ids.len())))
}
