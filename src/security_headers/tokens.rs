//! The headers whose value is one token of a fixed list: one table, one rule.

use super::options::{Preset, Setting, TokenOption, TokenValue};
use super::reporting::Endpoints;
use super::text::{choices, nearest, quote, unknown_name};
use crate::error::{ConfigError, ErrorCode};

/// One header of the table.
#[derive(Debug)]
pub struct TokenHeader {
    /// The option's name.
    pub option: &'static str,
    /// The header's name, lower case.
    pub name: &'static str,
    /// What may be asked for; empty if the header has one value only.
    pub allowed: &'static [&'static str],
    /// What `true` means.
    pub default: &'static str,
    /// What the presets web, api and strict send.
    pub presets: [Option<&'static str>; 3],
    /// Whether violations can be reported to an endpoint.
    pub reports: bool,
}

const COEP: &[&str] = &["require-corp", "credentialless", "unsafe-none"];
const COOP: &[&str] =
    &["same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"];
const DIP: &[&str] = &["isolate-and-require-corp", "isolate-and-credentialless", "none"];

/// The table.
pub const TOKEN_HEADERS: [TokenHeader; 14] = [
    TokenHeader {
        option: "crossOriginEmbedderPolicy",
        name: "cross-origin-embedder-policy",
        allowed: COEP,
        default: "require-corp",
        presets: [None, None, Some("require-corp")],
        reports: true,
    },
    TokenHeader {
        option: "crossOriginEmbedderPolicyReportOnly",
        name: "cross-origin-embedder-policy-report-only",
        allowed: COEP,
        default: "require-corp",
        presets: [None; 3],
        reports: true,
    },
    TokenHeader {
        option: "crossOriginOpenerPolicy",
        name: "cross-origin-opener-policy",
        allowed: COOP,
        default: "same-origin",
        presets: [Some("same-origin"), None, Some("same-origin")],
        reports: true,
    },
    TokenHeader {
        option: "crossOriginOpenerPolicyReportOnly",
        name: "cross-origin-opener-policy-report-only",
        allowed: COOP,
        default: "same-origin",
        presets: [None; 3],
        reports: true,
    },
    TokenHeader {
        option: "crossOriginResourcePolicy",
        name: "cross-origin-resource-policy",
        allowed: &["same-origin", "same-site", "cross-origin"],
        default: "same-origin",
        presets: [Some("same-origin"); 3],
        reports: false,
    },
    TokenHeader {
        option: "originAgentCluster",
        name: "origin-agent-cluster",
        allowed: &[],
        default: "?1",
        presets: [Some("?1"), None, Some("?1")],
        reports: false,
    },
    TokenHeader {
        option: "xContentTypeOptions",
        name: "x-content-type-options",
        allowed: &[],
        default: "nosniff",
        presets: [Some("nosniff"); 3],
        reports: false,
    },
    TokenHeader {
        option: "xDnsPrefetchControl",
        name: "x-dns-prefetch-control",
        allowed: &["on", "off"],
        default: "off",
        presets: [Some("off"), None, Some("off")],
        reports: false,
    },
    TokenHeader {
        option: "xDownloadOptions",
        name: "x-download-options",
        allowed: &[],
        default: "noopen",
        presets: [Some("noopen"), None, Some("noopen")],
        reports: false,
    },
    TokenHeader {
        option: "xFrameOptions",
        name: "x-frame-options",
        allowed: &["SAMEORIGIN", "DENY"],
        default: "SAMEORIGIN",
        presets: [Some("SAMEORIGIN"), Some("DENY"), Some("DENY")],
        reports: false,
    },
    TokenHeader {
        option: "xPermittedCrossDomainPolicies",
        name: "x-permitted-cross-domain-policies",
        allowed: &["none", "master-only", "by-content-type", "all"],
        default: "none",
        presets: [Some("none"), None, Some("none")],
        reports: false,
    },
    TokenHeader {
        option: "xXssProtection",
        name: "x-xss-protection",
        allowed: &[],
        default: "0",
        presets: [Some("0"), None, Some("0")],
        reports: false,
    },
    TokenHeader {
        option: "documentIsolationPolicy",
        name: "document-isolation-policy",
        allowed: DIP,
        default: "isolate-and-require-corp",
        presets: [None; 3],
        reports: true,
    },
    TokenHeader {
        option: "documentIsolationPolicyReportOnly",
        name: "document-isolation-policy-report-only",
        allowed: DIP,
        default: "isolate-and-require-corp",
        presets: [None; 3],
        reports: true,
    },
];

