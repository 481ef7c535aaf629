//! JSON text that this module wrote, back to a tree.

use super::segments::named;
use super::text::{Span, Texts};
use super::tree::{Key, Kind, Tree};

impl Tree {
    /// Starts over with what `text` stands for: the text of an object made of objects, arrays and strings,
    /// without space, as [`super::emit`] writes it and the rules leave it. All spans are those of an input
    /// `text`. Linear, without recursion.
    pub(super) fn load(&mut self, text: &[u8]) {
        let texts = Texts { input: text, arena: &[] };
        self.clear();
        let mut open = Vec::new();
        let mut key = None;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            at += 1;
            match byte {
                b'{' | b'[' => {
                    let kind = if byte == b'{' { Kind::Object } else { Kind::Array };
                    let node = self.add(kind, Span::EMPTY);
                    self.attach(open.last(), key.take(), node, texts);
                    open.push(node);
                }
                b'}' | b']' => drop(open.pop()),
                b'"' => {
                    let span = Span::in_input(at, end_of_string(text, at));
                    at += span.len() + 1;
                    if text.get(at) == Some(&b':') {
                        key = Some(named(span, texts));
                    } else {
                        let node = self.add(Kind::Scalar, span);
                        self.attach(open.last(), key.take(), node, texts);
                    }
                }
                _ => {}
            }
        }
    }

    /// Puts a node into the container around it, at the end if that is an array.
    fn attach(&mut self, owner: Option<&u32>, key: Option<Key>, node: u32, texts: Texts<'_>) {
        let Some(&owner) = owner else { return };
        let key = key.unwrap_or_else(|| Key::Index(self.node(owner).length));
        self.insert(owner, key, node, texts);
    }
}

/// Where the string that begins at `start` ends.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut escaped = false;
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    start + length.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::super::emit::Emitter;
    use super::super::tree::ROOT;
    use super::*;

    #[test]
    fn text_comes_back_as_it_was() {
        for text in [
            r"{}",
            r#"{"a":"","":{"b":[]},"0":"x"}"#,
            r#"{"a\"\\":["1",["\\"],{"c:":"{,]"},[],{}],"1e3":{"7":"\u00e9"}}"#,
        ] {
            let (mut tree, mut out) = (Tree::default(), Vec::new());
            tree.load(text.as_bytes());
            let texts = Texts { input: text.as_bytes(), arena: &[] };
            Emitter::default().write(&tree, ROOT, texts, false, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
