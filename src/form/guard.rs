//! The rules of JSON bodies, applied to forms.
//!
//! Where names nest, the rules look at the JSON text of the whole form, so they see exactly what a JSON
//! body with that content would show them. Where names stay whole, they look at the name's bracketed
//! segments, because what reads the result may split it later (`u[$ne]`).

use super::escape::{escape_all, to_ascii, unescape};
use super::options::FormOptions;
use super::outcome::{Findings, FormFinding, FormRefusal};
use super::parameters::Parameters;
use super::segments::push_pointer;
use super::text::{Span, Texts};
use crate::json::{self, Action, KeyClass, Outcome, RefusalKind, Rule};

/// What is to happen to a flat name.
enum Verdict {
    Keep,
    Remove,
    Rename(String),
}

/// Holds JSON text against the rules. Gives the text to use instead, if members were removed or renamed.
pub(super) fn sanitize_text(
    text: &[u8],
    options: &FormOptions,
    findings: Option<&mut Findings>,
) -> Result<Option<Vec<u8>>, FormRefusal> {
    let sanitized = json::sanitize(text, &options.text_rules).map_err(|refusal| {
        let pointer = refusal.pointer;
        match refusal.kind {
            RefusalKind::Forbidden(rule) => FormRefusal::Forbidden { rule, pointer },
            // The text is our own: nothing but nesting beyond every bound can be wrong with it.
            _ => FormRefusal::TooDeep { pointer },
        }
    })?;
    if let Some(findings) = findings {
        findings.total += sanitized.total;
        findings.list.extend(sanitized.findings.into_iter().map(|found| FormFinding {
            rule: found.rule,
            outcome: found.outcome,
            pointer: found.pointer,
        }));
    }
    Ok(sanitized.text.map(to_ascii))
}

/// Holds whole names against the rules, removes and renames parameters. Linear.
pub(super) fn sanitize_names(
    parameters: &mut Parameters,
    input: &[u8],
    arena: &mut Vec<u8>,
    options: &FormOptions,
    findings: &mut Findings,
) -> Result<(), FormRefusal> {
    for at in 0..parameters.entries().len() {
        let Some(entry) = parameters.entries().get(at).copied() else { break };
        let name = unescape(Texts { input, arena }.get(entry.name));
        match judge(&name, options, findings)? {
            Verdict::Keep => {}
            Verdict::Remove => parameters.remove(at),
            Verdict::Rename(new) => {
                let start = arena.len();
                arena.extend(escape_all(&new));
                let span = Span::in_arena(start, arena.len());
                let texts = Texts { input, arena };
                if !parameters.rename(at, span, texts) {
                    // The new name is taken: it must not overwrite what is there.
                    findings.demote_last();
                    parameters.remove(at);
                }
            }
        }
    }
    Ok(())
}

/// Looks at the segments of one decoded name.
fn judge(
    name: &str,
    options: &FormOptions,
    findings: &mut Findings,
) -> Result<Verdict, FormRefusal> {
    let mut new = String::new();
    let mut path: Vec<&[u8]> = Vec::new();
    let mut renamed = false;
    let mut rest = name;
    while !rest.is_empty() {
        let end = rest.find(['[', ']']).unwrap_or(rest.len());
        let (segment, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let bracket = after.get(..1).unwrap_or_default();
        if segment.is_empty() {
            new.push_str(bracket);
            continue;
        }
        path.push(segment.as_bytes());
        let rule = matching_rule(&path, rest, options);
        match rule.map(|rule| (rule, options.rules.action(rule))) {
            None | Some((_, Action::Off)) => new.push_str(segment),
            Some((rule, Action::Reject)) => {
                return Err(FormRefusal::Forbidden { rule, pointer: pointer(name) });
            }
            Some((rule, Action::Report)) => {
                findings.add(rule, Outcome::Reported, || pointer(name));
                new.push_str(segment);
            }
            Some((rule, Action::Replace(text))) => {
                let key = options.rules.replace_key(segment.as_bytes(), text);
                let Some(key) = key.and_then(|key| String::from_utf8(key).ok()) else {
                    findings.add(rule, Outcome::Stripped, || pointer(name));
                    return Ok(Verdict::Remove);
                };
                findings.add(rule, Outcome::Replaced, || pointer(name));
                new.push_str(&key);
                renamed = true;
            }
            Some((rule, Action::Strip)) => {
                findings.add(rule, Outcome::Stripped, || pointer(name));
                return Ok(Verdict::Remove);
            }
        }
        new.push_str(bracket);
    }
    Ok(if renamed { Verdict::Rename(new) } else { Verdict::Keep })
}

/// The rule that is about the last segment of `path`; `rest` is the name after it.
fn matching_rule(path: &[&[u8]], rest: &str, options: &FormOptions) -> Option<Rule> {
    match options.rules.classify_path(path) {
        KeyClass::Matches(rule) => Some(rule),
        KeyClass::Constructor => {
            let next = rest.split(['[', ']']).find(|segment| !segment.is_empty());
            (next == Some("prototype")).then_some(Rule::Proto)
        }
        KeyClass::Plain => None,
    }
}

/// JSON pointer of a member at the top.
fn pointer(name: &str) -> String {
    let mut pointer = String::new();
    push_pointer(&mut pointer, name);
    pointer
}
