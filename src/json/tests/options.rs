//! Options that cannot be used are refused with their path.

use super::super::*;
use super::{action, allowing, replacing};
use crate::error::ErrorCode;

type Change = fn(&mut JsonOptions);
type Field = fn(&mut JsonOptions) -> &mut Option<f64>;

#[test]
fn refuses_numbers_that_are_no_limit() {
    let fields: [(&str, Field); 5] = [
        ("maxDepth", |options| &mut options.max_depth),
        ("maxKeys", |options| &mut options.max_keys),
        ("maxElements", |options| &mut options.max_array_elements),
        ("maxKeyLength", |options| &mut options.max_key_bytes),
        ("maxNumberLength", |options| &mut options.max_number_length),
    ];
    for (path, field) in fields {
        for value in [f64::NAN, -1.0, -0.5, 1.5, 2_147_483_649.0, f64::NEG_INFINITY, 1e300] {
            let mut options = JsonOptions::default();
            *field(&mut options) = Some(value);
            let error = Rules::try_from(&options).unwrap_err();
            assert_eq!(
                (error.code, error.path.as_str()),
                (ErrorCode::OptionValue, path),
                "{value}"
            );
        }
        for value in [0.0, -0.0, 1.0, 2_147_483_648.0, f64::INFINITY] {
            let mut options = JsonOptions::default();
            *field(&mut options) = Some(value);
            assert!(Rules::try_from(&options).is_ok(), "{path} {value}");
        }
    }
}

#[test]
fn refuses_actions_policies_and_patterns_that_do_not_exist() {
    let cases: [(&str, ErrorCode, Change); 13] = [
        ("proto.action", ErrorCode::OptionValue, |it| it.proto = action("remove")),
        ("nul.action", ErrorCode::OptionValue, |it| it.nul = action("")),
        ("operator.action", ErrorCode::OptionConflict, |it| it.operator = action("replace")),
        ("proto.replaceWith", ErrorCode::OptionConflict, |it| it.proto = replacing("_")),
        ("nul.replaceWith", ErrorCode::OptionConflict, |it| it.nul = replacing("_")),
        ("operator.replaceWith", ErrorCode::OptionValue, |it| it.operator = replacing("")),
        ("operator.replaceWith", ErrorCode::OptionValue, |it| it.operator = replacing("$")),
        ("dotted.replaceWith", ErrorCode::OptionValue, |it| it.dotted = replacing("a.b")),
        ("dotted.replaceWith", ErrorCode::OptionConflict, |it| {
            it.dotted = RuleOptions { action: Some("strip".into()), ..replacing("_") };
        }),
        ("duplicateKeys", ErrorCode::OptionValue, |it| it.duplicate_keys = Some("error".into())),
        ("operator.allow[1]", ErrorCode::OptionValue, |it| it.operator = allowing(&["/a", "b"])),
        ("operator.allow[0]", ErrorCode::OptionValue, |it| it.operator = allowing(&["/a~2"])),
        ("nul.allow[0]", ErrorCode::OptionValue, |it| it.nul = allowing(&[""])),
    ];
    for (path, code, change) in cases {
        let mut options = JsonOptions::default();
        change(&mut options);
        let error = Rules::try_from(&options).unwrap_err();
        assert_eq!((error.path.as_str(), error.code), (path, code), "{error}");
    }
}

#[test]
fn absent_options_keep_the_base() {
    let rules = JsonOptions::default().apply_to(Rules::permissive()).unwrap();
    assert_eq!(rules, Rules::permissive());
    assert_eq!(Rules::try_from(&JsonOptions::default()).unwrap(), Rules::default());
}

#[test]
fn defaults_are_those_of_the_design() {
    let rules = Rules::default();
    let limits = Limits {
        depth: 64,
        keys: 10_000,
        array_elements: 100_000,
        key_bytes: 1_024,
        number_length: 400,
    };
    assert_eq!(*rules.limits(), limits);
    assert_eq!(rules.duplicates(), DuplicatePolicy::Reject);
    for (rule, action) in [
        (Rule::Proto, Action::Strip),
        (Rule::Operator, Action::Strip),
        (Rule::Dotted, Action::Off),
        (Rule::Nul, Action::Reject),
        (Rule::Duplicate, Action::Reject),
    ] {
        assert_eq!(*rules.action(rule), action);
    }
}
