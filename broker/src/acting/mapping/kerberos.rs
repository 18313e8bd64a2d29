//! The parts of a Kerberos name, as Hadoop's `KerberosName` takes it apart: `service[/host][@realm]`.

use super::NotMapped;

/// A name in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KerberosName<'n> {
    pub(super) service: &'n str,
    pub(super) host: Option<&'n str>,
    pub(super) realm: Option<&'n str>,
}

impl<'n> KerberosName<'n> {
    /// Takes a name apart. One that is not of this form is a service as a whole, unless an `@` stands in it.
    ///
    /// # Errors
    /// [`NotMapped::NoRule`] for a malformed name.
    pub(super) fn parse(name: &'n str) -> Result<Self, NotMapped> {
        match Self::parts(name) {
            Some(parts) => Ok(parts),
            None if name.contains('@') => Err(NotMapped::NoRule),
            None => Ok(Self { service: name, host: None, realm: None }),
        }
    }

    fn parts(name: &'n str) -> Option<Self> {
        let (components, realm) = split(name, '@');
        let (service, host) = split(components, '/');
        let whole = |part: &&str| !part.is_empty() && !part.contains(['/', '@']);
        let is_whole = [Some(service), host, realm].iter().flatten().all(whole);
        is_whole.then_some(Self { service, host, realm })
    }

    /// How many components stand before the realm.
    pub(super) fn components(self) -> usize {
        1 + usize::from(self.host.is_some())
    }

    /// `$0` is the realm, `$1` the service, `$2` the host. A name without a realm has no `$0`: Java would write
    /// `null`, which a realm of that name could be taken for.
    pub(super) fn part(self, number: usize) -> Option<&'n str> {
        match number {
            0 => self.realm,
            1 => Some(self.service),
            _ => self.host,
        }
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_parts_as_hadoop_has_them() {
        let of = |name| KerberosName::parse(name).map(|it| (it.service, it.host, it.realm));
        assert_eq!(of("hive/h2@EXAMPLE.COM"), Ok(("hive", Some("h2"), Some("EXAMPLE.COM"))));
        assert_eq!(of("bob@R"), Ok(("bob", None, Some("R"))));
        assert_eq!(of("nn/h1"), Ok(("nn", Some("h1"), None)));
        assert_eq!(of("bare"), Ok(("bare", None, None)));
        assert_eq!(of("a/b/c"), Ok(("a/b/c", None, None)), "as it is");
        for malformed in ["a/b/c@R", "a@b@c", "@R", "a@", "/h@R", "a/@R"] {
            assert_eq!(of(malformed), Err(NotMapped::NoRule), "{malformed}");
        }
    }
}
