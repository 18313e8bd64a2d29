//! Hadoop's own classes, version 3.3.4: they read our tokens and files as we mean them, and we read theirs.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use lakegate_client::{Client, DelegationTokenSource, issue_delegation_token};
use lakegate_delegation::hadoop::Credentials;
use lakegate_delegation::{Identifier, KIND, KeyId, TokenId, TokenView, describe};
use lakegate_domain::{Operation, OperationSet, Principal, Timestamp};
use lakegate_testkit::Deployment;
use tempfile::TempDir;

use crate::java::{self, Facts};
use crate::lake;

const SALES: &str = "gs://lake-foreign/wh/sales/";
const SERVICE: &str = "broker.example.com:8443";

/// Identifiers at the edges of every field.
fn identifiers() -> Vec<Identifier> {
    let principal = |name: &str| Principal::parse(name).unwrap();
    let plain = Identifier {
        owner: principal("alice"),
        renewer: Some(principal("yarn")),
        real_user: Some(principal("hive")),
        issued: Timestamp::from_millis(1_700_000_000_000),
        max_date: Timestamp::from_millis(1_700_604_800_000),
        sequence: 7,
        key: KeyId::new(3).unwrap(),
        cluster: "lake".to_owned(),
        id: TokenId::from_bytes([0, 1, 0x7f, 0x80, 0xff, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0]),
        first_renew_date: Timestamp::from_millis(1_700_086_400_000),
        store_epoch: 1,
    };
    let least = Identifier {
        renewer: None,
        real_user: None,
        issued: Timestamp::from_millis(0),
        max_date: Timestamp::from_millis(127),
        first_renew_date: Timestamp::from_millis(0),
        sequence: 0,
        key: KeyId::new(0).unwrap(),
        store_epoch: 0,
        ..plain.clone()
    };
    let most = Identifier {
        owner: principal(&"o".repeat(256)),
        renewer: Some(principal(&"r".repeat(256))),
        real_user: Some(principal(&"u".repeat(128))),
        max_date: Timestamp::from_millis(i64::MAX),
        sequence: i32::MAX.cast_unsigned(),
        key: KeyId::new(i32::MAX.cast_unsigned()).unwrap(),
        cluster: "k\u{e4}se-\u{4e2d}\u{1f9c0}".to_owned(),
        store_epoch: i32::MAX.cast_unsigned(),
        ..plain.clone()
    };
    let steps = [127, 128, 255, 256, 65_535, 65_536, 16_777_215, 16_777_216];
    let between = steps.into_iter().map(|number| Identifier {
        issued: Timestamp::from_millis(number.into()),
        sequence: number,
        key: KeyId::new(number).unwrap(),
        store_epoch: number,
        ..plain.clone()
    });
    [plain.clone(), least, most].into_iter().chain(between).collect()
}

fn url(identifier: &Identifier, service: &str) -> String {
    let (identifier, password) = (identifier.to_bytes(), [0xa5; 32]);
    TokenView { identifier: &identifier, password: &password, kind: KIND, service }.to_url()
}

fn name(principal: Option<&Principal>) -> &str {
    principal.map_or("", Principal::as_str)
}

/// What Hadoop must say of a token under `name` that has this identifier.
fn said_as_meant(facts: &Facts, name_of: &str, meant: &Identifier, service: &str) {
    let fact = |what: &str| facts.get(&[name_of, what].concat()).unwrap();
    let fields = format!(
        "{} {} {} {} {} {} {}",
        meant.owner,
        name(meant.renewer.as_ref()),
        name(meant.real_user.as_ref()),
        meant.issued.as_millis(),
        meant.max_date.as_millis(),
        meant.sequence,
        meant.key.as_u32()
    );
    assert!(
        fact("").starts_with(&format!("{KIND} {service} {} ", hex::encode(meant.to_bytes()))),
        "{}",
        fact("")
    );
    assert_eq!(*fact(" fields"), format!("{fields} format 1"));
    assert_eq!(*fact(" hadoops"), fields, "a reader that knows nothing of our part");
    let (first, epoch) = (meant.first_renew_date.as_millis(), meant.store_epoch);
    assert_eq!(*fact(" ours"), format!("{} {} {first} {epoch}", meant.cluster, meant.id));
    assert_eq!(fact(" rest"), "0");
    let real = name(meant.real_user.as_ref());
    let proof = if real.is_empty() { "TOKEN" } else { "PROXY" };
    assert_eq!(*fact(" user"), format!("{} {proof} {real}", meant.owner));
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    Ok(options.open(path)?.write_all(bytes.as_ref())?)
}

