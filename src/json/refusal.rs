//! Why a body is refused, and where.

use std::fmt;

/// A rule about the keys of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// `__proto__`, and `constructor` holding an object that owns `prototype` (CWE-1321).
    Proto,
    /// NUL in a key: drivers written in C end the key there.
    Nul,
    /// A key, or a dot segment of it, that starts with `$` (CWE-943).
    Operator,
    /// A dot in a key.
    Dotted,
    /// The same key twice in one object (CWE-436, RFC 8259 section 4).
    Duplicate,
}

impl Rule {
    /// The public, stable spelling; also the option's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proto => "proto",
            Self::Nul => "nul",
            Self::Operator => "operator",
            Self::Dotted => "dotted",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What is wrong with a refused body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// 2^32 - 1 bytes or more; V8 holds no string of that length.
    TooLarge,
    /// More nested arrays and objects than allowed.
    TooDeep,
    /// More keys in the whole body than allowed.
    TooManyKeys,
    /// More elements in one array than allowed.
    TooManyElements,
    /// A decoded key with more UTF-8 bytes than allowed.
    KeyTooLong,
    /// A number written with more characters than allowed.
    NumberTooLong,
    /// A key that its object already has, under the policy `reject`.
    DuplicateKey,
    /// A key that the named rule rejects.
    Forbidden(Rule),
    /// Not UTF-8 (RFC 8259 section 8.1): overlong, truncated, an encoded surrogate or a stray byte.
    InvalidUtf8,
    /// Not JSON (RFC 8259), as V8's `JSON.parse` would say too.
    Malformed,
}

impl RefusalKind {
    /// The public, stable spelling; [`RefusalKind::Forbidden`] gives its rule's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
            Self::TooManyKeys => "too-many-keys",
            Self::TooManyElements => "too-many-elements",
            Self::KeyTooLong => "key-too-long",
            Self::NumberTooLong => "number-too-long",
            Self::DuplicateKey => "duplicate",
            Self::Forbidden(rule) => rule.as_str(),
            Self::InvalidUtf8 => "invalid-utf8",
            Self::Malformed => "malformed",
        }
    }
}

/// A body that must not be parsed. It names the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// What is wrong.
    pub kind: RefusalKind,
    /// Byte offset in the body: of the key's opening quote, of the number's first character, of the
    /// bracket that goes too deep or opens the array that is too long, of the first wrong byte.
    pub offset: usize,
    /// JSON pointer (RFC 6901) of that place, at most about 1,000 bytes: a longer one is cut and
    /// ends in `…`. Empty for the whole body.
    pub pointer: String,
}

impl Refusal {
    pub(super) const fn new(kind: RefusalKind, offset: usize, pointer: String) -> Self {
        Self { kind, offset, pointer }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.kind.as_str(), self.offset)
    }
}

impl std::error::Error for Refusal {}
