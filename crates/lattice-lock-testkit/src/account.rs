use crate::{Error, PriceList, Usage, Wire};

/// Atto-USD in one nano-USD.
const ATTO_PER_NANO: i128 = 1_000_000_000;

/// One request that the server charged for.
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
/// It is the provider's own view, to hold a ledger against: one charge for each exchange that was taken, found by the id that the
/// reply's header carried or by the operation that the caller named. Sums are of 128 bits, and no float is in them.
///
/// It is charged as soon as the server has taken the request: a caller who hangs up pays all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account(Vec<Charge>);

impl Account {
    pub(crate) fn push(&mut self, charge: Charge) {
        self.0.push(charge);
    }

    /// The charges, oldest first.
    #[must_use]
    pub fn charges(&self) -> &[Charge] {
        &self.0
    }

    /// The charges of one operation, oldest first.
    pub fn of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Charge> {
        self.0
            .iter()
            .filter(move |charge| charge.operation.as_deref() == Some(operation))
    }

    /// Every token that was charged.
    #[must_use]
    pub fn tokens(&self) -> u128 {
        self.0
            .iter()
            .map(|charge| u128::from(charge.usage.total()))
            .sum()
    }

    /// Prices the charges, each by the model that answered.
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
    #[must_use]
    pub fn nano_usd(&self) -> i128 {
        let (nano, rest) = (self.atto_usd / ATTO_PER_NANO, self.atto_usd % ATTO_PER_NANO);
        let is_up = 2 * rest > ATTO_PER_NANO || (2 * rest == ATTO_PER_NANO && nano % 2 == 1);
        nano + i128::from(is_up)
    }
}

/// An account with prices: one line for each charge, in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill(Vec<BillLine>);

impl Bill {
    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> &[BillLine] {
        &self.0
    }

    /// The exact sum in atto-USD (10⁻¹⁸ USD).
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