#[tokio::test]
async fn hadoop_reads_our_url_strings_as_we_mean_them_and_writes_the_same() -> Result<()> {
    let (folder, identifiers) = (TempDir::new()?, identifiers());
    let urls: Vec<String> = identifiers.iter().map(|meant| url(meant, SERVICE)).collect();
    let file = folder.path().join("urls");
    write(&file, urls.join("\n"))?;
    let facts = java::run("urls", [&file]).await?;
    for (number, (meant, url)) in identifiers.iter().zip(&urls).enumerate() {
        let name = format!("url {number}");
        said_as_meant(&facts, &name, meant, SERVICE);
        assert_eq!(facts.get(&[&name, " url"].concat()), Some(url));
        assert_eq!(&describe(url).context("ours")?.identifier, meant);
    }
    Ok(())
}

#[tokio::test]
async fn hadoop_reads_the_file_we_wrote_as_a_jobs_login_does_and_finds_our_token_by_its_service() -> Result<()>
{
    let folder = TempDir::new()?;
    let file = folder.path().join("job.storage");
    let meant = identifiers().swap_remove(0);
    let mut ours = Credentials::read(b"HDTS\x00\x00\x01\x01k\x03\x09\x08\x07")?;
    ours.put_ours(&url(&meant, ""), SERVICE)?;
    ours.put_ours(&url(&identifiers()[1], ""), "other.example.com:8443")?;
    write(&file, ours.to_bytes())?;
    let read = java::run("storage", [&file]).await?;
    said_as_meant(&read, &format!("token {SERVICE}"), &meant, SERVICE);
    said_as_meant(&read, "token other.example.com:8443", &identifiers()[1], "other.example.com:8443");
    assert_eq!(read.get("secret k").map(String::as_str), Some("090807"));
    let login = java::run_as_job("login", &file).await?;
    let without_held = |facts: &Facts| facts.iter().filter(|(name, _)| *name != "held").count();
    assert_eq!(without_held(&login), without_held(&read));
    said_as_meant(&login, &format!("token {SERVICE}"), &meant, SERVICE);
    let selected = java::run("select", [file.as_os_str(), SERVICE.as_ref()]).await?;
    assert_eq!(selected.get("selected"), Some(&url(&meant, SERVICE)));
    let none = java::run("select", [file.as_os_str(), "elsewhere.example.com:8443".as_ref()]).await?;
    assert_eq!(none.get("selected").map(String::as_str), Some("none"));
    Ok(())
}

/// Everything in a file of theirs, as Hadoop said that it wrote it.
fn read_as_said(bytes: &[u8], said: &Facts) -> Result<Credentials> {
    let read = Credentials::read(bytes)?;
    let hex = |bytes: &[u8]| if bytes.is_empty() { "-".to_owned() } else { hex::encode(bytes) };
    let mut known = 0;
    for (alias, token) in read.tokens() {
        let line =
            format!("{} {} {} {}", token.kind, token.service, hex(token.identifier), hex(token.password));
        assert_eq!(said.get(&format!("token {alias}")), Some(&line));
        assert_eq!(said.get(&format!("token {alias} url")), Some(&token.to_url()));
        known += 1;
    }
    for alias in read.secret_aliases() {
        assert_eq!(said.get(&format!("secret {alias}")), Some(&hex(read.secret(alias).unwrap_or_default())));
        known += 1;
    }
    let all = said.keys().filter(|name| name.ends_with(" url") || name.starts_with("secret ")).count();
    assert_eq!(known, all);
    Ok(read)
}

