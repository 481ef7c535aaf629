//! What a form parser is told, checked when it is made.

use super::hpp::HppOptions;
use super::scan::holds;
use crate::error::{ConfigError, ErrorCode};
use crate::json::{Action, JsonOptions, Rule, Rules};

/// The grammar of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Brackets nest, as in qs 6.17.
    Extended,
    /// qs at depth 0: names stay whole (`extended: false` of body-parser 2).
    Flat,
    /// Node's `querystring` (Express "simple", `extended: false` of body-parser 1).
    Simple,
}

/// The longest array that [`Syntax::Extended`] and [`Syntax::Flat`] make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArrayLimit {
    /// This many elements, and indices below it (qs: 20).
    Fixed(u32),
    /// As many as the input has parameters, but at least this many (body-parser: 100 extended, 1 flat).
    Parameters(u32),
}

/// What happens to input that goes over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// As the peer: parameters are cut off, arrays become objects with the indices as names, deeper
    /// brackets stay part of the last name.
    Bend,
    /// The request is refused.
    Refuse,
}

/// What a repeated parameter becomes. Names that end in `[]` always make an array, as in qs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Duplicates {
    /// An array of all values.
    Combine,
    /// The first value.
    First,
    /// The last value.
    Last,
    /// A refusal.
    Reject,
}

/// All options of a form parser. Made by one of the presets, then changed by the checked setters.
#[derive(Debug, Clone, PartialEq)]
pub struct FormOptions {
    pub(super) syntax: Syntax,
    pub(super) depth: u32,
    pub(super) too_deep: Overflow,
    pub(super) array_limit: ArrayLimit,
    pub(super) long_array: Overflow,
    pub(super) parameter_limit: usize,
    pub(super) too_many_parameters: Overflow,
    pub(super) duplicates: Duplicates,
    pub(super) charset_sentinel: bool,
    pub(super) numeric_entities: bool,
    pub(super) strict_utf8: bool,
    pub(super) rules: Rules,
    /// The same rules without limits, for the text that was made.
    pub(super) text_rules: Rules,
    /// Bits of [`holds`] that make a name worth a look.
    pub(super) watched: u8,
    pub(super) hpp: Option<HppOptions>,
}

impl FormOptions {
    /// `urlencoded({ extended })` of body-parser 2.4 (Express 5): up to 1,000 parameters (413 over them),
    /// 32 levels (400), U+FFFD for raw bytes that are not UTF-8.
    #[must_use]
    pub fn body_parser(extended: bool) -> Self {
        let least = if extended { 100 } else { 1 };
        Self {
            syntax: if extended { Syntax::Extended } else { Syntax::Flat },
            depth: if extended { 32 } else { 0 },
            too_deep: Overflow::Refuse,
            array_limit: ArrayLimit::Parameters(least),
            long_array: Overflow::Bend,
            parameter_limit: 1000,
            too_many_parameters: Overflow::Refuse,
            duplicates: Duplicates::Combine,
            charset_sentinel: false,
            numeric_entities: false,
            strict_utf8: false,
            rules: Rules::permissive(),
            text_rules: Rules::permissive(),
            watched: 0,
            hpp: None,
        }
    }

    /// `app.set('query parser', …)` of Express 4 and 5: `"extended"` is qs with 5 levels and arrays of 20,
    /// `"simple"` is Node's `querystring`. Parameters after the first 1,000 are dropped.
    #[must_use]
    pub fn express_query(extended: bool) -> Self {
        Self {
            syntax: if extended { Syntax::Extended } else { Syntax::Simple },
            depth: 5,
            too_deep: Overflow::Bend,
            array_limit: ArrayLimit::Fixed(20),
            too_many_parameters: Overflow::Bend,
            ..Self::body_parser(true)
        }
    }

    /// A body under carapace's own defaults: as [`FormOptions::body_parser`], but arrays never turn into
    /// objects and raw bytes must be UTF-8.
    #[must_use]
    pub fn body(extended: bool) -> Self {
        Self { long_array: Overflow::Refuse, strict_utf8: true, ..Self::body_parser(extended) }
            .with_rules(Rules::default())
    }

    /// A query string under carapace's own defaults: as [`FormOptions::express_query`], but with arrays of
    /// up to 100 elements, and whatever goes over a limit is refused instead of bent.
    #[must_use]
    pub fn query(extended: bool) -> Self {
        Self {
            too_deep: Overflow::Refuse,
            array_limit: ArrayLimit::Fixed(100),
            long_array: Overflow::Refuse,
            too_many_parameters: Overflow::Refuse,
            ..Self::express_query(extended)
        }
        .with_rules(Rules::default())
    }

