use std::sync::{Arc, Mutex};

use truthsource_host::model::{self, Page, Pull};

use super::super::tests::{classes, state, sweep_of};
use super::*;
use crate::engine::fake::{ERP, Fake, House, answers};
use crate::store::Accuracy;

/// What the swept system holds, and where listings of it began.
#[derive(Default)]
struct Outside {
    held: BTreeMap<String, Fields>,
    listed: Vec<Option<String>>,
}

type Shared = Arc<Mutex<Outside>>;

/// Ten records are a range.
fn range_of(id: &str) -> String {
    id[..id.len() - 1].to_owned()
}

fn digest(id: &str, fields: &Fields) -> RangeDigest {
    let title = fields["title"].as_text().unwrap();
    let weight = 1 + id.parse::<i32>().unwrap();
    let sums = vec![Decimal::from(1), Decimal::from(weight * i32::try_from(title.len()).unwrap())];
    RangeDigest { range: range_of(id), sums }
}

fn tell(outside: &Outside) -> Vec<RangeTold> {
    let mut ranges: BTreeMap<String, Vec<Decimal>> = BTreeMap::new();
    for RangeDigest { range, sums } in outside.held.iter().map(|(id, fields)| digest(id, fields)) {
        let all = ranges.entry(range).or_insert_with(|| vec![Decimal::ZERO; sums.len()]);
        all.iter_mut().zip(sums).for_each(|(all, it)| *all = all.checked_add(it).unwrap());
    }
    let told = |(range, sums): (String, _)| RangeTold { cursor: range.clone(), digest: RangeDigest { range, sums } };
    ranges.into_iter().map(told).collect()
}

/// A house whose ERP was read once and holds 30 items, and what its ERP holds now.
async fn house(
    told: impl Fn(Vec<RangeTold>) -> Result<Option<Vec<RangeTold>>, CallError> + Send + 'static,
) -> (House, Shared) {
    let outside = Shared::default();
    let (listed, read, summed) = (outside.clone(), outside.clone(), outside.clone());
    let pull = answers(move |pull: Pull| {
        let mut outside = listed.lock().unwrap();
        outside.listed.push(pull.cursor.clone());
        let is_listed = |id: &str| pull.cursor.as_ref().is_none_or(|range| range_of(id) == *range);
        let entries = outside.held.iter().filter(|(id, _)| is_listed(id)).map(|(id, it)| state(id, it)).collect();
        Ok(Page { entries, unread: Vec::new(), cursor: "end".to_owned(), more: false })
    });
    let read = answers(move |(ids, _): (Vec<String>, bool)| {
        let outside = read.lock().unwrap();
        let seen = |id: &String| match outside.held.get(id) {
            Some(fields) => state(id, fields),
            None => Observed::Absent(id.clone()),
        };
        Ok(ids.iter().map(seen).collect())
    });
    let tell = answers(move |_| told(tell(&summed.lock().unwrap())));
    let add = answers(|held: Vec<HeldRecord>| Ok(held.iter().map(|it| digest(&it.remote_id, &it.fields)).collect()));
    let house = House::with(Fake { pull, read, tell, add, ..Fake::default() }).await;
    for n in 0..30 {
        let code = format!("{n:03}");
        house.saw(ERP, &code, "bolt").await;
        let fields = [("code", code.as_str().into()), ("title", "bolt".into())].map(|(name, it)| (name.to_owned(), it));
        outside.lock().unwrap().held.insert(code.clone(), fields.into());
    }
    house.fold_all().await;
    (house, outside)
}

/// The next sweep's figures, and where its listings began.
async fn swept(house: &House, outside: &Shared) -> (Accuracy, Vec<Option<String>>) {
    house.pass(1_000);
    let figure = sweep_of(house, ERP, Kind::Item).await;
    (figure, std::mem::take(&mut outside.lock().unwrap().listed))
}

#[tokio::test]
async fn what_adds_up_is_counted_and_not_listed() {
    let (house, outside) = house(|told| Ok(Some(told))).await;
    let (figure, listed) = swept(&house, &outside).await;
    assert_eq!((figure.records, figure.fields, figure.pages, classes(&figure)), (30, 60, 1, vec![]));
    assert_eq!((listed, figure.news), (vec![], 0));
}

#[tokio::test]
async fn only_what_does_not_add_up_is_listed() {
    let (house, outside) = house(|told| Ok(Some(told))).await;
    outside.lock().unwrap().held.get_mut("011").unwrap().insert("title".to_owned(), "nuts!".into());
    let (figure, listed) = swept(&house, &outside).await;
    assert_eq!(listed, [Some("01".to_owned())]);
    assert_eq!((figure.records, figure.fields, figure.pages, classes(&figure)), (30, 60, 2, vec![("wrong", 1)]));
    // What was found is known now.
    house.fold_all().await;
    assert_eq!(swept(&house, &outside).await.1, vec![]);
}

#[tokio::test]
async fn what_is_gone_or_new_does_not_add_up() {
    let (house, outside) = house(|told| Ok(Some(told))).await;
    let fields = {
        let mut outside = outside.lock().unwrap();
        outside.held.remove("024").unwrap()
    };
    let (figure, listed) = swept(&house, &outside).await;
    assert_eq!((listed, classes(&figure)), (vec![Some("02".to_owned())], vec![("missing", 2)]));
    house.fold_all().await;
    outside.lock().unwrap().held.insert("300".to_owned(), fields);
    let (figure, listed) = swept(&house, &outside).await;
    assert_eq!((listed, figure.records), (vec![Some("30".to_owned())], 30));
}

#[tokio::test]
async fn what_cannot_be_added_up_is_listed() {
    let refused = || Err(CallError::Refused(model::Fault::Protocol("the sum has too many digits".to_owned())));
    for told in [None, Some(())] {
        let (house, outside) = house(move |_| told.map_or_else(|| Ok(None), |()| refused())).await;
        let (figure, listed) = swept(&house, &outside).await;
        assert_eq!((figure.records, figure.pages, listed), (30, 1, vec![None]));
    }
}
