//! A certificate and its private key, as two files.

use std::path::{Path, PathBuf};

/// The PEM files of a certificate chain and of the private key of its first certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The file with the certificate, followed by the intermediate certificates up to the root.
    pub certificate: PathBuf,
    /// The file with the private key of the certificate.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Combines the values of two settings. Returns `None` if neither is given. If only one is given, the error names
    /// the missing setting.
    pub(super) fn of(
        certificate_name: &str,
        certificate: Option<&Path>,
        key_name: &str,
        key: Option<&Path>,
    ) -> Result<Option<Self>, String> {
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                Ok(Some(Self { certificate: certificate.to_owned(), key: key.to_owned() }))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(format!("{certificate_name} needs {key_name}, the file with the private key")),
            (None, Some(_)) => Err(format!("{key_name} needs {certificate_name}, the file with the certificate")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let (certificate, key) = (Some(Path::new("a.pem")), Some(Path::new("a.key")));
        let files = |certificate, key| CertificateFiles::of("CERT", certificate, "KEY", key);
        assert_eq!(files(None, None), Ok(None));
        assert!(files(certificate, key).is_ok_and(|files| files.is_some()));
        assert_eq!(files(certificate, None), Err("CERT needs KEY, the file with the private key".to_owned()));
        assert_eq!(files(None, key), Err("KEY needs CERT, the file with the certificate".to_owned()));
    }
}
