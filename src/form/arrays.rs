//! New containers in the tree: how arrays grow, and what becomes of one that grows too long (qs
//! `parseObject` and `utils.js`).

use super::merge::{Leaf, Merger, key_of};
use super::segments::Step;
use super::text::Span;
use super::tree::{Key, Kind, Node};

impl Merger<'_> {
    /// Builds what `steps` and the leaf stand for, innermost first.
    pub(super) fn build(&mut self, steps: &[Step], leaf: Leaf<'_>) -> u32 {
        let mut node = match leaf {
            Leaf::Text(text) => self.tree.add(Kind::Scalar, text),
            Leaf::List(list) => {
                let array = self.tree.add(Kind::Array, Span::EMPTY);
                self.extend(array, list);
                self.limit_length(array);
                array
            }
        };
        for step in steps.iter().rev() {
            let kind = if let Step::Element(_) = step { Kind::Array } else { Kind::Object };
            let outer = self.tree.add(kind, Span::EMPTY);
            self.tree.insert(outer, key_of(*step), node, self.texts);
            if let Step::Beyond(index) = step {
                self.overflow(outer, *index);
            }
            node = outer;
        }
        node
    }

    /// Keeps the largest index of objects that take further texts at the next one.
    pub(super) fn note_index(&mut self, node: u32, key: Key, beyond: f64) {
        if beyond >= 0.0 && self.tree.node(node).overflow < 0.0 {
            let indices = self.tree.members_of(node).map(|member| match member.key {
                Key::Index(index) => index,
                Key::Name(_) => -1.0,
            });
            let largest = indices.fold(beyond, f64::max);
            self.overflow(node, largest);
        }
        let Key::Index(index) = key else { return };
        self.tree.change(node, |node| {
            if node.overflow >= 0.0 {
                node.overflow = node.overflow.max(index);
            }
            if node.conflict >= 0.0 {
                node.conflict = node.conflict.max(index);
            }
        });
    }

    /// `arrayToObject`: the members stay, holes go; further conflicts continue after the last index.
    pub(super) fn array_to_object(&mut self, node: u32) {
        self.tree.change(node, |node| {
            node.kind = Kind::Object;
            if node.conflict >= 0.0 {
                node.conflict = node.length - 1.0;
            }
        });
    }

    /// `markOverflow`: an object takes the place of an array that grew too long.
    pub(super) fn overflow(&mut self, node: u32, largest: f64) {
        self.overflowed = true;
        self.tree.change(node, |node| {
            if node.kind == Kind::Array {
                node.conflict = -1.0;
            }
            node.kind = Kind::Object;
            node.overflow = largest;
        });
    }

    /// An array with more elements than allowed.
    pub(super) fn limit_array(&mut self, node: u32) {
        let Node { count, length, .. } = self.tree.node(node);
        if count > self.array_limit {
            self.overflow(node, length - 1.0);
        }
    }

    /// A new array that is longer than allowed, holes counted.
    pub(super) fn limit_length(&mut self, node: u32) {
        let Node { length, .. } = self.tree.node(node);
        if length > f64::from(self.array_limit) {
            self.overflow(node, length - 1.0);
        }
    }

    /// Adds a text at an index that is free.
    pub(super) fn push(&mut self, node: u32, index: f64, text: Span) {
        let scalar = self.tree.add(Kind::Scalar, text);
        self.tree.insert(node, Key::Index(index), scalar, self.texts);
    }

    /// Sets a text at an index, whatever is there.
    pub(super) fn put(&mut self, node: u32, index: f64, text: Span) {
        match self.tree.find(node, Key::Index(index), self.texts) {
            Some(member) => {
                let scalar = self.tree.add(Kind::Scalar, text);
                self.tree.set_node(member, scalar);
            }
            None => self.push(node, index, text),
        }
    }

    /// Appends texts to a new array.
    pub(super) fn extend(&mut self, array: u32, list: &[Span]) {
        for text in list {
            let length = self.tree.node(array).length;
            self.push(array, length, *text);
        }
    }
}
