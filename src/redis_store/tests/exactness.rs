//! The scripts against the pure functions, which are themselves checked against the naive model, and
//! against that model.

use super::server::{Client, Server};
use crate::rate_limit::joint::{self, Share};
use crate::rate_limit::model::{self, Model};
use crate::rate_limit::{Decision, Policy, PolicyInput, Portable, State, algorithm};
use crate::redis_store::answer::Answer;
use crate::redis_store::command::Wire;
use crate::redis_store::counter;
use crate::redis_store::queue::Part;
use crate::redis_store::reply::Reply;
use crate::redis_store::rule::{self, Operation};
use crate::redis_store::scripts::{CHANGE, HIT, Script};
use std::collections::HashMap;

/// A small generator of numbers, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0 >> 11) * u128::from(end)) >> 53) as u64
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// The script on a clock that the test moves: the time is the last argument, and keys outlive the test.
fn on_given_time(script: &Script) -> String {
    let clock = "local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000";
    let expiry = "'PX', ends - now)";
    let lifetime = "'PEXPIRE', key, lifetime)";
    assert!(script.text.contains(clock) && script.text.contains(expiry));
    assert_eq!(script.text.contains(lifetime), script.name == HIT.name);
    script
        .text
        .replace(clock, "local now = tonumber(ARGV[#ARGV])")
        .replace(expiry, "'PX', ends - now + 3600000)")
        .replace(lifetime, "'PEXPIRE', key, lifetime + 3600000)")
}

fn load(client: &mut Client, text: &str) -> String {
    client.words(&["SCRIPT", "LOAD", text]).text().expect("the script compiles").to_owned()
}

fn policy(
    algorithm: &str,
    limit: f64,
    window_ms: f64,
    block_ms: f64,
    burst: Option<f64>,
) -> Policy {
    Policy::try_from(PolicyInput {
        algorithm: Some(algorithm.to_owned()),
        limit,
        window_ms: Some(window_ms),
        block_ms: Some(block_ms),
        burst,
        name: None,
    })
    .expect("a good policy")
}

/// Policies at both ends of what is allowed, and between.
fn policies() -> Vec<Policy> {
    let mut policies = Vec::new();
    for name in ["fixed-window", "sliding-window", "gcra"] {
        for (limit, window_ms) in [
            (5.0, 1000.0),
            (3.0, 7.0),
            (0.0, 100.0),
            (100.0, 60_000.0),
            (7.0, 31_536_000_000.0),
            (2_147_483_647.0, 31_536_000_000.0),
            (2_147_483_647.0, 1.0),
            (2_147_483_646.0, 86_399_999.0),
        ] {
            for block_ms in [0.0, 0.0, 1500.0] {
                policies.push(policy(name, limit, window_ms, block_ms, None));
            }
        }
    }
    policies.push(policy("gcra", 10.0, 1000.0, 0.0, Some(1.0)));
    policies.push(policy("gcra", 10.0, 997.0, 30.0, Some(50.0)));
    policies.push(policy("gcra", 1_000_000_007.0, 31_535_999_999.0, 0.0, Some(2_147_483_647.0)));
    policies.push(policy("gcra", 3.0, 31_535_999_999.0, 0.0, Some(29.0)));
    policies
}

/// One key of the test's, with what it must be.
struct Cell {
    name: String,
    policy: Policy,
    state: State,
    model: Model,
    /// Whether only what the model knows happened: it has no limit that changes.
    is_plain: bool,
}

fn cells() -> Vec<Cell> {
    let cell = |(index, policy): (usize, Policy)| Cell {
        name: format!("test:{index}"),
        policy,
        state: State::default(),
        model: Model::new(&policy),
        is_plain: true,
    };
    policies().into_iter().enumerate().map(cell).collect()
}

/// A hit of the batch: how often, and of which cells under which limit and cost.
struct Hit {
    times: u64,
    parts: Vec<(usize, Policy, u32)>,
}

fn roll_cost(dice: &mut Dice, policy: &Policy) -> u32 {
    let limit = u64::from(policy.limit());
    let cost = match dice.below(20) {
        0 => 0,
        1 => dice.of(&[1 << 31, (1 << 31) - 1]),
        2..6 => dice.below(limit + 2),
        6..12 => dice.below(limit / 3 + 2),
        12 => limit,
        _ => 1 + dice.below(3),
    };
    u32::try_from(cost).unwrap()
}

fn roll_hit(dice: &mut Dice, cells: &mut [Cell], recent: &[usize]) -> Hit {
    let times = dice.of(&[1, 1, 1, 2, 3, 10, 1000]);
    let count = dice.of(&[1, 1, 1, 2, 3]);
    roll_parts(dice, cells, recent, (times, count))
}

