use super::*;

fn input(limit: f64) -> PolicyInput {
    PolicyInput { limit, ..PolicyInput::default() }
}

#[test]
fn a_limit_alone_is_a_sliding_minute() {
    let policy = Policy::try_from(input(5.0)).unwrap();
    assert_eq!(policy, super::policy("sliding-window", 5, 60_000));
    assert_eq!((policy.capacity(), policy.block_ms()), (5, 0));
}

#[test]
fn refuses_numbers_out_of_range_s19() {
    let gcra = || PolicyInput { algorithm: Some("gcra".to_owned()), ..input(1.0) };
    for number in [1.5, -1.0, f64::NAN, f64::INFINITY, 4e10] {
        let cases = [
            ("limit", input(number)),
            ("windowMs", PolicyInput { window_ms: Some(number), ..input(1.0) }),
            ("blockMs", PolicyInput { block_ms: Some(number), ..input(1.0) }),
            ("burst", PolicyInput { burst: Some(number), ..gcra() }),
        ];
        for (path, input) in cases {
            let error = Policy::try_from(input).unwrap_err();
            assert_eq!((error.path.as_str(), error.code), (path, ErrorCode::OptionValue));
        }
    }
    for number in [0.0, 0.5] {
        let input = PolicyInput { window_ms: Some(number), ..input(1.0) };
        assert_eq!(Policy::try_from(input).unwrap_err().path, "windowMs");
    }
}

#[test]
fn refuses_an_unknown_algorithm_and_names_the_known_ones() {
    let input = PolicyInput { algorithm: Some("token-bucket".to_owned()), ..input(1.0) };
    let error = Policy::try_from(input).unwrap_err();
    assert_eq!(error.path, "algorithm");
    assert!(error.message.contains("'fixed-window', 'sliding-window', 'gcra'"), "{error}");
}

#[test]
fn refuses_a_burst_that_cannot_be() {
    for algorithm in ["fixed-window", "sliding-window"] {
        let error = try_made(algorithm, 1, 1000, Some(5), 0).unwrap_err();
        assert_eq!((error.path.as_str(), error.code), ("burst", ErrorCode::OptionConflict));
    }
    let years = try_made("gcra", 1, 31_536_000_000, Some(11), 0).unwrap_err();
    assert_eq!((years.path.as_str(), years.code), ("burst", ErrorCode::OptionConflict));
    assert_eq!(made("gcra", 1, 31_536_000_000, Some(10), 0).capacity(), 10);
    assert_eq!(try_made("gcra", 5, 1000, Some(0), 0).unwrap_err().path, "burst");
}

#[test]
fn another_limit_keeps_everything_else() {
    let own = made("gcra", 5, 1000, Some(9), 7);
    assert_eq!(own.with_limit(6), made("gcra", 6, 1000, Some(9), 7));
    assert_eq!(policy("gcra", 5, 1000).with_limit(6).capacity(), 6);
    assert_eq!(policy("gcra", 5, 1000).with_limit(u32::MAX).limit(), i32::MAX.unsigned_abs());
}

fn limiter(policies: Vec<PolicyInput>) -> Result<Limiter, crate::error::ConfigError> {
    let input = LimiterInput { policies, ..LimiterInput::default() };
    Limiter::new(&input, ProcessStore::shared())
}

#[test]
fn a_limiter_says_which_of_its_policies_is_wrong() {
    let error = limiter(vec![input(1.0), input(0.5)]).err().unwrap();
    assert_eq!(error.path, "policies[1].limit");
    assert_eq!(limiter(vec![input(0.5)]).err().unwrap().path, "limit");
    for count in [0, 17] {
        assert_eq!(limiter(vec![input(1.0); count]).err().unwrap().path, "policies");
    }
    assert_eq!(limiter(vec![input(1.0); 16]).unwrap().policies().len(), 16);
}

#[test]
fn a_limiter_refuses_two_policies_of_one_name() {
    let named = |name: &str| PolicyInput { name: Some(name.to_owned()), ..input(1.0) };
    let error = limiter(vec![named("a"), named("b"), named("a")]).err().unwrap();
    assert_eq!((error.path.as_str(), error.code), ("policies[2].name", ErrorCode::OptionConflict));
    assert!(limiter(vec![named("a"), named("b"), input(1.0), input(1.0)]).is_ok());
}

#[test]
fn a_limiter_refuses_numbers_out_of_range_s19() {
    for number in [0.0, -1.0, 1.5, f64::NAN, f64::INFINITY, 1e9] {
        let policies = vec![input(1.0)];
        let prefix = LimiterInput { ipv6_prefix: Some(number), ..LimiterInput::default() };
        let keys = LimiterInput { max_keys: Some(number), ..LimiterInput::default() };
        for (input, path) in [(prefix, "ipv6Prefix"), (keys, "maxKeys")] {
            let input = LimiterInput { policies: policies.clone(), ..input };
            assert_eq!(Limiter::new(&input, ProcessStore::shared()).err().unwrap().path, path);
        }
    }
}
