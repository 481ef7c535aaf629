//! The rules of `sanitize`, which walks values that are parsed already: checked here, applied in JavaScript.

use super::body::JsonInput;
use super::error::SetupError;
use super::hooks;
use crate::json::{Action, JsonOptions, Limits, Rule, Rules};
use napi_derive::napi;

/// One key rule as it results from the options.
#[napi(object)]
pub struct ResolvedRule {
    /// `off`, `report`, `replace`, `strip` or `reject`.
    pub action: String,
    /// What takes the place of the prohibited characters, under `replace`.
    pub replace_with: Option<String>,
}

/// All rules about keys and sizes as they result from the options.
#[napi(object)]
pub struct ResolvedRules {
    /// `__proto__` and `constructor.prototype`.
    pub proto: ResolvedRule,
    /// Keys with NUL.
    pub nul: ResolvedRule,
    /// Keys with a segment that starts with `$`.
    pub operator: ResolvedRule,
    /// Other keys with a dot.
    pub dotted: ResolvedRule,
    /// Nested arrays and objects.
    pub max_depth: f64,
    /// Keys in the whole value.
    pub max_keys: f64,
    /// Elements of one array.
    pub max_elements: f64,
    /// UTF-8 bytes of one key.
    pub max_key_length: f64,
}

impl From<&Action> for ResolvedRule {
    fn from(action: &Action) -> Self {
        let replace_with = match action {
            Action::Replace(text) => Some(text.to_string()),
            _ => None,
        };
        Self { action: action.as_str().to_owned(), replace_with }
    }
}

impl From<&Rules> for ResolvedRules {
    fn from(rules: &Rules) -> Self {
        let rule = |rule| ResolvedRule::from(rules.action(rule));
        let limits = rules.limits();
        Self {
            proto: rule(Rule::Proto),
            nul: rule(Rule::Nul),
            operator: rule(Rule::Operator),
            dotted: rule(Rule::Dotted),
            max_depth: number(limits.depth),
            max_keys: number(limits.keys),
            max_elements: number(limits.array_elements),
            max_key_length: number(limits.key_bytes),
        }
    }
}

/// A limit as JavaScript knows it.
fn number(limit: u32) -> f64 {
    if limit == Limits::NONE { f64::INFINITY } else { f64::from(limit) }
}

/// Checks the options and gives them back complete, with the defaults of `json`.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` or `ERR_CARAPACE_OPTION_CONFLICT` with the option's path.
#[napi(catch_unwind)]
pub fn resolve_rules(input: JsonInput) -> Result<ResolvedRules, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    Ok(ResolvedRules::from(&Rules::try_from(&JsonOptions::from(input))?))
}
