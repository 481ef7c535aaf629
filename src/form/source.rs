//! Where the bytes of a form come from, and what they mean.

/// How bytes or percent escapes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8 (RFC 3629).
    Utf8,
    /// ISO-8859-1: each byte is the code point of the same number.
    Iso88591,
}

/// Where the bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// Meaning of bytes of 0x80 and above.
    pub raw: Charset,
    /// Meaning of percent escapes of 0x80 and above.
    pub escapes: Charset,
}

impl Source {
    /// A body in UTF-8, the default of `application/x-www-form-urlencoded`.
    pub const UTF_8: Self = Self { raw: Charset::Utf8, escapes: Charset::Utf8 };
    /// A body whose Content-Type says `charset=iso-8859-1`.
    pub const ISO_8859_1: Self = Self { raw: Charset::Iso88591, escapes: Charset::Iso88591 };
    /// The query string of `req.url`: Node hands its bytes over as Latin-1, its escapes are UTF-8.
    pub const URL: Self = Self { raw: Charset::Iso88591, escapes: Charset::Utf8 };
}
