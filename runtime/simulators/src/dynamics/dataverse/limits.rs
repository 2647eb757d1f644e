//! Service protection: three limits, each with its code.

use http::HeaderValue;
use truthsource_core::UnixMs;

use super::problem::Problem;
use super::settings::Settings;
use super::state::State;
use crate::system::Response;

/// A limit that a request ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Requests,
    Execution,
    Concurrency,
}

impl Limit {
    pub(super) fn problem(self, settings: &Settings, retry_after_s: u64) -> Problem {
        let seconds = settings.window_ms / 1_000;
        let (code, message) = match self {
            Self::Requests => {
                let max = settings.requests_max;
                (
                    "0x80072322",
                    format!("Number of requests exceeded the limit of {max} over time window of {seconds} seconds."),
                )
            }
            Self::Execution => {
                let max = settings.execution_ms_max / 1_000;
                let message = format!(
                    "Combined execution time of incoming requests exceeded limit of {max} seconds over time window of {seconds} seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later."
                );
                ("0x80072321", message)
            }
            Self::Concurrency => (
                "0x80072326",
                format!("Number of concurrent requests exceeded the limit of {}.", settings.concurrency_max),
            ),
        };
        Problem { retry_after_s: Some(retry_after_s), ..Problem::new(429, code, message) }
    }
}

impl State {
    /// Lets a request in, or says which limit it ran into and for how long.
    pub(super) fn admit(&mut self, now: UnixMs, in_flight: usize) -> Result<(), Problem> {
        let settings = &self.settings;
        while self.recent.front().is_some_and(|at| at.plus(settings.window_ms) <= now) {
            self.recent.pop_front();
        }
        let spent_ms = (self.recent.len() as u64).saturating_mul(settings.execution_ms);
        let limit = if self.recent.len() >= settings.requests_max {
            Limit::Requests
        } else if spent_ms.saturating_add(settings.execution_ms) > settings.execution_ms_max {
            Limit::Execution
        } else if in_flight > settings.concurrency_max {
            return Err(Limit::Concurrency.problem(settings, 1));
        } else {
            self.recent.push_back(now);
            return Ok(());
        };
        let free = self.recent.front().map_or(now, |it| it.plus(settings.window_ms));
        Err(limit.problem(settings, free.since(now).div_ceil(1_000).max(1)))
    }

    /// Says in an answer's headers what is left.
    pub(super) fn meter(&self, response: &mut Response) {
        let settings = &self.settings;
        let requests = settings.requests_max.saturating_sub(self.recent.len());
        let spent_ms = (self.recent.len() as u64).saturating_mul(settings.execution_ms);
        let seconds = settings.execution_ms_max.saturating_sub(spent_ms) / 1_000;
        let headers = response.headers_mut();
        headers.insert("x-ms-ratelimit-burst-remaining-xrm-requests", HeaderValue::from(requests));
        headers.insert("x-ms-ratelimit-time-remaining-xrm-requests", HeaderValue::from(seconds));
    }
}
