//! Raw Node-API callbacks for the request path: 10–30 ns a call, where a derived binding takes 100–165 ns
//! for each argument.
//!
//! A [`HotFunction`] answers with a number or a string; further results lie in a `Float64Array` that is
//! pinned to the function as its property `out`. Each call runs inside `catch_unwind`: a panic becomes a JavaScript
//! exception, on which the middleware refuses the request.
#![expect(
    unsafe_code,
    reason = "the derive is too slow for the request path; see the module's text"
)]

pub mod alarm;

use super::hooks;
use napi::sys;
use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// The most arguments a hot function takes.
const MAX_ARGUMENTS: usize = 6;

/// A string that cannot be used as one, or bytes that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadArgument;

/// One function of the request path together with its configuration.
///
/// It is called on one thread only, the one of the JavaScript environment that made it.
pub trait HotFunction: Sized + 'static {
    /// Its name in stack traces.
    const NAME: &'static CStr;
    /// How many numbers it writes into `out`.
    const OUT: usize;

    /// Answers one call.
    ///
    /// # Errors
    /// [`BadArgument`] when an argument has another type than the function takes.
    fn call(&self, arguments: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument>;
}

/// What a hot function returns to JavaScript.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    /// A number.
    Number(f64),
    /// A string that [`Arguments::latin1`] or [`Arguments::utf16_string`] made during this call.
    String(JsString),
}

/// A JavaScript string, valid until the call that made it returns.
#[derive(Debug, Clone, Copy)]
pub struct JsString(sys::napi_value);

/// One value of JavaScript's, valid for the length of the call.
#[derive(Clone, Copy)]
pub struct Value<'call> {
    env: sys::napi_env,
    raw: sys::napi_value,
    call: PhantomData<&'call ()>,
}

/// What JavaScript passed, valid for the length of the call.
pub struct Arguments<'call> {
    env: sys::napi_env,
    values: [sys::napi_value; MAX_ARGUMENTS],
    count: usize,
    call: PhantomData<&'call ()>,
}

impl<'call> Arguments<'call> {
    fn value(&self, index: usize) -> Result<sys::napi_value, BadArgument> {
        self.values.get(index).copied().ok_or(BadArgument)
    }

    /// How many were passed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether none was passed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value at `index`; `undefined` when it was not passed.
    ///
    /// # Errors
    /// [`BadArgument`] when no function has that many arguments.
    pub fn at(&self, index: usize) -> Result<Value<'call>, BadArgument> {
        Ok(Value { env: self.env, raw: self.value(index)?, call: PhantomData })
    }

    /// The number at `index`.
    ///
    /// # Errors
    /// [`BadArgument`] when it is none.
    pub fn number(&self, index: usize) -> Result<f64, BadArgument> {
        self.at(index)?.number()
    }

    /// The string at `index`: see [`Value::utf16`].
    ///
    /// # Errors
    /// [`BadArgument`] when it is no string.
    pub fn utf16<'buffer>(
        &self,
        index: usize,
        buffer: &'buffer mut Vec<u16>,
    ) -> Result<&'buffer [u16], BadArgument> {
        self.at(index)?.utf16(buffer)
    }

    /// The bytes of the typed array or Buffer at `index`.
    ///
    /// # Errors
    /// [`BadArgument`] when it is neither, or lies over a `SharedArrayBuffer`, whose bytes another thread
    /// may change while they are read.
    pub fn bytes(&self, index: usize) -> Result<&'call [u8], BadArgument> {
        let value = self.value(index)?;
        let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
        let (mut owner, mut offset, mut is_owned) = (ptr::null_mut(), 0, false);
        // SAFETY: every out-pointer is a local; on a value of another type the call fails with a status.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                value,
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                &raw mut owner,
                &raw mut offset,
            )
        };
        ok(status)?;
        // SAFETY: `owner` was just given to us. It is false for a SharedArrayBuffer.
        ok(unsafe { sys::napi_is_arraybuffer(self.env, owner, &raw mut is_owned) })?;
        if !is_owned || kind != sys::TypedarrayType::uint8_array {
            return Err(BadArgument);
        }
        if length == 0 || data.is_null() {
            return Ok(&[]);
        }
        // SAFETY: JavaScript is suspended during the call and the array is one of its arguments, so the
        // memory stays where it is, alive and unchanged, for `'call`.
        Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) })
    }
}

