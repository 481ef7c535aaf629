//! A policy's text cut at the places that differ from response to response.

use super::csp::{Entry, Source};

/// One piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that never changes.
    Text(String),
    /// The response's nonce, without quotes or prefix.
    Nonce,
    /// Values of functions, each preceded by a space when it is usable.
    Functions {
        /// The directive whose grammar the values must follow.
        directive: &'static str,
        /// The functions' numbers, in order.
        numbers: Vec<u32>,
        /// Written instead when no function returned anything usable. Empty when other sources are there.
        fallback: &'static str,
    },
}

/// A policy as a list of [`Part`]s. Text parts never neighbour each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// The pieces in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The whole text, if nothing in it changes.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Appends one directive, separated as helmet does it: `;` without a space.
    pub(super) fn push(&mut self, entry: &Entry) {
        if !self.parts.is_empty() {
            self.push_text(";");
        }
        self.push_text(entry.directive.name);
        let only_functions =
            entry.sources.iter().all(|source| matches!(source, Source::Function(_)));
        let fallback = if only_functions { entry.directive.fallback() } else { "" };
        for source in &entry.sources {
            match source {
                Source::Text(token) => {
                    self.push_text(" ");
                    self.push_text(token);
                }
                Source::Nonce => {
                    self.push_text(" 'nonce-");
                    self.parts.push(Part::Nonce);
                    self.push_text("'");
                }
                Source::Function(number) => {
                    self.push_function(entry.directive.name, *number, fallback);
                }
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            self.parts.push(Part::Text(text.to_owned()));
        }
    }

    fn push_function(&mut self, name: &'static str, number: u32, fallback: &'static str) {
        if let Some(Part::Functions { numbers, .. }) = self.parts.last_mut() {
            numbers.push(number);
        } else {
            let numbers = vec![number];
            self.parts.push(Part::Functions { directive: name, numbers, fallback });
        }
    }
}
