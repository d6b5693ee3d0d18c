//! A stream without a network, for the fuzz targets.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::Frame;
use lattice_lock_errors::Result;
use lattice_lock_providers::{ModelName, Provider};
use reqwest::header::HeaderMap;
use reqwest::{Body, StatusCode};

use super::HttpClients;
use super::answer::Head;
use super::client::HttpClient;
use super::stream::{Arrival, Arriving};
use crate::ChatStream;
use crate::wire::Heading;

type Bytes = <Body as http_body::Body>::Data;

/// A stream whose bytes are there already, as every other stream is read: only the network is missing.
pub(crate) fn arrived(
    clients: &HttpClients,
    provider: &Provider,
    model: &ModelName,
    pieces: impl IntoIterator<Item = Vec<u8>>,
) -> Result<ChatStream> {
    let client = HttpClient::new(&clients.shared, provider);
    let about = Arriving {
        line: Arc::clone(client.line()?),
        own: None,
        model: model.clone(),
        head: Head {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
        },
        heading: Heading::default(),
        started: Instant::now(),
        raw: None,
    };
    let pieces = Pieces(pieces.into_iter().map(Bytes::from).collect());
    let arrival = Arrival::new(about, Body::wrap(pieces), Duration::from_mins(1));
    Ok(ChatStream::from_pieces(provider.id().clone(), arrival))
}

struct Pieces(VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}