impl Value<'_> {
    /// The number that it is.
    ///
    /// # Errors
    /// [`BadArgument`] when it is none.
    pub fn number(self) -> Result<f64, BadArgument> {
        let mut number = 0.0;
        // SAFETY: `env` and the value belong to the running call; `number` outlives it.
        let status = unsafe { sys::napi_get_value_double(self.env, self.raw, &raw mut number) };
        ok(status).map(|()| number)
    }

    /// Whether it is `undefined`, as an argument that was not passed is.
    ///
    /// # Errors
    /// [`BadArgument`] when Node does not say.
    pub fn is_undefined(self) -> Result<bool, BadArgument> {
        let mut kind = 0;
        // SAFETY: `env` and the value belong to the running call; `kind` outlives it.
        ok(unsafe { sys::napi_typeof(self.env, self.raw, &raw mut kind) })?;
        Ok(kind == sys::ValueType::napi_undefined)
    }

    /// What it holds at `index` when it is an array, and itself when it is none.
    ///
    /// # Errors
    /// [`BadArgument`] when reading the array throws, as that of a proxy may.
    pub fn element(self, index: usize) -> Result<Self, BadArgument> {
        let mut is_array = false;
        // SAFETY: `env` and the value belong to the running call; `is_array` outlives it.
        ok(unsafe { sys::napi_is_array(self.env, self.raw, &raw mut is_array) })?;
        if !is_array {
            return Ok(self);
        }
        let index = u32::try_from(index).map_err(|_| BadArgument)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the value is an array; its element is kept alive by the running call.
        ok(unsafe { sys::napi_get_element(self.env, self.raw, index, &raw mut raw) })?;
        Ok(Self { raw, ..self })
    }

    /// The whole string as UTF-16, read into `buffer`, which grows when it has to: a key is never cut, and
    /// lone surrogates stay apart.
    ///
    /// # Errors
    /// [`BadArgument`] when it is no string.
    pub fn utf16(self, buffer: &mut Vec<u16>) -> Result<&[u16], BadArgument> {
        const ROOM: usize = 128;
        if buffer.len() < ROOM {
            buffer.resize(ROOM, 0);
        }
        let mut written = self.copy_utf16(buffer)?;
        // One unit is the terminator's: a full buffer may mean that more is to come.
        if written + 1 >= buffer.len() {
            buffer.resize(self.utf16_length()? + 1, 0);
            written = self.copy_utf16(buffer)?;
        }
        buffer.get(..written).ok_or(BadArgument)
    }

    fn copy_utf16(self, buffer: &mut [u16]) -> Result<usize, BadArgument> {
        let mut written = 0;
        // SAFETY: the length passed is the buffer's own, and Node writes at most that many units.
        let status = unsafe {
            sys::napi_get_value_string_utf16(
                self.env,
                self.raw,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut written,
            )
        };
        ok(status).map(|()| written)
    }

    fn utf16_length(self) -> Result<usize, BadArgument> {
        let mut length = 0;
        // SAFETY: a null buffer asks for the length alone.
        let status = unsafe {
            sys::napi_get_value_string_utf16(
                self.env,
                self.raw,
                ptr::null_mut(),
                0,
                &raw mut length,
            )
        };
        ok(status).map(|()| length)
    }
}

impl Arguments<'_> {
    /// A string of these Latin-1 bytes.
    ///
    /// # Errors
    /// [`BadArgument`] when it is longer than V8 makes strings.
    pub fn latin1(&self, bytes: &[u8]) -> Result<JsString, BadArgument> {
        let length = isize::try_from(bytes.len()).map_err(|_| BadArgument)?;
        let mut string = ptr::null_mut();
        // SAFETY: pointer and length are the slice's own; Node copies the bytes.
        let status = unsafe {
            sys::napi_create_string_latin1(self.env, bytes.as_ptr().cast(), length, &raw mut string)
        };
        ok(status).map(|()| JsString(string))
    }

    /// A string of these UTF-16 units.
    ///
    /// # Errors
    /// [`BadArgument`] when it is longer than V8 makes strings.
    pub fn utf16_string(&self, units: &[u16]) -> Result<JsString, BadArgument> {
        let length = isize::try_from(units.len()).map_err(|_| BadArgument)?;
        let mut string = ptr::null_mut();
        // SAFETY: pointer and length are the slice's own; Node copies the units.
        let status = unsafe {
            sys::napi_create_string_utf16(self.env, units.as_ptr(), length, &raw mut string)
        };
        ok(status).map(|()| JsString(string))
    }
}

/// A [`HotFunction`] on its way to JavaScript, where it arrives as a function.
pub struct HotHandle<F: HotFunction>(pub F);

struct Slot<F> {
    function: F,
    out: *mut f64,
}

