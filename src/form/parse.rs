//! The parser: bytes in, JSON text out.

use super::decode::Decoder;
use super::emit::{self, Emitter};
use super::escape::unescape;
use super::guard;
use super::hpp::Pollution;
use super::merge::{Leaf, Merger};
use super::options::{FormOptions, Overflow, Syntax};
use super::outcome::{Findings, Form, FormRefusal};
use super::parameters::{Entry, Offence, Parameters};
use super::reader::Reader;
use super::segments::{self, Splitter, Step, TooDeep, canonical_index};
use super::source::Source;
use super::text::{Span, Texts};
use super::tree::{ROOT, Tree, position};
use crate::json::Action;

/// Longest input: 256 MiB. Its JSON text, at most six times as long, stays below 2 GiB; V8 makes no string
/// longer than 512 MiB anyway.
pub const MAX_INPUT_BYTES: usize = 1 << 28;

/// Memory is given back after an input that needed more than this many parameters or bytes.
const KEEP_ENTRIES: usize = 4 << 10;
const KEEP_BYTES: usize = 256 << 10;

/// Memory that parsing uses, kept from one input to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    arena: Vec<u8>,
    parameters: Parameters,
    steps: Vec<Step>,
    list: Vec<Span>,
    order: Vec<u32>,
    tree: Tree,
    emitter: Emitter,
    findings: Findings,
    json: Vec<u8>,
    polluted: Vec<u8>,
}

/// Parses a form or query string (without its `?`) into JSON text.
///
/// Time is linear in the input, memory a small multiple of it. Nothing is kept from one input to the next but
/// memory, and of that no more than a bound.
///
/// # Errors
/// A [`FormRefusal`] for an input that goes over a limit which the options refuse to bend, or breaks a rule
/// that rejects.
pub fn parse<'s>(
    input: &[u8],
    source: Source,
    options: &FormOptions,
    scratch: &'s mut Scratch,
) -> Result<Form<'s>, FormRefusal> {
    scratch.reset();
    if input.len() > MAX_INPUT_BYTES {
        return Err(FormRefusal::TooLarge);
    }
    if input.is_empty() {
        scratch.json.extend_from_slice(b"{}");
        return Ok(scratch.form());
    }
    #[expect(clippy::naive_bytecount, reason = "the compiler vectorizes it; no crate for one loop")]
    let count = input.iter().filter(|byte| **byte == b'&').count() + 1;
    if count > options.parameter_limit && options.too_many_parameters == Overflow::Refuse {
        return Err(FormRefusal::TooManyParameters);
    }
    let decoder = Decoder { source, strict_utf8: options.strict_utf8 };
    let limit = count.min(options.parameter_limit);
    let reader = Reader { input, decoder, options };
    let read = reader.read_all(limit, &mut scratch.parameters, &mut scratch.arena);
    let run = Run::new(input, options, count);
    match read {
        Ok(()) => scratch.write(&run)?,
        Err(offence) => return Err(scratch.refusal(offence, &run)),
    }
    Ok(scratch.form())
}

/// What stays the same while one input is parsed.
struct Run<'a> {
    input: &'a [u8],
    options: &'a FormOptions,
    splitter: Splitter,
}

impl<'a> Run<'a> {
    fn new(input: &'a [u8], options: &'a FormOptions, parameters: usize) -> Self {
        let simple = options.syntax == Syntax::Simple;
        let splitter = Splitter {
            brackets: !simple,
            depth: if options.syntax == Syntax::Extended { options.depth } else { 0 },
            strict: options.too_deep == Overflow::Refuse,
            array_limit: if simple { u32::MAX } else { options.array_limit_for(parameters) },
        };
        Self { input, options, splitter }
    }

    fn nests(&self) -> bool {
        self.options.syntax == Syntax::Extended && self.options.depth > 0
    }

    /// Whether members named `__proto__` are left out: by qs they always are. Where names nest, the rule
    /// finds them in the text, unless it leaves them alone.
    fn drops_proto(&self) -> bool {
        match self.options.syntax {
            Syntax::Simple => false,
            _ => !self.nests() || matches!(self.options.proto(), Action::Off | Action::Report),
        }
    }

    fn pointer(&self, name: Span, arena: &[u8]) -> String {
        self.splitter.pointer(name, Texts { input: self.input, arena })
    }
}

impl Scratch {
    /// Memory for any number of inputs, one after the other.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the last input. Memory is kept, up to a bound.
    fn reset(&mut self) {
        for buffer in [&mut self.json, &mut self.arena, &mut self.polluted] {
            buffer.clear();
            buffer.shrink_to(KEEP_BYTES);
        }
        self.parameters.clear();
        self.parameters.shrink(KEEP_ENTRIES);
        self.tree.clear();
        self.tree.shrink(KEEP_ENTRIES);
        self.list.clear();
        self.list.shrink_to(KEEP_ENTRIES);
        self.findings.clear();
    }

