//! Refusals: what is wrong, and where.

/// Why a text or a condition is refused. Services answer 400 to nearly all of them, each in words of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at position {at} in '{place}'")]
pub struct Bad {
    pub what: What,
    /// The text it stands in: an option's name as `$filter`, or `path`, `query`, `batch`.
    pub place: &'static str,
    /// Byte offset in the text: of an option, in its decoded value; of a path, a query or a batch, in the bytes as they
    /// came.
    pub at: usize,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// The grammar wants something else here.
    #[error("{expected} expected, found {found}")]
    Syntax { expected: &'static str, found: String },
    /// A text, number, date or GUID that is none.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// OData has it, this service does not.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Neither OData nor this service has such a function.
    #[error("unknown function '{0}'")]
    NoFunction(String),
    /// The entity has no property of this path, written with `/`.
    #[error("could not find a property named '{0}'")]
    NoProperty(String),
    /// Values of these types do not go together.
    #[error("incompatible types '{left}' and '{right}'")]
    Mismatch { left: &'static str, right: &'static str },
    /// A condition, or an operand of one, is of a type that it cannot be.
    #[error("a value of type '{wanted}' expected, found '{found}'")]
    Type { wanted: &'static str, found: &'static str },
    /// A number that leaves the range of an exact decimal.
    #[error("arithmetic overflow")]
    Overflow,
    /// Given twice, but allowed once.
    #[error("'{0}' is given more than once")]
    Duplicate(String),
    /// Over a limit that no request may pass.
    #[error("more than {max} {of}")]
    TooMuch { of: &'static str, max: usize },
    /// Percent escapes that are cut off, or that are no UTF-8.
    #[error("malformed percent-encoding")]
    Encoding,
}

impl Bad {
    pub(super) fn new(place: &'static str, at: usize, what: What) -> Self {
        Self { what, place, at }
    }
}
