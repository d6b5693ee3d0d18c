//! What comes back: its head, and its body within bounds.
//!
//! A body is read piece by piece and given up when it announces more than its bound or turns out to be longer. An
//! error's body has a lower bound: of one that is longer the status alone counts.
//!
//! A reply's bound is 32 MiB and an error's 64 KiB. A body that announces more is not read at all; of
//! what it announces, room is made for 64 KiB at most before it comes.

use lattice_lock_providers::FailureClass;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};

/// The longest reply that is read, in bytes.
const LONGEST_REPLY: usize = 32 * 1024 * 1024;

/// The longest error that is read, in bytes; of what is longer, the status alone counts.
const LONGEST_ERROR: usize = 64 * 1024;

/// What came back before its body.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// Why a body could not be read.
#[derive(Debug)]
pub(super) struct Unread {
    /// What that means for the attempt.
    pub(super) class: FailureClass,
    /// The network's word on it; none if the body is only too long.
    pub(super) cause: Option<reqwest::Error>,
}

impl Head {
    /// What stands before the body, which is all that the response keeps.
    pub(super) fn of(response: &mut Response) -> Self {
        Self {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
        }
    }

    /// Reads a reply; an error's body is optional, since its status says enough.
    pub(super) async fn body(&self, response: Response) -> Result<Vec<u8>, Unread> {
        if self.status.is_success() {
            bounded(response, LONGEST_REPLY).await
        } else {
            Ok(bounded(response, LONGEST_ERROR).await.unwrap_or_default())
        }
    }

    /// The provider's id of the request, if it looks like one.
    pub(super) fn request_id(&self, header: &str) -> Option<String> {
        let id = self.text(header)?;
        let is_plain = id.bytes().all(|byte| byte.is_ascii_graphic());
        ((1..=128).contains(&id.len()) && is_plain).then(|| id.to_owned())
    }

    /// A header's text.
    pub(super) fn text(&self, header: &str) -> Option<&str> {
        self.headers.get(header)?.to_str().ok()
    }

    /// Whether the body is announced to be of this type.
    pub(super) fn is_of(&self, media_type: &str) -> bool {
        let announced = self.text("content-type").unwrap_or_default();
        let announced = announced.split(';').next().unwrap_or_default().trim();
        announced.eq_ignore_ascii_case(media_type)
    }
}

/// Reads a body to its end, unless it announces or turns out to be longer than `limit`.
async fn bounded(mut response: Response, limit: usize) -> Result<Vec<u8>, Unread> {
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(Unread::too_long());
    }
    // Who announces much and sends little gets no room for it.
    let room = usize::try_from(announced).unwrap_or(0).min(LONGEST_ERROR);
    let mut body = Vec::with_capacity(room);
    while let Some(chunk) = response.chunk().await.map_err(Unread::from)? {
        if body.len() + chunk.len() > limit {
            return Err(Unread::too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Unread {
    pub(super) fn too_long() -> Self {
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
