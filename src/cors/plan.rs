//! From options to what JavaScript sets.

use super::fields::{max_age_value, names_value};
use super::matcher::OriginMatcher;
use super::options::{NamesOption, Options, OriginOption, RuleKind};
use super::origin::MAX_ORIGIN_LENGTH;
use crate::error::{ConfigError, ErrorCode};

const DEFAULT_METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";
const DEFAULT_SUCCESS_STATUS: u16 = 204;

/// The compiled options: values of fields, absent where the field is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Origins that are compared as they are.
    pub exact: Vec<String>,
    /// Whether an [`OriginMatcher`] is needed besides.
    pub has_patterns: bool,
    /// The longest origin that anything looks at.
    pub max_origin_length: usize,
    /// `Access-Control-Allow-Methods`.
    pub methods: Option<String>,
    /// `Access-Control-Allow-Headers`.
    pub allowed_headers: Option<String>,
    /// Whether that field repeats what the preflight asks for.
    pub reflects_headers: bool,
    /// `Access-Control-Expose-Headers`.
    pub exposed_headers: Option<String>,
    /// `Access-Control-Max-Age`.
    pub max_age: Option<String>,
    /// The status of an answered preflight.
    pub success_status: u16,
}

/// Checks the options and compiles them.
///
/// # Errors
/// [`ErrorCode::OptionConflict`] for any origin, or `*` among names, together with credentials; [`ErrorCode::HeaderValue`] for
/// names that are none; [`ErrorCode::OptionValue`] for rules as of [`OriginMatcher::compile`] and numbers out of range. Each with
/// the option's path.
pub fn compile(options: &Options) -> Result<Plan, ConfigError> {
    let has_credentials = options.credentials;
    let no_rules = Vec::new();
    let rules = match &options.origin {
        OriginOption::Any if has_credentials => return Err(anybody_with_credentials("'*'")),
        OriginOption::Every if has_credentials => return Err(anybody_with_credentials("true")),
        OriginOption::Rules(rules) => rules,
        _ => &no_rules,
    };
    let value = |option: &str, names: &Option<NamesOption>| match names {
        Some(names) => names_value(option, names, has_credentials),
        None => Ok(None),
    };
    let methods = match &options.methods {
        Some(names) => names_value("methods", names, has_credentials)?,
        None => Some(DEFAULT_METHODS.to_owned()),
    };
    let exact = rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Text { text, .. } if !text.contains('*') => Some(text.clone()),
        _ => None,
    });
    Ok(Plan {
        exact: exact.collect(),
        has_patterns: !OriginMatcher::compile(rules)?.is_empty(),
        max_origin_length: MAX_ORIGIN_LENGTH,
        methods,
        allowed_headers: value("allowedHeaders", &options.allowed_headers)?,
        reflects_headers: options.allowed_headers.is_none(),
        exposed_headers: value("exposedHeaders", &options.exposed_headers)?,
        max_age: options.max_age.map(max_age_value).transpose()?,
        success_status: success_status(options.success_status)?,
    })
}

fn anybody_with_credentials(origin: &str) -> ConfigError {
    let message = format!(
        "got {origin} with credentials: true, which would let every site read what a user sees when logged in; \
         list the origins"
    );
    ConfigError::new(ErrorCode::OptionConflict, "origin", message)
}

fn success_status(status: Option<f64>) -> Result<u16, ConfigError> {
    let Some(given) = status else { return Ok(DEFAULT_SUCCESS_STATUS) };
    let known = (200..300_u16).find(|status| f64::from(*status).total_cmp(&given).is_eq());
    known.ok_or_else(|| {
        // Browsers fail a preflight with any other status (Fetch, section 4.8).
        let message = format!("got {given}, expected a status from 200 to 299");
        ConfigError::new(ErrorCode::OptionValue, "optionsSuccessStatus", message)
    })
}
