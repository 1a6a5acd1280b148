//! The one bound on the memory of all writers of a connection, and the queue of those who wait for room.
//!
//! Taking and giving back is one atomic operation while no caller waits. Once a caller waits, all others queue up
//! after it, so that no table starves another. Room is handed over: who frees it takes it for the first of the queue
//! before waking it. Nothing here depends on a waiting thread.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The write buffer of a connection, as a number of bytes.
pub(crate) struct Memory {
    capacity: usize,
    /// Below zero after a row that was larger than the step its batch had left.
    available: AtomicIsize,
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Arc<Waiter>>>,
    is_closed: AtomicBool,
}

struct Waiter {
    bytes: usize,
    state: Mutex<WaiterState>,
    granted: Condvar,
}

#[derive(Default)]
struct WaiterState {
    is_granted: bool,
    waker: Option<Waker>,
}

/// Bytes taken from the buffer; given back when dropped.
pub(crate) struct Credit {
    memory: Arc<Memory>,
    bytes: usize,
}

/// A place in the queue for room. Dropping it gives the place up.
pub(crate) struct Waiting {
    memory: Arc<Memory>,
    waiter: Option<Arc<Waiter>>,
}

impl Memory {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            available: AtomicIsize::new(isize::try_from(capacity).unwrap_or(isize::MAX)),
            waiting: AtomicUsize::new(0),
            queue: Mutex::new(VecDeque::new()),
            is_closed: AtomicBool::new(false),
        })
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Free bytes.
    pub(crate) fn available(&self) -> usize {
        usize::try_from(self.available.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// How many wait for room.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Takes nothing yet.
    pub(crate) fn credit(self: &Arc<Self>) -> Credit {
        Credit {
            memory: Arc::clone(self),
            bytes: 0,
        }
    }

    /// Queues up for `bytes`.
    pub(crate) fn wait(self: &Arc<Self>, bytes: usize) -> Waiting {
        let waiter = Arc::new(Waiter {
            bytes: bytes.min(self.capacity),
            state: Mutex::default(),
            granted: Condvar::new(),
        });
        self.queue().push_back(Arc::clone(&waiter));
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // Room may have been freed before this one was seen waiting.
        self.grant();
        Waiting {
            memory: Arc::clone(self),
            waiter: Some(waiter),
        }
    }

    /// Releases all waiters, now and from now on: their writes are rejected elsewhere.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.grant();
    }

    fn try_take(&self, bytes: usize) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0 && self.take_if_available(bytes)
    }

    fn take_if_available(&self, bytes: usize) -> bool {
        let wanted = signed(bytes);
        self.available
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |available| {
                (available >= wanted).then(|| available - wanted)
            })
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.available.fetch_add(signed(bytes), Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.grant();
        }
    }

    /// Serves the queue in its order for as long as there is room.
    fn grant(&self) {
        let mut queue = self.queue();
        while let Some(waiter) = queue.front() {
            if !self.is_closed.load(Ordering::SeqCst) && !self.take_if_available(waiter.bytes) {
                return;
            }
            if self.is_closed.load(Ordering::SeqCst) {
                // What is granted is given back later: the books must balance.
                self.available
                    .fetch_sub(signed(waiter.bytes), Ordering::SeqCst);
            }
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let mut state = waiter.state();
            state.is_granted = true;
            let waker = state.waker.take();
            waiter.granted.notify_one();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
            queue.pop_front();
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Arc<Waiter>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    fn state(&self) -> MutexGuard<'_, WaiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credit {
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes `bytes` more if there is room and no other caller waits for it.
    pub(crate) fn try_grow(&mut self, bytes: usize) -> bool {
        let taken = self.memory.try_take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Makes it `bytes`, whether there is room or not.
    pub(crate) fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.memory
                .available
                .fetch_sub(signed(bytes - self.bytes), Ordering::SeqCst);
        } else if bytes < self.bytes {
            self.memory.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
    }

    /// Takes over what another one has.
    pub(crate) fn absorb(&mut self, other: &mut Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.memory.give_back(self.bytes);
        }
    }
}

