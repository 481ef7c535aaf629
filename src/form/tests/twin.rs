//! A naive twin of the parser: the code of qs 6.17 and Node's `querystring`, line by line, on values that
//! own everything; rules and pollution by recursion.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "lengths and indices of small examples"
)]

use proptest::prelude::*;

use super::peers::outcome;
use super::*;
use crate::json::Rules;

#[derive(Debug, Clone, Default)]
struct Object {
    members: Vec<(String, Tree)>,
    overflow: Option<f64>,
    conflict: Option<f64>,
}

#[derive(Debug, Clone, Default)]
struct Array {
    items: Vec<Option<Tree>>,
    conflict: Option<f64>,
}

#[derive(Debug, Clone)]
enum Tree {
    Text(String),
    Array(Array),
    Object(Object),
}

use Tree::Text;

fn index_of(key: &str) -> Option<f64> {
    let number: f64 = key.parse().ok()?;
    ((0.0..1e21).contains(&number) && number.to_string() == key).then_some(number)
}

fn array(items: Vec<Tree>) -> Tree {
    Tree::Array(Array { items: items.into_iter().map(Some).collect(), conflict: None })
}

fn object(key: &str, value: Tree) -> Object {
    Object { members: vec![(key.to_owned(), value)], ..Object::default() }
}

impl Object {
    fn get(&mut self, key: &str) -> Option<&mut Tree> {
        self.members.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn set(&mut self, key: String, value: Tree) {
        match self.get(&key) {
            Some(place) => *place = value,
            None => self.members.push((key, value)),
        }
    }

    /// What `markOverflow(acc, maxNumericIndex(acc, least))` stores.
    fn largest_index(&self, least: f64) -> f64 {
        self.members.iter().filter_map(|(key, _)| index_of(key)).fold(least, f64::max)
    }
}

impl Array {
    fn to_object(&self) -> Object {
        let kept = self.items.iter().enumerate().filter_map(|(at, item)| Some((at, item.clone()?)));
        Object {
            members: kept.map(|(at, item)| (at.to_string(), item)).collect(),
            ..Object::default()
        }
    }

    fn overflow(&self, largest: usize) -> Tree {
        Tree::Object(Object { overflow: Some(largest as f64), ..self.to_object() })
    }

