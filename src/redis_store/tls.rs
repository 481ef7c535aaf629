//! TLS: rustls with ring, the system's certificates or the given ones, and always a check of both chain and
//! name.

use super::options::{Address, Tls};
use crate::error::{ConfigError, ErrorCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// Checks the PEM texts and the server's name.
///
/// # Errors
/// [`ErrorCode::OptionValue`] at `tls.ca`, `tls.cert`, `tls.key` or `tls.servername`. What the texts hold
/// is in no message.
pub(super) fn check(tls: &Tls) -> Result<(), ConfigError> {
    if let Some(name) = &tls.servername
        && ServerName::try_from(name.as_str()).is_err()
    {
        return Err(refused("servername", "expected a host name or an address"));
    }
    config(tls).map(drop)
}

/// The configuration of one connection set. Reads the system's certificates unless others are given.
///
/// # Errors
/// Those of [`check`].
pub(super) fn config(tls: &Tls) -> Result<Arc<ClientConfig>, ConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| refused("", "no protocol version"))?
        .with_root_certificates(roots(tls)?);
    let config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates("cert", cert)?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                .map_err(|_| refused("key", "expected a private key in PEM"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|_| refused("key", "is not the key of tls.cert"))?
        }
    };
    Ok(Arc::new(config))
}

fn roots(tls: &Tls) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &tls.ca {
        for certificate in certificates("ca", ca)? {
            roots.add(certificate).map_err(|_| refused("ca", "holds a certificate of no use"))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(roots)
}

fn certificates(option: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    certificates
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| refused(option, "expected certificates in PEM"))
}

/// The name to check the server's certificate for.
pub(super) fn server_name(tls: &Tls, address: &Address) -> Option<ServerName<'static>> {
    let name = match (&tls.servername, address) {
        (Some(name), _) => name.clone(),
        (None, Address::Tcp(host, _)) => host.clone(),
        (None, Address::Unix(_)) => "localhost".to_owned(),
    };
    ServerName::try_from(name).ok()
}

fn refused(option: &str, message: &str) -> ConfigError {
    ConfigError::new(ErrorCode::OptionValue, format!("tls.{option}"), message)
}