impl Waiting {
    /// Waits on this thread for at most `timeout`.
    pub(crate) fn block(mut self, timeout: Duration) -> Option<Credit> {
        let waiter = self.waiter.clone()?;
        let state = waiter.state();
        let (state, _) = waiter
            .granted
            .wait_timeout_while(state, timeout, |state| !state.is_granted)
            .unwrap_or_else(PoisonError::into_inner);
        let is_granted = state.is_granted;
        drop(state);
        if is_granted { self.take() } else { None }
    }

    fn take(&mut self) -> Option<Credit> {
        let waiter = self.waiter.take()?;
        Some(Credit {
            memory: Arc::clone(&self.memory),
            bytes: waiter.bytes,
        })
    }
}

impl Future for Waiting {
    type Output = Credit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Credit> {
        let this = &mut *self;
        if let Some(waiter) = &this.waiter {
            let mut state = waiter.state();
            if !state.is_granted {
                state.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        let credit = this.take().unwrap_or_else(|| this.memory.credit());
        Poll::Ready(credit)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(waiter) = self.waiter.take() else {
            return;
        };
        let mut queue = self.memory.queue();
        let before = queue.len();
        queue.retain(|other| !Arc::ptr_eq(other, &waiter));
        let was_queued = queue.len() < before;
        drop(queue);
        if was_queued {
            self.memory.waiting.fetch_sub(1, Ordering::SeqCst);
            // A smaller request after it may fit now.
            self.memory.grant();
        } else {
            self.memory.give_back(waiter.bytes);
        }
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("capacity", &self.capacity)
            .field("available", &self.available())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Credit").field(&self.bytes).finish()
    }
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use std::task::Poll;
    use std::thread;

    use super::*;

    fn poll(waiting: &mut Waiting) -> Poll<Credit> {
        Pin::new(waiting).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn room_goes_to_those_who_wait_in_their_order_and_to_nobody_before_them() {
        let memory = Memory::new(100);
        let mut held = memory.credit();
        assert!(held.try_grow(80));
        let mut first = memory.wait(50);
        let mut second = memory.wait(10);
        assert!(poll(&mut first).is_pending());
        assert!(
            poll(&mut second).is_pending(),
            "the second would fit, but the first comes before it"
        );
        assert!(
            !memory.credit().try_grow(1),
            "nobody takes room past the queue"
        );
        held.set(45);
        let Poll::Ready(first) = poll(&mut first) else {
            panic!("there is room for the first")
        };
        assert_eq!(
            (first.bytes(), memory.waiting(), memory.available()),
            (50, 1, 5)
        );
        drop(first);
        assert!(poll(&mut second).is_ready());
        drop((held, second));
        assert_eq!(memory.available(), 100);
    }

    #[test]
    fn a_wait_given_up_leaves_the_books_balanced_and_lets_the_next_one_through() {
        let memory = Memory::new(100);
        let mut held = memory.credit();
        assert!(held.try_grow(60));
        let large = memory.wait(90);
        let mut small = memory.wait(40);
        assert!(poll(&mut small).is_pending());
        drop(large);
        assert!(poll(&mut small).is_ready());
        let granted_but_not_taken = memory.wait(40);
        drop((held, granted_but_not_taken));
        assert_eq!((memory.available(), memory.waiting()), (100, 0));
    }

    #[test]
    fn a_row_larger_than_its_step_overdraws_and_later_rows_wait() {
        let memory = Memory::new(100);
        let mut credit = memory.credit();
        credit.set(250);
        assert_eq!(memory.available(), 0);
        assert!(memory.wait(1).block(Duration::ZERO).is_none());
        drop(credit);
        assert!(memory.wait(1).block(Duration::ZERO).is_some());
        assert_eq!(memory.available(), 100);
    }

    #[test]
    fn a_thread_is_woken_by_room_and_by_the_end() {
        let memory = Memory::new(10);
        for close in [false, true] {
            let mut held = memory.credit();
            assert!(held.try_grow(10));
            let waiter = thread::spawn({
                let memory = Arc::clone(&memory);
                move || memory.wait(5).block(Duration::from_secs(30)).is_some()
            });
            while memory.waiting() == 0 {
                thread::yield_now();
            }
            if close {
                memory.close();
            } else {
                held.set(0);
            }
            assert!(waiter.join().unwrap());
            drop(held);
            assert_eq!(memory.available(), 10);
        }
    }
}