    /// The grammar of names.
    #[must_use]
    pub const fn with_syntax(mut self, syntax: Syntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// Levels of brackets below the first name: a whole number from 0, or infinity. 0 keeps names whole.
    ///
    /// # Errors
    /// `OptionValue` at `depth`.
    pub fn with_depth(mut self, depth: f64) -> Result<Self, ConfigError> {
        self.depth = count("depth", depth, 0)?;
        Ok(self)
    }

    /// Longest input in parameters (`&` separated pieces, empty ones too): a whole number from 1, or
    /// infinity.
    ///
    /// # Errors
    /// `OptionValue` at `parameterLimit`.
    pub fn with_parameter_limit(mut self, limit: f64) -> Result<Self, ConfigError> {
        self.parameter_limit = count("parameterLimit", limit, 1)? as usize;
        Ok(self)
    }

    /// Longest array, and the first index that makes none: a whole number from 0, or infinity.
    ///
    /// # Errors
    /// `OptionValue` at `arrayLimit`.
    pub fn with_array_limit(mut self, limit: f64) -> Result<Self, ConfigError> {
        self.array_limit = ArrayLimit::Fixed(count("arrayLimit", limit, 0)?);
        Ok(self)
    }

    /// What a repeated parameter becomes: `combine`, `first`, `last` or `reject`.
    ///
    /// # Errors
    /// `OptionValue` at `duplicates`.
    pub fn with_duplicates(mut self, policy: &str) -> Result<Self, ConfigError> {
        self.duplicates = match policy {
            "combine" => Duplicates::Combine,
            "first" => Duplicates::First,
            "last" => Duplicates::Last,
            "reject" => Duplicates::Reject,
            _ => {
                let message = format!("got {policy:?}, allowed: combine, first, last, reject");
                return Err(ConfigError::new(ErrorCode::OptionValue, "duplicates", message));
            }
        };
        Ok(self)
    }

    /// What happens over the limits of depth, array length and parameters, each by itself.
    #[must_use]
    pub const fn with_overflow(
        mut self,
        too_deep: Overflow,
        long_array: Overflow,
        too_many_parameters: Overflow,
    ) -> Self {
        self.too_deep = too_deep;
        self.long_array = long_array;
        self.too_many_parameters = too_many_parameters;
        self
    }

    /// Whether a parameter `utf8=✓` sets the charset of escapes (Ruby on Rails' convention; body-parser's
    /// `charsetSentinel`). It is dropped from the result, whatever its value.
    #[must_use]
    pub const fn with_charset_sentinel(mut self, on: bool) -> Self {
        self.charset_sentinel = on;
        self
    }

    /// Whether `&#9786;` in values of ISO-8859-1 forms is the character with that number.
    #[must_use]
    pub const fn with_numeric_entities(mut self, on: bool) -> Self {
        self.numeric_entities = on;
        self
    }

    /// Whether raw bytes that are not UTF-8 are refused; otherwise they read as U+FFFD. Escapes that are
    /// not UTF-8 are no offence: they read as the peer reads them.
    #[must_use]
    pub const fn with_strict_utf8(mut self, on: bool) -> Self {
        self.strict_utf8 = on;
        self
    }

    /// What names must not hold: the rules of JSON bodies, of whose limits `keys` (names in the result) and
    /// `key_bytes` (one decoded name, brackets included) apply. Depth, array length and duplicates are the
    /// form's own options. Where brackets do not nest, the rules look at each bracketed segment.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        let none = Some(f64::INFINITY);
        let limitless = JsonOptions {
            max_depth: none,
            max_keys: none,
            max_array_elements: none,
            max_key_bytes: none,
            max_number_length: none,
            duplicate_keys: Some("last".to_owned()),
            ..JsonOptions::default()
        };
        let on = |rule| *rules.action(rule) != Action::Off;
        self.watched = if on(Rule::Operator) { holds::DOLLAR } else { 0 }
            | if on(Rule::Dotted) { holds::DOT } else { 0 }
            | if on(Rule::Nul) { holds::ESCAPE } else { 0 };
        // These options are valid, so there is no error; the limits would only be checked twice.
        self.text_rules = limitless.apply_to(rules.clone()).unwrap_or_else(|_| rules.clone());
        self.rules = rules;
        self
    }

    /// What is done about lists of values, after everything else; `None` is nothing.
    #[must_use]
    pub fn with_hpp(mut self, hpp: Option<HppOptions>) -> Self {
        self.hpp = hpp;
        self
    }

    /// What the rules do about `__proto__`.
    pub(super) const fn proto(&self) -> &Action {
        self.rules.action(Rule::Proto)
    }

    /// Whether any rule looks at names.
    pub(super) fn has_rules(&self) -> bool {
        self.watched != 0 || *self.proto() != Action::Off
    }

    /// The longest array of an input with so many parameters.
    pub(super) fn array_limit_for(&self, parameters: usize) -> u32 {
        match self.array_limit {
            ArrayLimit::Fixed(limit) => limit,
            ArrayLimit::Parameters(least) => {
                u32::try_from(parameters).unwrap_or(u32::MAX).max(least)
            }
        }
    }
}

/// A count that came as a JavaScript number: whole, at least `least`, at most 2^32 - 1; infinity is that
/// most.
fn count(path: &str, number: f64, least: u32) -> Result<u32, ConfigError> {
    if number == f64::INFINITY {
        return Ok(u32::MAX);
    }
    if number.fract() != 0.0 || number < f64::from(least) || number > f64::from(u32::MAX) {
        let message = format!("got {number}, allowed: a whole number from {least}, or Infinity");
        return Err(ConfigError::new(ErrorCode::OptionValue, path, message));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(number as u32)
}
