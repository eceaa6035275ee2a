//! JSON written straight into bytes: items, strings, members.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::core::{AttributeValue, Item, Number};

/// An object under construction; it writes the commas.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Object<'o> {
    /// Opens an object.
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// A member; the value is to be written to what this returns.
    pub(super) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        string(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// A member that is a string.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        string(self.member(name), text);
    }

    /// A member that is written as it is displayed: a number or a truth value.
    pub(super) fn bare(&mut self, name: &str, value: impl std::fmt::Display) {
        let out = self.member(name);
        out.extend(value.to_string().as_bytes());
    }

    /// A member that is an object.
    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        let mut object = Object::open(self.member(name));
        write(&mut object);
        object.close();
    }

    /// A member that is a list.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        elements: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Vec<u8>, T),
    ) {
        list(self.member(name), elements, write);
    }

    /// Closes it.
    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

/// A string with its quotes.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(plain) {
        out.push(b'"');
        out.extend(text.as_bytes());
        out.push(b'"');
        return;
    }
    serde_json::to_writer(out, text).expect("writing a string to memory cannot fail");
}

/// A list.
pub(super) fn list<T>(
    out: &mut Vec<u8>,
    elements: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, element);
    }
    out.push(b']');
}

/// An item: `{"name":{"S":"text"}}`.
pub(super) fn item(out: &mut Vec<u8>, item: &Item) {
    let mut object = Object::open(out);
    for (name, attribute) in item {
        value(object.member(name), attribute);
    }
    object.close();
}

/// A value: `{"S":"text"}`.
pub(super) fn value(out: &mut Vec<u8>, value: &AttributeValue) {
    out.extend(b"{\"");
    out.extend(value.type_name().as_bytes());
    out.extend(b"\":");
    match value {
        AttributeValue::S(text) => string(out, text),
        AttributeValue::N(text) => number(out, text),
        AttributeValue::B(bytes) => base64(out, bytes),
        AttributeValue::Bool(true) | AttributeValue::Null => out.extend(b"true"),
        AttributeValue::Bool(false) => out.extend(b"false"),
        AttributeValue::M(map) => item(out, map),
        AttributeValue::L(elements) => list(out, elements, self::value),
        AttributeValue::Ss(set) => list(out, set, |out, text| string(out, text)),
        AttributeValue::Ns(set) => list(out, set, number),
        AttributeValue::Bs(set) => list(out, set, |out, bytes| base64(out, bytes)),
    }
    out.push(b'}');
}

/// A number, which DynamoDB's JSON carries as a string.
fn number(out: &mut Vec<u8>, number: &Number) {
    string(out, number.as_str());
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    string(out, &STANDARD.encode(bytes));
}
