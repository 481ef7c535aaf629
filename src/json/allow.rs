//! Places where a rule does not apply.

use crate::error::{ConfigError, ErrorCode};

/// JSON pointer (RFC 6901) patterns; `*` stands for any one segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AllowList {
    patterns: Vec<Vec<Option<Box<[u8]>>>>,
}

impl AllowList {
    /// Reads the patterns; `path` names the option in errors.
    pub(super) fn parse(path: &str, patterns: &[String]) -> Result<Self, ConfigError> {
        let patterns = patterns.iter().enumerate().map(|(index, pattern)| {
            parse_pattern(pattern).ok_or_else(|| {
                let path = format!("{path}[{index}]");
                let message = format!("got {pattern:?}, expected a JSON pointer such as /filter/*");
                ConfigError::new(ErrorCode::OptionValue, path, message)
            })
        });
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()? })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether some pattern has `depth` segments and `segment(i)` equals its segment `i`.
    ///
    /// The depth is compared first, so the cost is that of the pattern, not of the body's nesting.
    pub(super) fn allows(&self, depth: usize, matches: impl Fn(usize, &[u8]) -> bool) -> bool {
        let fits = |(at, segment): (usize, &Option<Box<[u8]>>)| {
            segment.as_deref().is_none_or(|segment| matches(at, segment))
        };
        self.patterns
            .iter()
            .any(|pattern| pattern.len() == depth && pattern.iter().enumerate().all(fits))
    }
}

/// `None` as a segment is the `*`.
fn parse_pattern(pattern: &str) -> Option<Vec<Option<Box<[u8]>>>> {
    let segments = pattern.strip_prefix('/')?.split('/');
    segments.map(|raw| if raw == "*" { Some(None) } else { unescape(raw).map(Some) }).collect()
}

/// Decodes `~0` and `~1`; any other `~` is an error.
fn unescape(raw: &str) -> Option<Box<[u8]>> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'~' => match bytes.next()? {
                b'0' => b'~',
                b'1' => b'/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out.into_boxed_slice())
}
