//! The exact decision about a flagged body.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use super::allow::AllowList;
use super::keys::Marks;
use super::pointer::{self, Segment};
use super::reader;
use super::refusal::{Refusal, RefusalKind, Rule};
use super::rewrite::{self, Edit};
use super::rules::{Action, DuplicatePolicy, KeyClass, Rules};
use super::siblings::{Place, Siblings, decoded};
use super::spans::{Member, Spans, slice};

/// Most findings that are listed; removal goes on beyond it.
pub const FINDINGS_CAP: usize = 100;

/// What was done about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Kept and only reported.
    Reported,
    /// Its key was renamed.
    Replaced,
    /// Removed from the text.
    Stripped,
}

impl Outcome {
    /// The public, stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Replaced => "replaced",
            Self::Stripped => "stripped",
        }
    }
}

/// A member that a rule matched. It names the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What was done.
    pub outcome: Outcome,
    /// JSON pointer (RFC 6901) of the member in the body as it came, cut like [`Refusal::pointer`].
    pub pointer: String,
    /// Bytes of the member in the body as it came, key's opening quote to value's last byte.
    pub range: Range<usize>,
}

/// A body that may be parsed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Sanitized {
    /// The text to parse instead, UTF-8; `None` if it is the body as it came.
    pub text: Option<Vec<u8>>,
    /// The findings in the order of the text, at most [`FINDINGS_CAP`].
    pub findings: Vec<Finding>,
    /// How many findings there were.
    pub total: usize,
}

/// Decides exactly and cuts prohibited members out of the text.
///
/// What `JSON.parse` makes of the result equals what it makes of `body` with the members found deleted
/// (or renamed), bit for bit. Nothing inside a removed member is reported. Stands alone: UTF-8,
/// grammar and limits are checked here too, whether [`super::scan`] ran or not.
///
/// Under the policy `last` the rules look at every occurrence of a key, but of several `constructor`
/// members only the last one's value counts, since `JSON.parse` drops the others.
///
/// Linear in time; allocates about 32 bytes per member and 20 per container of the body.
///
/// # Errors
///
/// [`Refusal`] for invalid UTF-8, malformed text, a limit, a duplicate key under the policy `reject`,
/// or a key under a rule that rejects.
pub fn sanitize(body: &[u8], rules: &Rules) -> Result<Sanitized, Refusal> {
    decide(body, rules, false)
}

/// The same for a body of which [`super::scan`] said that its keys are unique: half the time, since they need
/// not be looked up again.
///
/// # Errors
///
/// As [`sanitize`], but for duplicate keys.
pub fn sanitize_unique(body: &[u8], rules: &Rules) -> Result<Sanitized, Refusal> {
    decide(body, rules, true)
}

fn decide(body: &[u8], rules: &Rules, is_unique: bool) -> Result<Sanitized, Refusal> {
    if let Err(error) = std::str::from_utf8(body) {
        let (kind, at) = (RefusalKind::InvalidUtf8, error.valid_up_to());
        return Err(Refusal::new(kind, at, pointer::pointer_at(body, at)));
    }
    let spans = reader::read(body, rules)?;
    let siblings = (!is_unique).then(|| Siblings::of(body, &spans));
    let repeated = siblings.as_ref().and_then(|siblings| siblings.repeated);
    let mut decider = Decider::new(body, rules, &spans, siblings);
    if let Some(member) = repeated.and_then(|id| spans.member(id))
        && rules.duplicates == DuplicatePolicy::Reject
    {
        return Err(decider.refusal(RefusalKind::DuplicateKey, member));
    }
    for (id, member) in (0..).zip(&spans.members) {
        if member.start >= decider.muted_until {
            decider.decide(id, member)?;
        }
    }
    let Decider { edits, mut done, .. } = decider;
    done.text = rewrite::apply(body, edits);
    Ok(done)
}

struct Decider<'a> {
    body: &'a [u8],
    rules: &'a Rules,
    spans: &'a Spans,
    /// `None` until they are needed, where keys are known to be unique.
    siblings: Option<Siblings<'a>>,
    /// New keys given so far, by object, with the old key each replaces.
    renamed: HashMap<(u32, Vec<u8>), Vec<u8>>,
    /// Per container: whether a member before the current one stays.
    keeps: Vec<bool>,
    /// Members that start before this offset are inside a removed one.
    muted_until: u32,
    edits: Vec<Edit>,
    done: Sanitized,
}

impl<'a> Decider<'a> {
    fn new(
        body: &'a [u8],
        rules: &'a Rules,
        spans: &'a Spans,
        siblings: Option<Siblings<'a>>,
    ) -> Self {
        let keeps = vec![false; spans.containers.len()];
        let (edits, done, renamed) = (Vec::new(), Sanitized::default(), HashMap::new());
        Self { body, rules, spans, siblings, renamed, keeps, muted_until: 0, edits, done }
    }

