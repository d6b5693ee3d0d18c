//! What is said to whom, and what it costs.
//!
//! One lock holds the script, the account, the requests and the key, so that taking an exchange and charging for it
//! are one step: a request that is in the account has taken its exchange, and none is charged twice. What is
//! decided here is a [`Plan`], which the server carries out; nothing in it can change what was charged.
//!
//! Requests are numbered as they come in, refused or not, and the number makes the request's id. An exchange is
//! taken by the first request whose model it is for; where none is left, the answer is derived from the prompt.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use serde_json::Value;

use crate::exchange::{Answer, Ending, Mangle, Placement, Reported};
use crate::wire::{Asked, Failure, Place, Route, Said};
use crate::{Account, Charge, Exchange, Gate, Received, Usage, models};

/// Headers in which a caller may name its operation, the most specific first.
const OPERATION_HEADERS: [&str; 3] = [
    "x-lattice-operation",
    "x-client-request-id",
    "idempotency-key",
];

/// Decides what is said to whom, and keeps the account. It knows nothing of sockets.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Exchange>,
    account: Account,
    received: Vec<Received>,
    connections: usize,
    key: Option<String>,
}

/// One reply, and how it is to be sent.
///
/// It is all that the server needs: what is in it was decided and charged already.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body; of a stream, piece by piece.
    pub(crate) pieces: Vec<Bytes>,
    /// Whether the body's length is not announced.
    pub(crate) streams: bool,
    pub(crate) delay: Duration,
    pub(crate) gate: Option<Gate>,
    pub(crate) ending: Ending,
    pub(crate) pause: Duration,
}

/// Where a request stands: its wire and the id that it was given.
struct Visit<'a> {
    route: Route<'a>,
    number: usize,
    request_id: String,
    headers: &'a HeaderMap,
}

impl Desk {
    pub(crate) fn script(&self, exchange: Exchange) {
        self.state().script.push_back(exchange);
    }

    pub(crate) fn require_key(&self, key: String) {
        self.state().key = Some(key);
    }

    pub(crate) fn remaining(&self) -> usize {
        self.state().script.len()
    }

    pub(crate) fn account(&self) -> Account {
        self.state().account.clone()
    }

    pub(crate) fn connected(&self) {
        self.state().connections += 1;
    }

    pub(crate) fn connections(&self) -> usize {
        self.state().connections
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// Takes a request whose body has come, or says why it has not.
    pub(crate) fn plan(&self, parts: &Parts, body: Result<Bytes, Failure>) -> Plan {
        let mut state = self.state();
        let bytes = body.as_ref().map(Bytes::clone).unwrap_or_default();
        state.received.push(Received::new(parts, bytes));
        let number = state.received.len();
        let visit = Visit {
            route: Route::of(parts.uri.path(), &parts.headers),
            number,
            request_id: format!("req_{number:032x}"),
            headers: &parts.headers,
        };
        let planned = body.and_then(|body| state.admit(&visit, parts, &body));
        planned.unwrap_or_else(|failure| visit.refusal(&failure))
    }

    /// A panic elsewhere leaves the state whole: every change to it is a single push.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self, visit: &Visit<'_>, parts: &Parts, body: &[u8]) -> Result<Plan, Failure> {
        let (wire, path) = (visit.route.wire, parts.uri.path());
        let shown = wire.credential(visit.headers);
        if self.key.is_some() && self.key.as_deref() != shown {
            return Err(wire.refused_key(shown));
        }
        match (&parts.method, visit.route.place) {
            (&Method::GET, Place::Models) => Ok(visit.plan(200, &wire.models())),
            (&Method::POST, Place::Chat) => {
                let asked = wire.parse(&visit.route, visit.headers, body)?;
                Ok(self.serve(visit, &asked))
            }
            (&Method::POST, Place::Embeddings) => {
                let asked = wire.parse_texts(&visit.route, body)?;
                Ok(self.embed(visit, &asked))
            }
            (method, Place::Nowhere) => Err(Failure::saying(
                404,
                format!("Invalid URL ({method} {path})"),
            )),
            (method, _) => Err(Failure::saying(
                405,
                format!("Not allowed to {method} on {path}."),
            )),
        }
    }