    fn count(&self) -> usize {
        self.items.iter().flatten().count()
    }
}

/// `utils.combine([], values)` and what it makes of too many.
fn limited(items: Vec<Option<Tree>>, limit: usize) -> Tree {
    let array = Array { items, conflict: None };
    if array.items.len() > limit {
        array.overflow(array.items.len() - 1)
    } else {
        Tree::Array(array)
    }
}

/// `utils.merge`.
fn merge(target: Tree, source: Tree, limit: usize) -> Tree {
    match (target, source) {
        (target, Text(text)) if text.is_empty() => target,
        (Tree::Array(mut target), source @ Text(_)) => {
            let next = target.items.len();
            let full = target.count() >= limit;
            target.items.push(Some(source));
            if full { target.overflow(next) } else { Tree::Array(target) }
        }
        (Tree::Object(mut target), source @ Text(_)) => {
            if let Some(index) = target.overflow {
                target.set((index + 1.0).to_string(), source);
                target.overflow = Some(index + 1.0);
            } else if let Some(index) = target.conflict {
                target.set((index + 1.0).to_string(), source);
                target.conflict = Some(index + 1.0);
            } else {
                let pair = limited(vec![Some(Tree::Object(target)), Some(source)], limit);
                return match pair {
                    Tree::Array(pair) => Tree::Array(Array { conflict: Some(1.0), ..pair }),
                    overflow => overflow,
                };
            }
            Tree::Object(target)
        }
        (target @ Text(_), source @ Text(_)) => limited(vec![Some(target), Some(source)], limit),
        (target @ Text(_), Tree::Object(source)) if source.overflow.is_some() => {
            let mut result = object("0", target);
            for (key, value) in source.members {
                result.set((index_of(&key).unwrap() + 1.0).to_string(), value);
            }
            result.overflow = source.overflow.map(|largest| largest + 1.0);
            Tree::Object(result)
        }
        (target @ Text(_), source) => {
            let items = match source {
                Tree::Array(source) => source.items,
                other => vec![Some(other)],
            };
            limited([vec![Some(target)], items].concat(), limit)
        }
        (Tree::Array(target), Tree::Array(source)) => merge_arrays(target, source, limit),
        (Tree::Array(target), Tree::Object(source)) => {
            let conflict = target.conflict.map(|_| target.items.len() as f64 - 1.0);
            merge_objects(Object { conflict, ..target.to_object() }, source, limit)
        }
        (Tree::Object(target), Tree::Array(source)) => {
            merge_objects(target, source.to_object(), limit)
        }
        (Tree::Object(target), Tree::Object(source)) => merge_objects(target, source, limit),
    }
}

fn merge_arrays(mut target: Array, source: Array, limit: usize) -> Tree {
    for (at, item) in source.items.into_iter().enumerate() {
        let Some(item) = item else { continue };
        if target.items.len() <= at {
            target.items.resize(at + 1, None);
        }
        match (target.items[at].take(), item) {
            (None, item) => target.items[at] = Some(item),
            (
                Some(there @ (Tree::Array(_) | Tree::Object(_))),
                item @ (Tree::Array(_) | Tree::Object(_)),
            ) => {
                target.items[at] = Some(merge(there, item, limit));
            }
            (there, item) => {
                target.items[at] = there;
                target.items.push(Some(item));
            }
        }
    }
    if target.count() > limit {
        target.overflow(target.items.len() - 1)
    } else {
        Tree::Array(target)
    }
}

fn merge_objects(mut target: Object, source: Object, limit: usize) -> Tree {
    for (key, value) in source.members {
        match target.get(&key) {
            Some(place) => {
                let there = std::mem::replace(place, Text(String::new()));
                *place = merge(there, value, limit);
            }
            None => target.members.push((key.clone(), value)),
        }
        if let (Some(largest), None) = (source.overflow, target.overflow) {
            target.overflow = Some(target.largest_index(largest));
        }
        if let Some(index) = index_of(&key) {
            target.overflow = target.overflow.map(|largest| largest.max(index));
            target.conflict = target.conflict.map(|last| last.max(index));
        }
    }
    Tree::Object(target)
}

/// `utils.decode` in UTF-8.
fn decode(text: &str) -> String {
    let plain = text.replace('+', " ");
    let mut bytes = Vec::new();
    let mut run = Vec::new();
    let mut rest = plain.as_str();
    while let Some(first) = rest.chars().next() {
        if first == '%' {
            let Some(byte) = rest.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
                return plain;
            };
            if rest.starts_with("%+") {
                return plain;
            }
            run.push(byte);
            rest = &rest[3..];
        } else {
            if std::str::from_utf8(&run).is_err() {
                return plain;
            }
            bytes.append(&mut run);
            bytes.extend_from_slice(first.to_string().as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    if std::str::from_utf8(&run).is_err() {
        return plain;
    }
    bytes.append(&mut run);
    String::from_utf8(bytes).unwrap()
}

/// `splitKeyIntoSegments`.
fn segments(key: &str, depth: usize) -> Vec<String> {
    if depth == 0 {
        return vec![key.to_owned()];
    }
    let first = key.find('[').unwrap_or(key.len());
    let mut found = vec![key[..first].to_owned()];
    found.retain(|parent| !parent.is_empty());
    let mut open = Some(first).filter(|at| *at < key.len());
    for _ in 0..depth {
        let Some(start) = open else { return found };
        let mut level = 0;
        let close = key[start..].find(|char| {
            level += i32::from(char == '[') - i32::from(char == ']');
            level == 0
        });
        let Some(close) = close.map(|at| start + at) else {
            found.push(format!("[{}]", &key[start..]));
            return found;
        };
        found.push(key[start..=close].to_owned());
        open = key[close + 1..].find('[').map(|at| close + 1 + at);
    }
    found.extend(open.map(|start| format!("[{}]", &key[start..])));
    found
}

/// `parseObject`.
fn build(chain: &[String], mut leaf: Tree, limit: usize) -> Tree {
    for root in chain.iter().rev() {
        leaf = if root == "[]" {
            match leaf {
                Tree::Object(object) if object.overflow.is_some() => Tree::Object(object),
                Tree::Array(array) => limited(array.items, limit),
                other => limited(vec![Some(other)], limit),
            }
        } else {
            let inside = root.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let index = inside.and_then(index_of);
            match (index, inside.unwrap_or(root)) {
                (Some(index), _) if index < limit as f64 => {
                    let mut items = vec![None; index as usize];
                    items.push(Some(leaf));
                    Tree::Array(Array { items, conflict: None })
                }
                (Some(index), name) => {
                    Tree::Object(Object { overflow: Some(index), ..object(name, leaf) })
                }
                (None, "__proto__") => Tree::Object(Object::default()),
                (None, name) => Tree::Object(object(name, leaf)),
            }
        };
    }
    leaf
}

/// `qs.parse` with `allowPrototypes`.
fn qs(input: &str, depth: usize, limit: usize, duplicates: &str) -> Tree {
    let input = ["[", "]"].iter().zip([["%5B", "%5b"], ["%5D", "%5d"]]).fold(
        input.to_owned(),
        |text, (bracket, escapes)| {
            escapes.iter().fold(text, |text, escape| text.replace(escape, bracket))
        },
    );
    let mut flat: Vec<(String, Vec<Tree>)> = Vec::new();
    for part in input.split('&') {
        let at = part.find("]=").map(|at| at + 1).or_else(|| part.find('='));
        let (key, value) = at.map_or((part, ""), |at| (&part[..at], &part[at + 1..]));
        let (name, value) = (decode(key), Text(decode(value)));
        match flat.iter_mut().find(|(there, _)| *there == name) {
            None => flat.push((name, vec![value])),
            Some((_, values)) if duplicates == "combine" || at.is_some() && key.ends_with("[]") => {
                values.push(value);
            }
            Some((_, values)) if duplicates == "last" => *values = vec![value],
            Some(_) => {}
        }
    }
    flat.sort_by_key(|(key, _)| {
        index_of(key)
            .filter(|index| *index < 4_294_967_295.0)
            .map_or((1, 0), |index| (0, index as u64))
    });
    let mut result = Tree::Object(Object::default());
    for (key, mut values) in flat.into_iter().filter(|(key, _)| !key.is_empty()) {
        let leaf = if values.len() == 1 {
            values.remove(0)
        } else {
            limited(values.into_iter().map(Some).collect(), limit)
        };
        result = merge(result, build(&segments(&key, depth), leaf, limit), limit);
    }
    result
}

/// `querystring.parse` on ASCII.
fn simple(input: &str) -> Tree {
    let mut result = Object::default();
    for part in input.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let decode = |text: &str| {
            let bytes =
                super::super::simple::unescape_buffer(text.as_bytes(), super::super::Charset::Utf8);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (key, value) = (decode(key), Text(decode(value)));
        match result.get(&key) {
            None => result.members.push((key, value)),
            Some(Tree::Array(array)) => array.items.push(Some(value)),
            Some(there) => *there = array(vec![there.clone(), value]),
        }
    }
    Tree::Object(result)
}

/// Whether carapace's default rules strip a member.
fn is_prohibited(key: &str, value: &Tree) -> bool {
    let owns_prototype = matches!(value, Tree::Object(value) if value.members.iter().any(|(key, _)| key == "prototype"));
    key == "__proto__"
        || key == "constructor" && owns_prototype
        || key.split('.').any(|segment| segment.starts_with('$'))
}

fn sanitize(tree: Tree) -> Tree {
    match tree {
        Text(text) => Text(text),
        Tree::Array(found) => array(found.items.into_iter().flatten().map(sanitize).collect()),
        Tree::Object(mut found) => {
            found.members.retain(|(key, value)| !is_prohibited(key, value));
            let members = found.members.into_iter().map(|(key, value)| (key, sanitize(value)));
            Tree::Object(Object { members: members.collect(), ..found })
        }
    }
}

/// The elements of a list in order; empty for what is none.
fn elements(tree: &Tree) -> Vec<Tree> {
    match tree {
        Text(_) => Vec::new(),
        Tree::Array(found) => found.items.iter().flatten().cloned().collect(),
        Tree::Object(found) => {
            let index = |key: &str| index_of(key).filter(|index| *index < 4_294_967_295.0);
            let list = found.members.iter().filter_map(|(key, value)| Some((index(key)?, value)));
            let mut list: Vec<_> = list.collect();
            list.sort_by(|one, other| one.0.total_cmp(&other.0));
            list.into_iter().map(|(_, value)| value.clone()).collect()
        }
    }
}

/// The rules of the `hpp` module, the last value kept.
fn separate(tree: Tree) -> Tree {
    let Tree::Object(mut found) = tree else { return tree };
    let members = found.members.into_iter().filter_map(|(key, value)| {
        let (mut list, mut kept) = (elements(&value), value);
        let is_list = !list.is_empty();
        while let Some(last) = list.last() {
            let text = list.iter().rev().find(|element| matches!(element, Text(_)));
            kept = text.unwrap_or(last).clone();
            list = elements(&kept);
        }
        let leads = is_list && key == "constructor" && is_prohibited(&key, &kept);
        (!leads).then(|| (key, separate(kept)))
    });
    found.members = members.collect();
    Tree::Object(found)
}

/// As `outcome` shows it: indices first.
fn show(tree: &Tree) -> String {
    let text = |text: &str| {
        format!("\"{}\"", String::from_utf8(super::super::escape::escape_all(text)).unwrap())
    };
    match tree {
        Text(value) => text(value),
        Tree::Array(found) => {
            format!("[{}]", found.items.iter().flatten().map(show).collect::<Vec<_>>().join(","))
        }
        Tree::Object(found) => {
            let mut members: Vec<_> = found.members.iter().collect();
            members.sort_by_key(|(key, _)| {
                index_of(key)
                    .filter(|index| *index < 4_294_967_295.0)
                    .map_or((1, 0), |index| (0, index as u64))
            });
            let shown = members.iter().map(|(key, value)| format!("{}:{}", text(key), show(value)));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
        }
    }
}

/// Forms made of pieces that mean something, so that names meet each other.
fn forms() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "a",
        "a",
        "a",
        "b",
        "0",
        "1",
        "",
        "__proto__",
        "constructor",
        "$x",
        "a.$y",
        "é",
        "%C3%A9",
        "%61",
        "%zz",
        "length",
    ]);
    let inside = prop::sample::select(vec![
        "",
        "",
        "b",
        "c",
        "0",
        "1",
        "2",
        "5",
        "19",
        "20",
        "25",
        "100",
        "01",
        "__proto__",
        "prototype",
        "$ne",
        "[x]",
        "%5B",
        "%ff",
        "é",
    ]);
    let close = prop::sample::select(vec!["]", "]", "]", "]", "]", "%5D", "%5d", "", "]z"]);
    let bracket = (prop::sample::select(vec!["[", "[", "[", "%5B"]), inside, close)
        .prop_map(|(open, inside, close)| format!("{open}{inside}{close}"));
    let value = prop::sample::select(vec![
        "", "=", "=1", "=2", "=x+y", "=%20", "=%", "=%C3%A9", "=%e9", "=b]=c", "==", "=é%zz",
        "=\"\\",
    ]);
    let part = (name, prop::collection::vec(bracket, 0..4), value, 1_usize..4).prop_map(
        |(name, brackets, value, times)| {
            vec![format!("{name}{}{value}", brackets.concat()); times.div_ceil(2)].join("&")
        },
    );
    prop::collection::vec(part, 1..7).prop_map(|parts| parts.join("&"))
}

