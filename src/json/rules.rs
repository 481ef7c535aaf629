//! What is looked for in a body, and what happens to it.

use super::allow::AllowList;
use super::keys::Marks;
use super::refusal::Rule;

/// What a rule does with a member whose key it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Nothing; the rule does not look.
    Off,
    /// Keeps the member, says so in the findings.
    Report,
    /// Renames the key: this text for a leading `$` and for every `.` of it.
    Replace(Box<str>),
    /// Removes the member.
    Strip,
    /// Refuses the body.
    Reject,
}

impl Action {
    /// How strict the action is; of several rules that match one key the strictest acts.
    const fn rank(&self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Report => 1,
            Self::Replace(_) => 2,
            Self::Strip => 3,
            Self::Reject => 4,
        }
    }

    /// The public, stable spelling.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Replace(_) => "replace",
            Self::Strip => "strip",
            Self::Reject => "reject",
        }
    }
}

/// What happens to a key that its object already has (RFC 8259 section 4 leaves it open).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DuplicatePolicy {
    /// Refuses the body.
    Reject,
    /// Removes the later member.
    First,
    /// Leaves both in the text, of which `JSON.parse` keeps the last; nothing is looked for.
    Last,
}

/// Limits; [`Limits::NONE`] switches one off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nested arrays and objects.
    pub depth: u32,
    /// Keys in the whole body.
    pub keys: u32,
    /// Elements of one array.
    pub array_elements: u32,
    /// UTF-8 bytes of one decoded key; a lone surrogate counts three.
    pub key_bytes: u32,
    /// Characters of one number.
    pub number_length: u32,
}

impl Limits {
    /// No limit.
    pub const NONE: u32 = u32::MAX;
}

/// Everything a body is held against. Built from [`super::JsonOptions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub(super) limits: Limits,
    /// In the order of [`KEY_RULES`].
    pub(super) actions: [(Action, AllowList); 4],
    pub(super) duplicates: DuplicatePolicy,
}

/// The rules about single keys, each with the mark that makes it look.
pub(super) const KEY_RULES: [(Rule, u8); 4] = [
    (Rule::Proto, Marks::PROTO | Marks::CONSTRUCTOR),
    (Rule::Nul, Marks::NUL),
    (Rule::Operator, Marks::OPERATOR),
    (Rule::Dotted, Marks::DOTTED),
];

impl Default for Rules {
    /// The defaults of carapace's own factories: see [`super::JsonOptions`], field by field.
    fn default() -> Self {
        let defaults = [Action::Strip, Action::Reject, Action::Strip, Action::Off];
        Self {
            limits: Limits {
                depth: 64,
                keys: 10_000,
                array_elements: 100_000,
                key_bytes: 1_024,
                number_length: 400,
            },
            actions: defaults.map(|action| (action, AllowList::default())),
            duplicates: DuplicatePolicy::Reject,
        }
    }
}

/// How the rules see one key by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyClass {
    /// No rule that is on matches.
    Plain,
    /// This rule matches, whatever the value.
    Matches(Rule),
    /// `constructor`: [`Rule::Proto`] matches if the value is an object that owns `prototype`.
    Constructor,
}

impl Rules {
    /// No limit, every rule off, the last of duplicate keys wins: what `JSON.parse` does by itself. The
    /// base for drop-ins.
    #[must_use]
    pub fn permissive() -> Self {
        let none = Limits::NONE;
        Self {
            limits: Limits {
                depth: none,
                keys: none,
                array_elements: none,
                key_bytes: none,
                number_length: none,
            },
            actions: std::array::from_fn(|_| (Action::Off, AllowList::default())),
            duplicates: DuplicatePolicy::Last,
        }
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The policy about a key that comes twice in one object.
    #[must_use]
    pub const fn duplicates(&self) -> DuplicatePolicy {
        self.duplicates
    }

    /// What `rule` does. [`Rule::Duplicate`] gives the action that its policy comes to.
    #[must_use]
    pub const fn action(&self, rule: Rule) -> &Action {
        let [proto, nul, operator, dotted] = &self.actions;
        match (rule, self.duplicates) {
            (Rule::Proto, _) => &proto.0,
            (Rule::Nul, _) => &nul.0,
            (Rule::Operator, _) => &operator.0,
            (Rule::Dotted, _) => &dotted.0,
            (Rule::Duplicate, DuplicatePolicy::Reject) => &Action::Reject,
            (Rule::Duplicate, DuplicatePolicy::First) => &Action::Strip,
            (Rule::Duplicate, DuplicatePolicy::Last) => &Action::Off,
        }
    }

    /// How the rules see a decoded key, allow lists aside: for keys at the top, or of unknown place.
    ///
    /// Linear in the key. Of several rules that match, the one with the strictest action is named.
    #[must_use]
    pub fn classify_key(&self, key: &[u8]) -> KeyClass {
        self.class_of(Marks::of(key), |_| false)
    }

    /// How the rules see the decoded key that ends `path`, whose other segments are the decoded keys
    /// and decimal array positions around it. An empty path is [`KeyClass::Plain`].
    #[must_use]
    pub fn classify_path(&self, path: &[&[u8]]) -> KeyClass {
        let matches = |at: usize, segment: &[u8]| path.get(at) == Some(&segment);
        path.last().map_or(KeyClass::Plain, |key| {
            self.class_of(Marks::of(key), |list| list.allows(path.len(), matches))
        })
    }

    /// The class by marks; `allowed` answers for an allow list that is not empty.
    pub(super) fn class_of(&self, marks: Marks, allowed: impl Fn(&AllowList) -> bool) -> KeyClass {
        let mut strictest = (0, KeyClass::Plain);
        for ((rule, mark), (action, list)) in KEY_RULES.iter().zip(&self.actions) {
            let rank = action.rank();
            if marks.has(*mark) && rank > strictest.0 && (list.is_empty() || !allowed(list)) {
                let class = if marks.has(Marks::CONSTRUCTOR) {
                    KeyClass::Constructor
                } else {
                    KeyClass::Matches(*rule)
                };
                strictest = (rank, class);
            }
        }
        strictest.1
    }

    /// The marks that some rule looks for.
    pub(super) fn wanted_marks(&self) -> u8 {
        let rules = KEY_RULES.iter().zip(&self.actions);
        rules.filter(|(_, (action, _))| *action != Action::Off).map(|((_, mark), _)| mark).sum()
    }

    /// The decoded key that a rule with [`Action::Replace`] puts for `key`: `replacement` for a `$` at
    /// the start and for each `.`, which is what express-mongo-sanitize does.
    ///
    /// `None` where the new key is prohibited itself (`__proto__`, `constructor`, `prototype`, or
    /// one that a rule still matches): the member is to be removed then.
    #[must_use]
    pub fn replace_key(&self, key: &[u8], replacement: &str) -> Option<Vec<u8>> {
        let mut renamed = Vec::with_capacity(key.len() + replacement.len());
        for (at, &byte) in key.iter().enumerate() {
            if byte == b'.' || (byte == b'$' && at == 0) {
                renamed.extend_from_slice(replacement.as_bytes());
            } else {
                renamed.push(byte);
            }
        }
        let special: [&[u8]; 3] = [b"__proto__", b"constructor", b"prototype"];
        let prohibited =
            special.contains(&renamed.as_slice()) || self.classify_key(&renamed) != KeyClass::Plain;
        (!prohibited).then_some(renamed)
    }
}
