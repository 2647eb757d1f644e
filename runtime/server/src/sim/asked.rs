//! What policies answered at this moment.

use truthsource_core::UnixMs;
use truthsource_host::model::{Conflict, Decision};

/// The questions of one moment and their answers. A policy sees its question and the moment and nothing else, and burns the
/// same fuel for the same: asking it twice for the same is asking once. Every fold is decided again right after it, which
/// puts most questions a second time; one that is put in other company is another question.
#[derive(Default)]
pub(super) struct Asked {
    at: Option<UnixMs>,
    answers: Vec<(String, Vec<Conflict>, Vec<Decision>)>,
}

impl Asked {
    /// The answer to a question that was put at this very moment.
    pub(super) fn known(&self, at: UnixMs, slot: &str, conflicts: &[Conflict]) -> Option<Vec<Decision>> {
        let is_it = |(of, asked, _): &&(String, Vec<Conflict>, Vec<Decision>)| of == slot && asked == conflicts;
        self.answers.iter().filter(|_| self.at == Some(at)).find(is_it).map(|(.., decisions)| decisions.clone())
    }

    /// This was the answer.
    pub(super) fn note(&mut self, at: UnixMs, slot: &str, conflicts: &[Conflict], decisions: &[Decision]) {
        if self.at != Some(at) {
            (self.at, self.answers) = (Some(at), Vec::new());
        }
        self.answers.push((slot.to_owned(), conflicts.to_vec(), decisions.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use truthsource_core::{Kind, Value};

    use super::*;

    fn conflict(key: &str) -> Conflict {
        let (key, field) = (key.to_owned(), "title".to_owned());
        Conflict { kind: Kind::Item, key, field, base: Value::Null, claims: Vec::new() }
    }

    #[test]
    fn only_the_same_question_at_the_same_moment_has_the_same_answer() {
        let (one, two) = ([conflict("a")], [conflict("a"), conflict("b")]);
        let mut asked = Asked::default();
        asked.note(UnixMs(1), "slot", &one, &[Decision::Keep]);
        assert_eq!(asked.known(UnixMs(1), "slot", &one), Some(vec![Decision::Keep]));
        assert_eq!(asked.known(UnixMs(1), "slot", &two), None);
        assert_eq!(asked.known(UnixMs(1), "other", &one), None);
        assert_eq!(asked.known(UnixMs(2), "slot", &one), None);
        asked.note(UnixMs(2), "slot", &two, &[Decision::Keep, Decision::Keep]);
        assert_eq!(asked.known(UnixMs(2), "slot", &one), None, "that was another moment");
    }
}
