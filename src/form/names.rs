//! Names of parameters as a tree of their segments: `u.role` and `u[role]` are `u`, then `role`.

use std::collections::HashMap;

use super::escape::escape_all;
use super::text::Texts;
use super::tree::Key;

/// The tree's root.
pub(super) const TOP: u32 = 0;

/// A set of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    nodes: Vec<Node>,
}

/// The names that begin alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Node {
    /// By escaped segment.
    children: HashMap<Box<[u8]>, u32>,
    /// Whether a name ends here.
    is_end: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Names {
    /// Adds a name. Tells whether it has any segment.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let mut at = TOP;
        for segment in name.split(['.', '[', ']']).filter(|segment| !segment.is_empty()) {
            let segment = escape_all(segment).into_boxed_slice();
            at = self.child(at, &segment).unwrap_or_else(|| self.grow(at, segment));
        }
        self.nodes.get_mut(at as usize).into_iter().for_each(|node| node.is_end = at != TOP);
        at != TOP
    }

    fn grow(&mut self, at: u32, segment: Box<[u8]>) -> u32 {
        let new = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.children.insert(segment, new);
            self.nodes.push(Node::default());
        }
        new
    }

    fn child(&self, at: u32, segment: &[u8]) -> Option<u32> {
        self.nodes.get(at as usize)?.children.get(segment).copied()
    }

    /// Whether one of the names ends at this part of the tree.
    pub(super) fn is_end(&self, at: u32) -> bool {
        self.nodes.get(at as usize).is_some_and(|node| node.is_end)
    }

    /// The part of the tree below a key, which may hold several segments itself: where brackets do not nest,
    /// `u[role]` is one key.
    pub(super) fn below(&self, at: u32, key: Key, texts: Texts<'_>) -> Option<u32> {
        // Most apps name none.
        if self.nodes.len() == 1 {
            return None;
        }
        let name = match key {
            Key::Index(index) => return self.child(at, index.to_string().as_bytes()),
            Key::Name(name) => texts.get(name),
        };
        let separates = |byte: &u8| matches!(byte, b'.' | b'[' | b']');
        if !name.iter().any(separates) {
            return self.child(at, name);
        }
        let mut below = at;
        for segment in name.split(separates).filter(|segment| !segment.is_empty()) {
            below = self.child(below, segment)?;
            if self.is_end(below) {
                break;
            }
        }
        Some(below)
    }
}
