//! In which order a delta tells of what happened, while more happens.

use truthsource_core::record::{Observed, State};
use truthsource_core::{Kind, UnixMs};

use super::dialect::Pages;
use super::listing::{FEW, MANY};
use super::rig::{Listing, Rig};
use super::sample::{business, change_of};
use super::seen::{LONG_MS, difference, make};
use super::stand::Stand;
use super::verdict::{Found, Halt};

/// How long after one change people make the next.
const PACE_MS: u64 = 50;
/// Pauses between the pages of one delta in which people go on.
const PAUSES: u32 = 3;
/// What is changed or made in a pause has numbers from this on, times the number of the pause.
const MEANWHILE: u32 = 10_000;
/// Records of a kind where pages cannot be made small: as many as it takes for a delta of several.
const MORE_AND_MORE: [u32; 3] = [60, 220, MANY];

/// What people did, as complete listings showed it one after another, and what pulls told of it.
struct Story {
    past: Vec<Listing>,
    words: Vec<State>,
}

/// A delta of several pages, between which people change what was told already, and what was not: of no record something
/// older is told after something newer, and nothing falls behind the cursor.
///
/// # Errors
/// When it cannot be tried.
pub async fn ordering(stand: &Stand, kind: Kind) -> Result<Found, Halt> {
    let small = stand.against.has_small_pages();
    let mut untested = format!("nobody here changes any {kind}");
    for many in if small { &[FEW][..] } else { &MORE_AND_MORE } {
        let pages = if small { Pages::Small } else { Pages::Usual };
        let rig = stand.open(&business(*many, *many), pages).await?;
        rig.power(kind)?;
        let before = rig.list(kind).await?;
        rig.pass(LONG_MS);
        let (_, cursor) = rig.delta(kind, &before.cursor, 0).await?;
        // Against the order in which they were made, which is that of their ids.
        let done = busy(&rig, kind, (0..*many).rev(), 0).await;
        if done == 0 {
            break;
        }
        rig.settle(kind);
        let mut story = Story { past: vec![before, rig.list(kind).await?], words: Vec::new() };
        let (pages, cursor) = told_meanwhile(&rig, (kind, *many), &cursor, &mut story).await?;
        if pages == 1 {
            untested = format!("all {done} changes came on one page");
            continue;
        }
        let order = story.order();
        rig.settle(kind);
        story.past.push(rig.list(kind).await?);
        if difference(&story.past[0], &story.past[story.past.len() - 1]).is_empty() {
            return Err(Halt::Broken(format!(
                "people made {done} changes, and a complete listing of {kind} is as it was"
            )));
        }
        told_at_last(&rig, kind, cursor, &mut story).await?;
        let did = format!("people made {done} changes, and more between {pages} pages of the delta");
        return Ok(match story.wrong() {
            Some(wrong) => Found::refuted(format!("{did}; {wrong}")),
            None => {
                Found::proved(format!("{did}; of no record was anything older told after something newer; {order}"))
            }
        });
    }
    Err(Halt::Untested(untested))
}

/// People change these records, or make these orders, one after another. What they cannot do here they leave.
async fn busy(rig: &Rig, kind: Kind, which: impl Iterator<Item = u32>, n: u32) -> usize {
    let mut done = 0;
    for at in which {
        let did = match change_of(kind, at, n) {
            Some(deed) => rig.act(kind, &deed).is_ok(),
            None => kind == Kind::Order && make(rig, kind, n + at).await.is_ok(),
        };
        done += usize::from(did);
        rig.pass(PACE_MS);
    }
    done
}

/// Reads a delta page by page, while people go on. Gives how many pages it had, and where it ended.
async fn told_meanwhile(
    rig: &Rig,
    (kind, many): (Kind, u32),
    cursor: &str,
    story: &mut Story,
) -> Result<(u32, String), Halt> {
    let mut page = rig.page(kind, Some(cursor.to_owned()), 0).await?;
    let mut pages = 1;
    story.hear(page.entries);
    while page.more {
        if pages <= PAUSES {
            busy(rig, kind, [0, 1, many / 2, many - 1].into_iter(), MEANWHILE * pages).await;
            story.past.push(rig.list(kind).await?);
        }
        page = rig.page(kind, Some(page.cursor), 0).await?;
        story.hear(page.entries);
        pages += 1;
    }
    Ok((pages, page.cursor))
}