/// A hit for which counting suffices.
fn roll_counted(dice: &mut Dice, cells: &mut [Cell], recent: &[usize]) -> Hit {
    let times = dice.of(&[1, 1, 1, 2, 3, 10, 1000]);
    loop {
        let hit = roll_parts(dice, cells, recent, (times, 1));
        let (index, policy, cost) = hit.parts[0];
        let (key, amount) = (cells[index].name.as_bytes(), cost.into());
        let part = [Part { key, policy, amount, position: 0 }];
        if counter::suffices(&part) && times <= counter::max_times(&part) as u64 {
            return hit;
        }
    }
}

fn roll_parts(
    dice: &mut Dice,
    cells: &mut [Cell],
    recent: &[usize],
    (times, count): (u64, usize),
) -> Hit {
    let mut parts: Vec<(usize, Policy, u32)> = Vec::new();
    while parts.len() < count {
        let index = dice.of(recent);
        if parts.iter().any(|(known, ..)| *known == index) {
            continue;
        }
        let mut policy = cells[index].policy;
        if dice.below(200) == 0 {
            let limit = dice.of(&[0, 1, 2, 50, 2_147_483_647]);
            policy = policy.with_limit(limit);
            cells[index].is_plain = false;
        }
        parts.push((index, policy, roll_cost(dice, &policy)));
    }
    Hit { times, parts }
}

/// The cells of each policy for which counting suffices: two without a block and one with it.
fn counted_cells(cells: &[Cell]) -> Vec<[usize; 3]> {
    let part = |policy| Part { key: b"", policy, amount: 1, position: 0 };
    let suffices = |index: &usize| counter::suffices(&[part(cells[*index].policy)]);
    let counted: Vec<usize> = (0..cells.len()).filter(suffices).collect();
    counted.chunks(3).map(|of| [of[0], of[1], of[2]]).collect()
}

/// A few keys at a time, so that they fill up.
fn roll_recent(dice: &mut Dice, count: u64) -> Vec<usize> {
    let recent: Vec<usize> = (0..5).map(|_| dice.below(count) as usize).collect();
    let different: std::collections::HashSet<_> = recent.iter().collect();
    if different.len() > 3 { recent } else { (0..5).collect() }
}

/// The command for these hits, each with its rules written anew.
fn encode(sha: &str, cells: &[Cell], hits: &[Hit], is_counting: bool, now_ms: u64) -> Wire {
    let keys: Vec<usize> = hits.iter().flat_map(|hit| &hit.parts).map(|part| part.0).collect();
    let has_repeats = keys.iter().enumerate().any(|(at, key)| keys[..at].contains(key));
    let mut words: Vec<Vec<u8>> =
        vec![b"EVALSHA".to_vec(), sha.into(), keys.len().to_string().into()];
    words.extend(keys.iter().map(|key| cells[*key].name.clone().into_bytes()));
    words.push(keys.len().to_string().into());
    words.push(match (is_counting, has_repeats) {
        (true, _) => b"2".to_vec(),
        (false, true) => b"1".to_vec(),
        (false, false) => b"0".to_vec(),
    });
    for (_, policy, cost) in hits.iter().flat_map(|hit| &hit.parts) {
        let before = words.len();
        rule::write_hit(policy, *cost, |argument| words.push(argument.to_vec()));
        assert_eq!(words.len() - before, rule::arguments(policy));
        if is_counting {
            counter::write_rule(policy, *cost, |argument| words.push(argument.to_vec()));
        }
    }
    let mut number: u64 = 0;
    for hit in hits {
        for part in 0..hit.parts.len() {
            number += 1;
            if is_counting {
                words.extend([number, number, hit.times].map(|word| word.to_string().into()));
                continue;
            }
            let plan = match (part, hit.times, hit.parts.len()) {
                (0, 1, 1) => format!("{number}"),
                (0, times, 1) => format!("{number} {times}"),
                (0, times, size) => format!("{number} {times} {size}"),
                _ => format!("{number}"),
            };
            words.push(plan.into_bytes());
        }
    }
    words.push(now_ms.to_string().into_bytes());
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    Wire::of(&words)
}

fn numbers(reply: &Reply) -> Vec<Option<u64>> {
    assert!(!matches!(reply, Reply::Error(_)), "{reply:?}");
    reply.elements().iter().map(|number| number.number()?.try_into().ok()).collect()
}

/// What the state is at this time, as the script tells it.
fn at(state: State, policy: &Policy, now_ms: u64) -> Portable {
    let is_over = crate::rate_limit::state::expires_at_ms(state) <= now_ms;
    if is_over { Portable::Nothing } else { Portable::from_state(state, policy.algorithm()) }
}

