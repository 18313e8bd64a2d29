//! RD11: what is wrong for good stops the start, each with its own error; what may pass does not.

use lakegate_testkit::{Authority, RedisClients, RedisKind, RedisServer};
use lakegate_token_store::{StoreError, TokenStore};
use redis::aio::MultiplexedConnection;

use crate::world::{KINDS, Opened, World, keys, name, store, until};

#[tokio::test]
async fn rd11_a_server_with_another_authority_or_name_is_refused() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let stranger = Authority::new().unwrap();
        let ca = server.folder().join("stranger.pem");
        std::fs::write(&ca, stranger.certificate_pem()).unwrap();
        let settings = server.settings_toml().replace("/ca.pem", "/stranger.pem");
        let refused = store(&settings, "").await.unwrap_err();
        assert!(matches!(refused, StoreError::Tls(_)), "{refused:?}");
        // Its certificate is for 127.0.0.1 and localhost; 127.0.0.2 leads to no other machine.
        if kind == RedisKind::Redis {
            server.command(&["CONFIG", "SET", "bind", "127.0.0.1 127.0.0.2"]).await.unwrap();
            let refused = store(&server.settings_toml().replace("127.0.0.1", "127.0.0.2"), "").await;
            assert!(matches!(refused, Err(StoreError::Tls(_))), "{refused:?}");
        }
        let localhost = server.settings_toml().replace("127.0.0.1", "localhost");
        assert!(store(&localhost, "").await.unwrap().health().reached);
    }
}

#[tokio::test]
async fn rd11_a_wrong_user_or_password_is_refused_and_not_repeated() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        let other_user = server.settings_toml().replace("\"lakegate\"", "\"nobody\"");
        std::fs::write(server.folder().join("wrong"), "canary-0b7c").unwrap();
        let other_password = server.settings_toml().replace("/password", "/wrong");
        for settings in [other_user, other_password] {
            let refused = store(&settings, "").await.unwrap_err();
            assert!(matches!(refused, StoreError::Credentials), "{refused:?}");
            assert!(!format!("{refused} {refused:?}").contains("canary"));
        }
    }
}

#[tokio::test]
async fn rd11_a_user_without_a_right_is_refused_and_the_right_is_named() {
    for kind in KINDS {
        let server = RedisServer::start(kind).await.unwrap();
        for (rule, word) in [
            ("-set", "SET"),
            ("-exists", "EXISTS"),
            ("-getrange", "GETRANGE"),
            ("-del", "DEL"),
            ("-info", "INFO"),
            ("resetkeys", "SET"),
        ] {
            server.command(&["ACL", "SETUSER", "lakegate", rule]).await.unwrap();
            match store(&server.settings_toml(), "").await {
                Err(StoreError::Rights(what)) => assert!(what.contains(word), "{rule}: {what}"),
                other => panic!("{rule}: {other:?}"),
            }
            server.command(&["ACL", "LOAD"]).await.unwrap();
            let opened = store(&server.settings_toml(), "").await.unwrap();
            assert!(opened.health().reached, "{rule} taken back");
        }
    }
}

#[tokio::test]
async fn rd11_a_server_that_serves_strangers_is_refused_unless_asked_for() {
    for kind in KINDS {
        let server = RedisServer::start_for(kind, RedisClients::Anybody).await.unwrap();
        let refused = store(&server.settings_toml(), "").await.unwrap_err();
        assert!(matches!(refused, StoreError::OpenDefaultUser), "{refused:?}");
        // Certificates and passwords are checked all the same.
        assert!(store(&server.settings_toml(), "insecure = true\n").await.unwrap().health().reached);
        std::fs::write(server.folder().join("wrong"), "x").unwrap();
        let wrong = server.settings_toml().replace("/password", "/wrong");
        assert!(matches!(store(&wrong, "insecure = true\n").await, Err(StoreError::Credentials)));
    }
}

#[tokio::test]
async fn rd11_a_server_that_wants_a_certificate_gets_ours_or_is_refused() {
    for kind in KINDS {
        let server = RedisServer::start_for(kind, RedisClients::WithCertificate).await.unwrap();
        is_not_let_in(store(&server.settings_toml(), "").await);
        let folder = server.folder().display();
        let more = format!("client_certificate = \"{folder}/me.pem\"\nclient_key = \"{folder}/me.key\"\n");
        for (authority, accepted) in [(server.authority(), true), (&Authority::new().unwrap(), false)] {
            let issued = authority.client("broker").unwrap();
            std::fs::write(server.folder().join("me.pem"), issued.certificate_pem).unwrap();
            std::fs::write(server.folder().join("me.key"), issued.key_pem).unwrap();
            let opened = store(&server.settings_toml(), &more).await;
            if accepted { assert!(opened.unwrap().health().reached) } else { is_not_let_in(opened) }
        }
    }
}

/// In TLS 1.3 a server refuses a client after the client's side of the handshake is done. Its alert may be lost in the
/// reset that follows, and a server in the clear may just wait for more: then it looks like a server out of reach.
fn is_not_let_in(opened: Result<Opened, StoreError>) {
    match opened {
        Err(error) => assert!(matches!(error, StoreError::Tls(_)), "{error:?}"),
        Ok(store) => assert!(!store.health().reached, "not ready"),
    }
}

