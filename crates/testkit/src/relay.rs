//! A bad network between a client and a server: passes bytes on, or holds them back, drips, cuts or swallows them.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What happens to the server's bytes on their way to the client. Changes hold at once, for open connections too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// They pass.
    Fair,
    /// Each read of them is held back so long; their order stays.
    Late(Duration),
    /// One byte passes, then so long nothing.
    Drip(Duration),
    /// Nothing passes in either direction; connections stay open.
    Silent,
    /// One more byte passes, then the connection is reset.
    Cut,
    /// Connections are accepted and reset.
    Refusing,
}

/// A relay on a port of its own; ends when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Passes on to a server.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn to(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(Weather::Fair);
        let task = tokio::spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                passing.spawn(pass(client, server, seen.clone()));
                while passing.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, weather, task })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: SocketAddr, weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Refusing {
        let _reset = client.set_zero_linger();
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _quick = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let _reset = client.set_zero_linger();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = pump(&mut from_client, &mut to_server, weather.clone(), Direction::Requests);
    let replies = pump(&mut from_server, &mut to_client, weather, Direction::Replies);
    tokio::select! {
        () = requests => {}
        () = replies => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Requests,
    Replies,
}

/// Passes bytes on until an end is gone or the weather cuts them off.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut weather: watch::Receiver<Weather>,
    direction: Direction,
) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let mut rest = buffer.get(..count).unwrap_or_default();
        while let Some((first, behind)) = rest.split_first() {
            let now = *weather.borrow_and_update();
            let passed = match (now, direction) {
                (Weather::Silent, _) => {
                    if weather.changed().await.is_err() {
                        return;
                    }
                    continue;
                }
                (Weather::Late(delay), Direction::Replies) => {
                    tokio::time::sleep(delay).await;
                    to.write_all(std::mem::take(&mut rest)).await
                }
                (Weather::Drip(gap), Direction::Replies) => {
                    rest = behind;
                    let written = to.write_all(&[*first]).await;
                    tokio::time::sleep(gap).await;
                    written
                }
                (Weather::Cut | Weather::Refusing, Direction::Replies) => {
                    let _last = to.write_all(&[*first]).await;
                    return;
                }
                _ => to.write_all(std::mem::take(&mut rest)).await,
            };
            if passed.is_err() {
                return;
            }
        }
    }
}