fn replay(cells: &mut [Cell], hit: &Hit, now_ms: u64) {
    let mut states: Vec<State> = hit.parts.iter().map(|part| cells[part.0].state).collect();
    for _ in 0..hit.times {
        let shares = hit.parts.iter().map(|(_, policy, cost)| Share { policy, cost: *cost });
        let mut decisions = vec![Decision::default(); states.len()];
        joint::decide(&mut states, shares, now_ms, &mut decisions);
        if hit.parts.iter().all(|part| cells[part.0].is_plain) && hit.times <= 10 {
            let mut models: Vec<Model> =
                hit.parts.iter().map(|part| cells[part.0].model.clone()).collect();
            let mut pairs: Vec<_> =
                models.iter_mut().zip(&hit.parts).map(|(model, part)| (model, part.2)).collect();
            assert_eq!(model::hit_jointly(&mut pairs, now_ms), decisions);
            for (model, part) in models.into_iter().zip(&hit.parts) {
                cells[part.0].model = model;
            }
        } else {
            for part in &hit.parts {
                cells[part.0].is_plain = false;
            }
        }
    }
    for (state, part) in states.into_iter().zip(&hit.parts) {
        cells[part.0].state = state;
    }
}

fn roll_time(dice: &mut Dice, now_ms: u64, policy: &Policy) -> u64 {
    let window = policy.window_ms();
    match dice.below(12) {
        0..5 => now_ms,
        5..7 => now_ms + 1 + dice.below(3),
        7..9 => now_ms + dice.below(window.min(100_000) + 1),
        9 => now_ms + window / 2,
        10 => now_ms - dice.below(200),
        _ => now_ms + dice.of(&[window, 2 * window, 1500]),
    }
}

/// Checks the states that the script told of these hits, and does what it did: first what it only counted.
/// Returns how many it was told of each kind.
fn check(
    answer: &mut Answer<'_, impl Iterator<Item = Option<u64>>>,
    cells: &mut [Cell],
    hits: &[Hit],
    is_counting: bool,
) -> Vec<&'static str> {
    let now_ms = answer.now_ms;
    let mut seen = Vec::new();
    let mut decided = Vec::new();
    for hit in hits {
        let (index, policy, cost) = &hit.parts[0];
        let amount = hit.times * u64::from(*cost);
        let count = if is_counting { answer.number().expect("a counter") } else { 0 };
        let Some(state) = counter::read(count, policy, amount, now_ms).expect("a counter") else {
            decided.push(hit);
            continue;
        };
        let told = Portable::from_state(state, policy.algorithm());
        assert_eq!(told, at(cells[*index].state, policy, now_ms), "{now_ms} {policy:?}");
        seen.push("counted");
        replay(cells, hit, now_ms);
    }
    for hit in decided {
        for (index, policy, _) in &hit.parts {
            let told = answer.state(policy).expect("a state");
            let told = Portable::from_state(told, policy.algorithm());
            assert_eq!(told, at(cells[*index].state, policy, now_ms), "{now_ms} {policy:?}");
            seen.push(name_of(told));
            seen.extend(is_counting.then_some("not counted"));
        }
        replay(cells, hit, now_ms);
    }
    seen
}

/// What the server does, but for these tests it would be too soon: a counter's end is known for some weeks.
fn forget_over(client: &mut Client, cells: &mut [Cell], now_ms: u64) {
    for Cell { name, policy, state, model, .. } in cells {
        if *state != State::default() && at(*state, policy, now_ms) == Portable::Nothing {
            client.words(&["DEL", name]);
            *state = State::default();
            model.reset();
        }
    }
}

const START_MS: u64 = 1_700_000_000_000;
const ROUNDS: usize = 9_000;

