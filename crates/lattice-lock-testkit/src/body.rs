use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};

/// A body in one piece, which may break off after it.
pub(crate) struct Reply {
    bytes: Option<Bytes>,
    rest: Rest,
}

/// What comes after the piece.
enum Rest {
    End,
    /// Once more around the loop, so that the piece is written before the connection breaks.
    Flush,
    Break,
}

/// The script says that the exchange breaks off here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// In the middle of the body, with an orderly end of the connection.
    Truncated,
    /// Before the reply, with a reset.
    Reset,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the exchange breaks off as scripted")
    }
}

impl std::error::Error for Cut {}

impl Reply {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self {
            bytes: Some(bytes),
            rest: Rest::End,
        }
    }

    /// The first half of `bytes`, and then the end of the connection.
    pub(crate) fn half(bytes: &Bytes) -> Self {
        Self {
            bytes: Some(bytes.slice(..bytes.len() / 2)),
            rest: Rest::Flush,
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.rest {
            Rest::End => Poll::Ready(None),
            Rest::Break => Poll::Ready(Some(Err(Cut::Truncated))),
            Rest::Flush => {
                self.rest = Rest::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
