//! The compiled result: what is sent over https, what is sent over plain http, and what is taken away.

use super::csp::Policy;
use super::csp_template::Template;
use super::options::{Options, PermissionsOptions, PolicyOptions, Preset, Setting};
use super::reporting::Endpoints;
use super::{caching, integrity, permissions, removal, tokens, transport};
use crate::error::ConfigError;

/// Every header that can be sent, in the order it is sent: helmet's order, then what helmet lacks.
pub const ORDER: [&str; 24] = [
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-embedder-policy",
    "cross-origin-embedder-policy-report-only",
    "cross-origin-opener-policy",
    "cross-origin-opener-policy-report-only",
    "cross-origin-resource-policy",
    "origin-agent-cluster",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-xss-protection",
    "permissions-policy",
    "permissions-policy-report-only",
    "integrity-policy",
    "integrity-policy-report-only",
    "document-isolation-policy",
    "document-isolation-policy-report-only",
    "reporting-endpoints",
    "cache-control",
];

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One fixed line.
    Text(String),
    /// Several fixed lines: one for each policy.
    Lines(Vec<String>),
    /// Policies with slots, one line each.
    Templates(Vec<Template>),
}

/// A header of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Lower case.
    pub name: &'static str,
    /// What it says.
    pub value: Value,
}

/// The compiled options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Sent when the request came over https.
    pub secure: Vec<Header>,
    /// Sent when it did not.
    pub plain: Vec<Header>,
    /// Lower-case names that no response carries.
    pub removed: Vec<String>,
    /// Whether a policy has a nonce in it.
    pub has_nonce: bool,
}

/// Checks the options and compiles them.
///
/// # Errors
/// [`ConfigError`] with the path of the first option that is wrong.
pub fn compile(options: &Options) -> Result<Plan, ConfigError> {
    let endpoints = Endpoints::new(&options.endpoints)?;
    let draft = Draft { options, endpoints };
    let enforced = draft.policies(&options.csp, options.preset, Policy::preset)?;
    // A report-only policy needs a place to report to, so no preset sends one by itself.
    let reported =
        draft.policies(&options.csp_report_only, options.preset, |_| Policy::default())?;
    let has_nonce = enforced.iter().chain(&reported).any(Policy::has_nonce);
    let fixed = draft.fixed_headers()?;
    let variant = |secure: bool| {
        let mut headers: Vec<Header> = fixed
            .iter()
            .filter(|header| secure || header.name != "strict-transport-security")
            .cloned()
            .collect();
        headers.extend(policy_header("content-security-policy", &enforced, secure));
        headers.extend(policy_header("content-security-policy-report-only", &reported, secure));
        headers.sort_by_key(|header| ORDER.iter().position(|name| *name == header.name));
        headers
    };
    let secure = variant(true);
    let plain = variant(!options.secure_only);
    let sent: Vec<&'static str> = secure.iter().map(|header| header.name).collect();
    let removed = removal::compile(&options.removal, options.preset, &sent)?;
    Ok(Plan { secure, plain, removed, has_nonce })
}

struct Draft<'a> {
    options: &'a Options,
    endpoints: Endpoints<'a>,
}