    /// Plays the next exchange for this model, and charges for it.
    fn serve(&mut self, visit: &Visit<'_>, asked: &Asked) -> Plan {
        let exchange = self.next(&asked.model);
        let served = exchange
            .served_model
            .as_deref()
            .unwrap_or(models::served(&asked.model));
        let charge = exchange.charge(&asked.prompt);
        if let Some((_, usage)) = charge {
            self.account.push(visit.charge(asked, served, usage));
        }
        let (text, usage) = charge.unwrap_or_default();
        let plan = match &exchange.answer {
            Answer::Derived | Answer::Text(_) => {
                visit.reply(&exchange, asked, served, &text, &usage)
            }
            Answer::Failure { status, message } => visit.refusal(&Failure {
                message: message.clone(),
                ..Failure::of(*status)
            }),
            Answer::Raw {
                status,
                content_type,
                body,
            } => visit.plan_raw(*status, content_type, Bytes::from(body.clone())),
        };
        plan.played_as(exchange)
    }

    /// Plays the next exchange for this model with vectors made from the texts.
    fn embed(&mut self, visit: &Visit<'_>, asked: &Asked) -> Plan {
        let exchange = self.next(&asked.model);
        let served = models::served(&asked.model);
        if !matches!(exchange.answer, Answer::Derived | Answer::Text(_)) {
            return self.serve_again(visit, asked, exchange);
        }
        let derived = Usage::derived(&asked.prompt, "");
        let usage = exchange.usage.unwrap_or(Usage::new().input(derived.input));
        self.account.push(visit.charge(asked, served, usage));
        let vectors: Vec<_> = asked.texts.iter().map(|text| vector(text)).collect();
        let reported = exchange.reported_usage(|usage| visit.route.wire.embedded(usage), &usage);
        let body = visit.route.wire.vectors(served, &vectors, reported);
        visit.plan(200, &body).played_as(exchange)
    }

    fn serve_again(&mut self, visit: &Visit<'_>, asked: &Asked, exchange: Exchange) -> Plan {
        self.script.push_front(exchange);
        self.serve(visit, asked)
    }

    fn next(&mut self, model: &str) -> Exchange {
        let fits = |exchange: &Exchange| {
            exchange
                .only_model
                .as_deref()
                .is_none_or(|only| only == model)
        };
        let at = self.script.iter().position(fits);
        at.and_then(|at| self.script.remove(at))
            .unwrap_or_else(Exchange::derived)
    }
}

