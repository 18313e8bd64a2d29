//! The cache key, computed anew from the page.

use aws_lc_rs::digest;
use lakegate_policy::Scope;

use crate::reference::closure;
use lakegate_domain::Target;

/// The key that a scope must have.
pub(crate) fn of(scope: &Scope) -> [u8; 32] {
    let mut fields: Vec<Vec<u8>> = vec![
        b"lakegate.scope.v1".to_vec(),
        scope.storage().as_str().into(),
        scope.generation().to_be_bytes().into(),
        (scope.parts().len() as u64).to_be_bytes().into(),
    ];
    for part in scope.parts() {
        let kind = match part.target() {
            Target::Prefix(_) => b'p',
            Target::Object(_) => b'o',
        };
        let operations = part.operations();
        fields.push(vec![kind]);
        fields.push(part.target().to_string().into());
        fields.push(vec![operations.bits()]);
        fields.push(vec![closure(scope.dialect(), operations).bits()]);
    }
    fields.push((scope.terms().classes.len() as u64).to_be_bytes().into());
    fields.extend(scope.terms().classes.iter().map(|class| class.as_str().into()));
    fields.push(scope.end().map(|end| end.as_millis().to_be_bytes().to_vec()).unwrap_or_default());
    fields
        .push(scope.attributed_to().map(|who| [b"1", who.as_str().as_bytes()].concat()).unwrap_or_default());
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend((field.len() as u64).to_be_bytes());
        bytes.extend(field);
    }
    digest::digest(&digest::SHA256, &bytes).as_ref().try_into().unwrap()
}