impl Draft<'_> {
    fn policies(
        &self,
        setting: &Setting<Vec<PolicyOptions>>,
        preset: Preset,
        by_preset: impl Fn(Preset) -> Policy,
    ) -> Result<Vec<Policy>, ConfigError> {
        let list = match setting {
            Setting::Off => return Ok(Vec::new()),
            Setting::Preset => return Ok(vec![by_preset(preset)]),
            Setting::On => return Ok(vec![Policy::preset(preset)]),
            Setting::Custom(list) => list,
        };
        let mut policies = Vec::with_capacity(list.len());
        for options in list {
            let policy = Policy::compile(options, preset)?;
            for name in policy.report_to() {
                let path = format!("{}.directives.reportTo", options.path);
                self.endpoints.require(&path, name)?;
            }
            policies.push(policy);
        }
        Ok(policies)
    }

    fn fixed_headers(&self) -> Result<Vec<Header>, ConfigError> {
        let options = self.options;
        let mut headers: Vec<Header> = Vec::with_capacity(ORDER.len());
        let mut push = |name: &'static str, value: Option<String>| {
            headers.extend(value.map(|text| Header { name, value: Value::Text(text) }));
        };
        for (name, value) in tokens::compile(&options.tokens, options.preset, &self.endpoints)? {
            push(name, Some(value));
        }
        push("referrer-policy", self.referrer()?);
        push("strict-transport-security", self.transport()?);
        push("permissions-policy", self.permissions("permissionsPolicy", &options.permissions)?);
        push(
            "permissions-policy-report-only",
            self.permissions("permissionsPolicyReportOnly", &options.permissions_report_only)?,
        );
        let integrity = |option: &str, setting| match setting {
            &Setting::Off | &Setting::Preset => Ok(None),
            &Setting::On => {
                integrity::compile(option, &super::IntegrityOptions::default(), &self.endpoints)
                    .map(Some)
            }
            Setting::Custom(custom) => {
                integrity::compile(option, custom, &self.endpoints).map(Some)
            }
        };
        push("integrity-policy", integrity("integrityPolicy", &options.integrity)?);
        push(
            "integrity-policy-report-only",
            integrity("integrityPolicyReportOnly", &options.integrity_report_only)?,
        );
        push("reporting-endpoints", self.endpoints.value());
        push("cache-control", self.cache_control()?);
        Ok(headers)
    }

    fn referrer(&self) -> Result<Option<String>, ConfigError> {
        match &self.options.referrer {
            Setting::Off => Ok(None),
            Setting::On | Setting::Preset => Ok(Some("no-referrer".to_owned())),
            Setting::Custom(tokens) => caching::referrer(tokens).map(Some),
        }
    }

    fn transport(&self) -> Result<Option<String>, ConfigError> {
        match (&self.options.transport, self.options.preset) {
            (Setting::Off, _) => Ok(None),
            (Setting::Preset, Preset::Strict) => Ok(Some(transport::two_years())),
            (Setting::On | Setting::Preset, _) => Ok(Some(transport::one_year())),
            (Setting::Custom(custom), _) => transport::compile(custom).map(Some),
        }
    }

    fn permissions(
        &self,
        option: &str,
        setting: &Setting<PermissionsOptions>,
    ) -> Result<Option<String>, ConfigError> {
        let by_preset = option == "permissionsPolicy" && self.options.preset == Preset::Strict;
        match setting {
            Setting::On => Ok(Some(permissions::owasp())),
            Setting::Preset => Ok(by_preset.then(permissions::owasp)),
            Setting::Off => Ok(None),
            Setting::Custom(custom) => {
                permissions::compile(option, custom, &self.endpoints).map(Some)
            }
        }
    }

    fn cache_control(&self) -> Result<Option<String>, ConfigError> {
        match (&self.options.cache_control, self.options.preset) {
            (Setting::Off, _) | (Setting::Preset, Preset::Web) => Ok(None),
            (Setting::On | Setting::Preset, _) => Ok(Some(caching::NO_STORE.to_owned())),
            (Setting::Custom(text), _) => caching::cache_control(text).map(Some),
        }
    }
}

fn policy_header(name: &'static str, policies: &[Policy], upgrade: bool) -> Option<Header> {
    let templates: Vec<Template> =
        policies.iter().filter_map(|policy| policy.template(upgrade)).collect();
    let lines: Option<Vec<String>> =
        templates.iter().map(|template| template.fixed().map(str::to_owned)).collect();
    let value = match (lines, templates.is_empty()) {
        (_, true) => return None,
        (Some(lines), _) => match <[String; 1]>::try_from(lines) {
            Ok([only]) => Value::Text(only),
            Err(several) => Value::Lines(several),
        },
        (None, _) => Value::Templates(templates),
    };
    Some(Header { name, value })
}