    fn form(&self) -> Form<'_> {
        Form {
            json: &self.json,
            polluted: Some(self.polluted.as_slice()).filter(|text| !text.is_empty()),
            findings: &self.findings.list,
            total: self.findings.total,
        }
    }

    /// Writes the parameters that were read.
    fn write(&mut self, run: &Run<'_>) -> Result<(), FormRefusal> {
        let options = run.options;
        let traits = self.parameters.traits;
        let suspicious = traits.suspicious && options.has_rules();
        if suspicious && !run.nests() {
            let (parameters, arena) = (&mut self.parameters, &mut self.arena);
            guard::sanitize_names(parameters, run.input, arena, options, &mut self.findings)?;
        }
        let max_keys = options.rules.limits().keys as usize;
        if self.parameters.entries().len() > max_keys {
            return Err(FormRefusal::TooManyKeys);
        }
        let nested = traits.brackets && run.splitter.brackets;
        let polluted = traits.repeated && options.hpp.is_some();
        if !(nested || polluted || suspicious && run.nests()) {
            return self.write_flat(run);
        }
        self.nest(run)?;
        if self.tree.members() > max_keys {
            return Err(FormRefusal::TooManyKeys);
        }
        self.write_tree(run, suspicious && run.nests())
    }

    /// Writes parameters that need no tree.
    fn write_flat(&mut self, run: &Run<'_>) -> Result<(), FormRefusal> {
        let limit = run.splitter.array_limit;
        if run.options.long_array == Overflow::Refuse && self.parameters.traits.repeated {
            let mut entries = self.parameters.entries().iter();
            if let Some(entry) = entries.find(|entry| entry.count > limit) {
                let pointer = run.pointer(entry.name, &self.arena);
                return Err(FormRefusal::ArrayLimit { pointer });
            }
        }
        let texts = Texts { input: run.input, arena: &self.arena };
        let drop_proto = run.options.syntax != Syntax::Simple;
        emit::write_flat(&self.parameters, texts, limit, drop_proto, &mut self.json);
        Ok(())
    }

    /// Merges all parameters into the tree.
    fn nest(&mut self, run: &Run<'_>) -> Result<(), FormRefusal> {
        let texts = Texts { input: run.input, arena: &self.arena };
        self.tree.reset();
        merge_order(self.parameters.entries(), texts, &mut self.order);
        let array_limit = run.splitter.array_limit;
        let mut merger = Merger { tree: &mut self.tree, texts, array_limit, overflowed: false };
        for at in &self.order {
            let Some(entry) = self.parameters.entries().get(*at as usize) else { continue };
            if let Err(TooDeep) = run.splitter.split(entry.name, texts, &mut self.steps) {
                let pointer = segments::pointer(&self.steps, texts);
                return Err(FormRefusal::TooDeep { pointer });
            }
            if entry.count == 1 {
                merger.merge(&mut self.steps, Leaf::Text(entry.value));
            } else {
                self.list.clear();
                self.list.extend(self.parameters.values(entry));
                merger.merge(&mut self.steps, Leaf::List(&self.list));
            }
            if merger.overflowed && run.options.long_array == Overflow::Refuse {
                let pointer = run.pointer(entry.name, &self.arena);
                return Err(FormRefusal::ArrayLimit { pointer });
            }
        }
        Ok(())
    }

    /// Writes the tree, held against the rules if it is `suspicious`, without polluted parameters.
    fn write_tree(&mut self, run: &Run<'_>, suspicious: bool) -> Result<(), FormRefusal> {
        let texts = Texts { input: run.input, arena: &self.arena };
        let drop_proto = run.drops_proto();
        // What is left out of the result must still be found, and what comes out of a list is judged as it
        // came and as it stays.
        let apart = suspicious && (run.options.hpp.is_some() || drop_proto);
        if apart {
            self.emitter.write(&self.tree, ROOT, texts, false, &mut self.json);
            guard::sanitize_text(&self.json, run.options, Some(&mut self.findings))?;
            self.json.clear();
        }
        if let Some(options) = &run.options.hpp {
            let (emitter, findings) = (&mut self.emitter, &mut self.findings);
            let polluted = &mut self.polluted;
            Pollution { options, texts, drop_proto, emitter, findings, polluted }
                .remove(&mut self.tree)?;
        }
        self.emitter.write(&self.tree, ROOT, texts, drop_proto, &mut self.json);
        if suspicious {
            let findings = if apart { None } else { Some(&mut self.findings) };
            replace(&mut self.json, run.options, findings)?;
            if !self.polluted.is_empty() {
                replace(&mut self.polluted, run.options, None)?;
            }
        }
        Ok(())
    }

    fn refusal(&self, offence: Offence, run: &Run<'_>) -> FormRefusal {
        match offence {
            Offence::InvalidUtf8 => FormRefusal::InvalidUtf8,
            Offence::Duplicate(name) => {
                FormRefusal::Duplicate { pointer: run.pointer(name, &self.arena) }
            }
            Offence::KeyTooLong(name) => {
                let name = unescape(Texts { input: run.input, arena: &self.arena }.get(name));
                let mut pointer = String::new();
                segments::push_pointer(&mut pointer, &name);
                FormRefusal::KeyTooLong { pointer }
            }
        }
    }
}

/// Puts what the rules leave of a text in its place.
fn replace(
    text: &mut Vec<u8>,
    options: &FormOptions,
    findings: Option<&mut Findings>,
) -> Result<(), FormRefusal> {
    if let Some(sanitized) = guard::sanitize_text(text, options, findings)? {
        *text = sanitized;
    }
    Ok(())
}

/// The order in which qs merges: that of JavaScript's `Object.keys`, so array indices come first. Parameters
/// that were removed are left out.
fn merge_order(entries: &[Entry], texts: Texts<'_>, order: &mut Vec<u32>) {
    let index = |entry: &Entry| {
        canonical_index(texts.get(entry.name)).filter(|index| *index < f64::from(u32::MAX))
    };
    let live = entries.iter().enumerate().filter(|(_, entry)| entry.count > 0);
    order.clear();
    order.extend(live.map(|(at, _)| position(at)));
    if entries.iter().any(|entry| index(entry).is_some()) {
        order.sort_by_cached_key(|at| {
            let index = entries.get(*at as usize).and_then(index);
            index.map_or((true, 0), |index| (false, index.to_bits()))
        });
    }
}
