//! A `Vec` says what must come out.

use super::{CHUNK_BYTES, Repeated};

/// A kilobyte, so that 32 of them make a piece.
type Large = [u64; 128];

fn pieces(elements: &Repeated<Large>) -> usize {
    1 + elements.more.as_ref().map_or(0, |more| more.chunks.len())
}

#[test]
fn elements_come_out_in_order_from_however_many_pieces() {
    for count in [0, 1, 4, 5, 31, 32, 33, 64, 65, 1000] {
        let mut expected = Vec::new();
        let mut elements = Repeated::new();
        for number in 0..count {
            expected.push([number; 128]);
            elements.push([number; 128]);
        }
        assert_eq!(elements.len(), expected.len());
        assert_eq!(elements.is_empty(), expected.is_empty());
        assert_eq!(elements, expected);
        assert_eq!(elements, Repeated::from(expected.clone()));
        assert_eq!(elements.clone(), elements);
        assert_eq!(elements.first(), expected.first());
        assert_eq!(elements.last(), expected.last());
        assert_eq!(elements.get(32), expected.get(32));
        assert_eq!(elements.iter().len(), expected.len());
        assert_eq!(pieces(&elements), expected.len().div_ceil(32).max(1));
        elements.iter_mut().for_each(|element| element[0] = 7);
        assert!(elements.iter().all(|element| element[0] == 7));
        assert_eq!(elements.clone().into_iter().count(), expected.len());
        assert_eq!(elements.clone().into_vec().len(), expected.len());
        elements.clear();
        assert!(elements.is_empty());
    }
}

#[test]
fn no_piece_is_larger_than_it_may_be() {
    let mut elements = Repeated::new();
    for number in 0..100_000_i64 {
        elements.push(number);
        let chunks = elements.more.iter().flat_map(|more| &more.chunks);
        let largest = chunks.last().map_or(0, Vec::capacity);
        let largest = largest.max(elements.head.capacity());
        assert!(largest * size_of::<i64>() <= CHUNK_BYTES);
    }
}

#[test]
fn more_are_added_to_what_came_in_one_piece() {
    let mut elements: Repeated<_> = (0..10_000_i64).collect();
    elements.extend(10_000..20_000);
    assert_eq!(elements, (0..20_000).collect::<Vec<_>>());
    assert_ne!(elements, [1]);
}

#[test]
fn what_is_retained_is_in_order_and_more_can_follow() {
    let mut elements = Repeated::new();
    elements.extend((0..100).map(|number| [number; 128]));
    elements.retain(|element| element[0] % 7 == 0 && element[0] > 40);
    elements.push([1; 128]);
    let left: Vec<_> = elements.iter().map(|element| element[0]).collect();
    assert_eq!(left, [42, 49, 56, 63, 70, 77, 84, 91, 98, 1]);
    elements.retain(|_| false);
    assert!(elements.is_empty() && elements.first().is_none() && elements.last().is_none());
}
