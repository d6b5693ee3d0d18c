//! One attempt over HTTP, from a request to a reply.
//!
//! What can be known to be wrong before a call is found when the client is made and kept as the error of every
//! call: an address that is no URL, a host that is not allowed, a key that no header can carry. The headers of each
//! key are made then, too. A call is checked, put into the wire's words, bounded in size, and sent once; what comes
//! back is read within its bounds, and everything that can go wrong becomes an error through a [`Witness`], the one
//! place that knows the keys and takes them out of a provider's text.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_providers::{ModelName, ModelRef, Provider, ProviderId, Registry};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use tokio::time::timeout;

use super::answer::Head;
use super::failure::Witness;
use super::hosts::Hosts;
use super::retry_after;
use super::stream::{Arrival, Arriving};
use crate::codes::{
    ADDRESS_UNUSABLE, EMBEDDINGS_UNSUPPORTED, KEY_UNUSABLE, REQUEST_INVALID, REQUEST_TOO_LARGE,
    WIRE_UNSUPPORTED,
};
use crate::wire::{self, Asked, Framing, Heading, Protocol};
use crate::{
    ChatReply, ChatRequest, ChatStream, Client, EmbedReply, EmbedRequest, Key, RateLimits,
};

/// How long what may take, and how much may be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) total: Duration,
    pub(super) first_byte: Option<Duration>,
    pub(super) idle: Duration,
    pub(super) probe: Duration,
    pub(super) request_bytes: usize,
}

/// Speaks to a provider over HTTP.
///
/// It is made without a network and without failing, so that a provider that is not set up keeps no other from working.
#[derive(Debug)]
pub(super) struct HttpClient {
    http: reqwest::Client,
    id: ProviderId,
    /// Or why no call can be made: the error of every one that is tried.
    line: Result<Arc<Line>>,
}

/// What every call to the provider needs.
///
/// It is made once for a provider and shared by all its calls and streams; the headers of each key are built here
/// and not for each call.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) provider: Provider,
    /// How the provider wants things put.
    pub(super) protocol: &'static dyn Protocol,
    base: Url,
    /// For each key, that key and what the wire wants said every time.
    headers: Vec<HeaderMap>,
    bounds: Bounds,
    hosts: Arc<Hosts>,
    registry: Option<Registry>,
    #[cfg(feature = "bedrock")]
    signer: Arc<super::aws::Signer>,
}

/// What the clients of all providers share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) http: reqwest::Client,
    pub(super) bounds: Bounds,
    pub(super) hosts: Arc<Hosts>,
    pub(super) registry: Option<Registry>,
    pub(super) trust: Result<()>,
    #[cfg(feature = "bedrock")]
    pub(super) signer: Arc<super::aws::Signer>,
}

impl HttpClient {
    pub(super) fn new(shared: &Shared, provider: &Provider) -> Self {
        Self {
            http: shared.http.clone(),
            id: provider.id().clone(),
            line: Line::to(provider, shared).map(Arc::new),
        }
    }

    pub(super) fn line(&self) -> Result<&Arc<Line>> {
        self.line.as_ref().map_err(Error::clone)
    }

    /// A call with a body, not sent yet.
    ///
    /// Here and nowhere else a body's size is looked at: it is known only when the wire has written it.
    fn post(
        &self,
        line: &Line,
        url: Url,
        body: Vec<u8>,
        headers: HeaderMap,
    ) -> Result<RequestBuilder> {
        if body.len() > line.bounds.request_bytes {
            return Err(Error::new(REQUEST_TOO_LARGE, "the request is too large")
                .with("bytes", body.len())
                .with("limit", line.bounds.request_bytes));
        }
        let call = self.http.post(url).timeout(line.bounds.total);
        Ok(call.headers(headers).body(body))
    }

