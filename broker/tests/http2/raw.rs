//! HTTP/2 by hand: frames as RFC 9113 has them, with whatever is in them.

use std::time::Duration;

use anyhow::{Context, Result};
use lakegate_testkit::{Deployment, GET_ACCESS_TOKEN};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// RFC 9113, section 7.
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// No test waits longer for a connection to end.
const PATIENCE: Duration = Duration::from_secs(8);

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A connection whose preface and settings are sent.
pub(crate) struct Raw {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

pub(crate) struct Reader(ReadHalf<TlsStream<TcpStream>>);

pub(crate) struct Writer(WriteHalf<TlsStream<TcpStream>>);

impl Raw {
    pub(crate) async fn connect(lake: &Deployment) -> Result<Self> {
        let stream = lake.tls_stream("alice", &[b"h2"]).await?;
        let (reader, writer) = tokio::io::split(stream);
        let (reader, mut writer) = (Reader(reader), Writer(writer));
        writer.bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        writer.frame(SETTINGS, 0, 0, &[]).await?;
        Ok(Self { reader, writer })
    }

    /// Sends until the peer closes or all is sent, reading at the same time; what came back until the connection
    /// ended or `enough` saw what it waits for.
    pub(crate) async fn flood(
        self,
        frames: impl Iterator<Item = Vec<u8>>,
        enough: impl Fn(&Frame) -> bool,
    ) -> Result<Vec<Frame>> {
        let Self { mut reader, mut writer } = self;
        // When the peer has closed there is nothing more to send, but perhaps its last word to read.
        let send = async {
            for bytes in frames {
                if writer.bytes(&bytes).await.is_err() {
                    break;
                }
            }
            std::future::pending::<std::convert::Infallible>().await
        };
        let receive = async {
            let mut seen = Vec::new();
            while let Some(frame) = reader.frame().await {
                let last = enough(&frame);
                seen.push(frame);
                if last {
                    break;
                }
            }
            seen
        };
        let both = async {
            tokio::select! {
                seen = receive => seen,
                never = send => match never {},
            }
        };
        tokio::time::timeout(PATIENCE, both).await.context("the flood neither ended nor was answered")
    }
}

impl Reader {
    /// The next frame; none at the connection's end, however it ends.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; usize::try_from(length).ok()?];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of a kind, within the test's patience.
    pub(crate) async fn next(&mut self, kind: u8) -> Option<Frame> {
        let wanted = async {
            loop {
                match self.frame().await {
                    Some(frame) if frame.kind == kind && frame.flags & ACK == 0 => return Some(frame),
                    Some(frame) if frame.kind == kind && kind != SETTINGS && kind != PING => {
                        return Some(frame);
                    }
                    Some(_) => {}
                    None => return None,
                }
            }
        };
        tokio::time::timeout(PATIENCE, wanted).await.unwrap()
    }
}

impl Writer {
    pub(crate) async fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).await?;
        Ok(self.0.flush().await?)
    }

    pub(crate) async fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<()> {
        self.bytes(&frame(kind, flags, stream, payload)).await
    }
}

/// A frame's bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The header block of a call, with more headers after the usual ones.
pub(crate) fn block(more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", GET_ACCESS_TOKEN),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    usual.iter().chain(more).flat_map(|(name, value)| literal(name, value)).collect()
}

/// A header as HPACK writes it without table and Huffman (RFC 7541, section 6.2.2).
pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0][..], &text(name), &text(value)].concat()
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.len();
    if rest < 127 {
        out.push(u8::try_from(rest).unwrap());
    } else {
        out.push(127);
        rest -= 127;
        while rest >= 128 {
            out.push(u8::try_from(rest % 128).unwrap() | 0x80);
            rest /= 128;
        }
        out.push(u8::try_from(rest).unwrap());
    }
    out.extend_from_slice(text.as_bytes());
    out
}

/// A header block cut into HEADERS and CONTINUATION frames of the usual size.
pub(crate) fn in_frames(stream: u32, block: &[u8]) -> Vec<Vec<u8>> {
    let chunks: Vec<&[u8]> = block.chunks(16 * 1024).collect();
    let last = chunks.len() - 1;
    let of = |(index, chunk): (usize, &&[u8])| {
        let kind = if index == 0 { HEADERS } else { CONTINUATION };
        let end_stream = if index == 0 { END_STREAM } else { 0 };
        let end_headers = if index == last { END_HEADERS } else { 0 };
        frame(kind, end_stream | end_headers, stream, chunk)
    };
    chunks.iter().enumerate().map(of).collect()
}

/// The error code of the GOAWAY among frames; none without one.
pub(crate) fn goaway(frames: &[Frame]) -> Option<u32> {
    let frame = frames.iter().rfind(|frame| frame.kind == GOAWAY)?;
    Some(u32::from_be_bytes(frame.payload.get(4..8)?.try_into().ok()?))
}

/// A settings frame as pairs.
pub(crate) fn settings(frame: &Frame) -> Vec<(u16, u32)> {
    let pair = |bytes: &[u8]| {
        let value = u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
        (u16::from_be_bytes([bytes[0], bytes[1]]), value)
    };
    frame.payload.chunks_exact(6).map(pair).collect()
}
