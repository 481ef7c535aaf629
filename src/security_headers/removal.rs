//! Response headers that tell an attacker what runs on the server.

use super::options::{Preset, Removal};
use super::text::{is_token, quote};
use crate::error::{ConfigError, ErrorCode};

/// OWASP's `headers_remove` list of 19 July 2026, lower case.
pub const OWASP_REMOVED: [&str; 87] = [
    "$wsep",
    "host-header",
    "k-proxy-request",
    "liferay-portal",
    "oraclecommercecloud-version",
    "pega-host",
    "powered-by",
    "product",
    "server",
    "sourcemap",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-atmosphere-error",
    "x-atmosphere-first-request",
    "x-atmosphere-tracking-id",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-beserver",
    "x-backside-transport",
    "x-cf-powered-by",
    "x-cms",
    "x-calculatedbetarget",
    "x-cocoon-version",
    "x-content-encoded-by",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-datadog-trace-id",
    "x-diaginfo",
    "x-envoy-attempt-count",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-dst-host",
    "x-envoy-upstream-service-time",
    "x-feserver",
    "x-framework",
    "x-generated-by",
    "x-generator",
    "x-gitlab-meta",
    "x-jitsi-release",
    "x-joomla-version",
    "x-kong-admin-latency",
    "x-kong-client-latency",
    "x-kong-proxy-latency",
    "x-kong-request-id",
    "x-kong-response-latency",
    "x-kong-third-party-latency",
    "x-kong-total-latency",
    "x-kong-upstream-latency",
    "x-kong-upstream-status",
    "x-kubernetes-pf-flowschema-ui",
    "x-kubernetes-pf-prioritylevel-uid",
    "x-litespeed-cache",
    "x-litespeed-purge",
    "x-litespeed-tag",
    "x-litespeed-vary",
    "x-litespeed-cache-control",
    "x-mod-pagespeed",
    "x-nextjs-cache",
    "x-nextjs-matched-path",
    "x-nextjs-page",
    "x-nextjs-redirect",
    "x-owa-version",
    "x-old-content-length",
    "x-oneagent-js-injection",
    "x-page-speed",
    "x-php-version",
    "x-powered-by",
    "x-powered-by-plesk",
    "x-powered-cms",
    "x-redirect-by",
    "x-server-powered-by",
    "x-sourcefiles",
    "x-sourcemap",
    "x-turbo-charged-by",
    "x-tyk-trace-id",
    "x-umbraco-version",
    "x-varnish-backend",
    "x-varnish-server",
    "x-woodpecker-version",
    "x-dtagentid",
    "x-dthealthcheck",
    "x-dtinjectedservlet",
    "x-ruxit-js-agent",
];

/// What Node needs to frame a message; without them the response is not HTTP any more.
const FRAMING: [&str; 7] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The names to take away, lower case, each once.
///
/// # Errors
/// [`ConfigError`] for a name that is none (RFC 9110, section 5.1), for a framing header, and for a header
/// that the same options set.
pub(super) fn compile(
    removal: &Removal,
    preset: Preset,
    sent: &[&'static str],
) -> Result<Vec<String>, ConfigError> {
    let owasp = || OWASP_REMOVED.iter().map(|name| (*name).to_owned()).collect();
    match (removal, preset) {
        (Removal::Owasp, _) | (Removal::Preset, Preset::Strict) => Ok(owasp()),
        (Removal::Preset, _) => Ok(vec!["x-powered-by".to_owned()]),
        (Removal::Names(names), _) => {
            let mut result: Vec<String> = Vec::with_capacity(names.len());
            for (index, name) in names.iter().enumerate() {
                let lower = name.to_ascii_lowercase();
                check_name(&format!("removeHeaders[{index}]"), &lower, sent)?;
                if !result.contains(&lower) {
                    result.push(lower);
                }
            }
            Ok(result)
        }
    }
}

fn check_name(path: &str, name: &str, sent: &[&'static str]) -> Result<(), ConfigError> {
    let refuse = |code, message| Err(ConfigError::new(code, path, message));
    if !is_token(name) {
        return refuse(ErrorCode::HeaderValue, format!("{} is not a header name", quote(name)));
    }
    if FRAMING.contains(&name) {
        return refuse(
            ErrorCode::OptionValue,
            format!("{name} is part of the message and cannot go"),
        );
    }
    if sent.contains(&name) {
        let message = format!("{name} is set by these options; turn its option off instead");
        return refuse(ErrorCode::OptionConflict, message);
    }
    Ok(())
}
