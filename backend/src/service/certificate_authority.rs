//! The certificate authority, which signs the client certificates of agents.

use std::{fmt, ops::RangeInclusive, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer, pem::PemObject};
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer, public_key::PublicKey};

use crate::ids::{AgentId, CustomerId};

/// The validity of a generated authority.
const AUTHORITY_LIFETIME: TimeDelta = TimeDelta::days(3650);
/// The validity of a certificate that the authority signs.
const LIFETIME: TimeDelta = TimeDelta::days(90);
/// How far the beginning of a certificate's validity lies before its issue, because the clocks of machines differ.
const BACKDATED: TimeDelta = TimeDelta::minutes(5);
/// The accepted lengths of an RSA key, in bits.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// The random bytes of a serial number.
pub type Serial = [u8; 16];

/// The private key that signs client certificates, and the certificates of the authorities that the server trusts.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    /// First the certificate of the signing key, then those of other authorities whose client certificates are accepted
    /// as well.
    certificates: Vec<CertificateDer<'static>>,
    expires_at: DateTime<Utc>,
}

/// A new client certificate.
pub(super) struct Issued {
    pub(super) der: CertificateDer<'static>,
    pub(super) expires_at: DateTime<Utc>,
}

impl CertificateAuthority {
    /// Generates an authority, and returns its certificate and its private key as PEM.
    ///
    /// # Errors
    ///
    /// An error if the crypto provider fails.
    pub fn generate(serial: Serial, now: DateTime<Utc>) -> Result<String, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        // The number distinguishes the authorities of several installations.
        let name = format!("MFTPlus CA {}", &hex(serial)[..8]);
        params.distinguished_name = subject("MFTPlus", &name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(SerialNumber::from_slice(&positive(serial)));
        set_validity(&mut params, now - BACKDATED, now + AUTHORITY_LIFETIME);
        let key = KeyPair::generate()?;
        Ok(params.self_signed(&key)?.pem() + &key.serialize_pem())
    }

    /// Reads an authority: the private key of the first certificate signs, and the other certificates are trusted as
    /// well.
    ///
    /// # Errors
    ///
    /// A message that says what is wrong, without the names of the files, which the caller puts before it.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let certificates = certificates.map_err(|_| "the certificate is not PEM")?;
        let certificate = certificates.first().ok_or("there is no certificate in PEM")?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| "there is no private key in PEM")?;
        let key = KeyPair::try_from(&key).map_err(|_| "the private key has a type that is not supported")?;
        let expires_at = check(certificate, &key)?;
        let issuer = Issuer::from_ca_cert_der(certificate, key);
        let issuer = issuer.map_err(|error| format!("the certificate cannot be used: {error}"))?;
        Ok(Self { issuer, certificates, expires_at })
    }

    /// Returns the certificates of the authorities whose client certificates are accepted; the first one is that of the
    /// signing key.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// Returns the expiry time of the certificate of the authority.
    #[must_use]
    pub const fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Generates a private key, and issues a server certificate for it with these names and addresses.
    ///
    /// # Errors
    ///
    /// An error if a name is not ASCII or the crypto provider fails.
    pub fn issue_server(
        &self,
        names: Vec<String>,
        serial: Serial,
        now: DateTime<Utc>,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = subject("MFTPlus", "MFTPlus server");
        self.complete(&mut params, ExtendedKeyUsagePurpose::ServerAuth, serial, now);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.into(), PrivateKeyDer::Pkcs8(key.serialize_der().into())))
    }

    /// Issues a client certificate to an agent for this public key, valid for 90 days but no longer than the authority
    /// itself.
    pub(super) fn issue_client(
        &self,
        public_key: &SubjectPublicKeyInfo,
        agent: AgentId,
        customer: CustomerId,
        serial: Serial,
        now: DateTime<Utc>,
    ) -> Result<Issued, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name = subject(&customer.to_string(), &agent.to_string());
        let expires_at = self.complete(&mut params, ExtendedKeyUsagePurpose::ClientAuth, serial, now);
        let der = params.signed_by(public_key, &self.issuer)?.into();
        Ok(Issued { der, expires_at })
    }

    /// Sets the fields that all issued certificates have in common. Returns the expiry time, which is no later than
    /// that of the authority.
    fn complete(
        &self,
        params: &mut CertificateParams,
        purpose: ExtendedKeyUsagePurpose,
        serial: Serial,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(SerialNumber::from_slice(&positive(serial)));
        let expires_at = whole_seconds((now + LIFETIME).min(self.expires_at));
        set_validity(params, now - BACKDATED, expires_at);
        expires_at
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Checks that a certificate may sign others, and with this key. Returns when it expires.
fn check(certificate: &CertificateDer<'_>, key: &KeyPair) -> Result<DateTime<Utc>, String> {
    const UNREADABLE: &str = "the certificate cannot be read";
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|_| UNREADABLE)?;
    let usage = parsed.key_usage().map_err(|_| UNREADABLE)?;
    if !parsed.is_ca() || usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err("the certificate is not that of a certificate authority".to_owned());
    }
    if parsed.public_key().subject_public_key.data != key.der_bytes() {
        return Err("the private key is not that of the first certificate".to_owned());
    }
    let expires_at = DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0);
    expires_at.ok_or_else(|| UNREADABLE.to_owned())
}

