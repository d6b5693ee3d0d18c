//! A reply that comes piece by piece, whoever makes the pieces.
//!
//! Three kinds of streams look the same from outside: one that is read from a provider, one that brings a reply
//! which is there already, and one that an implementation of a client made itself. Only the first knows what has
//! come so far. That a stream ends with its last word or an error, and with nothing else, is seen to here for all
//! of them.

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
/// Put together they are the reply that comes with [`Done`](Self::Done), which is there so that nobody has to: show
/// the words as they come, and take everything else from the reply at the end. A piece is as long as the provider
/// makes it, never empty, and no half of a character. Pieces of different calls may come in turns; their `place`
/// tells them apart.
///
/// ```
/// use lattice_lock_clients::{ChatReply, ChatStream, Delta, Part, ToolCall};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
/// let call = ToolCall::new("call_1", "weather", r#"{"city":"Rome"}"#);
/// let parts = vec![Part::Text("Let me look.".to_string()), Part::ToolCall(call)];
/// let mut stream = ChatStream::of("openai".parse()?, ChatReply::of("gpt-5-mini".parse()?, parts));
/// let (mut shown, mut calls) = (String::new(), 0);
/// while let Some(delta) = stream.next().await.transpose()? {
///     match delta {
///         Delta::Text(words) => shown.push_str(&words),
///         Delta::ToolCall { name, .. } => shown.push_str(&format!(" [{name} …]")),
///         Delta::Done(reply) => calls = reply.tool_calls().count(),
///         _ => {}
///     }
/// }
/// assert_eq!((shown.as_str(), calls), ("Let me look. [weather …]", 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Delta {
    /// More words.
    Text(String),
    /// More of what the model thinks.
    ///
    /// Not told apart here, and so only in the reply: signatures and sealed thoughts.
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
    /// More of a call's arguments: a piece of JSON text, which by itself is none. Gemini and Ollama send them in
    /// one piece; a call without any may have no piece at all.
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
/// It reads from the network only when it is asked for more, and keeps no more than one event and the reply so far,
/// each of at most 32 MiB. Nothing of it runs by itself: a stream that nobody reads holds its connection, and the
/// provider waits. While it is read, no piece may take longer than the [idle
/// timeout](crate::HttpClientsBuilder::idle_timeout), nor all of it than the
/// [whole](crate::HttpClientsBuilder::timeout). A stream that ends before the provider has said its last word is an
/// error of the class [`CutStream`](FailureClass::CutStream), never a short reply. Dropping it abandons the
/// exchange, and the provider may charge for it all the same.
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
/// A stream that fails has used something all the same. What had come until then, with the usage if it was told, is
/// there to be booked:
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
    ///
    /// Such a stream has nothing [so far](Self::so_far). What comes after `Done` or an error is not asked for.
    ///
    /// ```
    /// use std::pin::Pin;
    /// use std::task::{Context, Poll};
    /// use futures_core::Stream;
    /// use lattice_lock_clients::{ChatReply, ChatStream, Delta};
    /// use lattice_lock_errors::Result;
    ///
    /// struct Counting(u32);
    ///
    /// impl Stream for Counting {
    ///     type Item = Result<Delta>;
    ///
    ///     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
    ///         self.0 += 1;
    ///         Poll::Ready(Some(Ok(match self.0 {
    ///             1..=3 => Delta::Text(format!("{} ", self.0)),
    ///             _ => Delta::Done(Box::new(ChatReply::new("counter".parse()?, "1 2 3 "))),
    ///         })))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let stream = ChatStream::new("local".parse()?, Counting(0));
    /// assert_eq!(stream.reply().await?.text(), "1 2 3 ");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(
        provider: ProviderId,
        pieces: impl Stream<Item = Result<Delta>> + Send + 'static,
    ) -> Self {
        Self::from_pieces(provider, Foreign(Box::pin(pieces)))
    }

    /// A stream that brings a reply which is there already: a piece for each of its parts, then the reply. It is
    /// what [`Client::stream`](crate::Client::stream) does by default, and what is made of a server that was asked
    /// to stream and did not.
    ///
    /// Pictures, results and what has no type here are in the reply alone. The words of a part come in one piece,
    /// however long.
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

    /// The next piece; `None` after the last one. A future of it that is dropped loses nothing: the next one goes
    /// on where it was.
    ///
    /// An error is the last item, and what had come before it was told before it, however the network cut it.
    /// `ChatStream` is a [`Stream`] as well, for whoever has combinators for these.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lattice_lock_clients::Delta;
    /// # use lattice_lock_clients::{ChatRequest, Client, HttpClients};
    /// # use lattice_lock_providers::Provider;
    /// # use lattice_lock_testkit::{Exchange, ScriptedServer};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// # let server = ScriptedServer::start().await.unwrap();
    /// # server.script(Exchange::reply("Goethe wrote it.").drip(40, Duration::from_millis(1)));
    /// # let provider = Provider::openai().api_key("sk-live-4711".to_string()).at(&format!("{}/v1", server.url()))?;
    /// # let client = HttpClients::new()?.client(&provider);
    /// let mut stream = client.stream(&"gpt-5-mini".parse()?, &ChatRequest::new("Who wrote Faust?")).await?;
    /// let mut words = String::new();
    /// loop {
    ///     // What is not there in time is not lost: the next turn goes on where this one was.
    ///     match tokio::time::timeout(Duration::from_millis(5), stream.next()).await {
    ///         Err(_) => println!("…"),
    ///         Ok(Some(Ok(Delta::Text(more)))) => words.push_str(&more),
    ///         Ok(Some(item)) => drop(item?),
    ///         Ok(None) => break,
    ///     }
    /// }
    /// assert_eq!(words, "Goethe wrote it.");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Result<Delta>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads to the end, and gives back the whole reply: what would have come without streaming.
    ///
    /// For whoever wants the reply at once and not the silence of a long one: a stream notices a dead connection
    /// after the [idle timeout](crate::HttpClientsBuilder::idle_timeout), a whole reply only when all of its time
    /// has run out. Where it fails, what had come is gone with the stream; to [book](Self::so_far) it, read with
    /// [`next`](Self::next).
    ///
    /// ```
    /// use lattice_lock_clients::{ChatReply, ChatStream};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_errors::Error> {
    /// let reply = ChatReply::new("gpt-5-mini".parse()?, "Goethe.");
    /// let stream = ChatStream::of("openai".parse()?, reply.clone());
    /// assert_eq!(stream.reply().await?, reply);
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// After [`Delta::Done`] it is the whole reply. `OpenAI`'s wire, Ollama's and Bedrock's tell the usage at the
    /// end, so that it is absent before: then the words that came are all there is to estimate by. Anthropic's
    /// tells the prompt's at the beginning, Gemini's with pieces on the way. Each call copies what there is.
    #[must_use]
    pub fn so_far(&self) -> Option<ChatReply> {
        self.pieces.so_far()
    }

    /// Whom it comes from.
    ///
    /// A stream keeps it, so that whoever books it needs not to be told.
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
        Part::Text(text) if !text.is_empty() => vec![Delta::Text(text.clone())],
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
