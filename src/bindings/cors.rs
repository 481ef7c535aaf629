//! The set-up calls of `cors`, and the judge of origins that wildcards or patterns may describe.

use super::error::SetupError;
use super::hooks;
use super::hot::{Arguments, BadArgument, HotFunction, HotHandle, Reply};
use crate::cors as core;
use crate::error::{ConfigError, ErrorCode};
use napi::bindgen_prelude::Either;
use napi_derive::napi;
use std::cell::RefCell;
use std::ffi::CStr;

/// One rule of `origin`: `text`, or `source` and `flags`.
#[napi(object)]
pub struct OriginRuleInput {
    /// Where it stood.
    pub path: String,
    /// An origin, perhaps with wildcards.
    pub text: Option<String>,
    /// How a URL parser writes that origin.
    pub canonical: Option<String>,
    /// A regular expression.
    pub source: Option<String>,
    /// Its flags.
    pub flags: Option<String>,
    /// Whether it may describe a part.
    pub is_lenient: Option<bool>,
}

/// The options of `cors` in normal form.
#[napi(object)]
pub struct CorsInput {
    /// `any`, `every`, `function` or `rules`.
    pub origin: String,
    /// The rules.
    pub rules: Vec<OriginRuleInput>,
    /// Whether with cookies.
    pub credentials: bool,
    /// Methods.
    pub methods: Option<Either<String, Vec<String>>>,
    /// Request headers.
    pub allowed_headers: Option<Either<String, Vec<String>>>,
    /// Response headers.
    pub exposed_headers: Option<Either<String, Vec<String>>>,
    /// Seconds.
    pub max_age: Option<f64>,
    /// The status of a preflight.
    pub success_status: Option<f64>,
}

/// The compiled options.
#[napi(object, object_from_js = false)]
pub struct CorsPlan {
    /// Origins to compare.
    pub exact: Vec<String>,
    /// Whether a matcher is needed besides.
    pub has_patterns: bool,
    /// The longest origin that is looked at.
    pub max_origin_length: u32,
    /// Allow-Methods.
    pub methods: Option<String>,
    /// Allow-Headers.
    pub allowed_headers: Option<String>,
    /// Whether Allow-Headers repeats what is asked for.
    pub reflects_headers: bool,
    /// Expose-Headers.
    pub exposed_headers: Option<String>,
    /// Max-Age.
    pub max_age: Option<String>,
    /// The status of a preflight.
    pub success_status: u32,
}

impl From<OriginRuleInput> for core::RuleOption {
    fn from(input: OriginRuleInput) -> Self {
        let OriginRuleInput { path, text, canonical, source, flags, is_lenient } = input;
        let kind = match source {
            None => core::RuleKind::Text { text: text.unwrap_or_default(), canonical },
            Some(source) => core::RuleKind::Pattern {
                source,
                flags: flags.unwrap_or_default(),
                is_lenient: is_lenient.unwrap_or(false),
            },
        };
        Self { path, kind }
    }
}

impl TryFrom<CorsInput> for core::Options {
    type Error = ConfigError;

    fn try_from(input: CorsInput) -> Result<Self, ConfigError> {
        let names = |given: Either<String, Vec<String>>| match given {
            Either::A(text) => core::NamesOption::Text(text),
            Either::B(list) => core::NamesOption::Names(list),
        };
        Ok(Self {
            origin: match input.origin.as_str() {
                "any" => core::OriginOption::Any,
                "every" => core::OriginOption::Every,
                "function" => core::OriginOption::Function,
                "rules" => core::OriginOption::Rules(
                    input.rules.into_iter().map(core::RuleOption::from).collect(),
                ),
                other => {
                    let message = format!("got the kind {other:?}");
                    return Err(ConfigError::new(ErrorCode::OptionValue, "origin", message));
                }
            },
            credentials: input.credentials,
            methods: input.methods.map(names),
            allowed_headers: input.allowed_headers.map(names),
            exposed_headers: input.exposed_headers.map(names),
            max_age: input.max_age,
            success_status: input.success_status,
        })
    }
}

/// Checks the options and compiles them.
///
/// # Errors
/// The codes of [`ErrorCode`], each with the option's path.
#[napi(catch_unwind)]
pub fn compile_cors(input: CorsInput) -> Result<CorsPlan, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let plan = core::compile(&core::Options::try_from(input)?)?;
    Ok(CorsPlan {
        exact: plan.exact,
        has_patterns: plan.has_patterns,
        max_origin_length: u32::try_from(plan.max_origin_length).unwrap_or(u32::MAX),
        methods: plan.methods,
        allowed_headers: plan.allowed_headers,
        reflects_headers: plan.reflects_headers,
        exposed_headers: plan.exposed_headers,
        max_age: plan.max_age,
        success_status: plan.success_status.into(),
    })
}

/// Makes the function that judges origins by wildcards and patterns.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` with the rule's path.
#[napi(catch_unwind, ts_return_type = "(origin: string) => number")]
pub fn create_origin_matcher(
    rules: Vec<OriginRuleInput>,
) -> Result<HotHandle<MatchOrigin>, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let rules: Vec<_> = rules.into_iter().map(core::RuleOption::from).collect();
    let matcher = core::OriginMatcher::compile(&rules)?;
    Ok(HotHandle(MatchOrigin(RefCell::new((matcher, Vec::new())))))
}

/// `matchOrigin(origin)`: 1 when a rule describes it, else 0.
pub struct MatchOrigin(RefCell<(core::OriginMatcher, Vec<u16>)>);

impl HotFunction for MatchOrigin {
    const NAME: &'static CStr = c"matchOrigin";
    const OUT: usize = 0;

    fn call(&self, arguments: &Arguments<'_>, _out: &mut [f64]) -> Result<Reply, BadArgument> {
        let (matcher, buffer) = &mut *self.0.borrow_mut();
        let origin = String::from_utf16_lossy(arguments.utf16(0, buffer)?);
        Ok(Reply::Number(f64::from(u8::from(matcher.is_allowed(&origin)))))
    }
}
