//! The set-up calls of `securityHeaders`, and the one check of values that functions return per response.
#![expect(clippy::needless_pass_by_value, reason = "the derive hands options over by value")]

mod input;
mod output;

use super::error::SetupError;
use super::hooks;
use super::hot::{Arguments, BadArgument, HotFunction, HotHandle, Reply};
use crate::client_key::AddressRanges;
use crate::security_headers as core;
use input::{SecurityHeadersInput, parse_preset};
use napi_derive::napi;
use output::{DefaultDirective, HeaderPlan, PlannedHeader, ProxyRange};
use std::cell::RefCell;
use std::ffi::CStr;
use std::net::IpAddr;

/// Checks the options and compiles them.
///
/// # Errors
/// The codes of [`ErrorCode`], each with the option's path.
#[napi(catch_unwind)]
pub fn compile_security_headers(input: SecurityHeadersInput) -> Result<HeaderPlan, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let plan = core::compile(&core::Options::try_from(input)?)?;
    Ok(HeaderPlan {
        secure: plan.secure.into_iter().map(PlannedHeader::from).collect(),
        plain: plan.plain.into_iter().map(PlannedHeader::from).collect(),
        removed: plan.removed,
        has_nonce: plan.has_nonce,
    })
}

/// The directives a preset starts from.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` for an unknown preset.
#[napi(catch_unwind)]
pub fn default_csp_directives(preset: String) -> Result<Vec<DefaultDirective>, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let directives = core::default_directives(parse_preset(&preset)?).iter();
    let split = |sources: &str| sources.split_ascii_whitespace().map(str::to_owned).collect();
    Ok(directives
        .map(|(name, sources)| DefaultDirective {
            name: (*name).to_owned(),
            sources: split(sources),
        })
        .collect())
}

/// The value of `Clear-Site-Data`.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` for an unknown, repeated or missing type.
#[napi(catch_unwind)]
pub fn clear_site_data_value(types: Vec<String>) -> Result<String, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    Ok(core::clear_site_data(&types)?)
}

/// Addresses, CIDR ranges and names of ranges as ranges.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` for text that is none, and for a range of everybody.
#[napi(catch_unwind)]
pub fn parse_proxy_ranges(list: Vec<String>) -> Result<Vec<ProxyRange>, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let ranges = AddressRanges::compile("trustProxy", &list)?;
    let shown = |(first, last): (IpAddr, IpAddr)| ProxyRange {
        family: if first.is_ipv4() { "ipv4" } else { "ipv6" }.to_owned(),
        first: first.to_string(),
        last: last.to_string(),
    };
    Ok(ranges.bounds().map(shown).collect())
}

/// `check(directive, value)`: 1 when a function may add the value to the directive, else 0.
pub struct CheckSource {
    buffer: RefCell<Vec<u16>>,
}

impl HotFunction for CheckSource {
    const NAME: &'static CStr = c"checkSource";
    const OUT: usize = 0;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number comes from the plan; any other finds no directive"
    )]
    fn call(&self, arguments: &Arguments<'_>, _out: &mut [f64]) -> Result<Reply, BadArgument> {
        let mut buffer = self.buffer.borrow_mut();
        let directive = core::DIRECTIVES.get(arguments.number(0)? as usize);
        let value = String::from_utf16_lossy(arguments.utf16(1, &mut buffer)?);
        let is_accepted =
            directive.is_some_and(|directive| core::accepts_request_value(directive.name, &value));
        Ok(Reply::Number(f64::from(u8::from(is_accepted))))
    }
}

/// Makes the function that judges values of per-request functions.
#[napi(catch_unwind, ts_return_type = "(directive: number, value: string) => number")]
#[must_use]
pub fn create_csp_checker() -> HotHandle<CheckSource> {
    hooks::crossing(hooks::Kind::Config);
    HotHandle(CheckSource { buffer: RefCell::default() })
}
