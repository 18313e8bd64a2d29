//! Every limit of a connection, each set explicitly: what hyper is not told, it does not limit.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;

use crate::rates::origin;

/// Limits per connection and on connections; the defaults fit a broker of two cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections altogether.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// Handshakes that are not finished, altogether.
    pub handshakes: usize,
    /// Handshakes from one address that are not finished.
    pub handshakes_per_address: usize,
    /// Requests a second from one address, whoever asks; a second's worth may come at once.
    pub requests_per_second_per_address: NonZeroU32,
    /// Requests a second by one identity, wherever it asks from; each request of a batch counts.
    pub requests_per_second_per_identity: NonZeroU32,
    /// Requests at once on one connection.
    pub streams: u32,
    /// Bytes of all headers of a request, decoded.
    pub header_bytes: u32,
    /// Seconds until a handshake must be finished.
    pub handshake_seconds: u64,
    /// Seconds after the handshake until the client's HTTP/2 preface must be here.
    pub preface_seconds: u64,
    /// Seconds after the handshake until a client without a certificate must have proved itself by a delegation token.
    pub proof_seconds: u64,
    /// Seconds for a whole request: its body, its method and its audit record.
    pub request_seconds: u64,
    /// Seconds after which a connection is asked to go and come again.
    pub connection_age_seconds: u64,
    /// Narrowed scopes that one principal may have minted in a minute.
    pub narrowed_mints_per_minute: u32,
    /// Tokens kept in memory, per storage.
    pub local_tokens: u64,
    /// Milliseconds that the shared tier may take to answer; afterwards it is a miss.
    pub shared_tier_millis: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 2_000,
            handshakes: 4_000,
            handshakes_per_address: 2_000,
            requests_per_second_per_address: at_least_one(50_000),
            requests_per_second_per_identity: at_least_one(20_000),
            streams: 256,
            header_bytes: 16 * 1024,
            handshake_seconds: 5,
            preface_seconds: 5,
            proof_seconds: 10,
            request_seconds: 10,
            connection_age_seconds: 3_600,
            narrowed_mints_per_minute: 60,
            local_tokens: 100_000,
            shared_tier_millis: 20,
        }
    }
}

impl Limits {
    /// HTTP/2 with every knob turned.
    pub(crate) fn http2(&self) -> http2::Builder<TokioExecutor> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.streams)
            .max_header_list_size(self.header_bytes)
            .max_local_error_reset_streams(64)
            .max_pending_accept_reset_streams(20)
            .max_frame_size(16 * 1024)
            .max_send_buf_size(256 * 1024)
            .initial_stream_window_size(128 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .adaptive_window(false)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        builder
    }

    pub(crate) fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }

    pub(crate) fn preface(&self) -> Duration {
        Duration::from_secs(self.preface_seconds)
    }

    pub(crate) fn proof(&self) -> Duration {
        Duration::from_secs(self.proof_seconds)
    }

    pub(crate) fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    pub(crate) fn connection_age(&self) -> Duration {
        Duration::from_secs(self.connection_age_seconds)
    }
}

fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// Counts connections of a kind, altogether and by address: open ones, or those in a handshake.
#[derive(Debug, Clone)]
pub(crate) struct Seats {
    most: usize,
    most_per_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A taken seat; free again when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    address: IpAddr,
}

impl Seats {
    /// So many altogether, and so many of them from one address.
    pub(crate) fn new(most: usize, most_per_address: usize) -> Self {
        Self { most, most_per_address, taken: Arc::default() }
    }

    /// Takes a seat for a connection from an address; none when all are taken.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Seat> {
        let address = origin(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.total >= self.most || mine >= self.most_per_address {
            return None;
        }
        taken.total += 1;
        taken.by_address.insert(address, mine + 1);
        drop(taken);
        Some(Seat { seats: self.clone(), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total = taken.total.saturating_sub(1);
        match taken.by_address.get(&self.address).copied() {
            Some(count) if count > 1 => taken.by_address.insert(self.address, count - 1),
            _ => taken.by_address.remove(&self.address),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gh05_seats_are_bounded_per_address_and_altogether() {
        let seats = Seats::new(3, 2);
        let (a, b): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let first = seats.take(a);
        let second = seats.take(a);
        assert!(first.is_some() && second.is_some());
        assert!(seats.take(a).is_none(), "third from one address");
        let third = seats.take(b);
        assert!(third.is_some());
        assert!(seats.take(b).is_none(), "fourth altogether");
        drop(first);
        assert!(seats.take(b).is_some());
    }
}
