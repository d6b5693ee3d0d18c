//! What the server charged, and what that comes to.
//!
//! It is a second book beside the ledger that is tested, written by other code: what the two agree on is hardly
//! wrong in both.

use crate::{Error, PriceList, Usage, Wire};

/// Atto-USD in one nano-USD.
const ATTO_PER_NANO: i128 = 1_000_000_000;

/// One request that the server charged for.
///
/// A ledger's entry is found by the id or by the operation, and held against the rest:
///
/// ```
/// use lattice_lock_testkit::{Exchange, ScriptedServer, Usage, Wire};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
/// let server = ScriptedServer::start().await?;
/// server.script(Exchange::reply("Hi.").usage(Usage::new().input(9).output(2)));
/// let reply = ask(server.url(), "/v1/chat/completions", r#"{"model":"gpt-5-mini","messages":[{"role":"user"}]}"#);
/// let account = server.account();
/// let charge = &account.charges()[0];
/// assert!(reply.contains(&format!("x-request-id: {}", charge.request_id)));
/// assert_eq!((charge.wire, &*charge.served_model), (Wire::OpenAi, "gpt-5-mini-2025-08-07"));
/// assert_eq!((charge.operation.as_deref(), charge.usage.total()), (None, 11));
/// # Ok(())
/// # }
/// # fn ask(url: &str, path: &str, body: &str) -> String {
/// #     use std::io::{Read as _, Write as _};
/// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
/// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
/// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
/// #     let mut reply = Vec::new();
/// #     let _ = stream.read_to_end(&mut reply);
/// #     String::from_utf8_lossy(&reply).into_owned()
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// The id that the server gave to the request, as in the reply's `x-request-id` or `request-id`.
    pub request_id: String,
    /// The caller's own id of the operation, if a header named one: `x-lattice-operation`,
    /// `x-client-request-id` or `idempotency-key`, the first that is there.
    pub operation: Option<String>,
    /// The wire on which it was asked.
    pub wire: Wire,
    /// The model that was asked for.
    pub requested_model: String,
    /// The model that answered, which is the one that is priced.
    pub served_model: String,
    /// The tokens it is charged for.
    pub usage: Usage,
}

/// Everything that the server charged, in the order in which the requests came in.
///
/// It is the provider's own view, to hold a ledger against: one charge for each exchange that was taken, found by
/// the id that the reply's header carried or by the operation that the caller named. Sums are of 128 bits, and no
/// float is in them.
///
/// It is charged as soon as the server has taken the request: a caller who hangs up pays all the same.
///
/// ```
/// use lattice_lock_testkit::{Exchange, PriceList, Rates, ScriptedServer, Usage};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
/// let server = ScriptedServer::start().await?;
/// let body = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hi"}]}"#;
/// for _ in 0..3 {
///     server.script(Exchange::reply("Hi.").usage(Usage::new().input(1_000).output(10)));
///     ask(server.url(), "/v1/chat/completions", body);
/// }
/// let account = server.stop().await;
/// let prices = PriceList::new().model("gpt-5-mini-2025-08-07", Rates::per_million("0.25", "2")?);
/// assert_eq!((account.charges().len(), account.tokens()), (3, 3_030));
/// assert_eq!(account.bill(&prices)?.nano_usd(), 3 * 270_000);
/// # Ok(())
/// # }
/// # fn ask(url: &str, path: &str, body: &str) -> String {
/// #     use std::io::{Read as _, Write as _};
/// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
/// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
/// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
/// #     let mut reply = Vec::new();
/// #     let _ = stream.read_to_end(&mut reply);
/// #     String::from_utf8_lossy(&reply).into_owned()
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account(Vec<Charge>);

impl Account {
    pub(crate) fn push(&mut self, charge: Charge) {
        self.0.push(charge);
    }

    /// The charges, oldest first.
    ///
    /// One for each exchange that was taken and is charged; a request that was refused has none.
    #[must_use]
    pub fn charges(&self) -> &[Charge] {
        &self.0
    }

    /// The charges of one operation, oldest first.
    ///
    /// A client that tries again under the same operation has several, each of which was charged.
    ///
    /// ```
    /// use lattice_lock_testkit::Account;
    ///
    /// assert_eq!(Account::default().of("op-4711").count(), 0);
    /// ```
    pub fn of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Charge> {
        self.0
            .iter()
            .filter(move |charge| charge.operation.as_deref() == Some(operation))
    }

    /// Every token that was charged.
    ///
    /// The sum of [`Usage::total`] over the charges, whatever the replies said.
    #[must_use]
    pub fn tokens(&self) -> u128 {
        self.0
            .iter()
            .map(|charge| u128::from(charge.usage.total()))
            .sum()
    }

    /// Prices the charges, each by the model that answered.
    ///
    /// ```
    /// use lattice_lock_testkit::{Account, PriceList};
    ///
    /// let nothing = Account::default().bill(&PriceList::new())?;
    /// assert_eq!((nothing.lines().len(), nothing.nano_usd()), (0, 0));
    /// # Ok::<(), lattice_lock_testkit::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unpriced`] when a served model has no price in `prices`.
    pub fn bill(&self, prices: &PriceList) -> Result<Bill, Error> {
        let line = |charge: &Charge| {
            let rates = prices.rates(&charge.served_model)?;
            let atto_usd = rates.atto_usd(&charge.usage);
            Ok(BillLine {
                request_id: charge.request_id.clone(),
                atto_usd,
            })
        };
        self.0.iter().map(line).collect::<Result<_, _>>().map(Bill)
    }
}

