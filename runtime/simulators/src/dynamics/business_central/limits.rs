//! Who is let in, and what an environment says when it cannot serve.

use truthsource_core::UnixMs;

use super::meets_locks;
use super::problem::Problem;
use super::state::State;
use crate::system::{Request, Response};

impl State {
    /// Lets a request in, or says why not.
    pub(super) fn admit(&mut self, now: UnixMs, request: &Request, in_flight: usize) -> Result<(), Problem> {
        self.requests += 1;
        if !self.tokens.admits(now, request) {
            return Err(Problem::unauthenticated());
        }
        let limits = self.settings.limits;
        while self.recent.front().is_some_and(|at| at.plus(limits.window_ms) <= now) {
            self.recent.pop_front();
        }
        if self.recent.len() >= limits.requests_max || in_flight > limits.connections_max {
            return Err(Problem::too_many(limits.retry_after_s));
        }
        self.recent.push_back(now);
        if self.settings.try_later.hits("try-later", self.requests) {
            let message = "The request could not be processed at this time. Please try again later.";
            return Err(Problem::bad(message));
        }
        self.meet_lock(request, 0)
    }

    /// Meets another user's lock, or not. Of a batch each part may, by its place.
    pub(super) fn meet_lock(&self, request: &Request, at: usize) -> Result<(), Problem> {
        let purpose = if at == 0 { "lock".to_owned() } else { format!("lock at {at}") };
        let is_locked = [self.settings.locks, self.locks].into_iter().any(|it| it.hits(&purpose, self.requests));
        if meets_locks(request) && is_locked {
            let message = "The operation could not complete because a record in the Sales Line table was locked by another user. Please retry the activity.";
            return Err(Problem::new(self.settings.lock_status, "Application_DialogException", message));
        }
        Ok(())
    }

    /// The ways in which the service breaks down, in turn: unavailable for a while, too slow, a gateway's mistake.
    pub(super) fn breakdown(&mut self) -> Response {
        self.breakdowns += 1;
        let problem = match self.breakdowns % 3 {
            1 => {
                let problem = Problem::new(503, "ServiceUnavailable", "The service is temporarily unavailable.");
                Problem { retry_after_s: Some(5), ..problem }
            }
            2 => Problem::new(504, "GatewayTimeout", "The operation took longer than the service waits."),
            _ => Problem { retry_after_s: Some(1), ..Problem::new(502, "BadGateway", "Bad gateway.") },
        };
        problem.response(self.requests)
    }
}
