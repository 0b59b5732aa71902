//! Which addresses contracts may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::{Host, Url};

/// An exception from the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowance {
    /// A name, whatever it resolves to.
    Host(String),
    /// A block of addresses: the first address and the bits that count.
    Block(IpAddr, u8),
}

/// The exception cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a host name nor a block such as `10.0.0.0/8`")]
pub struct BadAllowance(String);

impl FromStr for Allowance {
    type Err = BadAllowance;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadAllowance(text.chars().take(80).collect());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok().ok_or_else(bad)?)),
            None => (text, None),
        };
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        match (bare.parse::<IpAddr>(), bits) {
            (Ok(ip), bits) => {
                let whole = if ip.is_ipv4() { 32 } else { 128 };
                let bits = bits.unwrap_or(whole);
                if bits > whole { Err(bad()) } else { Ok(Self::Block(ip, bits)) }
            }
            (Err(_), None) => match Host::parse(address) {
                Ok(Host::Domain(name)) => Ok(Self::Host(name.trim_end_matches('.').to_owned())),
                _ => Err(bad()),
            },
            (Err(_), Some(_)) => Err(bad()),
        }
    }
}

/// A place that contracts may not reach, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Forbidden(String);

impl Forbidden {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Says which addresses contracts may reach: by default, all that are public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressGuard {
    /// Everything may be reached. For networks whose contracts are all one's own.
    pub allow_private: bool,
    /// Exceptions.
    pub allowed: Vec<Allowance>,
}

impl AddressGuard {
    /// May this be requested, as far as can be said before its name is resolved?
    pub fn check_url(&self, url: &Url) -> Result<(), Forbidden> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Forbidden(format!(
                "only http and https are allowed, not {}",
                url.scheme()
            )));
        }
        match url.host() {
            Some(Host::Ipv4(ip)) => self.check_ip(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => self.check_ip(IpAddr::V6(ip)),
            Some(Host::Domain(name)) => self.check_name(name),
            None => Err(Forbidden("the address has no host".to_owned())),
        }
    }

    /// May this name be looked up? Names that only a private network knows may not.
    pub(super) fn check_name(&self, name: &str) -> Result<(), Forbidden> {
        const PRIVATE: [&str; 7] =
            ["localhost", "local", "internal", "lan", "home.arpa", "intranet", "onion"];
        let name = name.trim_end_matches('.').to_lowercase();
        if self.allow_private || self.allows_name(&name) {
            return Ok(());
        }
        let is_below = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
        if name.is_empty() || !name.contains('.') || PRIVATE.iter().any(|end| is_below(end)) {
            return Err(Forbidden(format!("`{name}` is not a public name")));
        }
        Ok(())
    }

    /// Is the name itself an exception, so that its addresses are not looked at?
    pub(super) fn allows_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.allowed.iter().any(|allowance| {
            matches!(allowance, Allowance::Host(host) if host.eq_ignore_ascii_case(name))
        })
    }

    /// May this address be reached?
    pub fn check_ip(&self, ip: IpAddr) -> Result<(), Forbidden> {
        if self.allow_private || is_public(ip) || self.allows_ip(ip) {
            return Ok(());
        }
        Err(Forbidden(format!("{ip} is not a public address")))
    }

    fn allows_ip(&self, ip: IpAddr) -> bool {
        self.allowed.iter().any(|allowance| match allowance {
            Allowance::Host(_) => false,
            Allowance::Block(start, bits) => is_within(ip, *start, *bits),
        })
    }
}

fn is_within(ip: IpAddr, start: IpAddr, bits: u8) -> bool {
    let shared = match (ip, start) {
        (IpAddr::V4(ip), IpAddr::V4(start)) => (ip.to_bits() ^ start.to_bits()).leading_zeros(),
        (IpAddr::V6(ip), IpAddr::V6(start)) => (ip.to_bits() ^ start.to_bits()).leading_zeros(),
        _ => return false,
    };
    shared >= u32::from(bits)
}

/// Blocks of the IANA special-purpose registry that are not for the public.
const PRIVATE_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Carriers' own networks.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, where clouds keep their metadata.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // One cloud's metadata and name service, on an address that looks public.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Public space of IPv6 is `2000::/3` without these.
const PRIVATE_V6: [(Ipv6Addr, u8); 4] = [
    // Protocol assignments, Teredo among them, which hide an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, which hides an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public(ip: IpAddr) -> bool {
    let is_in = |start: IpAddr, bits: u8| is_within(ip, start, bits);
    match ip {
        IpAddr::V4(_) => !PRIVATE_V4.iter().any(|(start, bits)| is_in(IpAddr::V4(*start), *bits)),
        // A mapped IPv4 address is outside `2000::/3`, as are loopback, unique-local, link-local,
        // multicast and the translation prefix 64:ff9b::/96.
        IpAddr::V6(v6) => {
            v6.to_bits() >> 125 == 0b001
                && !PRIVATE_V6.iter().any(|(start, bits)| is_in(IpAddr::V6(*start), *bits))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &AddressGuard, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| guard.check_url(&url).is_ok())
    }

    #[test]
    fn no_spelling_of_a_private_address_gets_through() {
        let guard = AddressGuard::default();
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://user:pass@127.0.0.1/",
            "http://example.com@10.0.0.1/",
            "http://127。0。0。1/",
            "http://①②⑦.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http:127.0.0.1",
            "http:\\\\127.0.0.1\\",
            "http://0/",
            "http://0.0.0.0/",
            "http://10.1.2.3/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://168.63.129.16/",
            "http://172.31.255.255/",
            "http://192.168.0.1:8080/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:1::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://metadata.google.internal/",
            "http://printer.local/",
            "http://router/",
            "http://./",
            "file:///etc/passwd",
            "ftp://example.com/",
            "data:text/html,x",
            "javascript:1",
            "not an address",
        ] {
            assert!(!check(&guard, url), "{url}");
        }
    }

    #[test]
    fn public_addresses_get_through() {
        let guard = AddressGuard::default();
        for url in [
            "https://example.com/",
            "http://example.com./a?b#c",
            "https://user@example.com:8443/",
            "http://1.1.1.1/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
            "http://[2606:4700:4700::1111]/",
            "https://münchen.example/",
        ] {
            assert!(check(&guard, url), "{url}");
        }
    }

    #[test]
    fn exceptions_are_as_narrow_as_they_say() {
        let allowed = ["127.0.0.1", "10.2.0.0/16", "[fd00::]/8", "Localhost"];
        let allowed = allowed.map(|text| text.parse().unwrap()).to_vec();
        let guard = AddressGuard { allow_private: false, allowed };
        for url in
            ["http://127.0.0.1/", "http://10.2.9.9/", "http://[fd12::1]/", "http://localhost/"]
        {
            assert!(check(&guard, url), "{url}");
        }
        for url in
            ["http://127.0.0.2/", "http://10.3.0.1/", "http://[fc12::1]/", "http://a.localhost/"]
        {
            assert!(!check(&guard, url), "{url}");
        }
        assert!(check(&AddressGuard { allow_private: true, allowed: vec![] }, "http://10.0.0.1/"));
        assert!(!check(&AddressGuard { allow_private: true, allowed: vec![] }, "file:///x"));
        for bad in ["", "10.0.0.0/33", "a/8", "10.0.0.0/x", "a b"] {
            assert!(bad.parse::<Allowance>().is_err(), "{bad}");
        }
    }
}
