//! HTTP parameter pollution (CWE-235): a parameter that came several times becomes one value again.
//!
//! hpp 0.2.3 looks at arrays at the top and keeps their last element. The scope
//! [`HppScope::Everywhere`] also looks below, at objects that stand in for arrays (too long, or mixed with
//! names: `id[]=1&id[x]=2`), and prefers texts to containers, so that no client can put an object where a
//! text is expected by naming the parameter twice. What a client sends as an object alone (`id[x]=2`) is one
//! by the grammar and stays: that is for a schema to judge.
//!
//! The rules, for anything that follows them over values that were parsed elsewhere: a value is polluted when
//! it is an array, or an object with an index among its names that took over from one; of its elements, in
//! order of their indices, the last (first) text is kept, or the last (first) element when there is no text;
//! what is kept is looked at again.

use super::emit::{Emitter, push_key};
use super::escape::{escape_all, unescape};
use super::outcome::{Findings, FormRefusal};
use super::segments::push_pointer;
use super::text::Texts;
use super::tree::{Key, Kind, NONE, ROOT, Tree};
use crate::error::{ConfigError, ErrorCode};
use crate::json::{Outcome, Rule};

/// Which value of a polluted parameter is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HppKeep {
    /// The last, as hpp does.
    Last,
    /// The first.
    First,
    /// None: the request is refused.
    Reject,
}

/// Where pollution is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HppScope {
    /// At arrays of the top level, whose last element is kept as it is: hpp 0.2.3.
    TopLevel,
    /// Everywhere.
    Everywhere,
}

/// What is done about repeated parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HppOptions {
    keep: HppKeep,
    scope: HppScope,
    /// Paths of escaped names.
    whitelist: Vec<Vec<Box<[u8]>>>,
}

impl Default for HppOptions {
    /// The last value is kept, everywhere, without exception.
    fn default() -> Self {
        Self { keep: HppKeep::Last, scope: HppScope::Everywhere, whitelist: Vec::new() }
    }
}

impl HppOptions {
    /// hpp 0.2.3 as it is.
    #[must_use]
    pub fn peer() -> Self {
        Self { scope: HppScope::TopLevel, ..Self::default() }
    }

    /// Which value is kept: `last`, `first`, or `reject`.
    ///
    /// # Errors
    /// `OptionValue` at `keep`.
    pub fn with_keep(mut self, keep: &str) -> Result<Self, ConfigError> {
        self.keep = match keep {
            "last" => HppKeep::Last,
            "first" => HppKeep::First,
            "reject" => HppKeep::Reject,
            _ => {
                let message = format!("got {keep:?}, expected one of last, first, reject");
                return Err(ConfigError::new(ErrorCode::OptionValue, "keep", message));
            }
        };
        Ok(self)
    }

    /// Parameters that may have several values, with everything below them. `a` is also `a[]`; `u[role]` is
    /// that one place. Names are compared exactly.
    ///
    /// # Errors
    /// `OptionValue` at `whitelist[i]` for a name that is empty.
    pub fn with_whitelist<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, ConfigError> {
        let paths = names.iter().enumerate().map(|(at, name)| {
            let segments = name.as_ref().split(['[', ']']).filter(|segment| !segment.is_empty());
            let path: Vec<Box<[u8]>> = segments.map(|segment| escape_all(segment).into()).collect();
            if path.is_empty() {
                let message = "got an empty name, expected one such as ids or filter[tags]";
                let option = format!("whitelist[{at}]");
                return Err(ConfigError::new(ErrorCode::OptionValue, option, message));
            }
            Ok(path)
        });
        self.whitelist = paths.collect::<Result<_, _>>()?;
        Ok(self)
    }
}

/// An object or kept element whose members are looked at.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// The member that holds it; none for the result itself.
    member: u32,
    /// The next member to look at.
    next: u32,
    /// Whether an object for it is open in the text of polluted parameters, and has a member already.
    open: bool,
    filled: bool,
    /// Whether its originals are in that text already.
    written: bool,
}

/// Walks a tree and leaves one value of each polluted parameter.
pub(super) struct Pollution<'a> {
    pub(super) options: &'a HppOptions,
    pub(super) texts: Texts<'a>,
    /// Whether members named `__proto__` are left out of the text.
    pub(super) drop_proto: bool,
    pub(super) emitter: &'a mut Emitter,
    pub(super) findings: &'a mut Findings,
    /// The text of polluted parameters; stays empty if there are none.
    pub(super) polluted: &'a mut Vec<u8>,
}

