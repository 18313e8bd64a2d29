//! Making a service account with its key, as the cloud's console would.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lakegate_domain::Secret;

use crate::{EmulatorError, ServiceAccount};

/// A fresh RSA key of a service account: the public half for the emulator, the private half for whoever signs.
#[derive(Debug)]
pub struct ServiceAccountKey {
    email: String,
    key_id: String,
    public_key_pem: String,
    private_key_pem: Secret,
}

impl ServiceAccountKey {
    /// Makes a 2,048-bit key for the account of that address.
    ///
    /// # Errors
    /// [`EmulatorError::Crypto`] when the library cannot.
    pub fn generate(email: &str) -> Result<Self, EmulatorError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| EmulatorError::Crypto)?;
        let private = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair);
        let private = private.map_err(|_| EmulatorError::Crypto)?;
        let public = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key());
        let public = public.map_err(|_| EmulatorError::Crypto)?;
        let mut id = [0_u8; 20];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| EmulatorError::Crypto)?;
        Ok(Self {
            email: email.to_owned(),
            key_id: hex::encode(id),
            public_key_pem: pem("PUBLIC KEY", public.as_ref()),
            private_key_pem: Secret::new(pem("PRIVATE KEY", private.as_ref())),
        })
    }

    /// The account as the emulator's configuration wants it, with [`ServiceAccount::new`]'s rights.
    pub fn account(&self) -> ServiceAccount {
        ServiceAccount::new(&self.email, &self.key_id, &self.public_key_pem)
    }

    /// The private key, PKCS#8 in PEM.
    pub fn private_key_pem(&self) -> &Secret {
        &self.private_key_pem
    }

    /// The id of the key.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Google's key file (JSON, fields as in a downloaded service-account key) whose `token_uri` is the emulator
    /// at `url`.
    pub fn key_file(&self, url: &str) -> Secret {
        let file = serde_json::json!({
            "type": "service_account",
            "project_id": "emulated",
            "private_key_id": self.key_id,
            "private_key": self.private_key_pem.expose(),
            "client_email": self.email,
            "client_id": "100000000000000000001",
            "token_uri": format!("{url}/token"),
            "universe_domain": "googleapis.com",
        });
        Secret::new(file.to_string())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).filter_map(|at| text.get(at..text.len().min(at + 64))).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_signs_what_its_public_half_verifies() {
        let key = ServiceAccountKey::generate("sa@emulated.iam.gserviceaccount.com").unwrap();
        let file: serde_json::Value =
            serde_json::from_str(key.key_file("http://127.0.0.1:1").expose()).unwrap();
        assert_eq!(file["token_uri"], "http://127.0.0.1:1/token");
        let signer =
            jsonwebtoken::EncodingKey::from_rsa_pem(key.private_key_pem().expose().as_bytes()).unwrap();
        let signature = jsonwebtoken::crypto::sign(b"text", &signer, jsonwebtoken::Algorithm::RS256).unwrap();
        let public =
            jsonwebtoken::DecodingKey::from_rsa_pem(key.account().public_key_pem.as_bytes()).unwrap();
        let verified =
            jsonwebtoken::crypto::verify(&signature, b"text", &public, jsonwebtoken::Algorithm::RS256);
        assert!(verified.unwrap());
    }

    #[test]
    fn debug_output_does_not_hold_the_private_key() {
        let key = ServiceAccountKey::generate("sa@emulated.iam.gserviceaccount.com").unwrap();
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}
