//! The specification in the plainest form: a recursive parser into a tree, and the rules on that tree.
//!
//! Slow, unbounded and only for tests and fuzzing: the scanner and the exact path are held against it.

use super::keys::Marks;
use super::refusal::{RefusalKind, Rule};
use super::rules::{Action, DuplicatePolicy, KeyClass, Rules};

/// Deepest nesting that the oracle follows, for its recursion's sake.
const DEPTH_MAX: usize = 1_500;

/// A value as the text has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    /// A literal, number or string: its very text.
    Scalar(Vec<u8>),
    Array(Vec<Tree>),
    /// Decoded keys with their values, in the order of the text, duplicates and all.
    Object(Vec<(Vec<u8>, Tree)>),
}

/// Why there is no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoTree {
    Malformed,
    TooDeepForMe,
}

struct Parser<'a> {
    rest: &'a [u8],
    depth: usize,
}

/// Parses by the grammar of RFC 8259.
pub(super) fn parse(text: &[u8]) -> Result<Tree, NoTree> {
    let mut parser = Parser { rest: text, depth: 0 };
    let tree = parser.value()?;
    parser.space();
    if parser.rest.is_empty() { Ok(tree) } else { Err(NoTree::Malformed) }
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, text: &[u8]) -> bool {
        self.space();
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), NoTree> {
        if self.take(text) { Ok(()) } else { Err(NoTree::Malformed) }
    }

    fn value(&mut self) -> Result<Tree, NoTree> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(NoTree::TooDeepForMe);
        }
        self.space();
        let value = match self.rest.first() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(|(text, _)| Tree::Scalar(text.to_vec())),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Tree, NoTree> {
        self.expect(b"{")?;
        let mut members = Vec::new();
        if self.take(b"}") {
            return Ok(Tree::Object(members));
        }
        loop {
            self.space();
            let (_, key) = self.string()?;
            self.expect(b":")?;
            members.push((key, self.value()?));
            if self.take(b"}") {
                return Ok(Tree::Object(members));
            }
            self.expect(b",")?;
        }
    }

    fn array(&mut self) -> Result<Tree, NoTree> {
        self.expect(b"[")?;
        let mut elements = Vec::new();
        if self.take(b"]") {
            return Ok(Tree::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            if self.take(b"]") {
                return Ok(Tree::Array(elements));
            }
            self.expect(b",")?;
        }
    }

    /// The string's text, and its UTF-16 units as generalized UTF-8.
    fn string(&mut self) -> Result<(&'a [u8], Vec<u8>), NoTree> {
        let text = self.rest;
        self.expect(b"\"")?;
        let mut units = Vec::new();
        loop {
            let start = self.rest;
            let first = self.byte()?;
            match first {
                b'"' => break,
                b'\\' => units.push(self.escape()?),
                0..0x20 => return Err(NoTree::Malformed),
                _ => {
                    while self.rest.first().is_some_and(|byte| byte & 0xC0 == 0x80) {
                        self.byte()?;
                    }
                    let length = start.len() - self.rest.len();
                    let character = start.get(..length).unwrap_or_default();
                    let character =
                        std::str::from_utf8(character).map_err(|_| NoTree::Malformed)?;
                    units.extend(character.encode_utf16());
                }
            }
        }
        let length = text.len() - self.rest.len();
        Ok((text.get(..length).unwrap_or_default(), generalized_utf8(&units)))
    }

    fn byte(&mut self) -> Result<u8, NoTree> {
        let (&byte, rest) = self.rest.split_first().ok_or(NoTree::Malformed)?;
        self.rest = rest;
        Ok(byte)
    }

    fn escape(&mut self) -> Result<u16, NoTree> {
        Ok(match self.byte()? {
            b'u' => {
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = char::from(self.byte()?).to_digit(16).ok_or(NoTree::Malformed)?;
                    unit = unit * 16 + u16::try_from(digit).unwrap_or_default();
                }
                unit
            }
            byte @ (b'"' | b'\\' | b'/') => u16::from(byte),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            _ => return Err(NoTree::Malformed),
        })
    }

    fn word(&mut self) -> Result<Tree, NoTree> {
        let ends = |byte: &u8| b" \t\r\n,:[]{}\"".contains(byte);
        let length = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        let known = [&b"true"[..], b"false", b"null"].contains(&word) || is_number(word);
        if known { Ok(Tree::Scalar(word.to_vec())) } else { Err(NoTree::Malformed) }
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn is_number(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let exponent = word.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match exponent {
        Some(at) => (word.get(..at).unwrap_or_default(), word.get(at + 1..)),
        None => (word, None),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (mantissa.get(..at).unwrap_or_default(), mantissa.get(at + 1..)),
        None => (mantissa, None),
    };
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with(b"0"))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| {
            digits(text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text))
        })
}

/// UTF-8 with lone surrogates as three bytes.
fn generalized_utf8(units: &[u16]) -> Vec<u8> {
    let mut out = Vec::new();
    for character in char::decode_utf16(units.iter().copied()) {
        match character {
            Ok(character) => out.extend(character.encode_utf8(&mut [0; 4]).bytes()),
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                let [high, low] = unit.to_be_bytes();
                let middle = (high & 0x0F) << 2 | low >> 6;
                out.extend([0xE0 | high >> 4, 0x80 | middle, 0x80 | low & 0x3F]);
            }
        }
    }
    out
}