impl Visit<'_> {
    fn charge(&self, asked: &Asked, served: &str, usage: Usage) -> Charge {
        Charge {
            request_id: self.request_id.clone(),
            operation: self.operation(),
            wire: self.route.wire,
            requested_model: asked.model.clone(),
            served_model: served.to_owned(),
            usage,
        }
    }

    fn operation(&self) -> Option<String> {
        let value = OPERATION_HEADERS
            .iter()
            .find_map(|name| self.headers.get(*name))?;
        value.to_str().ok().map(str::to_owned)
    }

    fn reply(
        &self,
        exchange: &Exchange,
        asked: &Asked,
        model: &str,
        text: &str,
        usage: &Usage,
    ) -> Plan {
        let wire = self.route.wire;
        let reported = exchange.reported_usage(|usage| wire.usage(usage), usage);
        let (early, usage) = match exchange.placement {
            Placement::Usual => (None, reported),
            Placement::Early => (reported, None),
            Placement::Twice => (reported.clone(), reported),
            Placement::Corrected(wrong) => (Some(wire.usage(&wrong)), reported),
        };
        let mut said = Said {
            number: self.number,
            model,
            text,
            reasoning: exchange.reasoning.as_deref(),
            calls: &exchange.calls,
            is_refusal: exchange.is_refusal,
            finish: exchange.finish.as_deref(),
            usage,
            early,
        };
        if asked.streams {
            if !asked.wants_usage {
                (said.usage, said.early) = (None, None);
            }
            return self.plan_of(200, wire.stream_type(), wire.pieces(&said), true);
        }
        said.usage = said.usage.or_else(|| said.early.take());
        self.plan(200, &wire.reply(&said))
    }

    fn refusal(&self, failure: &Failure) -> Plan {
        let wire = self.route.wire;
        let body = wire.failure(failure, &self.request_id);
        let mut plan = self.plan(failure.status, &body);
        if let Some((name, value)) = wire.failure_header(failure) {
            plan.headers.push((name.to_owned(), value.to_owned()));
        }
        plan
    }

    fn plan(&self, status: u16, body: &Value) -> Plan {
        self.plan_raw(status, "application/json", Bytes::from(body.to_string()))
    }

    fn plan_raw(&self, status: u16, content_type: &str, body: Bytes) -> Plan {
        self.plan_of(status, content_type, vec![body], false)
    }

    fn plan_of(&self, status: u16, content_type: &str, pieces: Vec<Bytes>, streams: bool) -> Plan {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Plan {
            status,
            headers: vec![
                own("content-type", content_type),
                own(self.route.wire.id_header(), &self.request_id),
            ],
            pieces,
            streams,
            delay: Duration::ZERO,
            gate: None,
            ending: Ending::Whole,
            pause: Duration::ZERO,
        }
    }
}

/// Three numbers that are the same for the same text.
fn vector(text: &str) -> [f32; 3] {
    let sum = text.bytes().fold(7_u16, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u16::from(byte))
    });
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [f32::from(sum), f32::from(length), 0.5]
}

impl Exchange {
    /// What the reply says about usage, in the wire's words.
    fn reported_usage(&self, put: impl Fn(&Usage) -> Value, usage: &Usage) -> Option<Value> {
        match &self.reported {
            Reported::AsCharged => Some(put(usage)),
            Reported::Nothing => None,
            Reported::Verbatim(usage) => Some(usage.clone()),
        }
    }
}

impl Plan {
    fn played_as(mut self, exchange: Exchange) -> Self {
        self.headers.extend(exchange.headers);
        let pieces = mangled(self.pieces, exchange.mangle);
        let (pieces, pause) = match exchange.drip {
            Some((bytes, pause)) => (dripping(&pieces, bytes), pause),
            None => (pieces, Duration::ZERO),
        };
        Self {
            pieces,
            pause,
            delay: exchange.delay,
            gate: exchange.gate,
            ending: exchange.ending,
            ..self
        }
    }
}

/// How long a piece of a line without end is.
const LINE_PIECE: usize = 64 * 1024;

fn mangled(pieces: Vec<Bytes>, mangle: Option<Mangle>) -> Vec<Bytes> {
    let Some(mangle) = mangle else { return pieces };
    let mut bytes = pieces.concat();
    match mangle {
        Mangle::InvalidUtf8 => {
            // Among the letters of a text, so that JSON is broken and nothing else.
            let middle = bytes.len() / 2;
            let letters = bytes.iter().enumerate().skip(middle);
            let at = letters
                .clone()
                .find(|(_, byte)| byte.is_ascii_alphabetic())
                .map_or(0, |(at, _)| at);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = 0xff;
            }
            vec![bytes.into()]
        }
        Mangle::Cut => {
            bytes.truncate(bytes.len() / 2);
            vec![bytes.into()]
        }
        Mangle::LongLine(length) => {
            let piece = Bytes::from(vec![b'x'; LINE_PIECE]);
            let line = std::iter::repeat_n(piece, length.div_ceil(LINE_PIECE));
            line.chain(pieces).collect()
        }
    }
}

fn dripping(pieces: &[Bytes], size: usize) -> Vec<Bytes> {
    let all = Bytes::from(pieces.concat());
    let starts = (0..all.len()).step_by(size);
    starts
        .map(|start| all.slice(start..all.len().min(start + size)))
        .collect()
}
