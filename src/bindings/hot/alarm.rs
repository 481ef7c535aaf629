//! Calls a JavaScript function from another thread: raw, because the derived kind takes a value and a
//! conversion with every call and cannot let the process end while nothing is awaited.
#![expect(unsafe_code, reason = "Node-API's thread-safe functions are pointers")]

use super::check;
use crate::redis_store::line::{Line, Wake};
use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
use napi::sys;
use parking_lot::Mutex;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Weak};

/// A JavaScript function that any thread may have called, without arguments.
///
/// It keeps the process alive only while [`Alarm::hold`] says so. When its environment ends, on which its
/// worker may do so at any moment, calls do nothing any more.
pub struct Alarm {
    env: sys::napi_env,
    function: Arc<Function>,
    is_held: std::cell::Cell<bool>,
}

/// The part that other threads see.
struct Function {
    raw: Mutex<Option<Raw>>,
    /// What to close when the environment ends.
    line: Mutex<Weak<Line>>,
}

struct Raw(sys::napi_threadsafe_function);

// SAFETY: Node-API allows calling and releasing a thread-safe function on any thread; the mutex around it
// keeps it from being used after its release.
unsafe impl Send for Raw {}

impl Alarm {
    /// The waker to give away.
    #[must_use]
    pub fn waker(&self) -> Box<dyn Wake> {
        Box::new(Ringer(Arc::clone(&self.function)))
    }

    /// Closes this line when the environment ends.
    pub fn guard(&self, line: &Arc<Line>) {
        *self.function.line.lock() = Arc::downgrade(line);
    }

    /// Whether the process is to stay alive for the next call.
    pub fn hold(&self, is_held: bool) {
        if self.is_held.replace(is_held) == is_held {
            return;
        }
        let raw = self.function.raw.lock();
        let Some(Raw(raw)) = &*raw else { return };
        // SAFETY: the function is not released, which the lock ensures, and an alarm stays on the thread of
        // the environment that made it.
        unsafe {
            if is_held {
                sys::napi_ref_threadsafe_function(self.env, *raw);
            } else {
                sys::napi_unref_threadsafe_function(self.env, *raw);
            }
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let is_alive = self.function.raw.lock().is_some();
        if is_alive {
            let data = Arc::as_ptr(&self.function).cast_mut().cast::<c_void>();
            // SAFETY: the environment has not ended, or the hook would have taken the function. The hook was
            // added with this very pointer, and holds one count of it.
            unsafe {
                sys::napi_remove_env_cleanup_hook(self.env, Some(end), data);
                end(data);
            }
        }
    }
}

struct Ringer(Arc<Function>);

impl Wake for Ringer {
    fn wake(&self) {
        let raw = self.0.raw.lock();
        let Some(Raw(raw)) = &*raw else { return };
        let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
        // SAFETY: the function is not released, which the lock ensures.
        unsafe { sys::napi_call_threadsafe_function(*raw, ptr::null_mut(), mode) };
    }
}

/// Gives the function up: its environment ends, or nobody has the alarm any more.
unsafe extern "C" fn end(data: *mut c_void) {
    // SAFETY: `data` is the count that `from_napi_value` leaked; this runs once, because whoever runs it
    // removes the hook.
    let function = unsafe { Arc::from_raw(data.cast::<Function>()) };
    if let Some(line) = function.line.lock().upgrade() {
        line.close();
    }
    let raw = function.raw.lock().take();
    if let Some(Raw(raw)) = raw {
        let mode = sys::ThreadsafeFunctionReleaseMode::abort;
        // SAFETY: it is released once, because it was taken out.
        unsafe { sys::napi_release_threadsafe_function(raw, mode) };
    }
}

impl TypeName for Alarm {
    fn type_name() -> &'static str {
        "Function"
    }

    fn value_type() -> napi::ValueType {
        napi::ValueType::Function
    }
}

impl ValidateNapiValue for Alarm {}

impl FromNapiValue for Alarm {
    unsafe fn from_napi_value(env: sys::napi_env, callback: sys::napi_value) -> napi::Result<Self> {
        let (mut name, mut raw) = (ptr::null_mut(), ptr::null_mut());
        let text = c"carapace";
        // SAFETY: the caller vouches for `env` and `callback`; every out-pointer is a local.
        unsafe {
            let length = isize::try_from(text.count_bytes()).unwrap_or(0);
            check(sys::napi_create_string_utf8(env, text.as_ptr(), length, &raw mut name))?;
            check(sys::napi_create_threadsafe_function(
                env,
                callback,
                ptr::null_mut(),
                name,
                0,
                1,
                ptr::null_mut(),
                None,
                ptr::null_mut(),
                None,
                &raw mut raw,
            ))?;
            check(sys::napi_unref_threadsafe_function(env, raw))?;
        }
        let function =
            Arc::new(Function { raw: Mutex::new(Some(Raw(raw))), line: Mutex::new(Weak::new()) });
        let data = Arc::into_raw(Arc::clone(&function)).cast_mut().cast::<c_void>();
        // SAFETY: hooks run in reverse order, so this one does before Node frees the function.
        unsafe { check(sys::napi_add_env_cleanup_hook(env, Some(end), data))? };
        Ok(Self { env, function, is_held: std::cell::Cell::new(false) })
    }
}
