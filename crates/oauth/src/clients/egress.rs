//! Which addresses a stranger's URL may lead to, checked where the connection is made.
//! It parses no document and builds no client itself.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// IPv4 that is not the public internet: the IANA special-purpose registry (RFC 6890), class D
/// and E, and one metadata service that hides among public addresses.
const CLOSED_V4: [(Ipv4Net, &str); 16] = [
    (v4([0, 0, 0, 0], 8), "this network"),
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([100, 64, 0, 0], 10), "shared by a carrier"),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([168, 63, 129, 16], 32), "a cloud's metadata service"),
    (v4([169, 254, 0, 0], 16), "link-local"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "reserved for protocols"),
    (v4([192, 0, 2, 0], 24), "for documentation"),
    (v4([192, 88, 99, 0], 24), "an old 6to4 relay"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([198, 18, 0, 0], 15), "for benchmarks"),
    (v4([198, 51, 100, 0], 24), "for documentation"),
    (v4([203, 0, 113, 0], 24), "for documentation"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved"),
];

/// The only part of IPv6 that is the public internet (RFC 4291 section 2.4). Loopback, mapped,
/// NAT64, unique local, link-local and multicast addresses lie outside.
const OPEN_V6: Ipv6Net = v6([0x2000, 0], 3);

/// The holes in it.
const CLOSED_V6: [(Ipv6Net, &str); 4] = [
    // Teredo, benchmarks, ORCHID and other protocols.
    (v6([0x2001, 0], 23), "reserved for protocols"),
    (v6([0x2001, 0x0db8], 32), "for documentation"),
    // Any IPv4 address can hide in one.
    (v6([0x2002, 0], 16), "6to4"),
    (v6([0x3fff, 0], 20), "for documentation"),
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b]: [u16; 2], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// Why nothing may be fetched from an address; `None` for the public internet.
pub(super) fn closed(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => reason(&CLOSED_V4, |net| net.contains(&address)),
        IpAddr::V6(address) if !OPEN_V6.contains(&address) => Some("not on the public internet"),
        IpAddr::V6(address) => reason(&CLOSED_V6, |net| net.contains(&address)),
    }
}

fn reason<N>(nets: &[(N, &'static str)], holds: impl Fn(&N) -> bool) -> Option<&'static str> {
    nets.iter().find(|(net, _)| holds(net)).map(|(_, reason)| *reason)
}

/// A name that leads where nothing may be fetched. The address itself is not told: it would
/// tell a stranger about the inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host has an address that is {0}")]
pub(crate) struct ClosedAddress(&'static str);

#[derive(Debug, thiserror::Error)]
#[error("the host has no address")]
struct NoAddress;

/// How names become addresses.
#[derive(Clone)]
pub(crate) struct PublicOnly {
    lookup: Arc<dyn Resolve>,
    permitted: fn(IpAddr) -> Option<&'static str>,
}

impl PublicOnly {
    /// The system's resolver, and [`closed`] over what it says.
    pub(crate) fn new() -> PublicOnly {
        PublicOnly { lookup: Arc::new(System), permitted: closed }
    }

    /// Whether a connection to this address may be used.
    pub(crate) fn permits(&self, address: IpAddr) -> bool {
        (self.permitted)(address).is_none()
    }

    /// Other answers than the system's, still filtered, for tests.
    #[cfg(test)]
    pub(crate) fn over(lookup: Arc<dyn Resolve>) -> PublicOnly {
        PublicOnly { lookup, permitted: closed }
    }

    /// Other answers, of which this machine itself is permitted too, for tests.
    #[cfg(test)]
    pub(crate) fn with_loopback(lookup: Arc<dyn Resolve>) -> PublicOnly {
        let permitted = |address: IpAddr| closed(address).filter(|_| !address.is_loopback());
        PublicOnly { lookup, permitted }
    }
}

impl Resolve for PublicOnly {
    /// One closed address among several refuses the name: which of them is used is not ours to
    /// say, and a public name has none.
    fn resolve(&self, name: Name) -> Resolving {
        let PublicOnly { lookup, permitted } = self.clone();
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = lookup.resolve(name).await?.collect();
            if addresses.is_empty() {
                return Err(NoAddress.into());
            }
            match addresses.iter().find_map(|address| permitted(address.ip())) {
                Some(reason) => Err(ClosedAddress(reason).into()),
                None => Ok(Box::new(addresses.into_iter()) as Addrs),
            }
        })
    }
}

impl fmt::Debug for PublicOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicOnly")
    }
}

/// What the system's resolver says; port 0 stands for the port of the URL.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A resolver that always gives the same addresses.
    pub(crate) struct Always(pub(crate) Vec<SocketAddr>);

    impl Resolve for Always {
        fn resolve(&self, _name: Name) -> Resolving {
            let addresses = self.0.clone();
            Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
        }
    }

    #[test]
    fn addresses_off_the_public_internet_are_closed() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(closed(address.parse().unwrap()).is_some(), "{address}");
        }
    }

    #[test]
    fn the_public_internet_is_open() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "168.63.129.17",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffe::1",
        ] {
            assert_eq!(closed(address.parse().unwrap()), None, "{address}");
        }
    }

    async fn resolve(addresses: &[&str]) -> Result<Vec<SocketAddr>, String> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let resolver = PublicOnly::over(Arc::new(Always(addresses)));
        let name = "app.example.test".parse().unwrap();
        resolver.resolve(name).await.map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn one_closed_address_refuses_the_whole_name() {
        assert_eq!(resolve(&["1.1.1.1:0", "[2606:4700::1]:0"]).await.unwrap().len(), 2);
        for addresses in [&["127.0.0.1:0"][..], &["1.1.1.1:0", "10.0.0.1:0"], &["[::1]:0"], &[]] {
            let error = resolve(addresses).await.unwrap_err();
            assert!(!error.contains("10.0") && !error.contains("::1"), "{error}");
        }
    }

    #[tokio::test]
    async fn this_machine_by_its_name_is_closed() {
        let resolved = PublicOnly::new().resolve("localhost".parse().unwrap()).await;
        assert!(resolved.map(drop).unwrap_err().downcast_ref::<ClosedAddress>().is_some());
    }
}
