//! Values: order, conversion, and the civil calendar.

pub(crate) mod calendar;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod decimal;
pub(crate) mod json;
pub(crate) mod temporal;
pub(crate) mod text;
pub(crate) mod xml;
pub(crate) mod xml_path;
pub(crate) mod zone;
