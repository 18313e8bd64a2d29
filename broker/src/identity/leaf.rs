//! What a leaf certificate says. Everything that can be twice is kept twice: whoever reads a field learns of it.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, ParsedExtension, X509Extension};
use x509_parser::oid_registry::{
    OID_X509_COMMON_NAME, OID_X509_LOCALITY_NAME, OID_X509_ORGANIZATION_NAME, OID_X509_ORGANIZATIONAL_UNIT,
};
use x509_parser::prelude::FromDer;
use x509_parser::x509::AttributeTypeAndValue;

use super::IdentityError;

/// An attribute of the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    CommonName,
    Organization,
    OrganizationalUnit,
    Locality,
}

/// What a leaf says of whom it is for, and of what it is good for.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    subject: Vec<(Attribute, Result<String, IdentityError>)>,
    uris: Vec<String>,
    pub(super) dns_names: Vec<String>,
    /// The purposes as object identifiers; none when the extension is absent.
    pub(super) purposes: Option<Vec<String>>,
    /// Whether there is a key usage that holds `digitalSignature`.
    pub(super) may_sign_data: bool,
}

impl Leaf {
    /// Reads a leaf in DER.
    ///
    /// # Errors
    /// When it does not parse to the last byte, or may sign certificates or revocation lists.
    pub(super) fn parse(der: &[u8]) -> Result<Self, IdentityError> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| IdentityError::Malformed)?;
        if !rest.is_empty() {
            return Err(IdentityError::Malformed);
        }
        let mut leaf = Self {
            subject: certificate.subject().iter_attributes().filter_map(attribute).collect(),
            ..Self::default()
        };
        leaf.read_names(&certificate)?;
        leaf.read_usage(&certificate)?;
        Ok(leaf)
    }

    fn read_names(&mut self, certificate: &X509Certificate<'_>) -> Result<(), IdentityError> {
        let names = certificate.subject_alternative_name().map_err(|_| IdentityError::Malformed)?;
        for name in names.iter().flat_map(|extension| &extension.value.general_names) {
            match name {
                GeneralName::URI(uri) => self.uris.push((*uri).to_owned()),
                GeneralName::DNSName(name) => self.dns_names.push((*name).to_owned()),
                GeneralName::Invalid(..) => return Err(IdentityError::Malformed),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_usage(&mut self, certificate: &X509Certificate<'_>) -> Result<(), IdentityError> {
        let malformed = |_| IdentityError::Malformed;
        let constraints = certificate.basic_constraints().map_err(malformed)?;
        let usage = certificate.key_usage().map_err(malformed)?.map(|extension| extension.value);
        let signs = usage.is_some_and(|usage| usage.key_cert_sign() || usage.crl_sign());
        if signs || constraints.is_some_and(|extension| extension.value.ca) {
            return Err(IdentityError::Signs);
        }
        self.may_sign_data = usage.is_some_and(x509_parser::extensions::KeyUsage::digital_signature);
        let purposes = certificate.extended_key_usage().map_err(malformed)?;
        self.purposes = purposes.map(|extension| purposes_of(extension.value));
        let is_broken = |extension: &X509Extension<'_>| {
            matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. })
        };
        if certificate.extensions().iter().any(is_broken) {
            return Err(IdentityError::Malformed);
        }
        Ok(())
    }

    /// The one value of an attribute, when it is there.
    ///
    /// # Errors
    /// When it is there twice, or is no text of a kind that has one meaning.
    pub(super) fn only(&self, attribute: Attribute) -> Result<Option<&str>, IdentityError> {
        let mut values = self.subject.iter().filter(|(kind, _)| *kind == attribute).map(|(_, value)| value);
        let first = values.next();
        if values.next().is_some() {
            return Err(IdentityError::Ambiguous);
        }
        first.map(|value| value.as_deref().map_err(|error| *error)).transpose()
    }

    /// Whether an attribute is there at all.
    pub(super) fn has(&self, attribute: Attribute) -> bool {
        self.subject.iter().any(|(kind, _)| *kind == attribute)
    }

    /// Whether a common name that stands beside DNS names is one of them: otherwise the certificate has two names, and
    /// programs differ in which of them they read. Byte for byte, as names are compared everywhere.
    ///
    /// # Errors
    /// When it is not, or when the common name cannot be read.
    pub(super) fn check_names_agree(&self) -> Result<(), IdentityError> {
        match self.only(Attribute::CommonName)? {
            Some(name) if !self.dns_names.is_empty() && !self.dns_names.iter().any(|dns| dns == name) => {
                Err(IdentityError::Ambiguous)
            }
            _ => Ok(()),
        }
    }

    /// The one URI, when there is any.
    ///
    /// # Errors
    /// When there are several.
    pub(super) fn uri(&self) -> Result<Option<&str>, IdentityError> {
        match &*self.uris {
            [] => Ok(None),
            [uri] => Ok(Some(uri)),
            _ => Err(IdentityError::Ambiguous),
        }
    }
}

fn attribute(pair: &AttributeTypeAndValue<'_>) -> Option<(Attribute, Result<String, IdentityError>)> {
    let kinds = [
        (OID_X509_COMMON_NAME, Attribute::CommonName),
        (OID_X509_ORGANIZATION_NAME, Attribute::Organization),
        (OID_X509_ORGANIZATIONAL_UNIT, Attribute::OrganizationalUnit),
        (OID_X509_LOCALITY_NAME, Attribute::Locality),
    ];
    let (_, kind) = kinds.into_iter().find(|(oid, _)| oid == pair.attr_type())?;
    // Texts of T.61, BMP and UCS-4 have readings that differ between programs: `as_str` refuses them.
    Some((kind, pair.as_str().map(str::to_owned).map_err(|_| IdentityError::Name)))
}

fn purposes_of(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "2.5.29.37.0"),
        (usage.server_auth, super::oid::SERVER_AUTH),
        (usage.client_auth, super::oid::CLIENT_AUTH),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let known = known.into_iter().filter(|(is_there, _)| *is_there).map(|(_, oid)| oid.to_owned());
    known.chain(usage.other.iter().map(x509_parser::der_parser::oid::Oid::to_id_string)).collect()
}
