use std::ops::Range;

use proptest::prelude::*;
use tempfile::TempDir;

use super::format::text;
use super::*;
use crate::codes::{SPOOL_FOREIGN, SPOOL_IN_USE};
use crate::{AttemptId, OperationId};

const MOST: u64 = 1 << 20;

fn items(range: Range<u16>) -> Vec<Item> {
    let operation = OperationId::from_uuid(uuid::Uuid::from_u128(7));
    let item = |n| Item::Withdraw {
        attempt: AttemptId::new(operation, 1, n),
        next: None,
    };
    range.map(item).collect()
}

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool");
    (folder, path)
}

fn append(spool: &mut Spool, range: Range<u16>) -> Result<usize> {
    let texts: Vec<_> = items(range)
        .iter()
        .map(|item| text(item).unwrap())
        .collect();
    spool.append(&texts)
}

fn all(spool: &Spool) -> Vec<Item> {
    spool.peek(1000).unwrap().0
}

/// A file into which this many writes were acknowledged, one after another.
fn acknowledged(path: &Path, many: u16) -> Vec<u8> {
    let mut spool = Spool::open(path, MOST).unwrap();
    for n in 0..many {
        assert_eq!(append(&mut spool, n..n + 1).unwrap(), 1);
    }
    drop(spool);
    std::fs::read(path).unwrap()
}

/// What a start finds in a file with these contents; nothing of them may be changed if it is refused.
fn found(path: &Path, contents: &[u8]) -> Result<Vec<Item>> {
    std::fs::write(path, contents).unwrap();
    let spool = Spool::open(path, MOST);
    if spool.is_err() {
        assert_eq!(std::fs::read(path).unwrap(), contents);
    }
    spool.map(|spool| all(&spool))
}

#[test]
fn what_was_written_is_there_again_after_a_restart() {
    let (_folder, path) = place();
    let mut spool = Spool::open(&path, MOST).unwrap();
    assert!(spool.is_empty());
    append(&mut spool, 0..3).unwrap();
    append(&mut spool, 3..5).unwrap();
    drop(spool);
    let mut spool = Spool::open(&path, MOST).unwrap();
    assert_eq!(all(&spool), items(0..5));
    let (first, place) = spool.peek(2).unwrap();
    assert_eq!(first, items(0..2));
    spool.replayed(place).unwrap();
    assert_eq!(all(&spool), items(2..5));
    drop(spool);
    // Only all of it is forgotten: to replay some of it twice changes nothing.
    let mut spool = Spool::open(&path, MOST).unwrap();
    let (again, place) = spool.peek(1000).unwrap();
    assert_eq!(again, items(0..5));
    spool.replayed(place).unwrap();
    assert!(spool.is_empty());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), HEADER);
}

#[test]
fn two_never_share_one() {
    let (_folder, path) = place();
    let first = Spool::open(&path, MOST).unwrap();
    let second = Spool::open(&path, MOST).unwrap_err();
    assert_eq!(second.code(), SPOOL_IN_USE);
    drop(first);
    Spool::open(&path, MOST).unwrap();
}

