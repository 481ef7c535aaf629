//! Forms and query strings: text in, JSON text out.

use super::body::{FindingReply, KeyRuleInput, RefusalReply, action};
use super::error::SetupError;
use super::hooks;
use super::hot::{Arguments, BadArgument, HotFunction, HotHandle, Reply};
use crate::error::ConfigError;
use crate::form::{self, Form, FormFinding, FormOptions, FormRefusal, HppOptions, Scratch, Source};
use crate::json::{JsonOptions, Rules};
use napi_derive::napi;
use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

/// The options of `urlencoded` and `queryParser` that concern the text.
#[napi(object)]
#[derive(Default)]
pub struct FormInput {
    /// Whether brackets nest.
    pub extended: bool,
    /// As the peer parses it: no rules, and limits bend instead of refusing.
    pub permissive: Option<bool>,
    /// Levels of brackets.
    pub depth: Option<f64>,
    /// Parameters.
    pub parameter_limit: Option<f64>,
    /// Elements of one array.
    pub array_limit: Option<f64>,
    /// `combine`, `first`, `last` or `reject`.
    pub duplicates: Option<String>,
    /// Whether `utf8=✓` names the charset.
    pub charset_sentinel: Option<bool>,
    /// Whether numeric entities are characters.
    pub interpret_numeric_entities: Option<bool>,
    /// Names in the result.
    pub max_keys: Option<f64>,
    /// Bytes of one name.
    pub max_key_length: Option<f64>,
    /// `__proto__` and `constructor.prototype`.
    pub proto: Option<KeyRuleInput>,
    /// Names with a segment that starts with `$`.
    pub operator: Option<KeyRuleInput>,
    /// Other names with a dot.
    pub dotted: Option<KeyRuleInput>,
    /// Names with NUL.
    pub nul: Option<KeyRuleInput>,
    /// What is done about lists of values; nothing without it.
    pub hpp: Option<HppInput>,
}

/// The options of parameter pollution.
#[napi(object)]
#[derive(Default)]
pub struct HppInput {
    /// `last`, `first` or `reject`.
    pub keep: Option<String>,
    /// Parameters that may have several values.
    pub whitelist: Option<Vec<String>>,
}

/// What was found in a form.
#[napi(object)]
pub struct FormJudgement {
    /// Set when the form must not be used.
    pub refusal: Option<RefusalReply>,
    /// What the rules found, the first hundred.
    pub findings: Vec<FindingReply>,
    /// Set when parameters had several values of which one was kept.
    pub polluted: Option<PollutedReply>,
}

/// The parameters that had several values.
#[napi(object)]
pub struct PollutedReply {
    /// JSON text of them as they came.
    pub json: String,
    /// JSON pointers of them, the first hundred.
    pub paths: Vec<String>,
}

impl HppInput {
    fn compile(self) -> Result<HppOptions, ConfigError> {
        let keep = self.keep.as_deref().unwrap_or("last");
        HppOptions::default().with_keep(keep)?.with_whitelist(&self.whitelist.unwrap_or_default())
    }
}

impl FormInput {
    fn apply_to(self, preset: FormOptions) -> Result<FormOptions, ConfigError> {
        let mut options = preset
            .with_charset_sentinel(self.charset_sentinel.unwrap_or(false))
            .with_numeric_entities(self.interpret_numeric_entities.unwrap_or(false));
        if let Some(depth) = self.depth.filter(|_| self.extended) {
            options = options.with_depth(depth)?;
        }
        if let Some(limit) = self.parameter_limit {
            options = options.with_parameter_limit(limit)?;
        }
        if let Some(limit) = self.array_limit {
            options = options.with_array_limit(limit)?;
        }
        if let Some(policy) = &self.duplicates {
            options = options.with_duplicates(policy)?;
        }
        if self.permissive == Some(true) {
            return Ok(options);
        }
        options = options.with_hpp(self.hpp.map(HppInput::compile).transpose()?);
        let rule = |input: Option<KeyRuleInput>| input.unwrap_or_default().into();
        let rules = Rules::try_from(&JsonOptions {
            max_keys: self.max_keys,
            max_key_bytes: self.max_key_length,
            proto: rule(self.proto),
            operator: rule(self.operator),
            dotted: rule(self.dotted),
            nul: rule(self.nul),
            ..JsonOptions::default()
        })?;
        Ok(options.with_rules(rules))
    }
}

struct Checker {
    options: FormOptions,
    scratch: RefCell<Scratch>,
    judgement: RefCell<Option<FormJudgement>>,
}

/// The rules for forms, compiled.
#[napi]
pub struct FormRules(Rc<Checker>);

#[napi]
impl FormRules {
    /// Checks the options of a body's parser.
    ///
    /// # Errors
    /// `ERR_CARAPACE_OPTION_VALUE` or `ERR_CARAPACE_OPTION_CONFLICT` with the option's path.
    #[napi(factory, catch_unwind)]
    pub fn for_body(input: FormInput) -> Result<Self, SetupError> {
        let preset = if input.permissive == Some(true) {
            FormOptions::body_parser
        } else {
            FormOptions::body
        };
        Self::compile(input, preset)
    }

