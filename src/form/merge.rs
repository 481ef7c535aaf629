//! One parameter into the tree, as `merge` of qs 6.17 (`utils.js`) does it.
//!
//! qs builds a little object for each parameter and merges it into the result. Here the steps of the name
//! stand for that object and nothing is built until a level is reached that the tree does not have.

use super::segments::Step;
use super::text::{Span, Texts};
use super::tree::{Key, Kind, NONE, Node, ROOT, Tree};

/// What a parameter brings: one text, or the texts of a repeated name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaf<'a> {
    /// A text.
    Text(Span),
    /// The elements of an array (of an object in its stead, when there are more than the limit).
    List(&'a [Span]),
}

/// Merges parameters into a tree.
pub(super) struct Merger<'a> {
    pub(super) tree: &'a mut Tree,
    pub(super) texts: Texts<'a>,
    /// The longest array.
    pub(super) array_limit: u32,
    /// Whether an array was longer, so that an object took its place.
    pub(super) overflowed: bool,
}

impl Merger<'_> {
    /// Merges one parameter. `steps` is used up.
    pub(super) fn merge(&mut self, steps: &mut Vec<Step>, leaf: Leaf<'_>) {
        let single = match leaf {
            Leaf::Text(text) => [text],
            Leaf::List(_) => [Span::EMPTY],
        };
        let leaf = if resolve_appends(steps, self.array_limit) && matches!(leaf, Leaf::Text(_)) {
            Leaf::List(&single)
        } else {
            leaf
        };
        let mut place = Place { node: ROOT, member: NONE };
        let mut rest = steps.as_slice();
        while let Some((&step, below)) = rest.split_first() {
            match self.descend(place, step, below, leaf) {
                Some(next) => place = next,
                None => return,
            }
            rest = below;
        }
        self.merge_leaf(place, leaf);
    }

    /// Merges the level of `step` into a node that is there. Gives the place to go on with, or `None` when
    /// everything below was put in.
    fn descend(
        &mut self,
        place: Place,
        step: Step,
        below: &[Step],
        leaf: Leaf<'_>,
    ) -> Option<Place> {
        match self.tree.node(place.node).kind {
            Kind::Scalar => {
                self.join_scalar(place, step, below, leaf);
                None
            }
            Kind::Array => {
                if let Step::Element(index) = step {
                    return self.merge_element(place.node, index, below, leaf);
                }
                self.array_to_object(place.node);
                self.merge_member(place.node, step, below, leaf)
            }
            Kind::Object => self.merge_member(place.node, step, below, leaf),
        }
    }

    /// A member of an object: `acc[key] = merge(acc[key], value)`.
    fn merge_member(
        &mut self,
        node: u32,
        step: Step,
        below: &[Step],
        leaf: Leaf<'_>,
    ) -> Option<Place> {
        let key = key_of(step);
        let found = self.tree.find(node, key, self.texts);
        if found.is_none() {
            let child = self.build(below, leaf);
            self.tree.insert(node, key, child, self.texts);
        }
        self.note_index(node, key, if let Step::Beyond(index) = step { index } else { -1.0 });
        self.place(found?)
    }

    /// An element of an array: holes are filled, containers merged, everything else appended.
    fn merge_element(
        &mut self,
        node: u32,
        index: f64,
        below: &[Step],
        leaf: Leaf<'_>,
    ) -> Option<Place> {
        let brings_container = !below.is_empty() || matches!(leaf, Leaf::List(_));
        let found = self.tree.find(node, Key::Index(index), self.texts);
        if let Some(place) = found.and_then(|member| self.place(member))
            && brings_container
            && self.tree.node(place.node).kind != Kind::Scalar
        {
            return Some(place);
        }
        let child = self.build(below, leaf);
        let index = if found.is_some() { self.tree.node(node).length } else { index };
        self.tree.insert(node, Key::Index(index), child, self.texts);
        self.limit_array(node);
        None
    }

    /// A container onto a text: both go into an array.
    fn join_scalar(&mut self, place: Place, step: Step, below: &[Step], leaf: Leaf<'_>) {
        let (index, child) = match step {
            Step::Element(index) | Step::Beyond(index) => (index + 1.0, self.build(below, leaf)),
            Step::Name(key) => {
                let object = self.tree.add(Kind::Object, Span::EMPTY);
                let child = self.build(below, leaf);
                self.tree.insert(object, key, child, self.texts);
                (1.0, object)
            }
            Step::Append => return,
        };
        let array = self.tree.add(Kind::Array, Span::EMPTY);
        self.tree.insert(array, Key::Index(0.0), place.node, self.texts);
        self.tree.insert(array, Key::Index(index), child, self.texts);
        if matches!(step, Step::Beyond(_)) || index + 1.0 > f64::from(self.array_limit) {
            self.overflow(array, index);
        }
        self.tree.set_node(place.member, array);
    }

    /// The leaf onto a node that is there.
    fn merge_leaf(&mut self, place: Place, leaf: Leaf<'_>) {
        match leaf {
            Leaf::Text(text) => self.merge_text(place, text),
            Leaf::List(list) => self.merge_list(place, list),
        }
    }

    /// A text onto a node. An empty one changes nothing.
    fn merge_text(&mut self, place: Place, text: Span) {
        if text.is_empty() {
            return;
        }
        let Node { kind, length, count, overflow, conflict, .. } = self.tree.node(place.node);
        match kind {
            Kind::Array => {
                self.push(place.node, length, text);
                if count >= self.array_limit {
                    self.overflow(place.node, length);
                }
            }
            Kind::Object if overflow >= 0.0 => {
                self.put(place.node, overflow + 1.0, text);
                self.tree.change(place.node, |node| node.overflow = overflow + 1.0);
            }
            Kind::Object if conflict >= 0.0 => {
                self.put(place.node, conflict + 1.0, text);
                self.tree.change(place.node, |node| node.conflict = conflict + 1.0);
            }
            Kind::Object | Kind::Scalar => self.pair(place, kind, text),
        }
    }

    /// `limitedPair`: what is there and a text, in an array. One made around an object takes further texts.
    fn pair(&mut self, place: Place, kind: Kind, text: Span) {
        let array = self.tree.add(Kind::Array, Span::EMPTY);
        self.tree.insert(array, Key::Index(0.0), place.node, self.texts);
        self.push(array, 1.0, text);
        if self.array_limit < 2 {
            self.overflow(array, 1.0);
        } else if kind == Kind::Object {
            self.tree.change(array, |node| node.conflict = 1.0);
        }
        self.tree.set_node(place.member, array);
    }

    /// The texts of a repeated name onto a node.
    fn merge_list(&mut self, place: Place, list: &[Span]) {
        let too_long = self.too_long(list);
        let kind = self.tree.node(place.node).kind;
        match kind {
            Kind::Scalar => {
                let array = self.tree.add(Kind::Array, Span::EMPTY);
                self.tree.insert(array, Key::Index(0.0), place.node, self.texts);
                self.extend(array, list);
                self.tree.set_node(place.member, array);
                self.limit_length(array);
            }
            Kind::Array if !too_long => {
                for (index, text) in indexed(list) {
                    let there = self.tree.find(place.node, Key::Index(index), self.texts).is_some();
                    let length = self.tree.node(place.node).length;
                    self.push(place.node, if there { length } else { index }, *text);
                }
                self.limit_array(place.node);
            }
            Kind::Array | Kind::Object => {
                if kind == Kind::Array {
                    self.array_to_object(place.node);
                }
                let beyond = if too_long {
                    indexed(list).last().map_or(0.0, |(index, _)| index)
                } else {
                    -1.0
                };
                for (index, text) in indexed(list) {
                    let key = Key::Index(index);
                    match self.tree.find(place.node, key, self.texts).and_then(|at| self.place(at))
                    {
                        Some(member) => self.merge_text(member, *text),
                        None => self.push(place.node, index, *text),
                    }
                    self.note_index(place.node, key, beyond);
                }
            }
        }
    }

    fn too_long(&self, list: &[Span]) -> bool {
        list.len() > self.array_limit as usize
    }

    fn place(&self, member: u32) -> Option<Place> {
        self.tree.member(member).map(|found| Place { node: found.node, member })
    }
}

