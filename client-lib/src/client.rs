//! The client: asks the tier, then the brokers, and renews in the background what is used.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use lakegate_domain::{Clock, InvalidPath, ObjectPath, Operation, OperationSet, Part, Prefix, Target};
use tokio::runtime::Handle;

use crate::answer::MAX_PARTS;
use crate::config::ClientConfig;
use crate::delegation_token::Presenting;
use crate::endpoints::{Broker, Endpoints};
use crate::error::{ClientError, ConfigFault};
use crate::flight::normalised;
use crate::service::Service;
use crate::tier::Wanted;
use crate::token::{Answer, BrokeredToken, Served};
use crate::transport::{self, Connected};

/// Gets storage tokens from Lakegate brokers and keeps them as long as they may be used.
///
/// A client has one identity, and its tokens serve that identity only: make one client per identity, and never
/// share one between users. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Client(Arc<Service>);

impl Client {
    /// Makes a client. Nothing is dialled before the first request. Calls to brokers run on the tokio runtime
    /// in which this is called.
    ///
    /// # Errors
    /// [`ClientError::Config`] says what is wrong with the configuration.
    pub fn connect(config: ClientConfig) -> Result<Self, ClientError> {
        let runtime = Handle::try_current().map_err(|_| ConfigFault::NoRuntime)?;
        let (clock, capacity) = (Arc::clone(&config.clock), config.tier_capacity);
        let request_timeout = config.request_timeout;
        let on_behalf_of = config.on_behalf_of.clone().unwrap_or_default();
        let Connected { channels, token } = transport::connect(config)?;
        let endpoints = Endpoints::new(channels, &on_behalf_of, request_timeout)?;
        let brokers: Arc<dyn Broker> = Arc::new(endpoints);
        let brokers = match token {
            Some(token) => Arc::new(Presenting::new(brokers, token)),
            None => brokers,
        };
        Ok(Self::with_broker(brokers, clock, (capacity, runtime)))
    }

    pub(crate) fn with_broker(
        broker: Arc<dyn Broker>,
        clock: Arc<dyn Clock>,
        (capacity, runtime): (usize, Handle),
    ) -> Self {
        Self(Arc::new(Service::new(broker, clock, capacity, runtime)))
    }

    /// A token for operations on one path: a text, a [`Target`], an [`ObjectPath`] or a [`Prefix`].
    ///
    /// # Errors
    /// Why there is no token; see [`ClientError`].
    pub async fn token_for(
        &self,
        path: &(impl AsTarget + ?Sized),
        operations: OperationSet,
    ) -> Result<Arc<BrokeredToken>, ClientError> {
        let target = path.as_target()?;
        match self.cached(&target, operations) {
            Some(token) => Ok(token),
            None => self.0.fetch(vec![Part::new(target.into_owned(), operations)?]).await.map(|a| a.token),
        }
    }

    /// One token with which an object can be copied: `read` where it is, `write` where it goes.
    ///
    /// # Errors
    /// Why there is no token; see [`ClientError`].
    pub async fn token_for_copy(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
    ) -> Result<Arc<BrokeredToken>, ClientError> {
        let part = |object: &ObjectPath, operation| {
            Part::new(Target::Object(object.clone()), OperationSet::of(&[operation]))
        };
        self.token_for_parts(&[part(from, Operation::Read)?, part(to, Operation::Write)?]).await
    }

    /// One token for 1 to 4 parts in one storage.
    ///
    /// # Errors
    /// Why there is no token; see [`ClientError`].
    pub async fn token_for_parts(&self, parts: &[Part]) -> Result<Arc<BrokeredToken>, ClientError> {
        self.answer_for_parts(parts).await.map(|answer| answer.token)
    }

    /// Like [`Client::token_for_parts`], and says whether a broker was asked.
    ///
    /// # Errors
    /// Why there is no token; see [`ClientError`].
    pub async fn answer_for_parts(&self, parts: &[Part]) -> Result<Answer, ClientError> {
        if parts.is_empty() || parts.len() > MAX_PARTS {
            return Err(ClientError::InvalidParts);
        }
        let parts = normalised(parts);
        match self.0.cached(Wanted::Parts(&parts)) {
            Some(token) => Ok(Answer { token, served: Served::ClientTier }),
            None => self.0.fetch(parts).await,
        }
    }

    /// A token from the client tier; never asks a broker, except for a renewal in the background.
    pub fn cached(&self, target: &Target, operations: OperationSet) -> Option<Arc<BrokeredToken>> {
        if operations.is_empty() {
            return None;
        }
        self.0.cached(Wanted::One(target, operations))
    }

    /// Drops a token that the storage refused with 401 and asks for another one, telling the broker which one was
    /// refused. When somebody did so already, his new token is returned. Not for a 403: the token is good then, and
    /// the answer is no; see [`Client::ask_anew`].
    ///
    /// # Errors
    /// [`ClientError::RefusedByStorage`] when a token that replaced a refused one is refused again within 30 s, or
    /// the broker returns the refused one; else as for [`Client::token_for_parts`].
    pub async fn invalidate(&self, token: &BrokeredToken) -> Result<Arc<BrokeredToken>, ClientError> {
        self.0.replace_rejected(token).await
    }

    /// The brokers' decision of now on 1 to 4 parts, whatever the client tier holds: for a 403 of the storage, which
    /// says that a token is good and the answer no. A denial drops all tokens that cover these parts. The same token
    /// again means that policy still allows what the storage refuses.
    ///
    /// # Errors
    /// Why there is no token; see [`ClientError`].
    pub async fn ask_anew(&self, parts: &[Part]) -> Result<Arc<BrokeredToken>, ClientError> {
        if parts.is_empty() || parts.len() > MAX_PARTS {
            return Err(ClientError::InvalidParts);
        }
        self.0.decide_anew(normalised(parts)).await
    }

    /// How many tokens the client tier holds.
    pub fn tier_len(&self) -> usize {
        self.0.tier_len()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} tokens)", self.tier_len())
    }
}

/// What names a prefix or an object.
pub trait AsTarget: Sync {
    /// The target that is named.
    ///
    /// # Errors
    /// The rule that the path breaks.
    fn as_target(&self) -> Result<Cow<'_, Target>, InvalidPath>;
}

impl AsTarget for Target {
    fn as_target(&self) -> Result<Cow<'_, Target>, InvalidPath> {
        Ok(Cow::Borrowed(self))
    }
}

impl AsTarget for ObjectPath {
    fn as_target(&self) -> Result<Cow<'_, Target>, InvalidPath> {
        Ok(Cow::Owned(Target::Object(self.clone())))
    }
}

impl AsTarget for Prefix {
    fn as_target(&self) -> Result<Cow<'_, Target>, InvalidPath> {
        Ok(Cow::Owned(Target::Prefix(self.clone())))
    }
}

impl AsTarget for str {
    fn as_target(&self) -> Result<Cow<'_, Target>, InvalidPath> {
        Target::parse(self).map(Cow::Owned)
    }
}

impl AsTarget for String {
    fn as_target(&self) -> Result<Cow<'_, Target>, InvalidPath> {
        self.as_str().as_target()
    }
}
