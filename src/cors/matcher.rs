//! The judge of wildcards and patterns.

use super::options::{RuleKind, RuleOption, quote};
use super::origin::{Origin, default_port};
use super::pattern::{Pattern, parse_pattern};
use super::wildcard::Wildcard;
use crate::error::{ConfigError, ErrorCode};
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

/// The most memory that the automaton of one `cors()` may take before it is used, in bytes.
const MAX_AUTOMATON_BYTES: usize = 1 << 18;
/// What its states may take while it is used. Beyond it they are made anew, which costs time and no correctness.
const STATES_BYTES: usize = 1 << 16;

/// Wildcards and patterns, compiled. Exact origins are no matter of its own: see [`super::Plan`].
#[derive(Debug)]
pub struct OriginMatcher {
    wildcards: Vec<Wildcard>,
    /// Patterns that describe the origin to its end, and lenient ones that may stop before the port.
    patterns: Vec<Automaton>,
}

#[derive(Debug)]
struct Automaton {
    dfa: DFA,
    states: Cache,
    /// Whether a match may start inside of the origin, where a name starts.
    starts_inside: bool,
    /// Whether a match may end before the port.
    ends_inside: bool,
}

impl OriginMatcher {
    /// Compiles the rules. An exact origin is checked and then left to the caller.
    ///
    /// # Errors
    /// [`ErrorCode::OptionValue`] with the rule's path for a text that is no serialised origin and no wildcard, and for a
    /// pattern that matches parts of origins, has what an automaton cannot do, or is too large.
    pub fn compile(rules: &[RuleOption]) -> Result<Self, ConfigError> {
        let (mut wildcards, mut whole, mut partial) =
            (Vec::new(), Group::default(), Group::default());
        for RuleOption { path, kind } in rules {
            match kind {
                RuleKind::Text { text, canonical } => {
                    wildcards.extend(read_text(path, text, canonical.as_deref())?);
                }
                RuleKind::Pattern { source, flags, is_lenient } => {
                    let pattern = parse_pattern(path, source, flags, *is_lenient)?;
                    let group = if pattern.is_end_anchored { &mut whole } else { &mut partial };
                    group.add(path, pattern)?;
                }
            }
        }
        let groups = [whole.build(false), partial.build(true)];
        Ok(Self { wildcards, patterns: groups.into_iter().flatten().collect() })
    }

    /// Whether there is nothing to judge.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wildcards.is_empty() && self.patterns.is_empty()
    }

    /// Whether a rule describes the origin. What is no serialised origin is described by none. Cost: linear in the length of
    /// `text`, which is bounded, for the patterns, and in the number of wildcards; lenient patterns are tried from each name.
    pub fn is_allowed(&mut self, text: &str) -> bool {
        let Ok(origin) = Origin::parse(text) else { return false };
        self.wildcards.iter().any(|wildcard| wildcard.is_match(&origin))
            || self.patterns.iter_mut().any(|patterns| patterns.is_match(text, &origin))
    }
}

/// Patterns on their way to an automaton.
#[derive(Default)]
struct Group {
    expressions: Vec<Hir>,
    dfa: Option<DFA>,
    starts_inside: bool,
}

impl Group {
    /// Compiles it with one pattern more, so that the error names the one that is too large.
    fn add(&mut self, path: &str, pattern: Pattern) -> Result<(), ConfigError> {
        self.starts_inside |= !pattern.is_start_anchored;
        self.expressions.push(pattern.expression);
        self.dfa = Some(compile_automaton(path, &self.expressions)?);
        Ok(())
    }

    fn build(self, ends_inside: bool) -> Option<Automaton> {
        let Self { dfa, starts_inside, .. } = self;
        dfa.map(|dfa| Automaton { states: dfa.create_cache(), dfa, starts_inside, ends_inside })
    }
}

impl Automaton {
    fn is_match(&mut self, text: &str, origin: &Origin<'_>) -> bool {
        if self.is_match_to(text, text.len(), origin) {
            return true;
        }
        self.ends_inside
            && ends_of_names(origin)
                .into_iter()
                .flatten()
                .any(|end| self.is_match_to(text, end, origin))
    }

    /// Whether one of the patterns matches up to `end`.
    fn is_match_to(&mut self, text: &str, end: usize, origin: &Origin<'_>) -> bool {
        if self.is_match_between(text, 0, end) {
            return true;
        }
        let host = host_start(origin);
        self.starts_inside
            && starts_of_names(text, host)
                .take_while(|start| *start <= end)
                .any(|start| self.is_match_between(text, start, end))
    }

    /// Whether a pattern matches just that part. `^`, `$` and `\b` in it see the whole text.
    fn is_match_between(&mut self, text: &str, start: usize, end: usize) -> bool {
        let input = Input::new(text).range(start..end).anchored(Anchored::Yes);
        // Of all matches the longest is told. An error means that the search could not be finished: then nothing is allowed.
        let longest = self.dfa.try_search_fwd(&mut self.states, &input);
        matches!(longest, Ok(Some(found)) if found.offset() == end)
    }
}

fn host_start(origin: &Origin<'_>) -> usize {
    origin.scheme.len() + "://".len()
}

/// Where a match may start: in the scheme, which no stranger chooses, at the host, at each dot in it and after it.
fn starts_of_names(text: &str, host: usize) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).filter(move |&at| {
        at <= host || bytes.get(at) == Some(&b'.') || bytes.get(at - 1) == Some(&b'.')
    })
}

/// Where a match may end besides the end: before the port, between its colon and number, and, where hosts are names of programs
/// and not of sites, after the scheme.
fn ends_of_names(origin: &Origin<'_>) -> [Option<usize>; 3] {
    let host = host_start(origin);
    let end = host + origin.host.len();
    let is_program = default_port(origin.scheme).is_none();
    [origin.port.map(|_| end), origin.port.map(|_| end + 1), is_program.then_some(host)]
}

/// Checks a rule in text: an exact origin gives nothing to match here.
fn read_text(
    path: &str,
    text: &str,
    canonical: Option<&str>,
) -> Result<Option<Wildcard>, ConfigError> {
    let refuse = |message: String| Err(ConfigError::new(ErrorCode::OptionValue, path, message));
    if text == "null" {
        return Ok(None);
    }
    if text == "*" {
        return refuse("got \"*\" in a list, expected origins; anybody is origin: '*'".to_owned());
    }
    if text.contains('*') {
        return Wildcard::parse(path, text).map(Some);
    }
    match Origin::parse(text) {
        Ok(_) => Ok(None),
        Err(fault) => {
            let better = canonical.filter(|canonical| Origin::parse(canonical).is_ok());
            let hint = better.map_or_else(String::new, |better| format!("; write {better:?}"));
            refuse(format!("got {}, which {}{hint}", quote(text), fault.as_str()))
        }
    }
}

fn compile_automaton(path: &str, expressions: &[Hir]) -> Result<DFA, ConfigError> {
    let too_large = || {
        let message = "is a pattern too large to be compiled; write fewer repetitions";
        ConfigError::new(ErrorCode::OptionValue, path, message)
    };
    let limits = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_AUTOMATON_BYTES));
    let nfa = NFA::compiler()
        .configure(limits)
        .build_many_from_hir(expressions)
        .map_err(|_| too_large())?;
    // All: where a match ends is for the matcher to choose, whatever alternative comes first.
    let config = Config::new()
        .match_kind(MatchKind::All)
        .cache_capacity(STATES_BYTES)
        .skip_cache_capacity_check(true);
    DFA::builder().configure(config).build_from_nfa(nfa).map_err(|_| too_large())
}
