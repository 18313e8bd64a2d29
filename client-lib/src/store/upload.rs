//! A multipart upload that names its errors after what the storage said.

use async_trait::async_trait;
use futures_util::TryFutureExt;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use super::session::Opened;

/// An upload and the session whose tokens carry it, renewed for as long as it takes.
#[derive(Debug)]
pub(super) struct BrokeredUpload {
    upload: Box<dyn MultipartUpload>,
    opened: Opened,
}

impl BrokeredUpload {
    pub(super) fn new(upload: Box<dyn MultipartUpload>, opened: Opened) -> Self {
        Self { upload, opened }
    }
}

#[async_trait]
impl MultipartUpload for BrokeredUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let opened = self.opened.clone();
        Box::pin(self.upload.put_part(data).map_err(move |error| opened.refined(error)))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await;
        self.opened.refine(result)
    }

    async fn abort(&mut self) -> Result<()> {
        let result = self.upload.abort().await;
        self.opened.refine(result)
    }
}
