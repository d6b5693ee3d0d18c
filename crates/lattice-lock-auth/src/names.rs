use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use unicode_normalization::UnicodeNormalization;

use crate::codes::{SOURCE_INVALID, USERNAME_INVALID};

/// The longest user name, in characters.
const LONGEST: usize = 64;

/// A user's name in its one spelling: compatibility form (NFKC) and lower case, so that `Ann` and `ann` are the same
/// person.
///
/// 1 to 64 letters and digits of any script, and `.`, `_`, `-`, `@` and `+`.
///
/// ```
/// use lattice_lock_auth::Username;
///
/// let name: Username = "Ann.Smith@Example.org".parse()?;
/// assert_eq!(name.as_str(), "ann.smith@example.org");
/// assert!("ann smith".parse::<Username>().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(Box<str>);

impl Username {
    /// The name as it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = Error;

    /// # Errors
    ///
    /// [`USERNAME_INVALID`], which does not repeat the text: a password may have been typed in its place.
    fn from_str(text: &str) -> Result<Self> {
        let name = normalised(text);
        let fault = if name.is_empty() {
            "empty"
        } else if name.chars().nth(LONGEST).is_some() || text.len() > 8 * LONGEST {
            "more than 64 characters"
        } else if !name
            .chars()
            .all(|c| c.is_alphanumeric() || "._-@+".contains(c))
        {
            "characters other than letters, digits and . _ - @ +"
        } else {
            return Ok(Self(name.into()));
        };
        Err(Error::new(USERNAME_INVALID, "not a user name").with("fault", fault))
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The beginning of what was submitted as a name, in the spelling of names: what failed logins are counted by.
pub(crate) fn normalised(text: &str) -> String {
    let end = text.floor_char_boundary(8 * LONGEST);
    let lower = text[..end].nfkc().collect::<String>().to_lowercase();
    lower.nfkc().collect()
}

/// Where a request came from: failed logins are counted by it, and the audit keeps it.
///
/// Of an IPv6 address only the network counts (the first 64 bits): whoever has one has all of it. A host behind a
/// proxy gives the address that the proxy vouches for, not what a header claims.
///
/// ```
/// use lattice_lock_auth::Source;
/// use std::net::IpAddr;
///
/// let source = Source::from("2001:db8::7".parse::<IpAddr>().unwrap());
/// assert_eq!(source.as_str(), Some("2001:db8::/64"));
/// assert_eq!(Source::unknown().as_str(), None);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Source(Option<Box<str>>);

impl Source {
    /// Nobody knows where: it is counted by the account alone.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(None)
    }

    /// What it is called, if it is known.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        let text = match address.to_canonical() {
            IpAddr::V4(four) => four.to_string(),
            IpAddr::V6(six) => {
                let [a, b, c, d, ..] = six.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        };
        Self(Some(text.into()))
    }
}

impl FromStr for Source {
    type Err = Error;

    /// An IP address, or another name of 1 to 64 letters, digits, `.`, `_`, `-`, `:` and `/`, such as that of a queue.
    ///
    /// # Errors
    ///
    /// [`SOURCE_INVALID`].
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte);
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(Some(text.into())));
        }
        Err(Error::new(SOURCE_INVALID, "not the name of a source"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let name = text.parse::<Username>();
        assert_eq!(
            name.as_ref().ok().map(Username::as_str),
            expected,
            "{text:?}"
        );
        if let Some(name) = expected {
            assert_eq!(
                name.parse::<Username>().unwrap().as_str(),
                name,
                "not stable"
            );
        }
    }

    #[test]
    fn names_have_one_spelling() {
        check("ann", Some("ann"));
        check("ANN", Some("ann"));
        check("\u{ff21}nn", Some("ann"));
        check("\u{212b}sa", Some("\u{e5}sa"));
        check("e\u{301}va", Some("\u{e9}va"));
        check("\u{130}x", None);
        check("", None);
        check("a b", None);
        check("ann\n", None);
        check("ann\0", None);
        check("ann'--", None);
        check("ann:x", None);
        check(&"x".repeat(64), Some(&"x".repeat(64)));
        check(&"x".repeat(65), None);
        check(&"x".repeat(1 << 20), None);
    }

    proptest::proptest! {
        #[test]
        fn a_name_is_counted_under_the_name_that_it_stands_for(text in "\\PC{0,20}") {
            if let Ok(name) = text.parse::<Username>() {
                proptest::prop_assert_eq!(normalised(&text), name.as_str());
                proptest::prop_assert_eq!(normalised(name.as_str()), name.as_str());
            }
        }
    }

    #[test]
    fn a_refused_name_is_not_repeated() {
        let error = "hunter2 is my password".parse::<Username>().unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn sources_are_networks_of_their_own() {
        let check = |text: &str, expected: &str| {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.as_str(), Some(expected));
        };
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
        check("queue/nightly", "queue/nightly");
        for text in ["", "a b", "x\n", &"x".repeat(65)] {
            assert!(text.parse::<Source>().is_err());
        }
    }
}
