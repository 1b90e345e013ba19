//! The C types, constants and functions of RFC 2744 that are used, and MIT's extensions to it.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

pub(crate) type Status = u32;
/// A pointer to what only the library knows.
pub(crate) type Handle = *mut c_void;

/// `gss_buffer_desc`.
#[repr(C)]
pub(crate) struct Buffer {
    pub(crate) length: usize,
    pub(crate) value: *mut c_void,
}

impl Buffer {
    pub(crate) const fn empty() -> Self {
        Self {
            length: 0,
            value: ptr::null_mut(),
        }
    }

    /// Points to bytes that the library only reads; they must outlive the buffer.
    pub(crate) fn lent(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len(),
            value: bytes.as_ptr().cast_mut().cast(),
        }
    }
}

/// `gss_OID_desc`.
#[cfg_attr(target_os = "macos", repr(C, packed(2)))]
#[cfg_attr(not(target_os = "macos"), repr(C))]
pub(crate) struct Oid {
    pub(crate) length: u32,
    pub(crate) elements: *const u8,
}

impl Oid {
    pub(crate) const fn new(elements: &'static [u8]) -> Self {
        Self {
            length: elements.len() as u32,
            elements: elements.as_ptr(),
        }
    }
}

/// `gss_OID_set_desc`.
#[cfg_attr(target_os = "macos", repr(C, packed(2)))]
#[cfg_attr(not(target_os = "macos"), repr(C))]
pub(crate) struct OidSet {
    pub(crate) count: usize,
    pub(crate) elements: *const Oid,
}

/// `gss_key_value_element_desc`.
#[repr(C)]
pub(crate) struct KeyValue {
    pub(crate) key: *const c_char,
    pub(crate) value: *const c_char,
}

/// `gss_key_value_set_desc`.
#[repr(C)]
pub(crate) struct KeyValues {
    pub(crate) count: u32,
    pub(crate) elements: *const KeyValue,
}

/// 1.2.840.113554.1.2.2, the mechanism Kerberos 5 (RFC 4121).
pub(crate) const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
/// 1.2.840.113554.1.2.2.1, `GSS_KRB5_NT_PRINCIPAL_NAME` (RFC 1964 2.1.1).
pub(crate) const PRINCIPAL_NAME: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";

/// `GSS_C_MUTUAL_FLAG` and `GSS_C_SEQUENCE_FLAG`.
pub(crate) const MUTUAL_AND_SEQUENCE: u32 = 2 | 8;
pub(crate) const INITIATE: c_int = 1;
pub(crate) const ACCEPT: c_int = 2;
/// The two codes of `gss_display_status`.
pub(crate) const GSS_CODE: c_int = 1;
pub(crate) const MECHANISM_CODE: c_int = 2;
pub(crate) const CONTINUE_NEEDED: Status = 1;
/// Calling and routine errors (RFC 2744 3.9.1); below them are bits of information.
pub(crate) const ERRORS: Status = 0xffff_0000;

pub(crate) type ImportName =
    unsafe extern "C" fn(*mut Status, *const Buffer, *const Oid, *mut Handle) -> Status;
pub(crate) type ReleaseName = unsafe extern "C" fn(*mut Status, *mut Handle) -> Status;
pub(crate) type DisplayName =
    unsafe extern "C" fn(*mut Status, Handle, *mut Buffer, *mut *const Oid) -> Status;
pub(crate) type ReleaseBuffer = unsafe extern "C" fn(*mut Status, *mut Buffer) -> Status;
pub(crate) type ReleaseCredentials = unsafe extern "C" fn(*mut Status, *mut Handle) -> Status;
pub(crate) type DeleteContext =
    unsafe extern "C" fn(*mut Status, *mut Handle, *mut Buffer) -> Status;
pub(crate) type DisplayStatus =
    unsafe extern "C" fn(*mut Status, Status, c_int, *const Oid, *mut u32, *mut Buffer) -> Status;
pub(crate) type AcquireFrom = unsafe extern "C" fn(
    *mut Status,
    Handle,
    u32,
    *const OidSet,
    c_int,
    *const KeyValues,
    *mut Handle,
    *mut *mut OidSet,
    *mut u32,
) -> Status;
pub(crate) type InitContext = unsafe extern "C" fn(
    *mut Status,
    Handle,
    *mut Handle,
    Handle,
    *const Oid,
    u32,
    u32,
    *const c_void,
    *const Buffer,
    *mut *const Oid,
    *mut Buffer,
    *mut u32,
    *mut u32,
) -> Status;
pub(crate) type AcceptContext = unsafe extern "C" fn(
    *mut Status,
    *mut Handle,
    Handle,
    *const Buffer,
    *const c_void,
    *mut Handle,
    *mut *const Oid,
    *mut Buffer,
    *mut u32,
    *mut u32,
    *mut Handle,
) -> Status;
