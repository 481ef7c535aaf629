//! `Integrity-Policy`: scripts and styles without integrity metadata are blocked.

use super::options::IntegrityOptions;
use super::reporting::Endpoints;
use super::text::{choices, quote};
use crate::error::{ConfigError, ErrorCode};

const DESTINATIONS: [&str; 2] = ["script", "style"];

/// The header's value.
///
/// # Errors
/// [`ConfigError`] for an unknown destination, an empty or repeated list, and an unknown endpoint.
pub(super) fn compile(
    option: &str,
    options: &IntegrityOptions,
    endpoints: &Endpoints<'_>,
) -> Result<String, ConfigError> {
    let fallback = vec!["script".to_owned()];
    let destinations = options.blocked_destinations.as_ref().unwrap_or(&fallback);
    let path = format!("{option}.blockedDestinations");
    let refuse = |code, message| Err(ConfigError::new(code, path.as_str(), message));
    if destinations.is_empty() {
        return refuse(
            ErrorCode::OptionValue,
            format!("is empty; allowed: {}", choices(&DESTINATIONS)),
        );
    }
    for (index, destination) in destinations.iter().enumerate() {
        if !DESTINATIONS.contains(&destination.as_str()) {
            let message =
                format!("got {}, allowed: {}", quote(destination), choices(&DESTINATIONS));
            return refuse(ErrorCode::OptionValue, message);
        }
        if destinations.iter().take(index).any(|earlier| earlier == destination) {
            return refuse(ErrorCode::OptionValue, format!("{destination} is given twice"));
        }
    }
    let mut value = format!("blocked-destinations=({})", destinations.join(" "));
    if !options.endpoints.is_empty() {
        for name in &options.endpoints {
            endpoints.require(&format!("{option}.endpoints"), name)?;
        }
        value.push_str(", endpoints=(");
        value.push_str(&options.endpoints.join(" "));
        value.push(')');
    }
    Ok(value)
}
