/// Where a value is kept in an [`Arena`]. A key is never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    index: usize,
    serial: u64,
}

/// Values under keys, with insertion and removal in constant time.
///
/// The memory of a burst is given back when the burst is over: vacant places at the end are dropped, and the
/// buffer shrinks when three quarters of it are unused.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    places: Vec<Option<(u64, T)>>,
    vacant: Vec<usize>,
    serial: u64,
    len: usize,
}

/// Below this many places nothing is given back.
const SMALL: usize = 64;

impl<T> Arena<T> {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            vacant: Vec::new(),
            serial: 0,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.serial += 1;
        self.len += 1;
        let value = Some((self.serial, value));
        let index = self.vacancy().unwrap_or(self.places.len());
        match self.places.get_mut(index) {
            Some(place) => *place = value,
            None => self.places.push(value),
        }
        Key {
            index,
            serial: self.serial,
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        match self.places.get(key.index)? {
            Some((serial, value)) if *serial == key.serial => Some(value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.places.get_mut(key.index)? {
            Some((serial, value)) if *serial == key.serial => Some(value),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        self.get_mut(key)?;
        let (_, value) = self.places[key.index].take()?;
        self.len -= 1;
        self.vacant.push(key.index);
        self.give_back();
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten().map(|(_, value)| value)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().flatten().map(|(_, value)| value)
    }

    /// A place to fill. The list may name places that were dropped since.
    fn vacancy(&mut self) -> Option<usize> {
        std::iter::from_fn(|| self.vacant.pop()).find(|index| *index < self.places.len())
    }

    fn give_back(&mut self) {
        while self.places.pop_if(|place| place.is_none()).is_some() {}
        if self.places.is_empty() {
            self.vacant.clear();
        }
        shrink(&mut self.places);
        shrink(&mut self.vacant);
    }
}

fn shrink<T>(values: &mut Vec<T>) {
    if values.capacity() > SMALL && values.len() < values.capacity() / 4 {
        values.shrink_to((values.len() * 2).max(SMALL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_its_own_value_and_no_later_one() {
        let mut arena = Arena::new();
        let first = arena.insert("first");
        assert_eq!(arena.remove(first), Some("first"));
        let second = arena.insert("second");
        assert_eq!(arena.get_mut(first), None);
        assert_eq!(arena.remove(first), None);
        assert_eq!(arena.get_mut(second), Some(&mut "second"));
        assert_eq!(arena.len(), 1);
    }

    #[test]
    fn memory_of_a_burst_is_given_back_in_any_order_of_removal() {
        for step in [1, 7, 9_999] {
            let mut arena = Arena::new();
            let keys: Vec<Key> = (0..10_000).map(|n| arena.insert(n)).collect();
            for at in 0..keys.len() {
                arena.remove(keys[at * step % keys.len()]).unwrap();
            }
            assert!(arena.is_empty());
            assert!(arena.places.capacity() <= SMALL);
            assert!(arena.vacant.capacity() <= SMALL);
        }
    }

    #[test]
    fn a_vacancy_that_was_dropped_is_not_filled() {
        let mut arena = Arena::new();
        let keys: Vec<Key> = (0..3).map(|n| arena.insert(n)).collect();
        arena.remove(keys[1]);
        arena.remove(keys[2]);
        arena.insert(3);
        arena.insert(4);
        assert_eq!(arena.iter().copied().collect::<Vec<_>>(), [0, 3, 4]);
    }
}
