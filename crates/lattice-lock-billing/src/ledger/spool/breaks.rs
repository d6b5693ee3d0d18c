//! What should hold and does not.

use super::*;
use crate::{AttemptId, OperationId};

fn text(number: u16, many: usize) -> Vec<Vec<u8>> {
    let operation = OperationId::from_uuid(uuid::Uuid::from_u128(7));
    let attempt = AttemptId::new(operation, 1, number);
    let item = Item::Withdraw {
        attempt,
        next: None,
    };
    vec![Spool::text(&item).unwrap(); many]
}

#[test]
fn a_mark_that_failed_and_is_there_does_not_make_the_next_torn_write_damage() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("spool");
    let mut spool = Spool::open(&path, 1 << 20).unwrap();
    spool.append(&text(1, 1)).unwrap();
    let acknowledged = spool.mark;
    // Its mark is written, and then its sync fails: callers are told that none counts, and `put` leaves the mark as it was.
    spool.append(&text(2, 1)).unwrap();
    spool.mark = acknowledged;
    // The next one is written in its place, and the process killed before its mark.
    let next = &text(33_333, 1)[0];
    let record = format::record(spool.mark.epoch, spool.mark.end, next);
    spool.write_at(spool.mark.end, &record).unwrap();
    drop(spool);
    let spool = Spool::open(&path, 1 << 20).expect("what was acknowledged is whole");
    assert!(!spool.peek(9).unwrap().0.is_empty());
}
