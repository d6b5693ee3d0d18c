//! The outer form of a token: three parts of base64url, with two points between them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lattice_lock_errors::{Error, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::codes::{SIGNING_FAILED, TOKEN_MALFORMED, TOKEN_TOO_LARGE};

/// The largest token that is issued or looked at, in bytes.
pub(super) const LARGEST: usize = 8 * 1024;

/// A token that has three parts; nothing in them is believed yet.
pub(super) struct Compact<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    signed: &'a str,
}

impl<'a> Compact<'a> {
    /// # Errors
    ///
    /// [`TOKEN_TOO_LARGE`], [`TOKEN_MALFORMED`].
    pub(super) fn split(token: &'a str) -> Result<Self> {
        if token.len() > LARGEST {
            return Err(Error::new(TOKEN_TOO_LARGE, "the token is too large"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("not three parts"));
        };
        Ok(Self {
            header,
            claims,
            signature,
            signed: &token[..header.len() + 1 + claims.len()],
        })
    }

    pub(super) fn header(&self) -> Result<Vec<u8>> {
        decode(self.header)
    }

    /// The header as it is written.
    pub(super) fn encoded_header(&self) -> &'a str {
        self.header
    }

    pub(super) fn claims(&self) -> Result<Vec<u8>> {
        decode(self.claims)
    }

    pub(super) fn signature(&self) -> Result<Vec<u8>> {
        decode(self.signature)
    }

    /// What the signature is made over.
    pub(super) fn signed(&self) -> &'a [u8] {
        self.signed.as_bytes()
    }
}

/// Refuses padding, white space, other alphabets, and bits beyond the last byte: of two texts that mean the
/// same bytes only one is a token.
fn decode(part: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed("not base64url without padding"))
}

/// Reads an object. Structs would be read from arrays, too.
///
/// The shape decides the error, never its text, which repeats values of the token.
pub(super) fn read<'a, T: Deserialize<'a>>(
    json: &'a [u8],
    of_wrong_shape: impl FnOnce() -> Error,
) -> Result<T> {
    if json.first() != Some(&b'{') {
        return Err(malformed("not a JSON object"));
    }
    serde_json::from_slice(json).map_err(|error| {
        if error.is_data() {
            of_wrong_shape()
        } else {
            malformed("not JSON")
        }
    })
}

pub(super) fn malformed(fault: &'static str) -> Error {
    Error::new(TOKEN_MALFORMED, "not a token").with("fault", fault)
}

/// Writes a token after its encoded header, and signs it.
///
/// # Errors
///
/// [`SIGNING_FAILED`].
pub(super) fn write(
    header: &str,
    claims: &impl Serialize,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
) -> Result<Secret<String>> {
    let mut token = header.to_owned();
    token.push('.');
    token.push_str(&encode(claims)?);
    let signature = sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(Secret::new(token))
}

/// A part of a token.
///
/// # Errors
///
/// [`SIGNING_FAILED`].
pub(super) fn encode(part: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(part)
        .map_err(|_| Error::new(SIGNING_FAILED, "the token could not be written"))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}
