//! How a check ends.

use truthsource_host::CallError;

use crate::certificate::{Finding, Verdict};

/// Why a check did not come to its end.
#[derive(Debug)]
pub enum Halt {
    /// The system, or what is declared, gives no occasion to try.
    Untested(String),
    /// The connector does not do what every connector must: nothing can be proved of it.
    Broken(String),
    /// The connector says itself that it cannot do this.
    Undeclared(String),
}

impl From<anyhow::Error> for Halt {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(format!("the check could not begin: {error:#}"))
    }
}

impl Halt {
    /// The connector failed in this function.
    pub fn call(function: &'static str) -> impl Fn(CallError) -> Self {
        move |error| Self::Broken(format!("`{function}` failed: {} ({error})", error.code()))
    }
}

/// What a check found.
#[derive(Debug)]
pub struct Found {
    /// It is as declared.
    pub holds: bool,
    /// What was done and what was seen.
    pub told: String,
    /// What was measured.
    pub measured: Option<u64>,
}

impl Found {
    /// It is as declared.
    pub fn proved(told: impl Into<String>) -> Self {
        Self { holds: true, told: told.into(), measured: None }
    }

    /// It is not.
    pub fn refuted(told: impl Into<String>) -> Self {
        Self { holds: false, told: told.into(), measured: None }
    }

    /// With a number.
    #[must_use]
    pub fn measuring(self, measured: u64) -> Self {
        Self { measured: Some(measured), ..self }
    }
}

/// What goes into the certificate.
#[must_use]
pub fn finding(declared: impl Into<String>, found: Result<Found, Halt>) -> Finding {
    let declared = declared.into();
    let of = |verdict, told, measured| Finding { verdict, declared: declared.clone(), told, measured };
    match found {
        Ok(Found { holds, told, measured }) => {
            of(if holds { Verdict::Proved } else { Verdict::Refuted }, told, measured)
        }
        Err(Halt::Untested(why)) => of(Verdict::Untested, why, None),
        Err(Halt::Broken(why)) => of(Verdict::Refuted, why, None),
        Err(Halt::Undeclared(why)) => of(Verdict::Undeclared, why, None),
    }
}
