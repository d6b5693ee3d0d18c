use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use lattice_lock_errors::{Error, Result};
use tower::{Layer, Service};

use crate::ErrorBoundary;

/// An [`ErrorBoundary`] around a tower service, made with [`ErrorBoundary::layer`].
///
/// A boundary that only retries is a retry layer, one that only has a timeout is a timeout layer, and so on: layers
/// stack. Each attempt is made on a clone of the service, which is waited for until it is ready.
#[derive(Clone, Debug)]
pub struct BoundaryLayer {
    boundary: ErrorBoundary,
}

impl ErrorBoundary {
    /// This boundary as a layer for tower services. All services that it wraps share its concurrency limit.
    #[must_use]
    pub fn layer(&self) -> BoundaryLayer {
        BoundaryLayer {
            boundary: self.clone(),
        }
    }
}

impl<S> Layer<S> for BoundaryLayer {
    type Service = BoundaryService<S>;

    fn layer(&self, service: S) -> BoundaryService<S> {
        BoundaryService {
            boundary: self.boundary.clone(),
            service,
        }
    }
}

/// A tower service within an [`ErrorBoundary`].
#[derive(Clone, Debug)]
pub struct BoundaryService<S> {
    boundary: ErrorBoundary,
    service: S,
}

impl<S, Request> Service<Request> for BoundaryService<S>
where
    S: Service<Request, Error: Into<Error>, Future: Send> + Clone + Send + Sync + 'static,
    S::Response: Send,
    Request: Clone + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response>> + Send>>;

    /// Ready at once: each attempt waits for its own clone.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { boundary, service } = self.clone();
        Box::pin(async move {
            boundary
                .run(|| attempt(service.clone(), request.clone()))
                .await
        })
    }
}

async fn attempt<S, Request>(mut service: S, request: Request) -> Result<S::Response>
where
    S: Service<Request, Error: Into<Error>>,
{
    poll_fn(|cx| service.poll_ready(cx))
        .await
        .map_err(Into::into)?;
    service.call(request).await.map_err(Into::into)
}

/// Answers with another service when the first one failed.
#[derive(Clone, Debug)]
pub struct FallbackLayer<F> {
    fallback: F,
}

impl<F> FallbackLayer<F> {
    /// `fallback` is called with the same request. It answers, or fails with its own error.
    pub const fn new(fallback: F) -> Self {
        Self { fallback }
    }
}

impl<S, F: Clone> Layer<S> for FallbackLayer<F> {
    type Service = FallbackService<S, F>;

    fn layer(&self, service: S) -> FallbackService<S, F> {
        FallbackService {
            service,
            fallback: self.fallback.clone(),
        }
    }
}

/// A tower service with another one for when it fails.
#[derive(Clone, Debug)]
pub struct FallbackService<S, F> {
    service: S,
    fallback: F,
}

impl<S, F, Request> Service<Request> for FallbackService<S, F>
where
    S: Service<Request, Error: Into<Error>, Future: Send> + Clone + Send + 'static,
    F: Service<Request, Response = S::Response, Error: Into<Error>, Future: Send>
        + Clone
        + Send
        + 'static,
    S::Response: Send,
    Request: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response>> + Send>>;

    /// Ready at once: each call waits for its own clone.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { service, fallback } = self.clone();
        Box::pin(async move {
            match attempt(service, request.clone()).await {
                Ok(response) => Ok(response),
                Err(error) => {
                    crate::log_event!(Failover, code = error.code().as_str(), %error, "using the fallback");
                    attempt(fallback, request).await
                }
            }
        })
    }
}
