//! Where a request comes from: the peer of its connection, or what proxies that are trusted say of it.
//!
//! Proxies add the address of their own peer at the end of a list. So the last address in it that is not a trusted
//! proxy's is the client's; what stands before it is what the client says of itself, and counts for nothing.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use warp::http::HeaderMap;
use warp::http::header::{FORWARDED, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The most proxies in a row that are looked at.
const MOST_HOPS: usize = 32;
/// The addresses of one network of IPv6 count as one, since a customer gets a whole network: /64.
const NETWORK_BITS: u32 = 64;

/// A network, `10.0.0.0/8` or `2001:db8::/32`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // In a list, a space may follow the comma.
        let text = text.trim();
        let address = || text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
        let network = text.parse().ok().or_else(address);
        network.map(Self).ok_or_else(|| "a network is of the form 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1".to_owned())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The client's address; IPv4 is written as such.
    pub(crate) address: IpAddr,
    /// Whether the address is the client's own: what a trusted proxy says may be missing or make no sense.
    pub(crate) is_certain: bool,
}

/// The origin of a request, whose connection comes from `peer`.
pub(crate) fn origin(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Origin {
    let address = peer.to_canonical();
    // Anybody can write such a header; only a proxy of ours is believed.
    if !is_trusted(address, trusted) {
        return Origin { address, is_certain: true };
    }
    match (hops(headers, &FORWARDED), hops(headers, &X_FORWARDED_FOR)) {
        (None, None) => Origin { address, is_certain: true },
        (Some(hops), None) => last_untrusted(address, hops.into_iter().map(forwarded_for), trusted),
        (None, Some(hops)) => last_untrusted(address, hops.into_iter().map(|hop| node(hop.trim())), trusted),
        (Some(forwarded), Some(x_forwarded)) => {
            let one = last_untrusted(address, forwarded.into_iter().map(forwarded_for), trusted);
            let other = last_untrusted(address, x_forwarded.into_iter().map(|hop| node(hop.trim())), trusted);
            // A proxy that writes one of them passes the other on as the client sent it, and nothing tells which.
            if one == other { one } else { Origin { address, is_certain: false } }
        }
    }
}

/// What addresses have in common that count as one: an address of IPv4, a network of IPv6.
pub(crate) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - NETWORK_BITS))))
        }
        v4 => v4,
    }
}

pub(super) fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The members of a list that may be spread over several headers, the last one first; `None`: there is no such header.
fn hops<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    let mut hops: Vec<_> =
        headers.get_all(name).iter().flat_map(|value| members(value.to_str().unwrap_or(""))).collect();
    // The last one was written by the nearest proxy, and is the first to be believed.
    hops.reverse();
    hops.truncate(MOST_HOPS);
    (!hops.is_empty()).then_some(hops)
}

/// The members of a list, which commas part unless they are quoted.
fn members(list: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    list.split(move |character| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    })
}

/// From the nearest hop to the farthest, to the first that is not trusted. A hop that is not an address ends the way.
fn last_untrusted(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, trusted: &[Network]) -> Origin {
    let mut address = peer;
    for hop in hops {
        // `unknown` and made-up names are allowed there (RFC 7239): nothing is known beyond them.
        let Some(hop) = hop else { return Origin { address, is_certain: false } };
        address = hop;
        if !is_trusted(hop, trusted) {
            break;
        }
    }
    Origin { address, is_certain: true }
}