#[test]
fn the_scripts_do_what_the_pure_functions_do() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let (hit_sha, change_sha) =
        (load(&mut client, &on_given_time(&HIT)), load(&mut client, &on_given_time(&CHANGE)));
    let mut dice = Dice(20_261_120);
    let mut cells = cells();
    let (mut now_ms, mut operations) = (START_MS, 0_u64);
    let mut seen: HashMap<&str, u64> = HashMap::new();
    let by_counter = counted_cells(&cells);
    for _ in 0..ROUNDS {
        let recent = roll_recent(&mut dice, cells.len() as u64);
        let counted = dice.of(&by_counter);
        let index = if dice.below(3) == 0 { dice.of(&counted) } else { dice.of(&recent) };
        let before_ms = now_ms;
        now_ms = roll_time(&mut dice, now_ms, &cells[index].policy).min(8_000_000_000_000);
        if now_ms == 8_000_000_000_000 {
            now_ms = START_MS;
            client.words(&["FLUSHALL"]);
            cells = self::cells();
        }
        if now_ms > before_ms + 60_000 {
            forget_over(&mut client, &mut cells, now_ms);
        }
        let is_counting = dice.below(3) == 0;
        let hits: Vec<Hit> = (0..=dice.below(10))
            .map(|_| {
                let roll = if is_counting { roll_counted } else { roll_hit };
                roll(&mut dice, &mut cells, if is_counting { &counted } else { &recent })
            })
            .collect();
        let wire = encode(&hit_sha, &cells, &hits, is_counting, now_ms);
        let reply = numbers(&client.send(&wire));
        let mut reply = reply.into_iter();
        let mut answer = Answer::open(&mut reply, now_ms).expect("the time");
        for kind in check(&mut answer, &mut cells, &hits, is_counting) {
            *seen.entry(kind).or_default() += 1;
        }
        for (index, ..) in hits.iter().flat_map(|hit| &hit.parts) {
            let lasts = client.words(&["PTTL", &cells[*index].name]).number();
            assert_ne!(lasts, Some(-1), "a key without an end");
        }
        let sizes = hits.iter().map(|hit| hit.times * hit.parts.len() as u64);
        operations += sizes.sum::<u64>();
        answer.end().expect("no more");
        operations += 3;
        for _ in 0..3 {
            change(&mut client, &mut dice, &mut cells, index, now_ms, &change_sha);
        }
    }
    assert!(operations > 100_000, "{operations}");
    for kind in ["nothing", "fixed", "sliding", "gcra", "block", "counted", "not counted"] {
        assert!(seen[kind] > 100, "{seen:?}");
    }
}

const fn name_of(portable: Portable) -> &'static str {
    match portable {
        Portable::Nothing => "nothing",
        Portable::Fixed { .. } => "fixed",
        Portable::Sliding { .. } => "sliding",
        Portable::Gcra { .. } => "gcra",
        Portable::Block { .. } => "block",
    }
}

/// One run of the script `change` on one key.
fn change(
    client: &mut Client,
    dice: &mut Dice,
    cells: &mut [Cell],
    index: usize,
    now_ms: u64,
    sha: &str,
) {
    let Cell { name, policy, state, model, is_plain } = &mut cells[index];
    let operation = Operation::from_number(1 + dice.below(6)).expect("an operation");
    let points = roll_cost(dice, policy);
    let amount = match operation {
        Operation::Block => dice.of(&[0, 1, 1000, 3_153_600_000_000]) % 3_153_600_000_001,
        _ => u64::from(points),
    };
    // Blocks of a hundred years would be all there is.
    if operation == Operation::Block && dice.below(20) > 0 {
        return;
    }
    let back = [0, 1, policy.window_ms() - 1, policy.window_ms(), 2 * policy.window_ms() - 1];
    let hit_ms = now_ms - dice.of(&back).min(now_ms - 1);
    let mut words: Vec<Vec<u8>> =
        vec![b"EVALSHA".to_vec(), sha.into(), b"1".to_vec(), name.clone().into_bytes()];
    rule::write_change(operation, policy, amount, hit_ms, |word| words.push(word.to_vec()));
    words.push(now_ms.to_string().into_bytes());
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let reply = numbers(&client.send(&Wire::of(&words)));
    let mut reply = reply.into_iter();
    let mut answer = Answer::open(&mut reply, now_ms).expect("the time");
    let told = answer.state(policy).expect("a state");
    answer.end().expect("no more");
    let told = Portable::from_state(told, policy.algorithm());
    assert_eq!(told, at(*state, policy, now_ms), "{operation:?} {policy:?}");
    match operation {
        Operation::Refund => {
            *state = algorithm::refund(*state, policy, points, hit_ms, now_ms);
            model.refund(points, hit_ms, now_ms);
        }
        Operation::Penalty => {
            *state = algorithm::penalty(*state, policy, points, now_ms);
            model.penalize(points, now_ms);
        }
        Operation::Reward => {
            *state = algorithm::reward(*state, policy, points, now_ms);
            model.reward(points, now_ms);
        }
        Operation::Block => {
            *state = algorithm::block(*state, policy, amount, now_ms);
            model.block(amount, now_ms);
        }
        Operation::Peek => {
            if *is_plain {
                assert_eq!(algorithm::peek(*state, policy, now_ms), model.peek(now_ms));
            }
        }
        Operation::Reset => {
            *state = State::default();
            model.reset();
        }
    }
}