impl Pollution<'_> {
    /// Does it. Linear but for the sorting of arrays that came out of order.
    pub(super) fn remove(&mut self, tree: &mut Tree) -> Result<(), FormRefusal> {
        let mut frames = vec![frame(NONE, tree.node(ROOT).head, false)];
        while let Some(top) = frames.last_mut() {
            let at = top.next;
            let Some(member) = tree.member(at).copied() else {
                if top.open {
                    self.polluted.push(b'}');
                }
                frames.pop();
                continue;
            };
            top.next = member.next;
            let written = top.written;
            let dropped = self.drop_proto && is_named(member.key, b"__proto__", self.texts);
            if dropped || self.is_whitelisted(tree, &frames, member.key) {
                continue;
            }
            let is_list = self.is_list(tree, member.node);
            if is_list {
                self.found(tree, &mut frames, at, written)?;
                self.collapse(tree, at);
            }
            let node = tree.member(at).map_or(member.node, |member| member.node);
            let below = tree.node(node);
            if self.options.scope == HppScope::Everywhere && below.kind != Kind::Scalar {
                frames.push(frame(at, below.head, written || is_list));
            }
        }
        Ok(())
    }

    /// Whether the value is a list: an array, or what took over from one.
    fn is_list(&self, tree: &Tree, node: u32) -> bool {
        match tree.node(node).kind {
            Kind::Scalar => false,
            Kind::Array => true,
            Kind::Object => {
                self.options.scope == HppScope::Everywhere
                    && tree.members_of(node).any(|member| matches!(member.key, Key::Index(_)))
            }
        }
    }

    /// Puts one element in the place of a list, until it is no list.
    fn collapse(&self, tree: &mut Tree, at: u32) {
        while let Some(node) = tree.member(at).map(|member| member.node) {
            if !self.is_list(tree, node) {
                return;
            }
            let Some(kept) = self.kept(tree, node) else { return };
            tree.set_node(at, kept);
            if self.options.scope == HppScope::TopLevel {
                return;
            }
        }
    }

    /// The element that is kept.
    fn kept(&self, tree: &Tree, node: u32) -> Option<u32> {
        let first = self.options.keep == HppKeep::First;
        let prefers_text = self.options.scope == HppScope::Everywhere;
        let mut best: Option<(bool, f64, u32)> = None;
        for member in tree.members_of(node) {
            let Key::Index(index) = member.key else { continue };
            let is_text = prefers_text && tree.node(member.node).kind == Kind::Scalar;
            let rank = (is_text, if first { -index } else { index });
            if best.is_none_or(|(text, order, _)| rank > (text, order)) {
                best = Some((rank.0, rank.1, member.node));
            }
        }
        best.map(|(_, _, node)| node)
    }

    /// Reports a polluted parameter and writes it down as it came.
    fn found(
        &mut self,
        tree: &Tree,
        frames: &mut [Frame],
        at: u32,
        written: bool,
    ) -> Result<(), FormRefusal> {
        let texts = self.texts;
        let path = || pointer(tree, frames, at, texts);
        if self.options.keep == HppKeep::Reject {
            return Err(FormRefusal::Duplicate { pointer: path() });
        }
        self.findings.add(Rule::Duplicate, Outcome::Stripped, path);
        if written {
            return Ok(());
        }
        let mut filled = true;
        for frame in frames.iter_mut() {
            if !frame.open {
                if frame.member != NONE {
                    self.write_key(tree, frame.member, filled);
                }
                self.polluted.push(b'{');
                frame.open = true;
            }
            filled = std::mem::replace(&mut frame.filled, true);
        }
        self.write_key(tree, at, filled);
        if let Some(member) = tree.member(at) {
            self.emitter.write(tree, member.node, self.texts, self.drop_proto, self.polluted);
        }
        Ok(())
    }

    /// Writes the name of a member into the text of polluted parameters.
    fn write_key(&mut self, tree: &Tree, member: u32, comma: bool) {
        if comma {
            self.polluted.push(b',');
        }
        if let Some(member) = tree.member(member) {
            push_key(self.polluted, member.key, self.texts);
        }
    }

    /// Whether a member of the topmost frame is at a place of the whitelist.
    fn is_whitelisted(&self, tree: &Tree, frames: &[Frame], key: Key) -> bool {
        self.options.whitelist.iter().any(|path| {
            path.len() == frames.len()
                && path.last().is_some_and(|name| is_named(key, name, self.texts))
                && path.iter().zip(frames.iter().skip(1)).all(|(name, frame)| {
                    tree.member(frame.member)
                        .is_some_and(|member| is_named(member.key, name, self.texts))
                })
        })
    }
}

const fn frame(member: u32, next: u32, written: bool) -> Frame {
    Frame { member, next, open: false, filled: false, written }
}

/// Whether a key has this escaped text.
fn is_named(key: Key, name: &[u8], texts: Texts<'_>) -> bool {
    match key {
        Key::Index(index) => index.to_string().as_bytes() == name,
        Key::Name(span) => texts.get(span) == name,
    }
}

/// JSON pointer of a member.
fn pointer(tree: &Tree, frames: &[Frame], at: u32, texts: Texts<'_>) -> String {
    let mut pointer = String::new();
    for id in frames.iter().skip(1).map(|frame| frame.member).chain([at]) {
        match tree.member(id).map(|member| member.key) {
            Some(Key::Index(index)) => push_pointer(&mut pointer, &index.to_string()),
            Some(Key::Name(name)) => {
                push_pointer(&mut pointer, &unescape(texts.get(name)));
            }
            None => {}
        }
    }
    pointer
}
