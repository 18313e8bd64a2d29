//! Revocation lists of a throw-away authority.

use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_domain::{Clock, SystemClock, Timestamp};
use rcgen::{
    CertificateRevocationList, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, KeyIdMethod, KeyPair, RevokedCertParams, SigningKey,
    date_time_ymd,
};

use super::Authority;
use super::der::{content, elements, wrap};

/// What a revocation list says.
#[derive(Debug, Clone)]
pub struct RevocationDraft {
    /// Its number.
    pub number: u64,
    /// When it is made.
    pub this_update: Timestamp,
    /// When a newer one will be there.
    pub next_update: Timestamp,
    /// The serial numbers of what is taken back.
    pub revoked: Vec<Vec<u8>>,
    /// Its place and the certificates that it is for, where it is not for all.
    pub scope: Option<(String, Option<CrlScope>)>,
}

impl RevocationDraft {
    /// A list that was made a minute ago and is good for a day.
    pub fn fresh(number: u64, revoked: &[&[u8]]) -> Self {
        let now = SystemClock.now();
        Self {
            number,
            this_update: now.minus(Duration::from_mins(1)),
            next_update: now.plus(Duration::from_hours(24)),
            revoked: revoked.iter().map(|serial| serial.to_vec()).collect(),
            scope: None,
        }
    }
}

impl Authority {
    /// Signs a revocation list; in DER.
    ///
    /// # Errors
    /// When the authority may not sign one or the crypto library fails.
    pub fn revocation_list(&self, draft: &RevocationDraft) -> Result<Vec<u8>> {
        Ok(self.sign_list(draft)?.der().to_vec())
    }

    /// The same in PEM.
    ///
    /// # Errors
    /// As [`Authority::revocation_list`].
    pub fn revocation_list_pem(&self, draft: &RevocationDraft) -> Result<String> {
        Ok(self.sign_list(draft)?.pem()?)
    }

    fn sign_list(&self, draft: &RevocationDraft) -> Result<CertificateRevocationList> {
        let since_1970 = |instant: Timestamp| instant.since(Timestamp::from_seconds(0));
        let this_update = date_time_ymd(1970, 1, 1) + since_1970(draft.this_update);
        let revoked = |serial: &Vec<u8>| RevokedCertParams {
            serial_number: serial.clone().into(),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update,
            next_update: date_time_ymd(1970, 1, 1) + since_1970(draft.next_update),
            crl_number: draft.number.into(),
            issuing_distribution_point: draft.scope.clone().map(|(uri, scope)| CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint { uris: vec![uri] },
                scope,
            }),
            revoked_certs: draft.revoked.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer)?)
    }

    /// Adds an extension, `Extension` in DER, to a list and signs it again.
    ///
    /// # Errors
    /// When it is no list, or the crypto library fails.
    pub fn extend_list(&self, list: &[u8], extension: &[u8]) -> Result<Vec<u8>> {
        let [tbs, algorithm, _signature] = elements(content(list)?)?.try_into().ok().context("no list")?;
        let mut fields = elements(content(tbs)?)?;
        let extensions = content(content(fields.pop().context("no extensions")?)?)?;
        let extensions = wrap(0xa0, &wrap(0x30, &[extensions, extension].concat()));
        let tbs = wrap(0x30, &[fields.concat(), extensions].concat());
        let signature = KeyPair::from_pem(&self.key_pem)?.sign(&tbs)?;
        let signature = wrap(0x03, &[&[0], &signature[..]].concat());
        Ok(wrap(0x30, &[&tbs[..], algorithm, &signature].concat()))
    }
}
