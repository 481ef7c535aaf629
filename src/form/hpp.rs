//! HTTP parameter pollution (CWE-235): a parameter that came several times becomes one value again.
//!
//! The rules, which `lib/hpp/` follows over values that were parsed elsewhere: a list is an array, or an
//! object with an index among its names, which took over from one (too long, or mixed with names:
//! `id[]=1&id[x]=2`). Of a list the last (first) text is kept, or the last (first) element when there is no
//! text, of which the same is asked; what is kept is looked into. So no client can put an object where a
//! text is expected by naming the parameter twice. What a client sends as an object alone (`id[x]=2`) is one
//! by the grammar and stays: that is for a schema to judge.

use super::emit::{Emitter, push_key};
use super::escape::unescape;
use super::names::{Names, TOP};
use super::outcome::{FormRefusal, Paths};
use super::segments::push_pointer;
use super::text::Texts;
use super::tree::{Key, Kind, Member, NONE, ROOT, Tree};
use crate::error::{ConfigError, ErrorCode};

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

/// What is done about repeated parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HppOptions {
    keep: HppKeep,
    whitelist: Names,
}

impl Default for HppOptions {
    /// The last value is kept, everywhere, without exception.
    fn default() -> Self {
        Self { keep: HppKeep::Last, whitelist: Names::default() }
    }
}

impl HppOptions {
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

    /// Parameters that may have several values, with everything below them. `a` is also `a[]`; `u.role` and
    /// `u[role]` are that one place. Names are compared exactly.
    ///
    /// # Errors
    /// `OptionValue` at `whitelist[i]` for a name that is empty.
    pub fn with_whitelist<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, ConfigError> {
        self.whitelist = Names::default();
        for (at, name) in names.iter().enumerate() {
            if !self.whitelist.add(name.as_ref()) {
                let message = "got an empty name, expected one such as ids or filter[tags]";
                let option = format!("whitelist[{at}]");
                return Err(ConfigError::new(ErrorCode::OptionValue, option, message));
            }
        }
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
    /// The names below it that may have several values.
    names: Option<u32>,
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
    /// The polluted parameters, and their text; stays empty if there are none.
    pub(super) paths: &'a mut Paths,
    pub(super) originals: &'a mut Vec<u8>,
}

impl Pollution<'_> {
    /// Does it. Linear but for the sorting of arrays that came out of order.
    pub(super) fn remove(&mut self, tree: &mut Tree) -> Result<(), FormRefusal> {
        // No object below has an index for a name: it would be a list.
        tree.order_members(ROOT);
        let mut frames = vec![frame(NONE, tree.node(ROOT).head, Some(TOP), false)];
        while let Some(top) = frames.last_mut() {
            let at = top.next;
            let Some(member) = tree.member(at).copied() else {
                if top.open {
                    self.originals.push(b'}');
                }
                frames.pop();
                continue;
            };
            top.next = member.next;
            let mut written = top.written;
            let whitelist = &self.options.whitelist;
            let names = top.names.and_then(|names| whitelist.below(names, member.key, self.texts));
            let is_proto = self.drop_proto && self.is_named(member, b"__proto__");
            if is_proto || names.is_some_and(|names| whitelist.is_end(names)) {
                continue;
            }
            if is_list(tree, member.node) {
                self.found(tree, &mut frames, at, written)?;
                let kept = self.kept(tree, member);
                tree.set_node(at, kept);
                written = true;
            }
            let node = tree.member(at).map_or(NONE, |member| member.node);
            let below = tree.node(node);
            if below.kind != Kind::Scalar {
                frames.push(frame(at, below.head, names, written));
            }
        }
        Ok(())
    }

    /// What takes the place of a list: an element that is none. [`NONE`] where there is no element, or where
    /// it would lead to a prototype, which `constructor[0][prototype]` does only without its index.
    fn kept(&self, tree: &Tree, member: Member) -> u32 {
        let mut node = member.node;
        while is_list(tree, node) {
            let Some(kept) = self.element(tree, node) else { return NONE };
            node = kept;
        }
        let leads = self.is_named(member, b"constructor")
            && tree.members_of(node).any(|inner| self.is_named(*inner, b"prototype"));
        if leads { NONE } else { node }
    }

    /// The element of a list that is kept.
    fn element(&self, tree: &Tree, node: u32) -> Option<u32> {
        let first = self.options.keep == HppKeep::First;
        let is_array = tree.node(node).kind == Kind::Array;
        let mut best: Option<(bool, f64, u32)> = None;
        for member in tree.members_of(node) {
            let index = match member.key {
                // However far apart: holes go.
                Key::Index(index) if is_array => index,
                key => match key.array_index() {
                    Some(index) => index,
                    None => continue,
                },
            };
            let is_text = tree.node(member.node).kind == Kind::Scalar;
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
            return Err(FormRefusal::Polluted { pointer: path() });
        }
        self.paths.add(path);
        if written {
            return Ok(());
        }
        let mut filled = true;
        for frame in frames.iter_mut() {
            if !frame.open {
                if frame.member != NONE {
                    self.write_key(tree, frame.member, filled);
                }
                self.originals.push(b'{');
                frame.open = true;
            }
            filled = std::mem::replace(&mut frame.filled, true);
        }
        self.write_key(tree, at, filled);
        if let Some(member) = tree.member(at) {
            self.emitter.write(tree, member.node, self.texts, self.drop_proto, self.originals);
        }
        Ok(())
    }

    /// Writes the name of a member into the text of polluted parameters.
    fn write_key(&mut self, tree: &Tree, member: u32, comma: bool) {
        if comma {
            self.originals.push(b',');
        }
        if let Some(member) = tree.member(member) {
            push_key(self.originals, member.key, self.texts);
        }
    }

    fn is_named(&self, member: Member, name: &[u8]) -> bool {
        matches!(member.key, Key::Name(key) if self.texts.get(key) == name)
    }
}

/// Whether the value is a list: an array, or what took over from one.
fn is_list(tree: &Tree, node: u32) -> bool {
    match tree.node(node).kind {
        Kind::Scalar => false,
        Kind::Array => true,
        Kind::Object => tree.members_of(node).any(|member| member.key.array_index().is_some()),
    }
}

const fn frame(member: u32, next: u32, names: Option<u32>, written: bool) -> Frame {
    Frame { member, next, names, open: false, filled: false, written }
}

/// JSON pointer of a member.
fn pointer(tree: &Tree, frames: &[Frame], at: u32, texts: Texts<'_>) -> String {
    let mut pointer = String::new();
    for id in frames.iter().skip(1).map(|frame| frame.member).chain([at]) {
        match tree.member(id).map(|member| member.key) {
            Some(Key::Index(index)) => push_pointer(&mut pointer, &index.to_string()),
            Some(Key::Name(name)) => push_pointer(&mut pointer, &unescape(texts.get(name))),
            None => {}
        }
    }
    pointer
}
