//! Stock that two systems book and that left once.

use super::*;

fn moved(as_of: u64, by: i32) -> Entry {
    let by = [("on_hand".to_owned(), Decimal::from(by))].into();
    Entry::Moved { connection: SHOP, remote_id: "rSHOP".to_owned(), as_of, by, sent_at: None }
}

fn at(connection: ConnectionId, as_of: u64, quantity: i32) -> Entry {
    saw(connection, as_of, 0, &on_hand(quantity))
}

/// Both hold 100; the ERP ships three and the shop is told so. Gives what the truth is at the end, and what the shop is
/// known to hold.
fn check(after: &[Entry], expect: i32) {
    let (rules, key) = (rules(Kind::StockLevel), stock());
    let opening = vec![at(ERP, 1, 100), at(SHOP, 1, 100)];
    // Whether they are folded one by one or together.
    let one_by_one: Vec<Vec<Entry>> =
        std::iter::once(opening.clone()).chain(after.iter().map(|it| vec![it.clone()])).collect();
    for batches in [one_by_one, vec![opening, after.to_vec()]] {
        let state = fold_all(&rules, &key, &batches);
        let expect = Value::Number(Decimal::from(expect));
        assert_eq!(state.truth.fields["on_hand"].value, expect, "{after:?}");
        assert_eq!(state.shadows[&SHOP].fields["on_hand"].value, expect, "{after:?}");
    }
}

#[test]
fn p9_what_ships_once_counts_once_whatever_is_heard_first() {
    let (erp, shop) = (at(ERP, 2, 97), at(SHOP, 3, 97));
    check(&[erp.clone(), moved(2, -3), shop.clone()], 97);
    check(&[moved(2, -3), shop.clone(), erp.clone()], 97);
    check(&[moved(2, -3), erp.clone(), shop.clone()], 97);
    // Its answer was lost: the shop is read before it is known what the write did.
    check(&[at(SHOP, 2, 97), moved(3, -3), erp.clone(), at(SHOP, 4, 97)], 97);
    // It is said twice.
    check(&[moved(2, -3), erp.clone(), moved(2, -3), shop], 97);
    // Two parcels that were told in two calls at once: the second is heard of first.
    check(&[moved(3, -2), moved(2, -3), moved(3, -2), at(ERP, 2, 95), at(SHOP, 4, 95)], 95);
    // Somebody bought two over the counter of the shop meanwhile.
    check(&[moved(2, -3), at(SHOP, 3, 95), erp.clone()], 95);
    check(&[at(SHOP, 2, 95), moved(3, -3), erp, at(SHOP, 4, 95)], 95);
    // The second parcel.
    check(&[moved(2, -3), at(ERP, 2, 97), at(SHOP, 3, 97), at(ERP, 3, 92), moved(4, -5), at(SHOP, 5, 92)], 92);
}

#[test]
fn what_is_about_to_follow_is_waited_for() {
    let (rules, key) = (rules(Kind::StockLevel), stock());
    let opening = vec![at(ERP, 1, 100), at(SHOP, 1, 100)];
    let state = fold_all(&rules, &key, &[opening, vec![moved(2, -3)]]);
    let settles = |state: &KeyState| Folding::new(&key, &rules, state.clone()).settles_at(SHOP);
    assert_eq!(owed(&rules, &key, &state, SHOP).unwrap().changed, ["on_hand"]);
    assert_eq!(settles(&state), Some(NOW.plus(5_000)));
    let state = fold(&rules, &key, state, &[at(ERP, 2, 97)]).0;
    assert_eq!((owed(&rules, &key, &state, SHOP), settles(&state)), (None, None));
}
