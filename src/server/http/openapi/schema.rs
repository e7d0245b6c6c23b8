//! Words for schemas: what makes the descriptions read like the types they are of.

use serde_json::Value;
use utoipa::openapi::{
    Array, Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
    schema::{AdditionalProperties, AnyOfBuilder, ArrayBuilder, SchemaType},
};

/// A schema, or the name of one.
pub(super) type Kind = RefOr<Schema>;

/// A field of an object.
pub(super) struct Field {
    name: &'static str,
    required: bool,
    kind: Kind,
}

/// A field that is always there.
pub(super) fn must(name: &'static str, kind: impl Into<Kind>) -> Field {
    Field { name, required: true, kind: kind.into() }
}

/// A field that may be absent.
pub(super) fn may(name: &'static str, kind: impl Into<Kind>) -> Field {
    Field { name, required: false, kind: kind.into() }
}

fn object(about: &str, fields: Vec<Field>) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(about));
    fields.into_iter().fold(object, |object, field| {
        let object = object.property(field.name, field.kind);
        if field.required { object.required(field.name) } else { object }
    })
}

/// An object that is answered. It may come to have more fields.
pub(super) fn record(about: &str, fields: Vec<Field>) -> Schema {
    Schema::Object(object(about, fields).build())
}

/// An object that is asked for. What is not one of its fields is refused.
pub(super) fn request(about: &str, fields: Vec<Field>) -> Schema {
    let nothing_else = AdditionalProperties::FreeForm(false);
    Schema::Object(object(about, fields).additional_properties(Some(nothing_else)).build())
}

/// A map from texts to values of one kind.
pub(super) fn map(about: &str, values: impl Into<Kind>) -> Schema {
    let values = AdditionalProperties::RefOr(values.into());
    Schema::Object(object(about, Vec::new()).additional_properties(Some(values)).build())
}

/// A map from texts to anything.
pub(super) fn free_map(about: &str) -> Schema {
    let anything = AdditionalProperties::FreeForm(true);
    Schema::Object(object(about, Vec::new()).additional_properties(Some(anything)).build())
}

/// Any JSON value.
pub(super) fn anything(about: &str) -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(about)).build())
}

fn plain(kind: Type, about: &str) -> ObjectBuilder {
    let builder = ObjectBuilder::new().schema_type(kind);
    if about.is_empty() { builder } else { builder.description(Some(about)) }
}

/// A text.
pub(super) fn text(about: &str) -> Object {
    plain(Type::String, about).build()
}

/// A text of so many characters.
pub(super) fn text_of(about: &str, min: usize, max: usize) -> Object {
    plain(Type::String, about).min_length(Some(min)).max_length(Some(max)).build()
}

/// A text that looks like this, an ECMA-262 pattern.
pub(super) fn pattern(about: &str, pattern: &str) -> Object {
    plain(Type::String, about).pattern(Some(pattern)).build()
}

/// A text in a format that JSON Schema knows.
pub(super) fn formatted(about: &str, format: &str) -> Object {
    plain(Type::String, about).format(Some(SchemaFormat::Custom(format.to_owned()))).build()
}

/// A text that is JSON.
pub(super) fn json(about: &str, holds: impl Into<Kind>) -> Object {
    plain(Type::String, about).content_media_type("application/json").content_schema(Some(holds)).build()
}

/// One of these words.
pub(super) fn word<const N: usize>(about: &str, words: [&str; N]) -> Object {
    plain(Type::String, about).enum_values(Some(words)).build()
}

/// A whole number from `min` on.
pub(super) fn count(about: &str, min: usize) -> Object {
    plain(Type::Integer, about).minimum(Some(min)).build()
}

/// A whole number within bounds, both included.
pub(super) fn count_of(about: &str, min: usize, max: usize) -> Object {
    plain(Type::Integer, about).minimum(Some(min)).maximum(Some(max)).build()
}

/// A whole number, of 32 bits.
pub(super) fn number_32(about: &str) -> Object {
    plain(Type::Integer, about).format(Some(SchemaFormat::Custom("int32".to_owned()))).build()
}

/// A number within bounds, both included.
pub(super) fn number_of(about: &str, min: f64, max: f64) -> Object {
    plain(Type::Number, about).minimum(Some(min)).maximum(Some(max)).build()
}

/// A number that is more than 0.
pub(super) fn positive(about: &str) -> Object {
    plain(Type::Number, about).exclusive_minimum(Some(0_usize)).build()
}

/// True or false.
pub(super) fn boolean(about: &str) -> Object {
    plain(Type::Boolean, about).build()
}

/// A list.
pub(super) fn list(about: &str, items: impl Into<Kind>) -> Array {
    ArrayBuilder::new().items(items.into()).description(Some(about)).build()
}

/// A list of so many.
pub(super) fn list_of(about: &str, min: usize, max: usize, items: impl Into<Kind>) -> Array {
    ArrayBuilder::new().items(items.into()).min_items(Some(min)).max_items(Some(max)).description(Some(about)).build()
}

/// A schema of the document's components.
pub(super) fn named(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

/// The same, with what it is here.
pub(super) fn named_as(name: &str, about: &str) -> Kind {
    let mut reference = Ref::from_schema_name(name);
    reference.description = about.to_owned();
    RefOr::Ref(reference)
}

/// This, or `null`.
pub(super) fn or_null(kind: impl Into<Kind>) -> Schema {
    match kind.into() {
        RefOr::T(Schema::Object(mut object)) if object.enum_values.is_none() => {
            if let SchemaType::Type(kind) = object.schema_type {
                object.schema_type = [kind, Type::Null].into_iter().collect();
            }
            Schema::Object(object)
        }
        other => any_of([other, ObjectBuilder::new().schema_type(Type::Null).build().into()]),
    }
}

/// One or more of these.
pub(super) fn any_of(kinds: impl IntoIterator<Item = Kind>) -> Schema {
    Schema::AnyOf(kinds.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).build())
}

/// The only text that it can be.
pub(super) fn only(text: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([Value::from(text)])).build()
}
