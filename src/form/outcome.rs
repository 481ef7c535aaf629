//! What comes out of a form: JSON text with findings, or a refusal.

use std::fmt;

use crate::json::{FINDINGS_CAP, Outcome, Rule};

/// Why a form is refused. It names the place where there is one (a JSON pointer, RFC 6901, of at most
/// about 1,000 bytes), never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormRefusal {
    /// More bytes than [`super::MAX_INPUT_BYTES`].
    TooLarge,
    /// More parameters than `parameterLimit`. body-parser: 413 `parameters.too.many`.
    TooManyParameters,
    /// More names in the result than [`crate::json::Limits::keys`].
    TooManyKeys,
    /// A decoded name with more UTF-8 bytes than [`crate::json::Limits::key_bytes`].
    KeyTooLong {
        /// The parameter.
        pointer: String,
    },
    /// More levels of brackets than `depth`. body-parser: 400 `querystring.parse.rangeError`.
    TooDeep {
        /// The parameter, cut at the depth.
        pointer: String,
    },
    /// An array longer than allowed, or an index beyond it.
    ArrayLimit {
        /// The parameter.
        pointer: String,
    },
    /// A name that a rule rejects.
    Forbidden {
        /// The rule.
        rule: Rule,
        /// The member of the result.
        pointer: String,
    },
    /// A parameter that was repeated, under a policy that rejects.
    Duplicate {
        /// The parameter.
        pointer: String,
    },
    /// A list of values, under [`super::HppKeep::Reject`].
    Polluted {
        /// The parameter.
        pointer: String,
    },
    /// Raw bytes that are not UTF-8.
    InvalidUtf8,
}

impl FormRefusal {
    /// The public, stable spelling; [`FormRefusal::Forbidden`] gives its rule's.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::TooManyParameters => "too-many-parameters",
            Self::TooManyKeys => "too-many-keys",
            Self::KeyTooLong { .. } => "key-too-long",
            Self::TooDeep { .. } => "too-deep",
            Self::ArrayLimit { .. } => "array-limit",
            Self::Forbidden { rule, .. } => rule.as_str(),
            Self::Duplicate { .. } => Rule::Duplicate.as_str(),
            Self::Polluted { .. } => "polluted",
            Self::InvalidUtf8 => "invalid-utf8",
        }
    }

    /// JSON pointer of the place, empty for the whole form. An element that was to be appended is `-`.
    #[must_use]
    pub fn pointer(&self) -> &str {
        match self {
            Self::KeyTooLong { pointer }
            | Self::TooDeep { pointer }
            | Self::ArrayLimit { pointer }
            | Self::Forbidden { pointer, .. }
            | Self::Duplicate { pointer }
            | Self::Polluted { pointer } => pointer,
            Self::TooLarge | Self::TooManyParameters | Self::TooManyKeys | Self::InvalidUtf8 => "",
        }
    }
}

impl fmt::Display for FormRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::error::Error for FormRefusal {}

/// A parameter that a rule was about. It names the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormFinding {
    /// The rule.
    pub rule: Rule,
    /// What was done.
    pub outcome: Outcome,
    /// JSON pointer (RFC 6901) of the member in the form as it came.
    pub pointer: String,
}

/// A bounded list of findings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) list: Vec<FormFinding>,
    pub(super) total: usize,
}

impl Findings {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.total = 0;
    }

    /// Counts a finding, and lists it unless there are enough.
    pub(super) fn add(&mut self, rule: Rule, outcome: Outcome, pointer: impl FnOnce() -> String) {
        self.total += 1;
        if self.list.len() < FINDINGS_CAP {
            self.list.push(FormFinding { rule, outcome, pointer: pointer() });
        }
    }

    /// Makes the finding that was added last one about a member that was removed.
    pub(super) fn demote_last(&mut self) {
        if self.total <= self.list.len()
            && let Some(last) = self.list.last_mut()
        {
            last.outcome = Outcome::Stripped;
        }
    }
}

/// A bounded list of JSON pointers.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) list: Vec<String>,
    pub(super) total: usize,
}

impl Paths {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.total = 0;
    }

    /// Counts a place, and lists it unless there are enough.
    pub(super) fn add(&mut self, pointer: impl FnOnce() -> String) {
        self.total += 1;
        if self.list.len() < FINDINGS_CAP {
            self.list.push(pointer());
        }
    }
}

/// The parameters of a form that came with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Polluted<'a> {
    /// One JSON object in ASCII: they as they came, each at its place.
    pub json: &'a [u8],
    /// JSON pointers (RFC 6901) of them, at most [`FINDINGS_CAP`].
    pub pointers: &'a [String],
    /// How many there were.
    pub total: usize,
}

/// A form as JSON text, borrowed from the [`super::Scratch`] it was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Form<'a> {
    /// One JSON object in ASCII, so a one-byte string for V8 whatever it holds. `JSON.parse` defines own
    /// properties and calls no setter, so no name can reach a prototype. Names such as `hasOwnProperty` are
    /// kept, as body-parser and Express keep them: they hide the inherited method, so
    /// `Object.hasOwn(body, name)` is the call that always works.
    pub json: &'a [u8],
    /// The polluted parameters, if there are any and [`super::HppOptions`] look for them.
    pub polluted: Option<Polluted<'a>>,
    /// The findings of the rules, at most [`FINDINGS_CAP`].
    pub findings: &'a [FormFinding],
    /// How many findings of the rules there were.
    pub total: usize,
}
