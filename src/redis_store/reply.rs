//! Reads what Redis answers: RESP2 and RESP3, from bytes that may end anywhere and may be anything.
//!
//! Hostile input ends the connection and never the process: depth, lengths and the size of a whole reply
//! are bounded, and nothing is allocated for what has not arrived.

/// The deepest nesting that is read; no reply that is wanted has more than four levels.
const MAX_DEPTH: usize = 8;
/// The largest reply: a cluster's slot map or a page of a scan is far below.
const MAX_BYTES: usize = 16 << 20;

/// One reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing: a null of either protocol.
    Nil,
    /// A number; booleans are 1 and 0.
    Integer(i64),
    /// Text or bytes, of any of the types that hold them.
    Bytes(Vec<u8>),
    /// An error reply's line.
    Error(String),
    /// An array or set, or a map as its keys and values in turn.
    Array(Vec<Reply>),
    /// Something the server sent unasked.
    Push(Vec<Reply>),
}

impl Reply {
    /// The text, when it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The elements, when it has any.
    #[must_use]
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::Array(elements) | Self::Push(elements) => elements,
            _ => &[],
        }
    }

    /// The value after `key` in a map, or in an array of keys and values in turn.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Self> {
        let mut pairs = self.elements().chunks_exact(2);
        pairs.find_map(|pair| match pair {
            [name, value] if name.text() == Some(key) => Some(value),
            _ => None,
        })
    }

    /// The number, when it is one or spells one.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => self.text().and_then(|text| text.parse().ok()),
        }
    }
}

/// Bytes that are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Why there is no reply yet.
enum Stop {
    Incomplete,
    Malformed,
}

/// Reads the reply that `bytes` begins with, and says how long it is; nothing when it has not all arrived.
///
/// # Errors
/// [`Malformed`] when no further byte can make a reply of it, or it is larger than any that is wanted.
pub fn read(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Malformed> {
    let mut reader = Reader { bytes, at: 0 };
    match reader.reply(0) {
        Ok(reply) => Ok(Some((reply, reader.at))),
        Err(Stop::Incomplete) if bytes.len() <= MAX_BYTES => Ok(None),
        Err(_) => Err(Malformed),
    }
}

struct Reader<'bytes> {
    bytes: &'bytes [u8],
    at: usize,
}

impl<'bytes> Reader<'bytes> {
    fn reply(&mut self, depth: usize) -> Result<Reply, Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Malformed);
        }
        let line = self.line()?;
        let (kind, rest) = line.split_first().ok_or(Stop::Malformed)?;
        match kind {
            b'+' | b',' | b'(' => Ok(Reply::Bytes(rest.to_vec())),
            b'-' => Ok(Reply::Error(lossy(rest))),
            b':' => number(rest).map(Reply::Integer),
            b'_' => Ok(Reply::Nil),
            b'#' => Ok(Reply::Integer(i64::from(rest == b"t"))),
            b'$' | b'=' => self.bulk(rest),
            b'!' => match self.bulk(rest)? {
                Reply::Bytes(bytes) => Ok(Reply::Error(lossy(&bytes))),
                _ => Err(Stop::Malformed),
            },
            b'*' | b'~' => self.array(rest, 1, depth),
            b'%' => self.array(rest, 2, depth),
            b'>' => match self.array(rest, 1, depth)? {
                Reply::Array(elements) => Ok(Reply::Push(elements)),
                _ => Err(Stop::Malformed),
            },
            b'|' => {
                // Attributes stand before the reply that they speak of; none is of use here.
                self.array(rest, 2, depth)?;
                self.reply(depth + 1)
            }
            _ => Err(Stop::Malformed),
        }
    }

    /// The line up to CR LF.
    fn line(&mut self) -> Result<&'bytes [u8], Stop> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            // No line is long: a length, a number, a status, or an error.
            return Err(if rest.len() > 1 << 16 { Stop::Malformed } else { Stop::Incomplete });
        };
        self.at += end + 1;
        let line = rest.get(..end).unwrap_or_default();
        line.strip_suffix(b"\r").ok_or(Stop::Malformed)
    }

    fn bulk(&mut self, length: &[u8]) -> Result<Reply, Stop> {
        let Some(length) = length_of(length)? else { return Ok(Reply::Nil) };
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (Some(bytes), Some(end)) = (rest.get(..length), rest.get(length..length + 2)) else {
            return Err(Stop::Incomplete);
        };
        if end != b"\r\n" {
            return Err(Stop::Malformed);
        }
        self.at += length + 2;
        Ok(Reply::Bytes(bytes.to_vec()))
    }

    fn array(&mut self, length: &[u8], width: usize, depth: usize) -> Result<Reply, Stop> {
        let Some(length) = length_of(length)? else { return Ok(Reply::Nil) };
        let length = length * width;
        // Each element takes three bytes at the least, so a length that lies allocates nothing.
        let arrived = self.bytes.len().saturating_sub(self.at) / 3 + 1;
        let mut elements = Vec::with_capacity(length.min(arrived));
        for _ in 0..length {
            elements.push(self.reply(depth + 1)?);
        }
        Ok(Reply::Array(elements))
    }
}

