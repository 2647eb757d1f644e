//! Certificates for people.

use std::fmt::Write as _;

use super::{Certificate, Certified, Finding, Power, Verdict};

/// The columns of a table over kinds: what is looked up most.
const COLUMNS: [Power; 15] = [
    Power::Creates,
    Power::Updates,
    Power::Deletes,
    Power::Granularity,
    Power::Ordering,
    Power::Lag,
    Power::Listing,
    Power::Certain,
    Power::RepeatedCreate,
    Power::RepeatedUpdate,
    Power::Find,
    Power::StaleBase,
    Power::Race,
    Power::Projection,
    Power::Digests,
];

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proved => "proved",
        Verdict::Refuted => "REFUTED",
        Verdict::Untested => "untested",
        Verdict::Undeclared => "not declared",
    }
}

/// A line for each power, what was refuted last and with its story.
#[must_use]
pub fn text(certificate: &Certificate) -> String {
    let mut text = format!(
        "{}, tried against {} (seed {})\ncomponent {}\n",
        certificate.plugin, certificate.against, certificate.seed, certificate.digest
    );
    let width = certificate.findings().map(|(place, _)| place.len()).max().unwrap_or(0);
    for (place, it) in certificate.findings() {
        let told = if it.verdict == Verdict::Untested { format!("  {}", it.told) } else { measured(it) };
        let _ = writeln!(text, "{place:<width$}  {:<14}  {}{told}", it.declared, word(it.verdict));
    }
    let count = |verdict| certificate.count(verdict);
    let _ = writeln!(
        text,
        "{} proved, {} refuted, {} untested, {} not declared",
        count(Verdict::Proved),
        count(Verdict::Refuted),
        count(Verdict::Untested),
        count(Verdict::Undeclared)
    );
    for (place, it) in certificate.refuted() {
        let _ = writeln!(text, "\n{place} is declared as {} and is not:\n  {}", it.declared, it.told);
    }
    text
}

fn measured(finding: &Finding) -> String {
    finding.measured.map(|it| format!("  measured {it} ms")).unwrap_or_default()
}

/// A table with a row for each kind.
#[must_use]
pub fn markdown(certificate: &Certificate) -> String {
    let mut text = format!("### {}, against {}\n\n| kind | repeated by |", certificate.plugin, certificate.against);
    for power in COLUMNS {
        let _ = write!(text, " {} |", power.name().replace('-', " "));
    }
    let _ = write!(text, "\n|---|---|{}\n", "---|".repeat(COLUMNS.len()));
    for (kind, certified) in &certificate.kinds {
        let effect = serde_json::to_value(certified.declared.effect).unwrap_or_default();
        let _ = write!(text, "| {kind} | {} |", effect.as_str().unwrap_or_default());
        for power in COLUMNS {
            let _ = write!(text, " {} |", cell(certified, power));
        }
        text.push('\n');
    }
    text
}

fn cell(certified: &Certified, power: Power) -> String {
    let Some(it) = certified.powers.get(&power) else { return "–".to_owned() };
    match (it.verdict, it.measured) {
        (Verdict::Proved, Some(ms)) => format!("{ms} ms"),
        (Verdict::Proved, None) => "yes".to_owned(),
        (Verdict::Refuted, _) => "**refuted**".to_owned(),
        (Verdict::Untested, _) => "untested".to_owned(),
        (Verdict::Undeclared, _) => "–".to_owned(),
    }
}