/// The address in an element of `Forwarded` (RFC 7239): `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    node(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address with or without a port.
fn node(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    // Proxies write all three forms, some of them with the port of the connection.
    let address = text.parse::<IpAddr>().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn of(peer: &str, headers: &[(&'static str, &'static str)], trusted: &[&str]) -> (String, bool) {
        let trusted: Vec<_> = trusted.iter().map(|network| network.parse().expect("a network")).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let Origin { address, is_certain } = origin(peer.parse().expect("an address"), &map, &trusted);
        (address.to_string(), is_certain)
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let says = [(XFF, "203.0.113.9")];
        assert_eq!(of("198.51.100.1", &says, &[]), ("198.51.100.1".to_owned(), true));
        assert_eq!(of("198.51.100.1", &says, &["10.0.0.0/8"]), ("198.51.100.1".to_owned(), true));
        assert_eq!(of("10.1.2.3", &says, &["10.0.0.0/8"]), ("203.0.113.9".to_owned(), true));
        assert_eq!(of("::ffff:10.1.2.3", &says, &["10.0.0.0/8"]), ("203.0.113.9".to_owned(), true));
        assert_eq!(of("10.1.2.3", &[], &["10.1.2.3"]), ("10.1.2.3".to_owned(), true), "not through the proxy");
    }

    #[test]
    fn the_last_hop_that_is_not_trusted_is_the_client() {
        let trusted = ["10.0.0.0/8", "2001:db8:1::/48"];
        for list in ["6.6.6.6, 203.0.113.9", "6.6.6.6,203.0.113.9 , 10.0.0.7", "nonsense, 203.0.113.9:5555,10.0.0.7"] {
            assert_eq!(of("10.0.0.1", &[(XFF, list)], &trusted), ("203.0.113.9".to_owned(), true), "{list}");
        }
        let lines = [(XFF, "6.6.6.6"), (XFF, "203.0.113.9"), (XFF, "2001:db8:1::5")];
        assert_eq!(of("10.0.0.1", &lines, &trusted), ("203.0.113.9".to_owned(), true), "one list in several headers");
        let internal = [(XFF, "10.0.0.9, 10.0.0.7")];
        assert_eq!(of("10.0.0.1", &internal, &trusted), ("10.0.0.9".to_owned(), true), "a client among the proxies");
    }

    #[test]
    fn forwarded_is_read_in_all_its_forms() {
        let forms = [
            ("for=203.0.113.9", "203.0.113.9"),
            (r#"For="203.0.113.9:47011";proto=http;by=10.0.0.1"#, "203.0.113.9"),
            (r#"proto=https; for="[2001:db8:cafe::17]:4711""#, "2001:db8:cafe::17"),
            (r#"for=6.6.6.6, for="[2001:db8:cafe::17]""#, "2001:db8:cafe::17"),
            (r#"for="::ffff:203.0.113.9", for=10.9.9.9"#, "203.0.113.9"),
            (r#"for="a, b";by="x,y", for=203.0.113.9;host="a,b""#, "203.0.113.9"),
        ];
        for (value, client) in forms {
            assert_eq!(of("10.0.0.1", &[("forwarded", value)], &["10.0.0.0/8"]), (client.to_owned(), true), "{value}");
        }
    }

    #[test]
    fn what_makes_no_sense_counts_as_the_proxy_and_is_not_certain() {
        let cases: [&[_]; 6] = [
            &[(XFF, "unknown")],
            &[(XFF, "6.6.6.6, nonsense")],
            &[(XFF, "")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "by=10.0.0.1")],
            &[("forwarded", "for=6.6.6.6"), (XFF, "203.0.113.9")],
        ];
        for headers in cases {
            assert_eq!(of("10.0.0.1", headers, &["10.0.0.0/8"]), ("10.0.0.1".to_owned(), false), "{headers:?}");
        }
        let both = [("forwarded", "for=203.0.113.9"), (XFF, "6.6.6.6, 203.0.113.9")];
        assert_eq!(of("10.0.0.1", &both, &["10.0.0.0/8"]), ("203.0.113.9".to_owned(), true), "both say the same");
    }

    #[test]
    fn a_network_of_ipv6_and_an_address_of_ipv4_count_as_one() {
        let group = |text: &str| group(text.parse().expect("an address")).to_string();
        assert_eq!(group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(group("2001:db8:1:2::1"), group("2001:db8:1:2:ffff::"));
        assert_ne!(group("2001:db8:1:2::1"), group("2001:db8:1:3::1"));
        assert_eq!(group("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(group("192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn networks_are_written_with_or_without_their_length() {
        for text in ["10.0.0.0/8", "10.1.2.3", "::1", "2001:db8::/32", "0.0.0.0/0"] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0", "proxy.example", "10.0.0.1:80"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
