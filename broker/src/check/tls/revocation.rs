//! Whether certificates of each authority can be taken back as its configuration says.

use std::time::Duration;

use lakegate_host::Findings;
use lakegate_host::files::FileContent;

use super::Subject;
use crate::tls::{
    ListFault, ListSettings, Revocation, RevocationBook, RevocationSettings, check_place, lists_in,
};

/// A grace beyond this makes little of `nextUpdate`.
const LONG: Duration = Duration::from_hours(24);

/// Looks at the lists of all authorities, whose certificates are in force already.
pub(super) fn check(subject: &Subject<'_>, revocations: &[Revocation], findings: &mut Findings) {
    let tls = &subject.config.tls;
    let Ok(settings) = tls.authorities() else { return };
    let have_lists = revocations.iter().any(|revocation| matches!(revocation, Revocation::Lists(_)));
    match &tls.keep_lists {
        Some(folder) => {
            if folder.is_dir() {
                findings.writable("tls.keep_lists", &folder.join("list.crl"));
            } else {
                findings.error("tls.keep_lists", format!("{} is no folder", folder.display()));
            }
        }
        None if have_lists => {
            findings.warn(
                "tls.keep_lists",
                "a restart forgets the newest revocation lists; an older one may be taken",
            );
        }
        None => {}
    }
    for (index, (settings, revocation)) in (0..).zip(settings.iter().zip(revocations)) {
        let key = match tls.client_ca {
            Some(_) => "tls.revocation".to_owned(),
            None => format!("tls.authorities[{index}].revocation"),
        };
        if let (RevocationSettings::Lists(lists), Revocation::Lists(book)) =
            (&settings.revocation, revocation)
        {
            check_lists(subject, &key, (lists, book), findings);
        }
    }
}

fn check_lists(
    subject: &Subject<'_>,
    key: &str,
    (settings, book): (&ListSettings, &RevocationBook),
    findings: &mut Findings,
) {
    let now = subject.clock.now();
    for (index, file) in settings.files.iter().enumerate() {
        let key = format!("{key}.files[{index}]");
        let Some(content) = findings.take(&key, FileContent::public(file)) else { continue };
        let faults = match lists_in(content.bytes()) {
            Ok(ders) => book.offer(index, &ders, now).faults,
            Err(ListFault::Malformed) => {
                findings.error(&key, format!("file {} holds no revocation list", file.display()));
                continue;
            }
            Err(fault) => vec![fault],
        };
        for fault in faults {
            findings.error(&key, format!("file {}: {fault}", file.display()));
        }
    }
    for (index, url) in settings.urls.iter().enumerate() {
        findings.take(&format!("{key}.urls[{index}]"), check_place(url));
    }
    if settings.grace() > LONG {
        findings.warn(
            &format!("{key}.grace_seconds"),
            "a revoked certificate may be believed for more than a day",
        );
    }
    let health = book.health(now);
    // What lies behind a URL is not asked here.
    if settings.urls.is_empty() && health.missing > 0 {
        let text = format!(
            "{} issuers in the authority's file have no list: the broker is not ready",
            health.missing
        );
        findings.error(key, text);
    } else if settings.urls.is_empty() && health.refusing > 0 {
        findings.error(
            key,
            "a list is beyond its nextUpdate and the grace: its issuer's certificates are refused",
        );
    } else if health.next_update.is_some_and(|next| next < now) {
        findings.warn(key, "a list is beyond its nextUpdate");
    }
}