    /// One call for a reply, checked and put into the wire's words.
    ///
    /// The order is from what costs nothing to what costs most: the request's own faults, its pictures' hosts, what
    /// the model is known not to do, the key, and last the body. Whatever fails here has sent nothing.
    fn call(&self, line: &Line, asked: &Asked<'_>, key: Key<'_>) -> Result<RequestBuilder> {
        let request = asked.request;
        request.check()?;
        line.hosts.check_images(request)?;
        line.check_model(asked)?;
        let mut headers = line.headers(key)?;
        for (name, value) in &request.extra_headers {
            add(&mut headers, name, value.expose())?;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = line.protocol.body(asked)?;
        let url = line.protocol.chat_url(&line.base, asked);
        self.post(line, url, body, headers)
    }

    /// A key of the caller's goes along as far as the error, which takes it out of what the provider says.
    async fn whole(
        &self,
        key: Key<'_>,
        model: &ModelName,
        request: &ChatRequest,
    ) -> Result<ChatReply> {
        let line = self.line()?;
        let asked = line.asked(model, request, false);
        let call = self.call(line, &asked, key)?;
        let started = Instant::now();
        let about = |error: Error| error.with("model", model);
        let (head, response) = line.send(call, key.own()).await.map_err(about)?;
        let body = line.read(&head, response, key.own()).await.map_err(about)?;
        let reply = line.reply(model, &head, &body, key.own()).map_err(about)?;
        let reply = reply.with_latency(started.elapsed());
        Ok(reply.with_raw(request.keeps_raw.then_some(body)))
    }

    /// An error that comes before the stream has begun, as most do, is this call's and not the stream's.
    async fn piecewise(
        &self,
        key: Key<'_>,
        model: &ModelName,
        request: &ChatRequest,
    ) -> Result<ChatStream> {
        let line = self.line()?;
        let asked = line.asked(model, request, true);
        let call = self.call(line, &asked, key)?;
        let started = Instant::now();
        let about = |error: Error| error.with("model", model);
        let (head, response) = line.send(call, key.own()).await.map_err(about)?;
        // Some servers do not stream when they are asked to.
        if line.protocol.framing() == Framing::Events && head.is_of("application/json") {
            let body = line.read(&head, response, key.own()).await.map_err(about)?;
            let reply = line.reply(model, &head, &body, key.own()).map_err(about)?;
            let reply = reply.with_latency(started.elapsed());
            let reply = reply.with_raw(request.keeps_raw.then_some(body));
            return Ok(ChatStream::of(self.id.clone(), reply));
        }
        let about = Arriving {
            line: Arc::clone(line),
            own: key.own().cloned(),
            model: model.clone(),
            heading: line.heading(&head),
            head,
            started,
            raw: request.keeps_raw.then(Vec::new),
        };
        let arrival = Arrival::new(about, response.into(), line.bounds.idle);
        Ok(ChatStream::from_pieces(self.id.clone(), arrival))
    }
}

#[async_trait]
impl Client for HttpClient {
    fn provider(&self) -> &ProviderId {
        &self.id
    }

    async fn chat(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatReply> {
        self.whole(Key::First, model, request).await
    }

    async fn chat_with(
        &self,
        key: Key<'_>,
        model: &ModelName,
        request: &ChatRequest,
    ) -> Result<ChatReply> {
        self.whole(key, model, request).await
    }

    async fn stream(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatStream> {
        self.piecewise(Key::First, model, request).await
    }

    async fn stream_with(
        &self,
        key: Key<'_>,
        model: &ModelName,
        request: &ChatRequest,
    ) -> Result<ChatStream> {
        self.piecewise(key, model, request).await
    }

    async fn embed(&self, model: &ModelName, request: &EmbedRequest) -> Result<EmbedReply> {
        let line = self.line()?;
        request.check()?;
        let embedding = line.protocol.embeddings().ok_or_else(|| {
            Error::new(EMBEDDINGS_UNSUPPORTED, "the wire has no embeddings")
                .with("provider", &self.id)
        })?;
        let mut headers = line.headers(Key::First)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let url = embedding.embed_url(&line.base, &line.provider, model);
        let call = self.post(line, url, embedding.texts(model, request), headers)?;
        let started = Instant::now();
        let about = |error: Error| error.with("model", model);
        let (head, response) = line.send(call, None).await.map_err(about)?;
        let body = line.read(&head, response, None).await.map_err(about)?;
        let said = embedding
            .embedded(&body)
            .and_then(|said| request.answered(said));
        let said = said.map_err(|why| {
            let error = line
                .witness(None)
                .unreadable(&head, body.len(), &why, false);
            error.with("model", model)
        })?;
        Ok(EmbedReply::new(
            model,
            said,
            line.heading(&head),
            started.elapsed(),
        ))
    }

    async fn models(&self) -> Result<Vec<ModelName>> {
        let line = self.line()?;
        let url = line.protocol.models_url(&line.base, &line.provider);
        // Bedrock lists its models at another host.
        line.hosts.check_base(&url)?;
        let call = self.http.get(url).timeout(line.bounds.probe);
        let call = call.headers(line.headers(Key::First)?);
        let (head, response) = line.send(call, None).await?;
        let body = line.read(&head, response, None).await?;
        let models = line.protocol.models(&body);
        models.map_err(|why| {
            line.witness(None)
                .unreadable(&head, body.len(), &why, false)
        })
    }
}

impl Line {
    /// Everything that can be known to be wrong before a call is made.
    fn to(provider: &Provider, shared: &Shared) -> Result<Self> {
        if provider.base_url().starts_with("https:") {
            shared.trust.clone()?;
        }
        let protocol = wire::protocol(provider.wire()).ok_or_else(|| {
            Error::new(WIRE_UNSUPPORTED, "the wire is not spoken here")
                .with("provider", provider.id())
        })?;
        let headers = headers_of(provider, protocol)?;
        let base = Url::parse(provider.base_url()).map_err(|error| {
            Error::new(ADDRESS_UNUSABLE, "the provider's address cannot be called")
                .with("provider", provider.id())
                .with("cause", error)
        })?;
        shared.hosts.check_base(&base)?;
        Ok(Self {
            provider: provider.clone(),
            protocol,
            base,
            headers,
            bounds: shared.bounds,
            hosts: Arc::clone(&shared.hosts),
            registry: shared.registry.clone(),
            #[cfg(feature = "bedrock")]
            signer: Arc::clone(&shared.signer),
        })
    }

    fn asked<'a>(
        &'a self,
        model: &'a ModelName,
        request: &'a ChatRequest,
        streams: bool,
    ) -> Asked<'a> {
        Asked {
            provider: &self.provider,
            model,
            request,
            streams,
        }
    }

