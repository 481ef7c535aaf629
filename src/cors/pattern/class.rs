//! Sets of ASCII characters. Origins have no others, so that everything beyond is left out of a set.

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir};

/// The members, a bit for each of the 128 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CharSet(u128);

/// The last character of a set.
const LAST: u32 = 0x7f;

impl CharSet {
    /// The characters from `first` to `last`; beyond ASCII there are none.
    pub(super) fn range(first: char, last: char) -> Self {
        let last = u32::from(last).min(LAST);
        Self((u32::from(first)..=last).fold(0, |bits, code| bits | (1 << code)))
    }

    /// One character, or none if it is not ASCII.
    pub(super) fn one(character: char) -> Self {
        Self::range(character, character)
    }

    /// What `\d`, `\w`, `\s` and their opposites stand for.
    pub(super) fn shorthand(letter: char) -> Option<Self> {
        let set = match letter.to_ascii_lowercase() {
            'd' => Self::range('0', '9'),
            'w' => Self::range('0', '9')
                .or(Self::range('a', 'z'))
                .or(Self::range('A', 'Z'))
                .or(Self::one('_')),
            's' => Self::range('\t', '\r').or(Self::one(' ')),
            _ => return None,
        };
        Some(if letter.is_ascii_uppercase() { set.negated() } else { set })
    }

    /// What `.` stands for.
    pub(super) fn dot() -> Self {
        Self::one('\n').or(Self::one('\r')).negated()
    }

    /// The members of both.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All others.
    pub(super) const fn negated(self) -> Self {
        Self(!self.0)
    }

    /// With each letter's other case.
    pub(super) fn folded(self) -> Self {
        let members = (0..=127_u8).filter(|code| self.0 >> code & 1 == 1).map(char::from);
        members.fold(self, |set, member| {
            set.or(Self::one(member.to_ascii_lowercase()))
                .or(Self::one(member.to_ascii_uppercase()))
        })
    }

    /// The only member, if there is exactly one.
    pub(super) fn only_member(self) -> Option<char> {
        let code = u8::try_from(self.0.trailing_zeros()).ok()?;
        self.0.is_power_of_two().then(|| char::from(code))
    }

    /// As an expression; an empty set never matches.
    pub(super) fn to_expression(self) -> Hir {
        let members = (0..=127_u8).filter(|code| self.0 >> code & 1 == 1);
        let ranges = members.map(|code| ClassBytesRange::new(code, code));
        Hir::class(Class::Bytes(ClassBytes::new(ranges)))
    }
}
