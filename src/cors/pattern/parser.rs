//! A reader of JavaScript's regular expressions, from left to right. JavaScript has compiled the source already,
//! so that it is well formed; what this reader does not know it refuses.

use super::class::CharSet;
use super::{Reason, repeat};
use regex_syntax::hir::{Hir, Look};
use std::iter::Peekable;
use std::str::Chars;

/// How deep groups may nest.
const MAX_DEPTH: usize = 40;
/// The largest number in a quantifier.
const MAX_COUNT: u32 = 1000;

/// The reader.
pub(super) struct Parser<'source> {
    chars: Peekable<Chars<'source>>,
    depth: usize,
    ignores_case: bool,
    is_lenient: bool,
}

/// What a term is before its quantifier.
enum Atom {
    Expression(Hir),
    Dot,
    /// `^`, `$`, `\b`, `\B`, which take no quantifier.
    Assertion(Look),
}

impl<'source> Parser<'source> {
    /// Reads `source`; `is_lenient` takes a lone `.` for a dot.
    pub(super) fn new(source: &'source str, ignores_case: bool, is_lenient: bool) -> Self {
        Self { chars: source.chars().peekable(), depth: 0, ignores_case, is_lenient }
    }

    /// The whole source as an expression.
    pub(super) fn parse(mut self) -> Result<Hir, Reason> {
        let expression = self.disjunction()?;
        match self.chars.next() {
            None => Ok(expression),
            Some(_) => Err("has a ) too many".to_owned()),
        }
    }

    fn disjunction(&mut self) -> Result<Hir, Reason> {
        let mut alternatives = vec![self.alternative()?];
        while self.chars.next_if_eq(&'|').is_some() {
            alternatives.push(self.alternative()?);
        }
        Ok(Hir::alternation(alternatives))
    }

