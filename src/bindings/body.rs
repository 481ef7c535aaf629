//! Bodies as raw bytes: the scan of each one, and what is done about the few that it flags.

use super::body_text::{Checker, Judge, Scan};
use super::error::SetupError;
use super::hooks;
use super::hot::HotHandle;
use crate::json::{Finding, JsonOptions, Outcome, Refusal, RuleOptions, Rules};
use napi_derive::napi;
use std::rc::Rc;

/// One key rule's options.
#[napi(object)]
#[derive(Default)]
pub struct KeyRuleInput {
    /// What is done about a key that the rule finds.
    pub action: Option<String>,
    /// What takes the place of the prohibited characters.
    pub replace_with: Option<String>,
    /// JSON pointers of members that the rule leaves alone.
    pub allow: Option<Vec<String>>,
}

/// The options of `json` that concern the text of a body.
#[napi(object)]
#[derive(Default)]
pub struct JsonInput {
    /// Nested arrays and objects.
    pub max_depth: Option<f64>,
    /// Keys in the whole body.
    pub max_keys: Option<f64>,
    /// Elements of one array.
    pub max_elements: Option<f64>,
    /// Bytes of one key.
    pub max_key_length: Option<f64>,
    /// Characters of one number.
    pub max_number_length: Option<f64>,
    /// `reject`, `first` or `last`.
    pub duplicate_keys: Option<String>,
    /// `__proto__` and `constructor.prototype`.
    pub proto: Option<KeyRuleInput>,
    /// Keys with a segment that starts with `$`.
    pub operator: Option<KeyRuleInput>,
    /// Other keys with a dot.
    pub dotted: Option<KeyRuleInput>,
    /// Keys with NUL.
    pub nul: Option<KeyRuleInput>,
}

impl From<KeyRuleInput> for RuleOptions {
    fn from(input: KeyRuleInput) -> Self {
        let KeyRuleInput { action, replace_with, allow } = input;
        Self { action, replace_with, allow }
    }
}

impl From<JsonInput> for JsonOptions {
    fn from(input: JsonInput) -> Self {
        let rule = |options: Option<KeyRuleInput>| options.unwrap_or_default().into();
        Self {
            max_depth: input.max_depth,
            max_keys: input.max_keys,
            max_array_elements: input.max_elements,
            max_key_bytes: input.max_key_length,
            max_number_length: input.max_number_length,
            duplicate_keys: input.duplicate_keys,
            proto: rule(input.proto),
            operator: rule(input.operator),
            dotted: rule(input.dotted),
            nul: rule(input.nul),
        }
    }
}

/// Something that a rule found.
#[napi(object)]
pub struct FindingReply {
    /// The rule.
    pub rule: String,
    /// What was done: `report`, `replace` or `strip`.
    pub action: String,
    /// JSON pointer of the member.
    pub path: String,
}

/// Why a body must not be parsed.
#[napi(object)]
pub struct RefusalReply {
    /// The rule or limit.
    pub rule: String,
    /// JSON pointer of the place.
    pub path: String,
}

/// The rules for JSON bodies, compiled.
#[napi]
pub struct JsonRules(Rc<Checker>);

#[napi]
impl JsonRules {
    /// Checks the options.
    ///
    /// # Errors
    /// `ERR_CARAPACE_OPTION_VALUE` or `ERR_CARAPACE_OPTION_CONFLICT` with the option's path.
    #[napi(factory, catch_unwind)]
    pub fn compile(input: JsonInput) -> Result<Self, SetupError> {
        hooks::crossing(hooks::Kind::Config);
        let rules = Rules::try_from(&JsonOptions::from(input))?;
        Ok(Self(Rc::new(Checker::new(rules))))
    }

    /// The function that scans each body. It answers with the text for `JSON.parse` when the body is clean,
    /// else with 1 (clean, but JavaScript is to decode it), 2 (flagged) or 3 (refused). Text is built here
    /// up to `density` bytes beyond ASCII in a thousand, 0 to 1000.
    #[napi(catch_unwind, ts_return_type = "(body: Uint8Array) => string | number")]
    #[must_use]
    pub fn scanner(&self, density: u32) -> HotHandle<Scan> {
        HotHandle(Scan { checker: Rc::clone(&self.0), density: density as usize })
    }

    /// The function that decides about the body that was scanned last and found flagged or refused. It
    /// answers with the text to parse, or with 3 when the body must not be parsed; `out[0]` has the
    /// number of findings. With `is_verbatim` no character of the text is written as an escape.
    #[napi(
        catch_unwind,
        ts_return_type = "((body: Uint8Array) => string | number) & { readonly out: Float64Array }"
    )]
    #[must_use]
    pub fn judge(&self, is_verbatim: bool) -> HotHandle<Judge> {
        HotHandle(Judge { checker: Rc::clone(&self.0), is_verbatim })
    }

    /// Why the body that was decided about last must not be parsed.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn refusal(&self) -> Option<RefusalReply> {
        hooks::crossing(hooks::Kind::Rare);
        self.0.refusal.borrow().as_ref().map(RefusalReply::from)
    }

    /// What was found in the body that was decided about last, the first hundred.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn findings(&self) -> Vec<FindingReply> {
        hooks::crossing(hooks::Kind::Rare);
        self.0.findings.take().into_iter().map(FindingReply::from).collect()
    }
}

impl From<Finding> for FindingReply {
    fn from(finding: Finding) -> Self {
        let (rule, action) = (finding.rule.as_str().to_owned(), action(finding.outcome).to_owned());
        Self { rule, action, path: finding.pointer }
    }
}

impl From<&Refusal> for RefusalReply {
    fn from(refusal: &Refusal) -> Self {
        Self { rule: refusal.kind.as_str().to_owned(), path: refusal.pointer.clone() }
    }
}

pub(super) const fn action(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Reported => "report",
        Outcome::Replaced => "replace",
        Outcome::Stripped => "strip",
    }
}
