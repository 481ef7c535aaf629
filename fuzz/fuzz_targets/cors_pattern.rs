//! Patterns of origins against a naive twin: the bytes make a regular expression as a tree, of which one walk writes the source
//! and another matches by trying everything. What the matcher lets in is what JavaScript's `test` would, or, of lenient
//! patterns, no more than that.
#![no_main]

use carapace::cors::{Origin, OriginMatcher, RuleKind, RuleOption};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

const LETTERS: &[u8] = b"ahtps:/.-x1_8]";
const MOST_NODES: usize = 40;

enum Node {
    Character(u8),
    Class { is_negated: bool, ranges: Vec<(u8, u8)> },
    Shorthand(u8),
    Any,
    Start,
    End,
    Boundary { is_negated: bool },
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeated { node: Box<Node>, min: usize, max: Option<usize> },
}

struct Maker<'a, 'data> {
    bytes: &'a mut Unstructured<'data>,
    left: usize,
}

impl Maker<'_, '_> {
    fn letter(&mut self) -> Result<u8> {
        self.bytes.choose(LETTERS).copied()
    }

    fn several(&mut self, depth: usize) -> Result<Vec<Node>> {
        let length = self.bytes.int_in_range(0..=4)?;
        (0..length).map(|_| self.node(depth + 1)).collect()
    }

    fn node(&mut self, depth: usize) -> Result<Node> {
        self.left = self.left.saturating_sub(1);
        let kinds = if depth > 6 || self.left == 0 { 8 } else { 12 };
        Ok(match self.bytes.int_in_range(0..=kinds)? {
            0 => Node::Class { is_negated: self.bytes.arbitrary()?, ranges: self.ranges()? },
            1 => Node::Shorthand(*self.bytes.choose(b"dwsDWS")?),
            2 => Node::Any,
            3 => Node::Start,
            4 => Node::End,
            5 => Node::Boundary { is_negated: self.bytes.arbitrary()? },
            6..=8 => Node::Character(self.letter()?),
            9 => Node::Sequence(self.several(depth)?),
            10 => Node::Either(self.several(depth)?),
            _ => {
                let node = Box::new(self.node(depth + 1)?);
                let min = self.bytes.int_in_range(0..=3)?;
                let more: Option<usize> = self.bytes.arbitrary::<bool>()?.then_some(min / 2 + 1);
                Node::Repeated { node, min, max: more.map(|more| min + more) }
            }
        })
    }

    fn ranges(&mut self) -> Result<Vec<(u8, u8)>> {
        let length = self.bytes.int_in_range(0..=3)?;
        let range = |_| {
            let (one, other) = (self.letter()?, self.letter()?);
            Ok((one.min(other), one.max(other)))
        };
        (0..length).map(range).collect()
    }
}

/// The source as JavaScript reads it.
fn write_source(node: &Node, source: &mut String) {
    match node {
        Node::Character(letter) => write_character(*letter, source),
        Node::Class { is_negated, ranges } => {
            source.push_str(if *is_negated { "[^" } else { "[" });
            for (first, last) in ranges {
                let _ = write!(source, "\\x{first:02x}-\\x{last:02x}");
            }
            source.push(']');
        }
        Node::Shorthand(letter) => {
            let _ = write!(source, "\\{}", char::from(*letter));
        }
        Node::Any => source.push('.'),
        Node::Start => source.push('^'),
        Node::End => source.push('$'),
        Node::Boundary { is_negated } => source.push_str(if *is_negated { "\\B" } else { "\\b" }),
        Node::Sequence(nodes) => nodes.iter().for_each(|node| write_source(node, source)),
        Node::Either(nodes) => {
            source.push_str("(?:");
            for (index, node) in nodes.iter().enumerate() {
                source.push_str(if index == 0 { "" } else { "|" });
                write_source(node, source);
            }
            source.push(')');
        }
        Node::Repeated { node, min, max } => {
            source.push_str("(?:");
            write_source(node, source);
            let _ = match (min, max) {
                (0, None) => write!(source, ")*"),
                (1, None) => write!(source, ")+?"),
                (min, None) => write!(source, "){{{min},}}"),
                (min, Some(max)) => write!(source, "){{{min},{max}}}"),
            };
        }
    }
}

fn write_character(letter: u8, source: &mut String) {
    if letter.is_ascii_punctuation() && !matches!(letter, b'_' | b'-' | b':') {
        source.push('\\');
    }
    source.push(char::from(letter));
}

/// A text, and how it is looked at.
struct Twin<'text> {
    text: &'text [u8],
    ignores_case: bool,
    is_lenient: bool,
    /// What was found out, by the expression's place in memory and where it begins.
    known: RefCell<HashMap<(*const Node, usize), BTreeSet<usize>>>,
}