    /// Checks the options of a query string's parser.
    ///
    /// # Errors
    /// `ERR_CARAPACE_OPTION_VALUE` or `ERR_CARAPACE_OPTION_CONFLICT` with the option's path.
    #[napi(factory, catch_unwind)]
    pub fn for_query(input: FormInput) -> Result<Self, SetupError> {
        let preset = if input.permissive == Some(true) {
            FormOptions::express_query
        } else {
            FormOptions::query
        };
        Self::compile(input, preset)
    }

    fn compile(input: FormInput, preset: fn(bool) -> FormOptions) -> Result<Self, SetupError> {
        hooks::crossing(hooks::Kind::Config);
        let options = preset(input.extended);
        Ok(Self(Rc::new(Checker {
            options: input.apply_to(options)?,
            scratch: RefCell::default(),
            judgement: RefCell::default(),
        })))
    }

    /// The function that parses a body: its bytes, and whether they are ISO-8859-1, to JSON text. It returns
    /// 0 for a refused one; `out[0]` is 1 when there is something to `explain`.
    #[napi(
        catch_unwind,
        ts_return_type = "((body: Uint8Array, isLatin1: number) => string | number) & { readonly out: Float64Array }"
    )]
    #[must_use]
    pub fn body_parser(&self) -> HotHandle<ParseBody> {
        HotHandle(ParseBody(Rc::clone(&self.0)))
    }

    /// The function that parses a query string, with the same answers.
    #[napi(
        catch_unwind,
        ts_return_type = "((query: string) => string | number) & { readonly out: Float64Array }"
    )]
    #[must_use]
    pub fn query_parser(&self) -> HotHandle<ParseQuery> {
        HotHandle(ParseQuery { checker: Rc::clone(&self.0), units: RefCell::default() })
    }

    /// What was found in the form that was parsed last.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn explain(&self) -> Option<FormJudgement> {
        hooks::crossing(hooks::Kind::Rare);
        self.0.judgement.borrow_mut().take()
    }
}

impl Checker {
    fn parse(
        &self,
        arguments: &Arguments<'_>,
        input: &[u8],
        source: Source,
        out: &mut [f64],
    ) -> Result<Reply, BadArgument> {
        let mut scratch = self.scratch.borrow_mut();
        let (reply, judgement) = match form::parse(input, source, &self.options, &mut scratch) {
            Ok(form) => (arguments.latin1(form.json).map(Reply::String)?, judge(&form)),
            Err(refusal) => (Reply::Number(0.0), Some(refused(&refusal, scratch.findings()))),
        };
        if let Some(slot) = out.first_mut() {
            *slot = f64::from(u8::from(judgement.is_some()));
        }
        self.judgement.replace(judgement);
        Ok(reply)
    }
}

/// What there is to explain about a form, if anything.
fn judge(form: &Form<'_>) -> Option<FormJudgement> {
    if form.total == 0 && form.polluted.is_none() {
        return None;
    }
    let polluted = form.polluted.map(|polluted| PollutedReply {
        json: String::from_utf8_lossy(polluted.json).into_owned(),
        paths: polluted.pointers.to_vec(),
    });
    Some(FormJudgement { refusal: None, findings: replies(form.findings), polluted })
}

/// Why a form is refused. Pollution is what is left to refuse when the rules have done their work.
fn refused(refusal: &FormRefusal, findings: &[FormFinding]) -> FormJudgement {
    let rule = refusal.as_str().to_owned();
    let reply = RefusalReply { rule, path: refusal.pointer().to_owned() };
    let done = if matches!(refusal, FormRefusal::Polluted { .. }) { findings } else { &[] };
    FormJudgement { refusal: Some(reply), findings: replies(done), polluted: None }
}

fn replies(findings: &[FormFinding]) -> Vec<FindingReply> {
    let reply = |finding: &FormFinding| FindingReply {
        rule: finding.rule.as_str().to_owned(),
        action: action(finding.outcome).to_owned(),
        path: finding.pointer.clone(),
    };
    findings.iter().map(reply).collect()
}

/// The parser of bodies.
pub struct ParseBody(Rc<Checker>);

impl HotFunction for ParseBody {
    const NAME: &'static CStr = c"parseBody";
    const OUT: usize = 1;

    fn call(&self, arguments: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument> {
        let is_latin1 = arguments.number(1)? != 0.0;
        let source = if is_latin1 { Source::ISO_8859_1 } else { Source::UTF_8 };
        self.0.parse(arguments, arguments.bytes(0)?, source, out)
    }
}

/// The parser of query strings.
pub struct ParseQuery {
    checker: Rc<Checker>,
    units: RefCell<(Vec<u16>, Vec<u8>)>,
}

impl HotFunction for ParseQuery {
    const NAME: &'static CStr = c"parseQuery";
    const OUT: usize = 1;

    fn call(&self, arguments: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument> {
        let (buffer, bytes) = &mut *self.units.borrow_mut();
        let units = arguments.utf16(0, buffer)?;
        bytes.clear();
        // Node hands the bytes of the request line over as Latin-1. Other characters are the app's own.
        if units.iter().all(|unit| *unit < 0x100) {
            bytes.extend(units.iter().map(|unit| {
                let [low, _] = unit.to_le_bytes();
                low
            }));
            return self.checker.parse(arguments, bytes, Source::URL, out);
        }
        let text = String::from_utf16_lossy(units);
        self.checker.parse(arguments, text.as_bytes(), Source::UTF_8, out)
    }
}
