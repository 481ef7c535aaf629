//! Nested results as flat lists of nodes and members: no allocation per node, no recursion.

use super::index::{Index, KEEP_SLOTS, SMALL};
use super::text::{Span, Texts};

/// The end of a list.
pub(super) const NONE: u32 = u32::MAX;

/// The object that is the result.
pub(super) const ROOT: u32 = 0;

/// What a node is in the JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Array,
    Object,
}

/// The name of a member. A canonical number (`0`, `17`, never `01`) is always an index, in objects too, so
/// that an array that becomes an object keeps its members as they are. Numbers are those of JavaScript.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Key {
    Index(f64),
    Name(Span),
}

impl Key {
    /// The index, where JavaScript takes it for an array's: objects list such names first.
    pub(super) fn array_index(self) -> Option<f64> {
        match self {
            Self::Index(index) if index < f64::from(u32::MAX) => Some(index),
            _ => None,
        }
    }
}

/// A scalar, an array (possibly with holes) or an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Text of a scalar.
    pub(super) value: Span,
    /// First and last member, in order of insertion.
    pub(super) head: u32,
    pub(super) tail: u32,
    /// Number of members.
    pub(super) count: u32,
    /// Length of an array, holes included.
    pub(super) length: f64,
    /// Largest index of an object that took over from an array that grew too long; negative: it did not.
    pub(super) overflow: f64,
    /// Last index of a container that holds values which could not be merged; negative: it does not.
    pub(super) conflict: f64,
    /// Whether the members are in the tree's table.
    indexed: bool,
    /// Whether the indices of an array ascend along the list.
    pub(super) sorted: bool,
}

impl Node {
    const fn new(kind: Kind, value: Span) -> Self {
        Self {
            kind,
            value,
            head: NONE,
            tail: NONE,
            count: 0,
            length: 0.0,
            overflow: -1.0,
            conflict: -1.0,
            indexed: false,
            sorted: true,
        }
    }
}

/// One member of an array or object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) key: Key,
    pub(super) node: u32,
    pub(super) next: u32,
    owner: u32,
}

/// All nodes of one result.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    members: Vec<Member>,
    index: Index,
}

