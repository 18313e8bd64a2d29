//! Who may read what, and what is in it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rcgen::{CertificateRevocationListParams, CertifiedKey, KeyIdMethod, SerialNumber};
use tempfile::TempDir;

use super::*;

fn write(dir: &TempDir, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn cl10_a_secret_that_others_may_read_is_refused_with_its_mode_and_the_remedy() {
    let dir = TempDir::new().unwrap();
    for mode in [0o600, 0o400, 0o700] {
        let path = write(&dir, &format!("{mode:o}"), "canary", mode);
        assert_eq!(&**read_secret(&path).unwrap(), b"canary");
    }
    for mode in [0o640, 0o604, 0o644, 0o660, 0o601, 0o666] {
        let path = write(&dir, &format!("{mode:o}"), "canary", mode);
        let error = read_secret(&path).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("has mode {mode:o}")) && text.contains("make it 0600"), "{text}");
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[test]
fn cl10_a_file_of_root_may_be_readable_by_its_group_and_one_of_a_stranger_is_no_secret() {
    const ME: u32 = 1000;
    assert_eq!(broken_rule(0o100_600, ME, ME), None);
    assert_eq!(broken_rule(0o100_640, ME, ME), Some(OWN_RULE));
    assert_eq!(broken_rule(0o100_440, 0, ME), None);
    assert_eq!(broken_rule(0o100_644, 0, ME), Some(ROOT_RULE));
    assert_eq!(broken_rule(0o100_460, 0, ME), Some(ROOT_RULE));
    assert_eq!(broken_rule(0o100_640, 0, 0), Some(OWN_RULE), "root itself is held to the strict rule");
    assert_eq!(broken_rule(0o100_600, 1001, ME), Some(OWNER_RULE));
}

#[test]
fn a_secret_text_loses_one_line_end_and_is_not_empty() {
    let dir = TempDir::new().unwrap();
    for text in ["s3cret", "s3cret\n", "s3cret\r\n"] {
        assert_eq!(read_secret_text(&write(&dir, "text", text, 0o600)).unwrap().expose(), "s3cret");
    }
    assert_eq!(read_secret_text(&write(&dir, "text", " a \n\n", 0o600)).unwrap().expose(), " a \n");
    for text in ["", "\n"] {
        let error = read_secret_text(&write(&dir, "text", text, 0o600)).unwrap_err();
        assert!(matches!(error, HostError::Content { .. }));
    }
    let long = write(&dir, "long", &"x".repeat((1 << 20) + 1), 0o600);
    assert!(matches!(read_secret(&long), Err(HostError::TooLarge { .. })));
    assert!(matches!(read_secret(Path::new("/nowhere/key")), Err(HostError::Read { .. })));
}

#[test]
fn keys_certificates_and_revocation_lists_come_out_of_pem() {
    let dir = TempDir::new().unwrap();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
    let chain = write(&dir, "chain.pem", &[cert.pem(), cert.pem()].concat(), 0o644);
    assert_eq!(certificates(&chain).unwrap(), [cert.der().clone(), cert.der().clone()]);
    let key = write(&dir, "key.pem", &signing_key.serialize_pem(), 0o600);
    assert_eq!(private_key(&key).unwrap().secret_der(), signing_key.serialize_der());
    let open_key = write(&dir, "open.pem", &signing_key.serialize_pem(), 0o644);
    assert!(matches!(private_key(&open_key), Err(HostError::Exposed { .. })));

    let error = private_key(&write(&dir, "no.pem", &cert.pem(), 0o600)).unwrap_err().to_string();
    assert!(error.ends_with("no.pem holds no private key in PEM form"), "{error}");
    assert!(certificates(&write(&dir, "none.pem", "", 0o644)).is_err());
    let broken = cert.pem().replace("-----END", "!\n-----END");
    assert!(certificates(&write(&dir, "broken.pem", &broken, 0o644)).is_err());
    assert!(revocation_lists(&chain).is_err(), "an empty list of lists would mean that nothing is revoked");
}

#[test]
fn revocation_lists_come_out_of_pem() {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    let issuer = rcgen::Issuer::new(params, rcgen::KeyPair::generate().unwrap());
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2026, 2, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&issuer).unwrap();
    let dir = TempDir::new().unwrap();
    let path = write(&dir, "crl.pem", &list.pem().unwrap(), 0o644);
    assert_eq!(revocation_lists(&path).unwrap(), [list.der().clone()]);
}
