//! The compiled options as they cross back to JavaScript.

use crate::security_headers as core;
use crate::security_headers::Value;
use napi::bindgen_prelude::Either;
use napi_derive::napi;

/// The compiled options.
#[napi(object, object_from_js = false)]
pub struct HeaderPlan {
    /// Headers of a secure request, in order.
    pub secure: Vec<PlannedHeader>,
    /// Headers of a plain request, in order.
    pub plain: Vec<PlannedHeader>,
    /// Lower-case names to take away.
    pub removed: Vec<String>,
    /// Whether a policy holds a nonce.
    pub has_nonce: bool,
}

/// One header: either `value` or `templates`.
#[napi(object, object_from_js = false)]
pub struct PlannedHeader {
    /// Lower case.
    pub name: String,
    /// One line or several.
    pub value: Option<Either<String, Vec<String>>>,
    /// Policies with slots.
    pub templates: Option<Vec<Vec<PolicyPart>>>,
}

/// A piece of a policy: `text`, or `functions`, or, with neither, the nonce.
#[napi(object, object_from_js = false)]
pub struct PolicyPart {
    /// Fixed text.
    pub text: Option<String>,
    /// Numbers of functions.
    pub functions: Option<Vec<u32>>,
    /// The directive that judges their values: its number for the checker.
    pub directive: Option<u32>,
    /// The directive's name.
    pub name: Option<String>,
    /// What stands there when no function gave a usable value.
    pub fallback: Option<String>,
}

/// A directive of a preset.
#[napi(object, object_from_js = false)]
pub struct DefaultDirective {
    /// Its name.
    pub name: String,
    /// Its sources.
    pub sources: Vec<String>,
}

/// A range of proxy addresses.
#[napi(object, object_from_js = false)]
pub struct ProxyRange {
    /// The first address.
    pub first: String,
    /// The last one.
    pub last: String,
    /// `ipv4` or `ipv6`.
    pub family: String,
}

impl From<core::Header> for PlannedHeader {
    fn from(header: core::Header) -> Self {
        let (value, templates) = match header.value {
            Value::Text(text) => (Some(Either::A(text)), None),
            Value::Lines(lines) => (Some(Either::B(lines)), None),
            Value::Templates(templates) => {
                let parts = |template: &core::Template| {
                    template.parts().iter().map(PolicyPart::from).collect()
                };
                (None, Some(templates.iter().map(parts).collect()))
            }
        };
        Self { name: header.name.to_owned(), value, templates }
    }
}

impl From<&core::Part> for PolicyPart {
    fn from(part: &core::Part) -> Self {
        let empty =
            Self { text: None, functions: None, directive: None, name: None, fallback: None };
        match part {
            core::Part::Text(text) => Self { text: Some(text.clone()), ..empty },
            core::Part::Nonce => empty,
            core::Part::Functions { directive, numbers, fallback } => {
                let number = core::DIRECTIVES.iter().position(|known| known.name == *directive);
                Self {
                    functions: Some(numbers.clone()),
                    directive: number.and_then(|number| u32::try_from(number).ok()),
                    name: Some((*directive).to_owned()),
                    fallback: Some((*fallback).to_owned()),
                    ..empty
                }
            }
        }
    }
}
