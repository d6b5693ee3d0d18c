use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use serde_json::Value;

use crate::exchange::{Answer, Ending, Reported};
use crate::wire::{Asked, Failure, Said};
use crate::{Account, Charge, Exchange, Gate, Received, Usage, Wire, models};

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
    key: Option<String>,
}

/// One reply, and how it is to be sent.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) delay: Duration,
    pub(crate) gate: Option<Gate>,
    pub(crate) ending: Ending,
}

/// Where a request stands: its wire and the id that it was given.
struct Visit<'a> {
    wire: Wire,
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
            wire: Wire::of(parts.uri.path(), &parts.headers),
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
        let shown = visit.wire.credential(visit.headers);
        if self.key.is_some() && self.key.as_deref() != shown {
            return Err(visit.wire.refused_key(shown));
        }
        let path = parts.uri.path();
        match (&parts.method, path) {
            (&Method::GET, "/v1/models") => Ok(visit.plan(200, &visit.wire.models())),
            (&Method::POST, path) if path == visit.wire.path() => {
                let asked = visit.wire.parse(visit.headers, body)?;
                Ok(self.serve(visit, &asked))
            }
            (method, "/v1/models" | "/v1/chat/completions" | "/v1/messages") => Err(
                Failure::saying(405, format!("Not allowed to {method} on {path}.")),
            ),
            (method, _) => Err(Failure::saying(
                404,
                format!("Invalid URL ({method} {path})"),
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
                visit.plan(200, &visit.reply(&exchange, served, &text, &usage))
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
            wire: self.wire,
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

    fn reply(&self, exchange: &Exchange, model: &str, text: &str, usage: &Usage) -> Value {
        self.wire.reply(Said {
            number: self.number,
            model,
            text,
            finish: exchange.finish.as_deref(),
            usage: match &exchange.reported {
                Reported::AsCharged => Some(self.wire.usage(usage)),
                Reported::Nothing => None,
                Reported::Verbatim(usage) => Some(usage.clone()),
            },
        })
    }

    fn refusal(&self, failure: &Failure) -> Plan {
        self.plan(
            failure.status,
            &self.wire.failure(failure, &self.request_id),
        )
    }

    fn plan(&self, status: u16, body: &Value) -> Plan {
        self.plan_raw(status, "application/json", Bytes::from(body.to_string()))
    }

    fn plan_raw(&self, status: u16, content_type: &str, body: Bytes) -> Plan {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Plan {
            status,
            headers: vec![
                own("content-type", content_type),
                own(self.wire.id_header(), &self.request_id),
            ],
            body,
            delay: Duration::ZERO,
            gate: None,
            ending: Ending::Whole,
        }
    }
}

impl Plan {
    fn played_as(mut self, exchange: Exchange) -> Self {
        self.headers.extend(exchange.headers);
        Self {
            delay: exchange.delay,
            gate: exchange.gate,
            ending: exchange.ending,
            ..self
        }
    }
}
