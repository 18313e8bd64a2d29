//! Handshakes compute one after the other, address by address, so that a flood of them leaves the processor to
//! clients that are already here.
//!
//! A handshake waits for its peer most of the time, and then it costs nothing. What costs is each step between two
//! waits. A step takes a turn first; there are few turns, and they go round among the addresses that want one: a
//! thousand handshakes from one address hold up another's by one step.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

/// The turns of a server. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Mutex<Queues>>);

#[derive(Debug)]
struct Queues {
    free: usize,
    waiting: HashMap<IpAddr, VecDeque<oneshot::Sender<Turn>>>,
    /// The addresses of `waiting`, each once; the front is next.
    order: VecDeque<IpAddr>,
}

/// The right to compute; somebody else's when dropped.
#[derive(Debug)]
struct Turn {
    turns: Turns,
    /// A turn that nobody took is handed on by whoever offered it.
    is_held: bool,
}

impl Turns {
    /// So many at once.
    pub(super) fn new(free: usize) -> Self {
        Self(Arc::new(Mutex::new(Queues { free, waiting: HashMap::new(), order: VecDeque::new() })))
    }

    /// Runs a handshake of an address in turns.
    pub(super) fn take<F: Future + Unpin>(&self, address: IpAddr, work: F) -> InTurns<F> {
        InTurns { turns: self.clone(), address, work, waiting: None }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn at once, or the promise of one.
    fn ask(&self, address: IpAddr) -> Result<Turn, oneshot::Receiver<Turn>> {
        let mut queues = self.queues();
        if queues.free > 0 {
            queues.free -= 1;
            return Ok(Turn { turns: self.clone(), is_held: true });
        }
        let (promise, waiting) = oneshot::channel();
        let mine = queues.waiting.entry(address).or_default();
        mine.push_back(promise);
        if mine.len() == 1 {
            queues.order.push_back(address);
        }
        Err(waiting)
    }

    /// Gives a turn to the next one who still waits.
    fn hand_on(&self) {
        loop {
            let Some(next) = self.queues().next() else { return };
            let turn = Turn { turns: self.clone(), is_held: true };
            match next.send(turn) {
                Ok(()) => return,
                // It waits no more. Its turn is not handed on by being dropped: that would nest as deep as the queue.
                Err(mut turn) => turn.is_held = false,
            }
        }
    }
}

impl Queues {
    /// The next one in the queue; without one, the turn is free.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(address) = self.order.pop_front() {
            let Some(mine) = self.waiting.get_mut(&address) else { continue };
            let next = mine.pop_front();
            if mine.is_empty() {
                self.waiting.remove(&address);
            } else {
                self.order.push_back(address);
            }
            if next.is_some() {
                return next;
            }
        }
        self.free += 1;
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_held {
            self.turns.hand_on();
        }
    }
}

/// A handshake, each step of which waits for its turn.
#[derive(Debug)]
pub(super) struct InTurns<F> {
    turns: Turns,
    address: IpAddr,
    work: F,
    waiting: Option<oneshot::Receiver<Turn>>,
}

impl<F: Future + Unpin> Future for InTurns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let turn = loop {
            match this.waiting.as_mut() {
                None => match this.turns.ask(this.address) {
                    Ok(turn) => break turn,
                    Err(promise) => this.waiting = Some(promise),
                },
                Some(promise) => {
                    let kept = ready!(Pin::new(promise).poll(context));
                    this.waiting = None;
                    if let Ok(turn) = kept {
                        break turn;
                    }
                }
            }
        };
        let outcome = Pin::new(&mut this.work).poll(context);
        drop(turn);
        outcome
    }
}

#[cfg(test)]
mod tests;