    fn decide(&mut self, id: u32, member: &Member) -> Result<(), Refusal> {
        let place = (member.container, decoded(slice(self.body, member.key)));
        let siblings = self.siblings.as_ref();
        let (first, last) = siblings.map_or((id, id), |siblings| siblings.of_key(id, &place));
        if self.rules.duplicates == DuplicatePolicy::First && first != id {
            self.find(Rule::Duplicate, Outcome::Stripped, member);
            self.remove(member);
            return Ok(());
        }
        let Some(rule) = self.rule_for(member, &place.1, last) else {
            self.keep(member);
            return Ok(());
        };
        match self.rules.action(rule) {
            Action::Off => self.keep(member),
            Action::Reject => return Err(self.refusal(RefusalKind::Forbidden(rule), member)),
            Action::Report => {
                self.find(rule, Outcome::Reported, member);
                self.keep(member);
            }
            Action::Strip => {
                self.find(rule, Outcome::Stripped, member);
                self.remove(member);
            }
            Action::Replace(text) => self.replace(rule, member, place, text),
        }
        Ok(())
    }

    /// The rule that acts on the member.
    fn rule_for(&self, member: &Member, key: &[u8], last: u32) -> Option<Rule> {
        let class = self.rules.class_of(Marks::of(key), |list| self.allows(list, member));
        match class {
            KeyClass::Plain => None,
            KeyClass::Matches(rule) => Some(rule),
            KeyClass::Constructor => {
                let effective = match self.rules.duplicates {
                    DuplicatePolicy::Last => self.spans.member(last)?,
                    _ => member,
                };
                let value = self.spans.container(effective.value)?;
                value.owns_prototype.then_some(Rule::Proto)
            }
        }
    }

    fn allows(&self, list: &AllowList, member: &Member) -> bool {
        let depth = self.spans.container(member.container).map_or(0, |around| around.depth) + 1;
        let depth = depth as usize;
        list.allows(depth, |at, wanted| {
            match self.spans.steps_up(self.body, member).nth(depth - 1 - at) {
                Some(Segment::Raw(raw)) => *decoded(raw) == *wanted,
                Some(Segment::Index(index)) => index.to_string().as_bytes() == wanted,
                None => false,
            }
        })
    }

    fn replace(&mut self, rule: Rule, member: &Member, place: Place<'a>, text: &str) {
        let (object, old) = place;
        let Some(new) =
            self.rules.replace_key(&old, text).filter(|new| self.free(object, new, &old))
        else {
            // The new key is prohibited or a sibling's: it must not overwrite (as the peer would).
            self.find(rule, Outcome::Stripped, member);
            self.remove(member);
            return;
        };
        self.find(rule, Outcome::Replaced, member);
        self.edits.push(Edit::rename(member, &new));
        self.keep(member);
    }

    /// Whether no other key of the object is `new`, and none becomes it. Takes it if so.
    fn free(&mut self, object: u32, new: &[u8], old: &[u8]) -> bool {
        let (body, spans) = (self.body, self.spans);
        let siblings = self.siblings.get_or_insert_with(|| Siblings::of(body, spans));
        if siblings.occurrences.contains_key(&(object, Cow::Borrowed(new))) {
            return false;
        }
        match self.renamed.entry((object, new.to_vec())) {
            Entry::Occupied(taken) => **taken.get() == *old,
            Entry::Vacant(entry) => {
                entry.insert(old.to_vec());
                true
            }
        }
    }

    fn keep(&mut self, member: &Member) {
        if let Some(keeps) = self.keeps.get_mut(member.container as usize) {
            *keeps = true;
        }
    }

    fn remove(&mut self, member: &Member) {
        let kept_before = self.keeps.get(member.container as usize).copied().unwrap_or_default();
        self.edits.push(Edit::remove(self.spans, member, kept_before));
        self.muted_until = member.end;
    }

    fn find(&mut self, rule: Rule, outcome: Outcome, member: &Member) {
        self.done.total += 1;
        if self.done.findings.len() < FINDINGS_CAP {
            let range = member.start as usize..member.end as usize;
            let pointer = self.pointer(member);
            self.done.findings.push(Finding { rule, outcome, pointer, range });
        }
    }

    fn refusal(&self, kind: RefusalKind, member: &Member) -> Refusal {
        Refusal::new(kind, member.start as usize, self.pointer(member))
    }

    fn pointer(&self, member: &Member) -> String {
        let mut steps: Vec<_> = self.spans.steps_up(self.body, member).collect();
        steps.reverse();
        pointer::render(steps.into_iter())
    }
}
