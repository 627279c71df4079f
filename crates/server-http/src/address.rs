//! Whose request it is: the address of the peer, or of the client behind a trusted proxy.
//! It looks nothing up and decides about no limit.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Hops that are looked at; a longer list is somebody's game.
const MOST_HOPS: usize = 32;

/// The peers whose `X-Forwarded-For` counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(crate) fn new(networks: Vec<IpNet>) -> Proxies {
        Proxies(networks)
    }

    /// Whether the peer is one of them.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address of the client: from the right, the first hop that is no trusted proxy.
    ///
    /// Each proxy appends who it was asked by, so everything left of the first untrusted hop was
    /// written by the client. A hop that is no address ends the search at the last one known.
    /// Only `X-Forwarded-For` is read: a proxy that sets it passes `Forwarded` of clients on.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let hops = headers.get_all("x-forwarded-for").iter().rev();
        let hops = hops.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops.take(MOST_HOPS) {
            if !self.trusts(client) {
                break;
            }
            let Some(address) = parse(hop) else { break };
            client = address;
        }
        client
    }
}

/// An address, with a port if the proxy writes one, in brackets or not.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let with_port = || Some(text.parse::<std::net::SocketAddr>().ok()?.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse().ok().or_else(with_port).or_else(bracketed)?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(networks: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::new(networks.iter().map(|net| net.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_says_counts() {
        let ours = &["10.0.0.0/8", "fd00::/8"];
        for (networks, peer, forwarded, expected) in [
            (&[][..], "192.0.2.1", &["203.0.113.9"][..], "192.0.2.1"),
            (ours, "192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            (ours, "10.0.0.1", &[], "10.0.0.1"),
            (ours, "10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            // What the client wrote itself stands on the left.
            (ours, "10.0.0.1", &["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
            (ours, "10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (ours, "10.0.0.1", &["198.51.100.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            (ours, "10.0.0.1", &["10.0.0.3"], "10.0.0.3"),
            (ours, "10.0.0.1", &["nonsense"], "10.0.0.1"),
            (ours, "10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
            (ours, "10.0.0.1", &["203.0.113.9, "], "10.0.0.1"),
            (ours, "10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            (ours, "fd00::1", &["[2001:db8::1]:443"], "2001:db8::1"),
            (ours, "fd00::1", &["[2001:db8::1]"], "2001:db8::1"),
            (ours, "::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            (ours, "10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
        ] {
            assert_eq!(client(networks, peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn an_endless_list_is_not_read_to_its_end() {
        let list = vec!["10.0.0.9"; 10_000].join(", ");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[&list]), "10.0.0.9");
    }
}