/// What one charge comes to.
///
/// The exact amount is kept beside the rounded one: a ledger that keeps exact costs is held against the first, one
/// that rounds each entry against the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    request_id: String,
    atto_usd: i128,
}

impl BillLine {
    /// The request that it is for.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The exact amount in atto-USD (10⁻¹⁸ USD).
    #[must_use]
    pub fn atto_usd(&self) -> i128 {
        self.atto_usd
    }

    /// The amount in nano-USD (10⁻⁹ USD), rounded half to even.
    ///
    /// Half to even is the default of IEEE 754: 500,000,000 atto-USD are 0 nano-USD, 1,500,000,000 are 2.
    #[must_use]
    pub fn nano_usd(&self) -> i128 {
        let (nano, rest) = (self.atto_usd / ATTO_PER_NANO, self.atto_usd % ATTO_PER_NANO);
        let is_up = 2 * rest > ATTO_PER_NANO || (2 * rest == ATTO_PER_NANO && nano % 2 == 1);
        nano + i128::from(is_up)
    }
}

/// An account with prices: one line for each charge, in the same order.
///
/// ```
/// use lattice_lock_testkit::{Exchange, PriceList, Rates, ScriptedServer, Usage};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), lattice_lock_testkit::Error> {
/// let server = ScriptedServer::start().await?;
/// server.script(Exchange::reply("Hi.").usage(Usage::new().input(1)));
/// ask(server.url(), "/v1/chat/completions", r#"{"model":"tiny","messages":[{"role":"user","content":"Hi"}]}"#);
/// let prices = PriceList::new().model("tiny", Rates::per_million("0.0005", "0")?);
/// let bill = server.account().bill(&prices)?;
/// assert_eq!(bill.lines()[0].atto_usd(), 500_000_000); // half of a nano-USD
/// assert_eq!((bill.atto_usd(), bill.nano_usd()), (500_000_000, 0));
/// # Ok(())
/// # }
/// # fn ask(url: &str, path: &str, body: &str) -> String {
/// #     use std::io::{Read as _, Write as _};
/// #     let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
/// #     let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:");
/// #     write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
/// #     let mut reply = Vec::new();
/// #     let _ = stream.read_to_end(&mut reply);
/// #     String::from_utf8_lossy(&reply).into_owned()
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill(Vec<BillLine>);

impl Bill {
    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> &[BillLine] {
        &self.0
    }

    /// The exact sum in atto-USD (10⁻¹⁸ USD).
    ///
    /// Nothing is rounded on the way, so that it need not be [`nano_usd`](Self::nano_usd) with nine more digits.
    #[must_use]
    pub fn atto_usd(&self) -> i128 {
        self.0.iter().map(BillLine::atto_usd).sum()
    }

    /// The sum of the lines in nano-USD (10⁻⁹ USD), each rounded half to even: what a ledger that rounds each
    /// entry once must show.
    #[must_use]
    pub fn nano_usd(&self) -> i128 {
        self.0.iter().map(BillLine::nano_usd).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rates;

    fn line(atto_usd: i128) -> BillLine {
        BillLine {
            request_id: String::new(),
            atto_usd,
        }
    }

    fn charge(usage: Usage) -> Charge {
        Charge {
            request_id: "req_1".into(),
            operation: Some("op-1".into()),
            wire: Wire::OpenAi,
            requested_model: "m".into(),
            served_model: "m-1".into(),
            usage,
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let check = |atto, nano| assert_eq!(line(atto).nano_usd(), nano, "{atto}");
        check(0, 0);
        check(499_999_999, 0);
        check(500_000_000, 0);
        check(500_000_001, 1);
        check(1_500_000_000, 2);
        check(2_500_000_000, 2);
        check(2_500_000_001, 3);
    }

    #[test]
    fn the_ledgers_sum_rounds_each_line_and_the_exact_one_none() {
        let bill = Bill(vec![line(400_000_000); 10]);
        assert_eq!((bill.nano_usd(), bill.atto_usd()), (0, 4_000_000_000));
    }

    #[test]
    fn an_unpriced_model_is_an_error_and_not_free() {
        let account = Account(vec![charge(Usage::new().input(1))]);
        let error = account.bill(&PriceList::new()).unwrap_err();
        assert!(matches!(error, Error::Unpriced(model) if model == "m-1"));
    }

    #[test]
    fn charges_are_found_by_their_operation() {
        let account = Account(vec![
            charge(Usage::new().input(3)),
            charge(Usage::new().output(4)),
        ]);
        assert_eq!(
            (account.of("op-1").count(), account.of("op-2").count()),
            (2, 0)
        );
        assert_eq!(account.tokens(), 7);
        let prices = PriceList::new().model("m-1", Rates::per_million("1", "2").unwrap());
        assert_eq!(account.bill(&prices).unwrap().nano_usd(), 11_000);
    }
}
