//! The headers that can name a client, and the providers that set them.
//!
//! What a provider's entry trusts without further configuration are the addresses that the provider publishes
//! for its connections to origins, as they were when this version was made, or the private networks that its
//! routers connect from. A list that has aged trusts too little, so the peer counts.

use super::list::Syntax;

/// How a header's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One address.
    Address,
    /// One address and a port, an IPv6 address without brackets.
    AddressAndPort,
    /// A list to which each proxy appends the address that it has seen.
    List(Syntax),
}

/// What `client.header` can be set to.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The option's value: a header name in lower case, or a provider.
    pub name: &'static str,
    /// The header that is read, in lower case.
    pub header: &'static str,
    /// How its value is written.
    pub form: Form,
    /// For a list, the elements that the provider itself appends; 0 when `trustProxy` has to say it.
    pub hops: u8,
    /// The peers that are trusted when `trustProxy` is not set; empty when it has to be.
    pub peers: &'static [&'static str],
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const ADDRESS_LIST: Form = Form::List(Syntax::Plain);

const PRIVATE: &[&str] = &["loopback", "linklocal", "uniquelocal"];

/// <https://www.cloudflare.com/ips/>
const CLOUDFLARE: &[&str] = &[
    "173.245.48.0/20",
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "141.101.64.0/18",
    "108.162.192.0/18",
    "190.93.240.0/20",
    "188.114.96.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "162.158.0.0/15",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "172.64.0.0/13",
    "131.0.72.0/22",
    "2400:cb00::/32",
    "2606:4700::/32",
    "2803:f800::/32",
    "2405:b500::/32",
    "2405:8100::/32",
    "2a06:98c0::/29",
    "2c0f:f248::/32",
];

/// <https://api.fastly.com/public-ip-list>
const FASTLY: &[&str] = &[
    "23.235.32.0/20",
    "43.249.72.0/22",
    "103.244.50.0/24",
    "103.245.222.0/23",
    "103.245.224.0/24",
    "104.156.80.0/20",
    "140.248.64.0/18",
    "140.248.128.0/17",
    "146.75.0.0/17",
    "151.101.0.0/16",
    "157.52.64.0/18",
    "167.82.0.0/17",
    "167.82.128.0/20",
    "167.82.160.0/20",
    "167.82.224.0/20",
    "172.111.64.0/18",
    "185.31.16.0/22",
    "199.27.72.0/21",
    "199.232.0.0/16",
    "2a04:4e40::/32",
    "2a04:4e42::/32",
];

/// The front ends of Google's global and classic external Application Load Balancers, which append the client
/// and their own address: <https://cloud.google.com/load-balancing/docs/firewall-rules>
const GOOGLE: &[&str] =
    &["130.211.0.0/22", "35.191.0.0/16", "2600:2d00:1:b029::/64", "2600:2d00:1:1::/64"];

/// Every source, headers first, and of them the default first.
pub static SOURCES: [Source; 27] = [
    Source::header(X_FORWARDED_FOR, ADDRESS_LIST),
    Source::header("forwarded", Form::List(Syntax::Forwarded)),
    Source::header("cf-connecting-ip", Form::Address),
    Source::header("true-client-ip", Form::Address),
    Source::header("fastly-client-ip", Form::Address),
    Source::header("fly-client-ip", Form::Address),
    Source::header("x-real-ip", Form::Address),
    Source::header("x-client-ip", Form::Address),
    Source::header("x-cluster-client-ip", Form::Address),
    Source::header("x-envoy-external-address", Form::Address),
    Source::header("x-azure-clientip", Form::Address),
    Source::header("x-azure-socketip", Form::Address),
    Source::header("x-appengine-user-ip", Form::Address),
    Source::header("x-nf-client-connection-ip", Form::Address),
    Source::header("do-connecting-ip", Form::Address),
    Source::header("x-vercel-forwarded-for", Form::Address),
    Source::header("cloudfront-viewer-address", Form::AddressAndPort),
    Source::provider("cloudflare", "cf-connecting-ip", Form::Address, 0, CLOUDFLARE),
    Source::provider("fastly", "fastly-client-ip", Form::Address, 0, FASTLY),
    Source::provider("fly", "fly-client-ip", Form::Address, 0, PRIVATE),
    Source::provider("akamai", "true-client-ip", Form::Address, 0, &[]),
    // X-Azure-ClientIP follows an X-Forwarded-For that the client sends; X-Azure-SocketIP does not.
    Source::provider("azure-front-door", "x-azure-socketip", Form::Address, 0, &[]),
    Source::provider("cloudfront", "cloudfront-viewer-address", Form::AddressAndPort, 0, &[]),
    Source::provider("aws-alb", X_FORWARDED_FOR, ADDRESS_LIST, 1, PRIVATE),
    Source::provider("google-cloud", X_FORWARDED_FOR, ADDRESS_LIST, 2, GOOGLE),
    Source::provider("heroku", X_FORWARDED_FOR, ADDRESS_LIST, 1, PRIVATE),
    Source::provider("nginx", "x-real-ip", Form::Address, 0, &["loopback"]),
];

impl Source {
    const fn header(name: &'static str, form: Form) -> Self {
        Self { name, header: name, form, hops: 0, peers: &[] }
    }

    const fn provider(
        name: &'static str,
        header: &'static str,
        form: Form,
        hops: u8,
        peers: &'static [&'static str],
    ) -> Self {
        Self { name, header, form, hops, peers }
    }

    /// The source of this name. Header names are compared without case (RFC 9110, section 5.1).
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.name.eq_ignore_ascii_case(name))
    }
}
