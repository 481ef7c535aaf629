//! Checked construction of [`Rules`] from plain values.

use super::allow::AllowList;
use super::rules::{Action, DuplicatePolicy, Limits, Rules};
use crate::error::{ConfigError, ErrorCode};

/// The largest number a limit takes; beyond it, `Infinity` is what is meant.
const LIMIT_MAX: f64 = 2_147_483_648.0;

/// One key rule's options as they come. Absent fields keep what the base [`Rules`] have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleOptions {
    /// `off`, `strip`, `reject`, `report`, or `replace` (which needs [`RuleOptions::replace_with`]).
    pub action: Option<String>,
    /// Text put for a leading `$` and for every `.` of the key, as express-mongo-sanitize does; implies
    /// the action `replace`. Only for `operator` and `dotted`. Not empty; no `$`, `.`, NUL.
    pub replace_with: Option<String>,
    /// JSON pointers of members the rule leaves alone, `*` for any one segment: `/filter/*`.
    pub allow: Option<Vec<String>>,
}

/// The options of the JSON readers as they come. Absent fields keep what the base [`Rules`] have.
///
/// Limits are whole numbers from 0 to 2^31, or infinity for no limit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JsonOptions {
    /// Nested arrays and objects: `[[]]` has depth 2. Default 64.
    pub max_depth: Option<f64>,
    /// Keys in the whole body. Default 10,000.
    pub max_keys: Option<f64>,
    /// Elements of one array. Default 100,000.
    pub max_array_elements: Option<f64>,
    /// UTF-8 bytes of one key after decoding; a lone surrogate counts three. Default 1,024.
    pub max_key_bytes: Option<f64>,
    /// Characters one number is written with, sign, point and exponent included. Default 400.
    pub max_number_length: Option<f64>,
    /// `__proto__`, and `constructor` holding an object that owns `prototype`. Default strip.
    pub proto: RuleOptions,
    /// A `$` at the start of a key or of a dot segment of it. Default strip.
    pub operator: RuleOptions,
    /// A dot in a key that has no such segment. Default off.
    pub dotted: RuleOptions,
    /// NUL in a key. Default reject.
    pub nul: RuleOptions,
    /// `reject`, `first` or `last` (which is what `JSON.parse` does). Default reject.
    pub duplicate_keys: Option<String>,
}

impl JsonOptions {
    /// The rules that result when these options are laid over `base`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the option's path: [`ErrorCode::OptionValue`] for a number that is NaN,
    /// negative, fractional or above 2^31, for an unknown action or policy, and for a pattern or
    /// replacement that cannot be used; [`ErrorCode::OptionConflict`] for a replacement next to
    /// another action, or on a rule that has none.
    pub fn apply_to(&self, base: Rules) -> Result<Rules, ConfigError> {
        let Limits { depth, keys, array_elements, key_bytes, number_length } = base.limits;
        let limits = Limits {
            depth: limit("maxDepth", self.max_depth, depth)?,
            keys: limit("maxKeys", self.max_keys, keys)?,
            array_elements: limit("maxElements", self.max_array_elements, array_elements)?,
            key_bytes: limit("maxKeyLength", self.max_key_bytes, key_bytes)?,
            number_length: limit("maxNumberLength", self.max_number_length, number_length)?,
        };
        let [proto, nul, operator, dotted] = base.actions;
        let actions = [
            self.proto.apply_to("proto", false, proto)?,
            self.nul.apply_to("nul", false, nul)?,
            self.operator.apply_to("operator", true, operator)?,
            self.dotted.apply_to("dotted", true, dotted)?,
        ];
        let duplicates = match self.duplicate_keys.as_deref() {
            None => base.duplicates,
            Some("reject") => DuplicatePolicy::Reject,
            Some("first") => DuplicatePolicy::First,
            Some("last") => DuplicatePolicy::Last,
            Some(other) => return Err(unknown("duplicateKeys", other, "reject, first, last")),
        };
        Ok(Rules { limits, actions, duplicates })
    }
}

impl TryFrom<&JsonOptions> for Rules {
    type Error = ConfigError;

    fn try_from(options: &JsonOptions) -> Result<Self, ConfigError> {
        options.apply_to(Self::default())
    }
}

impl RuleOptions {
    /// `replaces` says whether the rule can rename a key at all.
    fn apply_to(
        &self,
        name: &str,
        replaces: bool,
        (action, allow): (Action, AllowList),
    ) -> Result<(Action, AllowList), ConfigError> {
        let action = match (self.action.as_deref(), self.replace_with.as_deref()) {
            (None, None) => action,
            (None | Some("replace"), Some(text)) => replacement(name, replaces, text)?,
            (Some("replace"), None) => {
                let message = "the action replace needs replaceWith";
                return Err(conflict(format!("{name}.action"), message));
            }
            (Some(_), Some(_)) => {
                let message = "replaceWith goes with no other action than replace";
                return Err(conflict(format!("{name}.replaceWith"), message));
            }
            (Some("off"), None) => Action::Off,
            (Some("strip"), None) => Action::Strip,
            (Some("reject"), None) => Action::Reject,
            (Some("report"), None) => Action::Report,
            (Some(other), None) => {
                let known = "off, strip, reject, report, replace";
                return Err(unknown(format!("{name}.action"), other, known));
            }
        };
        let allow = match &self.allow {
            Some(patterns) => AllowList::parse(&format!("{name}.allow"), patterns)?,
            None => allow,
        };
        Ok((action, allow))
    }
}

/// Refuses a text that would leave, or make, another prohibited key.
fn replacement(name: &str, replaces: bool, text: &str) -> Result<Action, ConfigError> {
    let path = format!("{name}.replaceWith");
    if !replaces {
        return Err(conflict(path, "only operator and dotted keys can be renamed"));
    }
    if text.is_empty() || text.contains(['$', '.', '\0']) {
        let message = format!("got {text:?}, expected at least one character, no $, dot or NUL");
        return Err(ConfigError::new(ErrorCode::OptionValue, path, message));
    }
    Ok(Action::Replace(text.into()))
}

/// A limit as the core keeps it: `u32::MAX` is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and between 0 and 2^31 when it is cast"
)]
fn limit(path: &str, value: Option<f64>, base: u32) -> Result<u32, ConfigError> {
    match value {
        None => Ok(base),
        Some(f64::INFINITY) => Ok(Limits::NONE),
        Some(value) if (0.0..=LIMIT_MAX).contains(&value) && value.fract() == 0.0 => {
            Ok(value as u32)
        }
        Some(value) => {
            let message = format!("got {value}, expected a whole number, 0 to 2^31, or Infinity");
            Err(ConfigError::new(ErrorCode::OptionValue, path, message))
        }
    }
}

fn unknown(path: impl Into<String>, got: &str, known: &str) -> ConfigError {
    let message = format!("got {got:?}, expected one of {known}");
    ConfigError::new(ErrorCode::OptionValue, path, message)
}

fn conflict(path: String, message: &str) -> ConfigError {
    ConfigError::new(ErrorCode::OptionConflict, path, message)
}
