//! Many questions to one component, none of which may cost the others their answer.

use futures::future::BoxFuture;
use truthsource_host::CallError;

use crate::engine::Error;

/// One thing that a component fails on is found among [`Pace::fold_max`](super::super::Pace) by halving in ten calls that
/// fail. Where more fail than that, the rest is not asked about: each such call may cost all that a call may cost.
const FAILED_CALLS_MAX: u32 = 12;

/// An answer to each, in order, or why there is none.
///
/// # Errors
/// When there is no place to run in: nothing is known about any of them.
pub(super) async fn in_halves<'a, T: Sync, A: Send>(
    asked: &'a [T],
    ask: impl Fn(&'a [T]) -> BoxFuture<'a, Result<Vec<A>, CallError>> + Send + Sync,
) -> Result<Vec<Result<A, CallError>>, Error> {
    let mut parts = if asked.is_empty() { Vec::new() } else { vec![asked] };
    let mut answers = Vec::with_capacity(asked.len());
    let (mut failed, mut failed_calls) = (None, 0);
    while let Some(part) = parts.pop() {
        if let Some(error) = failed.as_ref().filter(|_| failed_calls >= FAILED_CALLS_MAX) {
            answers.extend(part.iter().map(|_| Err(CallError::clone(error))));
            continue;
        }
        match ask(part).await {
            Ok(told) => answers.extend(told.into_iter().map(Ok)),
            Err(error @ CallError::Busy { .. }) => return Err(error.into()),
            Err(error) => {
                failed_calls += 1;
                if part.len() > 1 && is_about_input(&error) {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                } else {
                    answers.extend(part.iter().map(|_| Err(error.clone())));
                }
                failed = Some(error);
            }
        }
    }
    Ok(answers)
}

/// The call may succeed with other input.
fn is_about_input(error: &CallError) -> bool {
    !error.is_retryable() || matches!(error, CallError::OutOfTime { .. })
}
