//! The parser: bytes in, JSON text out.

use super::decode::Decoder;
use super::emit::{self, Emitter};
use super::escape::unescape;
use super::guard;
use super::hpp::Pollution;
use super::merge::{Leaf, Merger};
use super::options::{FormOptions, Overflow, Syntax};
use super::outcome::{Findings, Form, FormFinding, FormRefusal, Paths, Polluted};
use super::parameters::{Offence, Parameters};
use super::reader::Reader;
use super::segments::{self, Splitter, Step, TooDeep};
use super::source::Source;
use super::text::{Span, Texts};
use super::tree::{ROOT, Tree};
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
    polluted: Paths,
    json: Vec<u8>,
    originals: Vec<u8>,
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
        for buffer in [&mut self.json, &mut self.arena, &mut self.originals] {
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
        self.polluted.clear();
    }

    fn form(&self) -> Form<'_> {
        let Paths { list, total } = &self.polluted;
        let polluted = Polluted { json: &self.originals, pointers: list, total: *total };
        Form {
            json: &self.json,
            polluted: Some(polluted).filter(|polluted| polluted.total > 0),
            findings: &self.findings.list,
            total: self.findings.total,
        }
    }

    /// What the rules found in the form that was parsed last, be it one that was refused: as
    /// [`FormRefusal::Polluted`], after they had done their work.
    #[must_use]
    pub fn findings(&self) -> &[FormFinding] {
        &self.findings.list
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
        self.parameters.merge_order(texts, &mut self.order);
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
        let mut sanitized = None;
        if suspicious {
            sanitized = self.sanitize_tree(run)?;
            if run.options.hpp.is_none() {
                self.json = sanitized.unwrap_or_else(|| std::mem::take(&mut self.json));
                return Ok(());
            }
            self.json.clear();
        }
        let mut texts = Texts { input: run.input, arena: &self.arena };
        if let Some(text) = &sanitized {
            self.tree.load(text);
            texts = Texts { input: text, arena: &[] };
        }
        let drop_proto = run.drops_proto();
        if let Some(options) = &run.options.hpp {
            let (emitter, originals) = (&mut self.emitter, &mut self.originals);
            let paths = &mut self.polluted;
            Pollution { options, texts, drop_proto, emitter, paths, originals }
                .remove(&mut self.tree)?;
        }
        self.emitter.write(&self.tree, ROOT, texts, drop_proto, &mut self.json);
        Ok(())
    }

    /// Writes the tree and holds its text against the rules. Gives what they leave, if they change anything.
    fn sanitize_tree(&mut self, run: &Run<'_>) -> Result<Option<Vec<u8>>, FormRefusal> {
        let texts = Texts { input: run.input, arena: &self.arena };
        let mut findings = Some(&mut self.findings);
        // What is left out of the result must still be found.
        if run.drops_proto() {
            self.emitter.write(&self.tree, ROOT, texts, false, &mut self.json);
            guard::sanitize_text(&self.json, run.options, findings.take())?;
            self.json.clear();
        }
        self.emitter.write(&self.tree, ROOT, texts, run.drops_proto(), &mut self.json);
        guard::sanitize_text(&self.json, run.options, findings)
    }

    fn refusal(&self, offence: Offence, run: &Run<'_>) -> FormRefusal {
        match offence {
            Offence::InvalidUtf8 => FormRefusal::InvalidUtf8,
            Offence::Duplicate(name) => {
                FormRefusal::Duplicate { pointer: run.pointer(name, &self.arena) }
            }
            Offence::KeyTooLong(name) => {
                let name = Texts { input: run.input, arena: &self.arena }.get(name);
                let mut pointer = String::new();
                // A pointer shows less of it.
                segments::push_pointer(&mut pointer, &unescape(name.get(..8_000).unwrap_or(name)));
                FormRefusal::KeyTooLong { pointer }
            }
        }
    }
}
