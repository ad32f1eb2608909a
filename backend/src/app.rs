//! The composition root: the only place that builds a control plane and its router from the settings.

use std::{fs::File, path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    actor::Actor,
    clock::Clock,
    config::{DatabaseSettings, ServeSettings},
    events::{self, Bus},
    graphql,
    ids::IdGenerator,
    rate_limits::{self, Limits, Quotas},
    rest::{Api, ListBudget},
    service::{CertificateAuthority, ControlPlane, JwtKey, Parts, PasswordCost, Timing, Tokens, jwt_key_from_file},
    store::{self, DatabaseLimits, Db},
    transport::{BodyBudget, OriginPolicy, ResponseBudget},
    webhooks::Webhooks,
};

mod certificate_authority;
mod data_folder;
#[cfg(feature = "test-clock")]
mod test_clock;

/// The name of the signing secret in the database.
const SECRET: &str = "signing";

/// A control plane with its database and background tasks.
#[derive(Debug)]
pub struct App {
    /// The control plane.
    pub cp: Arc<ControlPlane>,
    /// The database of the control plane.
    pub db: Db,
    /// The background tasks of the control plane.
    pub tasks: TaskTracker,
    /// The token that is cancelled to end the background tasks.
    pub stop: CancellationToken,
    /// The memory budget of request bodies, for REST and GraphQL together.
    pub bodies: BodyBudget,
    /// The clock of the control plane.
    pub clock: Clock,
    /// The authority that signs client certificates; `None` if agents cannot authenticate with them.
    pub authority: Option<Arc<CertificateAuthority>>,
    /// The lock of the data folder, held while the server runs; `None` with PostgreSQL.
    lock: Option<File>,
}

/// The parts of an [`App`] that do not come from the settings. Tests and benchmarks may replace them.
#[derive(Debug)]
pub struct Ambient {
    /// The clock.
    pub clock: Clock,
    /// The source of ids and randomness.
    pub ids: IdGenerator,
    /// The timeouts of the database.
    pub database_limits: DatabaseLimits,
    /// What hashing a password costs.
    pub password_cost: PasswordCost,
}

impl Default for Ambient {
    fn default() -> Self {
        #[cfg(not(feature = "test-clock"))]
        let clock = Clock::system();
        #[cfg(feature = "test-clock")]
        let clock = test_clock::clock();
        Self {
            clock,
            ids: IdGenerator::system(),
            database_limits: DatabaseLimits::default(),
            password_cost: PasswordCost::default(),
        }
    }
}

