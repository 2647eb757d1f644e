use std::collections::BTreeMap;

use truthsource_core::Kind;
use truthsource_host::model::FieldPower;

use super::*;
use crate::certificate::{FORM, Finding};

pub(crate) fn power() -> KindPower {
    KindPower {
        kind: Kind::Item,
        fields: vec![FieldPower { name: "title".to_owned(), writable: true, create_only: false }],
        sees_creates: true,
        sees_updates: true,
        sees_deletes: true,
        granularity_ms: 1_000,
        lag_ms: 30_000,
        effect: Effect::Verify,
        creates: true,
        push_max: 10,
        read_max: 10,
        certain_max: 10,
    }
}

fn keyed() -> KindPower {
    KindPower { effect: Effect::Keyed, ..power() }
}

const ALL: [Power; 17] = [
    Power::Creates,
    Power::Updates,
    Power::Deletes,
    Power::Absence,
    Power::Granularity,
    Power::Ordering,
    Power::Lag,
    Power::Listing,
    Power::Reads,
    Power::Certain,
    Power::RepeatedCreate,
    Power::RepeatedUpdate,
    Power::Find,
    Power::StaleBase,
    Power::Race,
    Power::Projection,
    Power::Digests,
];

/// A certificate of `declared` in which everything is proved but for these.
fn certificate(declared: &KindPower, but: &[(Power, Verdict)], measured: Option<u64>) -> Word {
    let finding = |power: Power| {
        let verdict = but.iter().find(|(it, _)| *it == power).map_or(Verdict::Proved, |(_, it)| *it);
        let measured = measured.filter(|_| power == Power::Granularity);
        Finding { verdict, declared: "yes".to_owned(), told: String::new(), measured }
    };
    let certified = Certified { declared: declared.clone(), powers: ALL.map(|it| (it, finding(it))).into() };
    Word::Certified(Arc::new(vec![Certificate {
        form: FORM,
        digest: String::new(),
        plugin: String::new(),
        against: String::new(),
        seed: 1,
        connection: BTreeMap::new(),
        kinds: BTreeMap::from([(declared.kind, certified)]),
        seal: String::new(),
    }]))
}

#[test]
fn what_was_proved_is_relied_on() {
    let word = certificate(&keyed(), &[], Some(1_000));
    assert_eq!(of(&keyed(), &word), (keyed(), Care::NONE));
    assert_eq!(of(&keyed(), &Word::Declared), (keyed(), Care::NONE));
}

/// Without this power nothing else changes than this.
#[test]
fn what_was_not_proved_is_done_with_care() {
    let check = |power: Power, expect: &dyn Fn(&mut KindPower, &mut Care)| {
        for verdict in [Verdict::Refuted, Verdict::Untested] {
            let (mut believed, mut care) = (keyed(), Care::NONE);
            expect(&mut believed, &mut care);
            assert_eq!(of(&keyed(), &certificate(&keyed(), &[(power, verdict)], None)), (believed, care), "{power:?}");
        }
    };
    let blind = |care: &mut Care| care.sweep_every_ms = Some(BLIND_SWEEP_MS);
    check(Power::Creates, &|power, care| {
        power.sees_creates = false;
        blind(care);
    });
    check(Power::Updates, &|power, care| {
        power.sees_updates = false;
        blind(care);
    });
    check(Power::Listing, &|_, care| blind(care));
    check(Power::Deletes, &|power, care| {
        power.sees_deletes = false;
        care.sweep_every_ms = Some(DELETES_SWEEP_MS);
    });
    check(Power::Granularity, &|_, care| care.overlap_ms = CAREFUL_OVERLAP_MS);
    check(Power::Ordering, &|_, care| care.overlap_ms = CAREFUL_OVERLAP_MS);
    check(Power::Lag, &|_, care| care.overlap_ms = CAREFUL_OVERLAP_MS);
    check(Power::Certain, &|power, _| power.certain_max = 0);
    check(Power::RepeatedCreate, &|_, care| care.creates_once = true);
    check(Power::RepeatedUpdate, &|power, _| power.effect = Effect::Verify);
    check(Power::StaleBase, &|_, care| care.reads_first = true);
    check(Power::Digests, &|_, care| care.digests = false);
    for power in [Power::Absence, Power::Reads, Power::Find, Power::Race, Power::Projection] {
        check(power, &|_, _| ());
    }
}

#[test]
fn without_a_proof_nothing_is_believed() {
    let care = Care {
        overlap_ms: CAREFUL_OVERLAP_MS,
        sweep_every_ms: Some(BLIND_SWEEP_MS),
        reads_first: true,
        creates_once: true,
        digests: false,
    };
    let believed = KindPower {
        sees_creates: false,
        sees_updates: false,
        sees_deletes: false,
        effect: Effect::Verify,
        certain_max: 0,
        ..keyed()
    };
    assert_eq!(of(&keyed(), &Word::Certified(Arc::default())), (believed.clone(), care));
    // A proof of another declaration is none: these settings may lead to another sort of system.
    let other = certificate(&KindPower { granularity_ms: 60_000, ..keyed() }, &[], None);
    assert_eq!(of(&keyed(), &other), (believed, care));
    // Nobody repeats by machine what a person must look at.
    let risky = KindPower { effect: Effect::Unsafe, ..power() };
    assert_eq!(of(&risky, &Word::Certified(Arc::default())).0.effect, Effect::Unsafe);
}

#[test]
fn what_is_never_written_or_created_needs_no_proof_of_it() {
    let read_only = KindPower { fields: Vec::new(), creates: false, ..keyed() };
    let but = [(Power::RepeatedCreate, Verdict::Undeclared), (Power::StaleBase, Verdict::Undeclared)];
    assert_eq!(of(&read_only, &certificate(&read_only, &but, None)), (read_only.clone(), Care::NONE));
}

#[test]
fn a_grain_is_as_coarse_as_it_was_measured() {
    let word = certificate(&keyed(), &[(Power::Granularity, Verdict::Refuted)], Some(60_000));
    assert_eq!(of(&keyed(), &word).0.granularity_ms, 60_000);
    let word = certificate(&keyed(), &[], Some(10));
    assert_eq!(of(&keyed(), &word).0.granularity_ms, 1_000, "what is declared may be coarser");
}
