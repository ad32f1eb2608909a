//! The HTTP clients for the server: one that presents the client certificate of this agent, once there is a certificate
//! and an address for it, and one that presents none.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::identity::certificate::ClientCertificate;
use crate::server::connection_settings::ConnectionSettings;
use crate::server::http::HttpClient;

/// The HTTP clients for one server, of which [`Self::current`] selects one for each request.
pub(crate) struct Route {
    /// The client that shows no certificate.
    plain: HttpClient,
    settings: ConnectionSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    certificate: Option<ClientCertificate>,
    /// The client that presents the certificate.
    secured: Option<HttpClient>,
}

impl Route {
    /// Creates the client without a certificate for the server at this address.
    pub(crate) fn new(server: &str, settings: &ConnectionSettings) -> anyhow::Result<Self> {
        Ok(Self { plain: HttpClient::new(server, settings)?, settings: settings.clone(), state: Mutex::default() })
    }

    /// Loads the certificate in `state_dir`, if there is one, and presents it if it has not expired.
    pub(crate) fn load_certificate(&self, state_dir: &Path, agent: Uuid) -> anyhow::Result<()> {
        let Some(certificate) = ClientCertificate::load(state_dir, agent) else { return Ok(()) };
        if certificate.is_valid(self.now()) {
            return self.use_certificate(certificate);
        }
        self.change(|state| state.certificate = Some(certificate));
        Ok(())
    }

    /// Presents this certificate from now on, if the address of the listener for client certificates is configured.
    pub(crate) fn use_certificate(&self, certificate: ClientCertificate) -> anyhow::Result<()> {
        let secured = match &self.settings.mtls_server {
            Some(server) => Some(self.plain.secured(server, &self.settings, &certificate)?),
            None => None,
        };
        self.change(|state| *state = State { certificate: Some(certificate), secured });
        Ok(())
    }

    /// Stops presenting the client certificate. Returns the client that presented it; `None` if none did.
    pub(crate) fn hide_certificate(&self) -> Option<HttpClient> {
        self.change(|state| state.secured.take())
    }

    /// Presents the certificate again with the client `secured`, unless another certificate is presented by now.
    pub(crate) fn show_certificate(&self, secured: HttpClient) {
        self.change(|state| {
            state.secured.get_or_insert(secured);
        });
    }

    /// The client for the next request: the one that presents the certificate, if there is one.
    pub(crate) fn current(&self) -> HttpClient {
        self.change(|state| state.secured.clone()).unwrap_or_else(|| self.plain.clone())
    }

    /// The client that shows no certificate.
    pub(crate) fn plain(&self) -> &HttpClient {
        &self.plain
    }

    /// The certificate of this agent, valid or not.
    pub(crate) fn certificate(&self) -> Option<ClientCertificate> {
        self.change(|state| state.certificate.clone())
    }

    /// Whether requests present the certificate.
    pub(crate) fn is_secured(&self) -> bool {
        self.change(|state| state.secured.is_some())
    }

    /// Whether this agent has a certificate, or the address of a listener that requires one.
    pub(crate) fn wants_certificate(&self) -> bool {
        self.settings.mtls_server.is_some() || self.certificate().is_some()
    }

    /// The current time, as [`HttpClient::now`] returns it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.plain.now()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