/// The value of every token header that is to be sent.
///
/// # Errors
/// [`ConfigError`] for an option that is not in the table, and for a value its header does not take.
pub(super) fn compile(
    options: &[TokenOption],
    preset: Preset,
    endpoints: &Endpoints<'_>,
) -> Result<Vec<(&'static str, String)>, ConfigError> {
    if let Some(stray) = options.iter().find(|option| find(&option.option).is_none()) {
        let known = TOKEN_HEADERS.iter().map(|header| header.option);
        return Err(unknown_name(stray.option.as_str(), "option", &stray.option, known));
    }
    let mut headers = Vec::with_capacity(TOKEN_HEADERS.len());
    for header in &TOKEN_HEADERS {
        let given = options.iter().find(|option| option.option == header.option);
        if let Some(value) = header.value(given, preset, endpoints)? {
            headers.push((header.name, value));
        }
    }
    Ok(headers)
}

fn find(option: &str) -> Option<&'static TokenHeader> {
    TOKEN_HEADERS.iter().find(|header| header.option == option)
}

impl TokenHeader {
    fn value(
        &self,
        given: Option<&TokenOption>,
        preset: Preset,
        endpoints: &Endpoints<'_>,
    ) -> Result<Option<String>, ConfigError> {
        let [web, api, strict] = self.presets;
        match given.map_or(&Setting::Preset, |option| &option.setting) {
            Setting::Off => Ok(None),
            Setting::On => Ok(Some(self.default.to_owned())),
            Setting::Custom(value) => self.custom(value, endpoints).map(Some),
            Setting::Preset => Ok(match preset {
                Preset::Web => web,
                Preset::Api => api,
                Preset::Strict => strict,
            }
            .map(str::to_owned)),
        }
    }

    fn custom(&self, value: &TokenValue, endpoints: &Endpoints<'_>) -> Result<String, ConfigError> {
        let token = match &value.token {
            None => self.default,
            Some(token) => self.find_token(token).ok_or_else(|| {
                ConfigError::new(ErrorCode::OptionValue, value.path.as_str(), self.refusal(token))
            })?,
        };
        let Some(report_to) = &value.report_to else { return Ok(token.to_owned()) };
        let path = format!("{}.reportTo", self.option);
        if !self.reports {
            let message = "this header sends no reports";
            return Err(ConfigError::new(ErrorCode::OptionConflict, path, message));
        }
        endpoints.require(&path, report_to)?;
        Ok(format!("{token}; report-to=\"{report_to}\""))
    }

    /// `X-Frame-Options` is compared without case and knows a second spelling, as in helmet.
    fn find_token(&self, token: &str) -> Option<&'static str> {
        if self.name == "x-frame-options" {
            let upper = token.to_ascii_uppercase().replace("SAME-ORIGIN", "SAMEORIGIN");
            return self.allowed.iter().copied().find(|allowed| *allowed == upper);
        }
        self.allowed.iter().copied().find(|allowed| *allowed == token)
    }

    fn refusal(&self, token: &str) -> String {
        if self.allowed.is_empty() {
            return format!("got {}; this header takes true or false only", quote(token));
        }
        let hint = nearest(token, self.allowed.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean {near}?"));
        format!("got {}, allowed: {}{hint}", quote(token), choices(self.allowed))
    }
}
