//! TLS for connections to this server: rustls with the operator's certificate, HTTP/1.1.
//! The certificate is read once, at the start.

use std::sync::Arc;

use anyhow::Context as _;
use server::config::{HttpLoaded, Tls};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// What ends TLS, if the settings name a certificate.
pub(crate) fn acceptor(loaded: &HttpLoaded) -> anyhow::Result<Option<TlsAcceptor>> {
    let Some(tls) = &loaded.settings().tls else { return Ok(None) };
    let invalid = |key, problem: String| loaded.invalid(key, problem);
    let chain = certificates(tls).map_err(|problem| invalid("tls_cert", problem))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|err| {
        invalid("tls_key", format!("no private key in {}: {err}", tls.key.display()))
    })?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|err| {
            invalid("tls_key", format!("the key and the certificate do not fit: {err}"))
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn certificates(tls: &Tls) -> Result<Vec<CertificateDer<'static>>, String> {
    let unusable = |err| format!("no certificate in {}: {err}", tls.cert.display());
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(&tls.cert).map_err(unusable)?.collect();
    let chain = chain.map_err(unusable)?;
    if chain.is_empty() {
        return Err(format!(
            "no certificate in {}; it needs a \"BEGIN CERTIFICATE\" block",
            tls.cert.display()
        ));
    }
    Ok(chain)
}
