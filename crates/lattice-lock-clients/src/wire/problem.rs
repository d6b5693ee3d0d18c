use reqwest::StatusCode;

use super::json;

/// The typed fields of an error's body, whoever wrote it.
///
/// The wires agree on an object `error`; among the servers that speak them, some put its fields one level up,
/// write the error as a text, or the status as its code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What went wrong, in a word; only OpenAI's wire has it.
    pub(crate) code: Option<String>,
    /// What sort of thing went wrong, in a word.
    pub(crate) kind: Option<String>,
    /// The same for people. It is shown, and never decides.
    pub(crate) message: Option<String>,
    /// The code, where it is a number: then it is a status.
    status: Option<u16>,
}

impl Problem {
    /// What can be read of `body`: nothing, if it is no JSON.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok([error, outer @ ..]) = json::fields(body, ["error", "code", "type", "message"])
        else {
            return Self::default();
        };
        let as_text = json::text(error);
        let [code, kind, message] = match error {
            Some(_) if as_text.is_none() => json::inner(error, ["code", "type", "message"]),
            _ => outer,
        };
        Self {
            code: json::text(code),
            kind: json::text(kind),
            message: as_text.or_else(|| json::text(message)),
            status: json::read(code),
        }
    }

    /// The status that the error means: its own, where an error came with a good one.
    pub(crate) fn status_over(&self, status: StatusCode) -> StatusCode {
        let own = self.status.and_then(|own| StatusCode::from_u16(own).ok());
        match own.filter(|own| own.is_client_error() || own.is_server_error()) {
            Some(own) if status.is_success() => own,
            _ => status,
        }
    }

    /// Code and type, the more telling first.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.code.as_deref().into_iter().chain(self.kind.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, words: &[&str], message: Option<&str>) {
        let problem = Problem::read(body.as_bytes());
        assert_eq!(problem.words().collect::<Vec<_>>(), words, "{body}");
        assert_eq!(problem.message.as_deref(), message, "{body}");
    }

    #[test]
    fn the_shapes_of_errors_are_read() {
        check(
            r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#,
            &["c", "t"],
            Some("m"),
        );
        check(
            r#"{"type":"error","error":{"type":"t","message":"m"}}"#,
            &["t"],
            Some("m"),
        );
        check(r#"{"code":"c","error":"m"}"#, &["c"], Some("m"));
        check(
            r#"{"object":"error","message":"m","code":404}"#,
            &[],
            Some("m"),
        );
        check(r#"{"error":{"code":429}}"#, &[], None);
        check("<html>", &[], None);
        check("[7]", &[], None);
        check("", &[], None);
    }

    #[test]
    fn a_status_in_the_body_counts_only_over_a_good_one() {
        let problem = Problem::read(br#"{"error":{"code":429}}"#);
        let over = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            problem.status_over(status).as_u16()
        };
        assert_eq!((over(200), over(500)), (429, 500));
        let odd = Problem::read(br#"{"error":{"code":200}}"#);
        assert_eq!(odd.status_over(StatusCode::OK), StatusCode::OK);
    }
}
