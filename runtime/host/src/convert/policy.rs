//! The conflict-policy world.

use super::records::{value_in, value_out};
use crate::bindings::policy::exports::truthsource::conflict_policy::policy as wit;
use crate::error::Misfit;
use crate::model::{Claim, Conflict, Decision};

pub(crate) fn conflict_out(conflict: &Conflict) -> wit::Conflict {
    wit::Conflict {
        kind: conflict.kind.as_str().to_owned(),
        key: conflict.key.clone(),
        field: conflict.field.clone(),
        base: value_out(&conflict.base),
        claims: conflict.claims.iter().map(claim_out).collect(),
    }
}

fn claim_out(claim: &Claim) -> wit::Claim {
    wit::Claim {
        connection: claim.connection.clone(),
        rank: claim.rank,
        owner: claim.owner,
        was: value_out(&claim.was),
        now: value_out(&claim.now),
        changed_at_ms: claim.changed_at.map_or(0, |it| it.0),
    }
}

pub(crate) fn decisions_in(conflicts: &[Conflict], answers: Vec<wit::Decision>) -> Result<Vec<Decision>, Misfit> {
    super::one_each(conflicts.len(), answers.len())?;
    let pairs = conflicts.iter().zip(answers).enumerate();
    pairs
        .map(|(at, (conflict, answer))| one_in(conflict, answer).map_err(|it| it.within(&format!("conflict {at}"))))
        .collect()
}

fn one_in(conflict: &Conflict, answer: wit::Decision) -> Result<Decision, Misfit> {
    match answer {
        wit::Decision::Take(at) => {
            let index = usize::try_from(at).ok().filter(|index| *index < conflict.claims.len());
            index.map(Decision::Take).ok_or_else(|| Misfit::new("take", format!("there is no claim {at}")))
        }
        wit::Decision::Merge(value) => value_in(conflict.kind, &conflict.field, value).map(Decision::Merge),
        wit::Decision::Keep => Ok(Decision::Keep),
        wit::Decision::Hold(why) => super::reason("hold", why).map(Decision::Hold),
        // A newer policy's word that this host does not know: a person decides.
        wit::Decision::Other(what) => super::reason("other", what).map(Decision::Hold),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::connector::truthsource::types::records;
    use truthsource_core::{Kind, Value};

    fn check(answer: wit::Decision, expect: &str) {
        let claim = Claim {
            connection: "erp".into(),
            rank: 0,
            owner: true,
            was: Value::Null,
            now: "a".into(),
            changed_at: None,
        };
        let conflict = Conflict {
            kind: Kind::Item,
            key: "bolt-8".into(),
            field: "title".into(),
            base: Value::Null,
            claims: vec![claim],
        };
        let seen = decisions_in(&[conflict], vec![answer]);
        let seen = seen.map_or_else(|it| it.to_string(), |it| format!("{:?}", it[0]));
        assert_eq!(seen, expect);
    }

    #[test]
    fn g13_a_decision_must_name_a_claim_or_fit_the_field() {
        let number = records::Value::Number(records::Decimal { mantissa: 1, scale: 0 });
        check(wit::Decision::Take(0), "Take(0)");
        check(wit::Decision::Take(1), "conflict 0, take: there is no claim 1");
        check(wit::Decision::Take(u32::MAX), "conflict 0, take: there is no claim 4294967295");
        check(wit::Decision::Merge(records::Value::Text("b".into())), "Merge(Text(\"b\"))");
        check(wit::Decision::Merge(number), "conflict 0, title: must be text");
        check(wit::Decision::Other("new".into()), "Hold(\"new\")");
    }
}