/// Goes on from there until there is no more.
async fn told_at_last(rig: &Rig, kind: Kind, cursor: String, story: &mut Story) -> Result<(), Halt> {
    let mut page = rig.page(kind, Some(cursor), 0).await?;
    story.hear(page.entries);
    while page.more {
        page = rig.page(kind, Some(page.cursor), 0).await?;
        story.hear(page.entries);
    }
    Ok(())
}

impl Story {
    fn hear(&mut self, entries: Vec<Observed>) {
        let present = entries.into_iter().filter_map(|it| if let Observed::Present(it) = it { Some(it) } else { None });
        self.words.extend(present);
    }

    /// In which order what was told so far came.
    fn order(&self) -> &'static str {
        let times: Vec<UnixMs> = self.words.iter().filter_map(|it| it.changed_at).collect();
        match times.is_sorted() {
            _ if times.is_empty() => "no times are told",
            true => "its records came in the order of their times",
            false => "its records came in an order of their own",
        }
    }

    /// What was told in the wrong order, or not at all.
    fn wrong(&self) -> Option<String> {
        let (first, last) = (self.past.first()?, self.past.last()?);
        let backwards = difference(first, last).into_iter().find(|it| !self.goes_forward(&it.remote_id));
        let lost = || {
            let told = |it: &State| self.of(&it.remote_id).last().is_some_and(|word| word.fields == it.fields);
            difference(first, last).into_iter().find(|it| !told(it))
        };
        match backwards {
            Some(it) => Some(format!("of {} something older was told after something newer", it.remote_id)),
            None => lost().map(|it| format!("{} fell behind the cursor: it was not told of as it is", it.remote_id)),
        }
    }

    fn of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a State> {
        self.words.iter().filter(move |it| it.remote_id == id)
    }

    /// Each word on a record is of its past, and none is of before the one that was told before it.
    fn goes_forward(&self, id: &str) -> bool {
        let mut at = 0;
        self.of(id).all(|word| {
            let is_so = |it: &Listing| it.states.get(id).is_some_and(|it| it.fields == word.fields);
            let found = self.past.iter().skip(at).position(is_so);
            at += found.unwrap_or(0);
            found.is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use truthsource_core::Value;

    use super::*;

    fn state(id: &str, title: &str, at: u64) -> State {
        let fields = [("title".to_owned(), Value::from(title))].into();
        State { remote_id: id.to_owned(), fields, changed_at: Some(UnixMs(at)), ..State::default() }
    }

    fn story(words: &[(&str, &str, u64)]) -> Story {
        let listing =
            |title: &str| Listing { states: [("7".to_owned(), state("7", title, 0))].into(), ..Listing::default() };
        let past = ["a", "b", "c"].map(listing).to_vec();
        Story { past, words: words.iter().map(|(id, title, at)| state(id, title, *at)).collect() }
    }

    #[test]
    fn nothing_older_is_told_after_something_newer_and_nothing_is_left_out() {
        let check = |words: &[(&str, &str, u64)], expect: Option<&str>| {
            let wrong = story(words).wrong();
            assert!(wrong.as_deref().unwrap_or("in order").contains(expect.unwrap_or("in order")), "{wrong:?}");
        };
        check(&[("7", "a", 1), ("7", "b", 2), ("7", "b", 2), ("7", "c", 3)], None);
        check(&[("8", "x", 1), ("7", "c", 3)], None);
        check(&[("7", "b", 2), ("7", "a", 1), ("7", "c", 3)], Some("of 7 something older"));
        check(&[("7", "never", 2), ("7", "c", 3)], Some("of 7 something older"));
        check(&[("7", "b", 2)], Some("7 fell behind"));
        check(&[], Some("7 fell behind"));
    }

    #[test]
    fn the_order_is_that_of_the_times() {
        assert_eq!(
            story(&[("7", "a", 1), ("8", "b", 1), ("7", "c", 2)]).order(),
            "its records came in the order of their times"
        );
        assert_eq!(story(&[("7", "a", 2), ("8", "b", 1)]).order(), "its records came in an order of their own");
        assert_eq!(story(&[]).order(), "no times are told");
    }
}
