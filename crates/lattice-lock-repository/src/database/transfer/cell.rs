use sea_orm::{DbErr, QueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a column holds, whatever the engine calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Text,
    Uuid,
    Bytes,
}

/// A value, written the same from every engine: a UUID is its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes { hex: String },
}

impl Cell {
    pub(super) fn read(row: &QueryResult, at: usize, kind: Kind) -> Result<Self, DbErr> {
        let cell = match kind {
            Kind::Integer => row.try_get_by_index::<Option<i64>>(at)?.map(Self::Integer),
            Kind::Text => row.try_get_by_index::<Option<String>>(at)?.map(Self::Text),
            Kind::Uuid => row
                .try_get_by_index::<Option<Uuid>>(at)?
                .map(|uuid| Self::bytes(uuid.as_bytes())),
            Kind::Bytes => row
                .try_get_by_index::<Option<Vec<u8>>>(at)?
                .map(|bytes| Self::bytes(&bytes)),
        };
        Ok(cell.unwrap_or(Self::Null))
    }

    fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes {
            hex: super::check::hex(bytes),
        }
    }

    /// The value for a column of this kind; none if it does not fit.
    pub(super) fn value(self, kind: Kind) -> Option<Value> {
        Some(match (self, kind) {
            (Self::Null, Kind::Integer) => None::<i64>.into(),
            (Self::Null, Kind::Text) => None::<String>.into(),
            (Self::Null, Kind::Uuid) => None::<Uuid>.into(),
            (Self::Null, Kind::Bytes) => None::<Vec<u8>>.into(),
            (Self::Integer(number), Kind::Integer) => number.into(),
            (Self::Text(text), Kind::Text) => text.into(),
            (Self::Bytes { hex }, Kind::Bytes) => unhex(&hex)?.into(),
            (Self::Bytes { hex }, Kind::Uuid) => Uuid::from_slice(&unhex(&hex)?).ok()?.into(),
            _ => return None,
        })
    }
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    if digits.len() % 2 != 0 {
        return None;
    }
    let bytes = digits.chunks_exact(2);
    bytes
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_read_back_as_they_were_written() {
        for cell in [
            Cell::Null,
            Cell::Integer(i64::MIN),
            Cell::Integer(i64::MAX),
            Cell::Text("{\"hex\":\"00\"}".into()),
            Cell::Text(String::new()),
            Cell::bytes(&[0, 255, 16]),
        ] {
            let text = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_into_a_column_is_refused() {
        assert_eq!(Cell::Integer(1).value(Kind::Text), None);
        assert_eq!(Cell::bytes(&[1]).value(Kind::Uuid), None);
        let odd = Cell::Bytes { hex: "0".into() };
        assert_eq!(odd.value(Kind::Bytes), None);
        let wide = Cell::Bytes { hex: "é0".into() };
        assert_eq!(wide.value(Kind::Bytes), None);
    }
}