#[test]
fn of_many_that_make_one_at_the_same_time_one_has_it() {
    for _ in 0..20 {
        let (_folder, path) = place();
        let barrier = std::sync::Barrier::new(4);
        let opened: Vec<_> = std::thread::scope(|scope| {
            let open = || {
                barrier.wait();
                Spool::open(&path, MOST)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let (ours, others): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
        assert_eq!(ours.len(), 1);
        assert!(
            others
                .iter()
                .all(|it| it.as_ref().unwrap_err().code() == SPOOL_IN_USE)
        );
    }
}

#[test]
fn a_torn_tail_is_cut_off_wherever_it_was_torn() {
    let (_folder, path) = place();
    let before = acknowledged(&path, 2);
    let record = format::record(0, before.len() as u64, &text(&items(2..3)[0]).unwrap());
    for torn in 1..=record.len() {
        std::fs::write(&path, [&before[..], &record[..torn]].concat()).unwrap();
        let mut spool = Spool::open(&path, MOST).unwrap();
        assert_eq!((all(&spool), spool.torn), (items(0..2), torn as u64));
        append(&mut spool, 5..6).unwrap();
        drop(spool);
        assert_eq!(all(&Spool::open(&path, MOST).unwrap()).len(), 3);
    }
    let zeros = [&before[..], &[0; 100]].concat();
    assert_eq!(found(&path, &zeros).unwrap(), items(0..2));
}

#[test]
fn whichever_bit_flips_and_wherever_it_ends_nothing_acknowledged_is_lost_unnoticed() {
    let (_folder, path) = place();
    let bytes = acknowledged(&path, 2);
    for at in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        match found(&path, &damaged) {
            Ok(kept) => assert_eq!(kept, items(0..2), "bit {at}"),
            Err(refused) => assert!([SPOOL_CORRUPT, SPOOL_FOREIGN].contains(&refused.code())),
        }
    }
    for length in 0..bytes.len() {
        let refused = found(&path, &bytes[..length]).unwrap_err();
        assert_eq!(refused.code(), SPOOL_CORRUPT, "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Writes, replays and restarts, then damage to any byte, together with a tail that was never acknowledged.
    #[test]
    fn damage_is_noticed_or_harmless_after_any_history(
        steps in proptest::collection::vec(0_u8..5, 1..12),
        (place_of_damage, mask, tail) in (any::<prop::sample::Index>(), 1_u8..=255, 0_usize..40),
    ) {
        let (_folder, path) = place();
        let mut spool = Spool::open(&path, MOST).unwrap();
        let (mut kept, mut next) = (Vec::new(), 0);
        for step in steps {
            match step {
                0..=2 => {
                    let many = u16::from(step) + 1;
                    append(&mut spool, next..next + many).unwrap();
                    kept.extend(items(next..next + many));
                    next += many;
                }
                3 => {
                    let (_, place) = spool.peek(1000).unwrap();
                    spool.replayed(place).unwrap();
                    kept.clear();
                }
                _ => {
                    drop(spool);
                    spool = Spool::open(&path, MOST).unwrap();
                }
            }
        }
        prop_assert_eq!(&all(&spool), &kept);
        drop(spool);
        let whole = std::fs::read(&path).unwrap();
        let torn = [&whole[..], &vec![0xa5; tail]].concat();
        prop_assert_eq!(&found(&path, &torn).unwrap(), &kept);
        let mut damaged = whole.clone();
        damaged[place_of_damage.index(whole.len())] ^= mask;
        if let Ok(found) = found(&path, &damaged) {
            prop_assert_eq!(found, kept);
        }
    }
}

#[test]
fn a_spool_that_another_version_wrote_is_refused_and_left_alone() {
    let (_folder, path) = place();
    let mut bytes = acknowledged(&path, 1);
    let unknown = br#"{"forget":{"everything":true}}"#;
    let mark = Mark::FIRST.next(0, HEADER);
    let record = format::record(0, HEADER, unknown);
    let mark = mark.next(0, HEADER + record.len() as u64);
    let newer = [format::header(mark), record].concat();
    assert_eq!(found(&path, &newer).unwrap_err().code(), SPOOL_FOREIGN);
    bytes[14] = b'9';
    assert_eq!(found(&path, &bytes).unwrap_err().code(), SPOOL_FOREIGN);
    let diary = b"somebody's diary, and a long one";
    assert_eq!(found(&path, diary).unwrap_err().code(), SPOOL_CORRUPT);
}

#[test]
fn what_is_left_of_a_former_epoch_does_not_come_back() {
    let (_folder, path) = place();
    let before = acknowledged(&path, 3);
    let mut spool = Spool::open(&path, MOST).unwrap();
    let (_, place) = spool.peek(1000).unwrap();
    spool.replayed(place).unwrap();
    append(&mut spool, 7..8).unwrap();
    drop(spool);
    // As if the space had not been given back.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(&before[bytes.len()..]);
    assert_eq!(found(&path, &bytes).unwrap(), items(7..8));
}

#[test]
fn it_is_never_larger_than_it_may_be() {
    let (_folder, path) = place();
    let mut spool = Spool::open(&path, 1000).unwrap();
    let fit = append(&mut spool, 0..100).unwrap();
    assert!((1..100).contains(&fit));
    assert_eq!(append(&mut spool, 0..1).unwrap(), 0);
    assert!(std::fs::metadata(&path).unwrap().len() <= 1000);
    assert_eq!(all(&spool).len(), fit);
}

#[test]
fn a_write_that_is_too_long_is_refused_before_it_is_written() {
    let who = lattice_lock_principal::Principal::external("user-17").unwrap();
    let attempt = AttemptId::first(OperationId::generate());
    let mut intent = crate::Intent::new(attempt, &who, "openai/gpt-5".parse().unwrap());
    intent.conversation = Some("x".repeat(2 << 20));
    let refused = text(&Item::Intend(intent)).unwrap_err();
    assert_eq!(refused.code(), SPOOL_FAILED);
}

#[test]
fn what_fails_leaves_file_and_memory_together() {
    let (_folder, path) = place();
    let mut spool = Spool::open(&path, MOST).unwrap();
    append(&mut spool, 0..2).unwrap();
    // A handle that only reads neither writes nor cuts.
    let good = std::mem::replace(&mut spool.file, File::open(&path).unwrap());
    assert_eq!(append(&mut spool, 2..3).unwrap_err().code(), SPOOL_FAILED);
    let (_, end) = spool.peek(1000).unwrap();
    assert_eq!(spool.replayed(end).unwrap_err().code(), SPOOL_FAILED);
    // Nothing passes it by as long as a restart would find it there.
    assert!(!spool.is_empty());
    assert!(all(&spool).is_empty());
    spool.file = good;
    append(&mut spool, 3..4).unwrap();
    assert_eq!(all(&spool), items(3..4));
    let (_, end) = spool.peek(1000).unwrap();
    spool.replayed(end).unwrap();
    assert!(spool.is_empty());
    drop(spool);
    assert!(Spool::open(&path, MOST).unwrap().is_empty());
}

#[test]
fn what_nobody_was_told_of_is_taken_back() {
    let (_folder, path) = place();
    let mut spool = Spool::open(&path, MOST).unwrap();
    append(&mut spool, 0..2).unwrap();
    let before = spool.bytes();
    append(&mut spool, 2..5).unwrap();
    spool.take_back(before);
    assert_eq!(all(&spool), items(0..2));
    append(&mut spool, 7..8).unwrap();
    drop(spool);
    let spool = Spool::open(&path, MOST).unwrap();
    assert_eq!(all(&spool), [items(0..2), items(7..8)].concat());
}

#[test]
fn a_file_that_was_removed_is_made_again_and_another_one_is_left_alone() {
    let (_folder, path) = place();
    let mut spool = Spool::open(&path, MOST).unwrap();
    append(&mut spool, 0..2).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(append(&mut spool, 2..3).unwrap_err().code(), SPOOL_FAILED);
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, "a diary").unwrap();
    assert_eq!(append(&mut spool, 2..3).unwrap_err().code(), SPOOL_FAILED);
    assert_eq!(std::fs::read(&path).unwrap(), b"a diary");
    std::fs::remove_file(&path).unwrap();
    append(&mut spool, 2..3).unwrap();
    assert_eq!(Spool::open(&path, MOST).unwrap_err().code(), SPOOL_IN_USE);
    drop(spool);
    assert_eq!(all(&Spool::open(&path, MOST).unwrap()), items(0..3));
}

#[test]
fn only_a_plain_file_is_a_spool() {
    let (folder, path) = place();
    let refused = |path: &Path| Spool::open(path, MOST).unwrap_err().code();
    assert_eq!(refused(folder.path()), SPOOL_FAILED);
    assert_eq!(refused(&folder.path().join("nowhere/spool")), SPOOL_FAILED);
    #[cfg(unix)]
    {
        acknowledged(&folder.path().join("another"), 1);
        std::os::unix::fs::symlink(folder.path().join("another"), &path).unwrap();
        assert_eq!(refused(&path), SPOOL_FAILED);
    }
    let _ = std::fs::remove_file(&path);
    std::fs::write(&path, "").unwrap();
    assert_eq!(refused(&path), SPOOL_CORRUPT);
}

#[test]
fn what_was_refused_is_kept_beside_it() {
    let (folder, path) = place();
    let spool = Spool::open(&path, 1000).unwrap();
    let refused = items(0..1).remove(0);
    spool.reject(&[(refused, "LL-BIL-004".into())]).unwrap();
    let kept = std::fs::read_to_string(folder.path().join("spool.rejected")).unwrap();
    assert!(kept.contains("LL-BIL-004") && kept.contains("withdraw"));
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_it_writes() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, path) = place();
    let spool = Spool::open(&path, 1000).unwrap();
    spool
        .reject(&[(items(0..1).remove(0), String::new())])
        .unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 2);
    for file in files {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

fn texts(number: u16) -> [Vec<u8>; 1] {
    let operation = OperationId::from_uuid(uuid::Uuid::from_u128(7));
    let attempt = AttemptId::new(operation, 1, number);
    let next = None;
    [Spool::text(&Item::Withdraw { attempt, next }).unwrap()]
}

/// A spool with one record and behind it one that was refused, for its mark failed: a disk that did not say so wrote it.
fn with_a_mark_that_failed(path: &Path) -> Spool {
    let mut spool = Spool::open(path, 1 << 20).unwrap();
    spool.append(&texts(1)).unwrap();
    let end = spool.mark.end;
    let record = format::record(spool.mark.epoch, end, &texts(22_222)[0]);
    spool.write_at(end, &record).unwrap();
    let mark = spool.mark.next(spool.mark.epoch, end + record.len() as u64);
    let writable = std::mem::replace(&mut spool.file, File::open(path).unwrap());
    assert_eq!(spool.put(mark).unwrap_err().code(), SPOOL_FAILED);
    spool.file = writable;
    spool.write_at(mark.place(), &mark.bytes()).unwrap();
    assert_eq!(spool.mark.end, end);
    spool
}

#[test]
fn a_mark_that_failed_and_is_there_does_not_make_the_next_torn_write_damage() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("spool");
    let mut spool = with_a_mark_that_failed(&path);
    let acknowledged = spool.mark.end;
    spool.append(&texts(3)).unwrap();
    // As if the process had been killed before its mark, or while it was written.
    let whole = std::fs::read(&path).unwrap();
    let is_newest = spool.mark;
    drop(spool);
    for damage in [0_u8, 0xff] {
        let mut bytes = whole.clone();
        let place = usize::try_from(is_newest.place()).unwrap();
        bytes[place..place + 24].fill(damage);
        std::fs::write(&path, &bytes).unwrap();
        let spool = Spool::open(&path, 1 << 20).expect("what was acknowledged is whole");
        assert!(spool.mark.end >= acknowledged);
        assert_eq!(spool.peek(9).unwrap().0.len(), 2);
    }
    let mut bytes = whole;
    bytes.truncate(usize::try_from(is_newest.end).unwrap() - 3);
    let place = usize::try_from(is_newest.place()).unwrap();
    let earlier = Mark::FIRST.bytes();
    bytes[place..place + earlier.len()].copy_from_slice(&earlier);
    std::fs::write(&path, &bytes).unwrap();
    let spool = Spool::open(&path, 1 << 20).expect("what was acknowledged is whole");
    assert_eq!(
        (spool.mark.end, spool.peek(9).unwrap().0.len()),
        (acknowledged, 1)
    );
}