#[tokio::test]
async fn rd11_a_server_in_the_clear_is_never_reached_over_tls() {
    let server = RedisServer::start(RedisKind::Redis).await.unwrap();
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    server.command(&["CONFIG", "SET", "port", &free.port().to_string()]).await.unwrap();
    is_not_let_in(store(&server.settings_toml_through(free), "").await);
    // In the clear and asked for, it works.
    let folder = server.folder().display();
    let clear = server
        .settings_toml_through(free)
        .replace("rediss://", "redis://")
        .replace(&format!("ca = \"{folder}/ca.pem\"\n"), "insecure = true\n");
    assert!(store(&clear, "").await.unwrap().health().reached);
}

/// Nobody listens to the server's messages, so a forged or a lost one means nothing to anybody: RD14.
#[tokio::test]
async fn in15_rd11_rd14_the_shipped_access_list_allows_what_the_store_needs_and_nothing_else() {
    for kind in KINDS {
        let world = World::start(kind).await;
        let [key] = keys();
        let mine = name(&key);
        let mut user = as_lakegate(&world.server).await;
        let allowed: [&[&str]; 6] = [
            &["SET", &mine, "v", "PX", "60000"],
            &["EXISTS", &mine],
            &["GETRANGE", &mine, "0", "10"],
            &["DEL", &mine],
            &["PING"],
            &["INFO", "replication"],
        ];
        for words in allowed {
            ask(&mut user, words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"));
        }
        let denied: [&[&str]; 26] = [
            &["SET", "other", "v"],
            &["GETRANGE", "other", "0", "1"],
            &["EXISTS", "other"],
            &["EXISTS", &mine, "other"],
            &["DEL", "other"],
            &["GET", &mine],
            &["KEYS", "*"],
            &["SCAN", "0"],
            &["RANDOMKEY"],
            &["EVAL", "return 1", "0"],
            &["FUNCTION", "LIST"],
            &["CONFIG", "GET", "*"],
            &["CONFIG", "SET", "maxmemory", "1"],
            &["FLUSHALL"],
            &["ACL", "LIST"],
            &["CLIENT", "LIST"],
            &["CLIENT", "KILL", "TYPE", "normal"],
            &["INFO"],
            &["INFO", "server"],
            &["MONITOR"],
            &["DEBUG", "SLEEP", "0"],
            &["SHUTDOWN"],
            &["REPLICAOF", "NO", "ONE"],
            &["PUBLISH", "c", "m"],
            &["SUBSCRIBE", "c"],
            &["PSUBSCRIBE", "*"],
        ];
        for words in denied {
            let error = ask(&mut user, words).await.expect_err(words[0]);
            assert_eq!(error.code(), Some("NOPERM"), "{words:?}: {error}");
        }
    }
}

/// A connection as the user of the shipped list, past TLS.
async fn as_lakegate(server: &RedisServer) -> MultiplexedConnection {
    let mut connection = server.admin().await.unwrap();
    ask(&mut connection, &["AUTH", "lakegate", server.password()]).await.unwrap();
    connection
}

async fn ask(connection: &mut MultiplexedConnection, words: &[&str]) -> redis::RedisResult<redis::Value> {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(word);
    }
    command.query_async(connection).await
}

#[tokio::test]
async fn a_server_that_is_not_there_does_not_stop_the_start_and_is_found_when_it_comes() {
    for kind in KINDS {
        let mut server = RedisServer::start(kind).await.unwrap();
        server.kill();
        let store = store(&server.settings_toml(), "").await.unwrap();
        let [key] = keys();
        assert!(!store.health().reached, "not ready without its store");
        assert!(matches!(store.get_many(&[key]).await, Err(StoreError::Unavailable(_))));
        server.restart().await.unwrap();
        until("the store is found", async || store.health().reached).await;
        until("calls go through", async || store.get_many(&[key]).await.is_ok()).await;
        server.kill();
        until("the loss is noticed", async || store.get_many(&[key]).await.is_err()).await;
        assert!(store.health().reached, "a broker that loses its store stays ready");
    }
}

#[tokio::test]
async fn what_is_wrong_for_good_and_found_late_is_never_connected_to() {
    let mut server = RedisServer::start_for(RedisKind::Redis, RedisClients::Anybody).await.unwrap();
    server.kill();
    let store = store(&server.settings_toml(), "").await.unwrap();
    server.restart().await.unwrap();
    // Two connections are seen by the server, each refused for its default user.
    until("attempts were made", async || {
        let mut admin = server.admin().await.unwrap();
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut admin).await.unwrap();
        let pings = info.lines().find_map(|line| line.strip_prefix("cmdstat_ping:calls="));
        pings.and_then(|rest| rest.split(',').next()?.parse::<u32>().ok()).unwrap_or(0) >= 4
    })
    .await;
    assert!(!store.health().reached);
    let [key] = keys();
    assert!(store.get_many(&[key]).await.is_err());
}
