//! How client certificates are read.

use lakegate_host::Findings;

use super::Subject;
use crate::identity::{DnsResolver, ProfileKind, Profiles};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let (settings, tls) = (&subject.config.identity, &subject.config.tls);
    // What is wrong with the authorities themselves is told where they stand.
    let Ok(authorities) = tls.authorities() else { return };
    let authorities: Vec<_> = authorities.into_iter().map(|authority| authority.name).collect();
    match Profiles::new(settings, &authorities) {
        Err(faults) => {
            for (number, fault) in faults {
                findings.error(&fault.key(number), fault);
            }
        }
        Ok(profiles) if profiles.bind_hosts() || subject.config.acting.rules.is_some() => {
            findings.take("identity.name_servers", DnsResolver::new(&settings.name_servers));
        }
        Ok(_) if !settings.name_servers.is_empty() => {
            findings.warn("identity.name_servers", "nobody is bound to a host: no name server is ever asked");
        }
        Ok(_) => {}
    }
    let carriers = settings.profiles.iter().any(|profile| profile.kind == ProfileKind::Carrier);
    if carriers && subject.config.delegation.is_none() {
        findings.warn("identity.profiles", "carriers bring delegation tokens, and none is believed here");
    }
}
