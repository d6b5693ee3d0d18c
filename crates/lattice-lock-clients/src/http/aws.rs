//! Signatures and credentials, by AWS's own crates.
//!
//! Credentials come from whoever was given, or from AWS's standard chain, which is asked at the first call and
//! reads the process's environment and AWS's files: nothing else in this crate does. They are kept until shortly
//! before they end. The region is the one in the address, else the one that was given or that the chain knows. A
//! call with an API key of Bedrock's is not signed.
//!
//! Source: AWS's "Signature Version 4 for API requests"; the service's name in it is `bedrock`, for the host that
//! serves models and for the one that lists them. No cause of a failure to get credentials is kept, since it may
//! name a profile, a path or a role.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use lattice_lock_errors::{Error, Result};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::codes::KEY_UNUSABLE;

/// The service that the signature is for, whichever of its hosts is called.
const SERVICE: &str = "bedrock";

/// How long before their end credentials are fetched anew.
const EARLY: Duration = Duration::from_mins(5);

/// Signs requests as AWS wants it, with credentials that are fetched when they are needed and kept while they hold.
pub(crate) struct Signer {
    /// Who gives credentials: AWS's standard chain, unless the host said otherwise.
    given: Option<(SharedCredentialsProvider, String)>,
    chain: Mutex<Option<Chain>>,
    kept: Mutex<Option<Credentials>>,
}

/// AWS's standard chain, as the process's surroundings have it.
#[derive(Clone)]
struct Chain {
    credentials: SharedCredentialsProvider,
    region: Option<String>,
}

/// What is to be signed.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

impl Signer {
    pub(crate) fn new(given: Option<(SharedCredentialsProvider, String)>) -> Self {
        Self {
            given,
            chain: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// The headers that make the request a signed one.
    pub(super) async fn sign(&self, unsigned: Unsigned<'_>) -> Result<HeaderMap> {
        let chain = self.chain().await?;
        let region = region_of(unsigned.url).or(chain.region).ok_or_else(|| {
            failed("no region is known").with("host", unsigned.url.host_str().unwrap_or_default())
        })?;
        let credentials = self.credentials(&chain.credentials).await?;
        signature(&unsigned, credentials, &region, SystemTime::now())
    }

    async fn chain(&self) -> Result<Chain> {
        if let Some((credentials, region)) = &self.given {
            return Ok(Chain {
                credentials: credentials.clone(),
                region: Some(region.clone()),
            });
        }
        if let Some(chain) = locked(&self.chain).clone() {
            return Ok(chain);
        }
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let credentials = config.credentials_provider();
        let chain = Chain {
            credentials: credentials.ok_or_else(|| failed("AWS's chain has no credentials"))?,
            region: config.region().map(ToString::to_string),
        };
        *locked(&self.chain) = Some(chain.clone());
        Ok(chain)
    }

    /// Two callers at once may both fetch them; either's will do.
    async fn credentials(&self, provider: &SharedCredentialsProvider) -> Result<Credentials> {
        let holds = |kept: &Credentials| {
            kept.expiry()
                .is_none_or(|end| end > SystemTime::now() + EARLY)
        };
        if let Some(kept) = locked(&self.kept).clone().filter(holds) {
            return Ok(kept);
        }
        let fetched = provider.provide_credentials().await;
        // The cause may name a profile or a path, and is left out with everything that has seen a credential.
        let fetched = fetched.map_err(|_| failed("AWS's chain gives no credentials"))?;
        *locked(&self.kept) = Some(fetched.clone());
        Ok(fetched)
    }
}

/// A panic elsewhere leaves what is kept whole: it is only ever replaced.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(why: &'static str) -> Error {
    Error::new(KEY_UNUSABLE, why).with("provider", "bedrock")
}

/// Nothing was sent: whoever fetches credentials takes longer than the call may.
pub(super) fn late() -> Error {
    failed("AWS's chain gives no credentials in time")
}

/// The region in an address of AWS's own, such as `bedrock-runtime.eu-central-1.amazonaws.com`.
fn region_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let rest = host.split_once("amazonaws.com").map(|(own, _)| own)?;
    let mut names = rest.trim_end_matches('.').split('.');
    names.next().filter(|name| name.starts_with("bedrock"))?;
    names.next().map(str::to_owned)
}

/// The headers that a call has by then are signed, with the host, the date and the body's hash, so that none can be
/// changed on the way.
fn signature(
    unsigned: &Unsigned<'_>,
    credentials: Credentials,
    region: &str,
    now: SystemTime,
) -> Result<HeaderMap> {
    let unsignable = || failed("the request cannot be signed");
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| unsignable())?;
    let headers = unsigned.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(unsigned.body);
    let request = SignableRequest::new(unsigned.method, unsigned.url.as_str(), headers, body);
    let request = request.map_err(|_| unsignable())?;
    let signed = sign(request, &parameters.into()).map_err(|_| unsignable())?;
    let mut added = HeaderMap::new();
    for (name, value) in signed.output().headers() {
        let name = HeaderName::try_from(name).map_err(|_| unsignable())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| unsignable())?;
        value.set_sensitive(true);
        added.insert(name, value);
    }
    Ok(added)
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_read_of_awss_own_addresses_only() {
        let check = |url: &str, region: Option<&str>| {
            let url = Url::parse(url).unwrap();
            assert_eq!(region_of(&url).as_deref(), region, "{url}");
        };
        check(
            "https://bedrock-runtime.eu-central-1.amazonaws.com/model",
            Some("eu-central-1"),
        );
        check(
            "https://bedrock.us-east-1.amazonaws.com/",
            Some("us-east-1"),
        );
        check(
            "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/",
            Some("cn-north-1"),
        );
        check("https://example.org/", None);
        check("http://127.0.0.1:8080/", None);
    }

    #[test]
    fn a_signature_is_the_same_for_the_same_moment_and_shows_no_secret() {
        let credentials = || Credentials::new("AKIDEXAMPLE", "planted-secret", None, None, "test");
        let url =
            Url::parse("https://bedrock-runtime.eu-central-1.amazonaws.com/model/a:0/converse")
                .unwrap();
        let headers = HeaderMap::new();
        let signed = |body: &[u8]| {
            let unsigned = Unsigned {
                method: "POST",
                url: &url,
                headers: &headers,
                body,
            };
            let now = SystemTime::UNIX_EPOCH + Duration::from_mins(24_015_636);
            signature(&unsigned, credentials(), "eu-central-1", now).unwrap()
        };
        let one = signed(b"{}");
        assert_eq!(one, signed(b"{}"));
        assert_ne!(one, signed(b"{ }"));
        assert_eq!(one["x-amz-date"], "20150830T123600Z");
        let shown = one["authorization"].to_str().unwrap();
        let scope = "Credential=AKIDEXAMPLE/20150830/eu-central-1/bedrock/aws4_request";
        assert!(shown.contains(scope), "{shown}");
        assert!(!format!("{one:?}").contains("AKIDEXAMPLE"));
    }
}
