//! `multipart/related` (RFC 2387) as upload clients send it: two parts, the resource and the content.
//!
//! Written for what clients do and the RFC does not foresee: the boundary with or without quotes, lines that end
//! in CRLF or in a bare LF (one style throughout a body), and no line end after the last delimiter.

use bytes::Bytes;

/// The two parts of an upload.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Related {
    /// The resource, in JSON.
    pub(super) resource: Bytes,
    /// The content's type, if its part says one.
    pub(super) content_type: Option<String>,
    /// The content, byte for byte.
    pub(super) content: Bytes,
}

/// Reads the body; `None` when it is not two parts between delimiters.
pub(super) fn read(content_type: &str, body: &Bytes) -> Option<Related> {
    let delimiter = format!("--{}", boundary_of(content_type)?);
    let start = if body.starts_with(delimiter.as_bytes()) { 0 } else { find(body, b"\n", &delimiter)? + 1 };
    let after = start + delimiter.len();
    let line_end: &[u8] = if body.get(after..)?.starts_with(b"\r\n") { b"\r\n" } else { b"\n" };
    let rest = body.slice(after..).get(line_end.len()..).map(|rest| body.slice_ref(rest))?;
    let (first, rest) = until(&rest, line_end, &delimiter)?;
    let rest = rest.strip_prefix(line_end).map(|tail| rest.slice_ref(tail))?;
    let (second, end) = until(&rest, line_end, &delimiter)?;
    if !end.starts_with(b"--") {
        return None;
    }
    let (_, resource) = split_headers(&first, line_end)?;
    let (content_type, content) = split_headers(&second, line_end)?;
    Some(Related { resource, content_type, content })
}

/// The `boundary` parameter, unquoted.
fn boundary_of(content_type: &str) -> Option<&str> {
    let parameters = content_type.strip_prefix("multipart/related")?;
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let unquoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    if unquoted.is_empty() { None } else { Some(unquoted) }
}

/// What stands before and after the next delimiter that begins a line.
fn until(bytes: &Bytes, line_end: &[u8], delimiter: &str) -> Option<(Bytes, Bytes)> {
    let at = find(bytes, line_end, delimiter)?;
    Some((bytes.slice(..at), bytes.slice(at + line_end.len() + delimiter.len()..)))
}

fn find(bytes: &[u8], line_end: &[u8], delimiter: &str) -> Option<usize> {
    let wanted = [line_end, delimiter.as_bytes()].concat();
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The `Content-Type` of a part, and what follows its headers.
fn split_headers(part: &Bytes, line_end: &[u8]) -> Option<(Option<String>, Bytes)> {
    let mut content_type = None;
    let mut rest = part.clone();
    loop {
        let at = rest.windows(line_end.len()).position(|window| window == line_end)?;
        let line = rest.slice(..at);
        rest = rest.slice(at + line_end.len()..);
        if line.is_empty() {
            return Some((content_type, rest));
        }
        let (name, value) = std::str::from_utf8(&line).ok()?.split_once(':')?;
        if name.eq_ignore_ascii_case("content-type") {
            content_type = Some(value.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(content_type: &str, body: &'static [u8]) -> Option<(Bytes, Option<String>, Bytes)> {
        read(content_type, &Bytes::from_static(body)).map(|r| (r.resource, r.content_type, r.content))
    }

    #[test]
    fn crlf_and_a_quoted_boundary_are_read() {
        let body = b"--===1==\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{\"name\":\"a\"}\r\n--===1==\r\n\
            content-type: text/plain\r\n\r\nhello\r\n\r\n--===1==--\r\n";
        let read = parts("multipart/related; boundary=\"===1==\"", body).unwrap();
        assert_eq!(read, ("{\"name\":\"a\"}".into(), Some("text/plain".into()), "hello\r\n".into()));
    }

    #[test]
    fn bare_lf_without_a_last_line_end_is_read() {
        let body = b"--==0==\nContent-Type: application/json; charset=UTF-8\n\n{\"name\":\"a\"}\n--==0==\n\
            Content-Type: application/octet-stream\n\n\r\n--==0==--";
        let read = parts("multipart/related; boundary=\"==0==\"", body).unwrap();
        assert_eq!(read.2.as_ref(), b"\r", "the carriage return belongs to the content");
    }

    #[test]
    fn a_body_without_its_end_is_refused() {
        for body in
            [&b""[..], b"--b\n", b"--b\n\n{}\n--b\n\nx", b"--b\n\n{}\n--b\n\nx\n--b", b"--b\n\n{}\n--b--"]
        {
            assert!(parts("multipart/related; boundary=b", body).is_none());
        }
        assert!(parts("multipart/related", b"--b\n\n{}\n--b\n\nx\n--b--").is_none());
    }

    proptest! {
        #[test]
        fn any_content_comes_back(content in proptest::collection::vec(any::<u8>(), 0..200), crlf: bool) {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut body = format!("--bb{end}a: b{end}{end}{{}}{end}--bb{end}a: b{end}{end}").into_bytes();
            body.extend_from_slice(&content);
            body.extend_from_slice(format!("{end}--bb--").as_bytes());
            let read = read("multipart/related; boundary=bb", &body.into()).unwrap();
            prop_assert_eq!(read.content.as_ref(), content.as_slice());
        }

        #[test]
        fn any_body_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read("multipart/related; boundary=b", &body.into());
        }
    }
}
