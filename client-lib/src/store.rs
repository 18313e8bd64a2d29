//! `gs://` as an `object_store::ObjectStore`, each request with a brokered token for no more than it does.
//!
//! Inside is `object_store`'s own Google client, speaking the XML API. One is made for each operation, bound to the
//! parts that the operation needs; that costs microseconds, and all share one connection pool. Since brokers round
//! scopes up, nearly all operations below a dataset share one token of the client tier.

mod endpoint;
mod errors;
mod refusals;
mod session;
mod upload;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use lakegate_domain::{Bucket, ObjectPath, Operation, OperationSet, Part, Prefix, Scheme, Target};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    RenameTargetMode, Result,
};

use crate::client::Client;
use crate::error::{ClientError, ConfigFault};
use endpoint::Storage;
pub use endpoint::StorageEndpoint;
use refusals::Refusals;
use session::{Opened, Session};
use upload::BrokeredUpload;

/// Deletions of one stream that are under way at once.
const DELETIONS_AT_ONCE: usize = 10;

/// A bucket of Google Cloud Storage, through brokered tokens. Clones share everything.
#[derive(Debug, Clone)]
pub struct BrokeredStore {
    client: Client,
    bucket: Bucket,
    storage: Arc<Storage>,
    refusals: Arc<Refusals>,
}

impl BrokeredStore {
    /// A store for one bucket. Nothing is dialled before the first request.
    ///
    /// # Errors
    /// [`ClientError::Config`] when the bucket is not one of `gs://`, the address is neither https nor an allowed
    /// loopback address, or no certificate authority can be found.
    pub fn new(client: Client, bucket: Bucket, endpoint: StorageEndpoint) -> Result<Self, ClientError> {
        if bucket.scheme() != Scheme::Gs {
            return Err(ConfigFault::Bucket.into());
        }
        let storage = Arc::new(Storage::new(endpoint)?);
        Ok(Self { client, bucket, storage, refusals: Arc::default() })
    }

    /// The object that a location names. What `object_store` will send as its key and what policy decides on are
    /// the same bytes, or the location is refused.
    fn object(&self, location: &Path) -> Result<ObjectPath> {
        let object = ObjectPath::parse(&format!("{}/{location}", self.bucket)).map_err(errors::from_path)?;
        if object.key() == location.as_ref() { Ok(object) } else { Err(errors::renamed()) }
    }

    /// The prefix that a listing sends: the location with a slash, or the whole bucket.
    fn prefix(&self, location: Option<&Path>) -> Result<Prefix> {
        match location.filter(|path| !path.is_root()) {
            None => Ok(Prefix::root(self.bucket.clone())),
            Some(path) => {
                let prefix = Prefix::parse(&format!("{}/{path}/", self.bucket)).map_err(errors::from_path)?;
                let same = prefix.key().strip_suffix('/') == Some(path.as_ref());
                if same { Ok(prefix) } else { Err(errors::renamed()) }
            }
        }
    }

    fn part(&self, location: &Path, operations: &[Operation]) -> Result<Part> {
        errors::part(Target::Object(self.object(location)?), OperationSet::of(operations))
    }

    fn open(&self, location: &Path, operations: &[Operation]) -> Result<Opened> {
        self.open_parts(location, vec![self.part(location, operations)?])
    }

    fn open_list(&self, location: Option<&Path>) -> Result<Opened> {
        let target = Target::Prefix(self.prefix(location)?);
        let parts = vec![errors::part(target, OperationSet::of(&[Operation::List]))?];
        self.open_parts(location.unwrap_or(&Path::ROOT), parts)
    }

    fn open_parts(&self, location: &Path, parts: Vec<Part>) -> Result<Opened> {
        let session = Session::new(self.client.clone(), parts, (self.storage.http(), &self.refusals));
        Opened::new(session, location, (&self.bucket, &self.storage))
    }

    async fn delete_one(&self, location: &Path) -> Result<()> {
        let opened = self.open(location, &[Operation::Delete])?;
        opened.refine(opened.gcs().delete(location).await)
    }
}

impl fmt::Display for BrokeredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BrokeredStore({})", self.bucket)
    }
}

#[async_trait]
impl ObjectStore for BrokeredStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let operation = match options.mode {
            PutMode::Create => Operation::Create,
            PutMode::Overwrite | PutMode::Update(_) => Operation::Write,
        };
        let opened = self.open(location, &[operation])?;
        opened.refine(opened.gcs().put_opts(location, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let opened = self.open(location, &[Operation::Write])?;
        let upload = opened.refine(opened.gcs().put_multipart_opts(location, options).await)?;
        Ok(Box::new(BrokeredUpload::new(upload, opened)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let opened = self.open(location, &[Operation::Read])?;
        opened.refine(opened.gcs().get_opts(location, options).await)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .map(move |location| {
                let store = store.clone();
                async move {
                    let location = location?;
                    store.delete_one(&location).await?;
                    Ok(location)
                }
            })
            .buffered(DELETIONS_AT_ONCE)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.open_list(prefix) {
            Ok(opened) => opened.gcs().list(prefix).map_err(move |error| opened.refined(error)).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.open_list(prefix) {
            Ok(opened) => {
                let listing = opened.gcs().list_with_offset(prefix, offset);
                listing.map_err(move |error| opened.refined(error)).boxed()
            }
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let opened = self.open_list(prefix)?;
        opened.refine(opened.gcs().list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let landing = match options.mode {
            CopyMode::Create => Operation::Create,
            CopyMode::Overwrite => Operation::Write,
        };
        let parts = vec![self.part(from, &[Operation::Read])?, self.part(to, &[landing])?];
        let opened = self.open_parts(from, parts)?;
        opened.refine(opened.gcs().copy_opts(from, to, options).await)
    }

    /// A copy and a deletion with one token: a right that is missing shows before anything is copied.
    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (landing, mode) = match options.target_mode {
            RenameTargetMode::Create => (Operation::Create, CopyMode::Create),
            RenameTargetMode::Overwrite => (Operation::Write, CopyMode::Overwrite),
        };
        let leaving = self.part(from, &[Operation::Read, Operation::Delete])?;
        let opened = self.open_parts(from, vec![leaving, self.part(to, &[landing])?])?;
        let copy = CopyOptions::new().with_mode(mode).with_extensions(options.extensions);
        opened.refine(opened.gcs().copy_opts(from, to, copy).await)?;
        opened.refine(opened.gcs().delete(from).await)
    }
}

#[cfg(test)]
mod tests;