    pub(super) fn witness<'a>(&'a self, own: Option<&'a Secret<String>>) -> Witness<'a> {
        Witness {
            provider: &self.provider,
            protocol: self.protocol,
            own,
        }
    }

    /// Refuses what the catalogue knows that the model does not do.
    fn check_model(&self, asked: &Asked<'_>) -> Result<()> {
        let Some(registry) = &self.registry else {
            return Ok(());
        };
        let model = ModelRef::new(self.provider.id().clone(), asked.model.clone());
        match registry.model(&model) {
            Some(known) => asked.request.check_against(&known),
            None => Ok(()),
        }
    }

    /// The headers of every call, the key among them and nowhere else.
    ///
    /// A provider without a key that it needs has no headers at all: each call that does not bring one is refused.
    fn headers(&self, key: Key<'_>) -> Result<HeaderMap> {
        let place = match key {
            Key::First => 0,
            Key::At(place) => place,
            Key::Own(key) => return headers_with(&self.provider, self.protocol, Some(key)),
        };
        let headers = self.headers.get(place).cloned();
        let missing = if place == 0 {
            "the provider has no API key"
        } else {
            "the provider has no key at this place"
        };
        headers.ok_or_else(|| unusable(&self.provider, missing))
    }

    /// One attempt, up to the first byte of a good answer's body.
    ///
    /// A status that is no success is an error with what its body says; that body has its own bound, and may be
    /// missing.
    async fn send(
        &self,
        call: RequestBuilder,
        own: Option<&Secret<String>>,
    ) -> Result<(Head, Response)> {
        let witness = self.witness(own);
        #[cfg(feature = "bedrock")]
        let call = self.signed(call, own).await?;
        let sent = match self.bounds.first_byte {
            None => call.send().await,
            Some(limit) => timeout(limit, call.send())
                .await
                .map_err(|_| witness.late(None, "no answer began", limit))?,
        };
        let mut response = sent.map_err(|error| witness.unanswered(error))?;
        let head = Head::of(&mut response);
        if head.status.is_success() {
            return Ok((head, response));
        }
        let body = self.read(&head, response, own).await?;
        Err(witness.refused(&head, &body))
    }

    /// The call with a signature, where the wire wants one and no key was given.
    #[cfg(feature = "bedrock")]
    async fn signed(
        &self,
        call: RequestBuilder,
        own: Option<&Secret<String>>,
    ) -> Result<RequestBuilder> {
        if !self.protocol.is_signed() || own.is_some() || !self.provider.keys().is_empty() {
            return Ok(call);
        }
        let Some(request) = call.try_clone().and_then(|call| call.build().ok()) else {
            // What cannot be built fails when it is sent, and says why.
            return Ok(call);
        };
        let unsigned = super::aws::Unsigned {
            method: request.method().as_str(),
            url: request.url(),
            headers: request.headers(),
            body: request
                .body()
                .and_then(|body| body.as_bytes())
                .unwrap_or_default(),
        };
        // Credentials may have to be fetched, which is a part of the call and of its time.
        let limit = request.timeout().copied().unwrap_or(self.bounds.total);
        let started = Instant::now();
        let signed = timeout(limit, self.signer.sign(unsigned)).await;
        let signature = signed.map_err(|_| super::aws::late())??;
        let rest = limit.saturating_sub(started.elapsed());
        Ok(call.headers(signature).timeout(rest))
    }

    async fn read(
        &self,
        head: &Head,
        response: Response,
        own: Option<&Secret<String>>,
    ) -> Result<Vec<u8>> {
        let body = head.body(response).await;
        body.map_err(|unread| self.witness(own).unread(head, &unread))
    }

    fn reply(
        &self,
        model: &ModelName,
        head: &Head,
        body: &[u8],
        own: Option<&Secret<String>>,
    ) -> Result<ChatReply> {
        match self.protocol.said(&self.provider, body) {
            Ok(said) => Ok(said.into_reply(model, self.heading(head))),
            Err(why) => Err(self.witness(own).unreadable(head, body.len(), &why, false)),
        }
    }

