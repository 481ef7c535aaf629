//! Bodies as raw bytes: the scan of each one, and what is done about the few that it flags.
#![expect(clippy::needless_pass_by_value, reason = "the derive hands options over by value")]

use super::error::SetupError;
use super::hooks;
use super::hot::{Arguments, BadArgument, HotFunction, HotHandle, Reply};
use crate::json::{
    self, JsonOptions, Outcome, Refusal, RuleOptions, Rules, Sanitized, Scratch, Verdict,
};
use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;
use std::cell::RefCell;
use std::ffi::CStr;
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

/// What became of a flagged or refused body.
#[napi(object)]
pub struct JudgementReply {
    /// Set when the body must not be parsed.
    pub refusal: Option<RefusalReply>,
    /// The text to parse instead, in UTF-8, when members were removed or renamed.
    pub text: Option<Buffer>,
    /// What was found, the first hundred.
    pub findings: Vec<FindingReply>,
}

struct Checker {
    rules: Rules,
    scratch: RefCell<Scratch>,
    refusal: RefCell<Option<Refusal>>,
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
        Ok(Self(Rc::new(Checker {
            rules,
            scratch: RefCell::default(),
            refusal: RefCell::default(),
        })))
    }

    /// The function that scans each body: 0 clean ASCII, 1 clean with other characters (their bytes in
    /// `out[0]`), 2 flagged, 3 refused.
    #[napi(
        catch_unwind,
        ts_return_type = "((body: Uint8Array) => number) & { readonly out: Float64Array }"
    )]
    #[must_use]
    pub fn scanner(&self) -> HotHandle<Scan> {
        HotHandle(Scan(Rc::clone(&self.0)))
    }

    /// Decides about the body that was scanned last and found flagged or refused.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn judge(&self, body: Uint8Array) -> JudgementReply {
        hooks::crossing(hooks::Kind::Rare);
        let refusal = self.0.refusal.borrow_mut().take();
        match refusal.map_or_else(|| json::sanitize(&body, &self.0.rules), Err) {
            Ok(sanitized) => sanitized.into(),
            Err(refusal) => refusal.into(),
        }
    }
}

impl From<Sanitized> for JudgementReply {
    fn from(sanitized: Sanitized) -> Self {
        let findings = sanitized.findings.into_iter().map(|finding| FindingReply {
            rule: finding.rule.as_str().to_owned(),
            action: action(finding.outcome).to_owned(),
            path: finding.pointer,
        });
        Self { refusal: None, findings: findings.collect(), text: sanitized.text.map(Buffer::from) }
    }
}

impl From<Refusal> for JudgementReply {
    fn from(refusal: Refusal) -> Self {
        let rule = refusal.kind.as_str().to_owned();
        let reply = RefusalReply { rule, path: refusal.pointer };
        Self { refusal: Some(reply), text: None, findings: Vec::new() }
    }
}

pub(super) const fn action(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Reported => "report",
        Outcome::Replaced => "replace",
        Outcome::Stripped => "strip",
    }
}

/// The scan of one body.
pub struct Scan(Rc<Checker>);

impl HotFunction for Scan {
    const NAME: &'static CStr = c"scan";
    const OUT: usize = 1;

    fn call(&self, arguments: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument> {
        let body = arguments.bytes(0)?;
        let Checker { rules, scratch, refusal } = &*self.0;
        let verdict = json::scan(body, rules, &mut scratch.borrow_mut());
        let code = match verdict {
            Verdict::Clean(facts) if facts.is_ascii() => 0,
            Verdict::Clean(facts) => {
                if let Some(slot) = out.first_mut() {
                    #[expect(clippy::cast_precision_loss, reason = "V8's buffers are below 2^53")]
                    let bytes = facts.non_ascii_bytes as f64;
                    *slot = bytes;
                }
                1
            }
            Verdict::Flagged { .. } => {
                refusal.replace(None);
                2
            }
            Verdict::Refused(reason) => {
                refusal.replace(Some(reason));
                3
            }
        };
        Ok(Reply::Number(f64::from(code)))
    }
}
