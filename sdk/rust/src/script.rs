//! A host that plays a script, for tests of connectors without any network.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::Host;
use crate::host::{HttpFault, KvFault, Level, Request, Response};

/// Answers requests in the order of its steps, and remembers what was sent, kept and said.
///
/// A request that is not the next of the script is answered with [`HttpFault::Other`], which names both.
#[derive(Debug, Default)]
pub struct Script {
    steps: RefCell<VecDeque<Step>>,
    sent: RefCell<Vec<Request>>,
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    said: RefCell<Vec<String>>,
}

#[derive(Debug)]
struct Step {
    method: &'static str,
    url_part: String,
    answer: Result<Response, HttpFault>,
}

impl Script {
    /// A script without steps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request has this method and this text in its URL, and is answered so.
    #[must_use]
    pub fn answer(self, method: &'static str, url_part: &str, status: u16, body: &str) -> Self {
        let answer = Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        self.step(method, url_part, Ok(answer))
    }

    /// The same, of this content type.
    #[must_use]
    pub fn answer_as(
        self,
        method: &'static str,
        url_part: &str,
        (status, content_type): (u16, &str),
        body: &str,
    ) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        self.step(method, url_part, Ok(Response { status, headers, body: body.as_bytes().to_vec() }))
    }

    /// The next request has this method and this text in its URL, and comes to nothing.
    #[must_use]
    pub fn fail(self, method: &'static str, url_part: &str, fault: HttpFault) -> Self {
        self.step(method, url_part, Err(fault))
    }

    /// This value was kept before.
    #[must_use]
    pub fn keep(self, key: &str, value: &str) -> Self {
        self.kept.borrow_mut().insert(key.to_owned(), value.as_bytes().to_vec());
        self
    }

    /// What was sent, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Request> {
        self.sent.borrow().clone()
    }

    /// The body of what was sent `at`th, as text; empty if so much was not sent.
    #[must_use]
    pub fn body(&self, at: usize) -> String {
        let sent = self.sent.borrow();
        sent.get(at).map(|it| String::from_utf8_lossy(&it.body).into_owned()).unwrap_or_default()
    }

    /// How many steps were not asked for.
    #[must_use]
    pub fn steps_left(&self) -> usize {
        self.steps.borrow().len()
    }

    /// The lines of the log.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.said.borrow().clone()
    }

    fn step(self, method: &'static str, url_part: &str, answer: Result<Response, HttpFault>) -> Self {
        self.steps.borrow_mut().push_back(Step { method, url_part: url_part.to_owned(), answer });
        self
    }
}

impl Host for Script {
    fn send(&self, request: &Request) -> Result<Response, HttpFault> {
        self.sent.borrow_mut().push(request.clone());
        let asked = format!("{} {}", request.method, request.url);
        let Some(step) = self.steps.borrow_mut().pop_front() else {
            return Err(HttpFault::Other(format!("the script has ended before {asked}")));
        };
        if step.method != request.method || !request.url.contains(&step.url_part) {
            return Err(HttpFault::Other(format!("the script has {} {} and not {asked}", step.method, step.url_part)));
        }
        step.answer
    }

    fn log(&self, _level: Level, message: &str) {
        self.said.borrow_mut().push(message.to_owned());
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvFault> {
        Ok(self.kept.borrow().get(key).cloned())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), KvFault> {
        self.kept.borrow_mut().insert(key.to_owned(), value.to_vec());
        Ok(())
    }
}
