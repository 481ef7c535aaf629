//! The parser: bytes in, JSON text out.

use super::decode::Decoder;
use super::emit::{self, Emitter};
use super::escape::unescape;
use super::merge::{Leaf, Merger};
use super::options::{FormOptions, Overflow, Source, Syntax};
use super::outcome::{Form, FormRefusal};
use super::parameters::{Entry, Offence, Parameters};
use super::segments::{Splitter, Step, TooDeep, canonical_index, pointer};
use super::text::{Span, Texts};
use super::tree::{Tree, position};

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
    json: Vec<u8>,
}

impl Scratch {
    /// Memory for any number of inputs, one after the other.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the last input. Memory is kept, up to a bound.
    fn reset(&mut self) {
        if self.json.capacity().max(self.arena.capacity()) > KEEP_BYTES {
            self.json = Vec::new();
            self.arena = Vec::new();
        }
        self.arena.clear();
        self.json.clear();
        self.parameters.clear();
        self.parameters.shrink(KEEP_ENTRIES);
        self.tree.reset();
        self.tree.shrink(KEEP_ENTRIES);
        self.list.clear();
        self.list.shrink_to(KEEP_ENTRIES);
    }
}

/// Parses a form or query string (without its `?`) into JSON text.
///
/// Time is linear in the input, memory a small multiple of it.
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
        return Ok(Form { json: &scratch.json });
    }
    let count = input.iter().filter(|byte| **byte == b'&').count() + 1;
    if count > options.parameter_limit && options.too_many_parameters == Overflow::Refuse {
        return Err(FormRefusal::TooManyParameters);
    }
    let decoder = Decoder { source, strict_utf8: options.strict_utf8 };
    let limit = count.min(options.parameter_limit);
    let read = scratch.parameters.read(input, limit, decoder, options, &mut scratch.arena);
    if let Err(offence) = read {
        return Err(scratch.refusal(offence, input));
    }
    let array_limit = match options.syntax {
        Syntax::Simple => u32::MAX,
        Syntax::Extended | Syntax::Flat => options.array_limit_for(count),
    };
    scratch.write(input, options, array_limit)?;
    Ok(Form { json: &scratch.json })
}

impl Scratch {
    /// Writes the parameters that were read.
    fn write(
        &mut self,
        input: &[u8],
        options: &FormOptions,
        array_limit: u32,
    ) -> Result<(), FormRefusal> {
        let traits = self.parameters.traits;
        let nests = traits.brackets && options.syntax != Syntax::Simple;
        let proto = traits.suspicious && options.syntax != Syntax::Simple;
        let texts = Texts { input, arena: &self.arena };
        if nests || proto {
            self.nest(input, options, array_limit)?;
            let texts = Texts { input, arena: &self.arena };
            self.emitter.write(&self.tree, texts, &mut self.json);
            return Ok(());
        }
        if options.long_array == Overflow::Refuse && traits.repeated {
            let long = self.parameters.entries().iter().find(|entry| entry.count > array_limit);
            if let Some(entry) = long {
                let pointer = splitter(options, array_limit).pointer(entry.name, texts);
                return Err(FormRefusal::ArrayLimit { pointer });
            }
        }
        emit::write_flat(&self.parameters, texts, array_limit, &mut self.json);
        Ok(())
    }

    /// Merges all parameters into the tree.
    fn nest(
        &mut self,
        input: &[u8],
        options: &FormOptions,
        array_limit: u32,
    ) -> Result<(), FormRefusal> {
        let texts = Texts { input, arena: &self.arena };
        let splitter = splitter(options, array_limit);
        merge_order(self.parameters.entries(), texts, &mut self.order);
        let mut merger =
            Merger { tree: &mut self.tree, texts, array_limit, overflowed: false };
        for at in &self.order {
            let Some(entry) = self.parameters.entries().get(*at as usize) else { continue };
            if let Err(TooDeep) = splitter.split(entry.name, texts, &mut self.steps) {
                return Err(FormRefusal::TooDeep { pointer: pointer(&self.steps, texts) });
            }
            if entry.count == 1 {
                merger.merge(&mut self.steps, Leaf::Text(entry.value));
            } else {
                self.list.clear();
                self.list.extend(self.parameters.values(entry));
                merger.merge(&mut self.steps, Leaf::List(&self.list));
            }
            if merger.overflowed && options.long_array == Overflow::Refuse {
                let pointer = splitter.pointer(entry.name, texts);
                return Err(FormRefusal::ArrayLimit { pointer });
            }
        }
        Ok(())
    }

    fn refusal(&mut self, offence: Offence, input: &[u8]) -> FormRefusal {
        match offence {
            Offence::InvalidUtf8 => FormRefusal::InvalidUtf8,
            Offence::Duplicate(name) => {
                let texts = Texts { input, arena: &self.arena };
                FormRefusal::Duplicate { pointer: format!("/{}", unescape(texts.get(name))) }
            }
        }
    }
}

/// The order in which qs merges: that of JavaScript's `Object.keys`, so array indices come first.
fn merge_order(entries: &[Entry], texts: Texts<'_>, order: &mut Vec<u32>) {
    let index = |entry: &Entry| {
        canonical_index(texts.get(entry.name)).filter(|index| *index < f64::from(u32::MAX))
    };
    order.clear();
    order.extend(0..position(entries.len()));
    if entries.iter().any(|entry| index(entry).is_some()) {
        order.sort_by_cached_key(|at| {
            let index = entries.get(*at as usize).and_then(index);
            index.map_or((true, 0), |index| (false, index.to_bits()))
        });
    }
}

fn splitter(options: &FormOptions, array_limit: u32) -> Splitter {
    let depth = if options.syntax == Syntax::Extended { options.depth } else { 0 };
    Splitter { depth, strict: options.too_deep == Overflow::Refuse, array_limit }
}
