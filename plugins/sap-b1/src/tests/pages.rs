//! Pages in place of answers.

use super::items::push_title;
use super::stock::{push_stock, stock, stocked};
use super::*;

/// It stops a write that was not sent yet; of one that was, nobody knows what became.
#[test]
fn p3_a_page_in_place_of_an_answer_is_never_a_write_that_was_done() {
    for body in ["<html>Sign in</html>", "", r#"{"ItemCode":"A"#] {
        let before = script().answer("GET", ITEM, 200, body);
        let asked = write(Some("A1:01"), stock("133"), stock("140"));
        let fault = SapB1::push(&before, &ctx(), Kind::StockLevel, &[asked]);
        assert!(matches!(fault, Err(Fault::Unavailable(_))), "{body}: {fault:?}");
        assert!(before.sent().iter().all(|it| it.method == "GET"), "{body}");
        for status in [200, 201] {
            let after = script().answer("GET", ITEM, 200, &stocked("140", ""));
            let after = after.answer("POST", "InventoryGenExits", status, body);
            assert!(matches!(push_stock(&after, "133", None), Outcome::Unknown(_)), "{status} {body}");
        }
        let read_back = script()
            .answer("GET", ITEM, 200, &stocked("140", ""))
            .answer("POST", "InventoryGenExits", 201, r#"{"DocEntry":7}"#)
            .answer("GET", ITEM, 200, body);
        assert!(matches!(push_stock(&read_back, "133", None), Outcome::Unknown(_)), "{body}");
        let patched = script().answer("GET", ITEM, 200, &item("old", "W/1")).answer("PATCH", ITEM, 200, body);
        assert!(matches!(push_title(&patched), Outcome::Unknown(_)), "{body}");
    }
}

#[test]
fn p3_a_login_page_and_half_an_answer_are_never_data() {
    for body in
        ["<html>Sign in</html>", r#"{"value":[{"ItemCode":"A"#, "", "{}", r#"{"value":[{"ItemName":"no key"}]}"#]
    {
        for kind in [Kind::Item, Kind::Company, Kind::Location, Kind::StockLevel, Kind::Price] {
            let script = script().answer("GET", "$filter=", 200, body);
            let ids = ["1:A1".to_owned()];
            let fault = SapB1::read(&script, &ctx(), kind, &ids, false);
            let (is_none, is_json) = (matches!(fault, Err(Fault::Unavailable(_))), body.ends_with('}'));
            assert!(fault.is_err() && is_none != is_json, "{kind} {body}: {fault:?}");
        }
    }
    // A page that is not found is not a record that is gone.
    let script = script().answer("GET", "$filter=", 404, "<html>Not found</html>");
    let fault = SapB1::read(&script, &ctx(), Kind::Item, &["A1".to_owned()], true);
    assert!(matches!(fault, Err(Fault::Protocol(_))), "{fault:?}");
    let away = self::script().answer("GET", "$filter=", 503, "<html>");
    let fault = SapB1::read(&away, &ctx(), Kind::Item, &["A1".to_owned()], true);
    assert!(matches!(fault, Err(Fault::Unavailable(_))), "{fault:?}");
}