impl App {
    /// Opens the database, migrates its schema, and builds the control plane of a server.
    ///
    /// # Errors
    ///
    /// A message for the operator that names the setting or part that failed.
    pub async fn start(settings: &ServeSettings, ambient: Ambient) -> Result<Self> {
        let lock = match &settings.database.database_url {
            Some(_) => None,
            None => Some(data_folder::lock(&settings.database.data_dir)?),
        };
        let timing = Timing {
            heartbeat_interval: settings.heartbeat_interval,
            stalled_after: settings.stalled_after,
            lease: settings.lease,
            slots_kept: settings.slots_kept,
            ..Timing::default()
        };
        let key = settings.jwt_key_file.as_deref().map(jwt_key).transpose()?;
        let db = open_within(&settings.database, ambient.database_limits).await?;
        let secret = secret(&settings.database, &db, &ambient).await?;
        let authority = certificate_authority::open(settings, &db, &ambient).await?.map(Arc::new);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (bus, shared) = match &settings.redis_url {
            Some(url) => {
                let url = url.expose_secret();
                let node: Uuid = ambient.ids.next(ambient.clock.now());
                // The realm is derived from the secret, so servers on other databases may use the same Redis.
                let realm = realm(&secret);
                let bus = events::redis::connect(url, &realm, node, &tasks, &stop).context("REDIS_URL")?;
                (bus, Some(rate_limits::redis::Shared::new(url, realm).context("REDIS_URL")?))
            }
            None => (Bus::in_process(), None),
        };
        let limits = Limits::new(settings.rate_limits, shared);
        let Ambient { clock, ids, password_cost, .. } = ambient;
        let cp = ControlPlane::new(Parts {
            db: db.clone(),
            bus,
            limits,
            clock: clock.clone(),
            ids: Arc::new(ids),
            tokens: Tokens::new(secret, key),
            webhooks: Webhooks::new(settings.webhook_networks.clone()),
            authority: authority.clone(),
            timing,
            password_cost,
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        Ok(Self { cp, db, tasks, stop, bodies: BodyBudget::default(), clock, authority, lock })
    }

    /// Builds a control plane for a command, whether or not a server runs on the same database. Its bus and its rate
    /// limits are local to the process.
    ///
    /// # Errors
    ///
    /// A message for the operator that names the setting or part that failed.
    pub async fn for_command(settings: &DatabaseSettings, jwt_key_file: Option<&Path>) -> Result<Self> {
        let key = jwt_key_file.map(jwt_key).transpose()?;
        let db = open(settings).await?;
        let ambient = Ambient::default();
        let secret = secret(settings, &db, &ambient).await?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let clock = ambient.clock;
        let cp = ControlPlane::new(Parts {
            db: db.clone(),
            bus: Bus::in_process(),
            limits: Limits::new(Quotas::default(), None),
            clock: clock.clone(),
            ids: Arc::new(ambient.ids),
            tokens: Tokens::new(secret, key),
            webhooks: Webhooks::new(Vec::new()),
            authority: None,
            timing: Timing::default(),
            password_cost: ambient.password_cost,
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        Ok(Self { cp, db, tasks, stop, bodies: BodyBudget::default(), clock, authority: None, lock: None })
    }

    /// Builds the state of the REST API of this control plane.
    #[must_use]
    pub fn api(&self, settings: &ServeSettings) -> Api {
        Api {
            cp: Arc::clone(&self.cp),
            trusted_proxies: settings.trusted_proxies.clone().into(),
            public_url: settings.public_url.clone(),
            origins: origins(settings),
            bodies: self.bodies.clone(),
            lists: ListBudget::default(),
            exports: ListBudget::default(),
        }
    }

    /// Builds the settings of the GraphQL API of this control plane.
    #[must_use]
    pub fn graphql(&self, settings: &ServeSettings) -> graphql::Settings {
        graphql::Settings {
            cp: Arc::clone(&self.cp),
            tasks: self.tasks.clone(),
            trusted_proxies: settings.trusted_proxies.clone().into(),
            origins: origins(settings),
            max_response: settings.graphql_response_limit,
            bodies: self.bodies.clone(),
            responses: ResponseBudget::default(),
            init_grace: graphql::INIT_GRACE,
            deliveries: graphql::Deliveries::default(),
        }
    }

    /// Creates the first administrator, unless there is an administrator who can sign in. Returns the password if the
    /// server generated one, otherwise `None`.
    pub async fn ensure_first_admin(&self, settings: &ServeSettings) -> Result<Option<String>> {
        if self.cp.has_admin().await? {
            return Ok(None);
        }
        let chosen = settings.admin_password.as_ref().map(|password| password.expose_secret().to_owned());
        let generated = if chosen.is_none() { Some(IdGenerator::system().secret("")[..20].to_owned()) } else { None };
        let Some(password) = chosen.or_else(|| generated.clone()) else { return Ok(None) };
        let is_new = self.cp.ensure_first_admin(&Actor::System, &settings.admin_email, password).await?;
        Ok(generated.filter(|_| is_new))
    }

    /// Starts the task that moves the clock as the file named by `MFTPLUS_TEST_CLOCK` says.
    #[cfg(feature = "test-clock")]
    pub fn follow_test_clock(&self) {
        self.tasks.spawn(test_clock::follow(Arc::clone(&self.cp)));
    }

    /// Ends the background tasks, commits the queued reports, and closes the database.
    pub async fn close(self) {
        let Self { cp, db, tasks, stop, lock, .. } = self;
        stop.cancel();
        tasks.close();
        // The writer ends when the last reference to the control plane is dropped.
        drop(cp);
        tasks.wait().await;
        db.close().await;
        drop(lock);
    }
}

fn origins(settings: &ServeSettings) -> OriginPolicy {
    OriginPolicy {
        allowed: settings.allowed_origins.clone().into(),
        public_url: settings.public_url.clone(),
        trusted_proxies: settings.trusted_proxies.clone().into(),
    }
}

/// Opens the database and migrates its schema.
///
/// # Errors
///
/// A message for the operator that names the setting that failed.
pub async fn open(settings: &DatabaseSettings) -> Result<Db> {
    open_within(settings, DatabaseLimits::default()).await
}

async fn open_within(settings: &DatabaseSettings, database_limits: DatabaseLimits) -> Result<Db> {
    if let Some(url) = &settings.database_url {
        let db = Db::open_postgres_within(url.expose_secret(), database_limits).await;
        let db = db.map_err(cause).context("DATABASE_URL: cannot connect")?;
        db.migrate().await.map_err(cause).context("DATABASE_URL: cannot bring the schema up to date")?;
        return Ok(db);
    }
    let folder = &settings.data_dir;
    data_folder::create(folder)?;
    let path = folder.join("mftplus.db");
    // Two programs that open a new folder at the same time migrate one after the other.
    let lock = data_folder::lock_file(&folder.join("migrate.lock"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await?;
    let lock = lock.with_context(|| format!("MFTPLUS_DATA_DIR: {} cannot be locked", folder.display()))?;
    data_folder::prepare_database(folder, &path)?;
    let in_folder = || format!("MFTPLUS_DATA_DIR: {} cannot be used", path.display());
    let db = Db::open_sqlite_within(&path, database_limits).await.map_err(cause).with_context(in_folder)?;
    // What was stored before the first checkpoint is in the write-ahead log alone.
    if !db.has_schema().await.map_err(cause).with_context(in_folder)? {
        let state = "has no tables (they may be in a mftplus.db-wal that is not beside it any more)";
        data_folder::refuse_new_database(folder, &path, state)?;
    }
    db.migrate().await.map_err(cause).with_context(in_folder)?;
    drop(lock);
    Ok(db)
}

fn jwt_key(path: &Path) -> Result<JwtKey> {
    jwt_key_from_file(path).map_err(|problem| anyhow::anyhow!("MFTPLUS_JWT_KEY_FILE: {} {problem}", path.display()))
}

/// The cause of an error that is hidden from clients but shown to the operator who starts the server.
fn cause(error: crate::error::Error) -> anyhow::Error {
    match error {
        crate::error::Error::Internal(cause) | crate::error::Error::DatabaseUnavailable(cause) => {
            anyhow::Error::from_boxed(cause)
        }
        other => other.into(),
    }
}

/// The signing secret: a file beside the SQLite database, or a row that the first server creates in PostgreSQL.
async fn secret(settings: &DatabaseSettings, db: &Db, ambient: &Ambient) -> Result<Vec<u8>> {
    let mut fresh = vec![0; 32];
    ambient.ids.fill(&mut fresh);
    if settings.database_url.is_some() {
        return Ok(store::shared_secrets::get_or_insert(db, SECRET, fresh, ambient.clock.now()).await?);
    }
    let path = settings.data_dir.join(data_folder::SECRET_FILE);
    let name = || format!("MFTPLUS_DATA_DIR: {} cannot be used", path.display());
    match data_folder::read_secret(&path) {
        // A power loss may leave a file of the right length that contains only NUL.
        Ok(secret) if secret.len() >= 32 && secret.iter().any(|byte| *byte != secret[0]) => Ok(secret),
        Ok(_) => bail!("MFTPLUS_DATA_DIR: {} is damaged: remove it; all users must then sign in again", path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            data_folder::write_secret(&path, &fresh).with_context(name)?;
            Ok(std::fs::read(&path).with_context(name)?)
        }
        Err(error) => Err(error).with_context(name),
    }
}

fn realm(secret: &[u8]) -> String {
    let digest = Sha256::digest(secret);
    let start = u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default());
    format!("{start:016x}")
}