impl Tree {
    /// Forgets everything and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.members.clear();
        self.index.clear(KEEP_SLOTS);
    }

    /// Starts over with an empty object at [`ROOT`].
    pub(super) fn reset(&mut self) {
        self.clear();
        self.add(Kind::Object, Span::EMPTY);
    }

    /// Gives memory back beyond so many nodes.
    pub(super) fn shrink(&mut self, nodes: usize) {
        self.nodes.shrink_to(nodes);
        self.members.shrink_to(nodes);
    }

    /// Adds a node that nothing refers to yet.
    pub(super) fn add(&mut self, kind: Kind, value: Span) -> u32 {
        let id = position(self.nodes.len());
        self.nodes.push(Node::new(kind, value));
        id
    }

    /// The node; an empty scalar for a position that is none.
    pub(super) fn node(&self, id: u32) -> Node {
        let none = Node::new(Kind::Scalar, Span::EMPTY);
        self.nodes.get(id as usize).copied().unwrap_or(none)
    }

    /// Changes the node.
    pub(super) fn change(&mut self, id: u32, change: impl FnMut(&mut Node)) {
        self.nodes.get_mut(id as usize).into_iter().for_each(change);
    }

    /// The member at a position of a list.
    pub(super) fn member(&self, id: u32) -> Option<&Member> {
        self.members.get(id as usize)
    }

    /// Puts another node into a member, or takes the value out with [`NONE`].
    pub(super) fn set_node(&mut self, member: u32, node: u32) {
        if let Some(member) = self.members.get_mut(member as usize) {
            member.node = node;
        }
    }

    /// Number of members in the whole tree.
    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    /// The members of a container in order of insertion.
    pub(super) fn members_of(&self, id: u32) -> impl Iterator<Item = &Member> {
        let mut next = self.node(id).head;
        std::iter::from_fn(move || {
            let member = self.member(next)?;
            next = member.next;
            Some(member)
        })
    }

    /// The member with this key.
    pub(super) fn find(&self, owner: u32, key: Key, texts: Texts<'_>) -> Option<u32> {
        let node = self.node(owner);
        if node.kind == Kind::Array && matches!(key, Key::Index(index) if index >= node.length) {
            return None;
        }
        if node.indexed {
            let hash = self.hash(owner, key, texts);
            return self.index.find(hash, |id| {
                self.member(id)
                    .is_some_and(|member| member.owner == owner && same(member.key, key, texts))
            });
        }
        let mut next = node.head;
        while let Some(member) = self.member(next) {
            if same(member.key, key, texts) {
                return Some(next);
            }
            next = member.next;
        }
        None
    }

    /// Adds a member whose key is not there yet.
    pub(super) fn insert(&mut self, owner: u32, key: Key, node: u32, texts: Texts<'_>) {
        let id = position(self.members.len());
        self.members.push(Member { key, node, next: NONE, owner });
        let before = self.node(owner);
        if let Some(last) = self.members.get_mut(before.tail as usize) {
            last.next = id;
        }
        self.change(owner, |node| {
            node.tail = id;
            node.count += 1;
            if node.head == NONE {
                node.head = id;
            }
            if let Key::Index(index) = key {
                node.sorted &= index >= node.length;
                node.length = node.length.max(index + 1.0);
            }
        });
        if before.indexed {
            self.index.insert(self.hash(owner, key, texts), id);
        } else if before.count >= SMALL {
            self.index_members(owner, texts);
        }
    }

    /// Links the members of an object in the order in which JavaScript lists them: indices first.
    pub(super) fn order_members(&mut self, owner: u32) {
        let mut ids = Vec::new();
        let mut next = self.node(owner).head;
        while let Some(member) = self.member(next) {
            ids.push(next);
            next = member.next;
        }
        let rank = |id: &u32| {
            let index = self.member(*id).and_then(|member| member.key.array_index());
            index.map_or((true, 0), |index| (false, index.to_bits()))
        };
        if ids.is_sorted_by_key(rank) {
            return;
        }
        ids.sort_by_cached_key(rank);
        let mut next = NONE;
        self.change(owner, |node| node.tail = ids.last().copied().unwrap_or(NONE));
        for id in ids.into_iter().rev() {
            if let Some(member) = self.members.get_mut(id as usize) {
                member.next = next;
            }
            next = id;
        }
        self.change(owner, |node| node.head = next);
    }

    /// Moves the members of a container that has grown into the table.
    fn index_members(&mut self, owner: u32, texts: Texts<'_>) {
        let mut next = self.node(owner).head;
        while let Some(&member) = self.member(next) {
            self.index.insert(self.hash(owner, member.key, texts), next);
            next = member.next;
        }
        self.change(owner, |node| node.indexed = true);
    }

    fn hash(&self, owner: u32, key: Key, texts: Texts<'_>) -> u32 {
        match key {
            Key::Index(index) => self.index.hash(owner, &index.to_le_bytes()),
            Key::Name(name) => self.index.hash(owner, texts.get(name)),
        }
    }
}

/// Whether two keys are the same property.
fn same(one: Key, other: Key, texts: Texts<'_>) -> bool {
    match (one, other) {
        (Key::Index(one), Key::Index(other)) => one.to_bits() == other.to_bits(),
        (Key::Name(one), Key::Name(other)) => texts.get(one) == texts.get(other),
        _ => false,
    }
}

/// Positions fit: there are fewer nodes than bytes of input, times two.
#[expect(clippy::cast_possible_truncation, reason = "bounded by MAX_INPUT_BYTES")]
pub(super) const fn position(length: usize) -> u32 {
    length as u32
}
