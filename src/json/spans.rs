//! Where the members and containers of a text begin and end.

use super::pointer::Segment;

/// No such container or member.
pub(super) const NONE: u32 = u32::MAX;

/// Offsets `start..end`.
pub(super) type Span = (u32, u32);

/// A key and its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The object around it.
    pub(super) container: u32,
    /// From the opening quote of the key to the last byte of the value.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The inside of the key.
    pub(super) key: Span,
    /// The member before and after it in its object.
    pub(super) previous: u32,
    pub(super) next: u32,
    /// The container that is its value.
    pub(super) value: u32,
}

/// An array or object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container {
    /// The container around it.
    pub(super) parent: u32,
    /// Its member in the parent, or its position if the parent is an array.
    pub(super) place: u32,
    pub(super) is_object: bool,
    /// Whether it is an object with a key `prototype`.
    pub(super) owns_prototype: bool,
    /// How many containers it is inside of.
    pub(super) depth: u32,
}

/// Every member and container of a text, in the order of their first bytes.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) members: Vec<Member>,
    pub(super) containers: Vec<Container>,
}

impl Spans {
    pub(super) fn member(&self, id: u32) -> Option<&Member> {
        self.members.get(id as usize)
    }

    pub(super) fn container(&self, id: u32) -> Option<&Container> {
        self.containers.get(id as usize)
    }

    /// The steps from the root to the member, last one first.
    pub(super) fn steps_up<'a>(
        &'a self,
        body: &'a [u8],
        member: &Member,
    ) -> impl Iterator<Item = Segment<'a>> {
        let inside = |key: Span| Segment::Raw(slice(body, key));
        let mut at = self.container(member.container);
        std::iter::once(inside(member.key)).chain(std::iter::from_fn(move || {
            let inner = at?;
            let outer = self.container(inner.parent)?;
            at = Some(outer);
            if outer.is_object {
                self.member(inner.place).map(|member| inside(member.key))
            } else {
                Some(Segment::Index(inner.place))
            }
        }))
    }
}

/// The bytes of a span; empty if it lies outside.
pub(super) fn slice(body: &[u8], (start, end): Span) -> &[u8] {
    body.get(start as usize..end as usize).unwrap_or_default()
}
