//! A condition: compiled when the boundary is read, evaluated at every storage call.

use std::collections::HashMap;
use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, ExecutionError, Program, Value};

use super::cel_guard::{self, LIST_PREFIX};
use super::{RefusedBoundary, Resource};

/// A condition in CEL that passed the guards.
#[derive(Debug)]
pub(super) struct Condition(Program);

impl Condition {
    /// Compiles the text of a condition.
    pub(super) fn compile(text: &str) -> Result<Self, RefusedBoundary> {
        cel_guard::check_text(text)?;
        let program = Program::compile(text).map_err(|_| RefusedBoundary::ConditionSyntax)?;
        cel_guard::check_tree(program.expression())?;
        Ok(Self(program))
    }

    /// Whether it is true of the resource. An evaluation that fails, or gives anything but `true`, is no.
    pub(super) fn holds(&self, resource: Resource<'_>) -> bool {
        match context(resource).and_then(|context| self.0.execute(&context).ok()) {
            Some(Value::Bool(truth)) => truth,
            _ => false,
        }
    }
}

/// `resource.name` and `api.getAttribute(name, default)`.
fn context(resource: Resource<'_>) -> Option<Context<'static, 'static>> {
    let mut context = Context::default();
    let name = HashMap::from([("name".to_owned(), resource.name())]);
    let attributes: HashMap<String, String> = resource
        .list_prefix()
        .map(|prefix| (LIST_PREFIX.to_owned(), prefix.to_owned()))
        .into_iter()
        .collect();
    context.add_variable("resource", name).ok()?;
    context.add_variable("api", attributes).ok()?;
    context.add_function("getAttribute", get_attribute).ok()?;
    Some(context)
}

fn get_attribute(This(this): This<Value>, key: Arc<String>, default: Value) -> Result<Value, ExecutionError> {
    match this {
        Value::Map(map) => Ok(map.get(&cel::objects::Key::String(key)).cloned().unwrap_or(default)),
        other => Err(ExecutionError::not_supported_as_method("getAttribute", other)),
    }
}
