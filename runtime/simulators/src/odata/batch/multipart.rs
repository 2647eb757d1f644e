//! The multipart form: `multipart/mixed` with an `application/http` message in each part.

/// One part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A request outside of change sets.
    Single(Request),
    /// Requests that take effect all or none.
    ChangeSet(Vec<Request>),
}

/// A request in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// From the part's own headers or the request's.
    pub content_id: Option<String>,
    pub method: String,
    /// As written: absolute, from the host's root (`/b1s/v2/Items`), relative to the service root (`Items('A1')`), or
    /// leading from another part's result (`$1/DocumentLines`).
    pub url: String,
    /// The request's own headers, in the order they came. Names as written: compare them without case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The answer to one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a single request, or, as the error, to a whole change set that failed.
    Single(Response),
    /// To each request of a change set that took effect.
    ChangeSet(Vec<Response>),
}

/// The answer to a request in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub content_id: Option<String>,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A batch's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// For the header `Content-Type`, boundary included.
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1.as_str())
    }

    /// `("1", "/DocumentLines")` of the URL `$1/DocumentLines`: the Content-ID of the part whose result it leads from,
    /// and the rest. `None` of any other URL.
    #[must_use]
    pub fn reference(&self) -> Option<(&str, &str)> {
        let rest = self.url.strip_prefix('/').unwrap_or(&self.url).strip_prefix('$')?;
        let (id, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        (!id.is_empty() && id != "metadata" && id != "batch").then_some((id, rest))
    }
}