    fn alternative(&mut self) -> Result<Hir, Reason> {
        let mut terms = Vec::new();
        while let Some(&next) = self.chars.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            terms.push(self.term()?);
        }
        Ok(Hir::concat(terms))
    }

    fn term(&mut self) -> Result<Hir, Reason> {
        let atom = self.atom()?;
        let quantifier = self.quantifier()?;
        let sub = match (atom, quantifier) {
            (Atom::Assertion(look), None) => return Ok(Hir::look(look)),
            (Atom::Assertion(_), Some(_)) => return Err("repeats an assertion".to_owned()),
            (Atom::Dot, None) if self.is_lenient => return Ok(self.one('.')),
            (Atom::Dot, None) => {
                return Err(
                    "has a lone . that stands for any character: write \\. for a dot".to_owned()
                );
            }
            (Atom::Dot, Some(_)) => CharSet::dot().to_expression(),
            (Atom::Expression(sub), _) => sub,
        };
        Ok(match quantifier {
            None => sub,
            Some((min, max)) => repeat(sub, min, max),
        })
    }

    fn atom(&mut self) -> Result<Atom, Reason> {
        let Some(first) = self.chars.next() else { return Err("ends early".to_owned()) };
        let expression = match first {
            '^' => return Ok(Atom::Assertion(Look::Start)),
            '$' => return Ok(Atom::Assertion(Look::End)),
            '.' => return Ok(Atom::Dot),
            '(' => self.group()?,
            '[' => self.class()?,
            '\\' => return self.escape(),
            '{' => return Err("has a { that starts no quantifier: write \\{".to_owned()),
            other if other.is_ascii() => self.one(other),
            _ => {
                return Err(
                    "has a character outside of ASCII: origins have punycode (xn--…)".to_owned()
                );
            }
        };
        Ok(Atom::Expression(expression))
    }

    fn group(&mut self) -> Result<Hir, Reason> {
        if self.chars.next_if_eq(&'?').is_some() {
            self.group_kind()?;
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nests more than {MAX_DEPTH} groups"));
        }
        let expression = self.disjunction()?;
        self.depth -= 1;
        match self.chars.next() {
            Some(')') => Ok(expression),
            _ => Err("has a group without an end".to_owned()),
        }
    }

    /// What follows `(?`.
    fn group_kind(&mut self) -> Result<(), Reason> {
        match self.chars.next() {
            Some(':') => Ok(()),
            Some('<') if !matches!(self.chars.peek(), Some('=' | '!')) => {
                self.chars.by_ref().find(|next| *next == '>');
                Ok(())
            }
            Some('=' | '!' | '<') => {
                Err("looks ahead or behind, which cannot be done in linear time".to_owned())
            }
            _ => Err("changes flags inside of a group, which is not supported".to_owned()),
        }
    }

    fn escape(&mut self) -> Result<Atom, Reason> {
        let Some(&letter) = self.chars.peek() else { return Err("ends early".to_owned()) };
        if let Some(look) = assertion(letter) {
            self.chars.next();
            return Ok(Atom::Assertion(look));
        }
        let set = self.escaped_set()?;
        Ok(Atom::Expression(self.expression(set)))
    }

    /// What follows a backslash, inside of a class or not.
    fn escaped_set(&mut self) -> Result<CharSet, Reason> {
        let Some(letter) = self.chars.next() else { return Err("ends early".to_owned()) };
        if let Some(set) = CharSet::shorthand(letter) {
            return Ok(set);
        }
        let character = match letter {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'v' => '\x0b',
            'f' => '\x0c',
            'x' => self.hexadecimal(2)?,
            'u' => self.unicode_escape()?,
            '1'..='9' | 'k' => {
                return Err(
                    "refers back to a group, which cannot be done in linear time".to_owned()
                );
            }
            other if other.is_ascii_punctuation() => other,
            other => return Err(format!("has the escape \\{other}, which is not supported")),
        };
        Ok(CharSet::one(character))
    }

    fn unicode_escape(&mut self) -> Result<char, Reason> {
        if self.chars.next_if_eq(&'{').is_none() {
            return self.hexadecimal(4);
        }
        let mut code = 0_u32;
        for next in self.chars.by_ref().take_while(|next| *next != '}') {
            let digit = next.to_digit(16).ok_or_else(bad_escape)?;
            code = code
                .checked_mul(16)
                .and_then(|code| code.checked_add(digit))
                .ok_or_else(bad_escape)?;
        }
        char::from_u32(code).ok_or_else(bad_escape)
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<char, Reason> {
        let mut code = 0;
        for _ in 0..digits {
            let digit =
                self.chars.next().and_then(|next| next.to_digit(16)).ok_or_else(bad_escape)?;
            code = code * 16 + digit;
        }
        char::from_u32(code).ok_or_else(bad_escape)
    }

    fn class(&mut self) -> Result<Hir, Reason> {
        let is_negated = self.chars.next_if_eq(&'^').is_some();
        let mut set = CharSet::default();
        loop {
            if self.chars.next_if_eq(&']').is_some() {
                break;
            }
            set = set.or(self.class_range()?);
        }
        let set = if self.ignores_case { set.folded() } else { set };
        Ok(if is_negated { set.negated() } else { set }.to_expression())
    }

    /// One member of a class, or a range. A dash after or before a shorthand is a dash (ECMA-262, B.1.2.8).
    fn class_range(&mut self) -> Result<CharSet, Reason> {
        let (first, set) = self.class_atom()?;
        let mut ahead = self.chars.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
        if !is_range {
            return Ok(set);
        }
        self.chars.next();
        match (first, self.class_atom()?) {
            (Some(first), (Some(last), _)) => Ok(CharSet::range(first, last)),
            (_, (_, other)) => Ok(set.or(CharSet::one('-')).or(other)),
        }
    }

    /// A member of a class: the character that can start a range, if it is one, and the set.
    fn class_atom(&mut self) -> Result<(Option<char>, CharSet), Reason> {
        match self.chars.next() {
            None => Err("has a class without an end".to_owned()),
            Some('\\') => self.class_escape(),
            Some(character) => Ok((Some(character), CharSet::one(character))),
        }
    }

    fn class_escape(&mut self) -> Result<(Option<char>, CharSet), Reason> {
        if self.chars.next_if_eq(&'b').is_some() {
            return Ok((Some('\x08'), CharSet::one('\x08')));
        }
        let letter = self.chars.peek().copied();
        let set = self.escaped_set()?;
        // A shorthand is no end of a range; all else that comes here is one character.
        let is_shorthand = letter.is_some_and(|letter| CharSet::shorthand(letter).is_some());
        Ok((if is_shorthand { None } else { set.only_member() }, set))
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, Reason> {
        let range = match self.chars.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted().map(Some),
            _ => return Ok(None),
        };
        self.chars.next();
        self.chars.next_if_eq(&'?');
        Ok(Some(range))
    }

    /// `{2}`, `{2,}` or `{2,5}`.
    fn counted(&mut self) -> Result<(u32, Option<u32>), Reason> {
        self.chars.next();
        let min = self.count()?;
        let max = match self.chars.next_if_eq(&',') {
            None => Some(min),
            Some(_) if self.chars.peek() == Some(&'}') => None,
            Some(_) => Some(self.count()?),
        };
        if self.chars.next() != Some('}') || max.is_some_and(|max| max < min) {
            return Err("has a { that starts no quantifier: write \\{".to_owned());
        }
        self.chars.next_if_eq(&'?');
        Ok((min, max))
    }

    fn count(&mut self) -> Result<u32, Reason> {
        let mut digits = String::new();
        while let Some(digit) = self.chars.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        match digits.parse() {
            Ok(count) if count <= MAX_COUNT => Ok(count),
            Ok(_) => Err(format!("repeats more than {MAX_COUNT} times")),
            Err(_) => Err("has a { that starts no quantifier: write \\{".to_owned()),
        }
    }

    fn one(&self, character: char) -> Hir {
        self.expression(CharSet::one(character))
    }

    fn expression(&self, set: CharSet) -> Hir {
        if self.ignores_case { set.folded() } else { set }.to_expression()
    }
}

fn assertion(letter: char) -> Option<Look> {
    match letter {
        'b' => Some(Look::WordAscii),
        'B' => Some(Look::WordAsciiNegate),
        _ => None,
    }
}

fn bad_escape() -> Reason {
    "has an escape that is not supported".to_owned()
}
