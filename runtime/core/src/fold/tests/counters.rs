//! Counters are moved by differences.

use super::*;

#[test]
fn every_move_of_a_counter_counts_once() {
    let (rules, key) = (rules(Kind::StockLevel), stock());
    let opening = vec![saw(ERP, 1, 1, &on_hand(10)), saw(SHOP, 1, 1, &on_hand(10))];
    let state = fold_all(&rules, &key, &[opening]);
    // Both sold three: the shop's seven is not the echo of the seven that it was to be told.
    let state = fold(&rules, &key, state, &[saw(ERP, 2, 2, &on_hand(7))]).0;
    let state = fold(&rules, &key, state, &[saw(SHOP, 2, 2, &on_hand(7))]).0;
    assert_eq!(state.truth.fields["on_hand"].value, Value::Number(4.into()));
    let told = state.truth.version;
    let state = fold(&rules, &key, state, &[wrote(SHOP, 3, told, &on_hand(4))]).0;
    let state = fold(&rules, &key, state, &[saw(SHOP, 4, 3, &on_hand(4)), wrote(ERP, 3, told, &on_hand(4))]).0;
    assert_eq!(state.truth.fields["on_hand"].value, Value::Number(4.into()));
    assert_eq!((owed(&rules, &key, &state, ERP), owed(&rules, &key, &state, SHOP)), (None, None));
}

#[test]
fn somebody_who_sells_while_we_write_is_counted() {
    let (rules, key) = (rules(Kind::StockLevel), stock());
    let state = fold_all(&rules, &key, &[vec![saw(ERP, 1, 1, &on_hand(10)), saw(SHOP, 1, 1, &on_hand(10))]]);
    let state = fold(&rules, &key, state, &[saw(ERP, 2, 2, &on_hand(8))]).0;
    let mut entry = wrote(SHOP, 2, state.truth.version, &on_hand(8));
    let Entry::Wrote { state: read_back, .. } = &mut entry else { unreachable!() };
    read_back.fields.insert("on_hand".into(), Value::Number(5.into()));
    let state = fold(&rules, &key, state, &[entry]).0;
    assert_eq!(state.truth.fields["on_hand"].value, Value::Number(5.into()));
    assert_eq!(owed(&rules, &key, &state, ERP).unwrap().changed, ["on_hand"]);
}

#[test]
fn the_highest_authority_opens_a_counter() {
    let (rules, key) = (rules(Kind::StockLevel), stock());
    let (erp, shop) = (saw(ERP, 1, 1, &on_hand(100)), saw(SHOP, 1, 1, &on_hand(90)));
    let sold = saw(SHOP, 2, 2, &on_hand(85));
    let early = fold_all(&rules, &key, &[vec![shop.clone()], vec![sold.clone()], vec![erp.clone()]]);
    let late = fold_all(&rules, &key, &[vec![erp], vec![shop], vec![sold]]);
    assert_eq!(early.truth.fields["on_hand"].value, Value::Number(95.into()));
    assert_eq!(late.truth.fields["on_hand"].value, Value::Number(95.into()));
}
