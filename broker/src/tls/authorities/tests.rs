//! Who vouches for whom, when there is more than one authority.

use lakegate_domain::{Clock, SystemClock};
use lakegate_testkit::Authority as TestAuthority;

use super::*;
use crate::tls::AuthorityFault;

fn files(name: &str, of: &[&TestAuthority]) -> AuthorityFiles {
    let certificates = of.iter().map(|authority| authority.certificate()).collect();
    AuthorityFiles {
        name: AuthorityName::parse(name).unwrap(),
        certificates,
        revocation: Revocation::Unchecked,
    }
}

fn authorities(files: Vec<AuthorityFiles>) -> Result<Authorities, BuildError> {
    Authorities::new(files, rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms)
}

#[test]
fn xc24_a_chain_is_of_the_authority_that_issued_it_and_of_no_other() {
    let [staff, jobs, jobs_before, stranger] = [(); 4].map(|()| TestAuthority::new().unwrap());
    let both = authorities(vec![files("staff", &[&staff]), files("jobs", &[&jobs, &jobs_before])]).unwrap();
    let now = SystemClock.now();
    let of = |by: &TestAuthority| both.vouch(&by.client("alice").unwrap().chain, now);
    let name = |by: &TestAuthority| of(by).map(|vouched| vouched.authority.to_string());
    assert_eq!(name(&staff).as_deref(), Ok("staff"));
    assert_eq!(name(&jobs).as_deref(), Ok("jobs"));
    assert_eq!(name(&jobs_before).as_deref(), Ok("jobs"));
    // It calls itself what the others do.
    assert_eq!(of(&stranger), Err(Distrust::Signature));
    assert!(both.vouch(&[], now).is_err());
}

#[test]
fn xc24_authorities_that_nobody_could_tell_apart_are_refused() {
    let [one, two] = [(); 2].map(|()| TestAuthority::new().unwrap());
    let shared = authorities(vec![files("a", &[&one]), files("b", &[&two, &one])]);
    assert!(
        matches!(shared, Err(BuildError::SharedAuthority { one, other }) if one.as_str() == "a" && other.as_str() == "b")
    );
    let twice = authorities(vec![files("a", &[&one]), files("a", &[&two])]);
    assert!(matches!(twice, Err(BuildError::AuthorityTwice { name }) if name.as_str() == "a"));
    assert!(matches!(authorities(Vec::new()), Err(BuildError::NoClientCa)));
    let empty = authorities(vec![files("a", &[&one]), files("b", &[])]);
    assert!(matches!(empty, Err(BuildError::ClientAuthority { source: AuthorityFault::Empty, .. })));
}