/// Every limit that the tree exceeds, and `DuplicateKey` under the policy `reject`.
pub(super) fn violations(tree: &Tree, rules: &Rules) -> Vec<RefusalKind> {
    let mut found = Vec::new();
    let limits = rules.limits();
    let mut add = |kind, count: usize, limit: u32| {
        if limit != u32::MAX && count > limit as usize && !found.contains(&kind) {
            found.push(kind);
        }
    };
    let mut keys = 0;
    visit(tree, 0, &mut |tree, depth| match tree {
        Tree::Scalar(text) => {
            if text.first().is_some_and(|&byte| byte == b'-' || byte.is_ascii_digit()) {
                add(RefusalKind::NumberTooLong, text.len(), limits.number_length);
            }
        }
        Tree::Array(elements) => {
            add(RefusalKind::TooDeep, depth + 1, limits.depth);
            add(RefusalKind::TooManyElements, elements.len(), limits.array_elements);
        }
        Tree::Object(members) => {
            add(RefusalKind::TooDeep, depth + 1, limits.depth);
            keys += members.len();
            for (at, (key, _)) in members.iter().enumerate() {
                add(RefusalKind::KeyTooLong, key.len(), limits.key_bytes);
                let again = members.iter().take(at).any(|(other, _)| other == key);
                if again && rules.duplicates() == DuplicatePolicy::Reject {
                    add(RefusalKind::DuplicateKey, 1, 0);
                }
            }
        }
    });
    add(RefusalKind::TooManyKeys, keys, limits.keys);
    found
}

/// Calls `look` with every value and how many containers are around it.
fn visit(tree: &Tree, depth: usize, look: &mut impl FnMut(&Tree, usize)) {
    look(tree, depth);
    match tree {
        Tree::Scalar(_) => {}
        Tree::Array(elements) => elements.iter().for_each(|tree| visit(tree, depth + 1, look)),
        Tree::Object(members) => members.iter().for_each(|(_, tree)| visit(tree, depth + 1, look)),
    }
}

/// What JavaScript has after parsing: one member for each key, where the first one was.
pub(super) fn without_duplicates(tree: Tree, policy: DuplicatePolicy) -> Tree {
    match tree {
        Tree::Scalar(_) => tree,
        Tree::Array(elements) => {
            let each = elements.into_iter().map(|tree| without_duplicates(tree, policy));
            Tree::Array(each.collect())
        }
        Tree::Object(members) => {
            let mut kept: Vec<(Vec<u8>, Tree)> = Vec::new();
            for (key, value) in members {
                let value = without_duplicates(value, policy);
                match kept.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, old)) if policy != DuplicatePolicy::First => *old = value,
                    Some(_) => {}
                    None => kept.push((key, value)),
                }
            }
            Tree::Object(kept)
        }
    }
}

/// A member that a rule matched: the rule, and the decoded path.
pub(super) type Match = (Rule, Vec<Vec<u8>>);

/// The tree (without duplicates) as it is to be after the rules: members deleted or renamed, and the
/// matches in order. Nothing inside a deleted member is looked at.
pub(super) fn sanitized(
    tree: Tree,
    rules: &Rules,
    path: &mut Vec<Vec<u8>>,
    matches: &mut Vec<Match>,
) -> Tree {
    match tree {
        Tree::Scalar(_) => tree,
        Tree::Array(elements) => {
            let mut kept = Vec::new();
            for (at, element) in elements.into_iter().enumerate() {
                path.push(at.to_string().into_bytes());
                kept.push(sanitized(element, rules, path, matches));
                path.pop();
            }
            Tree::Array(kept)
        }
        Tree::Object(members) => {
            let siblings: Vec<_> = members.iter().map(|(key, _)| key.clone()).collect();
            let mut kept: Vec<(Vec<u8>, Tree)> = Vec::new();
            for (key, value) in members {
                path.push(key.clone());
                let rule = rule_for(&value, rules, path);
                matches.extend(rule.map(|rule| (rule, path.clone())));
                let action = rule.map_or(&Action::Off, |rule| rules.action(rule));
                let key = match action {
                    Action::Strip => None,
                    Action::Replace(text) => rules.replace_key(&key, text).filter(|new| {
                        !siblings.contains(new) && !kept.iter().any(|(key, _)| key == new)
                    }),
                    _ => Some(key),
                };
                if let Some(key) = key {
                    kept.push((key, sanitized(value, rules, path, matches)));
                }
                path.pop();
            }
            Tree::Object(kept)
        }
    }
}

fn rule_for(value: &Tree, rules: &Rules, path: &[Vec<u8>]) -> Option<Rule> {
    let segments: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    match rules.classify_path(&segments) {
        KeyClass::Plain => None,
        KeyClass::Matches(rule) => Some(rule),
        KeyClass::Constructor => match value {
            Tree::Object(members) => {
                members.iter().any(|(key, _)| key == b"prototype").then_some(Rule::Proto)
            }
            _ => None,
        },
    }
}

/// Whether any key, duplicates included, carries a mark that some rule looks for (`constructor` only
/// over an object that owns `prototype`).
pub(super) fn has_marked_key(tree: &Tree, rules: &Rules) -> bool {
    let mut found = false;
    visit(tree, 0, &mut |tree, _| {
        if let Tree::Object(members) = tree {
            found |= members.iter().any(|(key, value)| {
                let marks = Marks::of(key).among(rules.wanted_marks());
                let holds = matches!(value, Tree::Object(inner) if inner.iter().any(|(key, _)| key == b"prototype"));
                marks & !Marks::CONSTRUCTOR != 0 || (marks != 0 && holds)
            });
        }
    });
    found
}
