//! A throw-away certificate authority, made anew for every deployment.

mod der;
mod lists;

pub use der::wrap as der_element;
pub use lists::RevocationDraft;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType, SigningKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority that lives as long as its process.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// What stands between its certificates and the root: itself first; nothing for a root.
    above: Vec<CertificateDer<'static>>,
    key_pem: String,
}

/// A certificate with its key, in both forms that people want.
pub struct Issued {
    /// The chain, leaf first, without the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKeyDer<'static>,
    /// The leaf's serial number, big-endian.
    pub serial: Vec<u8>,
    /// The leaf in PEM.
    pub certificate_pem: String,
    /// The key in PEM.
    pub key_pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued([redacted])")
    }
}

impl Authority {
    /// Makes an authority with a fresh key.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn new() -> Result<Self> {
        Self::root_with(|_| ())
    }

    /// Makes an authority whose certificate differs from the usual.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn root_with(change: impl FnOnce(&mut CertificateParams)) -> Result<Self> {
        let mut params = issuing("Lakegate throw-away CA");
        change(&mut params);
        Self::root_of(params, KeyPair::generate()?)
    }

    /// An authority of the same name and key as this one, with a root certificate of its own.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn twin_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Result<Self> {
        let mut params = issuing("Lakegate throw-away CA");
        change(&mut params);
        Self::root_of(params, KeyPair::from_pem(&self.key_pem)?)
    }

    fn root_of(params: CertificateParams, key: KeyPair) -> Result<Self> {
        let key_pem = key.serialize_pem();
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, key)?, above: Vec::new(), key_pem })
    }

    /// Makes an authority below this one, whose certificate may differ from the usual.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn intermediate_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Result<Self> {
        let mut params = issuing(name);
        params.serial_number = Some(serial().into());
        change(&mut params);
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        let issuer = CertifiedIssuer::signed_by(params, key, &self.issuer)?;
        let above = std::iter::once(issuer.der().clone()).chain(self.above.clone()).collect();
        Ok(Self { issuer, above, key_pem })
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The authority's certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server on this machine.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn server(&self) -> Result<Issued> {
        self.issue(server()?)
    }

    /// A certificate for a server on this machine that ended long ago.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn ended_server(&self) -> Result<Issued> {
        let mut params = server()?;
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        self.issue(params)
    }

    /// A certificate for a client with this common name.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn client(&self, name: &str) -> Result<Issued> {
        self.client_with(name, |_| ())
    }

    /// A certificate for a client with this common name that differs from the usual.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn client_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Result<Issued> {
        let mut params = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut params);
        self.sign(params)
    }

    /// A certificate of the caller's own making; its key signs data, whatever else it is for.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn issue(&self, mut params: CertificateParams) -> Result<Issued> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        self.sign(params)
    }

    /// The same certificate for another key, a `SubjectPublicKeyInfo` in DER, signed again.
    ///
    /// # Errors
    /// When it is no certificate, or the crypto library fails.
    pub fn for_other_key(&self, certificate: &[u8], key: &[u8]) -> Result<CertificateDer<'static>> {
        let [tbs, algorithm, _signature] =
            der::elements(der::content(certificate)?)?.try_into().ok().context("no certificate")?;
        let mut fields = der::elements(der::content(tbs)?)?;
        // RFC 5280, section 4.1: version, serial number, signature, issuer, validity, subject, key.
        *fields.get_mut(6).context("no key")? = key;
        let tbs = der_element(0x30, &fields.concat());
        let signature = KeyPair::from_pem(&self.key_pem)?.sign(&tbs)?;
        let signature = der_element(0x03, &[&[0], &signature[..]].concat());
        Ok(der_element(0x30, &[&tbs[..], algorithm, &signature].concat()).into())
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Issued> {
        let serial = params.serial_number.get_or_insert_with(|| serial().into()).to_bytes();
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            chain: std::iter::once(leaf.der().clone()).chain(self.above.clone()).collect(),
            serial,
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            certificate_pem: leaf.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

fn server() -> Result<CertificateParams> {
    let mut params = named("lakegate-broker");
    params.subject_alt_names =
        vec![SanType::DnsName("localhost".try_into()?), SanType::IpAddress([127, 0, 0, 1].into())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn issuing(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Eight random bytes, of which the first is neither zero nor a sign.
fn serial() -> Vec<u8> {
    (rand::random::<u64>() >> 1 | 1 << 62).to_be_bytes().to_vec()
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
