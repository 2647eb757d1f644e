use super::*;
use crate::engine::trust::tests::power;

pub(crate) fn certificate() -> Certificate {
    let finding = |verdict| Finding { verdict, declared: "yes".into(), told: "seen".into(), measured: None };
    let powers = [(Power::Updates, finding(Verdict::Proved)), (Power::RepeatedCreate, finding(Verdict::Refuted))];
    Certificate {
        form: FORM,
        digest: "ab".repeat(32),
        plugin: "partner 1.0.0".to_owned(),
        against: "shopify".to_owned(),
        seed: 7,
        connection: BTreeMap::from([("credentials".to_owned(), finding(Verdict::Untested))]),
        kinds: BTreeMap::from([(Kind::Item, Certified { declared: power(), powers: powers.into() })]),
        seal: String::new(),
    }
    .sealed()
}

#[test]
fn a_certificate_is_for_one_component_and_as_it_was_written() {
    let written = certificate();
    let json = serde_json::to_value(&written).unwrap();
    let check = |edit: &dyn Fn(&mut serde_json::Value), expect: &str| {
        let mut edited = json.clone();
        edit(&mut edited);
        let read = Certificate::read(edited.to_string().as_bytes(), &"ab".repeat(32));
        let seen = read.map_or_else(|it| it.to_string(), |it| format!("taken: {}", it == written));
        assert!(seen.starts_with(expect), "{seen}");
    };
    check(&|_| (), "taken: true");
    check(
        &|it| it["kinds"]["item"]["powers"]["repeated-create"]["verdict"] = "proved".into(),
        "the certificate is not",
    );
    check(&|it| it["digest"] = "cd".repeat(32).into(), "the certificate is not as it was written");
    check(&|it| it["form"] = 1.into(), "the certificate is of form 1");
    check(&|it| it["colour"] = 2.into(), "this is no certificate: unknown field");
    check(&|it| *it = serde_json::json!([]), "this is no certificate");
    let other = Certificate { digest: "cd".repeat(32), ..written.clone() }.sealed();
    let other = Certificate::read(&serde_json::to_vec(&other).unwrap(), &written.digest);
    assert!(matches!(other, Err(Refused::OtherComponent { .. })), "{other:?}");
    let large = vec![b' '; BYTES_MAX + 1];
    assert!(matches!(Certificate::read(&large, ""), Err(Refused::Malformed(_))));
}

#[test]
fn people_see_what_was_refuted() {
    let shown = text(&certificate());
    assert!(shown.contains("item repeated-create  yes             REFUTED"), "{shown}");
    assert!(shown.contains("1 proved, 1 refuted, 1 untested, 0 not declared"), "{shown}");
    assert!(shown.contains("item repeated-create is declared as yes and is not:\n  seen"), "{shown}");
    assert!(markdown(&certificate()).contains("| item | verify | – | yes |"), "{}", markdown(&certificate()));
}
