//! Many questions to one component, none of which may cost the others their answer.

use futures::future::BoxFuture;
use truthsource_host::CallError;

/// One thing that a component fails on is found among [`Pace::fold_max`](super::Pace) by halving in ten calls that
/// fail. Where more fail than that, the rest is not asked about: each such call may cost all that a call may cost.
const FAILED_CALLS_MAX: u32 = 12;

/// An answer to each, in order, or why there is none. What is refused before it ran, as it is too much at once, costs
/// nothing and is halved as often as it takes.
///
/// # Errors
/// When there is no place to run in: nothing is known about any of them.
pub(crate) async fn in_halves<'a, T: Sync, A: Send>(
    asked: &'a [T],
    ask: impl Fn(&'a [T]) -> BoxFuture<'a, Result<Vec<A>, CallError>> + Send + Sync,
) -> Result<Vec<Result<A, CallError>>, CallError> {
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
            Err(error @ CallError::Busy { .. }) => return Err(error),
            Err(error) => {
                failed_calls += u32::from(!matches!(error, CallError::BadInput(_)));
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

#[cfg(test)]
mod tests {
    use truthsource_host::Misfit;

    use super::*;

    /// What comes of sixty-four numbers where `fails` says how a call with these ends, and how many calls it took.
    async fn asked(fails: fn(&[u32]) -> Option<CallError>) -> (Vec<Result<u32, &'static str>>, usize) {
        let (numbers, calls) = ((0..64).collect::<Vec<u32>>(), std::sync::atomic::AtomicUsize::new(0));
        let ask = |part| {
            calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Box::pin(async move { fails(part).map_or_else(|| Ok(part.to_vec()), Err) }) as BoxFuture<'_, _>
        };
        let answers = in_halves(&numbers, ask).await.unwrap();
        let answers = answers.into_iter().map(|it| it.map_err(|error| error.code())).collect();
        (answers, calls.into_inner())
    }

    #[tokio::test]
    async fn one_that_fails_is_found() {
        let (answers, calls) = asked(|it| it.contains(&21).then_some(CallError::StackOverflow)).await;
        let expect = |n| if n == 21 { Err("stack-overflow") } else { Ok(n) };
        assert_eq!((answers, calls), ((0..64).map(expect).collect(), 13));
    }

    #[tokio::test]
    async fn where_all_fail_not_all_are_tried() {
        let (answers, calls) = asked(|_| Some(CallError::StackOverflow)).await;
        assert!(answers.iter().all(Result::is_err) && calls == 12, "{calls} calls");
    }

    #[tokio::test]
    async fn what_is_too_much_at_once_is_asked_in_as_many_parts_as_it_takes() {
        let too_much =
            |it: &[u32]| (it.len() > 1).then(|| CallError::BadInput(Misfit::new("records", "too many bytes")));
        let (answers, calls) = asked(too_much).await;
        assert_eq!((answers, calls), ((0..64).map(Ok).collect(), 127));
    }

    #[tokio::test]
    async fn what_may_pass_by_itself_is_not_asked_again() {
        let (answers, calls) = asked(|_| Some(CallError::TimedOut { wall_ms_max: 1 })).await;
        assert!(answers.iter().all(Result::is_err) && calls == 1, "{calls} calls");
    }

    #[tokio::test]
    async fn without_a_place_to_run_in_nothing_is_known() {
        let busy = |_: &'static [u32]| Box::pin(async { Err(CallError::Busy { waited_ms: 1 }) }) as BoxFuture<'_, _>;
        let answers: Result<Vec<Result<u32, _>>, _> = in_halves(&[1, 2], busy).await;
        assert_eq!(answers, Err(CallError::Busy { waited_ms: 1 }));
    }
}
