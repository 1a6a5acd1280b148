//! A repeated field, stored in pieces of bounded size.
//!
//! An element of two bytes can become a struct of two hundred. In a `Vec`, many of them would be one allocation of a
//! hundred times the bytes received. Rejecting that would reject valid responses about ten thousand idle buckets. So
//! memory grows here in pieces of at most [`CHUNK_BYTES`], allocated as elements are read.

mod iter;
mod traits;

#[cfg(test)]
mod tests;

pub use self::iter::{IntoIter, Iter, IterMut};

/// Bytes of memory that elements share in one piece; one element that takes more has a piece of its own.
pub const CHUNK_BYTES: usize = 32 * 1024;

/// The elements of a repeated field, in order: like a `Vec`, but in pieces, so there is no slice of all of them.
pub struct Repeated<T> {
    /// The first piece, and for most messages the only one.
    head: Vec<T>,
    /// The others, none of them empty.
    more: Option<Box<More<T>>>,
}

struct More<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Repeated<T> {
    /// Elements of a piece.
    const CHUNK: usize = match CHUNK_BYTES.checked_div(size_of::<T>()) {
        Some(0) => 1,
        Some(elements) => elements,
        None => usize::MAX,
    };

    /// No elements, and no memory.
    pub const fn new() -> Self {
        Self {
            head: Vec::new(),
            more: None,
        }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.head.len() + self.more.as_ref().map_or(0, |more| more.len)
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.more.is_none()
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push(&mut self, element: T) {
        if self.more.is_none() {
            if self.head.len() < self.head.capacity() {
                self.head.push(element);
                return;
            }
            if self.head.len() < Self::CHUNK {
                let twice = self
                    .head
                    .len()
                    .saturating_mul(2)
                    .clamp(4, Self::CHUNK.max(4));
                let missing = twice.min(Self::CHUNK) - self.head.len();
                self.head.reserve_exact(missing);
                self.head.push(element);
                return;
            }
        }
        self.push_behind(element);
    }

    /// Behind a first piece that is full.
    fn push_behind(&mut self, element: T) {
        let more = self.more.get_or_insert_with(|| {
            Box::new(More {
                chunks: Vec::new(),
                len: 0,
            })
        });
        more.len += 1;
        match more.chunks.last_mut() {
            Some(last) if last.len() < last.capacity() => last.push(element),
            _ => {
                let mut chunk = Vec::with_capacity(Self::CHUNK);
                chunk.push(element);
                more.chunks.push(chunk);
            }
        }
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.head.clear();
        self.more = None;
    }

    /// Returns the element at a place.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.iter().nth(index)
    }

    /// Returns the first element.
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// Returns the last element.
    pub fn last(&self) -> Option<&T> {
        let chunks = self.more.as_ref().map(|more| more.chunks.as_slice());
        match chunks.and_then(<[_]>::last) {
            Some(last) => last.last(),
            None => self.head.last(),
        }
    }

    /// All, in order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// All, in order, to be changed.
    pub fn iter_mut(&mut self) -> IterMut<'_, T> {
        IterMut::new(self)
    }

    /// Keeps the elements that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.head.retain(&mut keep);
        if let Some(more) = &mut self.more {
            more.chunks
                .iter_mut()
                .for_each(|chunk| chunk.retain(&mut keep));
            more.chunks.retain(|chunk| !chunk.is_empty());
            more.len = more.chunks.iter().map(Vec::len).sum();
            if more.chunks.is_empty() {
                self.more = None;
            }
        }
    }

    /// Returns all in one piece of memory, however large that is.
    pub fn into_vec(self) -> Vec<T> {
        match self.more {
            None => self.head,
            Some(_) => self.into_iter().collect(),
        }
    }
}
