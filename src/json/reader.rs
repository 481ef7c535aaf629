//! The exact reader of the flagged path: accepts what V8's `JSON.parse` accepts (RFC 8259, strictly)
//! and notes where members begin and end. Iterative, so nesting costs heap, never stack.

use super::keys;
use super::pointer::pointer_at;
use super::refusal::{Refusal, RefusalKind};
use super::rules::{Limits, Rules};
use super::spans::{Container, Member, NONE, Span, Spans, slice};

/// An open container.
struct Frame {
    container: u32,
    /// The last member (of an object) that began.
    member: u32,
    /// Elements (of an array) that began, less one.
    index: u32,
    /// Offset of the bracket.
    start: u32,
}

/// What may come next.
enum Expect {
    Value,
    FirstElement,
    FirstKey,
    Key,
    Separator,
}

struct Reader<'a> {
    body: &'a [u8],
    limits: &'a Limits,
    at: usize,
    stack: Vec<Frame>,
    spans: Spans,
    scratch: Vec<u8>,
}

type Step = Result<Expect, Refusal>;

/// Reads the text and holds it against the limits. `body` is UTF-8.
pub(super) fn read(body: &[u8], rules: &Rules) -> Result<Spans, Refusal> {
    if body.len() >= NONE as usize {
        return Err(Refusal::new(RefusalKind::TooLarge, 0, String::new()));
    }
    let (limits, spans) = (&rules.limits, Spans::default());
    let mut reader = Reader { body, limits, at: 0, stack: Vec::new(), spans, scratch: Vec::new() };
    let mut expect = Expect::Value;
    loop {
        reader.skip_whitespace();
        if matches!(expect, Expect::Separator) && reader.stack.is_empty() {
            let trailing = reader.peek().is_some();
            return if trailing { Err(reader.malformed()) } else { Ok(reader.spans) };
        }
        expect = reader.step(&expect)?;
    }
}

