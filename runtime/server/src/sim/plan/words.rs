//! What people call things: on some days at such length that not every system has room for it.

use truthsource_core::draw::Draw;
use truthsource_simulators::world::{Deed, Site, cut};

/// In how many of a thousand days people are wordy.
const DAYS: u32 = 333;
/// What they go on with.
const AND_SO_ON: &str = ", galvanised, with washer and nut, for timber and masonry, in the box";

/// A name as people give it on this day; `n` is the act's number.
pub(super) fn spoken(draw: Draw, n: u64, name: String) -> String {
    if !draw.chance(DAYS, "people are wordy", 0) || !draw.chance(500, "a long name", n) {
        return name;
    }
    let letters = 60 + draw.below(190, "how long a name", n) as usize;
    let long = name + &AND_SO_ON.repeat(4);
    cut(&long, letters).to_owned()
}

/// The deed as it goes at a system's own screens: they take no more letters than they have room for.
#[must_use]
pub fn typed(site: &dyn Site, deed: &Deed) -> Deed {
    let fits = |field: &str, text: &str| cut(text, site.room(field)).to_owned();
    match deed {
        Deed::Retitle { item, title } => Deed::Retitle { item: item.clone(), title: fits("title", title) },
        Deed::Enrol { company, name } => Deed::Enrol { company: company.clone(), name: fits("name", name) },
        Deed::Rename { company, name } => Deed::Rename { company: company.clone(), name: fits("name", name) },
        deed => deed.clone(),
    }
}
