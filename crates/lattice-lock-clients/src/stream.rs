use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use lattice_lock_errors::Result;
use lattice_lock_providers::{FailureClass, ProviderId, ProviderUnavailableError};

use crate::{ChatReply, Part};

/// One piece of a reply that comes as it is made.
///
/// Put together they are the reply that comes with [`Done`](Self::Done), which is there so that nobody has to: show the words
/// as they come, and take everything else from the reply at the end. A piece is as long as the provider makes it, never
/// empty, and no half of a character. Pieces of different calls may come in turns; their `place` tells them apart.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Delta {
    /// More words.
    Text(String),
    /// More of what the model thinks.
    Reasoning(String),
    /// A call of a tool begins; its arguments follow.
    ToolCall {
        /// Which call is meant by the arguments that follow. Neither dense nor beginning at 0.
        place: u64,
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// More of a call's arguments: a piece of JSON text, which by itself is none. Gemini and Ollama send them in one piece;
    /// a call without any may have no piece at all.
    Arguments {
        /// Which call they belong to.
        place: u64,
        /// The piece.
        json: String,
    },
    /// The end, always the last item of a stream that did not fail: the whole reply, with its usage.
    Done(Box<ChatReply>),
}

/// A reply that comes piece by piece: a [`Stream`] of [`Delta`]s whose last item is [`Delta::Done`], or an error.
///
/// It reads from the network only when it is asked for more, and keeps no more than one event and the reply so far, each of
/// at most 32 MiB. Nothing of it runs by itself: a stream that nobody reads holds its connection, and the provider waits.
/// While it is read, no piece may take longer than the
/// [idle timeout](crate::HttpClientsBuilder::idle_timeout), nor all of it than the
/// [whole](crate::HttpClientsBuilder::timeout).
/// A stream that ends before the provider has said its last word is an error of the class
/// [`CutStream`](FailureClass::CutStream), never a short reply. Dropping it abandons the exchange, and the
/// provider may charge for it all the same.
///
/// ```
/// use lattice_lock_clients::{ChatReply, ChatStream, Delta};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.");
/// let mut stream = ChatStream::of("openai".parse()?, reply.clone());
/// assert_eq!(stream.next().await.transpose()?, Some(Delta::Text("Goethe.".to_string())));
/// assert_eq!(stream.next().await.transpose()?, Some(Delta::Done(Box::new(reply))));
/// assert!(stream.next().await.is_none());
/// # Ok(())
/// # }
/// ```
///
/// A stream that fails has used something all the same. What had come until then, with the usage if it was told, is there to be
/// booked:
///
/// ```
/// # use lattice_lock_clients::{ChatRequest, HttpClients};
/// # use lattice_lock_providers::{Bucket, Count, Provider};
/// # use lattice_lock_testkit::{Exchange, ScriptedServer, Usage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// # let server = ScriptedServer::start().await.unwrap();
/// # let exchange = Exchange::reply("Goethe, and at length.").usage(Usage::new().input(80).output(9));
/// # server.script(exchange.reset_at(900));
/// # let provider = Provider::anthropic().api_key("sk-ant-4711".to_string()).at(&format!("{}/v1", server.url()))?;
/// # let client = HttpClients::new()?.client(&provider);
/// let mut stream = client.stream(&"claude-haiku-4-5".parse()?, &ChatRequest::new("Who?")).await?;
/// let failed = loop {
///     match stream.next().await.expect("a stream ends with its reply or an error") {
///         Ok(delta) => drop(delta),
///         Err(error) => break error,
///     }
/// };
/// assert_eq!(failed.code().as_str(), "LL-PRV-032"); // cut stream
/// let booked = stream.so_far().expect("it was read from a provider");
/// assert_eq!(booked.usage().get(Bucket::Input), Count::Reported(80));
/// # Ok(())
/// # }
/// ```
pub struct ChatStream {
    provider: ProviderId,
    pieces: Pin<Box<dyn Pieces>>,
    is_over: bool,
}

/// What a [`ChatStream`] is made of.
pub(crate) trait Pieces: Stream<Item = Result<Delta>> + Send {
    /// What has come so far.
    fn so_far(&self) -> Option<ChatReply>;
}

