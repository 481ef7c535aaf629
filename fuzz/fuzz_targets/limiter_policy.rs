//! The options of a limiter, and what is done with those that are taken: a policy holds its ranges, no time and no cost makes
//! the algorithms overflow, they do what the naive model does, and a state survives being told to Redis.
#![no_main]

use carapace::rate_limit::model::Model;
use carapace::rate_limit::state::{EMPTY, MAX_NOW_MS, State};
use carapace::rate_limit::{
    Algorithm, Limiter, LimiterInput, Policy, PolicyInput, Portable, algorithm,
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

const MOST: f64 = 2_147_483_647.0;
const YEAR_MS: f64 = 31_536_000_000.0;
const ODD: [f64; 12] = [
    0.0,
    1.0,
    -1.0,
    0.5,
    MOST,
    MOST + 1.0,
    YEAR_MS,
    YEAR_MS + 1.0,
    f64::NAN,
    f64::INFINITY,
    1e300,
    60_000.0,
];

fn number(bytes: &mut Unstructured<'_>) -> Result<f64> {
    Ok(match bytes.int_in_range(0..=3)? {
        0 => *bytes.choose(&ODD)?,
        1 => f64::from(bytes.arbitrary::<u8>()?),
        2 => f64::from(bytes.arbitrary::<u32>()?),
        _ => bytes.arbitrary()?,
    })
}

fn optional(bytes: &mut Unstructured<'_>) -> Result<Option<f64>> {
    if bytes.ratio(1, 3)? { number(bytes).map(Some) } else { Ok(None) }
}

fn policy_input(bytes: &mut Unstructured<'_>) -> Result<PolicyInput> {
    let name =
        *bytes.choose(&["fixed-window", "sliding-window", "gcra", "gcra", "leaky-bucket"])?;
    Ok(PolicyInput {
        name: None,
        algorithm: Some(name.to_owned()),
        limit: number(bytes)?,
        window_ms: optional(bytes)?,
        burst: optional(bytes)?,
        block_ms: optional(bytes)?,
    })
}

/// Whether the number is one of those that the option takes.
fn is_whole(number: f64, least: f64, most: f64) -> bool {
    number >= least && number <= most && number.floor() == number
}

/// The rules of the documentation, read again.
fn is_good(input: &PolicyInput) -> bool {
    let window = input.window_ms.unwrap_or(60_000.0);
    let is_gcra = input.algorithm.as_deref() == Some("gcra");
    // Ten years to recover.
    let recovers = |burst: f64| {
        burst as u128 * window as u128 <= 315_360_000_000 * input.limit.max(1.0) as u128
    };
    input.algorithm.as_deref() != Some("leaky-bucket")
        && is_whole(input.limit, 0.0, MOST)
        && is_whole(window, 1.0, YEAR_MS)
        && is_whole(input.block_ms.unwrap_or(0.0), 0.0, YEAR_MS)
        && input.burst.is_none_or(|burst| is_gcra && is_whole(burst, 1.0, MOST) && recovers(burst))
}

struct Check {
    policy: Policy,
    model: Model,
    state: State,
    now: u64,
    hits: Vec<(u32, u64)>,
}

impl Check {
    fn step(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let now = self.now;
        let points = bytes.arbitrary::<u32>()? >> bytes.int_in_range(1..=31)?;
        match bytes.int_in_range(0..=7)? {
            0..=2 => {
                let (state, found) = algorithm::hit(self.state, &self.policy, points, now);
                self.state = state;
                self.hits.push((points, now));
                assert_eq!(found, self.model.hit(points, now), "{:?}", self.policy);
            }
            3 => {
                let Ok((cost, then)) = bytes.choose(&self.hits).copied() else { return Ok(()) };
                self.state = algorithm::refund(self.state, &self.policy, cost, then, now);
                self.model.refund(cost, then, now);
            }
            4 => {
                self.state = algorithm::penalty(self.state, &self.policy, points, now);
                self.model.penalize(points, now);
            }
            5 => {
                self.state = algorithm::reward(self.state, &self.policy, points, now);
                self.model.reward(points, now);
            }
            6 => {
                self.state = algorithm::block(self.state, &self.policy, points.into(), now);
                self.model.block(points.into(), now);
            }
            _ => {
                let milliseconds = bytes.arbitrary::<u64>()? >> bytes.int_in_range(20..=63)?;
                self.now = (now + milliseconds).min(MAX_NOW_MS);
            }
        }
        self.compare();
        Ok(())
    }

    fn compare(&self) {
        let found = algorithm::peek(self.state, &self.policy, self.now);
        assert_eq!(found, self.model.peek(self.now), "{:?}", self.policy);
        let told = Portable::from_state(self.state, self.policy.algorithm());
        let heard = algorithm::peek(told.to_state(), &self.policy, self.now);
        assert_eq!(heard, found, "{told:?}");
    }
}

fn check(data: &[u8]) -> Result<()> {
    let mut bytes = Unstructured::new(data);
    let input = policy_input(&mut bytes)?;
    let made = Policy::try_from(input.clone());
    assert_eq!(made.is_ok(), is_good(&input), "{input:?}");
    let limiter = LimiterInput {
        policies: vec![input.clone()],
        max_keys: optional(&mut bytes)?,
        ipv6_prefix: None,
    };
    let has_keys = limiter.max_keys.is_none_or(|keys| is_whole(keys, 1.0, 1e8));
    assert_eq!(Limiter::check(&limiter).is_ok(), made.is_ok() && has_keys);
    let Ok(policy) = made else { return Ok(()) };
    assert_eq!(f64::from(policy.limit()), input.limit);
    assert!(policy.algorithm() == Algorithm::Gcra || policy.capacity() == policy.limit());

    let now = bytes.arbitrary::<u64>()? % (MAX_NOW_MS + 1);
    let model = Model::new(&policy);
    let mut check = Check { policy, model, state: EMPTY, now, hits: Vec::new() };
    for _ in 0..48 {
        if bytes.is_empty() {
            break;
        }
        check.step(&mut bytes)?;
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Bytes that end early are no case.
    let _ = check(data);
});
