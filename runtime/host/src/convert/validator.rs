//! The validator world.

use crate::bindings::validator::exports::truthsource::validator::validator as wit;
use crate::error::Misfit;
use crate::model::Verdict;

pub(crate) fn verdicts_in(records: usize, answers: Vec<wit::Verdict>) -> Result<Vec<Verdict>, Misfit> {
    super::one_each(records, answers.len())?;
    let numbered = answers.into_iter().enumerate();
    numbered.map(|(at, answer)| one_in(answer).map_err(|it| it.within(&format!("record {at}")))).collect()
}

fn one_in(answer: wit::Verdict) -> Result<Verdict, Misfit> {
    match answer {
        wit::Verdict::Good => Ok(Verdict::Good),
        wit::Verdict::Bad(why) => super::reason("bad", why).map(Verdict::Bad),
        // A newer validator's word that this host does not know: the record is parked for a person.
        wit::Verdict::Other(what) => super::reason("other", what).map(Verdict::Bad),
    }
}
