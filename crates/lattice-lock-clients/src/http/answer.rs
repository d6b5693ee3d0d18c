use lattice_lock_providers::FailureClass;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};

/// The longest reply that is read, in bytes.
const LONGEST_REPLY: usize = 32 * 1024 * 1024;

/// The longest error that is read, in bytes; of what is longer, the status alone counts.
const LONGEST_ERROR: usize = 64 * 1024;

/// What came back, read to its end and bounded.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why a body could not be read.
pub(super) struct Unread {
    /// What that means for the attempt.
    pub(super) class: FailureClass,
    /// The network's word on it; none if the body is only too long.
    pub(super) cause: Option<reqwest::Error>,
}

impl Answer {
    /// Reads a reply; an error's body is optional, since its status says enough.
    pub(super) async fn read(response: Response) -> Result<Self, Unread> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if status.is_success() {
            bounded(response, LONGEST_REPLY).await?
        } else {
            bounded(response, LONGEST_ERROR).await.unwrap_or_default()
        };
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    /// The provider's id of the request, if it looks like one.
    pub(super) fn request_id(&self, header: &str) -> Option<String> {
        let id = self.headers.get(header)?.to_str().ok()?;
        let is_plain = id.bytes().all(|byte| byte.is_ascii_graphic());
        ((1..=128).contains(&id.len()) && is_plain).then(|| id.to_owned())
    }
}

/// Reads a body to its end, unless it announces or turns out to be longer than `limit`.
async fn bounded(mut response: Response, limit: usize) -> Result<Vec<u8>, Unread> {
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(Unread::too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::from)? {
        if body.len() + chunk.len() > limit {
            return Err(Unread::too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Unread {
    fn too_long() -> Self {
        Self {
            class: FailureClass::MalformedReply,
            cause: None,
        }
    }
}

impl From<reqwest::Error> for Unread {
    fn from(error: reqwest::Error) -> Self {
        let class = if error.is_timeout() {
            FailureClass::Timeout
        } else {
            FailureClass::CutStream
        };
        Self {
            class,
            cause: Some(error.without_url()),
        }
    }
}
