//! TLS as this crate wants it, whatever else is in the process.
//!
//! The trust is the system's, read by `rustls-platform-verifier`, so that a company's own certificates count where
//! the machine trusts them. Versions are TLS 1.2 and 1.3, rustls's own choice.

use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::unusable;
use crate::codes::TRUST_MISSING;

/// TLS with aws-lc-rs, and whether any certificate can be trusted.
///
/// The provider is named and not looked up: a host may have turned on a second one, and then rustls picks none
/// and panics. Nor is one installed, which would choose for the host.
pub(super) fn config() -> Result<(ClientConfig, Result<()>)> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    match Verifier::new(Arc::clone(&provider)) {
        Ok(verifier) => {
            let config = versions(provider)?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth();
            Ok((negotiating(config), Ok(())))
        }
        Err(error) => {
            let config = versions(provider)?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            let missing = Error::new(TRUST_MISSING, "no root certificate can be trusted");
            Ok((negotiating(config), Err(missing.with_foreign(&error))))
        }
    }
}

fn versions(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))
}

/// Offers HTTP/2 first: reqwest offers nothing by itself for a configuration that is not its own.
fn negotiating(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}