fn number(digits: &[u8]) -> Result<i64, Stop> {
    std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(Stop::Malformed)
}

fn length_of(digits: &[u8]) -> Result<Option<usize>, Stop> {
    match number(digits)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= MAX_BYTES => Ok(Some(length)),
            _ => Err(Stop::Malformed),
        },
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(bytes: &[u8]) -> Reply {
        let (reply, length) = read(bytes).expect("well formed").expect("complete");
        assert_eq!(length, bytes.len());
        reply
    }

    #[test]
    fn reads_every_type_of_both_protocols() {
        assert_eq!(whole(b"+OK\r\n"), Reply::Bytes(b"OK".to_vec()));
        assert_eq!(whole(b"-ERR no\r\n"), Reply::Error("ERR no".to_owned()));
        assert_eq!(whole(b"!5\r\nERR x\r\n"), Reply::Error("ERR x".to_owned()));
        assert_eq!(whole(b":-7\r\n"), Reply::Integer(-7));
        assert_eq!(whole(b"#t\r\n"), Reply::Integer(1));
        assert_eq!(whole(b"$3\r\na\r\n\r\n"), Reply::Bytes(b"a\r\n".to_vec()));
        for nil in [&b"$-1\r\n"[..], b"*-1\r\n", b"_\r\n"] {
            assert_eq!(whole(nil), Reply::Nil);
        }
        let pair = vec![Reply::Bytes(b"a".to_vec()), Reply::Integer(1)];
        assert_eq!(whole(b"*2\r\n$1\r\na\r\n:1\r\n"), Reply::Array(pair.clone()));
        assert_eq!(whole(b"%1\r\n+a\r\n:1\r\n"), Reply::Array(pair.clone()));
        assert_eq!(whole(b">2\r\n+a\r\n:1\r\n"), Reply::Push(pair.clone()));
        assert_eq!(whole(b"|1\r\n+x\r\n:9\r\n~2\r\n+a\r\n:1\r\n"), Reply::Array(pair.clone()));
        assert_eq!(Reply::Array(pair).field("a").and_then(Reply::number), Some(1));
    }

    #[test]
    fn waits_for_every_byte() {
        let bytes = b"*3\r\n$2\r\nab\r\n:12\r\n*1\r\n_\r\n";
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn refuses_what_is_no_reply() {
        let deep = b"*1\r\n".repeat(MAX_DEPTH + 2);
        let bad: [&[u8]; 10] = [
            b"x\r\n",
            b"\r\n",
            b":1\n",
            b":\r\n",
            b"$-2\r\n",
            b"$99999999999\r\n",
            b"*99999999999\r\n",
            b"$1\r\nabc",
            b"!-1\r\n",
            &deep,
        ];
        for bytes in bad {
            assert_eq!(read(bytes), Err(Malformed), "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(read(&vec![b'+'; 70_000]), Err(Malformed), "a line without an end");
        assert_eq!(read(&vec![b'$'; MAX_BYTES + 1]), Err(Malformed));
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        assert_eq!(read(b"*16777216\r\n:1\r\n"), Ok(None));
        assert_eq!(read(b"%16777216\r\n*16777216\r\n*16777216\r\n"), Ok(None));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&bytes));
        }

        #[test]
        fn never_panics_on_damaged_replies(text in "([*%>~|][0-9-]{1,3}\r\n|[$!=][0-9-]{1,2}\r\n|:[0-9]{1,20}\r\n|\\+[a-z]{0,3}\r\n|_\r\n|[\r\n]){0,20}") {
            drop(read(text.as_bytes()));
        }
    }
}