impl ChatStream {
    /// A stream of these pieces, for an implementation of [`Client`](crate::Client). Where they end without
    /// [`Delta::Done`] and without an error, it was cut.
    pub fn new(
        provider: ProviderId,
        pieces: impl Stream<Item = Result<Delta>> + Send + 'static,
    ) -> Self {
        Self::from_pieces(provider, Foreign(Box::pin(pieces)))
    }

    /// A stream that brings a reply which is there already: a piece for each of its parts, then the reply. It is what
    /// [`Client::stream`](crate::Client::stream) does by default, and what is made of a server that was asked to stream and did
    /// not.
    #[must_use]
    pub fn of(provider: ProviderId, reply: ChatReply) -> Self {
        let mut deltas: Vec<Delta> = Vec::new();
        for (place, part) in reply.parts().iter().enumerate() {
            deltas.extend(deltas_of(place as u64, part));
        }
        deltas.push(Delta::Done(Box::new(reply)));
        Self::from_pieces(provider, Given(deltas.into_iter()))
    }

    pub(crate) fn from_pieces(provider: ProviderId, pieces: impl Pieces + 'static) -> Self {
        Self {
            provider,
            pieces: Box::pin(pieces),
            is_over: false,
        }
    }

    /// The next piece; `None` after the last one. A future of it that is dropped loses nothing: the next one goes on where
    /// it was.
    pub async fn next(&mut self) -> Option<Result<Delta>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads to the end, and gives back the whole reply: what would have come without streaming.
    ///
    /// # Errors
    ///
    /// As the stream's.
    pub async fn reply(mut self) -> Result<ChatReply> {
        loop {
            match self.next().await {
                Some(Ok(Delta::Done(reply))) => return Ok(*reply),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(self.cut()),
            }
        }
    }

    /// What has come so far, with the usage that was reported until now: what there is to book of a stream that
    /// failed. `None` where the stream is not read from a provider.
    #[must_use]
    pub fn so_far(&self) -> Option<ChatReply> {
        self.pieces.so_far()
    }

    /// Whom it comes from.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    fn cut(&self) -> lattice_lock_errors::Error {
        let class = FailureClass::CutStream;
        ProviderUnavailableError::new(self.provider.clone(), class).into_error()
    }
}

fn deltas_of(place: u64, part: &Part) -> Vec<Delta> {
    match part {
        Part::Text(text) => vec![Delta::Text(text.clone())],
        Part::Reasoning(thought) if !thought.text().is_empty() => {
            vec![Delta::Reasoning(thought.text().to_owned())]
        }
        Part::ToolCall(call) => vec![
            Delta::ToolCall {
                place,
                id: call.id().to_owned(),
                name: call.name().to_owned(),
            },
            Delta::Arguments {
                place,
                json: call.arguments().to_owned(),
            },
        ],
        _ => Vec::new(),
    }
}

impl Stream for ChatStream {
    type Item = Result<Delta>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let polled = self.pieces.as_mut().poll_next(context);
        let item = match polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => Err(self.cut()),
            Poll::Ready(Some(item)) => item,
        };
        self.is_over = matches!(item, Err(_) | Ok(Delta::Done(_)));
        Poll::Ready(Some(item))
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream")
            .field("provider", &self.provider)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

/// A stream that somebody else made.
struct Foreign(Pin<Box<dyn Stream<Item = Result<Delta>> + Send>>);

impl Stream for Foreign {
    type Item = Result<Delta>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl Pieces for Foreign {
    fn so_far(&self) -> Option<ChatReply> {
        None
    }
}

/// Pieces that are there already.
struct Given(std::vec::IntoIter<Delta>);

impl Stream for Given {
    type Item = Result<Delta>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

impl Pieces for Given {
    fn so_far(&self) -> Option<ChatReply> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_that_end_without_a_last_word_are_cut() {
        let stream = || {
            let pieces = Given(vec![Delta::Text("a".into())].into_iter());
            ChatStream::new("x".parse().unwrap(), pieces)
        };
        let mut read = stream();
        assert!(read.next().await.unwrap().is_ok());
        assert!(read.next().await.unwrap().is_err());
        assert!(read.next().await.is_none());
        let error = stream().reply().await.unwrap_err();
        let failure = error.find::<ProviderUnavailableError>().unwrap();
        assert_eq!(failure.class(), FailureClass::CutStream);
    }
}
