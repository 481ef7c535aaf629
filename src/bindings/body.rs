//! Bodies as raw bytes: the scan of each one, and what is done about the few that it flags.
#![expect(clippy::needless_pass_by_value, reason = "the derive hands options over by value")]

use super::error::SetupError;
use super::hooks;
use super::hot::{Arguments, BadArgument, HotFunction, HotHandle, JsString, Reply};
use crate::json::{
    self, Finding, JsonOptions, Outcome, Refusal, RuleOptions, Rules, Sanitized, Scratch, Text,
    TextBuffers, TextFacts, Verdict,
};
use napi_derive::napi;
use std::cell::{Cell, RefCell};
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

struct Checker {
    rules: Rules,
    scratch: RefCell<Scratch>,
    buffers: RefCell<TextBuffers>,
    /// Whether the body that was flagged last has no byte of 0x80 and above.
    is_ascii: Cell<bool>,
    refusal: RefCell<Option<Refusal>>,
    findings: RefCell<Vec<Finding>>,
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
            buffers: RefCell::default(),
            is_ascii: Cell::default(),
            refusal: RefCell::default(),
            findings: RefCell::default(),
        })))
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
    /// number of findings. With `is_verbatim` no character of it is written as an escape.
    #[napi(
        catch_unwind,
        ts_return_type = "((body: Uint8Array) => string | number) & { readonly out: Float64Array }"
    )]
    #[must_use]
    pub fn judge(&self, is_verbatim: bool) -> HotHandle<Judge> {
        HotHandle(Judge { checker: Rc::clone(&self.0), is_verbatim })
    }

    /// Why the body that was judged last must not be parsed.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn refusal(&self) -> Option<RefusalReply> {
        hooks::crossing(hooks::Kind::Rare);
        let refusal = self.0.refusal.borrow();
        refusal.as_ref().map(|Refusal { kind, pointer, .. }| RefusalReply {
            rule: kind.as_str().to_owned(),
            path: pointer.clone(),
        })
    }

    /// What was found in the body that was judged last, the first hundred.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn findings(&self) -> Vec<FindingReply> {
        hooks::crossing(hooks::Kind::Rare);
        let findings = self.0.findings.take().into_iter();
        findings
            .map(|finding| FindingReply {
                rule: finding.rule.as_str().to_owned(),
                action: action(finding.outcome).to_owned(),
                path: finding.pointer,
            })
            .collect()
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
pub struct Scan {
    checker: Rc<Checker>,
    density: usize,
}

/// What the scan answers where it gives no text.
const DECODE: f64 = 1.0;
const FLAGGED: f64 = 2.0;
const REFUSED: f64 = 3.0;

impl HotFunction for Scan {
    const NAME: &'static CStr = c"scan";
    const OUT: usize = 0;

    fn call(&self, arguments: &Arguments<'_>, _: &mut [f64]) -> Result<Reply, BadArgument> {
        let body = arguments.bytes(0)?;
        let Checker { rules, scratch, refusal, is_ascii, .. } = &*self.checker;
        let verdict = json::scan(body, rules, &mut scratch.borrow_mut());
        match verdict {
            Verdict::Clean(facts) => self.text(arguments, body, facts),
            Verdict::Flagged { facts, .. } => {
                refusal.replace(None);
                is_ascii.set(facts.is_ascii());
                Ok(Reply::Number(FLAGGED))
            }
            Verdict::Refused(reason) => {
                refusal.replace(Some(reason));
                Ok(Reply::Number(REFUSED))
            }
        }
    }
}

impl Scan {
    /// The body as a string, built in the same call: a second crossing would cost as much as the scan of a
    /// small body.
    fn text(
        &self,
        arguments: &Arguments<'_>,
        body: &[u8],
        facts: TextFacts,
    ) -> Result<Reply, BadArgument> {
        if facts.non_ascii_bytes.saturating_mul(1000) > body.len().saturating_mul(self.density) {
            return Ok(Reply::Number(DECODE));
        }
        self.checker.string(arguments, body, facts).map(Reply::String)
    }
}

impl Checker {
    fn string(
        &self,
        arguments: &Arguments<'_>,
        body: &[u8],
        facts: TextFacts,
    ) -> Result<JsString, BadArgument> {
        match self.buffers.borrow_mut().build(body, facts) {
            Text::Ascii(bytes) | Text::Latin1(bytes) => arguments.latin1(bytes),
            Text::Utf16(units) => arguments.utf16_string(units),
        }
    }
}

/// The exact decision about one body.
pub struct Judge {
    checker: Rc<Checker>,
    is_verbatim: bool,
}

impl HotFunction for Judge {
    const NAME: &'static CStr = c"judge";
    const OUT: usize = 1;

    fn call(&self, arguments: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument> {
        let body = arguments.bytes(0)?;
        let checker = &*self.checker;
        if checker.refusal.borrow().is_some() {
            return Ok(Reply::Number(REFUSED));
        }
        match json::sanitize(body, &checker.rules) {
            Ok(Sanitized { text, findings, .. }) => {
                if let Some(slot) = out.first_mut() {
                    *slot = u32::try_from(findings.len()).map_or(f64::INFINITY, f64::from);
                }
                checker.findings.replace(findings);
                let text = text.as_deref().unwrap_or(body);
                // Removing members adds no character; a new name may.
                let is_ascii = checker.is_ascii.get() && text.is_ascii();
                self.string(arguments, text, is_ascii).map(Reply::String)
            }
            Err(refusal) => {
                checker.refusal.replace(Some(refusal));
                Ok(Reply::Number(REFUSED))
            }
        }
    }
}

impl Judge {
    fn string(
        &self,
        arguments: &Arguments<'_>,
        text: &[u8],
        is_ascii: bool,
    ) -> Result<JsString, BadArgument> {
        if self.is_verbatim && !is_ascii {
            let mut units = Vec::new();
            json::utf16_into(text, &mut units);
            return arguments.utf16_string(&units);
        }
        let facts = TextFacts { non_ascii_bytes: usize::from(!is_ascii) };
        self.checker.string(arguments, text, facts)
    }
}
