//! Security headers: what a browser may do with a response.
//!
//! Stops, by telling the browser: script injection (CSP, CWE-79), framing (CWE-1021), content sniffing
//! (CWE-430), downgrade to http (CWE-319), leaks through `Referer` and across origins, and headers that tell
//! what the server runs (CWE-200).
//!
//! [`compile`] checks the options once and makes a [`Plan`]: an ordered list of lower-case names and values
//! for requests over https, one for plain http, and the names that no response carries. Setting them takes
//! no further call. Only a value that a per-request function returns is checked later, by
//! [`accepts_request_value`] with the same grammar.
//!
//! Rules:
//! 1. A value that would not do what it says is refused: unquoted keywords, hashes that cannot match, a
//!    constant nonce, `'none'` beside other sources, a `report-to` without an endpoint.
//! 2. Nothing can end a directive or a header early: `;`, `,`, line breaks and anything but ASCII are refused.
//! 3. HSTS and `upgrade-insecure-requests` wait for a secure request unless the caller says otherwise.
//!
//! It does not stop an attack that the policy allows, and old browsers ignore what they do not know.
//!
//! ```
//! use carapace::security_headers::{Options, compile};
//!
//! let plan = compile(&Options::default()).expect("the defaults are valid");
//! assert_eq!(plan.removed, ["x-powered-by"]);
//! assert_eq!(plan.secure.len(), 12);
//! ```

mod caching;
mod csp;
mod csp_defaults;
mod csp_directive;
mod csp_source;
mod csp_template;
mod integrity;
mod options;
mod permissions;
mod plan;
mod removal;
mod reporting;
mod text;
mod tokens;
mod transport;

#[cfg(test)]
mod tests;

pub use caching::clear_site_data;
pub use csp_defaults::default_directives;
pub use csp_directive::{DIRECTIVES, Directive, Kind, accepts_request_value};
pub use csp_source::{Provenance, Refusal};
pub use csp_template::{Part, Template};
pub use options::{
    DirectiveOption, IntegrityOptions, Options, PermissionsOptions, PolicyOptions, Preset, Removal,
    Setting, SourceOption, TokenOption, TokenValue, TransportOptions,
};
pub use plan::{Header, ORDER, Plan, Value, compile};
pub use removal::OWASP_REMOVED;
pub use tokens::{TOKEN_HEADERS, TokenHeader};
