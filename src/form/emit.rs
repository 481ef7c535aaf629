//! The result as JSON text.

use super::parameters::Parameters;
use super::text::{Span, Texts};
use super::tree::{Key, Kind, NONE, Node, Tree, position};

/// A container that is being written.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The bracket that ends it.
    end: u8,
    /// The next member of a list, unless the members were sorted.
    next: u32,
    /// The rest of the members that were sorted.
    sorted: (u32, u32),
    first: bool,
}

/// Memory that writing uses.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    open: Vec<Open>,
    sorted: Vec<u32>,
}

impl Emitter {
    /// Writes a node. Members without a value are left out, holes in arrays too, as qs compacts them, and
    /// members named `__proto__`, if so told, as qs drops them (the object around them stays).
    pub(super) fn write(
        &mut self,
        tree: &Tree,
        node: u32,
        texts: Texts<'_>,
        drop_proto: bool,
        out: &mut Vec<u8>,
    ) {
        self.open.clear();
        self.sorted.clear();
        self.value(tree, node, texts, out);
        while let Some(mut open) = self.open.pop() {
            let Some(member) = self.advance(&mut open, tree) else {
                out.push(open.end);
                continue;
            };
            if member.1 == NONE || drop_proto && is_proto(member.0, texts) {
                self.open.push(open);
                continue;
            }
            if !open.first {
                out.push(b',');
            }
            open.first = false;
            if open.end == b'}' {
                push_key(out, member.0, texts);
            }
            self.open.push(open);
            self.value(tree, member.1, texts, out);
        }
    }

    /// Writes a text, or the start of a container.
    fn value(&mut self, tree: &Tree, node: u32, texts: Texts<'_>, out: &mut Vec<u8>) {
        let node = tree.node(node);
        match node.kind {
            Kind::Scalar => push_string(out, texts.get(node.value)),
            Kind::Array | Kind::Object => self.start(tree, node, out),
        }
    }

    /// Opens a container; the members of an array that came out of order are sorted first.
    fn start(&mut self, tree: &Tree, node: Node, out: &mut Vec<u8>) {
        let array = node.kind == Kind::Array;
        out.push(if array { b'[' } else { b'{' });
        let mut open = Open {
            end: if array { b']' } else { b'}' },
            next: node.head,
            sorted: (0, 0),
            first: true,
        };
        if array && !node.sorted {
            open.sorted = self.sort(tree, node);
        }
        self.open.push(open);
    }

    /// Puts the members of an array at the end of the list of sorted ones.
    fn sort(&mut self, tree: &Tree, node: Node) -> (u32, u32) {
        let start = self.sorted.len();
        let mut next = node.head;
        while let Some(member) = tree.member(next) {
            self.sorted.push(next);
            next = member.next;
        }
        let index_of = |id: &u32| match tree.member(*id).map(|member| member.key) {
            Some(Key::Index(index)) => index,
            _ => 0.0,
        };
        let run = self.sorted.get_mut(start..).unwrap_or_default();
        run.sort_unstable_by(|one, other| index_of(one).total_cmp(&index_of(other)));
        (position(start), position(self.sorted.len()))
    }

    /// The next member of a container.
    fn advance(&self, open: &mut Open, tree: &Tree) -> Option<(Key, u32)> {
        let (next, end) = open.sorted;
        if end > 0 {
            let id = if next < end { self.sorted.get(next as usize) } else { None }?;
            open.sorted.0 += 1;
            return tree.member(*id).map(|member| (member.key, member.node));
        }
        let member = tree.member(open.next)?;
        open.next = member.next;
        Some((member.key, member.node))
    }
}

/// Writes parameters whose names do not nest: no tree is needed.
pub(super) fn write_flat(
    parameters: &Parameters,
    texts: Texts<'_>,
    array_limit: u32,
    drop_proto: bool,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for entry in parameters.entries() {
        let name = texts.get(entry.name);
        if entry.count == 0 || (drop_proto && name == b"__proto__") {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        push_string(out, name);
        out.push(b':');
        if entry.count == 1 {
            push_string(out, texts.get(entry.value));
        } else {
            write_values(parameters.values(entry), texts, entry.count > array_limit, out);
        }
    }
    out.push(b'}');
}

/// Writes the values of a repeated name, as an object when they are too many for an array.
fn write_values(
    values: impl Iterator<Item = Span>,
    texts: Texts<'_>,
    as_object: bool,
    out: &mut Vec<u8>,
) {
    out.push(if as_object { b'{' } else { b'[' });
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if as_object {
            push_string(out, index.to_string().as_bytes());
            out.push(b':');
        }
        push_string(out, texts.get(value));
    }
    out.push(if as_object { b'}' } else { b']' });
}

/// Whether the member's name is the one that qs drops whatever its options say.
fn is_proto(key: Key, texts: Texts<'_>) -> bool {
    matches!(key, Key::Name(name) if name.len() == 9 && texts.get(name) == b"__proto__")
}

/// Writes a name and its colon.
pub(super) fn push_key(out: &mut Vec<u8>, key: Key, texts: Texts<'_>) {
    match key {
        Key::Index(index) => push_string(out, index.to_string().as_bytes()),
        Key::Name(name) => push_string(out, texts.get(name)),
    }
    out.push(b':');
}

/// Writes a string; its text is escaped already.
fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}
