//! One HTTP/1.1 request over a connection of its own. No TLS, no redirects, no reuse.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use url::Url;

use super::authority;

const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer, read to its end.
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// Names in lower case, in the order of arrival.
    pub(crate) headers: Vec<(String, String)>,
    /// The body as text.
    pub(crate) body: String,
}

impl Response {
    /// The first header with this lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text field of a JSON body.
    pub(crate) fn field(&self, name: &str) -> anyhow::Result<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body)?;
        let text = body.get(name).and_then(serde_json::Value::as_str);
        Ok(text.with_context(|| format!("no `{name}` in {}", self.body))?.to_owned())
    }
}

/// Sends a request and reads the whole answer.
pub(crate) fn send(
    method: &str,
    url: &Url,
    headers: &[(&str, String)],
    body: &str,
) -> anyhow::Result<Response> {
    let authority = authority(url)?;
    let mut stream =
        TcpStream::connect(&authority).with_context(|| format!("cannot reach {authority}"))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\
         content-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).with_context(|| format!("an odd answer from {url}"))
}

fn parse(answer: &[u8]) -> anyhow::Result<Response> {
    let end =
        answer.windows(4).position(|four| four == b"\r\n\r\n").context("no end of headers")?;
    let head = std::str::from_utf8(&answer[..end])?;
    let body = &answer[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked"));
    let body = if chunked { unchunk(body)? } else { body.to_vec() };
    Ok(Response { status: status.parse()?, headers, body: String::from_utf8(body)? })
}

fn unchunk(mut rest: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").context("no size of a chunk")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end])?.trim(), 16)?;
        let start = end + 2;
        ensure!(rest.len() >= start + size, "the answer ends inside a chunk");
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&rest[start..start + size]);
        rest = rest.get(start + size + 2..).context("no end of a chunk")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_answer_is_put_together() {
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n\
                       3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let response = parse(answer).expect("well-formed");
        assert_eq!((response.status, response.body.as_str()), (200, "abcde"));
        assert_eq!(response.header("x-a"), Some("b"));
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc").is_err());
    }
}
