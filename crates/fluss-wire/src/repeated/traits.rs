//! Traits shared with `Vec`. Two values are equal if their elements are, however they are split into pieces.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::{More, Repeated};

impl<T> Default for Repeated<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone> Clone for Repeated<T> {
    fn clone(&self) -> Self {
        Self {
            head: self.head.clone(),
            more: self.more.clone(),
        }
    }
}

impl<T: Clone> Clone for More<T> {
    fn clone(&self) -> Self {
        Self {
            chunks: self.chunks.clone(),
            len: self.len,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Repeated<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T: PartialEq> PartialEq for Repeated<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

impl<T: Eq> Eq for Repeated<T> {}

impl<T: PartialEq<U>, U> PartialEq<[U]> for Repeated<T> {
    fn eq(&self, other: &[U]) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(one, other)| one == other)
    }
}

impl<T: PartialEq<U>, U> PartialEq<Vec<U>> for Repeated<T> {
    fn eq(&self, other: &Vec<U>) -> bool {
        *self == **other
    }
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<[U; N]> for Repeated<T> {
    fn eq(&self, other: &[U; N]) -> bool {
        *self == *other.as_slice()
    }
}

impl<T: Hash> Hash for Repeated<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|element| element.hash(state));
    }
}

/// In one piece, as they are.
impl<T> From<Vec<T>> for Repeated<T> {
    fn from(elements: Vec<T>) -> Self {
        Self {
            head: elements,
            more: None,
        }
    }
}

impl<T, const N: usize> From<[T; N]> for Repeated<T> {
    fn from(elements: [T; N]) -> Self {
        Vec::from(elements).into()
    }
}

impl<T> From<Repeated<T>> for Vec<T> {
    fn from(elements: Repeated<T>) -> Self {
        elements.into_vec()
    }
}

/// In one piece.
impl<T> FromIterator<T> for Repeated<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Vec::from_iter(elements).into()
    }
}

impl<T> Extend<T> for Repeated<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        elements.into_iter().for_each(|element| self.push(element));
    }
}
