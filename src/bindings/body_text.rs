//! The request path of `json`: from the bytes of a body to the text for `JSON.parse`.

use super::hot::{Arguments, BadArgument, HotFunction, JsString, Reply};
use crate::json::{
    self, Finding, Refusal, Rules, Sanitized, Scratch, Text, TextBuffers, TextFacts, Verdict,
};
use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::rc::Rc;

/// The rules with what is kept from call to call.
pub struct Checker {
    pub(super) rules: Rules,
    scratch: RefCell<Scratch>,
    buffers: RefCell<TextBuffers>,
    /// Whether the body that was flagged last has no byte of 0x80 and above.
    is_ascii: Cell<bool>,
    /// Whether its keys are known to be unique.
    has_unique_keys: Cell<bool>,
    pub(super) refusal: RefCell<Option<Refusal>>,
    pub(super) findings: RefCell<Vec<Finding>>,
}

impl Checker {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            scratch: RefCell::default(),
            buffers: RefCell::default(),
            is_ascii: Cell::default(),
            has_unique_keys: Cell::default(),
            refusal: RefCell::default(),
            findings: RefCell::default(),
        }
    }
}

/// The scan of one body.
pub struct Scan {
    pub(super) checker: Rc<Checker>,
    pub(super) density: usize,
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
        let Checker { rules, scratch, refusal, .. } = &*self.checker;
        let verdict = json::scan(body, rules, &mut scratch.borrow_mut());
        match verdict {
            Verdict::Clean(facts) => self.text(arguments, body, facts),
            Verdict::Flagged { facts, has_unique_keys, .. } => {
                refusal.replace(None);
                self.checker.is_ascii.set(facts.is_ascii());
                self.checker.has_unique_keys.set(has_unique_keys);
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
    pub(super) checker: Rc<Checker>,
    pub(super) is_verbatim: bool,
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
        let sanitize =
            if checker.has_unique_keys.get() { json::sanitize_unique } else { json::sanitize };
        match sanitize(body, &checker.rules) {
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
