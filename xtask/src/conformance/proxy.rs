//! A proxy on loopback that adds a bearer token: the official suite cannot send one.
//!
//! One request per connection, so that bytes can be copied without being understood.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

use anyhow::{Context as _, ensure};

/// The largest request head that is read, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;

/// Listens until the process ends, and gives the address.
pub(super) fn start(server: String, token: &str) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = listener.local_addr()?;
    let authorization = format!("authorization: Bearer {token}\r\n");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, authorization) = (server.clone(), authorization.clone());
            // A suite that hangs up early is not a failure of ours.
            thread::spawn(move || pass(client, &server, own, &authorization));
        }
    });
    Ok(own)
}

fn pass(
    mut client: TcpStream,
    server: &str,
    own: SocketAddr,
    authorization: &str,
) -> anyhow::Result<()> {
    let (head, rest) = read_head(&mut client)?;
    let mut upstream = TcpStream::connect(server)?;
    upstream.set_nodelay(true)?;
    upstream.write_all(rewritten(&head, server, &own.to_string(), authorization).as_bytes())?;
    upstream.write_all(&rest)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, upstream.try_clone()?);
    thread::spawn(move || {
        let _hung_up = std::io::copy(&mut from_client, &mut to_server);
        // The server must learn that nobody waits any more.
        let _gone = to_server.shutdown(Shutdown::Both);
    });
    copy_at_once(&mut upstream, &mut client)?;
    Ok(client.shutdown(Shutdown::Both)?)
}

/// Without buffering: events of a stream are passed on as they come.
fn copy_at_once(from: &mut TcpStream, to: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            read => to.write_all(&buffer[..read])?,
        }
    }
}

fn read_head(client: &mut TcpStream) -> anyhow::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8(bytes).context("a head that is not text")?, rest));
        }
        let read = client.read(&mut buffer)?;
        ensure!(read > 0 && bytes.len() < HEAD_LIMIT, "no whole request");
        bytes.extend_from_slice(&buffer[..read]);
    }
}

/// The head for the server: the token, one request per connection, and the server's own host where
/// the client named the proxy. A foreign host or origin stays, because that is what a test tests.
fn rewritten(head: &str, server: &str, own: &str, authorization: &str) -> String {
    let mut lines = head.split("\r\n");
    let mut result = format!("{}\r\n", lines.next().unwrap_or_default());
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "authorization" | "connection" | "keep-alive" => {}
            "host" if value.trim() == own => result.extend(["host: ", server, "\r\n"]),
            _ => result.extend([line, "\r\n"]),
        }
    }
    result.push_str(authorization);
    result.push_str("connection: close\r\n\r\n");
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_proxys_own_host_is_replaced_and_the_token_is_added() {
        let head = |host| {
            format!(
                "POST /mcp HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\nAuthorization: x\r\nOrigin: http://a.test\r\n\r\n"
            )
        };
        let rewrite = |host| {
            rewritten(&head(host), "127.0.0.1:2", "127.0.0.1:1", "authorization: Bearer t\r\n")
        };
        let rest = "Origin: http://a.test\r\nauthorization: Bearer t\r\nconnection: close\r\n\r\n";
        assert_eq!(
            rewrite("127.0.0.1:1"),
            format!("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:2\r\n{rest}")
        );
        assert_eq!(
            rewrite("evil.test"),
            format!("POST /mcp HTTP/1.1\r\nHost: evil.test\r\n{rest}")
        );
    }
}
