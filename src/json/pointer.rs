//! JSON pointers (RFC 6901) for reports.

use super::keys;

/// Longest pointer in a report, in bytes: one segment may exceed it before the rest is cut.
const POINTER_CAP: usize = 1_000;

/// One step of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Segment<'a> {
    /// The inside of a key as the text has it, escapes and all.
    Raw(&'a [u8]),
    /// A position in an array.
    Index(u32),
}

/// Writes the path. Lone surrogates, which no UTF-8 string holds, become U+FFFD.
pub(super) fn render<'a>(segments: impl Iterator<Item = Segment<'a>>) -> String {
    let mut pointer = String::new();
    for segment in segments {
        if pointer.len() >= POINTER_CAP {
            pointer.push('…');
            break;
        }
        pointer.push('/');
        match segment {
            Segment::Raw(raw) => push_key(raw, &mut pointer),
            Segment::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}

/// Appends a key with `~` and `/` escaped, cut where the pointer reaches its cap.
fn push_key(raw: &[u8], pointer: &mut String) {
    let mut decoded = Vec::with_capacity(raw.len().min(POINTER_CAP));
    let head = raw.get(..POINTER_CAP).unwrap_or(raw);
    // A cut or malformed escape leaves what was decoded before it.
    let _ = keys::decode(head, &mut decoded);
    for character in String::from_utf8_lossy(&decoded).chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
    if head.len() < raw.len() {
        pointer.push('…');
    }
}

/// Where a walk over the text stands inside one open container.
struct Place {
    is_object: bool,
    /// Whether the next string is a key.
    wants_key: bool,
    /// Span of the current key's inside.
    key: (usize, usize),
    index: u32,
}

impl Place {
    const fn new(is_object: bool) -> Self {
        Self { is_object, wants_key: is_object, key: (0, 0), index: 0 }
    }

    fn comma(&mut self) {
        self.wants_key = self.is_object;
        self.index = self.index.saturating_add(1);
    }
}

/// Pointer of the key or value that starts at `offset` (or of the value around it).
///
/// Only a refusal asks for it, so the scanner keeps no path. Linear in `offset`; bounded by the
/// text before it; any bytes are safe.
pub(super) fn pointer_at(body: &[u8], offset: usize) -> String {
    // More of a key than this is not rendered.
    let body = body.get(..offset.saturating_add(POINTER_CAP + 2)).unwrap_or(body);
    let mut places: Vec<Place> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = body.get(at).filter(|_| at <= offset) {
        let mut next = at + 1;
        match byte {
            b'"' => {
                next = string_end(body, at);
                if let Some(place) = places.last_mut().filter(|place| place.wants_key) {
                    place.key = (at + 1, next.saturating_sub(1));
                    place.wants_key = false;
                }
            }
            b'{' | b'[' if at < offset => places.push(Place::new(byte == b'{')),
            b'}' | b']' => drop(places.pop()),
            b',' => places.last_mut().into_iter().for_each(Place::comma),
            _ => {}
        }
        at = next;
    }
    render(places.iter().filter(|place| !place.wants_key).map(|place| {
        if place.is_object {
            Segment::Raw(body.get(place.key.0..place.key.1).unwrap_or_default())
        } else {
            Segment::Index(place.index)
        }
    }))
}

/// Offset after the closing quote of the string that opens at `at`, or the end of the text.
fn string_end(body: &[u8], at: usize) -> usize {
    let mut escaped = false;
    let rest = body.get(at + 1..).unwrap_or_default();
    let closes = rest.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    closes.map_or(body.len(), |length| at + length + 2)
}