/// Reads the public key of a certificate signing request, and checks the signature, which shows that the sender has the
/// private key.
///
/// # Errors
///
/// A message that says which form the request must have.
pub(super) fn requested_key(csr: &str) -> Result<SubjectPublicKeyInfo, &'static str> {
    const FORM: &str = "must be a certificate signing request (PKCS#10) in PEM";
    const KEY: &str = "must be signed with its own key: EC P-256 or P-384, Ed25519, or RSA with 2,048 to 8,192 bits";
    let der = CertificateSigningRequestDer::from_pem_slice(csr.as_bytes()).map_err(|_| FORM)?;
    let (rest, request) = X509CertificationRequest::from_der(&der).map_err(|_| FORM)?;
    if !rest.is_empty() {
        return Err(FORM);
    }
    let requested = &request.certification_request_info.subject_pki;
    if let PublicKey::RSA(key) = requested.parsed().map_err(|_| KEY)?
        && !RSA_BITS.contains(&key.key_size())
    {
        return Err(KEY);
    }
    request.verify_signature().map_err(|_| KEY)?;
    SubjectPublicKeyInfo::from_der(requested.raw).map_err(|_| KEY)
}

/// Encodes a certificate as PEM.
pub(super) fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// Formats the serial number, as the certificate contains it, in hexadecimal digits.
pub(super) fn hex(serial: Serial) -> String {
    format!("{:032x}", u128::from_be_bytes(positive(serial)))
}

/// The bytes of a number that is positive, and whose first byte is not 0.
const fn positive(mut serial: Serial) -> Serial {
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}

fn subject(organization: &str, name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, organization);
    subject.push(DnType::CommonName, name);
    subject
}

fn set_validity(params: &mut CertificateParams, from: DateTime<Utc>, until: DateTime<Utc>) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let since_epoch = |at: DateTime<Utc>| Duration::from_secs(u64::try_from(at.timestamp()).unwrap_or(0));
    params.not_before = epoch + since_epoch(from);
    params.not_after = epoch + since_epoch(until);
}

/// Without the part of a second, which certificates do not hold.
fn whole_seconds(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIAL: Serial = [0xff; 16];

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_777_122_000, 500_000_000).expect("an instant")
    }

    #[test]
    fn a_generated_authority_is_read_back_and_its_certificates_end_with_it() {
        let text = CertificateAuthority::generate(SERIAL, now()).expect("an authority");
        let authority = CertificateAuthority::from_pem(text.as_bytes(), text.as_bytes()).expect("an authority");
        assert_eq!(authority.expires_at(), whole_seconds(now() + AUTHORITY_LIFETIME));
        assert!(text.starts_with(&pem(&authority.certificates()[0])), "{text}");

        let key = KeyPair::generate().expect("a key");
        let spki = SubjectPublicKeyInfo::from_der(&key.subject_public_key_info()).expect("a public key");
        let (agent, customer) = (AgentId(uuid::Uuid::from_u128(1)), CustomerId(uuid::Uuid::from_u128(2)));
        let issued = |at| authority.issue_client(&spki, agent, customer, SERIAL, at).expect("a certificate").expires_at;
        assert_eq!(issued(now()), whole_seconds(now() + LIFETIME));
        assert_eq!(issued(authority.expires_at() - TimeDelta::days(1)), authority.expires_at());
    }

    #[test]
    fn an_authority_whose_parts_do_not_fit_is_refused() {
        let [one, other] = [[1; 16], [2; 16]].map(|serial| CertificateAuthority::generate(serial, now()).expect("one"));
        let read = |certificates: &str, key: &str| {
            CertificateAuthority::from_pem(certificates.as_bytes(), key.as_bytes()).map(|_| ())
        };
        assert_eq!(read(&one, &other), Err("the private key is not that of the first certificate".to_owned()));
        assert_eq!(read("", &one), Err("there is no certificate in PEM".to_owned()));
        assert_eq!(read(&one, ""), Err("there is no private key in PEM".to_owned()));
        let leaf = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let problem = read(&leaf.cert.pem(), &leaf.signing_key.serialize_pem());
        assert_eq!(problem, Err("the certificate is not that of a certificate authority".to_owned()));
    }

    #[test]
    fn serial_numbers_are_positive_and_of_full_length() {
        assert_eq!(hex([0xff; 16]), "7fffffffffffffffffffffffffffffff");
        assert_eq!(hex([0; 16]), "40000000000000000000000000000000");
    }
}