#[tokio::test]
async fn we_read_the_files_that_hadoop_writes_in_both_versions() -> Result<()> {
    let folder = TempDir::new()?;
    let (urls, file) = (folder.path().join("urls"), folder.path().join("theirs"));
    let services: Vec<String> = (0..identifiers().len()).map(|number| format!("b{number}:1")).collect();
    let lines: Vec<String> =
        identifiers().iter().zip(&services).map(|(meant, service)| url(meant, service)).collect();
    write(&urls, lines.join("\n"))?;
    for version in ["0", "1"] {
        let said = java::run("write", [file.as_os_str(), version.as_ref(), urls.as_os_str()]).await?;
        let bytes = fs::read(&file)?;
        assert_eq!(bytes.get(4), version.parse().ok().as_ref(), "the version that was asked for");
        let read = read_as_said(&bytes, &said)?;
        assert_eq!(read.tokens().count(), services.len() + 1);
        assert_eq!(read.secret("k\u{e4}se"), Some(&[0; 300][..]));
        for (meant, service) in identifiers().iter().zip(&services) {
            let (_, told) = read.ours(std::slice::from_ref(service))?;
            assert_eq!((&told.identifier, &told.service), (meant, service));
        }
        // What we write of it says the same to Hadoop.
        write(&file, read.to_bytes())?;
        let mut again = java::run("storage", [&file]).await?;
        again.insert("held".to_owned(), "write".to_owned());
        assert_eq!(again, said, "version {version}");
    }
    Ok(())
}

#[tokio::test]
async fn hadoop_refuses_the_headers_and_versions_that_we_refuse() -> Result<()> {
    let folder = TempDir::new()?;
    let cases: [(&str, &[u8]); 3] =
        [("magic", b"HDTX\x00\x00\x00"), ("2", b"HDTS\x02\x00"), ("127", b"HDTS\x7f")];
    let mut files = Vec::new();
    for (name, bytes) in cases {
        files.push(folder.path().join(name));
        write(&folder.path().join(name), bytes)?;
    }
    let said = java::run("refuse", &files).await?;
    let theirs = |name: &str| said.get(&format!("refused {name}")).map(|said| said.to_lowercase());
    let ours = |bytes| Credentials::read(bytes).unwrap_err().to_string();
    for (name, bytes) in cases {
        let theirs = theirs(name).context(name)?;
        match name {
            "magic" => assert_eq!(theirs.trim_end_matches('.'), ours(bytes)),
            // Its versions tell a version that they do not know in words of their own.
            version => assert!(theirs.ends_with(version) && ours(bytes).contains(version), "{theirs}"),
        }
    }
    Ok(())
}

async fn reads_by(file: &Path, lake: &Deployment) -> Result<()> {
    let source = DelegationTokenSource::File(file.to_owned());
    let job = Client::connect(lake.bare_config()?.with_delegation_token_from(source))?;
    let token = job.token_for(SALES, OperationSet::of(&[Operation::Read])).await?;
    let record = lake.audit().record(token.audit_id())?;
    let word = |name: &str| record.get(name).and_then(|word| word.as_str()).map(ToOwned::to_owned);
    assert_eq!(word("principal").as_deref(), Some("alice"));
    assert_eq!(word("proof").as_deref(), Some("delegation_token"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_went_through_hadoops_hands_is_still_believed_by_the_broker() -> Result<()> {
    let (lake, folder) = (lake::deployment().await?, TempDir::new()?);
    let yarn = Principal::parse("yarn")?;
    let issued = issue_delegation_token(lake.client_config("alice")?, Some(&yarn)).await?;
    let meant = describe(issued.token.expose())?.identifier;
    let (urls, file) = (folder.path().join("urls"), folder.path().join("job.storage"));
    let service = lake.endpoint().replace("https://", "");
    let mut ours = Credentials::new();
    ours.put_ours(issued.token.expose(), &service)?;
    write(&file, ours.to_bytes())?;
    let added = java::run("add", [&file]).await?;
    said_as_meant(&added, &format!("token {service}"), &meant, &service);
    assert!(added.contains_key("token ha-hdfs:ns"));
    // Hadoop makes its files as the mask has it, and a job's own is closed to others.
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    reads_by(&file, &lake).await?;
    write(&urls, issued.token.expose())?;
    for version in ["0", "1"] {
        write(&file, b"")?;
        java::run("write", [file.as_os_str(), version.as_ref(), urls.as_os_str()]).await?;
        reads_by(&file, &lake).await.with_context(|| format!("version {version}"))?;
    }
    Ok(())
}
