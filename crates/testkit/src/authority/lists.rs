//! Revocation lists of a throw-away authority.

use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_domain::{Clock, SystemClock, Timestamp};
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope,
    KeyIdMethod, KeyPair, RevokedCertParams, SigningKey, date_time_ymd,
};

use super::Authority;

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
        Ok(params.signed_by(&self.issuer)?.der().to_vec())
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

/// One element of DER around its content (X.690, section 8.1).
fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => vec![tag, 0],
        [short] if *short < 0x80 => [&[tag, *short], content].concat(),
        long => {
            let count = 0x80 | u8::try_from(long.len()).unwrap_or(0);
            [&[tag, count], long, content].concat()
        }
    }
}

/// The whole first element, and how long its head is.
fn element(der: &[u8]) -> Result<(&[u8], usize)> {
    let first = usize::from(*der.get(1).context("no length")?);
    let (head, length) = if first < 0x80 {
        (2, first)
    } else {
        let bytes = der.get(2..2 + (first & 0x7f)).context("no length")?;
        (2 + bytes.len(), bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    };
    Ok((der.get(..head + length).context("too short")?, head))
}

fn content(der: &[u8]) -> Result<&[u8]> {
    let (whole, head) = element(der)?;
    whole.get(head..).context("too short")
}

fn elements(mut der: &[u8]) -> Result<Vec<&[u8]>> {
    let mut all = Vec::new();
    while !der.is_empty() {
        let (whole, _) = element(der)?;
        all.push(whole);
        der = der.get(whole.len()..).unwrap_or_default();
    }
    Ok(all)
}