fn extended(depth: usize, limit: usize, duplicates: &str) -> FormOptions {
    FormOptions::express_query(true)
        .with_depth(depth as f64)
        .and_then(|options| options.with_array_limit(limit as f64))
        .and_then(|options| options.with_duplicates(duplicates))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn equals_the_twin_of_qs(
        form in forms(), depth in 0_usize..5, limit in prop::sample::select(vec![0_usize, 1, 2, 3, 20]),
        duplicates in prop::sample::select(vec!["combine", "first", "last"]),
    ) {
        let options = extended(depth, limit, duplicates);
        let got = outcome(form.as_bytes(), Source::UTF_8, &options, &mut Scratch::new());
        prop_assert_eq!(got, show(&qs(&form, depth, limit, duplicates)));
    }

    #[test]
    fn equals_the_twin_with_rules_and_pollution(form in forms(), limit in 0_usize..4, hpp: bool) {
        let options = extended(5, limit, "combine")
            .with_rules(Rules::default())
            .with_hpp(hpp.then(HppOptions::default));
        let got = outcome(form.as_bytes(), Source::UTF_8, &options, &mut Scratch::new());
        let tree = qs(&form, 5, limit, "combine");
        let tree = sanitize(tree);
        prop_assert_eq!(got, show(&if hpp { separate(tree) } else { tree }));
    }

    #[test]
    fn equals_the_twin_of_querystring(form in forms().prop_map(|form| form.replace('é', "e"))) {
        let options = FormOptions::express_query(false);
        let got = outcome(form.as_bytes(), Source::URL, &options, &mut Scratch::new());
        prop_assert_eq!(got, show(&simple(&form)));
    }

    #[test]
    fn any_bytes_give_clean_json_or_a_refusal(
        bytes in prop::collection::vec(
            prop_oneof![prop::sample::select(b"[]=&%+.$_5BbDd0a\"\\".to_vec()), any::<u8>()], 0..200,
        ),
        numbers in prop::collection::vec(any::<u8>(), 6),
    ) {
        let mut scratch = Scratch::new();
        for number in numbers {
            super::super::oracle::check(number, &bytes, &mut scratch);
        }
    }

    #[test]
    fn any_names_give_clean_json_or_a_refusal(form in forms(), number: u8) {
        super::super::oracle::check(number, form.as_bytes(), &mut Scratch::new());
    }
}
