//! Checks on text that goes into a header, and the wording of refusals.

use crate::error::{ConfigError, ErrorCode};

/// Longest piece of a caller's text that is repeated in an error message, in characters.
const QUOTE_LIMIT: usize = 80;

/// Quotes a caller's text for a message: escaped, and cut when it is long.
pub(super) fn quote(text: &str) -> String {
    let cut: String = text.chars().take(QUOTE_LIMIT).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}

/// Joins names for a message: `a, b or c`.
pub(super) fn choices(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// Refuses what a header field value may not hold: control characters and anything but ASCII
/// (RFC 9110, section 5.5; obs-text is refused too).
pub(super) fn require_field_value(path: &str, text: &str) -> Result<(), ConfigError> {
    let bad = text.chars().find(|character| !matches!(character, ' '..='~'));
    bad.map_or(Ok(()), |character| {
        let message = format!(
            "{} holds {character:?}; a header value takes printable ASCII only",
            quote(text)
        );
        Err(ConfigError::new(ErrorCode::HeaderValue, path, message))
    })
}

/// Whether the byte may stand in a token (RFC 9110, section 5.6.2).
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Whether the text is a token (RFC 9110, section 5.6.2): a header name, a Cache-Control directive.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether the text is a key of a structured field (RFC 9651, section 3.1.2).
pub(super) fn is_structured_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'*')
        && bytes.all(|byte| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b'_' | b'-' | b'.' | b'*')
        })
}

/// Turns `scriptSrc` into `script-src`; a name with dashes comes back as it is.
pub(super) fn dashed(name: &str) -> String {
    let mut result = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            result.push('-');
        }
        result.push(character.to_ascii_lowercase());
    }
    result
}

/// The known name that is closest to `name`, if one is close enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.len() / 3 + 1;
    // A key of any length can come from a caller; the distance is only worth its cost for short ones.
    if name.len() > 64 {
        return None;
    }
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, from) in left.bytes().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(right.bytes()) {
            let substituted = diagonal + usize::from(from != to);
            diagonal = *cell;
            before = substituted.min(before + 1).min(*cell + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// An error that names what is allowed, and the nearest known name.
pub(super) fn unknown_name<'a>(
    path: impl Into<String>,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> ConfigError {
    let hint =
        nearest(name, known).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    ConfigError::new(
        ErrorCode::OptionUnknown,
        path,
        format!("unknown {what} {}{hint}", quote(name)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_known_name_and_gives_up_on_far_ones() {
        let known = ["script-src", "style-src", "img-src"];
        assert_eq!(nearest("scirpt-src", known.into_iter()), Some("script-src"));
        assert_eq!(nearest("something-else-entirely", known.into_iter()), None);
        assert_eq!(nearest(&"a".repeat(1000), known.into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn turns_camel_case_into_dashes() {
        assert_eq!(dashed("scriptSrcAttr"), "script-src-attr");
        assert_eq!(dashed("script-src"), "script-src");
    }

    #[test]
    fn cuts_long_text_in_messages() {
        assert_eq!(quote("a\n"), "\"a\\n\"");
        assert!(quote(&"x".repeat(500)).chars().count() < 90);
    }
}
