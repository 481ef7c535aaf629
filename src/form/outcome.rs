//! What comes out of a form: JSON text, or a refusal.

use std::fmt;

/// Why a form is refused. It names the place where there is one, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormRefusal {
    /// More bytes than [`super::MAX_INPUT_BYTES`].
    TooLarge,
    /// More parameters than `parameterLimit`. body-parser: 413 `parameters.too.many`.
    TooManyParameters,
    /// More levels of brackets than `depth`. body-parser: 400 `querystring.parse.rangeError`.
    TooDeep {
        /// JSON pointer of the parameter, cut at the depth.
        pointer: String,
    },
    /// An array longer than allowed, or an index beyond it.
    ArrayLimit {
        /// JSON pointer of the parameter.
        pointer: String,
    },
    /// The same name twice, under the policy `reject`.
    Duplicate {
        /// JSON pointer of the parameter.
        pointer: String,
    },
    /// Raw bytes that are not UTF-8.
    InvalidUtf8,
}

impl FormRefusal {
    /// The public, stable spelling.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::TooManyParameters => "too-many-parameters",
            Self::TooDeep { .. } => "too-deep",
            Self::ArrayLimit { .. } => "array-limit",
            Self::Duplicate { .. } => "duplicate",
            Self::InvalidUtf8 => "invalid-utf8",
        }
    }

    /// JSON pointer (RFC 6901) of the place, empty for the whole form.
    #[must_use]
    pub fn pointer(&self) -> &str {
        match self {
            Self::TooDeep { pointer }
            | Self::ArrayLimit { pointer }
            | Self::Duplicate { pointer } => pointer,
            Self::TooLarge | Self::TooManyParameters | Self::InvalidUtf8 => "",
        }
    }
}

impl fmt::Display for FormRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::error::Error for FormRefusal {}

/// A form as JSON text, borrowed from the [`super::Scratch`] it was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Form<'a> {
    /// One JSON object in ASCII, so a one-byte string for V8 whatever it holds. `JSON.parse` defines own
    /// properties and calls no setter, so no name can reach a prototype.
    pub json: &'a [u8],
}
