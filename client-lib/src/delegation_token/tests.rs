//! What is taken for a token, and from which files.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use lakegate_delegation::CredentialsError;

use super::*;

/// A file of this name and mode in the temporary folder, removed when it is dropped.
struct TokenFile(std::path::PathBuf);

impl TokenFile {
    fn new(name: &str, mode: u32, text: &str) -> Self {
        let name = format!("lakegate-{}-{name}", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        let mut options = std::fs::OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&file.0)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        file
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_url_string_is_taken_and_sent_as_a_sensitive_header() {
    let token = DelegationToken::parse(" canary-7b_Z9\n".to_owned()).unwrap();
    let header = token.header().unwrap();
    assert_eq!(header, "Lakegate-DT canary-7b_Z9");
    assert!(header.is_sensitive());
}

#[test]
fn what_could_break_out_of_a_header_or_is_no_token_is_refused() {
    for bad in ["", "  ", "a b", "a\r\nx-evil: 1", "a=", "a+b", "a/b", "\u{e9}", &"a".repeat(3_073)] {
        let fault = DelegationToken::parse((*bad).to_owned());
        assert!(matches!(fault, Err(ConfigFault::DelegationToken)), "{bad:?}");
    }
}

#[test]
fn cl10_a_file_that_others_can_read_is_refused() {
    let good = TokenFile::new("closed", 0o600, "canary-1\n");
    assert_eq!(DelegationToken::from_file(&good.0).unwrap().header().unwrap(), "Lakegate-DT canary-1");
    for (name, mode) in [("world", 0o604), ("writable", 0o620), ("all", 0o666)] {
        let file = TokenFile::new(name, mode, "canary-1");
        // The process's mask may have closed it; then it is not exposed.
        std::fs::set_permissions(&file.0, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let fault = DelegationToken::from_file(&file.0);
        assert!(matches!(fault, Err(ConfigFault::TokenFileExposed)), "{name}: {fault:?}");
    }
}

#[test]
fn a_file_that_is_not_there_or_holds_no_token_is_an_error() {
    let absent = DelegationToken::from_file(Path::new("/nowhere/at/all"));
    assert!(matches!(absent, Err(ConfigFault::TokenFile(_))));
    let empty = TokenFile::new("empty", 0o600, "");
    assert!(matches!(DelegationToken::from_file(&empty.0), Err(ConfigFault::DelegationToken)));
    let endless = TokenFile::new("endless", 0o600, &"a".repeat(100_000));
    assert!(matches!(DelegationToken::from_file(&endless.0), Err(ConfigFault::DelegationToken)));
}

#[test]
fn a_token_is_taken_from_hadoops_file_and_its_end_is_known() {
    let issued = testing::issued();
    let (token, other) = (testing::token(issued, 7), testing::token_of("alice", "other", (issued, 7)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storage");
    testing::write(&path, testing::storage(&[("b:1", &token)]));
    let read = DelegationToken::from_file(&path).unwrap();
    assert_eq!(read.told.as_ref().unwrap().max, issued.plus(testing::DAY * 7));
    assert!(lakegate_delegation::describe(read.text.expose()).is_ok_and(|told| told.service == "b:1"));
    testing::write(&path, testing::storage(&[("b:1", &token), ("b:2", &other)]));
    let fault = DelegationToken::from_file(&path);
    assert!(matches!(fault, Err(ConfigFault::TokenStorage(CredentialsError::Ambiguous))), "{fault:?}");
    let (chosen, _) = look::read(&path, &["b:2".to_owned()]).unwrap();
    assert_eq!(chosen.told.unwrap().identity.cluster, "other");
    testing::write(&path, b"HDTS\x02");
    let fault = DelegationToken::from_file(&path);
    assert!(matches!(fault, Err(ConfigFault::TokenStorage(CredentialsError::Version(2)))), "{fault:?}");
}

#[test]
fn lg01_a_token_prints_without_itself() {
    let token = DelegationToken::parse("canary-91ab".to_owned()).unwrap();
    let shown = format!("{token:?} {token:#?} {:?}", token.header().unwrap());
    assert!(!shown.contains("canary"), "{shown}");
}
