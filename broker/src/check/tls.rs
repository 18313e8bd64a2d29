//! The public port's certificate, its key, and the authorities of clients.

mod revocation;

use std::path::Path;
use std::time::Duration;

use lakegate_host::{Findings, files};
use rustls_pki_types::CertificateDer;

use super::Subject;
use crate::LiveTls;
use crate::tls::{AuthorityFiles, AuthoritySettings, Revocation, TlsFiles, validity_of};

/// A certificate that ends sooner is worth a warning.
const SOON: Duration = Duration::from_hours(24 * 14);

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let tls = &subject.config.tls;
    let chain = certificates(subject, findings, "tls.certificate", &tls.certificate);
    let authorities = authorities(subject, findings);
    let key = findings.take("tls.key", files::private_key(&tls.key));
    let clients = subject.config.clients();
    if let (Some(chain), Some(authorities), Some(key)) = (chain, authorities, key) {
        let revocations: Vec<Revocation> = authorities.iter().map(|it| it.revocation.clone()).collect();
        let files = TlsFiles { chain, key, authorities, clients, versions: tls.versions() };
        if findings.take("tls", LiveTls::new(files, subject.clock.now())).is_some() {
            revocation::check(subject, &revocations, findings);
        }
    }
    if tls.allow_tls12 {
        findings.warn("tls.allow_tls12", "clients may speak TLS 1.2, whose handshake shows who is who");
    }
}

/// Reads all authorities. None when one cannot be used, so that it is told once.
fn authorities(subject: &Subject<'_>, findings: &mut Findings) -> Option<Vec<AuthorityFiles>> {
    let tls = &subject.config.tls;
    let settings = findings.take("tls", tls.authorities())?;
    let revocations = findings.take("tls", tls.revocations())?;
    let mut read = Vec::new();
    for (index, (AuthoritySettings { name, file, .. }, revocation)) in
        (0..).zip(settings.into_iter().zip(revocations))
    {
        let key = match tls.client_ca {
            Some(_) => "tls.client_ca".to_owned(),
            None => format!("tls.authorities[{index}].file"),
        };
        let certificates = certificates(subject, findings, &key, &file);
        read.push(certificates.map(|certificates| AuthorityFiles { name, certificates, revocation }));
    }
    read.into_iter().collect()
}

/// Reads certificates and looks at each one's dates. None when one cannot be used, so that it is told once.
fn certificates(
    subject: &Subject<'_>,
    findings: &mut Findings,
    key: &str,
    file: &Path,
) -> Option<Vec<CertificateDer<'static>>> {
    let certificates = findings.take(key, files::certificates(file))?;
    let (now, before) = (subject.clock.now(), findings.errors().len());
    for (number, certificate) in (1..).zip(&certificates) {
        let which = format!("file {}, certificate {number}", file.display());
        match validity_of(certificate) {
            None => findings.error(key, format!("{which} does not parse")),
            Some((from, _)) if now < from => findings.error(key, format!("{which} begins only at {from}")),
            Some((_, until)) if now > until => findings.error(key, format!("{which} ended at {until}")),
            Some((_, until)) if now.plus(SOON) > until => {
                findings.warn(key, format!("{which} ends soon, at {until}"));
            }
            Some(_) => {}
        }
    }
    (findings.errors().len() == before).then_some(certificates)
}
