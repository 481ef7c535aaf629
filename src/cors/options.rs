//! What a caller may ask for, before it is checked. JavaScript has checked the shape; [`super::compile`]
//! checks the meaning. User-facing texts live in `index.d.ts`; here only invariants are stated.

/// Everything of `cors(options)` that the core checks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Who may read responses.
    pub origin: OriginOption,
    /// Whether with cookies.
    pub credentials: bool,
    /// `Access-Control-Allow-Methods`; absent: the default.
    pub methods: Option<NamesOption>,
    /// `Access-Control-Allow-Headers`; absent: what the preflight asks for.
    pub allowed_headers: Option<NamesOption>,
    /// `Access-Control-Expose-Headers`.
    pub exposed_headers: Option<NamesOption>,
    /// Seconds, as JavaScript gave them.
    pub max_age: Option<f64>,
    /// Status of an answered preflight, as JavaScript gave it; absent: 204.
    pub success_status: Option<f64>,
}

/// `origin`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OriginOption {
    /// `'*'`: anybody, with one answer for all.
    #[default]
    Any,
    /// `true`: anybody, by name.
    Every,
    /// A function decides.
    Function,
    /// These rules.
    Rules(Vec<RuleOption>),
}

/// One rule of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOption {
    /// Where it stood: `origin` or `origin[1]`.
    pub path: String,
    /// What it is.
    pub kind: RuleKind,
}

/// What a [`RuleOption`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleKind {
    /// An origin, or one with wildcards.
    Text {
        /// As written.
        text: String,
        /// How a URL parser writes its origin, for error messages.
        canonical: Option<String>,
    },
    /// A regular expression of JavaScript's.
    Pattern {
        /// Its source.
        source: String,
        /// Its flags.
        flags: String,
        /// Whether it may describe a part of the origin. It must then start where a name starts and end with the
        /// host or the port, and a lone `.` in it is a dot.
        is_lenient: bool,
    },
}

/// A list of method or header names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamesOption {
    /// With commas, sent as written.
    Text(String),
    /// One by one.
    Names(Vec<String>),
}

impl RuleOption {
    /// A rule in text.
    #[must_use]
    pub fn text(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), kind: RuleKind::Text { text: text.into(), canonical: None } }
    }

    /// A rule by a regular expression of whole origins.
    #[must_use]
    pub fn pattern(path: impl Into<String>, source: &str, flags: &str) -> Self {
        let (source, flags) = (source.to_owned(), flags.to_owned());
        Self { path: path.into(), kind: RuleKind::Pattern { source, flags, is_lenient: false } }
    }
}

/// A value as an error message shows it: short and on one line.
pub(super) fn quote(text: &str) -> String {
    const SHOWN: usize = 80;
    format!("{:?}", text.chars().take(SHOWN).collect::<String>())
}
