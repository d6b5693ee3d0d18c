use std::time::{Duration, Instant};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{ModelName, Provider, ProviderId};
use reqwest::RequestBuilder;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::answer::Answer;
use super::failure;
use crate::codes::{KEY_UNUSABLE, WIRE_UNSUPPORTED};
use crate::wire::{self, Protocol, Unreadable};
use crate::{ChatReply, ChatRequest, Client};

/// Speaks to a provider over HTTP.
#[derive(Debug)]
pub(super) struct HttpClient {
    http: reqwest::Client,
    provider: Provider,
    probe_timeout: Duration,
    /// Or why no call can be made: the error of every one that is tried.
    line: Result<Line>,
}

/// What every call to the provider needs.
#[derive(Debug)]
struct Line {
    /// How the provider wants things put.
    protocol: &'static dyn Protocol,
    /// The key, and what the wire wants said every time.
    headers: HeaderMap,
}

impl HttpClient {
    pub(super) fn new(
        http: reqwest::Client,
        provider: Provider,
        probe_timeout: Duration,
        trust: &Result<()>,
    ) -> Self {
        let line = Line::to(&provider, trust);
        Self {
            http,
            provider,
            probe_timeout,
            line,
        }
    }

    fn line(&self) -> Result<&Line> {
        self.line.as_ref().map_err(Error::clone)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.provider.base_url())
    }

    /// One attempt, up to the last byte of an answer whose status is good.
    async fn exchange(&self, line: &Line, call: RequestBuilder) -> Result<Answer> {
        let sent = call.headers(line.headers.clone()).send().await;
        let response = sent.map_err(|error| failure::unanswered(&self.provider, error))?;
        let status = response.status();
        let answer = Answer::read(response)
            .await
            .map_err(|unread| failure::unread(&self.provider, status, &unread))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(failure::refused(&self.provider, line.protocol, &answer))
    }

    fn unreadable(&self, line: &Line, answer: &Answer, why: &Unreadable) -> Error {
        failure::unreadable(&self.provider, line.protocol, answer, why)
    }
}

#[async_trait]
impl Client for HttpClient {
    fn provider(&self) -> &ProviderId {
        self.provider.id()
    }

    async fn chat(&self, model: &ModelName, request: &ChatRequest) -> Result<ChatReply> {
        request.check()?;
        let line = self.line()?;
        let body = line.protocol.body(&self.provider, model, request);
        let call = self
            .http
            .post(self.url(line.protocol.chat_path()))
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let started = Instant::now();
        let answer = self
            .exchange(line, call)
            .await
            .map_err(|error| error.with("model", model))?;
        let latency = started.elapsed();
        let said = line
            .protocol
            .said(&self.provider, &answer.body)
            .map_err(|why| self.unreadable(line, &answer, &why).with("model", model))?;
        let id = answer.request_id(line.protocol.request_id_header());
        Ok(said.into_reply(model, id).with_latency(latency))
    }

    async fn models(&self) -> Result<Vec<ModelName>> {
        let line = self.line()?;
        let url = self.url(line.protocol.models_path());
        let call = self.http.get(url).timeout(self.probe_timeout);
        let answer = self.exchange(line, call).await?;
        wire::models(&answer.body).map_err(|why| self.unreadable(line, &answer, &why))
    }
}

impl Line {
    /// Everything that can be known to be wrong before a call is made.
    fn to(provider: &Provider, trust: &Result<()>) -> Result<Self> {
        if provider.base_url().starts_with("https:") {
            trust.clone()?;
        }
        let protocol = wire::protocol(provider.wire()).ok_or_else(|| {
            Error::new(WIRE_UNSUPPORTED, "the wire is not spoken here")
                .with("provider", provider.id())
        })?;
        let headers = headers(provider, protocol)?;
        Ok(Self { protocol, headers })
    }
}

/// The headers of every call, the key among them and nowhere else.
fn headers(provider: &Provider, protocol: &dyn Protocol) -> Result<HeaderMap> {
    let unusable = |why| Error::new(KEY_UNUSABLE, why).with("provider", provider.id());
    if !provider.is_configured() {
        return Err(unusable("the provider has no API key"));
    }
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = protocol.version() {
        headers.insert(name, value);
    }
    if let Some(key) = provider.key().map(|key| key.expose().trim()) {
        if key.is_empty() {
            return Err(unusable("the API key is blank"));
        }
        let (name, value) = protocol.credential(key);
        let value = HeaderValue::from_str(value.expose());
        // The cause is left out: nothing that has seen the key is shown.
        let mut value = value.map_err(|_| unusable("no header can carry the API key"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::TRUST_MISSING;

    #[test]
    fn without_root_certificates_only_https_is_refused() {
        let trust = Err(Error::new(TRUST_MISSING, "none"));
        let secure = Provider::openai().api_key("key".to_owned());
        let refused = Line::to(&secure, &trust).err().map(|error| error.code());
        assert_eq!(refused, Some(TRUST_MISSING));
        assert!(Line::to(&secure, &Ok(())).is_ok());
        assert!(Line::to(&Provider::local(), &trust).is_ok());
    }

    #[test]
    fn the_key_is_marked_as_sensitive() {
        for provider in [Provider::openai(), Provider::anthropic()] {
            let line = Line::to(&provider.api_key("planted".to_owned()), &Ok(())).unwrap();
            assert_eq!(
                line.headers
                    .values()
                    .filter(|value| value.is_sensitive())
                    .count(),
                1
            );
            assert!(!format!("{line:?}").contains("planted"));
        }
    }
}
