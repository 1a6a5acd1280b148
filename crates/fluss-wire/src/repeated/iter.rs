//! Iterators over the elements.

use std::{iter::FusedIterator, slice, vec};

use super::Repeated;

/// Iterates over the elements by reference.
#[derive(Debug)]
pub struct Iter<'a, T> {
    front: slice::Iter<'a, T>,
    chunks: slice::Iter<'a, Vec<T>>,
    len: usize,
}

/// Iterates over the elements mutably.
#[derive(Debug)]
pub struct IterMut<'a, T> {
    front: slice::IterMut<'a, T>,
    chunks: slice::IterMut<'a, Vec<T>>,
    len: usize,
}

/// Iterates over the elements by value.
#[derive(Debug)]
pub struct IntoIter<T> {
    front: vec::IntoIter<T>,
    chunks: vec::IntoIter<Vec<T>>,
    len: usize,
}

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(all: &'a Repeated<T>) -> Self {
        let more = all.more.as_ref().map(|more| more.chunks.as_slice());
        Self {
            front: all.head.iter(),
            chunks: more.unwrap_or_default().iter(),
            len: all.len(),
        }
    }
}

impl<'a, T> IterMut<'a, T> {
    pub(super) fn new(all: &'a mut Repeated<T>) -> Self {
        let len = all.len();
        let more = all.more.as_mut().map(|more| more.chunks.as_mut_slice());
        Self {
            front: all.head.iter_mut(),
            chunks: more.unwrap_or_default().iter_mut(),
            len,
        }
    }
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self {
            front: self.front.clone(),
            chunks: self.chunks.clone(),
            len: self.len,
        }
    }
}

/// All three go through the first piece and then through the others, of which none is empty.
macro_rules! iterator {
    ($name:ident<$($lifetime:lifetime,)? T>, $item:ty) => {
        impl<$($lifetime,)? T> Iterator for $name<$($lifetime,)? T> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                loop {
                    if let Some(element) = self.front.next() {
                        self.len = self.len.saturating_sub(1);
                        return Some(element);
                    }
                    self.front = self.chunks.next()?.into_iter();
                }
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (self.len, Some(self.len))
            }
        }

        impl<$($lifetime,)? T> ExactSizeIterator for $name<$($lifetime,)? T> {}
        impl<$($lifetime,)? T> FusedIterator for $name<$($lifetime,)? T> {}
    };
}

iterator!(Iter<'a, T>, &'a T);
iterator!(IterMut<'a, T>, &'a mut T);
iterator!(IntoIter<T>, T);

impl<'a, T> IntoIterator for &'a Repeated<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Repeated<T> {
    type Item = &'a mut T;
    type IntoIter = IterMut<'a, T>;

    fn into_iter(self) -> IterMut<'a, T> {
        self.iter_mut()
    }
}

impl<T> IntoIterator for Repeated<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        let len = self.len();
        let chunks = self.more.map(|more| more.chunks).unwrap_or_default();
        IntoIter {
            front: self.head.into_iter(),
            chunks: chunks.into_iter(),
            len,
        }
    }
}