impl Twin<'_> {
    /// Whether the expression matches anywhere, as `test` asks.
    fn is_match(&self, node: &Node) -> bool {
        (0..=self.text.len()).any(|start| !self.ends(node, start, true).is_empty())
    }

    /// Where matches that begin at `at` may end. `is_lone` says whether no quantifier stands behind.
    fn ends(&self, node: &Node, at: usize, is_lone: bool) -> BTreeSet<usize> {
        let place = (std::ptr::from_ref(node), at);
        if let Some(known) = self.known.borrow().get(&place) {
            return known.clone();
        }
        let ends = self.find_ends(node, at, is_lone);
        self.known.borrow_mut().insert(place, ends.clone());
        ends
    }

    fn find_ends(&self, node: &Node, at: usize, is_lone: bool) -> BTreeSet<usize> {
        let here = |holds: bool| if holds { BTreeSet::from([at]) } else { BTreeSet::new() };
        match node {
            Node::Start => here(at == 0),
            Node::End => here(at == self.text.len()),
            Node::Boundary { is_negated } => {
                let is_word = |index: Option<usize>| {
                    let byte = index.and_then(|index| self.text.get(index));
                    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                };
                here((is_word(at.checked_sub(1)) != is_word(Some(at))) != *is_negated)
            }
            Node::Sequence(nodes) => nodes.iter().fold(here(true), |starts, node| {
                starts.into_iter().flat_map(|start| self.ends(node, start, true)).collect()
            }),
            // Of no alternatives the source is empty, which matches at once.
            Node::Either(nodes) if nodes.is_empty() => here(true),
            Node::Either(nodes) => {
                nodes.iter().flat_map(|node| self.ends(node, at, true)).collect()
            }
            Node::Repeated { node, min, max } => self.repeated(node, *min, *max, at),
            _ => match self.text.get(at) {
                Some(byte) if self.is_member(node, *byte, is_lone) => BTreeSet::from([at + 1]),
                _ => BTreeSet::new(),
            },
        }
    }

    fn repeated(&self, node: &Node, min: usize, max: Option<usize>, at: usize) -> BTreeSet<usize> {
        let step = |starts: &BTreeSet<usize>| -> BTreeSet<usize> {
            starts.iter().flat_map(|start| self.ends(node, *start, true)).collect()
        };
        let mut reached = (0..min).fold(BTreeSet::from([at]), |starts, _| step(&starts));
        let mut new = reached.clone();
        for _ in 0..max.map_or(usize::MAX, |max| max - min) {
            new = step(&new).difference(&reached).copied().collect();
            if new.is_empty() {
                break;
            }
            reached.extend(&new);
        }
        reached
    }

    fn is_member(&self, node: &Node, byte: u8, is_lone: bool) -> bool {
        let any_case = [byte, byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
        let cases = if self.ignores_case { &any_case[..] } else { &any_case[..1] };
        let holds = |is_in: &dyn Fn(u8) -> bool| cases.iter().any(|case| is_in(*case));
        match node {
            Node::Character(letter) => holds(&|byte| byte == *letter),
            Node::Any if self.is_lenient && is_lone => byte == b'.',
            Node::Any => !matches!(byte, b'\n' | b'\r'),
            Node::Class { is_negated, ranges } => {
                let is_in =
                    |byte| ranges.iter().any(|(first, last)| (*first..=*last).contains(&byte));
                holds(&is_in) != *is_negated
            }
            Node::Shorthand(letter) => holds(&|byte| {
                let is_in = match letter.to_ascii_lowercase() {
                    b'd' => byte.is_ascii_digit(),
                    b'w' => byte.is_ascii_alphanumeric() || byte == b'_',
                    _ => matches!(byte, b'\t'..=b'\r' | b' '),
                };
                is_in != letter.is_ascii_uppercase()
            }),
            _ => false,
        }
    }
}

fn check(data: &[u8]) -> Result<()> {
    let mut bytes = Unstructured::new(data);
    let (is_lenient, ignores_case) = (bytes.arbitrary()?, bytes.arbitrary()?);
    let length = bytes.int_in_range(0..=16)?;
    let name: Result<Vec<u8>> = (0..length).map(|_| bytes.choose(LETTERS).copied()).collect();
    let origin = format!(
        "{}{}{}",
        bytes.choose(&["", "http://", "https://", "app://", "x-1://"])?,
        String::from_utf8_lossy(&name?),
        bytes.choose(&["", ":8", ":80", ":1234"])?
    );
    let mut maker = Maker { bytes: &mut bytes, left: MOST_NODES };
    let inner = maker.node(0)?;
    let expression = match maker.bytes.int_in_range(0..=3)? {
        0 => inner,
        1 => Node::Either(vec![inner, maker.node(0)?]),
        _ => Node::Sequence(vec![Node::Start, Node::Either(vec![inner]), Node::End]),
    };

    let mut source = String::new();
    write_source(&expression, &mut source);
    let flags = if ignores_case { "i" } else { "" }.to_owned();
    let kind = RuleKind::Pattern { source: source.clone(), flags, is_lenient };
    let rule = RuleOption { path: "origin".to_owned(), kind };
    let Ok(mut matcher) = OriginMatcher::compile(&[rule]) else { return Ok(()) };
    let known = RefCell::default();
    let twin = Twin { text: origin.as_bytes(), ignores_case, is_lenient, known };
    let expected = Origin::parse(&origin).is_ok() && twin.is_match(&expression);
    let found = matcher.is_allowed(&origin);
    assert!(
        found == expected || is_lenient && expected,
        "/{source}/ and {origin:?}: {found}, expected {expected}"
    );
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Bytes that end early are no case.
    let _ = check(data);
});