impl Reader<'_> {
    fn step(&mut self, expect: &Expect) -> Step {
        match (expect, self.peek()) {
            (Expect::FirstElement, Some(b']')) | (Expect::FirstKey, Some(b'}')) => Ok(self.close()),
            (Expect::FirstKey | Expect::Key, _) => self.key(),
            (Expect::FirstElement, _) => {
                let start = self.stack.last().map_or(0, |frame| frame.start);
                self.limit(1, self.limits.array_elements, RefusalKind::TooManyElements, start)?;
                self.value()
            }
            (Expect::Value, _) => self.value(),
            (Expect::Separator, _) => self.separator(),
        }
    }

    fn value(&mut self) -> Step {
        match self.peek() {
            Some(b'{') => self.open(true),
            Some(b'[') => self.open(false),
            Some(b'"') => self.string().map(|_| self.end_value()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => Err(self.malformed()),
        }
    }

    fn open(&mut self, is_object: bool) -> Step {
        let depth = length(self.stack.len());
        let start = length(self.at);
        self.limit(depth + 1, self.limits.depth, RefusalKind::TooDeep, start)?;
        let (parent, place) = match self.stack.last() {
            Some(frame) if frame.member != NONE => (frame.container, frame.member),
            Some(frame) => (frame.container, frame.index),
            None => (NONE, NONE),
        };
        let container = length(self.spans.containers.len());
        let owner = self.stack.last().map_or(NONE, |frame| frame.member);
        if let Some(member) = self.spans.members.get_mut(owner as usize) {
            member.value = container;
        }
        let owns_prototype = false;
        self.spans.containers.push(Container { parent, place, is_object, owns_prototype, depth });
        self.stack.push(Frame { container, member: NONE, index: 0, start });
        self.at += 1;
        Ok(if is_object { Expect::FirstKey } else { Expect::FirstElement })
    }

    fn close(&mut self) -> Expect {
        self.at += 1;
        self.stack.pop();
        self.end_value()
    }

    /// Ends the current member, if the value was one's.
    fn end_value(&mut self) -> Expect {
        if let Some(frame) = self.stack.last()
            && let Some(member) = self.spans.members.get_mut(frame.member as usize)
        {
            member.end = length(self.at);
        }
        Expect::Separator
    }

    fn separator(&mut self) -> Step {
        let Some((frame, byte)) = self.stack.last_mut().zip(self.body.get(self.at)) else {
            return Err(self.malformed());
        };
        let owner = self.spans.containers.get(frame.container as usize);
        let is_object = owner.is_some_and(|container| container.is_object);
        match (*byte, is_object) {
            (b'}', true) | (b']', false) => Ok(self.close()),
            (b',', true) => {
                self.at += 1;
                Ok(Expect::Key)
            }
            (b',', false) => {
                self.at += 1;
                frame.index += 1;
                let (count, start) = (frame.index + 1, frame.start);
                self.limit(count, self.limits.array_elements, RefusalKind::TooManyElements, start)?;
                Ok(Expect::Value)
            }
            _ => Err(self.malformed()),
        }
    }

    fn key(&mut self) -> Step {
        let start = length(self.at);
        let key = self.string()?;
        self.skip_whitespace();
        if self.peek() != Some(b':') {
            return Err(self.malformed());
        }
        self.at += 1;
        let id = length(self.spans.members.len());
        self.limit(id + 1, self.limits.keys, RefusalKind::TooManyKeys, start)?;
        let mut decoded = slice(self.body, key);
        if decoded.contains(&b'\\') {
            self.scratch.clear();
            keys::decode(decoded, &mut self.scratch).map_err(|_| self.malformed())?;
            decoded = &self.scratch;
        }
        let bytes = length(decoded.len());
        let is_prototype = decoded == b"prototype";
        self.limit(bytes, self.limits.key_bytes, RefusalKind::KeyTooLong, start)?;
        let Some(frame) = self.stack.last_mut() else { return Err(self.malformed()) };
        let (container, previous) = (frame.container, frame.member);
        frame.member = id;
        if let Some(owner) = self.spans.containers.get_mut(container as usize) {
            owner.owns_prototype |= is_prototype;
        }
        if let Some(member) = self.spans.members.get_mut(previous as usize) {
            member.next = id;
        }
        let (end, next, value) = (start, NONE, NONE);
        self.spans.members.push(Member { container, start, end, key, previous, next, value });
        Ok(Expect::Value)
    }

    /// Reads a string; gives the span of its inside.
    fn string(&mut self) -> Result<Span, Refusal> {
        if self.peek() != Some(b'"') {
            return Err(self.malformed());
        }
        self.at += 1;
        let start = length(self.at);
        loop {
            let rest = self.body.get(self.at..).unwrap_or_default();
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            self.at += rest.iter().position(special).unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(self.malformed()),
            }
        }
        let end = length(self.at);
        self.at += 1;
        Ok((start, end))
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let rest = self.body.get(self.at + 1..).unwrap_or_default();
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', rest @ ..] if keys::hex4(rest).is_some() => 6,
            _ => return Err(self.malformed()),
        };
        Ok(())
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let characters = length(self.at - start);
        let limit = self.limits.number_length;
        self.limit(characters, limit, RefusalKind::NumberTooLong, length(start))?;
        Ok(self.end_value())
    }

    fn digits(&mut self) -> Result<(), Refusal> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.malformed()) } else { Ok(()) }
    }

    fn literal(&mut self, word: &[u8]) -> Step {
        if !self.body.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(self.end_value())
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn limit(&self, count: u32, most: u32, kind: RefusalKind, at: u32) -> Result<(), Refusal> {
        if count <= most {
            return Ok(());
        }
        let at = at as usize;
        Err(Refusal::new(kind, at, pointer_at(self.body, at)))
    }

    /// No pointer: the text has no sure structure.
    fn malformed(&self) -> Refusal {
        Refusal::new(RefusalKind::Malformed, self.at, String::new())
    }
}

/// A length or offset; [`read`] has refused texts where it would not fit.
fn length(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}
