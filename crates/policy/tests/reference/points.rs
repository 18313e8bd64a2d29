//! The finite universe of names, and which of them a target covers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use lakegate_domain::{ObjectPath, Target};

/// The names that there are. Which of them a target covers is tried name by name, once for each target, and kept.
#[derive(Debug)]
pub(crate) struct Points {
    names: Vec<ObjectPath>,
    covered: RefCell<HashMap<Target, Rc<[usize]>>>,
}

impl Points {
    pub(crate) fn new(names: Vec<ObjectPath>) -> Self {
        Self { names, covered: RefCell::default() }
    }

    pub(crate) fn names(&self) -> &[ObjectPath] {
        &self.names
    }

    /// The numbers of the names that the target covers.
    pub(crate) fn covered_by(&self, target: &Target) -> Rc<[usize]> {
        if let Some(known) = self.covered.borrow().get(target) {
            return Rc::clone(known);
        }
        let covers = |n: &usize| target.covers(&Target::Object(self.names[*n].clone()));
        let found: Rc<[usize]> = (0..self.names.len()).filter(covers).collect();
        self.covered.borrow_mut().insert(target.clone(), Rc::clone(&found));
        found
    }
}