/// A node and the member that holds it.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: u32,
    member: u32,
}

/// The property that a step goes to.
pub(super) fn key_of(step: Step) -> Key {
    match step {
        Step::Name(key) => key,
        Step::Element(index) | Step::Beyond(index) => Key::Index(index),
        Step::Append => Key::Index(0.0),
    }
}

/// Turns each `[]` into the element that it stands for; one before an array is no level of its own, because
/// qs concatenates. Tells whether a last one makes the leaf an array.
fn resolve_appends(steps: &mut Vec<Step>, array_limit: u32) -> bool {
    let mut makes_list = false;
    let mut before_array = false;
    let mut kept = steps.len();
    for position in (0..steps.len()).rev() {
        let Some(&step) = steps.get(position) else { continue };
        let step = match step {
            Step::Append if position + 1 == steps.len() => {
                makes_list = true;
                before_array = true;
                continue;
            }
            Step::Append if before_array => continue,
            Step::Append if array_limit == 0 => Step::Beyond(0.0),
            Step::Append => Step::Element(0.0),
            step => step,
        };
        before_array = !matches!(step, Step::Name(_));
        kept -= 1;
        if let Some(slot) = steps.get_mut(kept) {
            *slot = step;
        }
    }
    steps.drain(..kept);
    makes_list
}

/// The texts with their indices.
#[expect(clippy::cast_precision_loss, reason = "a list is far shorter than 2^53")]
fn indexed(list: &[Span]) -> impl Iterator<Item = (f64, &Span)> {
    list.iter().enumerate().map(|(index, text)| (index as f64, text))
}