    fn heading(&self, head: &Head) -> Heading {
        Heading {
            request_id: head.request_id(self.protocol.request_id_header()),
            limits: RateLimits::read(&head.headers, || retry_after::now(&head.headers)),
        }
    }
}

fn unusable(provider: &Provider, why: &'static str) -> Error {
    Error::new(KEY_UNUSABLE, why).with("provider", provider.id())
}

/// For each key of the provider's, or for none if it needs none. Without one that it needs, there may still be a
/// caller's own.
fn headers_of(provider: &Provider, protocol: &dyn Protocol) -> Result<Vec<HeaderMap>> {
    if !provider.is_configured() {
        return Ok(Vec::new());
    }
    if provider.keys().is_empty() {
        return Ok(vec![headers_with(provider, protocol, None)?]);
    }
    let keys = provider.keys().iter();
    keys.map(|key| headers_with(provider, protocol, Some(key)))
        .collect()
}

fn headers_with(
    provider: &Provider,
    protocol: &dyn Protocol,
    key: Option<&Secret<String>>,
) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = protocol.version() {
        headers.insert(name, value);
    }
    if let Some(key) = key.map(|key| key.expose().trim()) {
        if key.is_empty() {
            return Err(unusable(provider, "the API key is blank"));
        }
        let (name, value) = protocol.credential(key);
        let value = HeaderValue::from_str(value.expose());
        // The cause is left out: nothing that has seen the key is shown.
        let no_header = |_| unusable(provider, "no header can carry the API key");
        let mut value = value.map_err(no_header)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Adds a header of the caller's, which may replace none of ours nor say how the message is sent.
///
/// Neither name nor value is in the error: either may be a secret in the wrong place.
fn add(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    const OURS: [&str; 9] = [
        "api-key",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "x-api-key",
        "x-goog-api-key",
    ];
    let refused = || {
        Error::new(REQUEST_INVALID, "a header that a request cannot add")
            .with("field", "extra_headers")
    };
    let name = HeaderName::try_from(name).map_err(|_| refused())?;
    let mut value = HeaderValue::try_from(value).map_err(|_| refused())?;
    if OURS.contains(&name.as_str()) || headers.contains_key(&name) {
        return Err(refused());
    }
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::TRUST_MISSING;
    use crate::http::HttpClients;

    fn line(provider: &Provider, trust: &Result<()>) -> Result<Line> {
        let mut shared = HttpClients::new().unwrap().shared;
        shared.trust = trust.clone();
        Line::to(provider, &shared)
    }

    #[test]
    fn without_root_certificates_only_https_is_refused() {
        let trust = Err(Error::new(TRUST_MISSING, "none"));
        let secure = Provider::openai().api_key("key".to_owned());
        let refused = line(&secure, &trust).err().map(|error| error.code());
        assert_eq!(refused, Some(TRUST_MISSING));
        assert!(line(&secure, &Ok(())).is_ok());
        assert!(line(&Provider::local(), &trust).is_ok());
    }

    #[test]
    fn the_key_is_marked_as_sensitive() {
        for provider in [
            Provider::openai(),
            Provider::anthropic(),
            Provider::google(),
        ] {
            let provider = provider.api_key("planted".to_owned());
            let line = line(&provider, &Ok(())).unwrap();
            let values = line.headers[0].values();
            assert_eq!(values.filter(|value| value.is_sensitive()).count(), 1);
            assert!(!format!("{line:?}").contains("planted"));
        }
    }

    #[test]
    fn each_key_has_its_headers() {
        let provider = Provider::openai().api_key("one".to_owned());
        let line = line(&provider.another_key("two".to_owned()), &Ok(())).unwrap();
        let shown = |key| line.headers(key).map(|it| it["authorization"].clone());
        assert_eq!(shown(Key::First).unwrap(), "Bearer one");
        assert_eq!(shown(Key::At(1)).unwrap(), "Bearer two");
        let own = Secret::new("three".to_owned());
        assert_eq!(shown(Key::Own(&own)).unwrap(), "Bearer three");
        assert_eq!(shown(Key::At(2)).unwrap_err().code(), KEY_UNUSABLE);
    }

    #[test]
    fn a_header_of_ours_cannot_be_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", HeaderValue::from_static("x"));
        let mut check = |name: &str, value: &str, is_added: bool| {
            assert_eq!(add(&mut headers, name, value).is_ok(), is_added, "{name}");
        };
        check("anthropic-beta", "new", true);
        check("anthropic-version", "old", false);
        check("Authorization", "Bearer x", false);
        check("content-length", "0", false);
        check("x y", "z", false);
        check("x-odd", "a\r\nb: c", false);
    }
}