impl<F: HotFunction> napi::bindgen_prelude::ToNapiValue for HotHandle<F> {
    unsafe fn to_napi_value(env: sys::napi_env, handle: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller vouches for `env`.
        let (array, out) = unsafe { create_out::<F>(env)? };
        let slot = Box::into_raw(Box::new(Slot { function: handle.0, out }));
        let mut function = ptr::null_mut();
        // SAFETY: `slot` is live until the finalizer, which runs once, after the function is unreachable.
        unsafe {
            let name = F::NAME;
            let length = isize::try_from(name.count_bytes()).unwrap_or(0);
            let callback = Some(trampoline::<F> as unsafe extern "C" fn(_, _) -> _);
            let data = slot.cast::<c_void>();
            check(sys::napi_create_function(
                env,
                name.as_ptr(),
                length,
                callback,
                data,
                &raw mut function,
            ))?;
            define_out(env, function, array)?;
            check(sys::napi_add_finalizer(
                env,
                function,
                data,
                Some(drop_slot::<F>),
                ptr::null_mut(),
                ptr::null_mut(),
            ))?;
        }
        Ok(function)
    }
}

/// Makes the `Float64Array` that carries further results, in memory that V8 owns and never moves.
unsafe fn create_out<F: HotFunction>(
    env: sys::napi_env,
) -> napi::Result<(sys::napi_value, *mut f64)> {
    let (mut buffer, mut array, mut data) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    let bytes = F::OUT * size_of::<f64>();
    // SAFETY: every out-pointer is a local; the array covers exactly the buffer just made.
    unsafe {
        check(sys::napi_create_arraybuffer(env, bytes, &raw mut data, &raw mut buffer))?;
        check(sys::napi_create_typedarray(
            env,
            sys::TypedarrayType::float64_array,
            F::OUT,
            buffer,
            0,
            &raw mut array,
        ))?;
    }
    Ok((array, data.cast::<f64>()))
}

/// Ties `out` to the function for good: neither writable nor configurable, so the memory lives as long as
/// the function does.
unsafe fn define_out(
    env: sys::napi_env,
    function: sys::napi_value,
    array: sys::napi_value,
) -> napi::Result<()> {
    let property = sys::napi_property_descriptor {
        utf8name: c"out".as_ptr(),
        name: ptr::null_mut(),
        method: None,
        getter: None,
        setter: None,
        value: array,
        attributes: sys::PropertyAttributes::default,
        data: ptr::null_mut(),
    };
    // SAFETY: one descriptor is passed, and it outlives the call.
    check(unsafe { sys::napi_define_properties(env, function, 1, &raw const property) })
}

unsafe extern "C" fn drop_slot<F: HotFunction>(
    _: sys::napi_env,
    data: *mut c_void,
    _: *mut c_void,
) {
    // SAFETY: `data` is the box leaked in `to_napi_value`; a finalizer runs once. A panic in the drop must
    // not unwind into Node.
    let _ =
        catch_unwind(AssertUnwindSafe(|| unsafe { drop(Box::from_raw(data.cast::<Slot<F>>())) }));
}

unsafe extern "C" fn trampoline<F: HotFunction>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: Node calls this with a live env and info.
    let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { run::<F>(env, info) }));
    let mut result = ptr::null_mut();
    match outcome {
        // SAFETY: creating a number needs nothing but the env.
        Ok(Ok(Reply::Number(number))) => unsafe {
            sys::napi_create_double(env, number, &raw mut result);
        },
        Ok(Ok(Reply::String(JsString(string)))) => result = string,
        Ok(Err(BadArgument)) => throw(env, c"a hot function got an argument of the wrong type"),
        Err(_) => throw(env, c"the native core panicked"),
    }
    result
}

unsafe fn run<F: HotFunction>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> Result<Reply, BadArgument> {
    let mut count = MAX_ARGUMENTS;
    let mut values = [ptr::null_mut(); MAX_ARGUMENTS];
    let mut data = ptr::null_mut();
    // SAFETY: Node fills at most `count` values, missing ones with `undefined`.
    ok(unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            values.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut data,
        )
    })?;
    hooks::crossing(hooks::Kind::Hot);
    // SAFETY: `data` is the slot of the function being called, which is therefore alive; its `out` points
    // to `F::OUT` numbers that the function's property keeps alive, and no other reference to them exists
    // while JavaScript is suspended.
    let (slot, out) = unsafe {
        let slot = &*data.cast::<Slot<F>>();
        let out: &mut [f64] =
            if F::OUT == 0 { &mut [] } else { std::slice::from_raw_parts_mut(slot.out, F::OUT) };
        (slot, out)
    };
    slot.function.call(&Arguments { env, values, count, call: PhantomData }, out)
}

fn throw(env: sys::napi_env, message: &CStr) {
    // SAFETY: both strings are static and end in NUL.
    unsafe { sys::napi_throw_error(env, c"ERR_CARAPACE_INTERNAL".as_ptr(), message.as_ptr()) };
}

fn ok(status: sys::napi_status) -> Result<(), BadArgument> {
    if status == sys::Status::napi_ok { Ok(()) } else { Err(BadArgument) }
}

fn check(status: sys::napi_status) -> napi::Result<()> {
    napi::check_status!(status)
}
