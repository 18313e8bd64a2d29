//! Where credentials may go.

use url::{Host, Url};

use crate::{ConfigError, EndpointProblem};

/// An address that may see credentials.
///
/// - `https` to a pinned host on the usual port, or anything to a loopback host;
/// - no user information, no query, no fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// Checks an address. `name` is how configuration calls it; `pinned` are the provider's own hosts, `extra`
    /// those that the operator added.
    pub(crate) fn new(
        name: &'static str,
        url: &Url,
        pinned: &[&str],
        extra: &[String],
    ) -> Result<Self, ConfigError> {
        let refuse = |problem| Err(ConfigError::Endpoint { name, problem });
        if has_extras(url) {
            return refuse(EndpointProblem::Extra);
        }
        if is_loopback(url) && matches!(url.scheme(), "http" | "https") {
            return Ok(Self(url.clone()));
        }
        if url.scheme() != "https" {
            return refuse(EndpointProblem::Scheme);
        }
        let Some(host) = url.host_str() else { return refuse(EndpointProblem::Host) };
        if url.port().is_none() && (pinned.contains(&host) || extra.iter().any(|known| known == host)) {
            Ok(Self(url.clone()))
        } else {
            refuse(EndpointProblem::Host)
        }
    }

    /// Checks the address of a metadata server: plain `http`, to one of `pinned` on its usual port or to a loopback
    /// host. Never `https`, which no such server speaks, and nothing that an operator adds.
    pub(crate) fn link_local(name: &'static str, url: &Url, pinned: &[&str]) -> Result<Self, ConfigError> {
        let refuse = |problem| Err(ConfigError::Endpoint { name, problem });
        if has_extras(url) || url.path() != "/" {
            return refuse(EndpointProblem::Extra);
        }
        let is_pinned = url.port().is_none() && url.host_str().is_some_and(|host| pinned.contains(&host));
        match (url.scheme(), is_pinned || is_loopback(url)) {
            ("http", true) => Ok(Self(url.clone())),
            ("http", false) => refuse(EndpointProblem::Host),
            _ => refuse(EndpointProblem::Scheme),
        }
    }

    /// The same address with one parameter in its query.
    pub(crate) fn with_parameter(&self, name: &str, value: &str) -> Self {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        Self(url)
    }

    /// The address below this one that the segments name, each percent-encoded.
    pub(crate) fn join(&self, segments: &[&str]) -> Self {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Self(url)
    }

    /// The address itself.
    pub(crate) fn url(&self) -> Url {
        self.0.clone()
    }
}

fn has_extras(url: &Url) -> bool {
    !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STS: &[&str] = &["sts.googleapis.com"];

    fn check(text: &str) -> Result<Endpoint, ConfigError> {
        Endpoint::new("sts_url", &Url::parse(text).unwrap(), STS, &["sts.corp.example".to_owned()])
    }

    #[test]
    fn st11_st14_only_pinned_hosts_and_this_machine_may_see_credentials() {
        for good in [
            "https://sts.googleapis.com/v1/token",
            "https://sts.corp.example/v1/token",
            "http://127.0.0.1:8080/v1/token",
            "http://[::1]:8080/v1/token",
            "http://localhost:8080/v1/token",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for (bad, problem) in [
            ("http://sts.googleapis.com/v1/token", EndpointProblem::Scheme),
            ("ftp://127.0.0.1/v1/token", EndpointProblem::Scheme),
            ("https://sts.googleapis.com.evil.example/", EndpointProblem::Host),
            ("https://sts.googleapis.com:8443/v1/token", EndpointProblem::Host),
            ("https://sts.googleapis.cn/v1/token", EndpointProblem::Host),
            ("https://10.0.0.1/v1/token", EndpointProblem::Host),
            ("http://127.0.0.1.evil.example/", EndpointProblem::Scheme),
            ("https://evil@sts.googleapis.com/", EndpointProblem::Extra),
            ("https://sts.googleapis.com/v1/token?x=1", EndpointProblem::Extra),
            ("https://sts.googleapis.com/v1/token#x", EndpointProblem::Extra),
        ] {
            assert_eq!(check(bad), Err(ConfigError::Endpoint { name: "sts_url", problem }), "{bad}");
        }
    }

    #[test]
    fn st10_st11_plain_http_goes_to_metadata_servers_and_this_machine_only() {
        let check = |text: &str| {
            Endpoint::link_local("metadata_host", &Url::parse(text).unwrap(), &["metadata.google.internal"])
        };
        for good in ["http://metadata.google.internal/", "http://127.0.0.1:8080/", "http://localhost:1/"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "https://metadata.google.internal/",
            "http://metadata.google.internal:8080/",
            "http://metadata.google.internal.evil.example/",
            "http://169.254.169.253/",
            "http://10.0.0.1/",
            "http://u@metadata.google.internal/",
            "http://metadata.google.internal/computeMetadata/",
            "http://metadata.google.internal/?x=y",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let endpoint =
            check("http://localhost:1/").unwrap().join(&["token"]).with_parameter("scopes", "a/b&c");
        assert_eq!(endpoint.url().as_str(), "http://localhost:1/token?scopes=a%2Fb%26c");
    }

    #[test]
    fn a_joined_segment_cannot_climb_or_grow_a_query() {
        let base = check("http://127.0.0.1:1/storage/").unwrap();
        assert_eq!(base.join(&["b", "x/y?z#w"]).url().as_str(), "http://127.0.0.1:1/storage/b/x%2Fy%3Fz%23w");
    }
}
